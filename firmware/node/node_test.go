package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/firmware/supervise"
	"longwire/store"
)

// write puts a configuration into a new folder and loads it.
func write(tb testing.TB, dir, text string) *config.Config {
	tb.Helper()
	file := filepath.Join(dir, "longwire.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

const quiet = `
domains = ["field.net"]
data = "data"
[clients]
listen = []
direct_tls = []
`

// start runs a node until the test ends; it returns when clients can connect.
func start(tb testing.TB, cfg *config.Config) *node.Node {
	tb.Helper()
	n, _ := launch(tb, cfg)
	return n
}

// launch is start with a way to stop the node before the test ends.
func launch(tb testing.TB, cfg *config.Config) (_ *node.Node, stop func()) {
	tb.Helper()
	ready := make(chan struct{})
	var log bytes.Buffer
	n, err := node.New(cfg, node.Options{Version: "test", Log: supervise.NewLog(&log),
		Notify: &supervise.Notify{Send: func(state string) error {
			if strings.Contains(state, "READY=1") {
				select {
				case <-ready:
				default:
					close(ready)
				}
			}
			return nil
		}}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Log(log.String())
		}
	})
	tb.Cleanup(stop)
	select {
	case <-ready:
	case err := <-done:
		done <- err
		tb.Fatal("node ended: ", err)
	}
	return n, stop
}

// address finds the listener whose description begins with what.
func address(tb testing.TB, n *node.Node, what string) string {
	tb.Helper()
	for _, l := range n.Live().Listeners {
		if addr, ok := strings.CutPrefix(l, what+" "); ok {
			return addr
		}
	}
	tb.Fatalf("no listener %q in %q", what, n.Live().Listeners)
	return ""
}

func dial(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func hello(tb testing.TB, c net.Conn) {
	tb.Helper()
	if _, err := io.WriteString(c, "<stream:stream to='field.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"); err != nil {
		tb.Fatal(err)
	}
	var got []byte
	for !bytes.Contains(got, []byte("</stream:features>")) {
		b := make([]byte, 4096)
		n, err := c.Read(b)
		if err != nil {
			tb.Fatalf("%v after %q", err, got)
		}
		got = append(got, b[:n]...)
	}
}

func TestReloadKeepsStreamsThatItDoesNotTouch(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, quiet+`plaintext = ["127.0.0.1:0"]`))
	c := dial(t, address(t, n, "clients in plaintext"))
	hello(t, c)

	if err := n.Reload(write(t, dir, quiet+"plaintext = [\"127.0.0.1:0\"]\nmax_stanza = \"20KiB\"\n[log]\nlevel = \"debug\"\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%</auth>"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1000)
	if k, err := c.Read(b); err != nil || !strings.Contains(string(b[:k]), "<incorrect-encoding/>") {
		t.Errorf("the stream did not live on: %q, %v", b[:k], err)
	}
}

func TestReloadMovesAListenerAndKeepsItsStreams(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, quiet+`plaintext = ["127.0.0.1:0"]`))
	before := address(t, n, "clients in plaintext")
	c := dial(t, before)
	hello(t, c)
	if err := n.Reload(write(t, dir, strings.Replace(quiet, "listen = []", "listen = [\"127.0.0.1:0\"]", 1))); err != nil {
		t.Fatal(err)
	}
	hello(t, dial(t, address(t, n, "clients")))
	if late, err := net.Dial("tcp", before); err == nil {
		late.Close()
		t.Error("the closed door still opens")
	}
	if _, err := io.WriteString(c, "</stream:stream>"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(got, []byte("</stream:stream>")) {
		t.Errorf("the old stream did not live on: %q, %v", got, err)
	}
}

func TestReloadIsRefusedWhole(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, quiet+`plaintext = ["127.0.0.1:0"]`))
	old := n.Config()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	err = n.Reload(write(t, dir, `
domains = ["other.net"]
data = "data"
[clients]
direct_tls = []
listen = ["`+busy.Addr().String()+`"]
`))
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), busy.Addr().String()) {
		t.Errorf("got %v", err)
	}
	if n.Config() != old {
		t.Error("the refused configuration is in force")
	}
	hello(t, dial(t, address(t, n, "clients in plaintext")))
}

func TestPortInUse(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	cfg := write(t, t.TempDir(), strings.Replace(quiet, "listen = []", "listen = [\""+busy.Addr().String()+"\"]", 1))
	n, err := node.New(cfg, node.Options{Log: supervise.NewLog(io.Discard), Notify: &supervise.Notify{Send: func(string) error { return nil }}})
	if err != nil {
		t.Fatal(err)
	}
	err = n.Run(t.Context())
	want := "node: listening for clients " + busy.Addr().String() + ": another program, perhaps another longwire, uses that port; stop it or choose another port: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
}

func TestStoreLockedByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	cfg := write(t, dir, quiet)
	start(t, cfg)
	_, err := node.New(cfg, node.Options{Log: supervise.NewLog(io.Discard)})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), cfg.StorePath()) {
		t.Errorf("got %v", err)
	}
}

func TestReadOnlyDataFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		// root writes wherever it likes, except where nobody can
		cfg := write(t, t.TempDir(), strings.Replace(quiet, `data = "data"`, `data = "/proc/longwire"`, 1))
		_, err := node.New(cfg, node.Options{Log: supervise.NewLog(io.Discard)})
		if err == nil || !strings.Contains(err.Error(), "node: making the data folder /proc/longwire: ") || !strings.Contains(err.Error(), "give the user that runs longwire a folder it may write to") {
			t.Errorf("got %v", err)
		}
		return
	}
	dir := t.TempDir()
	cfg := write(t, dir, quiet)
	if err := os.Mkdir(cfg.Data, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := node.New(cfg, node.Options{Log: supervise.NewLog(io.Discard)})
	if !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), cfg.StorePath()) {
		t.Errorf("got %v", err)
	}
}
