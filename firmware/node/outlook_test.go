package node_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/node"
)

// ipLink is a link of field.net's.
func ipLink(name string, local, port int, more string) string {
	return fmt.Sprintf("[[link]]\nname = %q\nremote_address = \"127.0.0.1\"\nremote_port = %d\nlocal_address = \"127.0.0.1\"\nlocal_port = %d\nack_idle = \"1s\"\nbackoff_min = \"1s\"\n%s\n", name, port, local, more)
}

const twoLinks = "[[peer]]\ndomains = [\"field.net\"]\nlinks = [\"SatCom\", \"HF\"]\n"

// TestWhatWaitsSaysWhy asks a node for each reason for which a message may wait.
func TestWhatWaitsSaysWhy(t *testing.T) {
	t.Parallel()
	dead := freePort(t)
	head := "domains = [\"headquarters.net\"]\ndata = \"data\"\n" + hfClients + "[attendant]\nenabled = true\n"
	hours := func(from, to time.Duration) string {
		now := time.Now().UTC()
		return now.Add(from).Format("15:04") + "-" + now.Add(to).Format("15:04")
	}
	closed := fmt.Sprintf("windows = [%q]", hours(2*time.Hour, 3*time.Hour))
	for _, c := range []struct{ name, links, why, forecast string }{
		{"link down", ipLink("SatCom", freePort(t), dead, "") + ipLink("HF", freePort(t), dead, "") + twoLinks,
			`^SatCom: not up: nothing listens there.*, since .*\d\d:\d\d UTC.*; HF: not up`, "nothing is measured yet"},
		{"window", ipLink("SatCom", freePort(t), dead, closed+"\nrate = 300") + ipLink("HF", freePort(t), dead, "emcon = true") + twoLinks,
			`^SatCom: its transmit window is closed, opens at (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC; HF: emission control`, "the link's window is not open"},
		{"emission control", ipLink("SatCom", freePort(t), dead, "emcon = true") + ipLink("HF", freePort(t), dead, "direction = \"inbound\"") + twoLinks,
			`^SatCom: emission control: nothing is sent; HF: only receives$`, "emission control"},
		{"held", "[air]\nwarn_after = \"1s\"\nhold = \"10m\"\n" + ipLink("SatCom", freePort(t), dead, "rate = 75") + strings.Replace(twoLinks, `, "HF"`, "", 1),
			`^it takes about \d+ s of air time, and its sender may still take it back$`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := start(t, write(t, t.TempDir(), head+c.links))
			alice := online(t, n, "alice", "headquarters.net")
			alice.send("<message to='bob@field.net' type='chat' id='m1'><body>" + strings.Repeat("Convoy left ", 20) + "</body></message>")
			alice.taken("headquarters.net")
			waitsFor(t, n, "m1", c.why, c.forecast)
			// The sender is told the same.
			alice.send("<message to='node@headquarters.net' type='chat' id='q'><body>why 1</body></message>")
			alice.until("Message 1 to")
			alice.until("</body>")
			q, err := admin.Running(n).Queue("field.net")
			if err != nil || len(q) == 0 {
				t.Fatal(q, err)
			}
			if first, _, _ := strings.Cut(q[0].Why, ","); !strings.Contains(alice.seen, first) {
				t.Errorf("the attendant says %q, and not %q", alice.seen, first)
			}
		})
	}
}

// waitsFor wants the entry with a stanza id to wait for a reason, soon.
func waitsFor(t *testing.T, n *node.Node, id, why, forecast string) {
	t.Helper()
	pattern := regexp.MustCompile(why)
	var got admin.Queued
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		q, err := admin.Running(n).Queue("field.net")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range q {
			if e.Stanza == id {
				got = e
			}
		}
		if !pattern.MatchString(got.Why) {
			continue
		}
		if forecast == "" || got.Forecast != nil && strings.Contains(got.Forecast.Why, forecast) {
			return
		}
	}
	t.Errorf("%s waits as %q, with the forecast %+v; want %q and %q", id, got.Why, got.Forecast, why, forecast)
}

// What a rule keeps for a link that is down waits while another is up, and says so; what the rule does not name goes.
func TestWhatARuleKeepsSaysWhichRule(t *testing.T) {
	t.Parallel()
	dead, hqPort, fieldPort := freePort(t), freePort(t), freePort(t)
	route := "[peer.failover]\nafter = \"1s\"\n[[peer.route]]\nprecedence = [\"routine\"]\nlinks = [\"SatCom\"]\nwait = \"1h\"\n"
	hf := ipLink("HF", hqPort, fieldPort, "")
	hq := start(t, write(t, t.TempDir(), "domains = [\"headquarters.net\"]\ndata = \"data\"\n"+hfClients+ipLink("SatCom", freePort(t), dead, "")+hf+twoLinks+route))
	field := start(t, write(t, t.TempDir(), half("field.net", "headquarters.net", fieldPort, hqPort, "dial = false")))
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	alice.send("<message to='bob@field.net' type='chat' id='m1'><body>Waits</body></message>")
	alice.send("<message to='bob@field.net' type='chat' id='m2'><body>!! Goes</body></message>")
	bob.until("id='m2'")
	waitsFor(t, hq, "m1", `^SatCom: .*; route 1 keeps it from HF until .*\d\d:\d\d UTC$`, "")
}
