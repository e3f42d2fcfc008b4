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
