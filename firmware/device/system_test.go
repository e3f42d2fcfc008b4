package device

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/board"
	"longwire/firmware/update"
	"longwire/images/bundle"
)

// system is a System that does as it is told.
type system struct {
	o update.Options

	mu     sync.Mutex
	staged []string
	stage  error // what Stage says
	trial  bool
	told   string
	sick   bool  // the trial does not end well
	watch  error // what Watch says in the end
	again  bool  // AtBoot starts the machine anew, once
	forgot int
}

var _ System = (*system)(nil)

func (s *system) AtBoot() (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again {
		s.again = false
		return s.told, true, s.o.Reboot("the other slot is to be tried once more")
	}
	return s.told, false, nil
}
func (s *system) Trial() bool   { s.mu.Lock(); defer s.mu.Unlock(); return s.trial }
func (s *system) Forget() error { s.mu.Lock(); defer s.mu.Unlock(); s.forgot++; return nil }
func (s *system) Status() update.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return update.Status{Slot: "A", Version: s.o.Version, Told: s.told, Trial: s.trial}
}

func (s *system) Watch(ctx context.Context, health func(context.Context) []string) error {
	for ctx.Err() == nil {
		wrong := health(ctx)
		s.mu.Lock()
		switch {
		case s.sick:
			s.trial = false
			s.mu.Unlock()
			return s.o.Reboot("version v2 did not get healthy: " + strings.Join(wrong, "; "))
		case len(wrong) == 0:
			s.trial, s.told = false, "version v2 runs and is healthy"
			s.mu.Unlock()
			return s.watch
		}
		s.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func (s *system) Stage(ctx context.Context, f *bundle.SystemFile, progress func(update.Progress)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == nil {
		progress(update.Progress{Step: "writing", Done: 50, Total: 100})
		s.staged = append(s.staged, f.Version)
	}
	return s.stage
}

// withSystem gives a rig slots.
func (r *rig) withSystem() *system {
	s := &system{}
	r.o.OpenSystem = func(o update.Options) (System, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.o = o
		return s, nil
	}
	return s
}

func (r *rig) system(signer bundle.Signer, version, board string) []byte {
	r.Helper()
	var b bytes.Buffer
	head := bundle.Head{Counter: 1, Target: bundle.Target{Board: board}}
	if _, err := bundle.WriteSystem(&b, bundle.System{Head: head, Version: version}, signer, strings.NewReader("image of "+version)); err != nil {
		r.Fatal(err)
	}
	return b.Bytes()
}

func TestASystemOnTheStickIsStagedOnceTriedAndKept(t *testing.T) {
	r := newRig(t)
	s := r.withSystem()
	r.begin()
	r.await("(needs attention)", 1)
	files := map[string][]byte{
		"field.lwb": r.bundle(1, nodeDoc(freePort(t)), ""),
		"V2.LWS":    r.system(r.org, "v2", "pc"),
		"other.lws": r.system(r.org, "v2", "raspberrypi4"),
	}
	dir := r.plug("/dev/sda1", false, files)
	if err := r.outcome(); !errors.Is(err, ErrReboot) {
		t.Fatalf("ended with %v\n%s", err, r.console.String())
	}
	text := r.report(dir, "LONGWIRE-FIELD.TXT")
	for _, want := range []string{"Settings number 1 are applied", "System version v2 is written", "other.lws: left alone: it is for another kind of board", "V2.LWS: system version v2, number 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the report:\n%s", want, text)
		}
	}
	if len(s.staged) != 1 || s.forgot != 1 {
		t.Errorf("staged %q, forgot %d", s.staged, s.forgot)
	}
	if k := s.o.Kit(); k.Name != "field" || k.Board != "pc" || !strings.HasPrefix(k.KitID, "kit-") {
		t.Errorf("the kit is %+v", k)
	}

	// It starts anew, with the stick still in.
	s.trial, s.stage, s.told = true, update.ErrRunning, "version v2 is on trial"
	r.begin()
	r.await("system: version v2 is on trial", 1)
	r.await("is called good; version v2 runs and is healthy", 1)
	r.sticks.Store("/dev/sda1", dir)
	r.events <- board.StickEvent{Device: "/dev/sda1", Present: true, Coldplug: true}
	r.await("System version v2 runs already", 1)
	r.await("(working)", 1)
	if st := r.status(); st.System == nil || st.System.Told != "version v2 runs and is healthy" || s.forgot != 1 {
		t.Errorf("status %+v, forgot %d", st.System, s.forgot)
	}
}

func TestASystemThatDoesNotGetHealthyStartsTheMachineAnew(t *testing.T) {
	r := newRig(t)
	s := r.withSystem()
	s.trial, s.sick, s.told = true, true, "version v2 is on trial"
	r.begin()
	if err := r.outcome(); !errors.Is(err, ErrReboot) || !strings.Contains(r.console.String(), "the machine starts anew: version v2 did not get healthy") {
		t.Fatalf("ended with %v\n%s", err, r.console.String())
	}
	s.again = true
	r.begin()
	if err := r.outcome(); !errors.Is(err, ErrReboot) {
		t.Fatalf("ended with %v\n%s", err, r.console.String())
	}
	s.trial, s.told = false, "version v2 did not get healthy: it hangs; version v1 runs"
	r.begin()
	r.await("system: version v2 did not get healthy", 1)
	r.await("(needs attention)", 1)
	if st := r.status(); !strings.Contains(st.Report, "version v2 did not get healthy: it hangs; version v1 runs") {
		t.Errorf("the report:\n%s", st.Report)
	}
}

func TestSystemsThatAreNotTaken(t *testing.T) {
	r := newRig(t)
	s := r.withSystem()
	r.begin()
	r.await("(needs attention)", 1)
	good := r.bundle(1, nodeDoc(freePort(t)), "")
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": good})
	r.await("(working)", 1)
	r.pull("/dev/sda1")
	strangers, err := bundle.NewSigner("Strangers")
	if err != nil {
		t.Fatal(err)
	}
	v2 := r.system(r.org, "v2", "pc")
	s.mu.Lock()
	s.stage = &update.Refusal{Problem: "it is older than what runs", Remedy: "take a newer one"}
	s.mu.Unlock()
	for i, c := range []struct {
		files map[string][]byte
		want  []string
	}{
		{map[string][]byte{"v2.lws": v2}, []string{"REFUSED, nothing was changed", "it is older than what runs", "take a newer one"}},
		{map[string][]byte{"v2.lws": v2, "field.lwb": good}, []string{"in force already", "was REFUSED", "it is older than what runs"}},
		{map[string][]byte{"a.lws": v2, "b.lws": r.system(r.org, "v3", "pc")}, []string{"2 systems for this kit lie on the stick"}},
		{map[string][]byte{"v2.lws": r.system(strangers, "v2", "pc")}, []string{"whom this kit does not know"}},
		{map[string][]byte{"v2.lws": v2[:len(v2)-1]}, []string{"cut short"}},
		{map[string][]byte{"v2.lws": v2[:100]}, []string{"cut short"}},
		{map[string][]byte{"v2.lws": nil}, []string{"empty"}},
		{map[string][]byte{"v2.lws": []byte("nonsense")}, []string{"not a Longwire bundle"}},
	} {
		device := string(rune('b' + i))
		dir := r.plug(device, false, c.files)
		text := strings.Join(strings.Fields(r.anyReport(dir)), " ")
		r.pull(device)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("case %d: no %q in %s", i, want, text)
			}
		}
	}
	if len(s.staged) > 0 {
		t.Errorf("staged %q", s.staged)
	}
}

func TestADaemonThatIsStartedAgainBeforeTheMachineIsStartsTheMachine(t *testing.T) {
	r := newRig(t)
	s := r.withSystem()
	reboot := r.o.Reboot
	r.o.Reboot = func(context.Context) error { return nil } // it takes its time
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), ""), "v2.lws": r.system(r.org, "v2", "pc")})
	if err := r.outcome(); !errors.Is(err, ErrReboot) {
		t.Fatalf("ended with %v", err)
	}
	s.told = "version v2 did not start"
	r.o.Reboot = reboot
	r.begin()
	if err := r.outcome(); !errors.Is(err, ErrReboot) || strings.Contains(r.console.String(), s.told) {
		t.Fatalf("ended with %v\n%s", err, r.console.String())
	}
	r.begin()
	r.await(s.told, 1)
}

// A system that cannot read what the one before has written is no reason to have everything forgotten by hand.
func TestASystemThatCannotReadTheKitsDataGivesWay(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	r.await("settings number 1 are kept", 1)
	r.end()
	// As of a later program.
	metas, err := filepath.Glob(filepath.Join(r.o.Data, "kit", "gen", "*", "meta.json"))
	if err != nil || len(metas) == 0 {
		t.Fatal(metas, err)
	}
	for _, name := range metas {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 99`), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.o.Grace = 50 * time.Millisecond
	r.begin()
	if err := <-r.ended; err == nil || errors.Is(err, ErrReboot) {
		t.Errorf("ended with %v", err)
	}
	r.begin()
	r.await("the machine starts anew: the kit's data cannot be used, and perhaps the system of the other slot can", 1)
	if err := r.end(); !errors.Is(err, ErrReboot) {
		t.Errorf("ended with %v", err)
	}
}

func TestATrialWhoseEndCannotBeNotedDoesNotEndTheDaemon(t *testing.T) {
	r := newRig(t)
	s := r.withSystem()
	s.trial, s.watch = true, errors.New("no space left on device")
	r.begin()
	r.await("system: what became of the trial is not noted: no space left on device", 1)
	r.await("waiting for a stick", 1)
	if text := r.console.String(); strings.Contains(text, "is called good") {
		t.Errorf("the console:\n%s", text)
	}
}

// Who applies a system by command hears what became of it before the machine goes down.
func TestApplyOfASystemAnswersBeforeTheMachineStartsAnew(t *testing.T) {
	r := newRig(t)
	r.withSystem()
	r.o.Reboot = func(ctx context.Context) error { <-ctx.Done(); return nil } // as the real one
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	r.await("settings number 1 are kept", 1)
	name := filepath.Join(t.TempDir(), "v2.lws")
	if err := os.WriteFile(name, r.system(r.org, "v2", "pc"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	a, err := Ask(ctx, r.o.Run, Request{Op: "apply", File: name})
	if err != nil || !strings.Contains(a.Report, "System version v2 is written") {
		t.Errorf("%+v, %v", a, err)
	}
}
