package s5066

import (
	"context"
	"sync"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/store"
)

// lanes are both streams of the mapping longwire: the ordinary one, and the express lane for flash and immediate messages between people that fit a frame.
// Each is a longwire with a numbering, names, history, flights and back-off of its own; what they share is the peer, the server and the turn.
//
//	heard -> by the first byte -> ordinary | express         submit -> compose: express first, then ordinary
//	fate  -> by the ticket     -> ordinary | express
//
// A stanza goes on one lane only while no earlier one of its From and To is unconfirmed on the other (paths.go).
type lanes struct {
	p                 *port
	ordinary, express *longwire
	leave             func(...any) // the desk
	dialect           dialect
	near              [2]uint64 // the latest ids that went, and that came, as numbers; guarded by the turn

	mu    sync.Mutex               // guards what follows
	owner map[sis.Ticket]*longwire // of what is under way
	codec CodecStatus
}

var _ mapping = (*lanes)(nil)

func newLanes(p *port) mapping {
	l := &lanes{p: p, owner: map[sis.Ticket]*longwire{}}
	l.ordinary, l.express = newLongwire(p, p.c.Peer), newLongwire(p, custody.Express(p.c.Peer))
	l.ordinary.lanes, l.express.lanes = l, l
	l.express.fast = true
	l.ordinary.user = &custody.User{Numbering: p.c.Peer, Keys: []string{p.c.Peer, custody.Express(p.c.Peer)}}
	l.leave = p.desk.Use(l.ordinary.user)
	l.retune(methods(p.link, p.c))
	return l
}

// other is the lane that w is not.
func (l *lanes) other(w *longwire) *longwire {
	if w.fast {
		return l.ordinary
	}
	return l.express
}

// run opens both and carries stanzas until ctx is done.
func (l *lanes) run(ctx context.Context) error {
	defer l.leave(l.ordinary, l.express)
	defer l.p.desk.Listen(l.ordinary, l.ordinary.pressed)()
	for _, w := range []*longwire{l.ordinary, l.express} {
		if err := w.open(); err != nil {
			return err
		}
	}
	l.p.pair.begin()
	var express sync.WaitGroup
	express.Go(func() { _ = l.express.run(ctx) }) // it ends with ctx only
	express.Go(func() { l.watch(ctx) })
	defer express.Wait()
	return l.ordinary.run(ctx)
}

func (l *lanes) heard(u sis.UnidataIndication) {
	if frame.Express(u.UPDU) {
		l.express.heard(u)
		return
	}
	l.ordinary.heard(u)
}

func (l *lanes) fate(t sis.Ticket, f fate) {
	l.mu.Lock()
	w := l.owner[t]
	delete(l.owner, t)
	l.mu.Unlock()
	if w != nil {
		w.fate(t, f)
	}
}

// owns notes that w waits for the fate of t.
func (l *lanes) owns(w *longwire, t sis.Ticket) {
	l.mu.Lock()
	l.owner[t] = w
	l.mu.Unlock()
}

func (l *lanes) changed(s bindState) {
	l.ordinary.changed(s)
	l.express.changed(s)
}

func (l *lanes) report(s *Status) {
	l.ordinary.report(s)
	l.express.reportExpress(s)
	l.mu.Lock()
	s.Codec = l.codec
	l.mu.Unlock()
}

func (l *lanes) compose(mtu int) *upload {
	if u := l.express.compose(mtu); u != nil {
		return u
	}
	return l.ordinary.compose(mtu)
}

func (l *lanes) notSent(err error) {
	l.express.notSent(err)
	l.ordinary.notSent(err)
}

// reportExpress adds what the express lane has under way.
func (w *longwire) reportExpress(s *Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.snap
	s.Outstanding += n.Outstanding
	s.OnFarNode += n.OnFarNode
	s.Unconfirmed += n.Unconfirmed
	s.FramesOut += n.FramesOut
	s.FramesIn += n.FramesIn
	if n.Heard.After(s.Heard) {
		s.Heard = n.Heard
	}
	if w.owed > 0 && (s.MarkOwed.IsZero() || w.owedFrom.Before(s.MarkOwed)) {
		s.MarkOwed = w.owedFrom
	}
	if s.Fault == "" {
		s.Fault = n.Fault
	}
}

// lane is what events call it.
func (w *longwire) lane() string {
	if w.fast {
		return "express"
	}
	return ""
}

func (w *longwire) event(e links.Event) {
	e.Lane = w.lane()
	w.p.event(e)
}

// watch hands over what is not confirmed on the express lane when this link may not carry it any more, and another may.
func (l *lanes) watch(ctx context.Context) {
	for {
		changed := l.p.way.Changed()
		if l.classes() == 0 && l.p.way.Alternatives() > 0 {
			l.express.turn.Lock()
			err := l.handOver()
			l.express.turn.Unlock()
			if err != nil {
				l.p.log.Error("the express lane is not handed over", "err", err)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// handOver leaves it to whatever carries the ordinary stanzas. The caller holds turn.
func (l *lanes) handOver() error {
	w := l.express
	if c := w.book.State(); c.Sent == c.Acked || !w.holds() {
		return nil
	}
	if err := l.p.desk.HandOver(); err != nil {
		return err
	}
	if err := w.putClaims(store.Custody{}); err != nil {
		return err
	}
	if w.out.leaving != nil {
		w.out.leaving.void = true
	}
	w.out.chain = nil
	w.beginBehind(0)
	l.p.log.Info("what was on the express lane is left to other links")
	return w.reload()
}
