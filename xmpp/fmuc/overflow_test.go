package fmuc_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
)

// When queues are so small that they take neither all that is missing nor always the question for it, rooms of our kind get level nevertheless.
func TestLostDigestsAreMadeUpFor(t *testing.T) {
	for seed := range seeds(t) / 2 { // odd ones know the standard only
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, 2*seed, store.RoomFed{Watch: true, History: "500"}, func(n *fmuctest.Node) {
					n.QueueLimits.Entries = 10
					n.Lifetimes.Groupchat = 30 * time.Second
				})
				c.Flow()
				for _, n := range c.Nodes {
					c.come(n)
				}
				c.Flow()
				for range 20 {
					l := c.Links[c.rnd.IntN(len(c.Links))]
					l.Cut()
					for range c.rnd.IntN(40) {
						c.say(c.node())
					}
					time.Sleep(time.Duration(c.rnd.IntN(60)) * time.Second)
					for range 10 {
						c.step(false, true)
					}
				}
				for range 8 { // a node that failed often waits up to half an hour
					time.Sleep(10 * time.Minute)
					c.rest()
				}
				c.checkSets()
				c.checkCrowds()
			})
		})
	}
}

// By the standard the answer to a join is one burst. A queue that takes it brings such rooms level, however soon it gives up on what waits; in
// a smaller one there is room for it when the history is bounded.
func TestPeersByTheStandardNeedRoomForAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		entries, lastN int
		sets           bool
	}{
		"all that was missed": {600, 0, true},
		"the last three":      {10, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newChaos(t, 1, store.RoomFed{Watch: true, History: "500", LastN: c.lastN}, func(n *fmuctest.Node) {
					n.QueueLimits.Entries = c.entries
					n.Lifetimes.Groupchat = 30 * time.Second
				})
				w.Flow()
				for _, n := range w.Nodes {
					w.come(n)
				}
				w.Flow()
				for range 20 {
					w.Links[w.rnd.IntN(len(w.Links))].Cut()
					for range w.rnd.IntN(40) {
						w.say(w.node())
					}
					time.Sleep(time.Duration(w.rnd.IntN(60)) * time.Second)
					for range 10 {
						w.step(false, true)
					}
				}
				for _, l := range w.Links {
					l.Heal()
				}
				for range 500 { // what is queued meanwhile must not wait for 30 s
					w.Flow()
					time.Sleep(5 * time.Second)
				}
				w.rest()
				w.checkCrowds()
				if c.sets {
					w.checkSets()
				}
			})
		})
	}
}
