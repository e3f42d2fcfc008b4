package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/links"
	"longwire/store"
	"longwire/xmpp/delivery"
)

// QueueEvent is one step in the life of a queued stanza, or of the link that carries it.
//
//	queued     it waits
//	sent       a link has put it on the wire; Again if not for the first time
//	far        the peer's SIS server has it, the peer has not said so yet; over HF
//	confirmed  the peer has taken it: it is gone from the queue
//	delivered  the recipient's client has said so
//	gone       expired, cancelled or displaced; State and Why tell; its sender was told
//	back       what was sent is to be sent anew, under a new number
//	up, down   of the link; only Link and Reason are set
type QueueEvent struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
	Queued
	Link   string `json:"link,omitempty"`
	Wire   int    `json:"wire,omitempty"`   // sent: bytes on the wire, its share of what went out together
	Batch  int    `json:"batch,omitempty"`  // sent: how many stanzas that were
	Again  bool   `json:"again,omitempty"`  // sent: not for the first time
	Reason string `json:"reason,omitempty"` // down
}

// watchEvery is how often the queues are looked at for what no link tells of.
const watchEvery = 500 * time.Millisecond

// watchBuffer is how many steps may wait for a slow reader; what is beyond shows at the next look at the queue.
const watchBuffer = 1024

// watch is what one watcher has seen.
type watch struct {
	a    *Admin
	peer string
	emit func(QueueEvent) error
	seen map[watchKey]Queued
	left []Queued // those that the peer has taken last, whose clients may tell yet
}

// watchLeft is how many of those are followed.
const watchLeft = 64

type watchKey struct {
	peer string
	id   uint64
}

// WatchQueue reports what is in the queues of a peer ("": of all), then each change, until ctx is done or emit fails.
func (a *Admin) WatchQueue(ctx context.Context, peer string, emit func(QueueEvent) error) error {
	if a.node == nil {
		return fmt.Errorf("admin: watching: %w, so nothing moves", ErrNotRunning)
	}
	only := peer
	if peer != "" {
		names, err := a.queues(a.node.Store(), peer)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			only = names[0]
		}
	}
	steps := make(chan links.Event, watchBuffer)
	stop := a.node.Watch(func(e links.Event) {
		if only != "" && e.Peer != only {
			return
		}
		switch e.Kind {
		case links.EventReceived, links.EventDuplicate, links.EventRejected:
			return // no steps of an entry
		}
		select {
		case steps <- e:
		default:
		}
	})
	defer stop()
	w := &watch{a: a, peer: peer, emit: emit, seen: make(map[watchKey]Queued)}
	if err := w.look(time.Now()); err != nil {
		return err
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case e := <-steps:
			err = w.step(e)
		case <-tick.C:
			err = w.look(time.Now())
		}
		if err != nil {
			return err
		}
	}
}

// step reports what a link told.
func (w *watch) step(e links.Event) error {
	out := QueueEvent{Time: e.At, What: string(e.Kind), Link: e.Link, Wire: e.Wire, Batch: e.Batch, Again: e.Again, Reason: e.Reason}
	out.Queued.Peer = e.Peer
	switch e.Kind {
	case links.EventUp, links.EventDown:
		return w.emit(out)
	case links.EventSent, links.EventOnFarNode, links.EventConfirmed:
	default:
		return nil // of what comes in
	}
	k := watchKey{e.Peer, e.Entry}
	if _, ok := w.seen[k]; !ok {
		// It was queued since the last look.
		if err := w.find(e.At); err != nil {
			return err
		}
	}
	q, ok := w.seen[k]
	if !ok {
		return nil // and is gone already
	}
	q.Position, q.Why, q.Changed = 0, "", e.At
	switch e.Kind {
	case links.EventConfirmed:
		q.State, q.Forecast = string(delivery.AtPeer), nil
		delete(w.seen, k)
		w.left = append(w.left, q)
		w.left = w.left[max(0, len(w.left)-watchLeft):]
	case links.EventOnFarNode:
		q.State = string(delivery.AtRadio)
		w.seen[k] = q
	default:
		q.State = string(delivery.OnAir)
		w.seen[k] = q
	}
	out.Queued = q
	return w.emit(out)
}

// find reports entries that are new.
func (w *watch) find(at time.Time) error {
	list, err := w.a.Queue(w.peer)
	if err != nil {
		return err
	}
	for _, q := range list {
		k := watchKey{q.Peer, q.ID}
		if _, ok := w.seen[k]; ok {
			continue
		}
		w.seen[k] = q
		if err := w.emit(QueueEvent{Time: at, What: "queued", Queued: q}); err != nil {
			return err
		}
	}
	return nil
}

// look compares the queues with what was seen.
func (w *watch) look(at time.Time) error {
	list, err := w.a.Queue(w.peer)
	if err != nil {
		return err
	}
	still := make(map[watchKey]bool, len(list))
	for _, q := range list {
		k := watchKey{q.Peer, q.ID}
		still[k] = true
		old, known := w.seen[k]
		w.seen[k] = q
		switch {
		case !known:
			err = w.emit(QueueEvent{Time: at, What: "queued", Queued: q})
		case old.away() && !q.away():
			err = w.emit(QueueEvent{Time: at, What: "back", Queued: q})
		}
		if err != nil {
			return err
		}
	}
	for k, q := range w.seen {
		if still[k] {
			continue
		}
		delete(w.seen, k)
		if err := w.ended(at, q); err != nil {
			return err
		}
	}
	return w.delivered(at)
}

// ended reports what left the queue without a word of the link.
func (w *watch) ended(at time.Time, q Queued) error {
	what := "gone"
	m, err := w.a.node.Truth().State(q.Peer, q.ID)
	switch {
	case err == nil:
		if m.State == delivery.AtPeer || m.State == delivery.Delivered {
			what = "confirmed"
		}
		q = queued(m)
	case !errors.Is(err, store.ErrNotFound):
		return err
	case q.away():
		what = "confirmed" // only a confirmation takes out what is on its way
	}
	if what == "confirmed" && q.State == string(delivery.AtPeer) {
		w.left = append(w.left, q)
		w.left = w.left[max(0, len(w.left)-watchLeft):]
	}
	return w.emit(QueueEvent{Time: at, What: what, Queued: q})
}

// delivered reports which of those that the peer took last are with their recipients' clients.
func (w *watch) delivered(at time.Time) error {
	var still []Queued
	for _, q := range w.left {
		m, err := w.a.node.Truth().State(q.Peer, q.ID)
		switch {
		case errors.Is(err, store.ErrNotFound): // nobody remembers it
		case err != nil:
			return err
		case m.State == delivery.Delivered:
			err = w.emit(QueueEvent{Time: at, What: "delivered", Queued: queued(m)})
		case m.State.Over():
			err = w.emit(QueueEvent{Time: at, What: "gone", Queued: queued(m)})
		default:
			still = append(still, q)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	w.left = still
	return nil
}
