package fmuc_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

// Here the test plays one of the nodes itself, word by word. {f bob@field.net/x} is the <fmuc/> of that user,
// {i none participant …} a muc#user item with an optional jid, and status codes behind it.
var macro = regexp.MustCompile(`\{([a-z]+)([^{}]*)\}`)

func x(s string) string {
	return macro.ReplaceAllStringFunc(s, func(m string) string {
		f := strings.Fields(m[1 : len(m)-1])
		switch f[0] {
		case "f":
			return "<fmuc xmlns='http://isode.com/protocol/fmuc' from='" + strings.Join(f[1:], " ") + "'/>"
		case "reject", "left":
			return "<fmuc xmlns='http://isode.com/protocol/fmuc'><" + f[0] + "/></fmuc>"
		case "muc":
			return "<x xmlns='http://jabber.org/protocol/muc'/>"
		case "i":
			item, codes := "<item affiliation='"+f[1]+"' role='"+f[2]+"'", ""
			for _, w := range f[3:] {
				switch {
				case strings.Contains(w, "@"):
					item += " jid='" + w + "'"
				case strings.HasPrefix(w, "="):
					item += " nick='" + w[1:] + "'"
				default:
					codes += "<status code='" + w + "'/>"
				}
			}
			return "<x xmlns='http://jabber.org/protocol/muc#user'>" + item + "/>" + codes + "</x>"
		case "history":
			return "<x xmlns='http://jabber.org/protocol/muc'><history " + strings.Join(f[1:], " ") + "/></x>"
		case "error":
			return "<error type='" + f[1] + "'><" + f[2] + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
		}
		return m
	})
}

// stamps differ from run to run only in what the bubble's clock makes of them.
var stamp = regexp.MustCompile(`stamp='[^']*'`)

// kin is what a room tells one of its own kind in a join, and until that is answered; to all others it is nothing.
var kin = regexp.MustCompile(`(<fmuc[^>]*?)( n='[^']*'/>|><s xmlns='urn:x-longwire:fmuc:0' [^>]*/></fmuc>)`)

func queued(t *testing.T, what string, l *fmuctest.Link, from *fmuctest.Node, want ...string) {
	t.Helper()
	got := l.Take(from)
	for i := range got {
		got[i] = kin.ReplaceAllString(stamp.ReplaceAllString(got[i], "stamp='*'"), "$1/>")
	}
	for i := range want {
		want[i] = x(want[i])
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d stanzas\n got %s\nwant %s", what, len(got), strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s, stanza %d:\n got %s\nwant %s", what, i, got[i], want[i])
		}
	}
}

// half is a started node and a link to one that the test plays.
func half(t *testing.T, played, name string, fed store.RoomFed, setup ...func(*fmuctest.Node)) (*fmuctest.Link, *fmuctest.Node) {
	w := fmuctest.New(t)
	n, far := w.Node(name), w.Node(played)
	far.Played = true
	l := w.Link(n, far)
	for _, f := range setup {
		f(n)
	}
	n.MakeRoom("ops", fed)
	n.Start()
	return l, n
}

// The joining side, as XEP-0289 §5 has it.
func TestJoiningNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "hq", "field", store.RoomFed{Node: "ops@chat.hq.net"})
		bob := n.Enter("bob", "ops", "Bob")
		queued(t, "the first join", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history maxstanzas='20'}{i none participant}</presence>")
		carol := n.Enter("carol", "ops", "Carol")
		bob.Say("early")
		queued(t, "what follows at once", l, n,
			"<presence from='ops@chat.field.net/Carol' to='ops@chat.hq.net/Carol'>{f carol@field.net/x}{muc}{i none participant}</presence>",
			"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='bob-1'><body>early</body>{f bob@field.net/x}</message>")
		for _, s := range []string{
			"<presence from='ops@chat.hq.net/Alice' to='ops@chat.field.net'>{f alice@hq.net/x}{i owner moderator}<show>away</show><c xmlns='http://jabber.org/protocol/caps'/></presence>",
			"<presence from='ops@chat.hq.net/Bob' to='ops@chat.field.net'>{f bob@field.net/x}{i none participant}</presence>",
			"<message from='ops@chat.hq.net/Old' to='ops@chat.field.net' type='groupchat' id='o1'>{f old@hq.net/x}<body>old</body><x xmlns='urn:xmpp:delay' stamp='20000101T00:00:00'/></message>",
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat'>{f alice@hq.net/x}<subject>Ops</subject><delay xmlns='urn:xmpp:delay' stamp='1999-12-31T00:00:00Z'/></message>",
		} {
			n.Arrive("hq", x(s))
		}
		queued(t, "nothing of that goes back", l, n)
		if got := bob.Crowd(); got != "Alice, Bob, Carol" {
			t.Errorf("Bob sees %s", got)
		}
		want(t, "carol", carol.Heard(), " = ", "Bob: early", "+Old: old", "+Alice = Ops")
		for _, g := range bob.Got() {
			if strings.Contains(g, "fmuc") || strings.Contains(g, "caps") {
				t.Errorf("a client gets %s", g)
			}
		}
		bob.Show("dnd")
		bob.Do("<presence to='ops@chat.field.net/Bob'><show>dnd</show><priority>5</priority><c xmlns='http://jabber.org/protocol/caps'/></presence>")
		queued(t, "availability", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{i none participant}<show>dnd</show></presence>")
		carol.Rename("Caro")
		queued(t, "a nick", l, n,
			"<presence from='ops@chat.field.net/Carol' to='ops@chat.hq.net/Carol' type='unavailable'>{f carol@field.net/x}{i none none =Caro 303}</presence>",
			"<presence from='ops@chat.field.net/Caro' to='ops@chat.hq.net/Caro'>{f carol@field.net/x}{i none participant}</presence>")
		carol.Whisper("Alice", "psst")
		queued(t, "a private message", l, n,
			"<message from='ops@chat.field.net/Caro' to='ops@chat.hq.net/Alice' type='chat' id='w'><body>psst</body>{f carol@field.net/x}</message>")
		bob.Subject("New")
		queued(t, "a subject that may not be set", l, n)
		bob.Leave()
		carol.Leave()
		queued(t, "farewells", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob' type='unavailable'>{f bob@field.net/x}{i none none}</presence>",
			"<presence from='ops@chat.field.net/Caro' to='ops@chat.hq.net/Caro' type='unavailable'>{f carol@field.net/x}{i none none}</presence>")
		// The answer to the farewell comes when somebody has joined again.
		bob.Join("ops", "Bob")
		queued(t, "joining again", l, n,
			"<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history since='1999-12-31T23:59:58Z'}{i none participant}</presence>")
		n.Arrive("hq", x("<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{left}</presence>"))
		queued(t, "the answer to the farewell", l, n)
		if st := status(t, n); st.State != fmuc.Joining || st.Resyncs != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func status(t *testing.T, n *fmuctest.Node) fmuc.PeerStatus {
	t.Helper()
	all, err := n.FMUC.Status(n.Room("ops"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return fmuc.PeerStatus{}
	}
	return all[0]
}

// The joined side, as XEP-0289 §5 has it.
func TestJoinedNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{})
		alice := n.Enter("alice", "ops", "Alice")
		alice.Say("one")
		alice.Say("two")
		queued(t, "nobody is told before somebody joins", l, n)
		n.Arrive("field", x("<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history maxstanzas='1'}{i none participant}</presence>"))
		queued(t, "the answer", l, n,
			"<presence from='ops@chat.hq.net/Alice' to='ops@chat.field.net'>{f alice@hq.net/x}{i none participant}</presence>",
			"<presence from='ops@chat.hq.net/Bob' to='ops@chat.field.net'>{f bob@field.net/x}{i none participant}</presence>",
			"<message from='ops@chat.hq.net/Alice' to='ops@chat.field.net' type='groupchat' id='alice-2'><body>two</body>{f alice@hq.net}<delay xmlns='urn:xmpp:delay' from='ops@chat.hq.net' stamp='*'/></message>",
			"<message from='ops@chat.hq.net' to='ops@chat.field.net' type='groupchat'><subject/>{f ops@chat.hq.net}</message>")
		dave := n.Enter("dave", "ops", "Dave")
		dave.Say("three")
		queued(t, "what follows", l, n,
			"<presence from='ops@chat.hq.net/Dave' to='ops@chat.field.net'>{f dave@hq.net/x}{i none participant}</presence>",
			"<message from='ops@chat.hq.net/Dave' to='ops@chat.field.net' type='groupchat' id='dave-1'><body>three</body>{f dave@hq.net/x}</message>")
		alice.Heard()
		// Spec 6.2: bare and full addresses are taken for every kind.
		for _, s := range []string{
			"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='b1'>{f bob@field.net/x}<body>bare</body></message>",
			"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob' type='groupchat' id='b2'>{f bob@field.net/x}<body>full</body></message>",
			"<presence from='ops@chat.field.net/Carol' to='ops@chat.hq.net'>{f carol@field.net/x}{i none participant}</presence>",
			"<presence from='ops@chat.field.net/Eve' to='ops@chat.hq.net/Eve'>{f eve@field.net/x}</presence>",
			"<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Alice' type='chat' id='w1'>{f bob@field.net/x}<body>psst</body></message>",
		} {
			n.Arrive("field", x(s))
		}
		want(t, "alice", alice.Heard(), "Bob: bare", "Bob: full", "~Bob: psst")
		if got := alice.Crowd(); got != "Alice, Bob, Carol, Dave, Eve" {
			t.Errorf("Alice sees %s", got)
		}
		n.Arrive("field", x("<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Nobody' type='chat' id='w2'>{f bob@field.net/x}<body>psst</body></message>"))
		queued(t, "a private message to nobody", l, n,
			"<message from='ops@chat.hq.net/Nobody' to='ops@chat.field.net/Bob' type='error' id='w2'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>nobody has the nick</text></error></message>")
		for _, who := range []string{"Bob", "Carol", "Eve"} {
			n.Arrive("field", x("<presence from='ops@chat.field.net/"+who+"' to='ops@chat.hq.net/"+who+"' type='unavailable'>{f "+strings.ToLower(who)+"@field.net/x}{i none none}</presence>"))
		}
		queued(t, "the last has left", l, n, "<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{left}</presence>")
		if got := alice.Crowd(); got != "Alice, Dave" {
			t.Errorf("Alice sees %s", got)
		}
	})
}

// Exact answers to those with whom a room is not federated, and to what is no federation.
func TestWhoMayNotFederate(t *testing.T) {
	const join = "<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history maxstanzas='1'}{i none participant}</presence>"
	const line = "<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='b1'>{f bob@field.net/x}<body>x</body></message>"
	reject := func(text string) string {
		if text != "" {
			return "<presence from='ops@chat.hq.net' to='ops@chat.field.net'><fmuc xmlns='http://isode.com/protocol/fmuc'><reject>" + text + "</reject></fmuc></presence>"
		}
		return "<presence from='ops@chat.hq.net' to='ops@chat.field.net'>{reject}</presence>"
	}
	refused := func(typ, cond, text string) string {
		return "<message from='ops@chat.hq.net' to='ops@chat.field.net/Bob' type='error' id='b1'><error type='" + typ + "'><" + cond +
			" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + text + "</text></error></message>"
	}
	speaking := func(n *fmuctest.Node) { n.Peer["field"] = fmuc.Peer{RejectText: true} }
	unfederated := refused("auth", "forbidden", "rooms here are not federated with yours")
	for _, c := range []struct {
		name  string
		fed   store.RoomFed
		setup func(*fmuctest.Node)
		in    string
		want  []string
	}{
		{"no text over a bad link", store.RoomFed{Allow: []string{"chat.ship.net"}}, nil, join, []string{reject("")}},
		{"not on the list", store.RoomFed{Allow: []string{"chat.ship.net"}}, speaking, join, []string{reject("your room is not on the list")}},
		{"a room that joins another has no list", store.RoomFed{Node: "ops@chat.ship.net"}, speaking, join, []string{reject("your room is not on the list")}},
		{"circular", store.RoomFed{Node: "ops@chat.field.net", Allow: []string{"*"}}, speaking, join, []string{reject("circular: this room joins yours")}},
		{"no such room", store.RoomFed{}, speaking, strings.ReplaceAll(join, "ops@chat.hq", "nobody@chat.hq"),
			[]string{strings.Replace(reject("no federation with this room"), "ops@chat.hq", "nobody@chat.hq", 1)}},
		{"the node-wide switch", store.RoomFed{}, func(n *fmuctest.Node) { speaking(n); n.Options.Enabled = false }, join, []string{reject("no federation with this room")}},
		{"the node-wide switch, and a line", store.RoomFed{}, func(n *fmuctest.Node) { n.Options.Enabled = false }, line, []string{unfederated}},
		{"a user of the peer's poses as a room", store.RoomFed{}, speaking, strings.ReplaceAll(join, "ops@chat.field", "bob@field"),
			[]string{strings.Replace(reject(""), "ops@chat.field", "bob@field", 1)}},
		{"and speaks", store.RoomFed{}, speaking, strings.ReplaceAll(line, "ops@chat.field.net/Bob' to", "bob@field.net/x' to"),
			[]string{strings.Replace(unfederated, "ops@chat.field.net/Bob", "bob@field.net/x", 1)}},
		{"a line of a room that has not joined", store.RoomFed{}, speaking, line,
			[]string{refused("modify", "not-acceptable", "this room is not federated with yours")}},
		{"a private message of such a room", store.RoomFed{}, speaking, strings.ReplaceAll(strings.ReplaceAll(line, "ops@chat.hq.net'", "ops@chat.hq.net/Alice'"), "groupchat", "chat"),
			[]string{strings.Replace(refused("modify", "not-acceptable", "this room is not federated with yours"), "ops@chat.hq.net'", "ops@chat.hq.net/Alice'", 1)}},
		{"a farewell of such a room", store.RoomFed{}, speaking, strings.Replace(join, "<presence", "<presence type='unavailable'", 1), nil},
		{"its <left/>", store.RoomFed{}, speaking, "<presence from='ops@chat.field.net' to='ops@chat.hq.net'>{left}</presence>", nil},
		{"its <reject/>", store.RoomFed{}, speaking, "<presence from='ops@chat.field.net' to='ops@chat.hq.net'>{reject}</presence>", nil},
		{"an occupant of such a room", store.RoomFed{}, speaking, "<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}</presence>", nil},
		{"a join of nobody", store.RoomFed{}, speaking, strings.Replace(join, "{f bob@field.net/x}", "<fmuc xmlns='http://isode.com/protocol/fmuc'/>", 1), nil},
		{"a join of a bad address", store.RoomFed{}, speaking, strings.Replace(join, "bob@field.net/x", "@", 1), nil},
		{"a line of a bad address", store.RoomFed{}, speaking, strings.Replace(line, "bob@field.net/x", "@", 1), []string{refused("modify", "bad-request", "&lt;fmuc/&gt; cannot be read")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l, n := half(t, "field", "hq", c.fed, func(n *fmuctest.Node) {
					if c.setup != nil {
						c.setup(n)
					}
				})
				alice := n.Enter("alice", "ops", "Alice")
				l.Take(n)
				alice.Got()
				n.Arrive("field", x(c.in))
				queued(t, c.name, l, n, c.want...)
				if got := alice.Got(); len(got) > 0 {
					t.Errorf("Alice hears %q", got)
				}
			})
		})
	}
}

// A client of the node is no room, whatever it writes.
func TestForgedByAClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice, bob := w.hq.Enter("alice", "ops", "Alice"), w.field.Enter("bob", "ops", "Bob")
		w.Flow()
		eve := w.hq.Enter("eve", "ops", "Eve")
		w.Flow()
		alice.Got()
		bob.Got()
		eve.Do("%s", x("<message to='ops@chat.hq.net' type='groupchat' id='1'>{f alice@hq.net/x}<body>I am Alice</body></message>"))
		eve.Do("%s", x("<presence to='ops@chat.hq.net/Eve'>{f alice@hq.net/x}<show>xa</show></presence>"))
		eve.Do("%s", x("<presence to='ops@chat.hq.net/Bob' type='unavailable'>{f bob@field.net/x}{i none none 307}</presence>"))
		w.Flow()
		want(t, "bob", bob.Heard(), "Eve: I am Alice")
		if got := bob.Crowd(); got != "Alice, Bob" {
			t.Errorf("Bob sees %s", got)
		}
		want(t, "alice", alice.Heard(), "Eve: I am Alice")
	})
}

// What a peer may not do: speak as a user that came by another way, or for domains that are not its own.
func TestForgedByAPeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{})
		alice := n.Enter("alice", "ops", "Alice")
		n.Arrive("field", x("<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history maxstanzas='1'}</presence>"))
		l.Take(n)
		alice.Got()
		for _, s := range []string{
			"<message from='ops@chat.ship.net/Bob' to='ops@chat.hq.net' type='groupchat' id='1'>{f bob@field.net/x}<body>not my domain</body></message>",
			"<message from='ops@chat.field.net/Alice' to='ops@chat.hq.net' type='groupchat' id='2'>{f alice@hq.net/x}<body>I am Alice</body></message>",
			"<presence from='ops@chat.field.net/Alice' to='ops@chat.hq.net/Alice'>{f alice@hq.net/x}</presence>",
			"<presence from='ops@chat.field.net/Alice' to='ops@chat.hq.net/Alice' type='unavailable'>{f alice@hq.net/x}</presence>",
			"<presence from='ops@chat.field.net' to='ops@chat.hq.net'>{f carol@field.net/x}{muc}</presence>",
		} {
			n.Arrive("field", x(s))
		}
		if got := alice.Heard(); len(got) > 0 {
			t.Errorf("Alice hears %q", got)
		}
		if got := alice.Crowd(); got != "Alice, Bob" {
			t.Errorf("Alice sees %s", got)
		}
		if st := status(t, n); st.Loops != 1 || st.Duplicates != 1 {
			t.Errorf("%+v", st.Counters)
		}
	})
}

// A peer cannot fill the node: too many occupants, and nicks that no client may have, are refused one by one.
func TestJoinBomb(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, n := half(t, "field", "hq", store.RoomFed{})
		n.Arrive("field", x("<presence from='ops@chat.field.net/Bob' to='ops@chat.hq.net/Bob'>{f bob@field.net/x}{history maxstanzas='1'}</presence>"))
		l.Take(n)
		long := strings.Repeat("x", 300)
		n.Arrive("field", x("<presence from='ops@chat.field.net/"+long+"' to='ops@chat.hq.net'>{f long@field.net/x}</presence>"))
		queued(t, "a nick that is too long", l, n,
			"<presence from='ops@chat.hq.net/"+long+"' to='ops@chat.field.net/"+long+"' type='error'>{error cancel service-unavailable}</presence>")
		st, err := stream.ParseStanza([]byte(x("<presence from='ops@chat.field.net/U' to='ops@chat.hq.net'>{f u@field.net/x}</presence>")))
		if err != nil {
			t.Fatal(err)
		}
		n.Update(func(tn *router.Turn) error {
			for i := range 2100 {
				c := st.Copy()
				c.From, _ = c.From.WithResource(fmt.Sprint("U", i))
				m := fmuc.Mark{From: jid.MustParse(fmt.Sprintf("u%d@field.net/x", i))}
				c.SetInner(m.Append(nil))
				if err := n.Peers.Peer("field").Deliver(tn, c); err != nil {
					return err
				}
			}
			return nil
		})
		if got := status(t, n).Occupants; got != 1000 {
			t.Errorf("%d occupants", got)
		}
		if got := len(l.Take(n)); got != 1101 {
			t.Errorf("%d were refused", got)
		}
		n.Arrive("field", x("<message from='ops@chat.field.net/Bob' to='ops@chat.hq.net' type='groupchat' id='1'>{f bob@field.net/x}<body>still here</body></message>"))
		want(t, "archive", n.Archive("ops"), "Bob: still here")
	})
}

// Rooms that come and go are not remembered without end.
func TestRetiredPeersAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, n := half(t, "field", "hq", store.RoomFed{})
		for i := range 100 {
			from := fmt.Sprintf("from='r%d@chat.field.net/Bob' to='ops@chat.hq.net/Bob'", i)
			n.Arrive("field", x("<presence "+from+">{f bob@field.net/x}{history maxstanzas='0'}</presence>"))
			n.Arrive("field", x("<presence type='unavailable' "+from+">{f bob@field.net/x}</presence>"))
			time.Sleep(time.Second)
		}
		all, err := n.FMUC.Status(n.Room("ops"))
		if err != nil || len(all) != 64 {
			t.Errorf("%d are remembered, %v", len(all), err)
		}
		for _, st := range all {
			if st.Peer.String() == "r35@chat.field.net" {
				t.Error("an old one is remembered in the place of a newer one")
			}
		}
	})
}
