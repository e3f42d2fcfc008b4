package s5066

import (
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/plan"
	"longwire/store"
)

// This file is what the mappings have to do with the other links of their peer.

// tell reports the state of the link to the peer. No lock is held.
func (p *port) tell() {
	s := p.bind.status(p)
	r := links.Report{State: plan.Trying, Fault: s.Fault, Until: s.Until, RTT: s.RTT}
	if s.State == links.Up || s.State == Introducing {
		r.State = plan.Up
	}
	p.way.Report(r)
}

// pick is what the queue has for the link, as far as it may take it. Where several go in one U_PDU, some may ride.
func (p *port) pick(n, bytes int, riders bool) ([]store.Entry, error) {
	pick := store.Pick{N: n, Bytes: bytes, Riders: riders}
	switch load := p.way.May(); {
	case load.None():
		return nil, nil
	case !load.All():
		pick.Classes, pick.Kinds = store.ClassSet(load.Classes), store.KindSet(load.Kinds)
	}
	return p.queue.Pick(pick)
}

// carry tells whether the stanzas of the lane are ours to send, and takes over from another link if they are. The caller holds turn.
func (w *longwire) carry() bool {
	d, o := w.p.desk, &w.out
	ok, err, stretch := true, error(nil), d.Stretch(w, w.fast)
	switch {
	case w.fast && w.lanes.classes() == 0, !w.fast && w.p.way.May().None():
		return false
	case w.fast:
		d.TakeExpress(w)
	default:
		ok, err = d.Take(w, w.user)
	}
	if err == nil && ok && (stretch == 0 || stretch != o.stretch || o.of != w.book.State().OutID) {
		err = w.resume()
	}
	if err != nil {
		w.p.log.Error("the stream cannot be taken over", "err", err)
		o.stuck = time.Now().Add(10 * time.Second)
		return false
	}
	if ok {
		o.stretch = d.Stretch(w, w.fast)
	}
	return ok
}

// resume goes on where another link was, in a new life. What that has sent the peer may have taken, and not from this life, though it was this one that gave it
// its number: that is no sign of an old record.
func (w *longwire) resume() error {
	if err := w.putClaims(store.Custody{}); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	return w.reload()
}

// catchUp takes in what other links have done with our numbers since. The caller holds turn.
func (w *longwire) catchUp() {
	if err := w.refresh(); err != nil {
		w.p.log.Error("what other links have taken is not known", "err", err)
	}
	c, o := w.book.State(), &w.out
	if len(o.items) == 0 {
		return
	}
	if c.OutID != o.of { // begun anew elsewhere: what is unsent has its number no more
		o.items, o.bytes = nil, 0
		for i := range o.flights {
			o.flights[i].void = true
		}
		return
	}
	if !after(o.items[0].seq, c.Acked) {
		w.landed(c.Acked)
	}
}

// refresh takes in what other links have taken of the peer's numbers since. The caller holds turn.
func (w *longwire) refresh() error {
	in := &w.into
	in.taken = w.book.Taken()
	if e := w.book.Epoch(); e != in.epoch {
		in.epoch = e
		id := w.book.State().InID
		if err := w.readLife(id); err != nil {
			return err
		}
		if numbering(in.in) != id { // it has spoken on another link only
			in.in, in.elsewhere = in.life, true
		}
	}
	return nil
}

func (w *rcopMapping) use() {
	w.user = &custody.User{Numbering: w.p.link.Name + " to " + w.p.c.Peer, Keys: []string{w.key}, Yield: w.yields}
	w.leave = w.p.desk.Use(w.user)
}

// carry is as for the other mapping.
func (w *rcopMapping) carry() bool {
	d := w.p.desk
	if w.p.way.May().None() {
		return false
	}
	ok, err := d.Take(w, w.user)
	if err != nil {
		w.stall(err)
		return false
	}
	if ok {
		w.yield = time.Time{}
	}
	return ok
}

// passed is how long a mark may wait that another link may not tell, as the peer asks there. In radio time.
const passed = 10 * time.Second

// pressed is called when another link has taken what it may not confirm, or the peer has confirmed something there.
func (w *longwire) pressed(took bool) {
	if !took {
		w.wake()
		return
	}
	if w.p.way.Silent() {
		return
	}
	w.mu.Lock()
	now := time.Now()
	if w.owed == 0 {
		w.owed, w.owedFrom = 1, now
	}
	if at := now.Add(w.p.radio(passed - w.ackDelay())); at.Before(w.owedAt) || w.owedAt.Before(w.owedFrom) || w.owed == 1 {
		w.owedAt = at
	}
	w.mu.Unlock()
	w.wake()
}

// cares tells whether it was us who took last, so that what is numbered since then is ours.
func (w *longwire) cares() bool { return w.fast && w.p.desk.HasExpress(w) || w.p.desk.Carries(w) }

// holds tells whether what is numbered is ours to look after: no other link has taken over.
func (w *longwire) holds() bool {
	if w.fast {
		return w.p.desk.HoldsExpress(w)
	}
	return w.p.desk.Holds(w)
}

// yieldTime is how long the SIS server may still confirm what it has, when another link is to carry. In radio time.
const yieldTime = 2 * time.Minute

// yields makes unsent what was sent and is not confirmed, when the SIS server has it no more.
func (w *rcopMapping) yields() (bool, error) {
	now := time.Now()
	w.digest(now)
	if w.yield.IsZero() {
		w.yield = now
	}
	over := now.Sub(w.yield) >= w.p.radio(yieldTime)
	done := true
	for _, f := range append([]*rcopFlight(nil), w.out.flights...) {
		switch {
		case f.delivered:
			w.finish(f)
			done = false
		case (f.aloft > 0 || f == w.out.leaving) && !over:
			done = false
		default:
			if err := w.release(f); err != nil {
				return false, err
			}
		}
	}
	return done, nil
}
