package local

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// What is handed to a client at once from the spool; the rest follows when its stream has taken that.
const (
	pageMessages = 100
	pageBytes    = 256 << 10
)

// page is a piece of an account's spool.
type page struct {
	messages []spooled
	after    uint64 // where it begins
	last     uint64 // where the next one does
	more     bool
}

type spooled struct {
	id uint64
	s  *stanza.Stanza
}

// FlushSpool gives r what waited for the account, oldest first, and makes r take messages once it has got all of it: what
// is committed before is in the spool, what is committed after finds r. It needs a transaction.
func (h *Host) FlushSpool(t *router.Turn, r *Resource) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	p, err := readPage(t.Tx, r, 0)
	if err != nil {
		return err
	}
	t.After(func() { h.handPage(r, p, r.catchUp()) })
	return nil
}

var errEnough = errors.New("local: enough was read")

func readPage(tx *store.Tx, r *Resource, after uint64) (p page, err error) {
	most, mostBytes, bytes := pageMessages, pageBytes, 0
	if o, ok := r.out.(Pacer); ok {
		n, size := o.Room()
		most, mostBytes = max(1, min(most, n)), min(mostBytes, size)
	}
	p.after, p.last = after, after
	err = tx.Spool(r.bare.String(), after, func(e store.SpoolEntry) error {
		if p.more = len(p.messages) == most || bytes > 0 && bytes+len(e.Stanza) > mostBytes; p.more {
			return errEnough
		}
		p.last = e.ID
		s, err := late(e, r.full.Domain())
		if err != nil {
			return nil // cannot happen to what we wrote; a damaged entry must not lock the account out
		}
		bytes += len(e.Stanza)
		p.messages = append(p.messages, spooled{e.ID, s})
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return p, err
}

// handPage sends a page, after its commit. round is r's: when r has gone away meanwhile, that was the end of it.
func (h *Host) handPage(r *Resource, p page, round int) {
	a := h.lock(r.bare)
	if a == nil {
		return
	}
	defer a.order.Unlock()
	if h.Resource(r.full) != r || !r.inRound(round) {
		return
	}
	if a.returning.Load() > 0 {
		h.nextPage(r, p.after, round) // once more, with what is being given back
		return
	}
	for _, m := range p.messages {
		if a.claim(m.id, 1) {
			r.out.Send(m.s, m.id)
		}
	}
	if !p.more {
		r.caughtUp(round)
		return
	}
	next := func() { h.nextPage(r, p.last, round) }
	if o, ok := r.out.(Pacer); ok {
		o.Later(next)
	} else {
		next()
	}
}

func (h *Host) nextPage(r *Resource, after uint64, round int) {
	var p page
	h.db.Submit(func(tx *store.Tx) (err error) {
		p, err = readPage(tx, r, after)
		return err
	}, func(err error) {
		if err == nil {
			h.handPage(r, p, round)
		}
	})
}
