package fmuc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
)

// chaos is a tree of nodes on which random things happen.
type chaos struct {
	*fmuctest.World
	t       *testing.T
	rnd     *rand.Rand
	clients map[*fmuctest.Node][]*fmuctest.Client
	said    []string            // lines that were not refused
	heard   map[string][]string // by client, what it heard
	order   map[string][]string // and that of which the order is sure
	names   int
}

// newChaos makes hq, with field and ship below it, and kit below field.
func newChaos(t *testing.T, seed uint64, fed store.RoomFed, setup func(*fmuctest.Node)) *chaos {
	// Every other time the nodes know nothing but the standard.
	c := &chaos{World: fmuctest.New(t), t: t, rnd: rand.New(rand.NewPCG(seed, 1)),
		clients: make(map[*fmuctest.Node][]*fmuctest.Client), heard: make(map[string][]string), order: make(map[string][]string)}
	c.Standard, c.Terse = seed%2 == 1, seed%8 >= 4
	parents := map[string]string{"field": "hq", "ship": "hq", "kit": "field"}
	nodes := map[string]*fmuctest.Node{}
	for _, name := range []string{"hq", "field", "ship", "kit"} {
		n := c.Node(name)
		nodes[name] = n
		f := fed
		f.Allow = []string{"*"}
		if p := parents[name]; p != "" {
			c.Link(nodes[p], n)
			f.Node = "ops@chat." + p + ".net"
		} else {
			f.Mode = ""
		}
		if setup != nil {
			setup(n)
		}
		n.MakeRoom("ops", f)
	}
	for _, n := range c.Nodes {
		n.Start()
	}
	return c
}

// come lets somebody enter at a node.
func (c *chaos) come(n *fmuctest.Node) *fmuctest.Client {
	c.names++
	name := fmt.Sprintf("u%d", c.names)
	m := n.Enter(name, "ops", fmt.Sprintf("%s%d", n.Name, c.names))
	c.clients[n] = append(c.clients[n], m)
	return m
}

// go1 lets somebody leave.
func (c *chaos) leave(n *fmuctest.Node) {
	all := c.clients[n]
	if len(all) == 0 {
		return
	}
	i := c.rnd.IntN(len(all))
	all[i].Leave()
	c.listen(all[i])
	c.clients[n] = slices.Delete(all, i, i+1)
}

// listen takes what a client heard.
func (c *chaos) listen(m *fmuctest.Client) {
	for _, l := range m.Heard() {
		if strings.HasPrefix(l, "!") {
			c.said = slices.DeleteFunc(c.said, func(s string) bool { return strings.HasSuffix(s, ": "+strings.TrimPrefix(l, "! ")) })
			continue
		}
		if strings.Contains(l, " = ") || strings.HasPrefix(l, ":") {
			continue
		}
		key := m.Full.String()
		c.heard[key] = append(c.heard[key], strings.TrimPrefix(l, "+"))
		// By the standard, what waited long has the time when it was queued, and what did not that when it came: sorted by
		// time, as history is, they may change places.
		if !c.Standard || !strings.HasPrefix(l, "+") {
			c.order[key] = append(c.order[key], strings.TrimPrefix(l, "+"))
		}
	}
}

func (c *chaos) say(n *fmuctest.Node) {
	all := c.clients[n]
	if len(all) == 0 {
		return
	}
	m := all[c.rnd.IntN(len(all))]
	id := fmt.Sprintf("%s-%d", m.Full.Local(), m.Lines()+1)
	c.said = append(c.said, m.Nick()+": "+id)
	m.Say(id)
}

func (c *chaos) node() *fmuctest.Node { return c.Nodes[c.rnd.IntN(len(c.Nodes))] }

// step does one random thing.
func (c *chaos) step(people, restarts bool) {
	l := c.Links[c.rnd.IntN(len(c.Links))]
	switch n := c.node(); c.rnd.IntN(14) {
	case 0:
		l.Cut()
	case 1, 2:
		l.Heal()
	case 3:
		if restarts && c.rnd.IntN(4) == 0 {
			for _, m := range c.clients[n] {
				c.listen(m)
			}
			c.clients[n] = nil
			n.Restart()
			c.come(n)
		}
	case 4:
		time.Sleep(time.Duration(c.rnd.IntN(100)) * time.Second)
	case 5, 6:
		if people {
			c.come(n)
		}
	case 7:
		if people && c.rnd.IntN(2) == 0 {
			c.leave(n)
		}
	case 8, 9, 10:
		c.say(n)
	default:
		for range c.rnd.IntN(6) {
			for _, n := range c.Nodes {
				l.Carry(n)
			}
		}
	}
	for _, all := range c.clients {
		for _, m := range all {
			c.listen(m)
		}
	}
}

// rest heals all links and waits until all has come to rest.
func (c *chaos) rest() {
	for range 3 {
		for _, l := range c.Links {
			l.Heal()
		}
		c.Flow()
		time.Sleep(2 * time.Minute)
		c.Flow()
	}
	for _, all := range c.clients {
		for _, m := range all {
			c.listen(m)
		}
	}
	for _, n := range c.Nodes {
		if err := n.FMUC.Check(); err != nil {
			c.t.Error(err)
		}
	}
}

// checkLines asserts that all nodes have all lines, and that no client heard one twice, or an author's in another order.
func (c *chaos) checkLines() {
	c.t.Helper()
	c.checkSets()
	c.checkOrder()
}

func (c *chaos) checkSets() {
	c.t.Helper()
	want := slices.Sorted(slices.Values(c.said))
	for _, n := range c.Nodes {
		got := slices.Sorted(slices.Values(n.Archive("ops")))
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "+")
		}
		if !slices.Equal(got, want) {
			c.t.Errorf("%s has %d lines of %d\nmissing %q\ntoo many %q", n.Name, len(got), len(want), minus(want, got), minus(got, want))
		}
	}
	for who, lines := range c.heard {
		if l := slices.Sorted(slices.Values(lines)); len(slices.Compact(l)) != len(lines) {
			c.t.Errorf("%s heard lines twice: %q", who, lines)
		}
	}
}

func (c *chaos) checkOrder() {
	c.t.Helper()
	for who, lines := range c.order {
		last := map[string]int{}
		for _, l := range lines {
			var n int
			_, text, _ := strings.Cut(l, ": ")
			author, num, _ := strings.Cut(text, "-")
			fmt.Sscan(num, &n)
			if n <= last[author] {
				c.t.Errorf("%s heard %q after line %d of %s: %q", who, l, last[author], author, lines)
			}
			last[author] = n
		}
	}
}

func minus(a, b []string) (d []string) {
	left := map[string]int{}
	for _, s := range b {
		left[s]++
	}
	for _, s := range a {
		if left[s]--; left[s] < 0 {
			d = append(d, s)
		}
	}
	return d
}

// checkCrowds asserts that everybody sees everybody.
func (c *chaos) checkCrowds() {
	c.t.Helper()
	var nicks []string
	for _, all := range c.clients {
		for _, m := range all {
			nicks = append(nicks, m.Nick())
		}
	}
	slices.Sort(nicks)
	want := strings.Join(nicks, ", ")
	for n, all := range c.clients {
		for _, m := range all {
			if got := m.Crowd(); got != want {
				c.t.Errorf("%s at %s does not see %q, and sees %q who is not there", m.Nick(), n.Name,
					minus(nicks, strings.Split(got, ", ")), minus(strings.Split(got, ", "), nicks))
				break // the others of the node see the same
			}
		}
	}
}

func seeds(t *testing.T) uint64 {
	if testing.Short() {
		return 2
	}
	return 6
}

// Whatever becomes of links and nodes, as long as nothing is lost: all lines get to all nodes, once, each author's in
// order.
func TestLinesUnderChaos(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, seed, store.RoomFed{Watch: true}, nil)
				c.Flow()
				for _, n := range c.Nodes {
					c.come(n)
				}
				for range 300 {
					c.step(false, true)
				}
				c.rest()
				c.checkLines()
				c.checkCrowds()
			})
		})
	}
}

// Everybody sees everybody who is there, when all has come to rest.
func TestCrowdsUnderChaos(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, seed, store.RoomFed{Watch: seed%4 < 2, History: "none"}, nil)
				for range 300 {
					c.step(true, true)
				}
				for _, n := range c.Nodes {
					if len(c.clients[n]) == 0 {
						c.come(n)
					}
				}
				c.rest()
				c.checkCrowds()
			})
		})
	}
}

// Replicas hear all lines in one order.
func TestReplicasUnderChaos(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, seed, store.RoomFed{Mode: "pr", Watch: true}, nil)
				c.Flow()
				for _, n := range c.Nodes {
					c.come(n)
				}
				c.Flow()
				for range 300 {
					c.step(false, true)
				}
				c.rest()
				c.checkCrowds()
				all := c.Nodes[0].Archive("ops")
				if len(all) < 10 {
					t.Errorf("only %d lines", len(all))
				}
				for _, n := range c.Nodes[1:] {
					if got := n.Archive("ops"); !slices.Equal(got, all) {
						t.Errorf("%s has another order, or other lines\nmissing %q\ntoo many %q", n.Name, minus(all, got), minus(got, all))
					}
				}
			})
		})
	}
}

// When queues give up on what waited too long, the nodes join anew and tell each other what was missed.
func TestExpiryIsMadeUpFor(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, seed, store.RoomFed{Watch: true, History: "500"}, func(n *fmuctest.Node) { n.Lifetimes.Groupchat = time.Hour })
				c.Flow()
				for _, n := range c.Nodes {
					c.come(n)
				}
				c.Flow()
				for range 4 {
					for range 30 {
						c.step(false, false)
					}
					time.Sleep(time.Duration(c.rnd.IntN(150)) * time.Minute)
				}
				for range 6 { // a node that failed often waits up to half an hour
					time.Sleep(10 * time.Minute)
					c.rest()
				}
				c.checkSets()
				c.checkCrowds()
			})
		})
	}
}

// A queue that is full refuses what is to be told; afterwards everybody sees everybody again.
func TestOverflowIsMadeUpFor(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newChaos(t, seed, store.RoomFed{History: "5"}, func(n *fmuctest.Node) { n.QueueLimits.Entries = 25 })
				for range 200 {
					c.step(true, true)
				}
				for _, n := range c.Nodes {
					if len(c.clients[n]) == 0 {
						c.come(n)
					}
					for len(c.clients[n]) > 3 {
						c.leave(n)
					}
				}
				for range 8 {
					time.Sleep(10 * time.Minute)
					c.rest()
				}
				c.checkCrowds()
			})
		})
	}
}
