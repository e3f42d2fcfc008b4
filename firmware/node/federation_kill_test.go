package node_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// The kit loses power again and again, in the middle of what is being said. Who was shown their own line finds it on both sides in the end, and
// nothing is there twice.
func TestFederatedRoomOutlivesPowerCuts(t *testing.T) {
	t.Parallel()
	const kills, lines = 6, 3
	hqPort, fieldPort := freePort(t), freePort(t)
	hq := start(t, write(t, t.TempDir(), oneSide("headquarters.net", "field.net", hqPort, fieldPort, "", "federation.accept = [\"chat.field.net\"]\n")))
	kit := newProcess(t, oneSide("field.net", "headquarters.net", fieldPort, hqPort, "dial = false", "federation.with = \"ops@chat.headquarters.net\"\n"), "bob", "field.net")
	kit.begin()
	alice := online(t, hq, "alice", "headquarters.net")
	alice.enter("ops@chat.headquarters.net", "Alice")
	said := make(map[string]bool)
	say := func(c *chatter, room, body string) {
		t.Helper()
		c.send("<message to='" + room + "' type='groupchat' id='" + body + "'><body>" + body + "</body></message>")
		c.until("<body>" + body + "</body>")
		said[body] = true
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	bob := login(t, kit.addr, "bob", "field.net")
	bob.send("<presence/>")
	bob.enter("ops@chat.field.net", "Bob")
	alice.until("/Bob") // before, all that the kit asks for are the last lines
	for i := range kills {
		bob = login(t, kit.addr, "bob", "field.net")
		bob.send("<presence/>")
		bob.enter("ops@chat.field.net", "Bob")
		for j := range lines {
			say(bob, "ops@chat.field.net", fmt.Sprintf("bob %d %d", i, j))
			say(alice, "ops@chat.headquarters.net", fmt.Sprintf("alice %d %d", i, j))
		}
		bob.send("<message to='ops@chat.field.net' type='groupchat'><body>perhaps</body></message>")
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		kit.kill()
		say(alice, "ops@chat.headquarters.net", fmt.Sprintf("alice %d alone", i))
		kit.begin()
	}
	bob = login(t, kit.addr, "bob", "field.net")
	bob.send("<presence/>")
	bob.enter("ops@chat.field.net", "Bob")
	say(bob, "ops@chat.field.net", "the end")
	alice.until("<body>the end</body>")
	var there, here map[string]int
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		there = bodies(t, hq.Store(), "ops@chat.headquarters.net")
		if here = asked(t, bob, "ops@chat.field.net"); maps.Equal(there, here) {
			break
		}
	}
	for body := range said {
		if there[body] != 1 || here[body] != 1 {
			t.Errorf("%q is %d times at headquarters and %d times at the kit", body, there[body], here[body])
		}
	}
	for body, n := range here {
		if body != "perhaps" && n != 1 || there[body] != n {
			t.Errorf("%q is %d times at the kit and %d times at headquarters", body, n, there[body])
		}
	}
}

// asked are the lines that a client finds in a room's archive (XEP-0313), all pages of it.
func asked(t *testing.T, c *chatter, room string) map[string]int {
	t.Helper()
	all, after := make(map[string]int), ""
	for page := 0; ; page++ {
		id := fmt.Sprintf("%s-%d-%d", "page", time.Now().UnixNano(), page)
		c.send("<iq type='set' id='" + id + "' to='" + room + "'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>100</max>" + after + "</set></query></iq>")
		text := c.through("</fin></iq>")
		for _, part := range strings.Split(text, "<result ")[1:] {
			_, rest, _ := strings.Cut(part, "<body>")
			body, _, _ := strings.Cut(rest, "</body>")
			all[body]++
		}
		_, last, _ := strings.Cut(text, "<last>")
		last, _, _ = strings.Cut(last, "</last>")
		if strings.Contains(text, "complete='true'") || last == "" {
			return all
		}
		after = "<after>" + last + "</after>"
	}
}

// through is until, and returns what came before.
func (c *chatter) through(want string) string {
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
	before, after, _ := strings.Cut(c.got, want)
	c.got = after
	return before
}
