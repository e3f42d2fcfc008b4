package node_test

import (
	"strings"
	"testing"
	"time"

	"longwire/firmware/node"
	"longwire/xmpp/sasl"
)

const opsRoom = `
resume_max = "2s"
[[room]]
address = "ops"
owners = ["alice"]
`

// inOps starts a node whose clients alice and bob are in the room ops; bob's stream is managed, and called id.
func inOps(t *testing.T) (n *node.Node, alice, bob *chatter, id string) {
	n = start(t, write(t, t.TempDir(), withRooms+opsRoom))
	alice, bob = online(t, n, "alice", "field.net"), online(t, n, "bob", "field.net")
	bob.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	bob.until("<enabled ")
	bob.until("id='")
	id = bob.word("'")
	alice.enter("ops@chat.field.net", "Alice")
	bob.enter("ops@chat.field.net", "Bob")
	alice.until("<presence from='ops@chat.field.net/Bob'")
	return n, alice, bob, id
}

// word waits for what comes before a text.
func (c *chatter) word(end string) string {
	c.tb.Helper()
	before := c.got
	for !strings.Contains(before, end) {
		b := make([]byte, 4096)
		n, err := c.nc.Read(b)
		if err != nil {
			c.tb.Fatalf("waiting for %q: %v; got %q", end, err, before)
		}
		before += string(b[:n])
	}
	before, c.got, _ = strings.Cut(before, end)
	return before
}

// signIn brings a client to where it binds or resumes.
func signIn(t *testing.T, n *node.Node, user string) *chatter {
	t.Helper()
	c := &chatter{tb: t, nc: dial(t, address(t, n, "clients in plaintext"))}
	const header = "<stream:stream to='field.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	c.send(header)
	c.until("</stream:features>")
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + sasl.Encode([]byte("\x00"+user+"\x00secret")) + "</auth>")
	c.until("<success ")
	c.send(header)
	c.until("</stream:features>")
	return c
}

func (c *chatter) says(line string) {
	c.tb.Helper()
	c.send("<message to='ops@chat.field.net' type='groupchat'><body>" + line + "</body></message>")
	c.until("<body>" + line + "</body>")
}

func TestClientThatComesBackToItsStreamHasNeverLeftTheRoom(t *testing.T) {
	n, alice, bob, id := inOps(t)
	bob.nc.Close()
	time.Sleep(50 * time.Millisecond)
	alice.says("while bob is away")
	alice.send("<iq type='get' id='p' to='ops@chat.field.net'><ping xmlns='urn:xmpp:ping'/></iq>")
	if left := alice.word("id='p'/>"); strings.Contains(left, "unavailable") {
		t.Errorf("others were told: %s", left)
	}
	again := signIn(t, n, "bob")
	again.send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='" + id + "'/>")
	again.until("<resumed ")
	again.until("<body>while bob is away</body>")
	again.says("back")
	alice.until("<body>back</body>")
}

func TestClientThatDoesNotComeBackLeavesTheRoom(t *testing.T) {
	_, alice, bob, _ := inOps(t)
	bob.nc.Close()
	alice.until("<presence from='ops@chat.field.net/Bob' to='alice@field.net/x' type='unavailable'>")
}

func TestClientThatIsReplacedLeavesTheRoom(t *testing.T) {
	n, alice, bob, _ := inOps(t)
	again := signIn(t, n, "bob")
	again.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
	again.until("</jid></bind></iq>")
	bob.until("<conflict ")
	alice.until("<presence from='ops@chat.field.net/Bob' to='alice@field.net/x' type='unavailable'>")
	again.enter("ops@chat.field.net", "Bob")
	alice.until("<presence from='ops@chat.field.net/Bob' to='alice@field.net/x'>")
	again.says("new here")
}
