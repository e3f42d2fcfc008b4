package update

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"longwire/images/bundle"
	"longwire/images/slots"
	"longwire/store"
)

// behaviour is what the new system does when it is started.
type behaviour string

const (
	healthy behaviour = "healthy" // comes up and is well
	sick    behaviour = "sick"    // comes up, and something is wrong for ever
	hangs   behaviour = "hangs"   // never comes so far; the watchdog ends it
)

const sickness = "the node does not answer"

// live lets a kit, in which a stick with the bundle stays plugged, be started again and again until nothing changes any
// more. Each cut of the power is followed by what more returns as the next one.
func (w *world) live(t *testing.T, b behaviour, stick *bundle.SystemFile, more func() int) slots.Slot {
	t.Helper()
	cut := func(err error) bool {
		if err == nil && !w.power.off {
			return false
		}
		if !w.power.off {
			t.Fatalf("step %d: %v", w.power.steps, err)
		}
		w.back()
		w.power.steps, w.power.cut = 0, more()
		return true
	}
	for range 40 {
		slot, err := w.bootLoader()
		if cut(err) {
			continue
		}
		version := w.version(slot)
		if version == "" || slot == slots.A && version != "1.0.0" {
			t.Fatalf("slot %s was started, and holds %q", slot, version)
		}
		if version == "2.0.0" && b == hangs {
			continue
		}
		u, err := w.open(slot, version)
		if cut(err) {
			continue
		}
		reboots := len(w.reboots)
		told, again, err := u.AtBoot()
		if told != "" {
			w.told = append(w.told, told)
		}
		if cut(err) || again {
			continue
		}
		err = u.Watch(t.Context(), func(context.Context) []string {
			if version == "2.0.0" && b == sick {
				return []string{sickness}
			}
			return nil
		})
		if cut(err) || len(w.reboots) > reboots {
			continue
		}
		err = u.Stage(t.Context(), stick, nil)
		var no *Refusal
		if errors.As(err, &no) || errors.Is(err, ErrRunning) {
			return slot // the stick has nothing more to say
		}
		cut(err) // or written: either way the machine starts anew
	}
	t.Fatal("the kit does not come to rest")
	return ""
}

// ends checks where a kit came to rest.
func (w *world) ends(t *testing.T, b behaviour, slot slots.Slot) {
	t.Helper()
	env := w.state()
	u := w.running(slot, "x")
	switch st := u.Status(); {
	case string(w.disk[slots.A].durable) != string(w.old):
		t.Error("the slot that ran was written to")
	case st.Trial || st.Next != "" || u.state.Phase != idle:
		t.Errorf("it rests in the middle: %+v", st)
	case env.Left[slot] != slots.Attempts || env.Order[0] != slot:
		t.Errorf("slot %s runs, and the boot order is %v", slot, env)
	case env.Order[1] == slots.B && env.Left[slots.B] > 0:
		t.Errorf("the system that was given up may start: %v", env)
	case b == healthy && (slot != slots.B || env.Order[1] != slots.A || u.state.Slots[slots.B].Version != "2.0.0" || st.Counter != 7):
		t.Errorf("slot %s runs, %v, %+v", slot, env, u.state)
	case b != healthy && (slot != slots.A || len(st.Failed) != 1 || st.Failed[0].Version != "2.0.0" || st.Counter != 0):
		t.Errorf("slot %s runs, %v, %+v", slot, env, u.state)
	case b != healthy && !strings.HasPrefix(st.Told, "version 2.0.0 did not get healthy: "):
		t.Errorf("it tells %q", st.Told)
	}
	if keep := w.keep(t); keep != 0 {
		t.Errorf("the store is kept at format %d", keep)
	}
}

// keep is what the node would be told.
func (w *world) keep(t *testing.T) uint64 {
	t.Helper()
	if w.notes.b == nil {
		return 0
	}
	s, err := parse(w.notes.b)
	if err != nil {
		t.Fatal(err)
	}
	if s.Next == nil {
		return 0
	}
	return s.Next.Keep
}

// TestPowerCutAtEveryStep cuts the power at each write and each sync of an update, of what follows it, and of the boot
// loader, and lets the kit live on. Whatever is started was written whole, and it ends healthy.
func TestPowerCutAtEveryStep(t *testing.T) {
	for _, b := range []behaviour{healthy, sick, hangs} {
		t.Run(string(b), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				never := func() int { return 0 }
				w := newWorld(t, 1)
				stick := made(t, bundle.System{}, w.new)
				w.ends(t, b, w.live(t, b, stick, never))
				steps := w.power.steps
				if steps < 20 {
					t.Fatalf("only %d steps", steps)
				}
				for cut := 1; cut <= steps; cut++ {
					for seed := range uint64(4) { // of what becomes of unsynced writes
						w := newWorld(t, seed)
						w.power.cut = cut
						w.ends(t, b, w.live(t, b, stick, never))
						if t.Failed() {
							t.Fatalf("cut at step %d of %d, seed %d: told %q", cut, steps, seed, w.told)
						}
					}
				}
			})
		})
	}
}

// TestManyPowerCuts cuts it again and again.
func TestManyPowerCuts(t *testing.T) {
	for _, b := range []behaviour{healthy, sick, hangs} {
		t.Run(string(b), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stick := made(t, bundle.System{}, newWorld(t, 0).new)
				const runs = 150
				resorts := 0
				for seed := range uint64(runs) {
					r := rand.New(rand.NewPCG(seed, 3))
					left := 12
					more := func() int {
						if left--; left == 0 {
							return 0
						}
						// A generator that fails while the kit starts, several times in a row, costs it its attempts.
						return 1 + r.IntN([]int{5, 5, 40}[r.IntN(3)])
					}
					w := aWorld(t, seed, true)
					w.power.cut = 1 + r.IntN(40)
					slot := w.live(t, b, stick, more)
					switch given := w.running(slot, "x").gaveUp(slot); {
					case given:
						// Three cuts in a row while it starts use up the attempts of a good system too, and three more those it
						// gets again: then the other one stays, as it is.
						resorts++
						if env := w.state(); slot != slots.B || env.String() != "B (3 left), A (3 left)" {
							t.Errorf("last resort: slot %s runs, %v", slot, env)
						}
					case b == healthy && slot == slots.A:
						w.ends(t, hangs, slot) // cut too often while it was on trial
					default:
						w.ends(t, b, slot)
					}
					if t.Failed() {
						t.Fatalf("seed %d: told %q", seed, w.told)
					}
				}
				if resorts > runs/10 {
					t.Errorf("%d of %d kits ended with the system that was given up", resorts, runs)
				}
				t.Logf("%d last resorts", resorts)
			})
		})
	}
}

func TestAnUpdateThatIsCutShortIsToldOf(t *testing.T) {
	w := newWorld(t, 1)
	w.power.cut = 12 // in the middle of the image
	if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.back()
	for range 3 * slots.Attempts { // a generator that fails again and again while the kit starts
		if slot, err := w.bootLoader(); slot != slots.A || err != nil {
			t.Fatalf("slot %s is started, %v", slot, err)
		}
	}
	if keep := w.keep(t); keep != store.Newest {
		t.Errorf("before anybody looks the store is kept at %d", keep)
	}
	told, _, err := w.running(slots.A, "1.0.0").AtBoot()
	if want := "the update to version 2.0.0 was cut short; version 1.0.0 still runs; plug the stick in again"; told != want || err != nil {
		t.Errorf("told %q, %v", told, err)
	}
	if env := w.state(); env.String() != "A only (3 left)" || w.keep(t) != 0 {
		t.Error(env)
	}
}

func TestWhatIsToldAfterAFallBack(t *testing.T) {
	for b, want := range map[behaviour]string{
		sick:  "version 2.0.0 did not get healthy: " + sickness + "; version 1.0.0 runs",
		hangs: "version 2.0.0 did not get healthy: it did not start; version 1.0.0 runs",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			stick := made(t, bundle.System{}, w.new)
			w.live(t, b, stick, func() int { return 0 })
			if got := w.told[len(w.told)-1]; got != want {
				t.Errorf("%s: told %q, want %q", b, got, want)
			}
			// The same stick does not begin anew, until somebody plugs it in again.
			u := w.running(slots.A, "1.0.0")
			var no *Refusal
			if err := u.Stage(t.Context(), stick, nil); !errors.As(err, &no) || !strings.HasPrefix(no.Problem, "version 2.0.0 was tried and given up: ") {
				t.Errorf("%s: %v", b, err)
			}
			if err := errors.Join(u.Forget(), u.Stage(t.Context(), stick, nil)); err != nil {
				t.Errorf("%s: %v", b, err)
			}
			if b == sick && (len(w.reboots) != 1 || !strings.Contains(w.reboots[0], sickness)) {
				t.Errorf("reboots: %q", w.reboots)
			}
		})
	}
}

func TestASlotThatRotsIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		stick := made(t, bundle.System{}, w.new)
		w.live(t, healthy, stick, func() int { return 0 })
		for range slots.Attempts {
			if slot, err := w.bootLoader(); slot != slots.B || err != nil {
				t.Fatal(slot, err)
			}
		}
		slot, _ := w.bootLoader()
		told, _, err := w.running(slot, "1.0.0").AtBoot()
		if want := "the system in slot B (version 2.0.0) does not start any more; version 1.0.0 in slot A runs instead"; slot != slots.A || told != want || err != nil {
			t.Errorf("slot %s, told %q, %v", slot, told, err)
		}
		if told, _, err := w.running(slot, "1.0.0").AtBoot(); told != "" || err != nil {
			t.Errorf("told again: %q, %v", told, err)
		}
		if env := w.state(); fmt.Sprint(env) != "A (3 left), B (0 left)" {
			t.Error(env)
		}
	})
}
