package node_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/firmware/supervise"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// childVar makes this test program a node, for others to kill.
const childVar = "LONGWIRE_TEST_NODE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	n, err := node.New(cfg, node.Options{Log: supervise.NewLog(os.Stderr)})
	if err != nil {
		return err
	}
	return n.Run(context.Background())
}

// process is a node in a process of its own.
type process struct {
	t    *testing.T
	path string // config
	addr string // of its clients
	log  strings.Builder
	cmd  *exec.Cmd
}

// newProcess writes the config, with a user in the store; begin starts it.
func newProcess(t *testing.T, doc, user, domain string) *process {
	t.Helper()
	p := &process{t: t, addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	dir := t.TempDir()
	cfg := write(t, dir, strings.Replace(doc, "127.0.0.1:0", p.addr, 1))
	p.path = filepath.Join(dir, "longwire.toml")
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(cfg.StorePath(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	account(t, db, user, domain)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.kill(); t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

// begin starts the node and returns when clients can connect.
func (p *process) begin() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self)
	p.cmd.Env = append(os.Environ(), childVar+"="+p.path)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			c.Close()
			return
		} else if time.Now().After(end) {
			p.t.Fatalf("node does not start: %v", err)
		}
	}
}

// kill ends it as a power cut would.
func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

func TestKilledNodesLoseAndDoubleNothingOverHF(t *testing.T) {
	t.Parallel()
	const messages, kills = 80, 8
	air := newAir(t)
	air.Set(func(o *sistest.Options) { o.Rate = 50_000 }) // so that all takes longer than the kills
	hqS, fldS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress)
	hq := newProcess(t, hfHead("headquarters.net", hqAddress, hqS)+hfPeer("field.net", fieldAddress, "longwire"), "alice", "headquarters.net")
	field := newProcess(t, hfHead("field.net", fieldAddress, fldS)+hfPeer("headquarters.net", hqAddress, "longwire"), "bob", "field.net")
	hq.begin()
	field.begin()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))

	alice := login(t, hq.addr, "alice", "headquarters.net")
	for i := range messages {
		// Text that does not compress well, so that it takes many frames.
		body := make([]byte, 300)
		for j := range body {
			body[j] = "abcdefghijklmnopqrstuvwxyz    "[r.IntN(30)]
		}
		alice.send(fmt.Sprintf("<message to='bob@field.net' type='chat' id='k%d'><body>%s</body></message>", i, body))
	}
	alice.taken("headquarters.net")
	for i := range kills {
		time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond)
		p := []*process{hq, field}[i%2]
		p.kill()
		p.begin()
	}

	// They were kept for bob, who only comes now; a last one shows that there is no more.
	alice = login(t, hq.addr, "alice", "headquarters.net")
	alice.send("<message to='bob@field.net' type='chat' id='last'><body>x</body></message>")
	bob := login(t, field.addr, "bob", "field.net")
	bob.send("<presence/>")
	var all strings.Builder
	bob.nc.SetReadDeadline(time.Now().Add(60 * time.Second))
	for b := make([]byte, 4096); !strings.Contains(all.String(), "id='last'"); {
		n, err := bob.nc.Read(b)
		all.Write(b[:n])
		if err != nil {
			t.Errorf("waiting for the last message: %v", err)
			break
		}
	}
	var got []string
	for rest := all.String(); ; {
		_, after, found := strings.Cut(rest, "id='k")
		if !found {
			break
		}
		id, _, _ := strings.Cut(after, "'")
		got, rest = append(got, id), after
	}
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i))
	}
	if g, w := strings.Join(got, " "), strings.Join(want, " "); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}
