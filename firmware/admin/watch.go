package admin

import (
	"context"
	"fmt"
	"time"

	"longwire/links"
)

// QueueEvent is one step in the life of a queued stanza, or of the link that carries it.
//
//	queued     it waits
//	sent       a link has put it on the wire; Again if not for the first time
//	far        the peer's SIS server has it, the peer has not said so yet; over HF
//	confirmed  the peer has taken it: it is gone from the queue
//	gone       expired, cancelled or displaced; its sender was told
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
}

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
	if e.Kind == links.EventUp || e.Kind == links.EventDown {
		return w.emit(out)
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
	q.State = "sent"
	out.Queued = q
	if e.Kind == links.EventConfirmed {
		delete(w.seen, k)
	} else {
		w.seen[k] = q
	}
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
		case old.State == "sent" && q.State == "queued":
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
		what := "gone"
		if q.State == "sent" {
			what = "confirmed" // only a confirmation takes out what is on its way
		}
		if err := w.emit(QueueEvent{Time: at, What: what, Queued: q}); err != nil {
			return err
		}
	}
	return nil
}
