package node_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/board/boardtest"
	"longwire/firmware/admin"
	"longwire/firmware/node"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// hfScale is how much faster than the clock time runs on the air of these tests.
const hfScale = 100

// station is a SIS server that nodes reach by TCP, at one port for all its lives.
type station struct {
	*sistest.Node
	port int
}

// onAir adds a station to an air.
func onAir(tb testing.TB, air *sistest.Air, address string) *station {
	tb.Helper()
	a, err := sis.ParseAddress(address)
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &station{air.Node(a, sis.ServerConfig{}), ln.Addr().(*net.TCPAddr).Port}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if !s.Carry(sis.Carrier{ReadWriteCloser: c, Name: "tcp"}) {
				c.Close() // switched off
			}
		}
	})
	tb.Cleanup(func() { ln.Close(); accepting.Wait() })
	return s
}

func newAir(tb testing.TB) *sistest.Air {
	air := sistest.NewAir(sistest.Options{Delay: 20 * time.Millisecond, Patience: 300 * time.Millisecond})
	tb.Cleanup(air.Close)
	return air
}

const hfClients = `
[clients]
listen = []
direct_tls = []
plaintext = ["127.0.0.1:0"]
`

// hfHead is a node with a link over HF and no peers.
func hfHead(domain, local string, s *station) string {
	return fmt.Sprintf("domains = [%q]\ndata = \"data\"\n", domain) + hfClients + fmt.Sprintf(`
[[link]]
name = "5066 link"
type = "s5066"
server = "127.0.0.1:%d"
local_5066_address = %q
time_scale = %d
`, s.port, local, hfScale)
}

// hfPeer is a peer on that link. By their ids the tests know messages at the far side.
func hfPeer(domain, remote, mapping string) string {
	return fmt.Sprintf(`
[[peer]]
domains = [%q]
links = ["5066 link"]
%s[peer.s5066]
remote_5066_address = %q
mapping = %q
`, domain, idsKept, remote, mapping)
}

const idsKept = "fold.shorten_ids = false\n"

const hqAddress, fieldAddress = "1.1.0.1", "1.1.0.2"

// hfPair is two whole nodes with a user each, over the air.
type hfPair struct {
	t          *testing.T
	air        *sistest.Air
	hqS, fldS  *station
	hq, field  *node.Node
	alice, bob *chatter

	hqDir, hqDoc       string
	fieldDir, fieldDoc string
	stopField          func()
}

// allCrosses are settings of a peer by which all that can cross does.
const allCrosses = "[peer.fold]\npreset = \"none\"\n"

// newHFPair starts them. more is what else each says of the other.
func newHFPair(t *testing.T, mapping string, more ...string) *hfPair {
	t.Helper()
	p := &hfPair{t: t, air: newAir(t), fieldDir: t.TempDir()}
	p.hqS, p.fldS = onAir(t, p.air, hqAddress), onAir(t, p.air, fieldAddress)
	p.hqDir, p.hqDoc = t.TempDir(), hfHead("headquarters.net", hqAddress, p.hqS)+hfPeer("field.net", fieldAddress, mapping)+strings.Join(more, "")
	p.hq = start(t, write(t, p.hqDir, p.hqDoc))
	p.fieldDoc = hfHead("field.net", fieldAddress, p.fldS) + hfPeer("headquarters.net", hqAddress, mapping) + strings.Join(more, "")
	p.startField()
	p.alice = online(t, p.hq, "alice", "headquarters.net")
	return p
}

// startField starts the node in the field, with its user.
func (p *hfPair) startField() {
	p.t.Helper()
	p.field, p.stopField = launch(p.t, write(p.t, p.fieldDir, p.fieldDoc))
	p.bob = online(p.t, p.field, "bob", "field.net")
}

// taken returns when the node has taken all that the client sent: stanzas are taken in order.
func (c *chatter) taken(domain string) {
	c.tb.Helper()
	c.send("<iq type='get' to='" + domain + "' id='taken'><ping xmlns='urn:xmpp:ping'/></iq>")
	c.until("id='taken'/>")
}

func say(from, to *chatter, address, id string) {
	from.tb.Helper()
	from.send("<message to='" + address + "' type='chat' id='" + id + "'><body>Convoy left</body></message>")
	to.until("id='" + id + "'><body>Convoy left</body>")
}

// linkState waits until a peer's link is as ok says.
func linkState(t *testing.T, n *node.Node, peer string, what string, ok func(admin.LinkState) bool) {
	t.Helper()
	var last admin.LinkState
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, l := range n.Live().Links {
			if l.Peer == peer {
				if last = l; ok(l) {
					return
				}
			}
		}
	}
	t.Fatalf("never %s: %+v, %+v", what, last, last.S5066)
}

// drained waits until nothing waits for a peer.
func drained(t *testing.T, n *node.Node, peer string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); n.Store().Queue(peer).Stats().Entries > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s: %+v", peer, n.Store().Queue(peer).Stats())
		}
	}
}

// mappings that both nodes of a pair are tried with.
var mappings = []string{"longwire", "rcop"}

func TestTwoNodesTalkOverHF(t *testing.T) {
	t.Parallel()
	for _, mapping := range mappings {
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			p := newHFPair(t, mapping, allCrosses)
			say(p.alice, p.bob, "bob@field.net", "m1")
			say(p.bob, p.alice, "alice@headquarters.net", "m2")

			// A subscription, and what comes of it.
			p.alice.send("<presence to='bob@field.net' type='subscribe'/>")
			p.bob.until("type='subscribe'")
			p.bob.send("<presence to='alice@headquarters.net' type='subscribed'/>")
			p.alice.until("<presence from='bob@field.net/x'")
			p.bob.send("<presence><show>away</show></presence>")
			p.alice.until("<show>away</show>")

			// A question that is not worth the air.
			p.alice.send("<iq type='get' to='field.net' id='v1'><query xmlns='jabber:iq:version'/></iq>")
			p.alice.until("type='error' id='v1'><error type='cancel'><service-unavailable")

			// Somebody who is away gets it later, with the time at which it was sent.
			p.bob.send("</stream:stream>")
			p.bob.until("</stream:stream>")
			p.alice.until("type='unavailable'")
			p.alice.send("<message to='bob@field.net' type='chat' id='m3'><body>Are you there?</body></message>")
			p.alice.taken("headquarters.net")
			drained(t, p.hq, "field.net")
			p.bob = online(t, p.field, "bob", "field.net")
			p.bob.until("id='m3'><body>Are you there?</body>")
			p.bob.until("urn:xmpp:delay")

			linkState(t, p.hq, "field.net", "idle", func(l admin.LinkState) bool {
				return l.State == "up" && l.Type == "s5066" && l.Remote == fieldAddress && l.StanzasOut >= 3 && l.StanzasIn >= 4 &&
					l.S5066.Bound && l.S5066.Mapping == mapping && l.S5066.Outstanding == 0 && l.S5066.Unconfirmed == 0
			})
		})
	}
}

func silent(l admin.LinkState) bool {
	return l.State == "receive-only" && l.S5066.EMCON || !l.S5066.Bound && l.S5066.EMCON
}

func TestRadioSilence(t *testing.T) {
	t.Parallel()
	for _, mapping := range mappings {
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			p := newHFPair(t, mapping)
			say(p.bob, p.alice, "alice@headquarters.net", "m1")
			say(p.alice, p.bob, "bob@field.net", "m2")
			drained(t, p.field, "headquarters.net")
			drained(t, p.hq, "field.net")

			if l, err := admin.Running(p.field).SetEMCON("5066 link", true); err != nil || !l.EMCON.On {
				t.Fatalf("%+v, %v", l, err)
			}
			linkState(t, p.field, "headquarters.net", "silent", silent)
			before := p.fldS.Sent()
			p.bob.send("<message to='alice@headquarters.net' type='chat' id='m3'><body>Held</body></message>")
			// The silence may end the bind a moment later: what comes in between finds nobody, and comes again only after minutes.
			var looks int
			linkState(t, p.field, "headquarters.net", "bound again", func(l admin.LinkState) bool {
				if looks++; !l.S5066.Bound {
					looks = 0
				}
				return looks > 30
			})
			say(p.alice, p.bob, "bob@field.net", "m4") // what comes is taken

			// Neither a reload nor a restart lifts it.
			if err := p.field.Reload(write(t, p.fieldDir, p.fieldDoc+"[log]\nlevel = \"debug\"\n")); err != nil {
				t.Fatal(err)
			}
			linkState(t, p.field, "headquarters.net", "silent after a reload", silent)
			p.stopField()
			p.startField()
			linkState(t, p.field, "headquarters.net", "silent after a restart", silent)
			// What comes now may need a question before it can be read, as the new life has not what the last one read; so
			// it may have to wait with the peer, too.
			p.alice.send("<message to='bob@field.net' type='chat' id='m5'><body>Later</body></message>")
			p.alice.taken("headquarters.net")
			linkState(t, p.hq, "field.net", "on the far node", func(l admin.LinkState) bool {
				return l.S5066.Outstanding == 0 && (l.S5066.OnFarNode > 0 || l.S5066.Unconfirmed == 0)
			})
			if got := p.fldS.Sent(); got != before {
				t.Errorf("%d transmissions under radio silence", got-before)
			}
			if l, err := admin.Running(p.field).Links(); err != nil || l[0].EMCON.Held != 1 {
				t.Errorf("%+v, %v", l, err)
			}

			if _, err := admin.Running(p.field).SetEMCON("5066 link", false); err != nil {
				t.Fatal(err)
			}
			p.alice.until("id='m3'><body>Held</body>")
			p.bob.until("id='m5'><body>Later</body>")
			drained(t, p.field, "headquarters.net")
			drained(t, p.hq, "field.net") // the marks that were owed went, too
		})
	}
}

func TestConfiguredSilenceCannotBeLiftedByCommand(t *testing.T) {
	t.Parallel()
	p := newHFPair(t, "longwire")
	loud := p.fieldDoc
	say(p.bob, p.alice, "alice@headquarters.net", "m1")
	p.fieldDoc = strings.Replace(loud, "[[peer]]", "emcon = true\n[[peer]]", 1)
	if err := p.field.Reload(write(t, p.fieldDir, p.fieldDoc)); err != nil {
		t.Fatal(err)
	}
	linkState(t, p.field, "headquarters.net", "silent", silent)
	if _, err := admin.Running(p.field).SetEMCON("5066 link", false); err == nil || !strings.Contains(err.Error(), "says emcon = true") {
		t.Errorf("%v", err)
	}
	linkState(t, p.field, "headquarters.net", "silent", silent)
	if err := p.field.Reload(write(t, p.fieldDir, loud)); err != nil {
		t.Fatal(err)
	}
	say(p.bob, p.alice, "alice@headquarters.net", "m2")
}

func TestSISServerMayRestart(t *testing.T) {
	t.Parallel()
	for _, mapping := range mappings {
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			p := newHFPair(t, mapping)
			say(p.alice, p.bob, "bob@field.net", "m1")
			p.hqS.Stop()
			linkState(t, p.hq, "field.net", "unbound", func(l admin.LinkState) bool {
				return l.State == "backing off" && !l.S5066.Bound && l.Fault != "" && !l.Until.IsZero()
			})
			p.alice.send("<message to='bob@field.net' type='chat' id='m2'><body>Waits</body></message>")
			p.hqS.Start()
			p.bob.until("id='m2'><body>Waits</body>")
			drained(t, p.hq, "field.net")
		})
	}
}

func TestPeersComeToARunningLinkAndChangeItsKind(t *testing.T) {
	t.Parallel()
	air := newAir(t)
	hqS, twoS, threeS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress), onAir(t, air, "1.1.0.3")
	dir := t.TempDir()
	head := hfHead("headquarters.net", hqAddress, hqS)
	first := hfPeer("field.net", fieldAddress, "longwire")
	hq := start(t, write(t, dir, head+first))
	twoDir := t.TempDir()
	two := start(t, write(t, twoDir, hfHead("field.net", fieldAddress, twoS)+hfPeer("headquarters.net", hqAddress, "longwire")))
	three := start(t, write(t, t.TempDir(), hfHead("third.net", "1.1.0.3", threeS)+hfPeer("headquarters.net", hqAddress, "rcop")))
	alice, bob, carol := online(t, hq, "alice", "headquarters.net"), online(t, two, "bob", "field.net"), online(t, three, "carol", "third.net")
	say(alice, bob, "bob@field.net", "m1")

	// What waits when the configuration changes goes by the new one.
	air.Cut(hqS.Address, twoS.Address, true)
	alice.send("<message to='bob@field.net' type='chat' id='m2'><body>On the way</body></message>")
	if err := hq.Reload(write(t, dir, head+first+hfPeer("third.net", "1.1.0.3", "rcop"))); err != nil {
		t.Fatal(err)
	}
	say(alice, carol, "carol@third.net", "m3")
	say(carol, alice, "alice@headquarters.net", "m4")
	air.Cut(hqS.Address, twoS.Address, false)
	bob.until("id='m2'><body>On the way</body>")
	say(bob, alice, "alice@headquarters.net", "m5")

	// The first peer goes over to a link of the other type, and back.
	port, remote := freePort(t), freePort(t)
	byIP := func(domain, peer string, local, remote int) string {
		text := half(domain, peer, local, remote, "zero_rtt = true")
		return text[strings.Index(text, "[[link]]"):]
	}
	third := hfPeer("third.net", "1.1.0.3", "rcop")
	for i, x := range []struct{ hq, two string }{
		{head + third + byIP("headquarters.net", "field.net", port, remote),
			"domains = [\"field.net\"]\ndata = \"data\"\n" + hfClients + byIP("field.net", "headquarters.net", remote, port)},
		{head + first + third, hfHead("field.net", fieldAddress, twoS) + hfPeer("headquarters.net", hqAddress, "longwire")},
	} {
		if err := hq.Reload(write(t, dir, x.hq)); err != nil {
			t.Fatal(err)
		}
		if err := two.Reload(write(t, twoDir, x.two)); err != nil {
			t.Fatal(err)
		}
		say(alice, bob, "bob@field.net", fmt.Sprint("a", i))
		say(bob, alice, "alice@headquarters.net", fmt.Sprint("b", i))
		say(alice, carol, "carol@third.net", fmt.Sprint("c", i))
	}
}

// Each way to a SIS server that is not there is told in words that name it.
func TestServersThatAreNotThereAreNamed(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		"serial:/dev/none":                       "/dev/none",
		"vsock:1:4":                              "1:4",
		fmt.Sprintf("127.0.0.1:%d", freePort(t)): "no SIS server listens there",
		"no-such-host.invalid":                   "no-such-host.invalid",
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			doc := hfHead("field.net", fieldAddress, &station{port: 1}) + hfPeer("headquarters.net", hqAddress, "longwire")
			doc = strings.Replace(doc, "127.0.0.1:1\"", server+"\"", 1)
			n := start(t, write(t, t.TempDir(), doc))
			linkState(t, n, "headquarters.net", "told", func(l admin.LinkState) bool {
				return l.State == "backing off" && strings.Contains(l.Fault, want)
			})
		})
	}
}

// A node whose SIS server is at the other end of a serial line.
func TestSISServerAtASerialLine(t *testing.T) {
	t.Parallel()
	air := newAir(t)
	hqS, fldS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress)
	master, slave := boardtest.Terminal(t)
	if !fldS.Carry(sis.Carrier{ReadWriteCloser: master, Name: "line", Noisy: true}) {
		t.Fatal("the station is off")
	}
	hq := start(t, write(t, t.TempDir(), hfHead("headquarters.net", hqAddress, hqS)+hfPeer("field.net", fieldAddress, "longwire")))
	doc := hfHead("field.net", fieldAddress, fldS) + hfPeer("headquarters.net", hqAddress, "longwire")
	doc = strings.Replace(doc, fmt.Sprintf("server = \"127.0.0.1:%d\"", fldS.port), fmt.Sprintf("server = \"serial:%s\"\nserver_baud = 9600", slave), 1)
	field := start(t, write(t, t.TempDir(), doc))
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	say(alice, bob, "bob@field.net", "m1")
	say(bob, alice, "alice@headquarters.net", "m2")
}
