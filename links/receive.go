package links

import (
	"errors"
	"fmt"
	"time"

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

// word takes what changes the streams. The caller holds the turn.
func (k *contact) word(piece Piece, now time.Time) error {
	if k.p.c.Management != Pipelined {
		k.p.log.Warn("peer manages streams, which the link is not configured for", "word", piece.Kind)
		if piece.Kind == Enable || piece.Kind == Resume {
			// XEP-0198 §3: unexpected-request.
			k.answer(Piece{Kind: Failed, Cause: "unexpected-request"}, true)
		}
		return nil
	}
	if err := k.book.mend(); err != nil {
		return err
	}
	switch piece.Kind {
	case Enable:
		return k.enabled(piece)
	case Enabled:
		return k.onEnabled(piece, now)
	case Resume:
		return k.resumed(piece)
	case Resumed:
		return k.onResumed(piece, now)
	case Failed:
		return k.onFailed(piece)
	}
	return nil
}

// answer puts a word on the way. One that nobody waits for goes with the next batch.
func (k *contact) answer(word Piece, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.answers) == 0 && k.owed == 0 {
		k.owedAt = time.Now()
	}
	k.answers = append(k.answers, word)
	k.urgent = k.urgent || now
}

// comes notes that the peer's next stanza on this contact follows number pos of its stream.
func (k *contact) comes(pos uint32) {
	epoch := k.book.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.in, k.inPos, k.epoch, k.ignore = true, pos, epoch, false
}

// enabled: the peer begins a stream. XEP-0198 §3. Between Longwire nodes it is named, so that one whose Enabled was lost
// is known when it comes again.
func (k *contact) enabled(piece Piece) error {
	named := k.p.c.ZeroRTT && piece.ID != ""
	crossing := k.out != silent // we have announced ours, and the peer answers that by itself
	if !named || piece.ID != k.book.state().InID {
		// A peer that does not name its stream counts ours from 1 as well. One that does is told where ours goes on: it then knows what it has of it,
		// or that it has nothing.
		if err := k.strangeStream(piece.ID, named, !named && !crossing); err != nil {
			return err
		}
	}
	if err := k.book.name(); err != nil {
		return err
	}
	k.comes(0)
	word := Piece{Kind: Enabled, ID: k.book.state().OutID, Resumes: true, Max: k.p.c.ResumeMax}
	if !crossing {
		if err := k.follow(&word); err != nil {
			return err
		}
		if word.Seq == 1 {
			word.HasSeq = false
		}
	}
	k.answer(word, !named)
	return nil
}

// strangeStream makes the record that of a peer's stream which is not known.
func (k *contact) strangeStream(id string, named, renumber bool) error {
	if err := k.book.settle(); err != nil {
		return err
	}
	err := k.book.update(func(tx *store.Tx, c *store.Custody) error {
		c.InID, c.Mark = "", 0
		if named {
			c.InID = id
		}
		if renumber {
			return k.book.restart(tx, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if renumber {
		k.book.restarted()
		k.p.dropOthers(k)
	}
	return k.book.settle() // the mark is another one
}

// follow lets our stream follow an answer, from the first number that is not confirmed, if this contact carries it.
func (k *contact) follow(word *Piece) error {
	if !k.p.carries(k) {
		return nil
	}
	k.p.carrier = k
	if err := k.position(false); err != nil {
		return err
	}
	word.Seq, word.HasSeq = k.book.state().Acked+1, k.p.c.ZeroRTT
	return nil
}

// onEnabled: the peer takes our stream.
func (k *contact) onEnabled(piece Piece, now time.Time) error {
	if k.said != Enable {
		k.p.log.Warn("peer answers what was not asked", "word", "enabled")
		return nil
	}
	k.replied(now)
	k.out = answered
	k.mu.Lock()
	spoken := k.in // its stream was announced here already
	k.mu.Unlock()
	c := k.book.state()
	id, pos := piece.ID, uint32(0)
	if piece.HasSeq && k.p.c.ZeroRTT {
		pos = piece.Seq - 1
	}
	// A stream that is new to us, or of which we know less than the peer told before: our record is an old one, and what is missing was taken.
	strange := !spoken && (!k.p.c.ZeroRTT || id != c.InID || int32(pos-c.Mark) > 0)
	if !piece.Resumes {
		id = ""
	}
	if strange || id != c.InID {
		if err := k.book.settle(); err != nil {
			return err
		}
	}
	err := k.book.update(func(tx *store.Tx, c *store.Custody) error {
		c.Confirmed, c.InID = true, id
		if strange {
			c.Mark = pos
		}
		return nil
	})
	if err == nil && strange {
		err = k.book.settle() // the mark is another one
	}
	if err != nil {
		return err
	}
	epoch := k.book.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !spoken && !k.ignore {
		k.in, k.inPos = true, pos
	}
	k.epoch = epoch
	return nil
}

// replied notes that our announcement was answered.
func (k *contact) replied(now time.Time) {
	k.said, k.plain = 0, false
	k.mu.Lock()
	k.saidAt = time.Time{}
	k.mu.Unlock()
}

// resumed: the peer goes on with a stream, and tells how far it took ours. XEP-0198 §5.
func (k *contact) resumed(piece Piece) error {
	c := k.book.state()
	if c.OutID == "" || piece.ID != c.OutID || piece.H-c.Acked > c.Sent-c.Acked {
		k.refuse(Piece{Kind: Failed, Cause: "item-not-found"})
		return nil
	}
	if err := k.confirm(k.book.state().OutID, piece.H, true); err != nil {
		return err
	}
	pos := c.Mark
	if !piece.HasSeq || !k.p.c.ZeroRTT {
		// The peer will go on behind the mark it is told, so none may be added before it does.
		if err := k.book.settle(); err != nil {
			return err
		}
		pos = k.book.state().Mark
	} else {
		pos = piece.Seq - 1
		if behind := c.Mark - pos; behind > 1<<16 { // modulo 2^32: also when pos is beyond the mark
			k.p.log.Warn("peer's numbers leave a gap", "mark", c.Mark, "next", piece.Seq)
			k.refuse(Piece{Kind: Failed, Cause: "item-not-found", H: c.Mark, HasH: true})
			return nil
		}
	}
	k.comes(pos)
	k.p.env.Meter.Add(func(c *meter.Counts) { c.Resumed++ })
	word := Piece{Kind: Resumed, ID: piece.ID}
	if k.out == silent {
		if err := k.follow(&word); err != nil {
			return err
		}
	}
	k.answer(word, !(piece.HasSeq && k.p.c.ZeroRTT))
	return nil
}

// refuse answers Failed. What the peer sent behind its Resume is not counted, as it sends all of it again after Enable.
func (k *contact) refuse(word Piece) {
	k.mu.Lock()
	k.ignore, k.in = true, false
	k.mu.Unlock()
	k.answer(word, true)
}

// onResumed: the peer goes on with ours.
func (k *contact) onResumed(piece Piece, now time.Time) error {
	if k.said != Resume {
		k.p.log.Warn("peer answers what was not asked", "word", "resumed")
		return nil
	}
	k.replied(now)
	if err := k.confirm(k.book.state().OutID, piece.H, true); errors.Is(err, errTooHigh) {
		// The peer knows more than we do, so our record is an old one. Begin anew.
		k.p.log.Warn("peer has taken more than was sent", "h", piece.H)
		return k.anew()
	} else if err != nil {
		return err
	}
	k.p.env.Meter.Add(func(c *meter.Counts) { c.Resumed++ })
	if !k.p.c.ZeroRTT {
		// What it did not take follows now.
		if err := k.position(false); err != nil {
			return err
		}
	}
	k.out = answered
	k.mu.Lock()
	done := k.in || k.ignore
	k.mu.Unlock()
	switch {
	case done:
	case !k.p.c.ZeroRTT:
		k.comes(k.saidH)
	case piece.HasSeq:
		mark := k.book.state().Mark
		if behind := mark - (piece.Seq - 1); behind > 1<<16 {
			return &stream.Error{Condition: stream.UndefinedCondition, Text: fmt.Sprintf("stanzas %d to %d are missing", mark+1, piece.Seq-1)}
		}
		k.comes(piece.Seq - 1)
	}
	return nil
}

// onFailed: the peer does not know our stream, or knows no streams.
func (k *contact) onFailed(piece Piece) error {
	switch k.said {
	case Resume:
		k.replied(time.Now())
		if piece.HasH && !k.p.c.ZeroRTT {
			// XEP-0198 §5: it may still know how far it took it.
			if err := k.confirm(k.book.state().OutID, piece.H, true); err != nil && !errors.Is(err, errTooHigh) {
				return err
			}
		}
		k.p.log.Info("peer does not resume the stream", "cause", piece.Cause)
		return k.anew()
	case Enable:
		k.replied(time.Now())
		k.p.log.Warn("peer refuses stream management", "cause", piece.Cause)
		k.plain, k.out = true, answered
	}
	return nil
}

// anew begins a new stream of ours; the sender announces it.
func (k *contact) anew() error {
	if err := k.position(true); err != nil {
		return err
	}
	k.out = silent
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
	at, id := b.admit(epoch, n, k.over)
	switch at {
	case stale:
		return nil
	case known:
		k.p.env.Meter.Add(func(c *meter.Counts) { c.In.Repeated++ })
		k.owe(now) // so that the peer hears of it, which it has not
		return nil
	case gap:
		return fmt.Errorf("links: stanza %d came, one before it did not", n)
	}
	k.p.env.In(k.p.c.Peer, piece.Stanza, func(tx *store.Tx) error { return b.mark(tx, id, n) }, func(err error) { k.done(n, err) })
	return nil
}

// done is told of the commit of stanza n.
func (k *contact) done(n uint32, err error) {
	var v *Violation
	if errors.As(err, &v) {
		k.misdeed(v)
		err = nil
	}
	k.book.marked(n, err)
	if err != nil {
		// Not taken: the peer keeps it, and sends it again on the next contact.
		k.p.log.Error("stanza of the peer not stored", "err", err)
		k.fail(&stream.Error{Condition: "resource-constraint", Text: "cannot store"})
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
	if errors.Is(err, errTooHigh) {
		c := k.book.state()
		// XEP-0198 §4: h beyond what was sent ends the stream.
		return &stream.Error{Condition: stream.UndefinedCondition,
			App: fmt.Appendf(nil, "<handled-count-too-high xmlns='%s' h='%d' send-count='%d'/>", nsSM, h, c.Sent)}
	}
	return err
}

// confirm takes a confirmation of our numbering id to the flash.
func (k *contact) confirm(id string, h uint32, wait bool) error {
	err := k.book.confirm(id, h, wait, func(gone []store.Entry, err error) {
		if err != nil {
			k.p.log.Error("confirmation of the peer not stored", "err", err)
			k.fail(err)
			return
		}
		now := time.Now()
		for _, e := range gone {
			k.p.env.Trace(Event{Kind: EventConfirmed, At: now, Link: k.p.c.Link, Peer: k.p.c.Peer, Entry: e.ID, Seq: e.Seq})
		}
	})
	if err == nil {
		k.landed(h)
		if !k.p.carries(k) {
			k.p.wakeAll() // the one that does may have waited for this
		}
	}
	return err
}
