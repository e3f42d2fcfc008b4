package node_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/firmware/telemetry"
	"longwire/firmware/telemetry/telemetrytest"
	"longwire/links/fold"
)

// recorded runs two nodes, lets alice say something on hq's, and returns hq's configuration when all has crossed and hq has stopped.
func recorded(t *testing.T, link, more string, say func(alice, bob *chatter)) *config.Config {
	t.Helper()
	a, b := freePort(t), freePort(t)
	cfg := write(t, t.TempDir(), half("headquarters.net", "field.net", a, b, link)+more)
	hq, stop := launch(t, cfg)
	field := start(t, write(t, t.TempDir(), half("field.net", "headquarters.net", b, a, "dial = false")))
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	say(alice, bob)
	alice.send("<message to='bob@field.net' type='chat' id='last'><body>last</body></message>")
	bob.until("id='last'")
	time.Sleep(1500 * time.Millisecond) // ack_idle: it is confirmed
	stop()
	return cfg
}

// chatting is what alice's client sends in an hour.
func chatting(alice, bob *chatter) {
	for i := range 40 {
		alice.send(fmt.Sprintf("<message to='bob@field.net' type='chat' id='c%d'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", i))
		alice.send(fmt.Sprintf("<message to='bob@field.net' type='chat' id='m%d'>%s<thread>t%d</thread></message>", i, strings.Replace(dressed, "left", strings.Repeat("left ", 1+i%17), 1), i))
		if i%5 == 0 {
			alice.send(fmt.Sprintf("<presence to='bob@field.net'><show>away</show><status>%d</status></presence>", i))
		}
	}
}

// What these rules would have saved, by the record of another day, is what they save.
func TestFoldPreviewEqualsTheLaterMeasurement(t *testing.T) {
	t.Parallel()
	before := recorded(t, "", "", chatting)
	policy, _ := fold.Preset("hf-300")
	rules, err := fold.New(policy, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := telemetry.MakePreview(before.NodeTelemetryPath(), 0, "", func(string) (*fold.Folder, error) { return rules, nil })
	if err != nil {
		t.Fatal(err)
	}
	after := recorded(t, "class = \"hf-300\"", "", chatting)
	kinds, _ := telemetrytest.CheckFolder(t, after.NodeTelemetryPath(), telemetry.Schema())
	r, err := telemetry.MakeReport(after.NodeTelemetryPath(), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	foreseen, measured := float64(p.After), float64(r.Folding.Raw-r.Folding.Saved)
	t.Logf("would have saved %.1f %%; did save %.1f %%; %v", 100*p.Saved(), 100*float64(r.Folding.Saved)/float64(r.Folding.Raw), kinds)
	if foreseen < 0.95*measured || foreseen > 1.05*measured || p.Unread > 0 {
		t.Errorf("%.0f bytes foreseen, %.0f measured; %+v", foreseen, measured, p)
	}
	// The links say the same of what they were given.
	if given := float64(r.Total.Out.Folded); given < 0.95*measured || given > 1.05*measured {
		t.Errorf("%.0f bytes given to the link, %.0f after folding", given, measured)
	}
}

func TestTelemetryHasAFolderForThePeersAddress(t *testing.T) {
	t.Parallel()
	cfg := recorded(t, "rate = 9600", "", func(alice, bob *chatter) {
		alice.send("<message to='bob@field.net' type='chat' id='m1'><subject>the topic</subject><body>Tango at dawn</body></message>")
		bob.until("Tango at dawn")
		bob.send("<message to='alice@headquarters.net' type='chat' id='m2'><body>Understood</body></message>")
		alice.until("Understood")
	})
	dir := cfg.NodeTelemetryPath()
	if filepath.Base(dir) != "headquarters.net" {
		t.Errorf("the node's folder is %s", dir)
	}
	kinds, _ := telemetrytest.CheckFolder(t, dir, telemetry.Schema())
	for _, k := range []string{telemetry.Contact, telemetry.Stanza, telemetry.Confirm, telemetry.Shape, telemetry.Skeleton} {
		if kinds[k] == 0 {
			t.Errorf("no %s in %v", k, kinds)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "127.0.0.1", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Tango", "dawn", "topic", "Understood", "secret"} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%q is in %s", secret, f)
			}
		}
	}
	r, err := telemetry.MakeReport(dir, 0, "field.net")
	if err != nil || len(r.Users) != 1 || r.Users[0].Name != "alice@headquarters.net" || r.Users[0].Out.Air <= 0 || r.Users[0].In.Stanzas == 0 {
		t.Errorf("%v %+v", err, r)
	}
}

// A record that cannot be written is nobody's concern but the log's.
func TestChatGoesOnWithoutTelemetry(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	recorded(t, "", fmt.Sprintf("[telemetry]\nfolder = %q\n", filepath.Join(file, "telemetry")), chatting)
}

func TestFiguresAreServed(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	url := fmt.Sprintf("http://127.0.0.1:%d/metrics", port)
	get := func() (string, error) {
		resp, err := http.Get(url)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	dir := t.TempDir()
	base := half("headquarters.net", "field.net", freePort(t), freePort(t), "")
	n := start(t, write(t, dir, base))
	if _, err := get(); err == nil {
		t.Error("figures are served by default")
	}
	if err := n.Reload(write(t, dir, base+fmt.Sprintf("[telemetry]\nprometheus = \"127.0.0.1:%d\"\n", port))); err != nil {
		t.Fatal(err)
	}
	var text string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && text == ""; time.Sleep(20 * time.Millisecond) {
		text, _ = get()
	}
	if !strings.Contains(text, `longwire_link_up{link="IP link",peer="field.net"} 0`) {
		t.Errorf("%q", text)
	}
	if err := n.Reload(write(t, dir, base)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := get(); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("figures are still served")
		}
	}
}

const budgeted = `
[[budget]]
user = "*"
hard = "60s"
soft = "20s"
`

// spender is a node whose link is slow and never comes up, and a client at it.
func spender(t *testing.T, dir, more string) (*node.Node, *chatter, func(string)) {
	t.Helper()
	doc := func(more string) string {
		return half("headquarters.net", "field.net", 65511, 65512, "rate = 300\ncompress = false\ndial = false\nlisten = true") + more
	}
	doc0 := strings.Replace(doc(more), "local_port = 65511", fmt.Sprintf("local_port = %d", freePort(t)), 1)
	n := start(t, write(t, dir, doc0))
	reload := func(more string) {
		if err := n.Reload(write(t, dir, strings.Replace(doc0, budgeted, more, 1))); err != nil {
			t.Fatal(err)
		}
	}
	return n, online(t, n, "alice", "headquarters.net"), reload
}

func TestAirIsBudgeted(t *testing.T) {
	t.Parallel()
	n, alice, reload := spender(t, t.TempDir(), budgeted)
	say := func(id, body string) {
		alice.send("<message to='bob@field.net' type='chat' id='" + id + "'><body>" + body + "</body></message>")
	}
	long := strings.Repeat("x", 400) // some 15 s at 300 bit/s
	say("m1", long)
	say("m2", long) // passes the soft limit
	alice.until("20 s of air time in any hour")
	say("m3", long)
	say("m4", long)
	say("m5", long)
	alice.until("type='error' id='m5'><error type='wait'><resource-constraint ")
	alice.until("there is room again when what waits was sent")
	if strings.Contains(alice.seen, "in any hour") {
		t.Errorf("told twice: %s", alice.seen)
	}
	say("m7", strings.Repeat("x", 5000))
	alice.until("there will never be room for it")
	if st := n.Store().Queue("field.net").Stats(); st.Entries < 4 {
		t.Errorf("%+v", st)
	}
	reload("") // without the budget all goes
	say("m8", long)
	alice.send("<iq type='get' to='headquarters.net' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
	alice.until("id='p'/>")
	if strings.Contains(alice.seen, "id='m8'") {
		t.Errorf("refused without a budget: %s", alice.seen)
	}
}

// Who writes what takes long is told what it costs and its number, and it waits.
func TestCostlyMessageIsAnnouncedAndHeld(t *testing.T) {
	t.Parallel()
	n, alice, _ := spender(t, t.TempDir(), "[air]\nwarn_after = \"30s\"\nhold = \"45s\"\n")
	alice.send("<message to='bob@field.net' type='chat' id='m1'><body>short</body></message>")
	alice.send("<message to='bob@field.net' type='chat' id='m2'><body>" + strings.Repeat("x", 2000) + "</body></message>")
	alice.until("cancel ")
	if !strings.Contains(alice.seen, "takes about 58 s of air time. It waits 45 s: say") {
		t.Errorf("%s", alice.seen)
	}
	entries, err := n.Store().Queue("field.net").List()
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	number := fmt.Sprint(entries[1].ID)
	alice.until(number)
	if held := time.Until(entries[1].NotBefore); held < 30*time.Second || held > 45*time.Second || !entries[0].NotBefore.IsZero() {
		t.Errorf("%+v", entries)
	}
}
