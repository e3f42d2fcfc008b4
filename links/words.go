package links

import (
	"errors"
	"time"

	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
)

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
	if err := k.book.Mend(); err != nil {
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
	epoch := k.book.Epoch()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.in, k.inPos, k.epoch, k.ignore = true, pos, epoch, false
}

// enabled: the peer begins a stream. XEP-0198 §3. Between Longwire nodes it is named, so that one whose Enabled was lost
// is known when it comes again.
func (k *contact) enabled(piece Piece) error {
	named := k.p.c.ZeroRTT && piece.ID != ""
	crossing := k.out != silent // we have announced ours, and the peer answers that by itself
	if !named || piece.ID != k.book.State().InID {
		// A peer that does not name its stream counts ours from 1 as well. One that does is told where ours goes on: it then knows what it has of it,
		// or that it has nothing.
		if err := k.strangeStream(piece.ID, named, !named && !crossing); err != nil {
			return err
		}
	}
	if err := k.book.Name(); err != nil {
		return err
	}
	k.comes(0)
	word := Piece{Kind: Enabled, ID: k.book.State().OutID, Resumes: true, Max: k.p.c.ResumeMax}
	if !crossing {
		if err := k.follow(&word); err != nil {
			return err
		}
		if word.Seq == 1 && !k.spokeBefore {
			word.HasSeq = false
		}
	}
	k.answer(word, !named)
	return nil
}

// strangeStream makes the record that of a peer's stream which is not known.
func (k *contact) strangeStream(id string, named, renumber bool) error {
	if err := k.book.Settle(); err != nil {
		return err
	}
	err := k.book.Update(func(tx *store.Tx, c *store.Custody) error {
		if named && c.InID != "" {
			if err := tx.PutCustody(custody.Was(k.p.c.Peer), store.Custody{InID: c.InID, Mark: c.Mark}); err != nil {
				return err
			}
		}
		c.InID, c.Mark = "", 0
		if named {
			c.InID = id
		}
		if renumber {
			return k.book.Restart(tx, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if renumber {
		k.book.Restarted()
		k.p.dropOthers(k)
	}
	k.book.Tell(0)
	return k.book.Settle() // the mark is another one
}

// follow lets our stream follow an answer, from the first number that is not confirmed, if this contact carries it.
func (k *contact) follow(word *Piece) error {
	if !k.p.carries(k) {
		return nil
	}
	if ok, err := k.p.takeDesk(); !ok || err != nil {
		return err
	}
	k.p.carrier = k
	if err := k.position(false); err != nil {
		return err
	}
	word.Seq, word.HasSeq = k.book.State().Acked+1, k.p.c.ZeroRTT
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
	c := k.book.State()
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
		if err := k.book.Settle(); err != nil {
			return err
		}
	}
	err := k.book.Update(func(tx *store.Tx, c *store.Custody) error {
		c.Confirmed, c.InID = true, id
		if strange {
			c.Mark = pos
		}
		return nil
	})
	if err == nil && strange {
		k.book.Tell(pos)
		err = k.book.Settle() // the mark is another one
	}
	if err != nil {
		return err
	}
	epoch := k.book.Epoch()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ignore && (!spoken || piece.HasSeq && k.p.c.ZeroRTT) {
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
	c := k.book.State()
	err := custody.ErrTooHigh
	if c.OutID != "" && piece.ID == c.OutID {
		err = k.confirm(c.OutID, piece.H, true)
	}
	if errors.Is(err, custody.ErrTooHigh) {
		k.refuse(Piece{Kind: Failed, Cause: "item-not-found"})
		return nil
	}
	if err != nil {
		return err
	}
	var pos uint32
	if !piece.HasSeq || !k.p.c.ZeroRTT {
		// The peer will go on behind the mark it is told, so none may be added before it does.
		if err := k.book.Settle(); err != nil {
			return err
		}
		pos = k.book.State().Mark
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
	if err := k.confirm(k.announcedID(), piece.H, true); errors.Is(err, custody.ErrTooHigh) {
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
	ignored, spoken := k.ignore, k.in
	k.mu.Unlock()
	switch {
	case ignored, spoken && !(k.p.c.ZeroRTT && piece.HasSeq): // an answer with a number begins the stream anew here, from that
	case !k.p.c.ZeroRTT:
		k.comes(k.saidH)
	case piece.HasSeq:
		return k.goesOn(piece.Seq - 1)
	}
	return nil
}

// goesOn notes that the peer's stream follows number pos. When that is beyond our mark, our record is an old one: what is missing was taken before.
func (k *contact) goesOn(pos uint32) error {
	if mark := k.book.State().Mark; int32(pos-mark) > 0 {
		k.p.log.Warn("peer knows stanzas as taken that are not known here", "mark", mark, "next", pos+1)
		if err := k.book.Settle(); err != nil {
			return err
		}
		err := k.book.Update(func(tx *store.Tx, c *store.Custody) error {
			c.Mark = pos
			return nil
		})
		if err != nil {
			return err
		}
		if err := k.book.Settle(); err != nil {
			return err
		}
	}
	k.comes(pos)
	return nil
}

// onFailed: the peer does not know our stream, or knows no streams.
func (k *contact) onFailed(piece Piece) error {
	switch k.said {
	case Resume:
		k.replied(time.Now())
		if piece.HasH && !k.p.c.ZeroRTT {
			// XEP-0198 §5: it may still know how far it took it.
			if err := k.confirm(k.announcedID(), piece.H, true); err != nil && !errors.Is(err, custody.ErrTooHigh) {
				return err
			}
		}
		if k.announcedID() != k.book.State().OutID {
			k.out = silent // it speaks of a stream of ours that another link has begun anew since
			return nil
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

// announcedID is the numbering that the peer answers to. Another link may have begun a new one since.
func (k *contact) announcedID() string {
	if !k.p.c.ZeroRTT { // no other link has it, and it is not begun anew while there is a contact
		return k.book.State().OutID
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.outID
}

// anew begins a new stream of ours; the sender announces it.
func (k *contact) anew() error {
	if err := k.position(true); err != nil {
		return err
	}
	k.out = silent
	return nil
}
