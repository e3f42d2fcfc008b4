package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/board"
	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/images/bundle"
)

// console collects what the daemon says.
type console struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) { c.mu.Lock(); defer c.mu.Unlock(); return c.b.Write(p) }
func (c *console) String() string              { c.mu.Lock(); defer c.mu.Unlock(); return c.b.String() }

// services runs a real node in this process, and a SIS server that is only said to run.
type services struct {
	t       testing.TB
	current string

	mu   sync.Mutex
	stop map[string]context.CancelFunc
	done map[string]chan struct{}
	did  []string
	sick map[string]error // units that are said not to run
}

var _ Services = (*services)(nil)

func (s *services) Start(ctx context.Context, unit string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, "start "+unit)
	return s.startLocked(unit)
}

func (s *services) startLocked(unit string) error {
	if s.stop[unit] != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop[unit], s.done[unit] = cancel, done
	if unit != NodeUnit {
		close(done)
		return nil
	}
	go func() {
		defer close(done)
		cfg, err := config.Load(filepath.Join(s.current, "longwire.toml"))
		if err != nil {
			s.t.Logf("node: %v", err)
			return
		}
		n, err := node.New(cfg, node.Options{})
		if err != nil {
			s.t.Logf("node: %v", err)
			return
		}
		if err := n.Run(ctx); err != nil {
			s.t.Logf("node: %v", err)
		}
	}()
	return nil
}

func (s *services) Restart(ctx context.Context, unit string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, "restart "+unit)
	s.stopLocked(unit)
	return s.startLocked(unit)
}

func (s *services) Stop(ctx context.Context, unit string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, "stop "+unit)
	s.stopLocked(unit)
	return nil
}

func (s *services) stopLocked(unit string) {
	if cancel := s.stop[unit]; cancel != nil {
		cancel()
		<-s.done[unit]
		delete(s.stop, unit)
	}
}

func (s *services) Active(ctx context.Context, unit string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sick[unit]; err != nil {
		return err
	}
	if s.stop[unit] == nil {
		return errors.New("it is inactive")
	}
	return nil
}

func (s *services) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.did, ", ")
}

// rig is a machine with a daemon.
type rig struct {
	testing.TB
	o        Options
	console  *console
	services *services
	events   chan board.StickEvent
	held     chan struct{}
	sticks   sync.Map // device → folder that plays the stick
	stop     context.CancelFunc
	ended    chan error
	org      bundle.Signer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	org, err := bundle.NewSigner("Headquarters")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	t.(*testing.T).Setenv("STATE_DIRECTORY", filepath.Join(data, "longwire"))
	pc, ok := board.Find("pc")
	if !ok {
		t.Fatal("there is no PC")
	}
	r := &rig{TB: t, org: org, console: &console{}, events: make(chan board.StickEvent), held: make(chan struct{}),
		services: &services{t: t, current: filepath.Join(data, "kit", "current"), stop: map[string]context.CancelFunc{}, done: map[string]chan struct{}{}, sick: map[string]error{}},
	}
	r.o = Options{
		Version: "v1", Data: data, Run: filepath.Join(dir, "run"), Scratch: dir, Trust: filepath.Join(dir, "trust"), S5066D: filepath.Join(dir, "s5066d"), Slot: "A",
		Board: pc, Console: r.console, Services: r.services,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
		Sticks: func(ctx context.Context, tell func(board.StickEvent)) error {
			for {
				select {
				case e := <-r.events:
					tell(e)
				case <-ctx.Done():
					return nil
				}
			}
		},
		Button: func(ctx context.Context, held func()) error {
			select {
			case <-r.held:
				held()
			case <-ctx.Done():
			}
			return nil
		},
		Mount: func(device, _ string) (*board.Stick, error) {
			dir, _ := r.sticks.Load(device)
			return board.FolderStick(dir.(string))
		},
		Reboot: func(context.Context) error {
			err := os.Remove(r.o.Run + ".reboot") // memory forgets
			if errors.Is(err, os.ErrNotExist) {
				err = nil
			}
			return err
		},
		Grace: time.Second, Steady: 50 * time.Millisecond, Poll: 20 * time.Millisecond, Shown: 100 * time.Millisecond,
	}
	if err := os.WriteFile(r.o.S5066D, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.end()
		for _, u := range units {
			r.services.mu.Lock()
			r.services.stopLocked(u.unit)
			r.services.mu.Unlock()
		}
	})
	return r
}

type testWriter struct{ testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

var _ io.Writer = testWriter{}

func (r *rig) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.ended = cancel, make(chan error, 1)
	go func() { r.ended <- Run(ctx, r.o) }()
}

// end stops the daemon, as a power cut would, but for what it does at a cancelled context.
func (r *rig) end() error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.stop = nil
	return <-r.ended
}

// outcome waits for the daemon to end by itself.
func (r *rig) outcome() error {
	r.Helper()
	select {
	case err := <-r.ended:
		r.stop()
		r.stop = nil
		return err
	case <-time.After(40 * time.Second):
		r.Fatalf("it does not end:\n%s", r.console.String())
		return nil
	}
}

// await waits for text on the console.
func (r *rig) await(want string, times int) {
	r.Helper()
	for end := time.Now().Add(40 * time.Second); strings.Count(r.console.String(), want) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("no %q (%d times) on the console:\n%s", want, times, r.console.String())
		}
	}
}

func (r *rig) plug(device string, cold bool, files map[string][]byte) string {
	r.Helper()
	dir := r.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			r.Fatal(err)
		}
	}
	r.plugFolder(device, cold, dir)
	return dir
}

func (r *rig) plugFolder(device string, cold bool, dir string) {
	r.sticks.Store(device, dir)
	r.events <- board.StickEvent{Device: device, Present: true, Coldplug: cold}
}

// anyReport waits for the one report on a stick.
func (r *rig) anyReport(dir string) string {
	r.Helper()
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(dir, "LONGWIRE-*.TXT"))
		if err != nil {
			r.Fatal(err)
		}
		if len(found) == 1 {
			return r.report(dir, filepath.Base(found[0]))
		}
		if time.Now().After(end) {
			r.Fatalf("no report:\n%s", r.console.String())
		}
	}
}

func (r *rig) pull(device string) { r.events <- board.StickEvent{Device: device} }

// freePort finds a port that nobody uses.
func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func (r *rig) bundle(counter uint64, node, sis string) []byte {
	r.Helper()
	return r.bundleWith(counter, node, sis, "")
}

func (r *rig) bundleWith(counter uint64, node, sis, kit string) []byte {
	r.Helper()
	c := bundle.Config{Head: bundle.Head{Counter: counter, Target: bundle.Target{Name: "field"}}, Name: "field", Docs: bundle.Documents{Node: node, SIS: sis, Kit: kit}}
	b, err := c.Encode(r.org, "")
	if err != nil {
		r.Fatal(err)
	}
	return b
}

func nodeDoc(port int) string {
	return fmt.Sprintf("domains = [\"field.net\"]\n[clients]\nlisten = [\"127.0.0.1:%d\"]\ndirect_tls = []\n", port)
}

func (r *rig) report(dir, name string) string {
	r.Helper()
	var b []byte
	var err error
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if b, err = os.ReadFile(filepath.Join(dir, name)); err == nil {
			return string(b)
		}
		if time.Now().After(end) {
			r.Fatalf("%v\n%s", err, r.console.String())
		}
	}
}

func (r *rig) status() *Status {
	r.Helper()
	a, err := Ask(r.Context(), r.o.Run, Request{Op: "status"})
	if err != nil {
		r.Fatal(err)
	}
	return a.Status
}

func TestFromVirginToGreen(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	s := r.status()
	dir := r.plug("/dev/sda1", true, nil)
	if text := r.report(dir, "LONGWIRE-"+strings.ToUpper(s.ID)+".TXT"); !strings.Contains(text, s.PublicKey) || !strings.Contains(text, "headquarters") {
		t.Errorf("the first report:\n%s", text)
	}
	r.pull("/dev/sda1")
	port := freePort(t)
	dir = r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(port), "x")})
	r.await("lamp: green steady (working)", 1)
	if text := r.report(dir, "LONGWIRE-FIELD.TXT"); !strings.Contains(text, "are kept") {
		t.Errorf("the report:\n%s", text)
	}
	for _, want := range []string{"(reading stick)", "(applied)", `this kit is "field"`} {
		if !strings.Contains(r.console.String(), want) {
			t.Errorf("no %q on the console:\n%s", want, r.console.String())
		}
	}
	if s := r.status(); s.Name != "field" || s.Number != 1 || s.Trial || len(s.Health.Wrong) > 0 || !strings.Contains(s.Report, "are kept") {
		t.Errorf("status: %+v", s)
	}
	// Started again with the stick still in: nothing is tried, nothing is restarted.
	before := r.services.history()
	r.end()
	r.begin()
	r.await("this is field", 1)
	r.plug("/dev/sda1", true, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(port), "x")})
	r.await("in force already", 1)
	r.await("(working)", 2)
	if after := strings.TrimPrefix(r.services.history(), before); strings.Contains(after, "restart") {
		t.Errorf("after the start: %s", after)
	}
}

func TestWhatDoesNotWorkIsUndone(t *testing.T) {
	r := newRig(t)
	r.o.Grace = 4 * time.Second
	r.begin()
	r.await("(needs attention)", 1)
	good := r.bundle(1, nodeDoc(freePort(t)), "")
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": good})
	r.await("lamp: green steady (working)", 1)
	r.pull("/dev/sda1")
	// An address that this machine does not have.
	bad := r.bundle(2, "domains = [\"field.net\"]\n[clients]\nlisten = [\"203.0.113.1:5222\"]\ndirect_tls = []\n", "")
	files := map[string][]byte{"field.lwb": bad}
	dir := r.plug("/dev/sda1", false, files)
	r.await("did not work, and are undone", 1)
	r.await("(refused)", 1)
	r.await("lamp: green steady (working)", 2)
	if text := r.report(dir, "LONGWIRE-FIELD.TXT"); !strings.Contains(text, "UNDONE: settings number 2") || !strings.Contains(text, "does not answer") {
		t.Errorf("the report:\n%s", text)
	}
	if s := r.status(); s.Number != 1 || len(s.Health.Wrong) > 0 {
		t.Errorf("status: %+v", s)
	}
	// The stick stays plugged in while the kit starts again: no second trial.
	r.end()
	r.begin()
	r.await("this is field", 1)
	r.plug("/dev/sda1", true, files)
	r.await("tried it already", 1)
	if n := strings.Count(r.console.String(), "on trial"); n != 2 {
		t.Errorf("%d trials:\n%s", n, r.console.String())
	}
}

func TestATrialThatWasCutBeginsAnewAndEndsAfterThreeStarts(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	r.await("lamp: green steady (working)", 1)
	r.services.mu.Lock()
	r.services.sick[NodeUnit] = errors.New("it hangs")
	r.services.mu.Unlock()
	r.o.Grace = time.Hour
	r.end()
	r.begin()
	r.await("this is field", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(2, nodeDoc(freePort(t)), "")})
	r.await("on trial", 2)
	for start := 1; start <= 3; start++ {
		r.end()
		r.begin()
		r.await(fmt.Sprintf("begins anew, start %d of 3", start), 1)
	}
	r.end()
	r.begin()
	r.await("have not proved themselves in 3 starts", 1)
	r.await("needs attention: the node does not run: it hangs", 1)
	r.services.mu.Lock()
	delete(r.services.sick, NodeUnit)
	r.services.mu.Unlock()
	r.await("lamp: green steady (working)", 2)
	if s := r.status(); s.Number != 1 || !strings.Contains(s.Report, "UNDONE: settings number 2") {
		t.Errorf("status: %+v", s)
	}
}

func TestTheButtonResets(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	id := r.status().ID
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	r.await("lamp: green steady (working)", 1)
	close(r.held)
	if err := r.outcome(); !errors.Is(err, ErrReboot) {
		t.Fatalf("ended with %v", err)
	}
	r.held = make(chan struct{})
	r.begin()
	r.await("public key", 2)
	r.await("(needs attention)", 2)
	if s := r.status(); s.ID == id || s.Name != "" || s.Number != 0 {
		t.Errorf("status: %+v", s)
	}
}

// A data partition that cannot be mounted leaves the read-only root's empty folder, where nothing can be made; a file does the same here.
func TestResetMakesALostDataPartitionAnew(t *testing.T) {
	r := newRig(t)
	r.o.Data = filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(r.o.Data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	formatted := false
	r.o.Format = func(context.Context) error {
		formatted = true
		return nil
	}
	r.begin()
	r.await("the kit's data cannot be used", 1)
	r.await("(needs attention)", 1)
	close(r.held)
	if err := <-r.ended; !errors.Is(err, ErrReboot) || !formatted {
		t.Errorf("ended with %v, formatted %v", err, formatted)
	}
	r.stop = nil
}

func TestApplyByCommand(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	path := filepath.Join(t.TempDir(), "field.lwb")
	if err := os.WriteFile(path, r.bundle(1, nodeDoc(freePort(t)), ""), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Ask(t.Context(), r.o.Run, Request{Op: "apply", File: path})
	if err != nil || a.Refused || !strings.Contains(a.Report, "are kept") {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, err := Ask(t.Context(), r.o.Run, Request{Op: "apply", File: path + "x"}); err != nil || !a.Refused || !strings.Contains(a.Report, "REFUSED") {
		t.Errorf("a file that is not there: %+v, %v", a, err)
	}
	if _, err := Ask(t.Context(), r.o.Run, Request{Op: "fly"}); err == nil || !strings.Contains(err.Error(), `no request "fly"`) {
		t.Errorf("nonsense: %v", err)
	}
	if _, err := Ask(t.Context(), r.o.Run, Request{Op: "reset"}); err != nil {
		t.Error(err)
	}
	if err := r.outcome(); !errors.Is(err, ErrReboot) {
		t.Errorf("ended with %v", err)
	}
	if _, err := Ask(t.Context(), r.o.Run, Request{Op: "status"}); !errors.Is(err, ErrStopped) {
		t.Errorf("stopped: %v", err)
	}
}

// What watches for sticks is the operator's only door: an error of the kernel's must not shut it for good.
func TestAPartThatFailsBeginsAnew(t *testing.T) {
	r := newRig(t)
	sticks, failed := r.o.Sticks, false
	r.o.Sticks = func(ctx context.Context, tell func(board.StickEvent)) error {
		if !failed {
			failed = true
			return errors.New("no buffer space available")
		}
		return sticks(ctx, tell)
	}
	r.begin()
	r.await("(needs attention)", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case r.events <- board.StickEvent{Device: "/dev/sda1", Present: true, Problem: "it holds exFAT"}:
		r.await("stick: reading /dev/sda1", 1)
	case <-ctx.Done():
		t.Error("sticks are not looked for any more")
	}
}
