package s5066

import (
	"bytes"
	"context"
	"errors"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/stream"
)

// hand gives the peer's stanza n, which took so many bytes of frames, to the node, or counts it as taken if it is none. False means that it is not taken, and what is behind it neither.
func (w *longwire) hand(ctx context.Context, epoch int, n uint32, text []byte, wire int) bool {
	in := &w.into
	w.book.Handing.Lock() // from number to Inbound in one step: another link may bring the one behind it
	defer w.book.Handing.Unlock()
	at, id := w.book.Admit(epoch, n, ctx.Done())
	if at != custody.Next {
		return at == custody.Known
	}
	in.taken = n
	life := in.in
	news := life != in.life
	in.life = life
	commit := func(tx *store.Tx) error { return w.book.Mark(tx, id, n) }
	mark := func(tx *store.Tx) error {
		if err := commit(tx); err != nil || !news {
			return err
		}
		return tx.PutCustody(lifeKey(w.key), store.Custody{InID: life, Changed: time.Now()})
	}
	done := func(err error) { w.done(n, err) }
	// The text is the decoder's.
	s, err := stream.ParseStanza(bytes.Clone(text))
	if err != nil {
		w.p.log.Error("peer sends what is no stanza", "err", err, "number", n)
		w.p.db.Submit(mark, func(err error) {
			if err == nil {
				err = &links.Violation{Condition: "bad-format"}
			}
			done(err)
		})
		return true
	}
	s, again, mark2 := links.Once(w.book, s, id, n)
	if again {
		w.p.came(w.lane(), links.EventDuplicate, s, len(text), wire, w.p.line(w.out.rate, true).Air(wire))
		w.p.db.Submit(mark, done)
		return true
	}
	commit = mark2
	w.p.came(w.lane(), links.EventReceived, s, len(text), wire, w.p.line(w.out.rate, true).Air(wire))
	w.p.in(w.p.c.Peer, s, mark, done)
	return true
}

// done is told of the commit of stanza n.
func (w *longwire) done(n uint32, err error) {
	var v *links.Violation
	if errors.As(err, &v) {
		w.p.meter.Add(func(c *meter.Counts) { c.Violation++ })
		err = nil
	}
	w.book.Marked(n, err)
	if err != nil {
		// Not taken: the peer has it, and asks when it hears nothing.
		w.p.log.Error("stanza of the peer not stored", "err", err)
		w.mu.Lock()
		w.broken = true
		w.mu.Unlock()
		return
	}
	w.owe(1)
}

// owe notes stanzas that the peer is to be told of.
func (w *longwire) owe(n int) {
	w.mu.Lock()
	now := time.Now()
	if w.owed == 0 {
		w.owedFrom = now
	}
	w.owed += n
	w.owedAt = now
	w.mu.Unlock()
	if !w.fast {
		w.p.desk.Pass(w) // others know nothing of the other lane
	}
	select {
	case w.kick <- struct{}{}:
	default:
	}
}
