package update

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/images/bundle"
	"longwire/images/slots"
	"longwire/store"
)

func TestStageWritesVerifiesAndPutsFirst(t *testing.T) {
	w := newWorld(t, 1)
	u := w.running(slots.A, "1.0.0")
	steps := map[string]int64{}
	err := u.Stage(t.Context(), made(t, bundle.System{}, w.new), func(p Progress) {
		if p.Done > p.Total || p.Done < steps[p.Step] {
			t.Errorf("progress %+v after %d", p, steps[p.Step])
		}
		steps[p.Step] = p.Done
		if s := u.Status(); s.Now == nil || *s.Now != p {
			t.Errorf("status says %+v", s.Now)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps["writing"] != imageSize || steps["reading back"] != imageSize || steps["checking"] == 0 {
		t.Errorf("progress %v", steps)
	}
	if w.version(slots.B) != "2.0.0" || w.state().String() != "B (3 left), A (3 left)" || len(w.reboots) != 0 {
		t.Errorf("slot B holds %q, %v, reboots %q", w.version(slots.B), w.state(), w.reboots)
	}
	if w.keep(t) != store.Newest {
		t.Errorf("the store is kept at %d", w.keep(t))
	}
	if s := u.Status(); s.Next != "2.0.0" || s.Trial || s.Now != nil {
		t.Errorf("status %+v", s)
	}
	// What fills a slot to its last byte fits.
	if err := u.Stage(t.Context(), made(t, bundle.System{Head: bundle.Head{Counter: 8}}, picture(4, slotSize)), nil); err != nil {
		t.Error(err)
	}
}

func TestRefusalsAreInPlainWordsAndTouchNothing(t *testing.T) {
	head := func(c uint64, t bundle.Target) bundle.Head { return bundle.Head{Counter: c, Target: t} }
	for _, c := range []struct {
		name string
		s    bundle.System
		size int
		want string
	}{
		{"board", bundle.System{Head: head(7, bundle.Target{Board: "rpi4"})}, 100, "the system is for the board rpi4, and this is qemu-aarch64; ask the maker"},
		{"fleet", bundle.System{Head: head(7, bundle.Target{Fleet: "south"})}, 100, "the system is for the fleet south, and this is north; ask the maker"},
		{"name", bundle.System{Head: head(7, bundle.Target{Name: "camp"})}, 100, "the system is for a kit called camp, and this is field; ask the maker"},
		{"id", bundle.System{Head: head(7, bundle.Target{KitID: "kit-2"})}, 100, "the system is for the kit kit-2, and this is kit-1; ask the maker"},
		{"counter", bundle.System{Head: head(5, bundle.Target{})}, 100, "version 2.0.0 is not newer: its counter is 5, and 5 was here already; ask for a newer one"},
		{"version", bundle.System{Version: "v0.9.12"}, 100, "version v0.9.12 is older than 1.0.0, which runs; ask for a newer one"},
		{"size", bundle.System{}, slotSize + 1, "the image has 65537 bytes and does not fit into the 65536 of a slot; ask the maker"},
		{"store", bundle.System{StoreFormat: 2}, 100, "the messages and accounts here are kept in format 3, and version 2.0.0 only reads up to 2; ask the maker"},
		{"old store", bundle.System{StoreFormat: 5, StoreOldest: 4}, 100, "the messages and accounts here are kept in format 3, which version 2.0.0 reads no more (from 4 on); install a version in between first"},
		{"store of a downgrade", bundle.System{StoreFormat: 2, Downgrade: true}, 100, "the messages and accounts here are kept in format 3"},
		{"failed", bundle.System{Head: head(6, bundle.Target{}), Version: "1.9.0"}, 100, "version 1.9.0 was tried and given up: it did not start; ask for a newer one, or pull the stick out"},
	} {
		w := newWorld(t, 1)
		w.format = 3
		if c.s.StoreFormat == 0 {
			c.s.StoreFormat = 3
		}
		u := w.running(slots.A, "1.0.0")
		f := made(t, c.s, picture(5, c.size))
		u.state.Counter = 5
		u.state.Failed = []Failure{{System{"1.9.0", 6, systemOf(f).Digest}, slots.B, "it did not start", false}}
		if c.name != "failed" {
			u.state.Failed[0].Digest = "00"
		}
		err := u.Stage(t.Context(), f, nil)
		var no *Refusal
		if !errors.As(err, &no) || !strings.HasPrefix(err.Error(), c.want) || no.Remedy == "" {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
		if w.power.steps != 0 {
			t.Errorf("%s: %d writes", c.name, w.power.steps)
		}
	}
}

func TestDowngradeNeedsItsFlag(t *testing.T) {
	w := newWorld(t, 1)
	u := w.running(slots.A, "3.0.0")
	u.state.Counter = 9
	var no *Refusal
	if err := u.Stage(t.Context(), made(t, bundle.System{}, w.new), nil); !errors.As(err, &no) {
		t.Errorf("without: %v", err)
	}
	if err := u.Stage(t.Context(), made(t, bundle.System{Downgrade: true}, w.new), nil); err != nil {
		t.Errorf("with: %v", err)
	}
}

func TestStrangersAndDamageTouchNothing(t *testing.T) {
	w := newWorld(t, 1)
	u := w.running(slots.A, "1.0.0")
	b := encoded(t, bundle.System{}, w.new)
	unknown, err := bundle.OpenSystem(bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var no *Refusal
	if err := u.Stage(t.Context(), unknown, nil); !errors.As(err, &no) || !strings.Contains(no.Problem, "whom to trust") {
		t.Errorf("before any key is trusted: %v", err)
	}
	b[len(b)-10] ^= 1
	damaged, err := bundle.OpenSystem(bytes.NewReader(b), int64(len(b)), []bundle.Key{signer(t).Public()})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Stage(t.Context(), damaged, nil); !errors.Is(err, bundle.ErrDamaged) {
		t.Errorf("damaged payload: %v", err)
	}
	if w.power.steps != 0 {
		t.Errorf("%d writes", w.power.steps)
	}
}

func TestAWornSlotIsNotStarted(t *testing.T) {
	w := newWorld(t, 1)
	w.disk[slots.B].worn = true
	u := w.running(slots.A, "1.0.0")
	err := u.Stage(t.Context(), made(t, bundle.System{}, w.new), nil)
	if err == nil || !strings.Contains(err.Error(), "does not give back what was written") {
		t.Errorf("got %v", err)
	}
	if got := w.state(); got.Order != [2]slots.Slot{slots.A} || got.Left[slots.A] != slots.Attempts {
		t.Errorf("boot order %v", got)
	}
	if s := u.Status(); s.Next != "" || !strings.HasPrefix(s.Told, "the update to version 2.0.0 came to nothing: ") || w.keep(t) != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestOneUpdateAtATime(t *testing.T) {
	w := newWorld(t, 1)
	u := w.running(slots.A, "1.0.0")
	f := made(t, bundle.System{}, w.new)
	var again error
	err := u.Stage(t.Context(), f, func(p Progress) {
		if p.Step == "writing" && again == nil {
			again = u.Stage(context.Background(), f, nil)
		}
	})
	var no *Refusal
	if err != nil || !errors.As(again, &no) {
		t.Errorf("%v, and the second %v", err, again)
	}
}

// On trial a system waits for its health, takes no other, and is kept after it has been healthy for a while without a break.
func TestTrialWaitsForLastingHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
			t.Fatal(err)
		}
		if s, err := w.bootLoader(); s != slots.B || err != nil {
			t.Fatal(s, err)
		}
		u := w.running(slots.B, "devel-abcd") // it is called as its bundle called it
		if told, _, err := u.AtBoot(); told != "version 2.0.0 is on trial" || err != nil || !u.Trial() {
			t.Fatal(told, err)
		}
		var no *Refusal
		if err := u.Stage(t.Context(), made(t, bundle.System{Head: bundle.Head{Counter: 8}, Version: "3.0.0"}, w.new), nil); !errors.As(err, &no) || !strings.Contains(no.Problem, "on trial") {
			t.Errorf("another update: %v", err)
		}
		if err := u.Stage(t.Context(), made(t, bundle.System{}, w.new), nil); !errors.Is(err, ErrRunning) {
			t.Errorf("the same: %v", err)
		}
		began := time.Now()
		err := u.Watch(t.Context(), func(context.Context) []string {
			at := time.Since(began)
			if at < time.Minute || at > 80*time.Second && at < 90*time.Second {
				return []string{"not yet"}
			}
			if w.state().Left[slots.B] != slots.Attempts-1 {
				t.Error("kept already")
			}
			return nil
		})
		if took := time.Since(began); err != nil || took < 2*time.Minute || took > 2*time.Minute+2*look {
			t.Errorf("%v after %v", err, took)
		}
		if w.state().String() != "B (3 left), A (3 left)" || u.Trial() {
			t.Error(w.state())
		}
		if s := u.Status(); s.Told != "version 2.0.0 runs and is healthy; it came after version 1.0.0" || s.Counter != 7 {
			t.Errorf("%+v", s)
		}
	})
}

// A program that ends again and again before its time is up does not stay on trial for ever.
func TestTrialThatBeginsAgainAndAgainIsGivenUp(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
		t.Fatal(err)
	}
	for i := range maxRuns {
		if _, again, err := w.running(slots.B, "2.0.0").AtBoot(); again || err != nil {
			t.Fatalf("start %d: %v, %v", i, again, err)
		}
	}
	if _, again, err := w.running(slots.B, "2.0.0").AtBoot(); !again || err != nil || len(w.reboots) != 1 {
		t.Errorf("%v, %v, %q", again, err, w.reboots)
	}
	if slot, err := w.bootLoader(); slot != slots.A || err != nil {
		t.Error(slot, err)
	}
	told, again, err := w.running(slots.A, "1.0.0").AtBoot()
	if want := "version 2.0.0 did not get healthy: it began 8 times and was never healthy; version 1.0.0 runs"; told != want || again || err != nil {
		t.Errorf("told %q, %v, %v", told, again, err)
	}
}

func TestStoppingTheDaemonLeavesTheTrialOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
			t.Fatal(err)
		}
		u := w.running(slots.B, "2.0.0")
		if _, _, err := u.AtBoot(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := u.Watch(ctx, func(context.Context) []string { return []string{"x"} }); err != nil || !u.Trial() || len(w.reboots) > 0 {
			t.Errorf("%v, trial %v, reboots %q", err, u.Trial(), w.reboots)
		}
	})
}

func TestVersionsAreComparedWhereTheyCanBe(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1.2.3", "1.2.4", true}, {"v1.9.0", "1.10", true}, {"1.2", "1.2.0", true}, {"1.2.3", "1.2.3", false}, {"2.0", "1.9", false},
		{"v1.2.3-4-gabcdef", "v1.3", true}, {"devel-abc", "1.0", false}, {"1.0", "unknown", false}, {"779bfe6", "1.0", false}, {"1..2", "1.3", false}, {"", "1.0", false},
	} {
		if got := lower(c.a, c.b); got != c.want {
			t.Errorf("%s lower than %s: %v", c.a, c.b, got)
		}
	}
}

// go test -run Golden -golden writes testdata anew. A released file of it is never changed.
var writeGolden = flag.Bool("golden", false, "write testdata")

var goldenState = state{
	Format: 1, Phase: trial, Counter: 6, Slots: map[slots.Slot]System{slots.A: {"1.9.0", 6, "00ff"}},
	Next:   &attempt{System{"2.0.0", 7, "abcd"}, slots.B, slots.A, "1.9.0", 1, 2, "the node does not answer"},
	Failed: []Failure{{System{"1.8.0", 5, "0123"}, slots.B, "it did not start", true}},
	Told:   "version 1.8.0 did not get healthy: it did not start; version 1.7.0 runs", Returned: true,
}

func TestGoldenState(t *testing.T) {
	path := filepath.Join("testdata", "state-v1.json")
	k := file(filepath.Join(t.TempDir(), "update.json"))
	if err := save(k, goldenState); err != nil {
		t.Fatal(err)
	}
	got, err := k.load()
	if err != nil {
		t.Fatal(err)
	}
	if *writeGolden {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("it is now\n%s\nwas\n%s", got, want)
	}
	if s, err := parse(want); err != nil || !reflect.DeepEqual(s, goldenState) {
		t.Errorf("it reads as %+v, %v", s, err)
	}
	// A key of a newer program is ignored, a newer format is not guessed at.
	if s, err := parse(bytes.Replace(want, []byte("{"), []byte(`{"new": [1], `), 1)); err != nil || !reflect.DeepEqual(s, goldenState) {
		t.Errorf("with a new key: %v", err)
	}
	if _, err := parse(bytes.Replace(want, []byte(`"format": 1`), []byte(`"format": 2`), 1)); err == nil || !strings.Contains(err.Error(), "format 2, this program reads up to 1") {
		t.Errorf("format 2: %v", err)
	}
}

func TestLostNotesDoNotStopAKit(t *testing.T) {
	w := newWorld(t, 1)
	w.notes.b = []byte("{")
	u := w.running(slots.A, "1.0.0")
	if told, _, err := u.AtBoot(); told != "" || err != nil {
		t.Error(told, err)
	}
	if err := u.Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
		t.Error(err)
	}
}

func TestKeepIsWhatTheNodeMayWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "update.json")
	if n, err := Keep(path); n != 0 || err != nil {
		t.Error("no file:", n, err)
	}
	for phase, want := range map[phase]uint64{idle: 0, writing: 1, written: 1, trial: 1} {
		s := goldenState.clone()
		if s.Phase = phase; phase == idle {
			s.Next = nil
		}
		if err := save(file(path), s); err != nil {
			t.Fatal(err)
		}
		if n, err := Keep(path); n != want || err != nil {
			t.Errorf("%s: %d, %v", phase, n, err)
		}
	}
	if err := os.WriteFile(path, []byte("not JSON"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Keep(path); err == nil {
		t.Error("a file that says nothing is read as \"any\"")
	}
	t.Setenv(Variable, path)
	if n, err := KeepFormat(); n != store.Oldest || err == nil {
		t.Error("a file that says nothing:", n, err)
	}
	t.Setenv(Variable, "")
	if n, err := KeepFormat(); n != 0 || err != nil {
		t.Error("no kit:", n, err)
	}
}

func TestNotAKit(t *testing.T) {
	if _, err := Open(Options{Cmdline: "quiet"}); err == nil || !strings.Contains(err.Error(), "kit.slot=") {
		t.Error(err)
	}
}

// FuzzState: what is read prints and reads the same again.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"phase":"trial","next":{"version":"2","slot":"B","from":"A","keep":1}}`))
	f.Add([]byte(`{"format":1,"slots":{"A":{"version":"1"},"C":{}},"failed":[{"why":"x"},{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parse(b)
		if err != nil {
			return
		}
		k := new(fuzzed)
		if err := save(k, s); err != nil {
			t.Fatal(err)
		}
		first := bytes.Clone(k.b)
		again, err := parse(first)
		if err != nil {
			if len(first) > maxState { // indented it is longer
				return
			}
			t.Fatalf("%s: %v", first, err)
		}
		if err := save(k, again); err != nil || !bytes.Equal(first, k.b) {
			t.Fatalf("%s became %s (%v)", first, k.b, err)
		}
	})
}

type fuzzed struct{ b []byte }

func (k *fuzzed) load() ([]byte, error) { return nil, fmt.Errorf("not here") }
func (k *fuzzed) save(b []byte) error   { k.b = b; return nil }
