package linktest

import (
	"fmt"
	"log/slog"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

func parse(b []byte) (*stanza.Stanza, error) { return stream.ParseStanza(b) }

// Ends are the two ends of a link under test. Cut ends all contacts without goodbye, and loses what is under way.
type Ends struct {
	A, B links.Link
	Cut  func()
}

// A Case is a kind of link, set up in one way.
type Case struct {
	Config links.Config // of both ends; Dial is set by the suite
	Both   bool         // both ends dial
	Make   func(t testing.TB) Ends
	Real   bool // real sockets, so no synctest
	Log    *slog.Logger
	Again  bool // without numbers that outlive the contact, cuts may repeat stanzas; they must not lose any
}

// rig is two nodes on a link.
type rig struct {
	Case
	t    testing.TB
	ends Ends
	a, b *Node
}

func (c Case) run(t *testing.T, name string, f func(*testing.T, *rig)) {
	t.Run(name, func(t *testing.T) {
		body := func(t *testing.T) {
			r := &rig{Case: c, t: t, ends: c.Make(t)}
			r.a, r.b = NewNode(t, "headquarters.net", "field.net"), NewNode(t, "field.net", "headquarters.net")
			if c.Log != nil {
				r.a.Log, r.b.Log = c.Log.With("node", "a"), c.Log.With("node", "b")
			}
			f(t, r)
		}
		if c.Real {
			body(t)
		} else {
			synctest.Test(t, body)
		}
	})
}

func (r *rig) startA() {
	c := r.Config
	c.Dial = true
	r.a.Start(c, r.ends.A)
}

func (r *rig) startB() {
	c := r.Config
	c.Dial = r.Both
	r.b.Start(c, r.ends.B)
}

// patience is how long a step may take.
func (r *rig) patience() time.Duration {
	if r.Real {
		return 30 * time.Second
	}
	return 2 * time.Hour
}

// arrived waits until b has all that a sent, and a knows.
func (r *rig) arrived(from, to *Node, want []string) {
	r.t.Helper()
	Eventually(r.t, r.patience(), "all stanzas arrive and are confirmed", func() bool {
		return len(to.Received()) >= len(want) && from.Waiting() == 0
	})
	got := to.Received()
	if r.Again {
		got = once(got)
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s got %d stanzas, want %d:\n%s", to.me, len(got), len(want), diff(got, want))
	}
}

// once drops repeats.
func once(s []string) (out []string) {
	seen := map[string]bool{}
	for _, x := range s {
		if !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}

// diff shows where two lists part.
func diff(got, want []string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	clip := func(s []string) string { return strings.Join(s[min(i, len(s)):min(i+6, len(s))], ", ") }
	return fmt.Sprintf("from %d on got %s; want %s", i, clip(got), clip(want))
}

func bodies(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s %d", prefix, i))
	}
	return out
}

// Conform is what every link must do.
func Conform(t *testing.T, c Case) {
	c.run(t, "in order", func(t *testing.T, r *rig) {
		want := bodies("a", 100)
		r.a.Send(want[:20]...)
		r.startA()
		r.startB()
		r.arrived(r.a, r.b, want[:20])
		r.a.Send(want[20:]...)
		r.arrived(r.a, r.b, want)
	})
	c.run(t, "both ways", func(t *testing.T, r *rig) {
		toB, toA := bodies("a", 60), bodies("b", 60)
		r.startA()
		r.startB()
		for i := range toB {
			r.a.Send(toB[i])
			r.b.Send(toA[i])
		}
		r.arrived(r.a, r.b, toB)
		r.arrived(r.b, r.a, toA)
	})
	c.run(t, "only the acceptor speaks", func(t *testing.T, r *rig) {
		want := bodies("b", 30)
		r.startA()
		r.startB()
		r.b.Send(want...)
		r.arrived(r.b, r.a, want)
	})
	c.run(t, "large ones", func(t *testing.T, r *rig) {
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprint(i)+strings.Repeat(" all work and no play", 250))
		}
		r.a.Send(want...)
		r.startA()
		r.startB()
		r.arrived(r.a, r.b, want)
	})
	c.run(t, "goodbye", func(t *testing.T, r *rig) {
		toB, toA := bodies("a", 30), bodies("b", 30)
		r.startA()
		r.startB()
		for i := range 3 {
			r.a.Send(toB[i*10 : i*10+10]...)
			r.b.Send(toA[i*10 : i*10+10]...)
			if i == 1 {
				time.Sleep(10 * time.Millisecond)
			} else {
				r.arrived(r.a, r.b, toB[:i*10+10])
				r.arrived(r.b, r.a, toA[:i*10+10])
			}
			r.a.Stop()
			r.startA()
			r.b.Stop()
			r.startB()
		}
		r.arrived(r.a, r.b, toB)
		r.arrived(r.b, r.a, toA)
	})
	c.run(t, "cuts", func(t *testing.T, r *rig) { r.torture(40, func(_ *rand.Rand, _ bool) { r.ends.Cut() }) })
	c.run(t, "crashes", func(t *testing.T, r *rig) {
		r.torture(30, func(_ *rand.Rand, second bool) {
			if second {
				r.b.Crash(r.ends.Cut)
				r.startB()
			} else {
				r.a.Crash(r.ends.Cut)
				r.startA()
			}
		})
	})
}

// torture sends both ways while blows fall, at moments from microseconds after a step to a second.
func (r *rig) torture(blows int, blow func(rnd *rand.Rand, second bool)) {
	rnd := rand.New(rand.NewSource(int64(blows)))
	var toB, toA []string
	r.startA()
	r.startB()
	for i := range blows {
		for j := range rnd.Intn(5) {
			toB = append(toB, fmt.Sprintf("a %d.%d", i, j))
			r.a.Send(toB[len(toB)-1])
		}
		for j := range rnd.Intn(5) {
			toA = append(toA, fmt.Sprintf("b %d.%d", i, j))
			r.b.Send(toA[len(toA)-1])
		}
		pauses := []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond}
		if !r.Real {
			pauses = append(pauses, 700*time.Millisecond, 3*time.Second, time.Minute)
		}
		time.Sleep(time.Duration(float64(pauses[rnd.Intn(len(pauses))]) * (0.5 + rnd.Float64())))
		blow(rnd, rnd.Intn(2) == 1)
	}
	r.arrived(r.a, r.b, toB)
	r.arrived(r.b, r.a, toA)
}
