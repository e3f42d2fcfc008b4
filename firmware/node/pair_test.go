package node_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"longwire/firmware/node"
	"longwire/store"
	"longwire/xmpp/sasl"
)

// freePort finds a port that nobody listens on.
func freePort(tb testing.TB) int {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// half is one node's configuration of a pair.
func half(domain, peer string, local, remote int, more string) string {
	return fmt.Sprintf(`
domains = [%q]
data = "data"
[clients]
listen = []
direct_tls = []
plaintext = ["127.0.0.1:0"]
[[link]]
name = "IP link"
remote_address = "127.0.0.1"
remote_port = %d
local_address = "127.0.0.1"
local_port = %d
ack_idle = "1s"
backoff_min = "1s"
%s
[[peer]]
domains = [%q]
links = ["IP link"]
`, domain, remote, local, more, peer)
}

// chatter is a raw client.
type chatter struct {
	tb   testing.TB
	nc   net.Conn
	got  string
	seen string // what stood before what the last until waited for
}

func (c *chatter) send(s string) {
	c.tb.Helper()
	c.nc.SetWriteDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *chatter) until(want string) {
	c.tb.Helper()
	c.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	for !strings.Contains(c.got, want) {
		b := make([]byte, 4096)
		n, err := c.nc.Read(b)
		c.got += string(b[:n])
		if err != nil && !strings.Contains(c.got, want) {
			c.tb.Fatalf("waiting for %q: %v; got %q", want, err, c.got)
		}
	}
	c.seen, c.got, _ = strings.Cut(c.got, want)
}

// account makes the account of a user.
func account(tb testing.TB, db *store.DB, user, domain string) {
	tb.Helper()
	cred, err := sasl.NewCredential(sasl.SHA256, "secret", nil, 4096)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.Update(func(tx *store.Tx) error {
		return tx.PutAccount(store.Account{JID: user + "@" + domain, Credentials: []store.Credential{store.Credential(cred)}})
	}); err != nil {
		tb.Fatal(err)
	}
}

// online makes the account of a user and brings a client of it online.
func online(tb testing.TB, n *node.Node, user, domain string) *chatter {
	tb.Helper()
	account(tb, n.Store(), user, domain)
	c := login(tb, address(tb, n, "clients in plaintext"), user, domain)
	c.send("<presence/>")
	c.until("<presence from='" + user + "@" + domain + "/x'")
	return c
}

// login brings a client to its session.
func login(tb testing.TB, addr, user, domain string) *chatter {
	tb.Helper()
	c := &chatter{tb: tb, nc: dial(tb, addr)}
	header := "<stream:stream to='" + domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	c.send(header)
	c.until("</stream:features>")
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + sasl.Encode([]byte("\x00"+user+"\x00secret")) + "</auth>")
	c.until("<success ")
	c.send(header)
	c.until("</stream:features>")
	c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
	c.until("</jid></bind></iq>")
	return c
}

func TestTwoNodesChatWhileTheirLinkIsChanged(t *testing.T) {
	hqPort, fieldPort := freePort(t), freePort(t)
	hqDir, fieldDir := t.TempDir(), t.TempDir()
	hq := start(t, write(t, hqDir, half("headquarters.net", "field.net", hqPort, fieldPort, "")))
	field := start(t, write(t, fieldDir, half("field.net", "headquarters.net", fieldPort, hqPort, "dial = false")))
	alice := online(t, hq, "alice", "headquarters.net")
	bob := online(t, field, "bob", "field.net")

	say := func(from, to *chatter, address, id string) {
		t.Helper()
		from.send("<message to='" + address + "' type='chat' id='" + id + "'><body>Convoy left</body></message>")
		to.until("id='" + id + "'><body>Convoy left</body>")
	}
	say(alice, bob, "bob@field.net", "m1")
	say(bob, alice, "alice@headquarters.net", "m2")

	for i, keys := range []string{"zero_rtt = true", "zero_rtt = true\ncompress = false", "stream_management = \"implicit\""} {
		if err := field.Reload(write(t, fieldDir, half("field.net", "headquarters.net", fieldPort, hqPort, "dial = false\n"+keys))); err != nil {
			t.Fatal(err)
		}
		if err := hq.Reload(write(t, hqDir, half("headquarters.net", "field.net", hqPort, fieldPort, keys))); err != nil {
			t.Fatal(err)
		}
		say(alice, bob, "bob@field.net", fmt.Sprintf("a%d", i))
		say(bob, alice, "alice@headquarters.net", fmt.Sprintf("b%d", i))
	}
}

func TestStrangerDomainsAreRefusedAndPeersMayLeave(t *testing.T) {
	dir := t.TempDir()
	port, remote := freePort(t), freePort(t)
	n := start(t, write(t, dir, half("headquarters.net", "field.net", port, remote, "")))
	alice := online(t, n, "alice", "headquarters.net")
	alice.send("<message to='bob@nowhere.example' type='chat' id='m1'><body>x</body></message>")
	alice.until("type='error' id='m1'><error type='cancel'><remote-server-not-found ")
	alice.send("<message to='bob@field.net' type='chat' id='m2'><body>x</body></message><iq type='get' to='headquarters.net' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
	alice.until("id='p'/>") // stanzas are taken in order, so m2 was

	text, _, _ := strings.Cut(half("headquarters.net", "field.net", port, remote, ""), "[[link]]")
	if err := n.Reload(write(t, dir, text)); err != nil {
		t.Fatal(err)
	}
	alice = online(t, n, "alice", "headquarters.net")
	alice.send("<message to='bob@field.net' type='chat' id='m3'><body>x</body></message>")
	alice.until("type='error' id='m3'><error type='cancel'><remote-server-not-found ")
	if q := n.Store().Queue("field.net").Stats(); q.Entries != 1 {
		t.Errorf("%d entries wait for the peer that left, want 1: a slip in a config must lose nothing", q.Entries)
	}
}
