package fmuc_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
)

// What is said in a replica right behind the admission comes back, or is refused, whatever the link does meanwhile.
func TestReplicaAnswersWhatIsSaidBehindTheAdmission(t *testing.T) {
	for seed := range 4 * seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { bubble(t, func(t *testing.T) { behindTheAdmission(t, seed) }) })
	}
}

func behindTheAdmission(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	history := []string{"", "since", "none", "2"}[rnd.IntN(4)]
	w := newPair(t, store.RoomFed{Mode: "pr", History: history}, func(w *pair) {
		w.Standard = seed%4 == 3
		if rnd.IntN(2) == 0 {
			w.hq.QueueLimits = store.QueueLimits{Entries: 3 + rnd.IntN(12), Bytes: 1 << 20}
		}
	})
	alice := w.hq.Enter("alice", "ops", "Alice")
	sayMany(alice, rnd.IntN(40))
	if rnd.IntN(2) == 0 { // they know each other already
		carol := w.field.Enter("carol", "ops", "Carol")
		w.Flow()
		if rnd.IntN(2) == 0 {
			carol.Leave()
			w.Flow()
			time.Sleep(2 * time.Minute)
			w.Flow()
		}
		sayMany(alice, rnd.IntN(30))
	}
	bob := w.field.Enter("bob", "ops", "Bob")
	var heard []string
	said := 0
	for range 100 {
		switch rnd.IntN(12) {
		case 0:
			w.link.Cut()
			time.Sleep(time.Duration(rnd.IntN(90)) * time.Second)
		case 1, 2:
			w.link.Heal()
		case 3:
			sayMany(alice, 1+rnd.IntN(8))
		case 4:
			time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		default:
			w.link.Carry([]*fmuctest.Node{w.hq, w.field}[rnd.IntN(2)])
		}
		synctest.Wait()
		if said == 0 && strings.Contains(bob.Crowd(), "Bob") || said > 0 && said < 6 && rnd.IntN(4) == 0 {
			said++
			bob.Say(fmt.Sprintf("line %d", said))
		}
		heard = append(heard, bob.Heard()...)
	}
	w.link.Heal()
	for range 40 {
		w.Flow()
		time.Sleep(time.Minute)
	}
	heard = append(heard, bob.Heard()...)
	for i := 1; i <= said; i++ {
		shown, refused := 0, 0
		for _, h := range heard {
			switch strings.TrimPrefix(h, "+") {
			case fmt.Sprint("Bob: line ", i):
				shown++
			case fmt.Sprint("! bob-", i):
				refused++
			}
		}
		if shown > 1 || refused > 1 || shown+refused == 0 { // what was given up may come late all the same
			t.Errorf("history %q, standard %v: line %d was shown %d and refused %d times: %q", history, w.Standard, i, shown, refused, heard)
		}
	}
}
