package links

import (
	"errors"
	"fmt"
	"time"

	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/stream"
)

// maxMisdeeds is how many stanzas of a contact may break the rules of addressing before the contact is given up. Each is dropped
// anyway; on a link where connections are dear, one is no reason to close.
const maxMisdeeds = 8

const nsSM = "urn:xmpp:sm:3"

// receive is the receiver: it owns the read side. It returns why nothing more comes.
func (k *contact) receive() error {
	for {
		piece, err := k.s.Recv()
		if err != nil {
			if k.parted() {
				return k.parting()
			}
			return err
		}
		now := time.Now()
		k.mu.Lock()
		k.heard = now
		k.mu.Unlock()
		k.spoken.Store(true)
		k.p.env.Meter.Add(func(c *meter.Counts) { c.In.Raw += uint64(piece.Raw); c.In.Wire += uint64(piece.Wire) })
		if err := k.handle(piece, now); err != nil {
			return err
		}
	}
}

func (k *contact) handle(piece Piece, now time.Time) error {
	switch piece.Kind {
	case Stanza:
		return k.take(piece, now)
	case Request:
		k.mu.Lock()
		k.question = k.question || k.in && !k.ignore
		k.mu.Unlock()
	case Bye:
		k.mu.Lock()
		k.goodbye = true
		k.mu.Unlock()
	case Ack:
		if err := k.acked(piece.H, now); err != nil {
			return err
		}
	default:
		k.p.turn.Lock()
		err := k.word(piece, now)
		k.p.turn.Unlock()
		if err != nil {
			return err
		}
	}
	k.wake()
	return nil
}

// take counts a stanza and hands it in, if it is a new one.
func (k *contact) take(piece Piece, now time.Time) error {
	k.mu.Lock()
	k.lastAny = now
	if k.in {
		k.inPos++
	}
	in, ignore, n, epoch := k.in, k.ignore, k.inPos, k.epoch
	k.mu.Unlock()
	k.p.env.Meter.Add(func(c *meter.Counts) { c.In.Stanzas++ })
	if ignore {
		return nil
	}
	if !in {
		return k.takePlain(piece)
	}
	b := k.book
	b.Handing.Lock() // from number to Inbound in one step: another contact may bring the one behind it
	defer b.Handing.Unlock()
	at, id := b.Admit(epoch, n, k.over)
	switch at {
	case custody.Stale:
		return nil
	case custody.Known:
		k.tell(EventDuplicate, piece, now)
		k.p.env.Meter.Add(func(c *meter.Counts) { c.In.Repeated++ })
		k.owe(now) // so that the peer hears of it, which it has not
		return nil
	case custody.Gap:
		return fmt.Errorf("links: stanza %d came, one before it did not", n)
	}
	s, again, mark := Once(b, piece.Stanza, id, n)
	if piece.Stanza = s; again {
		k.tell(EventDuplicate, piece, now)
		k.p.env.DB.Submit(mark, func(err error) { k.done(n, err) })
		return nil
	}
	k.tell(EventReceived, piece, now)
	k.p.env.In(k.p.c.Peer, s, mark, func(err error) { k.done(n, err) })
	return nil
}

// tell traces what came.
func (k *contact) tell(what EventKind, piece Piece, now time.Time) {
	k.p.env.Trace(Event{Kind: what, At: now, Link: k.p.c.Link, Peer: k.p.c.Peer, Stanza: piece.Stanza,
		Raw: piece.Raw, Folded: piece.Raw, Compressed: piece.Wire, Wire: piece.Wire, Air: k.p.line().Air(piece.Wire)})
}

// done is told of the commit of stanza n.
func (k *contact) done(n uint32, err error) {
	var v *Violation
	if errors.As(err, &v) {
		k.misdeed(v)
		err = nil
	}
	k.book.Marked(n, err)
	if err != nil {
		// Not taken: the peer keeps it, and sends it again on the next contact.
		k.p.log.Error("stanza of the peer not stored", "err", err)
		k.p.failAll(k.book, &stream.Error{Condition: "resource-constraint", Text: "cannot store"})
		return
	}
	k.owe(time.Now())
}

// misdeed counts a stanza that the peer may not send.
func (k *contact) misdeed(v *Violation) {
	k.p.env.Meter.Add(func(c *meter.Counts) { c.Violation++ })
	k.mu.Lock()
	k.misdeeds++
	enough := k.misdeeds >= maxMisdeeds
	k.mu.Unlock()
	if enough {
		k.fail(&stream.Error{Condition: v.Condition})
	}
}

// owe notes a stanza that the peer is to be told of.
func (k *contact) owe(now time.Time) {
	k.mu.Lock()
	if k.owed == 0 && len(k.answers) == 0 {
		k.owedAt = now
	}
	k.owed++
	look := k.owed == 1 || k.owed >= k.p.c.AckEvery || k.question
	k.mu.Unlock()
	if look {
		k.wake()
	}
}

// takePlain hands a stanza in that is not counted: the peer does not manage streams.
func (k *contact) takePlain(piece Piece) error {
	k.p.turn.Lock()
	if k.out == silent {
		k.plain = true // and would not understand our announcement either
	}
	k.p.turn.Unlock()
	select {
	case k.plainFlight <- struct{}{}:
	case <-k.over:
		return nil
	}
	k.tell(EventReceived, piece, time.Now())
	k.p.env.In(k.p.c.Peer, piece.Stanza, func(*store.Tx) error { return nil }, func(err error) {
		<-k.plainFlight
		var v *Violation
		if errors.As(err, &v) {
			k.misdeed(v)
		} else if err != nil {
			k.p.log.Error("stanza of the peer not stored, and the peer does not keep it", "err", err)
			k.fail(&stream.Error{Condition: "resource-constraint", Text: "cannot store"})
		}
	})
	return nil
}

// acked: the peer has taken our stanzas up to h.
func (k *contact) acked(h uint32, now time.Time) error {
	k.mu.Lock()
	if !k.asked.IsZero() {
		if int32(h-k.askedSeq) >= 0 {
			k.p.measured(now.Sub(k.asked))
		}
		k.asked = time.Time{}
	}
	id := k.outID
	k.mu.Unlock()
	if id == "" {
		return nil // nothing of ours was counted here
	}
	err := k.confirm(id, h, false)
	if errors.Is(err, custody.ErrTooHigh) {
		c := k.book.State()
		// XEP-0198 §4: h beyond what was sent ends the stream.
		return &stream.Error{Condition: stream.UndefinedCondition,
			App: fmt.Appendf(nil, "<handled-count-too-high xmlns='%s' h='%d' send-count='%d'/>", nsSM, h, c.Sent)}
	}
	return err
}

// replies takes a confirmation for the answer to our question, whatever word brought it: the peer gives no other when it has just said so.
func (k *contact) replies(h uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.asked.IsZero() && int32(h-k.askedSeq) >= 0 {
		k.asked = time.Time{}
	}
}

// confirm takes a confirmation of our numbering id to the flash.
func (k *contact) confirm(id string, h uint32, wait bool) error {
	k.p.env.Way.Confirmed(time.Now())
	err := k.book.Confirm(id, h, wait, func(gone []store.Entry, err error) {
		if err != nil {
			k.p.log.Error("confirmation of the peer not stored", "err", err)
			k.fail(err)
			return
		}
		now := time.Now()
		for _, e := range gone {
			k.p.env.Trace(Event{Kind: EventConfirmed, At: now, Link: k.p.c.Link, Peer: k.p.c.Peer}.Of(e))
		}
	})
	if err == nil {
		k.replies(h)
		k.landed(h)
		if !k.p.carries(k) {
			k.p.wakeAll() // the one that does may have waited for this
			k.p.desk.Confirmed(k.p)
		}
	}
	return err
}
