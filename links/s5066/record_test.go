package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A peer that has lost everything gets what was not confirmed, and what is new; and is heard.
func TestPeerWithWipedStore(t *testing.T) {
	for _, wipeA := range []bool{true, false} {
		t.Run(fmt.Sprint(wipeA), func(t *testing.T) {
			play(t, hf, func(r *rig) {
				r.start()
				r.a.Send(bodies("a", 10)...)
				r.b.Send(bodies("b", 10)...)
				r.arrived(r.a, r.b, bodies("a", 10))
				r.arrived(r.b, r.a, bodies("b", 10))
				wiped, other := r.b, r.a
				if wipeA {
					wiped, other = r.a, r.b
				}
				wiped.Reopen(func(path string) { os.Remove(path) })
				time.Sleep(time.Hour)
				other.Send("while it was away")
				wiped.Start()
				time.Sleep(time.Minute)
				wiped.Send("new", "newer")
				other.Send("old", "older")
				r.arrived(other, wiped, []string{"while it was away", "old", "older"})
				r.arrived(wiped, other, append(other.Received()[:10:10], "new", "newer"))
			})
		})
	}
}

// A node whose store is an older copy gets and sends what is new, once. What the copy held as under way and has arrived meanwhile is not sent twice.
func TestStoreRestoredFromAnOlderCopy(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 9))
			play(t, hf, func(r *rig) {
				r.start()
				var toB, toA, kept []string
				send := func(name string, n int) {
					for i := range n {
						toB = append(toB, fmt.Sprintf("a %s %d", name, i))
						r.a.Send(toB[len(toB)-1])
						toA = append(toA, fmt.Sprintf("b %s %d", name, i))
						r.b.Send(toA[len(toA)-1])
					}
				}
				// The peer has answered once, or nobody could know whether the copy's record is as good as what came of it.
				send("first", 1)
				r.arrived(r.a, r.b, toB)
				r.arrived(r.b, r.a, toA)
				send("before", rnd.IntN(8))
				time.Sleep(time.Second + time.Duration(rnd.IntN(300))*time.Second) // what has no number yet would be sent again
				backup := t.TempDir() + "/copy"
				r.a.Reopen(func(path string) { copyFile(t, path, backup) })
				waiting := r.a.Waiting()
				kept = r.a.Received()
				r.a.Start()
				// What the peer was not told is taken before the copy is used, so that the copy's record knows less than the peer.
				send("between", []int{0, 3, 20, 140}[seed%4])
				r.arrived(r.a, r.b, toB)
				r.arrived(r.b, r.a, toA)
				r.a.Reopen(func(path string) { copyFile(t, backup, path) })
				if rnd.IntN(2) == 0 {
					r.b.Stop()
					r.b.Start()
				}
				r.a.Start()
				if n := r.a.Waiting(); n != waiting {
					t.Fatalf("%d wait, want %d", n, waiting)
				}
				had := len(toA)
				send("after", 1+rnd.IntN(30))
				r.arrived(r.a, r.b, toB)
				r.arrived(r.b, r.a, slices.Concat(kept, toA[had:]))
			})
		})
	}
}
