package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/plan"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// say queues a message from one person to another.
func (e *end) say(class store.Class, from, to, body string) {
	e.t.Helper()
	e.Put(store.Entry{Kind: store.KindChat, Class: class, From: from, To: to, Queued: time.Now(),
		Stanza: []byte("<message from='" + from + "' to='" + to + "' type='chat'><body>" + body + "</body></message>")})
}

const (
	alice = "alice@headquarters.net/phone"
	carol = "carol@headquarters.net/phone"
	bob   = "bob@field.net/tablet"
)

// met has both ends hear of each other.
func (r *rig) met() {
	r.t.Helper()
	r.start()
	r.a.say(store.ClassRoutine, alice, bob, "hello")
	time.Sleep(time.Minute)
	r.b.say(store.ClassRoutine, bob, alice, "hello yourself")
	time.Sleep(10 * time.Minute)
	if r.a.Waiting()+r.b.Waiting() > 0 {
		r.t.Fatal("they have not met")
	}
}

// expressed is how many stanzas went on the express lane.
func (e *end) expressed() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.events {
		if ev.Kind == links.EventSent && ev.Lane == "express" {
			n++
		}
	}
	return n
}

func TestFlashGoesByExpress(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 300}, func(r *rig) {
		r.met()
		rnd := rand.New(rand.NewPCG(1, 2))
		var long []string
		for range 60 {
			b := make([]byte, 120)
			for i := range b {
				b[i] = "abcdefghijklmnopqrstuvwxyz012345"[rnd.IntN(32)]
			}
			long = append(long, string(b))
		}
		for _, s := range long {
			r.a.say(store.ClassRoutine, alice, bob, s)
		}
		time.Sleep(30 * time.Second)
		r.a.say(store.ClassFlash, alice, bob, "flash one")
		r.a.say(store.ClassImmediate, carol, bob, "immediate")
		r.a.say(store.ClassFlash, alice, bob, "flash two")
		time.Sleep(60 * time.Second)
		got := r.b.Received()
		f1, f2, im := slices.Index(got, "flash one"), slices.Index(got, "flash two"), slices.Index(got, "immediate")
		if f1 < 0 || f2 < f1 || im < 0 || len(got) > 50 {
			t.Fatalf("after a minute %d came, the flashes at %d and %d, the immediate at %d", len(got), f1, f2, im)
		}
		if n := r.a.expressed(); n != 3 {
			t.Errorf("%d went by express", n)
		}
		time.Sleep(time.Hour)
		want := append([]string{"hello"}, long...)
		got = slices.DeleteFunc(r.b.Received(), func(s string) bool { return strings.HasPrefix(s, "flash") || s == "immediate" })
		if !slices.Equal(got, want) || r.a.Waiting() > 0 {
			t.Errorf("%d of %d came, %d wait", len(got), len(want), r.a.Waiting())
		}
	})
}

// A peer that was never heard, or does not know of the lane, gets everything by the other.
func TestNoExpressToStrangers(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if frame.Express(u.UPDU) {
				t.Error("express to a stranger")
			}
			return []sis.UnidataIndication{u}
		}
		r.start()
		r.a.say(store.ClassFlash, alice, bob, "flash")
		r.a.say(store.ClassFlash, alice, bob, "flash again")
		r.arrived(r.a, r.b, []string{"flash", "flash again"})
	})
}

// What is too large, or what must not overtake, stays in the ordinary lane, and what is behind it with the same urgency too.
func TestExpressTakesOnlyWhatMayAndFits(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 1200}, func(r *rig) {
		r.met()
		large := strings.Repeat("flash ", 1000)
		r.a.say(store.ClassFlash, alice, bob, large)
		r.a.say(store.ClassFlash, alice, bob, "behind the large one")
		r.a.say(store.ClassFlash, carol, bob, "of another")
		r.a.Put(store.Entry{Kind: store.KindGroupchat, Class: store.ClassFlash, From: "room@headquarters.net/x", To: bob, Queued: time.Now(),
			Stanza: []byte("<message from='room@headquarters.net/x' to='" + bob + "' type='groupchat'><body>room</body></message>")})
		time.Sleep(30 * time.Minute)
		if n := r.a.expressed(); n != 1 && n != 2 { // the one behind may go when the large one is confirmed
			t.Errorf("%d went by express", n)
		}
		got := r.b.Received()
		if i, j := slices.Index(got, large), slices.Index(got, "behind the large one"); len(got) != 5 || i < 0 || j < i {
			t.Errorf("%d came, the large one at %d, the one behind at %d", len(got), i, j)
		}
	})
}

// The mark of an urgent message needs no wait and no question.
func TestExpressIsConfirmedAtOnce(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 300}, func(r *rig) {
		r.met()
		before := r.sent()
		r.a.say(store.ClassFlash, alice, bob, "flash")
		time.Sleep(20 * time.Second)
		if r.a.Waiting() > 0 || r.sent()-before != 2 {
			t.Errorf("%d wait, %d U_PDUs were sent", r.a.Waiting(), r.sent()-before)
		}
		time.Sleep(2 * time.Hour)
		if n := r.sent() - before; n != 2 {
			t.Errorf("%d U_PDUs in the end", n)
		}
	})
}

// Whatever happens on the way, on both lanes: nothing is lost or doubled, and what one person says to another stays in order, but for the more urgent.
func TestExpressTorture(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { expressTorture(t, uint64(seed)) })
	}
}

func expressTorture(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 11))
	o := sistest.Options{Seed: seed}
	if rnd.IntN(4) > 0 {
		o.Delay, o.Rate = time.Duration(rnd.IntN(10))*time.Second, []int{300, 1200, 9600}[rnd.IntN(3)]
		o.Loss = []float64{0, 0.1, 0.4}[rnd.IntN(3)]
	}
	play(t, o, func(r *rig) {
		ma := &mangler{rnd: rand.New(rand.NewPCG(seed, 1))}
		ma.quiet.Store(true)
		mb := &mangler{rnd: rand.New(rand.NewPCG(seed, 2))}
		mb.quiet.Store(true)
		r.a.mangle, r.b.mangle = ma.mangle, mb.mangle
		r.met()
		ma.quiet.Store(false)
		mb.quiet.Store(false)
		classes := []store.Class{store.ClassFlash, store.ClassImmediate, store.ClassRoutine, store.ClassRoutine, store.ClassPriority}
		said := 0
		for range 30 {
			for range rnd.IntN(5) {
				c, from := classes[rnd.IntN(len(classes))], []string{alice, carol}[rnd.IntN(2)]
				text := fmt.Sprintf("%d %s %d", said, from, c)
				if rnd.IntN(8) == 0 {
					text += strings.Repeat(" and so on", rnd.IntN(300))
				}
				r.a.say(c, from, bob, text)
				said++
				if rnd.IntN(3) == 0 {
					r.b.say(c, bob, alice, fmt.Sprint("back ", said))
				}
			}
			if d := []time.Duration{0, 0, time.Millisecond, 301 * time.Millisecond, 5 * time.Second, time.Minute, 20 * time.Minute}[rnd.IntN(7)]; d > 0 {
				time.Sleep(time.Duration(float64(d) * (0.5 + rnd.Float64())))
			}
			for range rnd.IntN(2000) {
				runtime.Gosched()
			}
			e := r.a
			if rnd.IntN(2) == 1 {
				e = r.b
			}
			r.blow(rnd, e)
		}
		ma.quiet.Store(true)
		mb.quiet.Store(true)
		r.air.Set(func(o *sistest.Options) { o.Loss = 0 })
		for end := time.Now().Add(72 * time.Hour); time.Now().Before(end) && r.a.Waiting()+r.b.Waiting() > 0; {
			time.Sleep(time.Minute)
		}
		got := r.b.Received()[1:]
		if len(got) != said || r.a.Waiting()+r.b.Waiting() > 0 {
			t.Fatalf("%d of %d came, %d and %d wait: %+v", len(got), said, r.a.Waiting(), r.b.Waiting(), r.a.status())
		}
		inOrder(t, got)
		t.Logf("%d of %d by express", r.a.expressed(), said)
	})
}

// inOrder checks what came: "number from class ...".
func inOrder(t *testing.T, got []string) {
	t.Helper()
	type one struct {
		n     int
		from  string
		class store.Class
	}
	seen := map[int]bool{}
	var all []one
	for _, s := range got {
		var o one
		fmt.Sscan(s, &o.n, &o.from, &o.class)
		if seen[o.n] {
			t.Fatalf("%d came twice", o.n)
		}
		seen[o.n] = true
		for _, b := range all {
			if b.from == o.from && b.n > o.n && b.class >= o.class {
				t.Fatalf("%+v came before %+v", b, o)
			}
		}
		all = append(all, o)
	}
}

// A detour is a Way of which the express lane can be closed, as if another link carried what is urgent now.
type detour struct {
	links.Alone
	mu     sync.Mutex
	closed bool
	change chan struct{}
}

func (d *detour) Express() plan.Load {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return plan.Load{}
	}
	return plan.Everything()
}

func (d *detour) Alternatives() time.Duration { return time.Minute }

func (d *detour) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.change
}

func (d *detour) set(closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = closed
	close(d.change)
	d.change = make(chan struct{})
}

// What is unconfirmed on the express lane when that is closed goes another way, once: whether it had come, had not, or comes late.
func TestExpressIsLeftToOthersOnce(t *testing.T) {
	for _, c := range []string{"had come, and its mark had not", "had not come", "comes late", "comes late, when the lane is open again"} {
		t.Run(c, func(t *testing.T) {
			play(t, sistest.Options{Delay: 2 * time.Second, Rate: 1200}, func(r *rig) {
				d := &detour{change: make(chan struct{})}
				r.a.way = d
				var deaf, lossy atomic.Bool
				var mu sync.Mutex
				var late []sis.UnidataIndication
				r.a.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
					if deaf.Load() {
						return nil
					}
					return []sis.UnidataIndication{u}
				}
				r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
					mu.Lock()
					defer mu.Unlock()
					if frame.Express(u.UPDU) && lossy.Load() {
						late = append(late, u)
						return nil
					}
					out := []sis.UnidataIndication{u}
					if strings.HasPrefix(c, "comes late") && !lossy.Load() {
						out, late = append(out, late...), nil
					}
					return out
				}
				r.met()
				r.a.say(store.ClassFlash, alice, bob, "flash 0")
				time.Sleep(time.Minute)
				deaf.Store(c == "had come, and its mark had not")
				lossy.Store(!deaf.Load())
				for i := range 3 {
					r.a.say(store.ClassFlash, alice, bob, fmt.Sprint("flash ", i+1))
					r.a.say(store.ClassRoutine, alice, bob, fmt.Sprint("routine ", i+1))
					time.Sleep(5 * time.Second)
				}
				time.Sleep(20 * time.Second)
				if r.a.Waiting() == 0 {
					t.Fatal("all is confirmed")
				}
				d.set(true)
				deaf.Store(false)
				if c != "comes late, when the lane is open again" {
					lossy.Store(false)
				}
				time.Sleep(2 * time.Hour)
				d.set(false)
				lossy.Store(false)
				r.a.say(store.ClassFlash, alice, bob, "flash 4")
				time.Sleep(2 * time.Hour)
				r.a.say(store.ClassFlash, alice, bob, "flash 5")
				time.Sleep(2 * time.Hour)
				got := r.b.Received()
				var flashes []string
				for _, s := range got {
					if strings.HasPrefix(s, "flash") {
						flashes = append(flashes, s)
					}
				}
				if want := bodies("flash", 6); !slices.Equal(flashes, want) || len(got) != 10 || r.a.Waiting() > 0 {
					t.Errorf("got %q, %d wait", got, r.a.Waiting())
				}
			})
		})
	}
}

// What a former run of the node has left on the express lane goes another way, when this one finds that closed.
func TestExpressOfAFormerRunIsLeftToOthers(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 1200}, func(r *rig) {
		d := &detour{change: make(chan struct{})}
		r.a.way = d
		var lossy atomic.Bool
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if frame.Express(u.UPDU) && lossy.Load() {
				return nil
			}
			return []sis.UnidataIndication{u}
		}
		r.met()
		lossy.Store(true)
		r.a.say(store.ClassFlash, alice, bob, "flash")
		time.Sleep(20 * time.Second)
		r.a.Stop()
		d.set(true)
		r.a.Start()
		time.Sleep(time.Hour)
		if got := r.b.Received(); len(got) != 2 || got[1] != "flash" || r.a.Waiting() > 0 {
			t.Errorf("got %q, %d wait", got, r.a.Waiting())
		}
	})
}
