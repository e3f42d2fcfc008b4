package links

import (
	"fmt"
	"time"

	"longwire/store"
)

// announce says which stream of ours follows, if it was not said here; nil when it was, or when there is nothing to say yet.
func (k *contact) announce(now time.Time) (*Piece, error) {
	if k.out != silent {
		return nil, nil
	}
	c := k.book.State()
	unconfirmed := c.Sent - c.Acked
	unsent := k.p.unsent()
	resumable := c.Confirmed && c.InID != "" && c.OutID != "" && unconfirmed < 1<<16
	if !k.p.c.ZeroRTT && now.Sub(c.Changed) > k.p.c.ResumeMax {
		resumable = false // Between Longwire nodes a record is good for ever: both ends have it on flash.
	}
	k.mu.Lock()
	heard := k.in || k.plain
	k.mu.Unlock()
	switch {
	case unsent == 0 && unconfirmed == 0 && !(k.book.Untold() && resumable && !heard):
		return nil, nil // silence costs nothing
	case !k.opened && !heard && (unconfirmed > 0 || unsent == 0) && now.Before(k.since.Add(k.courtesy())):
		return nil, nil // what the opener says may spare us the repeats
	case k.plain:
		return nil, k.position(true)
	case resumable:
		return k.resume(now, c)
	}
	return k.enable(now, c)
}

// resume announces that our stream goes on. XEP-0198 §5.
func (k *contact) resume(now time.Time, c store.Custody) (*Piece, error) {
	word := &Piece{Kind: Resume, ID: c.InID}
	if k.p.c.ZeroRTT {
		if err := k.position(false); err != nil {
			return nil, err
		}
		word.Seq, word.HasSeq = c.Acked+1, true
		k.out = announced
	} else {
		k.mu.Lock()
		spoken := k.in
		k.mu.Unlock()
		if !spoken {
			// The peer will go on behind the mark it is told, so none may be added before it does.
			if err := k.book.Settle(); err != nil {
				return nil, err
			}
		}
		k.out = waiting
	}
	k.said, k.saidH = Resume, k.book.State().Mark
	word.H, word.HasH = k.saidH, true
	k.announcedAt(now)
	return word, nil
}

// enable announces our stream from its first number on.
func (k *contact) enable(now time.Time, c store.Custody) (*Piece, error) {
	// Between Longwire nodes an Enable that may have got through is said again as it was: it is known by its name.
	fresh := !k.p.c.ZeroRTT && c.Sent > 0 || c.Acked > 0 || c.Confirmed
	if err := k.position(fresh); err != nil {
		return nil, err
	}
	k.said, k.out = Enable, announced
	k.announcedAt(now)
	word := &Piece{Kind: Enable, Resumes: true}
	if k.p.c.ZeroRTT {
		word.ID = k.book.State().OutID
	}
	return word, nil
}

func (k *contact) announcedAt(now time.Time) {
	k.mu.Lock()
	k.saidAt = now
	k.mu.Unlock()
}

// position makes our stream begin on this contact with what is not confirmed of it, of the present numbering or of a new one.
func (k *contact) position(anew bool) (err error) {
	if anew {
		if err = k.book.Renumber(); err == nil {
			k.p.dropOthers(k)
		}
	} else {
		err = k.book.Name()
	}
	if err != nil {
		return err
	}
	k.out = answered
	c := k.book.State()
	k.mu.Lock()
	k.outID, k.flight, k.size = c.OutID, nil, 0
	k.mu.Unlock()
	k.again, err = k.p.unconfirmed(c)
	return err
}

// unconfirmed are the entries behind the numbers that the peer has not confirmed, without a gap.
func (p *Pump) unconfirmed(c store.Custody) ([]store.Entry, error) {
	if c.Sent == c.Acked {
		return nil, nil
	}
	entries, err := p.queue.Unconfirmed(c.OutID)
	if err != nil {
		return nil, fmt.Errorf("links: reading what %s has not confirmed: %w", p.c.Peer, err)
	}
	var out []store.Entry
	n := c.Acked + 1
	fill := func(end uint32) {
		for ; n != end; n++ {
			out = append(out, store.Entry{Session: c.OutID, Seq: n, Stanza: Filler(p.c.LocalDomain, p.c.PeerDomain)})
		}
	}
	for _, e := range entries {
		if int32(e.Seq-n) < 0 { // confirmed, and the commit is on its way
			continue
		}
		fill(e.Seq)
		out = append(out, p.env.Sieve.Dress(p.c.Peer, p.c.Link, e))
		n++
	}
	fill(c.Sent + 1)
	return out, nil
}

// unsent is how many entries have no number.
func (p *Pump) unsent() int {
	st := p.queue.Stats()
	return st.Entries - st.Sent
}
