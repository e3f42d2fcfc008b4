package steer

import (
	"context"
	"slices"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/plan"
	"longwire/store"
)

// breath is how long a look at the queue is good for while stanzas come one after the other.
const breath = 50 * time.Millisecond

// course is the choice for one peer.
//
//	queue (Watch), links (Report, Confirmed), clock -> run: look -> chooser -> what the Ways tell -> links
//
// run is one goroutine, and sleeps while nothing changes. A peer with one link, and nothing that forbids it anything, needs no looks.
type course struct {
	helm  *Helm
	peer  string
	queue *store.Queue
	kick  chan struct{} // wakes run; room for one

	mu      sync.Mutex // guards what follows
	plan    plan.Peer
	simple  bool // one link, that may always send everything
	chooser *plan.Chooser
	choice  plan.Choice
	change  chan struct{} // closed and made anew with each change of the choice
	reports map[string]links.Report
	ages    map[plan.Cell]age
}

// age is since when the oldest of a cell waits. It is reckoned by the monotonic clock from when it was first seen.
type age struct {
	entry uint64
	since time.Time
}

func newCourse(h *Helm, peer string) *course {
	return &course{helm: h, peer: peer, queue: h.env.DB.Queue(peer), kick: make(chan struct{}, 1), change: make(chan struct{}),
		chooser: plan.NewChooser(plan.Peer{}, time.Now()), choice: plan.Choice{Carrier: -1}, reports: map[string]links.Report{}, ages: map[plan.Cell]age{}}
}

// configure takes another configuration.
func (c *course) configure(p plan.Peer) {
	c.mu.Lock()
	c.plan = p
	c.simple = len(p.Links) == 1 && len(p.Rules) == 0 && len(p.Links[0].Windows) == 0 && !p.Links[0].EMCON && !p.Links[0].Inbound
	c.chooser.Configure(p, time.Now())
	for link, r := range c.reports {
		c.chooser.Report(link, time.Now(), r.State, r.Fault, r.Until, r.RTT)
	}
	c.mu.Unlock()
	c.look()
}

// wake makes run look.
func (c *course) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// run looks whenever something has changed, until ctx is done.
func (c *course) run(ctx context.Context) {
	wake, stop := c.queue.Watch()
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			if c.still() {
				continue
			}
		case <-c.kick:
		case <-timer.C:
		}
		next := c.look()
		if c.windowed() {
			c.helm.hush()
		}
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(time.Until(next), breath))
		}
		t := time.NewTimer(breath)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// still tells whether what waits in the queue changes nothing.
func (c *course) still() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.simple
}

// look chooses anew, and tells the links. It returns when to look again; zero: when something changes.
func (c *course) look() time.Time {
	now := plan.Now{Time: time.Now()}
	if !c.still() {
		now.Unconfirmed = c.queue.Stats().Sent > 0
		now.Waiting = c.waiting(now.Time)
	}
	c.mu.Lock()
	old, name := c.choice, c.carrierLocked()
	c.choice = c.chooser.Choose(now)
	if c.simple {
		c.choice.Load, c.choice.Express = plan.Everything(), []plan.Load{plan.Everything()}
	}
	if !same(old, c.choice) {
		close(c.change)
		c.change = make(chan struct{})
	}
	next, carrier := c.choice.Look, c.carrierLocked()
	why := c.reasonLocked(name)
	c.mu.Unlock()
	if carrier != name {
		c.helm.env.Log.Info("link chosen", "peer", c.peer, "link", carrier, "before", name, "why", why)
		c.helm.env.Trace(links.Event{Kind: links.EventCarrier, At: now.Time, Link: carrier, Peer: c.peer, Reason: why})
	}
	return next
}

// windowed tells whether a link of the peer transmits by the calendar.
func (c *course) windowed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.plan.Links, func(l plan.Link) bool { return len(l.Windows) > 0 })
}

func (c *course) carrierLocked() string {
	if c.choice.Carrier < 0 {
		return ""
	}
	return c.choice.Links[c.choice.Carrier].Link
}

// reasonLocked is why the link that carried before does no more.
func (c *course) reasonLocked(before string) string {
	for _, v := range c.choice.Links {
		if v.Link == before && !v.May {
			return before + ": " + v.Why
		}
	}
	return "the best that there is"
}

// same tells whether two choices are the same to the links.
func same(a, b plan.Choice) bool {
	if a.Carrier != b.Carrier || a.Load != b.Load || !slices.Equal(a.Express, b.Express) || !slices.Equal(a.Wanted, b.Wanted) || len(a.Links) != len(b.Links) {
		return false
	}
	for i := range a.Links {
		if a.Links[i].Silent != b.Links[i].Silent || a.Links[i].Link != b.Links[i].Link {
			return false
		}
	}
	return true
}

// waiting is what waits. Without rules it does not matter of what class it is.
func (c *course) waiting(now time.Time) (all []plan.Waiting) {
	if st := c.queue.Stats(); st.Entries == st.Sent {
		return nil
	}
	c.mu.Lock()
	cells := plan.Cells()
	if len(c.plan.Rules) == 0 {
		cells = []plan.Cell{{}}
	}
	c.mu.Unlock()
	for _, cell := range cells {
		pick := store.Pick{N: 8, Bytes: 8 << 10, Classes: store.ClassSet(1 << cell.Class), Kinds: store.KindSet(1 << cell.Kind)}
		if cell == (plan.Cell{}) {
			pick = store.Pick{N: 1, Bytes: 1}
		}
		entries, err := c.queue.Pick(pick)
		if err != nil || len(entries) == 0 {
			continue // a store that cannot be read says so elsewhere
		}
		e := entries[0]
		for _, o := range entries {
			if plan.Class(o.Class) == cell.Class && plan.Kind(o.Kind) == cell.Kind {
				e = o
				break
			}
		}
		if cell == (plan.Cell{}) {
			cell = plan.Cell{Class: plan.Class(e.Class), Kind: plan.Kind(e.Kind)}
		}
		all = append(all, plan.Waiting{Cell: cell, Since: c.since(cell, e, now)})
	}
	return all
}

// since is since when an entry waits, by the monotonic clock.
func (c *course) since(cell plan.Cell, e store.Entry, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.ages[cell]
	if !known || a.entry != e.ID {
		a = age{e.ID, now.Add(-max(0, now.Sub(e.Queued)))}
		c.ages[cell] = a
	}
	return a.since
}

// silences notes the links of the peer that must not transmit. A link of several peers is silent for all, or for none.
func (c *course) silences(now time.Time, quiet map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.plan.Links {
		open := l.Windows.Open(now)
		quiet[l.Name] = quiet[l.Name] || l.EMCON || l.Inbound || !open
	}
}

// carrier is the link that carries, and whether it is up.
func (c *course) carrier() (link string, up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if link = c.carrierLocked(); link != "" {
		up = c.choice.Links[c.choice.Carrier].Up
	}
	return link, up
}

// explain is the present choice.
func (c *course) explain() (plan.Peer, plan.Choice, bool) {
	c.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plan, c.choice, len(c.plan.Links) > 0
}
