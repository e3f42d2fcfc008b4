package fmuc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/router"
)

// What a node said before a restart comes before what it said after it, also where the end of that got lost.
func TestTheEndOfAnOriginComesBeforeTheNextOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		bob := w.field.Enter("bob", "ops", "Bob")
		alice.Say("one")
		w.Flow()
		alice.Say("two")
		w.link.Lose(w.hq)
		w.hq.Restart()
		alice = w.hq.Enter("alice", "ops", "Alice")
		alice.Say("three")
		w.Flow()
		want(t, "field", w.field.Archive("ops"), "Alice: one", "Alice: two", "Alice: three")

		alice.Say("four")
		w.link.Lose(w.hq)
		for _, text := range []string{"five", "six"} { // with nothing that shows it but the numbers
			w.hq.Restart()
			alice = w.hq.Enter("alice", "ops", "Alice")
			w.link.Lose(w.hq)
			alice.Say(text)
		}
		w.Flow()
		want(t, "field", w.field.Archive("ops"), "Alice: one", "Alice: two", "Alice: three", "Alice: four", "Alice: five", "Alice: six")
		bob.Say("seven")
		w.Flow()
		level(t, 7, w.hq, w.field)
	})
}

// What is not kept any more is not waited for.
func TestAnOriginWhoseEndIsGoneHoldsNothingUp(t *testing.T) {
	for name, c := range map[string]struct {
		fed  store.RoomFed
		lose func(*pair)
		want []string
	}{
		"pruned": {store.RoomFed{}, func(w *pair) {
			w.hq.Update(func(t *router.Turn) error {
				_, err := t.Tx.ArchivePrune(w.hq.Room("ops").String(), store.ArchiveLimits{Entries: 1}, time.Now(), 1000)
				return err
			})
		}, []string{"Alice: 0", "Alice: 5", "Alice: 6"}},
		"beyond the last two": {store.RoomFed{LastN: 2}, func(*pair) {}, []string{"Alice: 0", "Alice: 4", "Alice: 5", "Alice: 6"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newPair(t, c.fed)
				alice := w.hq.Enter("alice", "ops", "Alice")
				w.field.Enter("bob", "ops", "Bob")
				w.Flow()
				alice.Say("0")
				w.Flow()
				for i := range 4 {
					alice.Say(fmt.Sprint(i + 1))
				}
				w.link.Lose(w.hq)
				w.hq.Restart()
				alice = w.hq.Enter("alice", "ops", "Alice")
				alice.Say("5")
				c.lose(w)
				w.Flow()
				alice.Say("6")
				w.Flow()
				want(t, "field", w.field.Archive("ops"), c.want...)
			})
		})
	}
}

// Whatever is lost on the way, and how often nodes start anew: in each archive an author's lines are in order, and all are there.
func TestAuthorsStayInOrderWhateverIsLost(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, 2*seed, store.RoomFed{Watch: seed%2 == 0, History: "500"}, func(n *fmuctest.Node) {
					n.QueueLimits.Entries = 12
					n.Lifetimes.Groupchat = time.Minute
				})
				at, said := map[*fmuctest.Node]*fmuctest.Client{}, map[*fmuctest.Node]int{}
				for _, n := range c.Nodes {
					at[n] = n.Enter(n.Name, "ops", n.Name)
				}
				c.Flow()
				for range 400 {
					n, l := c.node(), c.Links[c.rnd.IntN(len(c.Links))]
					switch c.rnd.IntN(20) {
					case 0, 1:
						l.Cut()
					case 2, 3, 4:
						l.Heal()
					case 5:
						n.Restart()
						at[n] = n.Enter(n.Name, "ops", n.Name)
					case 6:
						for _, n := range c.Nodes {
							if l.Far(n) != nil && c.rnd.IntN(2) == 0 {
								l.Lose(n)
							}
						}
					case 7:
						time.Sleep(time.Duration(c.rnd.IntN(90)) * time.Second)
					case 8, 9, 10, 11, 12:
						for range c.rnd.IntN(4) {
							said[n]++
							at[n].Say(fmt.Sprint(said[n]))
						}
					default:
						for range c.rnd.IntN(10) {
							for _, n := range c.Nodes {
								l.Carry(n)
							}
						}
					}
				}
				total := 0
				for range 3 { // a question that got lost unnoticed is put again ten minutes later, at the next word
					c.rest()
					time.Sleep(10 * time.Minute)
					for _, n := range c.Nodes {
						said[n]++
						at[n].Say(fmt.Sprint(said[n]))
					}
					c.rest()
				}
				for _, n := range said {
					total += n
				}
				for _, n := range c.Nodes {
					all, last := n.Archive("ops"), map[string]int{}
					if len(all) != total {
						t.Errorf("%s has %d lines of %d", n.Name, len(all), total)
					}
					for _, l := range all {
						var i int
						who, text, _ := strings.Cut(l, ": ")
						fmt.Sscan(text, &i)
						if i != last[who]+1 {
							t.Errorf("%s has line %d of %s after %d", n.Name, i, who, last[who])
						}
						last[who] = i
					}
				}
			})
		})
	}
}

// A node that was set back, and has nothing to say, hears of what it had with the first word of its peer, though that shows no gap.
func TestAWordIsEnoughForWhoWasSetBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newPair(t, store.RoomFed{})
		alice := w.hq.Enter("alice", "ops", "Alice")
		w.field.Enter("bob", "ops", "Bob")
		alice.Say("one")
		w.Flow()
		restore := w.field.Backup()
		bob := w.field.Enter("bob", "ops", "Bob")
		bob.Say("two")
		bob.Say("three")
		w.Flow()
		restore()
		alice.Say("four")
		w.Flow()
		level(t, 4, w.hq, w.field)
	})
}

// Nodes that are set back, start anew, and whose small queues give up early, are level when a few words have gone, without a look at the clock.
func TestNodesThatWereSetBackGetLevelByTraffic(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, 2*seed, store.RoomFed{Watch: true, History: "500"}, func(n *fmuctest.Node) {
					n.QueueLimits.Entries = 12
					n.Lifetimes.Groupchat = time.Minute
				})
				for _, n := range c.Nodes {
					c.come(n)
				}
				c.Flow()
				restore := map[*fmuctest.Node]func(){}
				for i := range 400 {
					c.step(false, true)
					if i%20 > 0 {
						continue
					}
					n := c.node()
					if back := restore[n]; back != nil {
						back()
						delete(restore, n)
					} else {
						restore[n] = n.Backup()
					}
					c.clients[n] = nil
					c.come(n)
				}
				for range 4 {
					for _, l := range c.Links {
						l.Heal()
					}
					for _, n := range c.Nodes {
						c.say(n)
					}
					c.Flow()
					time.Sleep(30 * time.Second)
					c.Flow()
				}
				level(t, len(numbers(c.Nodes[0])), c.Nodes...)
			})
		})
	}
}
