package update

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"longwire/images/bundle"
	"longwire/images/slots"
)

// full is a folder in which nothing can be written any more.
type full struct{ keeper }

func (full) save([]byte) error { return errors.New("no space left on device") }

// When nothing can be noted, what the boot environment says has to do: a healthy system is kept, and one that is not is given up.
func TestATrialEndsThoughNothingCanBeNoted(t *testing.T) {
	for _, healthy := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
				t.Fatal(err)
			}
			if s, err := w.bootLoader(); s != slots.B || err != nil {
				t.Fatal(s, err)
			}
			u := w.running(slots.B, "2.0.0")
			u.file = full{u.file}
			if _, again, err := u.AtBoot(); again || err == nil {
				t.Fatal(again, err)
			}
			if !u.Trial() {
				t.Fatal("the trial does not begin")
			}
			_ = u.Watch(t.Context(), func(context.Context) []string {
				if healthy {
					return nil
				}
				return []string{"the node does not answer"}
			})
			want := slots.A
			if healthy {
				want = slots.B
			}
			if (len(w.reboots) == 0) != healthy {
				t.Errorf("healthy %v: %q", healthy, w.reboots)
			}
			for range 8 {
				if s, err := w.bootLoader(); s != want || err != nil {
					t.Fatalf("healthy %v: slot %s starts, %v", healthy, s, err)
				}
				u := w.running(want, "whatever")
				u.file = full{u.file}
				if _, _, err := u.AtBoot(); u.Trial() != healthy {
					t.Fatalf("healthy %v: on trial: %v, %v", healthy, u.Trial(), err)
				}
				_ = u.Watch(t.Context(), func(context.Context) []string { return nil })
			}
		})
	}
}

// The system before it, once it is started again by the boot loader, stays.
func TestAfterAFallBackTheOldSystemStaysThoughNothingCanBeNoted(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.running(slots.A, "1.0.0").Stage(t.Context(), made(t, bundle.System{}, w.new), nil); err != nil {
		t.Fatal(err)
	}
	for range slots.Attempts { // it hangs
		if s, err := w.bootLoader(); s != slots.B || err != nil {
			t.Fatal(s, err)
		}
	}
	for i := range 8 {
		if s, err := w.bootLoader(); s != slots.A || err != nil {
			t.Fatalf("start %d: slot %s, %v", i, s, err)
		}
		u := w.running(slots.A, "1.0.0")
		u.file = full{u.file}
		if _, again, _ := u.AtBoot(); again {
			t.Fatal("it starts anew")
		}
	}
}
