package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"longwire/links/sis"
)

// TestMain is the program itself when a test runs it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("S5066D_TEST_PROCESS") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process starts s5066d; it is killed at the end of the test.
func process(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "S5066D_TEST_PROCESS=1")
	said := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%v said:\n%s", args, said)
		}
	})
	return cmd, said
}

// freePort is a TCP port that nobody listens at now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// write makes a config.
func write(t *testing.T, dir string, i int, listen, channel string) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("%d.toml", i))
	text := fmt.Sprintf("address = \"1.1.0.%d\"\ncontrol = %q\n[clients]\nlisten = [%q]\n[modem]\nchannel = %q\nrate = 1200\n[trace]\nfile = %q\n",
		i, filepath.Join(dir, fmt.Sprintf("control%d", i)), listen, channel, filepath.Join(dir, fmt.Sprintf("air%d.pcap", i)))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// until polls, as processes tell nobody when they are ready.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

func bind(t *testing.T, at string, rank uint8) *sis.Client {
	t.Helper()
	var c *sis.Client
	until(t, "binding at "+at, func() bool {
		var err error
		c, err = sis.Bind(context.Background(), sis.Binding{SAP: 13, Rank: rank, Dial: func(ctx context.Context) (io.ReadWriteCloser, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", at)
		}})
		return err == nil
	})
	t.Cleanup(c.Close)
	return c
}

// exchange has a send n U_PDUs, and tells when all are confirmed and as many others came.
func exchange(ctx context.Context, c *sis.Client, from, to, n int) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		for k := range n {
			_, _ = c.Unidata(ctx, sis.UnidataRequest{DestinationSAP: 13, Destination: sis.MakeAddress(1, 1, 0, byte(to)), TTL: sis.TTLOf(time.Hour),
				UPDU: fmt.Appendf(nil, "U_PDU %d of %d", k, from)})
		}
	})
	confirmed, came := 0, 0
	for confirmed < n || came < n {
		e, err := c.Recv(ctx)
		if err != nil {
			return fmt.Errorf("%d confirmed, %d came: %w", confirmed, came, err)
		}
		switch e := e.(type) {
		case sis.Confirmed:
			confirmed++
		case sis.UnidataIndication:
			if want := fmt.Sprintf("U_PDU %d of %d", came, to); string(e.UPDU) != want {
				return fmt.Errorf("got %q, want %q", e.UPDU, want)
			}
			came++
		case sis.Rejected, sis.Unanswered:
			return fmt.Errorf("got %+v", e)
		}
	}
	return nil
}

func TestTwoServersOverOneChannel(t *testing.T) {
	dir, air := t.TempDir(), freePort(t)
	ports := []string{freePort(t), freePort(t)}
	_, said := process(t, "channel", "--listen", air, "--scale", "200", "--seed", "1")
	until(t, "the channel", func() bool {
		c, err := net.Dial("tcp", air)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	_ = said
	var clients []*sis.Client
	var servers []*exec.Cmd
	for i, p := range ports {
		cmd, _ := process(t, "run", "--config", write(t, dir, i+1, p, air))
		servers = append(servers, cmd)
		clients = append(clients, bind(t, p, 0))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := make(chan error, 2)
	for i, c := range clients {
		go func() { errs <- exchange(ctx, c, i+1, 2-i, 20) }()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	// The servers stop cleanly, and leave a trace and no control socket.
	for i, s := range servers {
		_ = s.Process.Signal(os.Interrupt)
		if err := s.Wait(); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("control%d", i+1))); err == nil {
			t.Error("the control socket is still there")
		}
		if st, err := os.Stat(filepath.Join(dir, fmt.Sprintf("air%d.pcap", i+1))); err != nil || st.Size() < 1000 {
			t.Errorf("trace: %v, %v", st, err)
		}
	}
}

// invoked runs s5066d in this process.
func invoked(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	code = run(ctx, args, &o, &e)
	return code, o.String(), e.String()
}

func TestCommandsAtARunningServer(t *testing.T) {
	dir, air := t.TempDir(), filepath.Join(t.TempDir(), "air")
	control := filepath.Join(dir, "channel")
	ch, said := process(t, "channel", "--listen", air, "--scale", "100", "--control", control)
	until(t, "the channel", func() bool { c, _, _ := invoked(t, "status", "--control", control); return c == exitOK })
	port := freePort(t)
	cfg := write(t, dir, 1, port, air)
	if code, _, e := invoked(t, "status", "--config", cfg); code != exitStopped || !strings.Contains(e, "nobody answers") {
		t.Errorf("status without a server: %d, %s", code, e)
	}
	server, log := process(t, "run", "--config", cfg)
	c := bind(t, port, 3)
	if code, o, e := invoked(t, "status", "--config", cfg); code != exitOK || !strings.Contains(o, "Node 1.1.0.1, 110A 1200 short, on") ||
		!strings.Contains(strings.Join(strings.Fields(o), " "), "Client SAP 13 rank 3") {
		t.Errorf("status: %d, %s%s", code, o, e)
	}
	if code, o, _ := invoked(t, "status", "--json", "--config", cfg); code != exitOK || !strings.Contains(o, `"address":"1.1.0.1"`) {
		t.Errorf("status: %d, %s", code, o)
	}
	if code, _, e := invoked(t, "emcon", "on", "--config", cfg); code != exitOK {
		t.Errorf("emcon: %s", e)
	}
	e, err := c.Recv(context.Background())
	if err != nil || e != (sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}) {
		t.Errorf("the client heard %v, %v", e, err)
	}
	// A second server finds its places taken.
	if code, _, e := invoked(t, "run", "--config", cfg); code != exitFailed || !strings.Contains(e, "another server runs") {
		t.Errorf("a second server: %d, %s", code, e)
	}
	second := write(t, t.TempDir(), 2, port, air)
	if code, _, e := invoked(t, "run", "--config", second); code != exitFailed || !strings.Contains(e, "another program listens at "+port) {
		t.Errorf("port taken: %d, %s", code, e)
	}
	// A reload moves the trace and tells what it could not change.
	text, _ := os.ReadFile(cfg)
	text = bytes.Replace(bytes.Replace(text, []byte("air1.pcap"), []byte("other.pcap"), 1), []byte("rate = 1200"), []byte("rate = 300"), 1)
	if err := os.WriteFile(cfg, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = server.Process.Signal(syscall.SIGHUP)
	until(t, "the new trace", func() bool { _, err := os.Stat(filepath.Join(dir, "other.pcap")); return err == nil })
	_ = server.Process.Signal(os.Interrupt)
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), `"needs a restart"=[modem]`) {
		t.Errorf("log: %s", log)
	}
	if _, err := c.Recv(context.Background()); err == nil {
		t.Error("the client is still bound")
	}
	_ = ch.Process.Signal(os.Interrupt)
	if err := ch.Wait(); err != nil || !strings.Contains(said.String(), "0 transmissions") {
		t.Errorf("the channel: %v, %s", err, said)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{}, {"fly"}, {"emcon"}, {"emcon", "maybe", "--control", "x"}, {"run", "x"}, {"channel", "--scale", "0"}, {"check", "--fast"}} {
		if code, _, e := invoked(t, args...); code != exitMisuse || e == "" {
			t.Errorf("%q: %d, %s", args, code, e)
		}
	}
	if code, o, _ := invoked(t, "help"); code != exitOK || !strings.Contains(o, "channel") {
		t.Errorf("help: %d, %s", code, o)
	}
}

func TestKilledServerComesBack(t *testing.T) {
	dir, air, port := t.TempDir(), filepath.Join(t.TempDir(), "air"), freePort(t)
	control := filepath.Join(dir, "channel")
	process(t, "channel", "--listen", air, "--scale", "100", "--control", control)
	until(t, "the channel", func() bool { c, _, _ := invoked(t, "status", "--control", control); return c == exitOK })
	cfg := write(t, dir, 1, port, air)
	for range 3 {
		server, _ := process(t, "run", "--config", cfg)
		c := bind(t, port, 0)
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait()
		if _, err := c.Recv(context.Background()); err == nil {
			t.Error("the client is still bound")
		}
		if _, err := os.Stat(filepath.Join(dir, "control1")); err != nil {
			t.Errorf("it stopped too cleanly to test anything: %v", err)
		}
	}
	process(t, "run", "--config", cfg)
	bind(t, port, 0)
	if code, _, e := invoked(t, "status", "--config", cfg); code != exitOK {
		t.Errorf("status: %d, %s", code, e)
	}
}
