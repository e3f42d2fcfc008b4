// Package plays lets tests of rosters and presence be written as small plays of stanzas, readable without knowing Go.
// The stage is a real store and the real Sink of the domain hq.net; only the clients' streams and the blocker are fakes.
//
//	alice/desk connects                       a client logs in; it has not said anything yet
//	alice/desk sends <presence/>              what the client sends
//	alice/desk quickly sends <presence/>      the same, and nothing durable may be needed for it
//	bob/phone  gets  <presence from='…'/>     the next thing on the client's stream, exactly; to is left out
//	bob/phone  gets  nothing
//	alice/desk wants urn:a urn:b              its client is capable of that: {caps} in what it sends stands for its <c/>, and
//	                                          it answers when it is asked what that means
//	alice/desk hangs up                       the connection ends without a word
//	alice      blocks bob@hq.net
//	alice      unblocks bob@hq.net
//	far.net    sends <presence from='…' to='…'/>
//	far.net    gets  <presence from='…' to='…'/>
//
// far.net is a domain across a link, so that everything for it must be in a transaction; rooms.net is a service on this
// node that needs none. A line that begins with # is a remark. The ids of roster pushes and of events, and the times of
// delay stamps, are written as *, as are the ids that rooms give to occupants and lines. What nobody has read by the end
// of the play is an error.
package plays

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/presence"
	"longwire/xmpp/roster"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Domain is where the play is set.
const Domain = "hq.net"

// Stage is the node with its clients and neighbours.
type Stage struct {
	t      testing.TB
	DB     *store.DB
	Router *router.Router
	Host   *local.Host
	Engine *presence.Engine
	Roster *roster.Service

	blocks  blocker
	clients map[string]*Client
	far     map[string]*neighbour
}

// New builds a stage with the accounts alice and bob.
func New(t testing.TB) *Stage {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var r router.Router
	s := &Stage{t: t, DB: db, Router: &r, clients: make(map[string]*Client), far: make(map[string]*neighbour)}
	s.Host = local.New(db, &r)
	s.Roster = roster.New(s.Host)
	s.Engine = presence.New(s.Host, s.Roster)
	s.Host.Use(s.Engine, &s.blocks)
	if err := s.Host.SetDomains([]string{Domain}); err != nil {
		t.Fatal(err)
	}
	for domain, needsTx := range map[string]bool{"far.net": true, "rooms.net": false} {
		n := &neighbour{needsTx: needsTx}
		s.far[domain] = n
		if _, err := r.Bind(domain, n); err != nil {
			t.Fatal(err)
		}
	}
	s.Account("alice")
	s.Account("bob")
	return s
}

// Account makes an account.
func (s *Stage) Account(name string) {
	s.t.Helper()
	err := s.DB.Update(func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: name + "@" + Domain}) })
	if err != nil {
		s.t.Fatal(err)
	}
}

// Item puts a contact into an account's roster, behind everybody's back.
func (s *Stage) Item(account string, it store.RosterItem) {
	s.t.Helper()
	err := s.DB.Update(func(tx *store.Tx) error {
		_, err := tx.PutRosterItem(account+"@"+Domain, it)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Play acts out a script and checks that every client and neighbour has read all it got.
func (s *Stage) Play(script string) {
	s.t.Helper()
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			s.Act(line)
		}
	}
	for name, c := range s.clients {
		for _, x := range c.all() {
			s.t.Errorf("%s also got %s", name, x)
		}
	}
	for name, n := range s.far {
		for _, x := range n.all() {
			s.t.Errorf("%s also got %s", name, x)
		}
	}
}

var shape = regexp.MustCompile(`^(\S+)\s+(connects|hangs up|blocks|unblocks|sends|quickly sends|gets|wants)\s*(.*)$`)

// Act plays one line.
func (s *Stage) Act(line string) {
	s.t.Helper()
	m := shape.FindStringSubmatch(line)
	if m == nil {
		s.t.Fatalf("no such line in a play: %s", line)
	}
	who, verb, what := m[1], m[2], m[3]
	if verb == "gets" {
		s.expect(line, who, what)
		return
	}
	if n := s.far[who]; n != nil {
		st := s.parse(what)
		s.turn(line, false, func(t *router.Turn) error { return s.Host.Route(t, st) })
		return
	}
	switch verb {
	case "connects":
		s.Connect(who)
	case "hangs up":
		c := s.client(who)
		s.Host.Unbind(c.Resource)
		s.turn(line, false, func(t *router.Turn) error { return s.Engine.Gone(t, c.Resource, "") })
		delete(s.clients, who)
	case "wants":
		s.client(who).wants = slices.Sorted(slices.Values(strings.Fields(what)))
	case "blocks", "unblocks":
		s.block(line, who, jid.MustParse(what), verb == "blocks")
	default:
		s.Send(who, what, verb == "quickly sends")
	}
}

func (s *Stage) block(line, who string, what jid.JID, on bool) {
	s.t.Helper()
	account := jid.MustParse(who + "@" + Domain)
	s.blocks.set(account, what, on)
	s.turn(line, false, func(t *router.Turn) error { return s.Engine.OnBlocking(t, account, what, on) })
}

func (s *Stage) parse(xml string) *stanza.Stanza {
	s.t.Helper()
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		s.t.Fatalf("%s: %v", xml, err)
	}
	return st
}

// Connect logs a client in.
func (s *Stage) Connect(who string) {
	s.t.Helper()
	name, resource, ok := strings.Cut(who, "/")
	full, err := jid.New(name, Domain, resource)
	if err != nil || !ok {
		s.t.Fatalf("%s is no client", who)
	}
	c := &Client{}
	c.Resource = local.NewResource(full, c)
	s.Host.Bind(c.Resource, 100)
	s.clients[who] = c
}

func (s *Stage) client(who string) *Client {
	s.t.Helper()
	c := s.clients[who]
	if c == nil {
		s.t.Fatalf("%s is not connected", who)
	}
	return c
}

// Client returns a connected client.
func (s *Stage) Client(who string) *Client { s.t.Helper(); return s.client(who) }

// On makes t the one that hears of faults: a fuzz target's.
func (s *Stage) On(t testing.TB) { s.t = t }

// TryParse reads a stanza that may be none.
func (s *Stage) TryParse(xml string) (*stanza.Stanza, bool) {
	st, err := stream.ParseStanza([]byte(xml))
	return st, err == nil
}

// Route lets a client send a stanza that was read before.
func (s *Stage) Route(who string, st *stanza.Stanza) {
	s.t.Helper()
	c := s.client(who)
	s.turn(who+" sends", false, func(t *router.Turn) error { return s.FromClient(t, c, st) })
}

// Block lets an account block someone, or no longer.
func (s *Stage) Block(account, contact string) {
	s.t.Helper()
	s.block(account+" blocks "+contact, account, jid.MustParse(contact), true)
}

// Got reads all that a client has got so far.
func (s *Stage) Got(who string) []string { s.t.Helper(); return s.client(who).all() }

// Drain reads what everybody has got so far.
func (s *Stage) Drain() {
	for _, c := range s.clients {
		c.all()
	}
	for _, n := range s.far {
		n.all()
	}
}

// Send lets a client send a stanza, the way a client stream brings it in.
func (s *Stage) Send(who, xml string, quick bool) {
	s.t.Helper()
	c := s.client(who)
	st := s.parse(strings.ReplaceAll(xml, "{caps}", c.caps()))
	s.turn(who+" sends "+xml, quick, func(t *router.Turn) error { return s.FromClient(t, c, st) })
}

// FromClient does what a client stream does with a stanza.
func (s *Stage) FromClient(t *router.Turn, c *Client, st *stanza.Stanza) error {
	st = st.Copy()
	st.From = c.Resource.JID()
	if st.Kind != stanza.Presence {
		if st.To.IsZero() {
			st.To = st.From.Bare()
		}
		return s.Host.Route(t, st)
	}
	err := s.Engine.FromClient(t, c.Resource, st)
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		if back := st.ErrorReply(refusal); back != nil {
			t.After(func() { c.Send(back, 0) })
		}
		return nil
	}
	return err
}

// turn runs a Turn quickly, or again with a transaction when it needs one.
func (s *Stage) turn(line string, quick bool, f func(*router.Turn) error) {
	s.t.Helper()
	var t router.Turn
	err := f(&t)
	if errors.Is(err, router.ErrNeedTx) && !quick {
		err = s.DB.Update(func(tx *store.Tx) error {
			t.Reset(tx)
			return f(&t)
		})
		t.Tx = nil
	}
	if err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	t.Done()
	s.answers()
}

// answers lets clients say what they are capable of, if they were asked.
func (s *Stage) answers() {
	s.t.Helper()
	for who, c := range s.clients {
		for _, q := range c.takeAsked() {
			q.Inner = nil
			r := q.Result([]byte(c.info()))
			s.Send(who, string(r.Bytes()), false)
		}
	}
}

func (s *Stage) expect(line, who, what string) {
	s.t.Helper()
	var got string
	if n := s.far[who]; n != nil {
		got = n.next()
	} else {
		got = s.client(who).next()
	}
	want := what
	if want != "nothing" {
		if c := s.clients[who]; c != nil {
			what = strings.ReplaceAll(what, "{caps}", c.caps())
		}
		want = written(s.parse(strings.ReplaceAll(what, "stamp='*'", "stamp='2026-01-01T00:00:00Z'")), s.far[who] != nil)
	}
	if got != want {
		s.t.Errorf("%s\n   got %s\n  want %s", line, got, want)
	}
}

var (
	stamps = regexp.MustCompile(`stamp='[^']*'`)
	given  = regexp.MustCompile(`(<(?:occupant|stanza)-id [^>]*\bid=)'[^']*'`)
)

const (
	nsEvent = "http://jabber.org/protocol/pubsub#event"
	nsInfo  = "http://jabber.org/protocol/disco#info"
)

// written is a stanza as plays write it.
func written(st *stanza.Stanza, withTo bool) string {
	st = st.Copy()
	if !withTo {
		st.To = jid.JID{}
	}
	if st.Kind == stanza.IQ && st.Type == stanza.Set || st.Kind == stanza.Message && st.Has(nsEvent, "event") {
		st.ID = "*"
	}
	return given.ReplaceAllString(stamps.ReplaceAllString(string(st.Bytes()), "stamp='*'"), "$1'*'")
}

// box is what someone got and has not read yet; mu guards it.
type box struct {
	mu  sync.Mutex
	got []string
}

func (b *box) put(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, s)
}

func (b *box) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) == 0 {
		return "nothing"
	}
	s := b.got[0]
	b.got = b.got[1:]
	return s
}

func (b *box) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.got
	b.got = nil
	return all
}

// Client is a client's stream.
type Client struct {
	Resource *local.Resource
	ID       func(string) // if set, gets the id of each stanza the client gets

	wants []string
	asked []*stanza.Stanza // guarded by box.mu
	box
}

func (c *Client) takeAsked() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.asked
	c.asked = nil
	return all
}

// info is what the client is capable of.
func (c *Client) info() string {
	b := "<query xmlns='" + nsInfo + "'><identity category='client' type='pc'/>"
	for _, n := range c.wants {
		b += "<feature var='" + n + "+notify'/>"
	}
	return b + "</query>"
}

// caps is the same as a verification string. XEP-0115 §5.1.
func (c *Client) caps() string {
	s := "client/pc//<"
	for _, n := range c.wants {
		s += n + "+notify<"
	}
	sum := sha1.Sum([]byte(s))
	return "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:play' ver='" + base64.StdEncoding.EncodeToString(sum[:]) + "'/>"
}

// Send takes what the node sends to the client.
func (c *Client) Send(s *stanza.Stanza, _ uint64) {
	if c.ID != nil {
		c.ID(s.ID)
	}
	if c.wants != nil && s.Type == stanza.Get && s.Has(nsInfo, "query") {
		c.mu.Lock()
		c.asked = append(c.asked, s)
		c.mu.Unlock()
		return
	}
	c.put(written(s, false))
}

// End does nothing: a play ends streams itself.
func (c *Client) End(string, string) {}

// Addr is nowhere.
func (c *Client) Addr() string { return "stage" }

// Got returns what the client has not read, and reads it.
func (c *Client) Got() []string { return c.all() }

// Far returns what a neighbour has not read, and reads it.
func (s *Stage) Far(domain string) []string { return s.far[domain].all() }

// neighbour is a domain beside ours.
type neighbour struct {
	needsTx bool
	box
}

// Accept takes a stanza; one across the link only within a transaction.
func (n *neighbour) Accept(t *router.Turn, s *stanza.Stanza) error {
	if n.needsTx {
		if err := t.NeedTx(); err != nil {
			return err
		}
	}
	t.After(func() { n.put(written(s, true)) })
	return nil
}

// blocker is a block list in memory; mu guards it.
type blocker struct {
	mu sync.Mutex
	m  map[[2]jid.JID]bool
}

func (b *blocker) set(account, other jid.JID, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = make(map[[2]jid.JID]bool)
	}
	b.m[[2]jid.JID{account, other}] = on
}

// Blocked tells whether account has blocked other.
func (b *blocker) Blocked(_ *router.Turn, account, other jid.JID) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, j := range []jid.JID{other, other.Bare(), other.DomainJID()} {
		if b.m[[2]jid.JID{account, j}] {
			return true, nil
		}
	}
	return false, nil
}
