package fmuctest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A Client is in one room of its node.
type Client struct {
	Node *Node
	Full jid.JID
	room jid.JID
	nick string
	said int

	mu    sync.Mutex // guards what follows
	got   []*stanza.Stanza
	crowd map[string]bool // by nick
}

// Login makes an account with one client, NAME@NODE.net/x.
func (n *Node) Login(name string) *Client {
	tb := n.World.TB
	tb.Helper()
	c := &Client{Node: n, Full: jid.MustParse(name + "@" + n.Domain() + "/x"), crowd: make(map[string]bool)}
	n.Update(func(t *router.Turn) error {
		if ok, err := t.Tx.AccountExists(c.Full.Bare().String()); ok || err != nil {
			return err
		}
		return t.Tx.PutAccount(store.Account{JID: c.Full.Bare().String()})
	})
	if _, ok := n.Host.Bind(local.NewResource(c.Full, c), 10); !ok {
		tb.Fatalf("cannot bind %s", c.Full)
	}
	n.clients = append(n.clients, c)
	return c
}

// Enter is Login and Join.
func (n *Node) Enter(name, room, nick string) *Client {
	c := n.Login(name)
	c.Join(room, nick)
	return c
}

// Join enters a room of the node.
func (c *Client) Join(room, nick string) {
	c.room, c.nick = c.Node.Room(room), nick
	c.Do("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", c.room, nick)
}

// Leave leaves it.
func (c *Client) Leave() { c.Do("<presence type='unavailable' to='%s/%s'/>", c.room, c.nick) }

// Rename takes another nick.
func (c *Client) Rename(nick string) {
	c.Do("<presence to='%s/%s'/>", c.room, nick)
	c.nick = nick
}

// Show says how available it is.
func (c *Client) Show(show string) {
	c.Do("<presence to='%s/%s'><show>%s</show></presence>", c.room, c.nick, show)
}

// Say says a line, and returns its id.
func (c *Client) Say(text string) string {
	c.said++
	id := fmt.Sprintf("%s-%d", c.Full.Local(), c.said)
	c.Do("<message to='%s' type='groupchat' id='%s'><body>%s</body></message>", c.room, id, text)
	return id
}

// Subject changes the subject.
func (c *Client) Subject(text string) {
	c.Do("<message to='%s' type='groupchat' id='s'><subject>%s</subject></message>", c.room, text)
}

// Whisper says something in private.
func (c *Client) Whisper(nick, text string) {
	c.Do("<message to='%s/%s' type='chat' id='w'><body>%s</body></message>", c.room, nick, text)
}

// Do sends a stanza.
func (c *Client) Do(format string, args ...any) {
	tb := c.Node.World.TB
	tb.Helper()
	st, err := stream.ParseStanza(fmt.Appendf(nil, format, args...))
	if err != nil {
		tb.Fatal(err)
	}
	st.From = c.Full
	c.Node.Update(func(t *router.Turn) error { return c.Node.Router.Route(t, st) })
}

// Send takes what the node gives the client.
func (c *Client) Send(st *stanza.Stanza, _ uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, st)
	if st.Kind != stanza.Presence || st.From.Bare() != c.room {
		return
	}
	i, _ := fmuc.ParseItem(st)
	switch {
	case st.Type == stanza.Unavailable && i.Has(110) && !i.Has(303):
		clear(c.crowd) // that is itself
	case st.Type == stanza.Unavailable:
		delete(c.crowd, st.From.Resource())
	case st.Type == "":
		c.crowd[st.From.Resource()] = true
	}
}

// End and Addr make it a local.Outbox.
func (c *Client) End(string, string) {}

// Addr is nowhere.
func (c *Client) Addr() string { return "192.0.2.1:50000" }

// Crowd is who the client believes to be in the room, sorted.
func (c *Client) Crowd() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(c.crowd)), ", ")
}

// Got takes all that has come since the last call, in XML.
func (c *Client) Got() (all []string) {
	for _, st := range c.take() {
		all = append(all, string(st.AppendTo(nil, c.Full)))
	}
	return all
}

// Heard takes what has come since the last call and was said, as "nick: text"; late lines have a + before them, private
// ones a ~, errors a !, subjects are "nick = text".
func (c *Client) Heard() (all []string) {
	for _, st := range c.take() {
		if line := heard(st); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func (c *Client) take() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.got
	c.got = nil
	return got
}

func heard(st *stanza.Stanza) string {
	if st.Kind != stanza.Message {
		return ""
	}
	mark := ""
	switch {
	case st.IsError():
		return "!" + st.From.Resource() + " " + st.ID
	case st.Type == stanza.Chat:
		mark = "~"
	case st.Has("urn:xmpp:delay", "delay"):
		mark = "+"
	}
	if b, ok := st.Child("", "body"); ok {
		return mark + st.From.Resource() + ": " + st.Text(b)
	}
	if s, ok := st.Child("", "subject"); ok {
		return mark + st.From.Resource() + " = " + st.Text(s)
	}
	return ""
}

// Archive is what a room keeps, as "nick: text", in the order of the times.
func (n *Node) Archive(room string) (all []string) {
	n.World.TB.Helper()
	must(n.World.TB, n.DB.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(n.Room(room).String(), 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			st, err := stream.ParseStanza(e.Stanza)
			if err == nil && !st.Has("", "subject") {
				all = append(all, heard(st))
			}
			return true, err
		})
	}))
	return all
}

// Nick is the client's own in the room.
func (c *Client) Nick() string { return c.nick }

// Lines is how many lines it has said.
func (c *Client) Lines() int { return c.said }

// Clients are those that have logged in at the node since its start.
func (n *Node) Clients() []*Client { return n.clients }
