package steer

import (
	"time"

	"longwire/links"
	"longwire/links/plan"
)

// way is what one link of a peer is told.
type way struct {
	c    *course
	link string
}

var _ links.Way = (*way)(nil)

// place is where the link stands in the choice; -1: it is not of the peer any more. The caller holds c.mu.
func (w *way) placeLocked() int {
	for i, v := range w.c.choice.Links {
		if v.Link == w.link {
			return i
		}
	}
	return -1
}

func (w *way) May() plan.Load {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if i := w.placeLocked(); i < 0 || i != w.c.choice.Carrier {
		return plan.Load{}
	}
	return w.c.choice.Load
}

func (w *way) Wanted() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	i := w.placeLocked()
	return i >= 0 && w.c.choice.Wanted[i]
}

func (w *way) Express() plan.Load {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if i := w.placeLocked(); i >= 0 {
		return w.c.choice.Express[i]
	}
	return plan.Load{}
}

func (w *way) Silent() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	i := w.placeLocked()
	return i < 0 || w.c.choice.Links[i].Silent
}

func (w *way) Alternatives() time.Duration {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if len(w.c.plan.Links) < 2 {
		return 0
	}
	return w.c.plan.Failover.OrDefault().After
}

func (w *way) Changed() <-chan struct{} {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.c.change
}

func (w *way) Report(r links.Report) {
	w.c.mu.Lock()
	w.c.chooser.Report(w.link, time.Now(), r.State, r.Fault, r.Until, r.RTT)
	r.RTT = 0
	same := w.c.reports[w.link] == r
	w.c.reports[w.link] = r
	w.c.mu.Unlock()
	if !same {
		w.c.wake()
	}
}

func (w *way) Confirmed(at time.Time) {
	w.c.mu.Lock()
	w.c.chooser.Confirmed(w.link, at)
	w.c.mu.Unlock()
}
