//go:build integration

// The console against real servers, s5066d over 's5066d channel', as processes; and on a real terminal, tmux.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// radioScale is how much faster than time the simulated radio is.
const radioScale = "60"

// A place is two servers on one channel, and the programs.
type place struct {
	t        *testing.T
	dir      string
	console  string
	server   [2]string // where their clients connect
	channel  string
	tmuxName string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), channel: free(t), tmuxName: fmt.Sprintf("s5066con-%d", os.Getpid())}
	p.console = p.build("longwire/tools/s5066con")
	s5066d := p.build("longwire/tools/s5066d")
	p.start(s5066d, "channel", "--listen", p.channel, "--scale", radioScale, "--seed", "1")
	p.await(p.channel)
	for i := range p.server {
		p.server[i] = free(t)
		config := filepath.Join(p.dir, fmt.Sprintf("%d.toml", i+1))
		text := fmt.Sprintf("address = \"1.1.0.%d\"\ncontrol = %q\n[clients]\nlisten = [%q]\nmax_rank = 15\n[modem]\nchannel = %q\nrate = 300\n",
			i+1, filepath.Join(p.dir, fmt.Sprintf("c%d", i+1)), p.server[i], p.channel)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.start(s5066d, "run", "--config", config)
		p.await(p.server[i])
	}
	return p
}

func (p *place) build(pkg string) string {
	p.t.Helper()
	bin := filepath.Join(p.dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", bin, pkg).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// start runs a program until the test is over.
func (p *place) start(name string, args ...string) *bytes.Buffer {
	p.t.Helper()
	cmd, out := exec.Command(name, args...), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, p.env()
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if p.t.Failed() {
			p.t.Logf("%s %v:\n%s", name, args, out)
		}
	})
	return out
}

func (p *place) env() []string {
	return append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(p.dir, "config"))
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *place) await(address string) {
	p.t.Helper()
	p.until("listening at "+address, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (p *place) until(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not in 30 s: %s", what)
		}
	}
}

// run runs a command with -json at the first server, and returns its events by kind.
func (p *place) run(code int, args ...string) map[string][]map[string]any {
	p.t.Helper()
	args = append(args, "-json", "-server", p.server[0], "-scale", radioScale)
	cmd := exec.Command(p.console, args...)
	cmd.Env = p.env()
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%v: exit code %d, not %d", args, got, code)
	}
	p.t.Logf("%v\n%s%s", args, out, &complaints)
	events := map[string][]map[string]any{}
	for line := range strings.Lines(string(out)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			p.t.Fatal(err)
		}
		kind := e["event"].(string)
		events[kind] = append(events[kind], e)
	}
	return events
}

// last is an event's field, of the last event of its kind.
func last(events map[string][]map[string]any, kind, field string) any {
	list := events[kind]
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1][field]
}

func TestAgainstS5066d(t *testing.T) {
	p := newPlace(t)
	t.Run("a node without console", func(t *testing.T) {
		e := p.run(exitGood, "ping", "1.1.0.2")
		if last(e, "ping_done", "console") != "silent" || last(e, "ping_done", "delivered") != 1.0 {
			t.Error("the node's confirmation is no sign of life")
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		e := p.run(exitNothing, "ping", "1.1.0.9", "-wait", "10m")
		if last(e, "failed", "code") != 3.0 {
			t.Error("it is not said that the node does not respond")
		}
	})
	p.start(p.console, "listen", "-server", p.server[1], "-scale", radioScale, "-name", "field", "-accept-links")
	time.Sleep(time.Second)
	t.Run("both stations are shown", func(t *testing.T) {
		e := p.run(exitGood, "discover", "-rank", "15")
		if last(e, "found", "station") != "1.1.0.2" || last(e, "found", "own") != "1.1.0.1" || last(e, "found", "name") != "field" {
			t.Error("they are not found")
		}
		heard, _ := last(e, "node", "heard").([]any)
		if last(e, "node", "address") != "1.1.0.1" || len(heard) != 1 {
			t.Error("the node does not say whom it heard")
		}
	})
	t.Run("ARQ test", func(t *testing.T) {
		e := p.run(exitGood, "test", "1.1.0.2", "-rate", "300", "-count", "20")
		rate, _ := last(e, "test_done", "bit_rate").(float64)
		if last(e, "test_done", "delivered") != 20.0 || last(e, "report", "received") != 20.0 || last(e, "report", "duplicates") != 0.0 || rate < 150 || rate > 300 {
			t.Error("not all arrived once, or not at a rate that can be")
		}
	})
	t.Run("broadcast test", func(t *testing.T) {
		e := p.run(exitGood, "test", "all", "-rate", "300", "-count", "10")
		if last(e, "report", "from") != "1.1.0.2" || last(e, "report", "received") != 10.0 || last(e, "test_done", "mode") != "non-ARQ" {
			t.Error("not all arrived")
		}
	})
	t.Run("hard link", func(t *testing.T) {
		e := p.run(exitGood, "link", "1.1.0.2", "-type", "2", "-hold", "60s")
		if last(e, "link", "state") != "released" || len(e["link"]) != 3 {
			t.Error("it was not made, held and broken")
		}
	})
}

// tmux runs a command of a tmux server of our own.
func (p *place) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-L", p.tmuxName}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// shows waits for the screen to match.
func (p *place) shows(patterns ...string) {
	p.t.Helper()
	screen := ""
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		screen = p.tmux("capture-pane", "-p")
		missing := ""
		for _, want := range patterns {
			if !regexp.MustCompile(want).MatchString(screen) {
				missing = want
			}
		}
		if missing == "" {
			p.t.Logf("the screen:\n%s", strings.TrimRight(screen, "\n"))
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s is not shown:\n%s", missing, screen)
		}
	}
}

func (p *place) keys(keys ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys"}, keys...)...)
}

func TestTheScreenInTmuxAgainstS5066d(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: apt-get install tmux")
	}
	p := newPlace(t)
	p.start(p.console, "listen", "-server", p.server[1], "-scale", radioScale, "-name", "field")
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-e", "XDG_CONFIG_HOME="+filepath.Join(p.dir, "screen"),
		p.console+" -rank 15 -scale "+radioScale)
	t.Cleanup(func() { _ = exec.Command("tmux", "-L", p.tmuxName, "kill-server").Run() })
	p.shows("Friendly name", "Port +5066")
	host, port, _ := net.SplitHostPort(p.server[0])
	p.keys("C-u", "h", "q", "Down", "Down", "C-u")
	p.tmux("send-keys", "-l", host)
	p.keys("Down", "C-u")
	p.tmux("send-keys", "-l", port)
	p.keys("Up", "Up", "Up", "Up", "3", "0", "0", "Enter")
	p.shows("hq .*SAP 13 +MTU 2048 +ARQ", "No station was heard yet")

	p.keys("d")
	p.shows(`1\.1\.0\.1 +this station`, `> 1\.1\.0\.2 +field +13`, "stations that answered: 1")
	p.keys("p", "Enter")
	p.shows("1 sent to 1.1.0.2, 1 confirmed, 1 answered")
	p.keys("i")
	p.shows(`the node is 1.1.0.1 "1.1.0.1" \(110A 300 short\); it heard 1.1.0.2`)

	p.keys("t", "Enter")
	p.shows("How many U_PDUs")
	p.keys("Enter")
	p.shows(`About .* of air at told 300 bit/s, .* in all. Send\? \(y/n\)`)
	p.keys("y")
	p.shows("10 of 10 sent, 10 confirmed", "10 arrived, 0 failed, 0 unknown", "report of 1.1.0.2: 10 of 10 arrived", "█")

	p.keys("m", "t", "C-u", "a", "l", "l", "Enter", "Enter", "y")
	p.shows("with non-ARQ: stations that reported: 1", "non-ARQ")

	p.keys("m", "3", "Q", "R", "V", "?", "Enter")
	p.shows("you → field: QRV", `SAP 5\+13`)
	p.keys("Tab", "5")
	p.shows("S_UNIDATA_REQUEST_CONFIRM", "to +S_BIND_REQUEST|S_UNIDATA_REQUEST ")
	p.keys("q")
	p.until("leaving", func() bool { return exec.Command("tmux", "-L", p.tmuxName, "list-sessions").Run() != nil })
	if b, err := os.ReadFile(filepath.Join(p.dir, "screen", "longwire", "s5066con.json")); err != nil || !strings.Contains(string(b), `"name": "hq"`) || !strings.Contains(string(b), `"goodput"`) {
		t.Errorf("settings: %s, %v", b, err)
	}
}
