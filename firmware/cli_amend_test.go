package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwire/firmware/config"
)

// words splits a command line, with texts in quotes.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(strings.Map(func(r rune) rune {
		switch {
		case r == '\'':
			quoted = !quoted
			return -1
		case r == ' ' && !quoted:
			return '\n'
		}
		return r
	}, line), func(r rune) bool { return r == '\n' })
}

// do runs a command line that must do well.
func do(t *testing.T, line string) (out, errs string) {
	t.Helper()
	code, out, errs := longwire(t, "a secret\n", words(line)...)
	if code != exitOK {
		t.Fatalf("longwire %s: %d\n%s%s", line, code, out, errs)
	}
	return out, errs
}

func setUp(t *testing.T) (path string) {
	t.Helper()
	path = use(t, "# Of the third platoon.\n"+quiet+"[rooms]\ndomains = [\"chat.field.net\"]\n")
	do(t, `link add 'IP link' remote_address=127.0.0.1 local_port=0`)
	do(t, `peer add hq domain=hq.net domain=chat.hq.net link='IP link'`)
	return path
}

func now(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Load(config.Search(""))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestANodeIsSetUpWithoutAnEditor(t *testing.T) {
	path := setUp(t)
	for _, line := range []string{
		`link add HF type=s5066 local_5066_address=1.1.0.1 windows='mon-fri 06:00-18:00' rate=300 priority.message=9`,
		`peer set hq.net remote_5066_address=1.1.0.2 mapping=longwire failover.after=30s`,
		`peer link hq HF on`,
		`link set HF windows+='sat-sun 08:00-12:00' emcon=yes`,
		`link set 'IP link' name=SatCom class=satcom compress=off`,
		`fold set hq messages='strip all elements in the rule set' presence=minimal`,
		`fold add hq http://jabber.org/protocol/chatstates composing active gone paused inactive`,
		`fold add hq http://jabber.org/protocol/xhtml-im html`,
		`fold add hq urn:x y --in`,
		`fold remove hq 2`,
		`route add hq precedence=routine link=SatCom wait=2h`,
		`precedence add from=watch@field.net precedence=immediate`,
		`budget add peer=hq hard=10m`,
		`config set rooms.federation.enabled=no log.level=warn`,
		`config set telemetry.max_size 1MiB`,
	} {
		if _, errs := do(t, line); !strings.Contains(errs, "No node is running here; the change is in "+path) {
			t.Errorf("%s: %s", line, errs)
		}
	}
	c := now(t)
	p, hf := c.Peers[0], c.Links[1]
	if got := strings.Join(p.Links, ","); got != "SatCom,HF" || p.S5066.Remote5066Address != "1.1.0.2" || p.S5066.Mapping != "longwire" || p.Failover.After.Seconds() != 30 {
		t.Errorf("peer %+v", p)
	}
	if strings.Join(hf.Windows, ",") != "mon-fri 06:00-18:00,sat-sun 08:00-12:00" || !hf.EMCON || hf.Rate != 300 || hf.Priority.Message != 9 {
		t.Errorf("HF %+v", hf)
	}
	if l := c.Links[0]; l.Name != "SatCom" || l.Compress || l.Class != "satcom" || p.Routes[0].Links[0] != "SatCom" {
		t.Errorf("SatCom %+v, route %+v", l, p.Routes)
	}
	if f := p.Fold; len(f.Rules) != 1 || len(f.Rules[0].Names) != 5 || f.Messages != "strip" || f.Presence != "minimal" || len(p.FoldIn.Rules) != 1 {
		t.Errorf("folding %+v", f)
	}
	if c.RoomService.Federation.Enabled || c.Log.Level != "warn" || c.Telemetry.MaxSize != 1<<20 || len(c.Budgets) != 1 || len(c.Precedence.Rules) != 1 {
		t.Errorf("%+v", c)
	}
	doc, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(doc), "# Of the third platoon.\n") {
		t.Errorf("%v\n%s", err, doc)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if out, _ := do(t, "config show route"); out != "peer \"hq\" route 1 precedence = [\"routine\"]\npeer \"hq\" route 1 links = [\"SatCom\"]\npeer \"hq\" route 1 wait = \"2h\"\n" {
		t.Errorf("shown: %s", out)
	}
	if out, _ := do(t, "fold show hq"); !strings.Contains(out, "On a link of class satcom: messages strip, presence minimal\n  rule 1: strip composing active gone paused inactive of http://jabber.org/protocol/chatstates, message\n  preset 1: strip active") {
		t.Errorf("shown: %s", out)
	}
	for _, line := range []string{"fold set hq presence= messages=", "route remove hq 1", "budget remove 1", "precedence remove 1", "peer link hq HF first", "peer link hq SatCom off", "link remove SatCom"} {
		do(t, line)
	}
	c = now(t)
	if len(c.Links) != 1 || len(c.Budgets)+len(c.Precedence.Rules)+len(c.Peers[0].Routes) != 0 || c.Peers[0].Fold.Presence != "" || c.Peers[0].Links[0] != "HF" {
		t.Errorf("%+v", c)
	}
	if _, errs := do(t, "peer link hq HF on"); !strings.Contains(errs, "says so already") {
		t.Errorf("nothing to do: %s", errs)
	}
}

// A change that is refused leaves the file byte for byte as it was, and says why without a line that is not there.
func TestARefusedChangeChangesNothing(t *testing.T) {
	path := setUp(t)
	do(t, "config set 'rooms.domains=chat.field.net'")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"link set 'IP link' ack_every=0":                  "refused, and nothing is changed:\nlink.ack_every: 0 is out of range; choose 1 to 1000\n",
		"link set 'IP link' remote_prt=1":                 `there is no setting "remote_prt"; did you mean "remote_port"?`,
		"link set 'IP link' compress=perhaps":             `compress: say yes or no, not "perhaps"`,
		"link set 'IP link' rate=fast":                    `rate: "fast" is not a whole number`,
		"link set 'IP link' rate+=1":                      `rate is no list`,
		"link set 'IP lnk' rate=1":                        `there is no link "IP lnk"; did you mean "IP link"?`,
		"link add 'IP link' remote_address=127.0.0.2":     `there is a link "IP link" already; 'longwire link set' changes it`,
		"link add x rate":                                 `"rate" is no setting`,
		"link remove 'IP link'":                           `peer "hq" is reached by link "IP link"; first: longwire peer link "hq" "IP link" off`,
		"peer link hq 'IP link' off":                      `link "IP link" is the only one of peer "hq"`,
		"peer link hq HF on":                              `there is no link "HF"`,
		"peer link hq 'IP link' maybe":                    `say on, first or off`,
		"peer set hq name=x":                              `what waits for a peer is kept under its name`,
		"peer add x domain=hq.net link='IP link'":         `hq.net is claimed by peer "hq" too`,
		"peer set field remote=1":                         `there is no peer "field"; there are: hq`,
		"fold set hq presence=nothing":                    `peer.fold.presence: there is no mode of presence folding "nothing"; there are: off, coalesce, minimal, all, matched`,
		"fold add hq http://isode.com/protocol/fmuc fmuc": `is never taken out: a federated room cannot do without it`,
		"fold add hq http://jabber.org/protocol/muc x":    `is never taken out`,
		"fold remove hq 1":                                `there is no rule "1"; there are 0, and they count from 1`,
		"budget add hard=0s":                              `a budget of zero lets nothing pass`,
		"budget remove x":                                 `there is no budget "x"`,
		"precedence add from=a.net precedence=urgent":     `there is no precedence "urgent"; there are: flash, immediate, priority, routine`,
		"route add hq link=HF":                            `peer "hq" has no link "HF"`,
		"config set nonsense=1":                           `there is no setting "nonsense"`,
		"config set clients.listen-=127.0.0.1:99":         `there is no "127.0.0.1:99"`,
	} {
		code, out, errs := longwire(t, "", words(line)...)
		if code == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("longwire %s: %d, %s%s\nwant %s", line, code, out, errs, want)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Fatalf("longwire %s: the file is changed", line)
		}
	}
	left, err := os.ReadDir(path[:strings.LastIndexByte(path, '/')])
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What a running node is told holds at once; what it cannot do is undone in the file too.
func TestARunningNodeAppliesOrRefuses(t *testing.T) {
	path, told := use(t, quiet), systemd(t)
	ctx, stop := context.WithCancel(t.Context())
	var log buffer
	over := make(chan int, 1)
	go func() { over <- run(ctx, []string{"node"}, std{nil, &log, &log}) }()
	for told() != "READY=1" {
	}
	defer func() {
		stop()
		if code := <-over; code != exitOK {
			t.Errorf("the node ended with %d:\n%s", code, log.String())
		}
	}()
	if _, errs := do(t, `link add 'IP link' remote_address=127.0.0.1 listen=no`); !strings.HasSuffix(errs, "Link \"IP link\" is added. The node has applied it.\n") {
		t.Errorf("added: %s", errs)
	}
	do(t, `peer add hq domain=hq.net link='IP link'`)
	if out, _ := do(t, "peer list"); !strings.Contains(out, "hq.net") {
		t.Errorf("the node knows of: %s", out)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code, _, errs := longwire(t, "", "config", "set", "data=elsewhere")
	if want := "the node refused and goes on as before; " + path + " is as it was:"; code != exitFailed || !strings.Contains(errs, want) || !strings.Contains(errs, "a running node cannot change this") {
		t.Errorf("data: %d, %s", code, errs)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file is changed: %s", after)
	}
	// A secret that is typed elsewhere is shown nowhere.
	const token = "longwire-pair-secret-1 not-a-key"
	code, out, errs := longwire(t, token+"\n", "config", "set", "pairing.key=-")
	if code != exitFailed || strings.Contains(out+errs+log.String(), "not-a-key") {
		t.Errorf("secret: %d, %s%s", code, out, errs)
	}
}

// Who cannot know whether the node has taken a change must not take it out of the file.
func TestAChangeOutlivesANodeThatDoesNotAnswer(t *testing.T) {
	path := setUp(t)
	c := now(t)
	if err := os.MkdirAll(filepath.Dir(c.Control), 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", c.Control)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	code, _, errs := longwire(t, "", "config", "set", "log.level=warn")
	if code != exitFailed || !strings.Contains(errs, "whether the node has applied it is not known") || strings.Contains(errs, "refused") {
		t.Errorf("%d, %s", code, errs)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), `level = "warn"`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestConfigShowTellsWhereAFaultIs(t *testing.T) {
	path := use(t, quiet+"x = [\n")
	if code, _, errs := longwire(t, "", "config", "show"); code != exitFailed || !strings.Contains(errs, path+":") || !strings.Contains(errs, "a list stays open") {
		t.Errorf("%d, %s", code, errs)
	}
}
