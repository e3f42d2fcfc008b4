package s2s_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
)

const years40 = 40*365*24*time.Hour + 10*24*time.Hour

// A wrongClock shows the bubble's time and what it was set by since.
type wrongClock struct {
	begin time.Time
	by    atomic.Int64 // nanoseconds
}

func (c *wrongClock) now() time.Time { return time.Now().Add(time.Duration(c.by.Load())).Round(0) }

// clocked is a rig whose clock can be set.
func clocked(r *rig) *wrongClock {
	time.Sleep(27 * 365 * 24 * time.Hour) // fake time begins in 2000, and no clock goes back behind 1970
	c := &wrongClock{begin: time.Now()}
	s2s.SetClock(r.peers, func() (time.Time, time.Duration) { return c.now(), time.Since(c.begin) })
	return c
}

// put puts a message by the clock, that may wait for an hour, and is held for ten minutes.
func (c *wrongClock) put(r *rig, id string) {
	r.t.Helper()
	err := r.db.Update(func(tx *store.Tx) error {
		now := c.now()
		_, _, err := r.peer().Queue().Put(tx, store.Entry{From: alice, To: bob, StanzaID: id, Queued: now, Expires: now.Add(time.Hour),
			NotBefore: now.Add(10 * time.Minute), Stanza: []byte(say(id, "x"))}, store.QueueLimits{})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// waits lists "id age lifetime hold" by the clock.
func (c *wrongClock) waits(r *rig) (all []string) {
	for _, e := range r.queue() {
		all = append(all, fmt.Sprint(e.StanzaID, " ", c.now().Sub(e.Queued).Round(time.Second), " ", e.Expires.Sub(c.now()).Round(time.Second), " ",
			e.NotBefore.Sub(e.Queued)))
	}
	slices.Sort(all)
	return all
}

// A clock that is set by 40 years makes nothing expire and nothing immortal, whichever way it goes, and whether a stanza was put before or after.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{years40, -years40, 2 * time.Hour, -2 * time.Hour, 30 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, hq)
				c := clocked(r)
				stop := r.run()
				c.put(r, "sent")
				c.put(r, "old")
				es := r.queue()
				if err := r.db.Update(func(tx *store.Tx) error { return r.peer().Queue().Number(tx, "OUT", 1, []uint64{es[0].ID}) }); err != nil {
					t.Fatal(err)
				}
				time.Sleep(30*time.Minute + time.Second)
				c.put(r, "just before") // after Run's last look
				c.by.Store(int64(by))
				c.put(r, "just after")
				time.Sleep(s2s.Look)
				synctest.Wait()
				equal(t, "told", r.received(), nil)
				minute := s2s.Look.Round(time.Second)
				age := 30*time.Minute + time.Second + minute
				at := func(id string, age time.Duration) string {
					return fmt.Sprint(id, " ", age, " ", time.Hour-age, " 10m0s")
				}
				equal(t, "after the jump", c.waits(r), []string{at("just after", minute), at("just before", minute), at("old", age), at("sent", age)})
				if err := r.db.Update(func(tx *store.Tx) error { return r.peer().Queue().Requeue(tx, "OUT") }); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour - age + s2s.Look)
				synctest.Wait()
				if got := r.received(); len(got) != 2 {
					t.Errorf("after their hour: %q", got)
				}
				time.Sleep(31 * time.Minute)
				synctest.Wait()
				if got := r.received(); len(got) != 2 || len(r.queue()) != 0 {
					t.Errorf("in the end: %q", got)
				}
				stop()
				r.db.Close()
			})
		})
	}
}

// What was queued by a clock that was wrong, before the node stopped, is taken as of now when it starts.
func TestClockWasSetWhileTheNodeWasDown(t *testing.T) {
	for _, by := range []time.Duration{years40, -years40} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, hq)
			c := clocked(r)
			c.put(r, "first")
			time.Sleep(5 * time.Minute)
			c.put(r, "second")
			c.by.Store(int64(by))
			stop := r.run()
			synctest.Wait()
			equal(t, "told", r.received(), nil)
			equal(t, "after the start", c.waits(r), []string{"first 5m0s 55m0s 10m0s", "second 0s 1h0m0s 10m0s"})
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if got := r.received(); len(got) != 2 {
				t.Errorf("in the end: %q", got)
			}
			stop()
			r.db.Close()
		})
	}
}

// A node may die at any moment: either all that waits, and all that is known, has followed the clock, or nothing.
func TestAClockThatIsSetMovesAllPeersAtOnce(t *testing.T) {
	const message = 4711
	synctest.Test(t, func(t *testing.T) {
		ship := s2s.Config{Name: "ship", Domains: []string{"ship.net"}}
		r := newRig(t, hq, ship)
		c := clocked(r)
		stop := r.run()
		queues := []*store.Queue{r.peer().Queue(), r.peers.Peer("ship").Queue()}
		update := func(f func(*store.Tx) error) {
			t.Helper()
			if err := r.db.Update(f); err != nil {
				t.Fatal(err)
			}
		}
		repeat := func() (again bool) {
			update(func(tx *store.Tx) (err error) {
				again, err = tx.Repeat("ship", message, c.now(), time.Hour)
				return err
			})
			return again
		}
		update(func(tx *store.Tx) error {
			for _, q := range queues {
				if _, _, err := q.Put(tx, store.Entry{From: alice, To: bob, Queued: c.now(), Stanza: []byte(say("m", "x"))}, store.QueueLimits{}); err != nil {
					return err
				}
			}
			return nil
		})
		repeat()
		time.Sleep(s2s.Look)
		synctest.Wait()
		c.by.Store(int64(years40))
		r.peers.Poke()
		for moved := 0; moved < len(queues); {
			moved = 0
			if err := r.db.View(func(tx *store.Tx) error {
				for _, q := range queues {
					if err := q.Each(tx, func(e store.Entry) (bool, error) {
						if c.now().Sub(e.Queued) < time.Hour {
							moved++
						}
						return true, nil
					}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if moved == 1 {
				t.Fatal("one queue has followed, the other has not")
			}
		}
		if !repeat() {
			t.Error("what came before is not known any more")
		}
		stop()
		r.db.Close()
	})
}

// Seconds and minutes are what clocks are set by every day.
func TestClockIsSetByALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hq)
		c := clocked(r)
		stop := r.run()
		c.put(r, "m")
		for range 5 {
			c.by.Add(int64(8 * time.Minute))
			time.Sleep(s2s.Look)
		}
		synctest.Wait()
		equal(t, "five times eight minutes", c.waits(r), []string{"m 45m5s 14m55s 10m0s"})
		stop()
		r.db.Close()
	})
}

// What is held wakes the links when it is due, also after a restart.
func TestHeldEntryWakesTheLinksWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := hq
		c.Spend = func(_ *router.Turn, c s2s.Charge) s2s.Verdict { return s2s.Verdict{Hold: 100 * time.Second} }
		r := newRig(t, c)
		stop := r.run()
		wake, unwatch := r.peer().Queue().Watch()
		r.route(say("m1", "1"))
		<-wake
		look := func(want int) {
			t.Helper()
			if es, err := r.peer().Queue().Next(9, 999); err != nil || len(es) != want {
				t.Errorf("%v: %v", es, err)
			}
		}
		look(0)
		began := time.Now()
		<-wake
		if d := time.Since(began); d != 100*time.Second {
			t.Errorf("woken after %v", d)
		}
		look(1)
		unwatch()
		r.route(say("m2", "2"))
		stop()
		r.db.Close()
		r.start(hq)
		stop = r.run()
		wake, unwatch = r.peer().Queue().Watch()
		<-wake // something waits
		look(1)
		<-wake
		look(2)
		unwatch()
		stop()
		r.db.Close()
	})
}
