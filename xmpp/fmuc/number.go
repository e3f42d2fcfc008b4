package fmuc

import (
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// numbering is what a room knows of the numbers of its lines. It is touched by operations only.
type numbering struct {
	known lines.Vector
	own   lines.Origin // of this process; 0: it has numbered nothing yet
	mine  lines.Origin // the newest of our node's, own or one of a process before
	// after is what an origin follows, of those that follow one: the end of the one that its node had before.
	after map[lines.Origin]lines.Pair
	// stamps are those of the newest lines, by origin, as far as they were taken by this process.
	stamps map[lines.Origin]time.Time
	// brought counts the origins that this process first heard of from a domain.
	brought map[string]int
}

// How many origins a domain may bring while the program runs: so many that all others stay known, whatever it says. Those of lines that
// are gone are fewer, so that there is room for those of lines that come.
const (
	maxBrought     = lines.MaxOrigins * 3 / 4
	maxBroughtGone = lines.MaxOrigins / 2
)

// brings tells whether a domain may tell of an origin, of which it may be the first to tell.
func (n *numbering) brings(t *router.Turn, domain string, o lines.Origin, most int) bool {
	if n.known.Known(o) > 0 {
		return true
	}
	if n.brought[domain] >= most {
		return false
	}
	if n.brought == nil {
		n.brought = make(map[string]int)
	}
	n.brought[domain]++
	t.Tx.OnUndo(func() { n.brought[domain]-- })
	return true
}

// loadNumbers reads how far the room has each origin's lines.
func (r *room) loadNumbers(tx *store.Tx) error {
	return tx.FedCounts(r.jid.String(), func(c store.FedCount) error {
		o, err := lines.ParseOrigin(c.Origin)
		switch {
		case err != nil:
		case c.N == 0:
			r.numbers.known.Forget(o)
		default:
			r.numbers.known.Set(o, c.N, c.At)
			if c.Own {
				r.numbers.mine = o
			}
			if p, err := lines.ParsePair(c.After); err == nil {
				r.numbers.follow(o, p)
			}
		}
		return nil
	})
}

// follow notes what an origin follows.
func (n *numbering) follow(o lines.Origin, p lines.Pair) {
	if n.after == nil {
		n.after = make(map[lines.Origin]lines.Pair)
	}
	n.after[o] = p
}

// follows notes what the line says of its origin.
func (n *numbering) follows(t *router.Turn, l lines.Number) {
	if _, noted := n.after[l.Origin]; noted || l.After.N == 0 {
		return
	}
	n.follow(l.Origin, l.After)
	t.Tx.OnUndo(func() { delete(n.after, l.Origin) })
}

// first completes the number of an origin's first line with what that follows. A peer that lacks the end of that asks for it; so nothing is
// named that is not here, or known here to be gone.
func (n *numbering) first(l lines.Number) lines.Number {
	if p := n.after[l.Origin]; l.N == 1 && !l.Hole && p.N <= n.known.Known(p.Origin) {
		l.After = p
	}
	return l
}

// count is the record of an origin.
func (n *numbering) count(o lines.Origin) store.FedCount {
	c := store.FedCount{Origin: o.String(), N: n.known.Known(o), At: n.known.At(o), Own: o == n.mine}
	if p := n.after[o]; p.N != 0 {
		c.After = p.String()
	}
	return c
}

// place tells where a line with that number stands. Nobody but this process has new ones under its own name.
func (n *numbering) place(of lines.Number) lines.Place {
	if of.Origin == n.own {
		return lines.Before
	}
	return n.known.Place(of)
}

// have notes that the room has all lines of an origin up to n, or will never get them.
func (r *room) have(t *router.Turn, o lines.Origin, n uint64) error {
	v := &r.numbers.known
	old, at := v.Known(o), v.At(o)
	if n <= old {
		return nil
	}
	now := time.Now()
	v.Set(o, n, now)
	t.Tx.OnUndo(func() { v.Set(o, old, at) })
	if err := t.Tx.PutFedCount(r.jid.String(), r.numbers.count(o)); err != nil {
		return err
	}
	if old == 0 && v.Over() != 0 {
		return r.forget(t, v.Over())
	}
	return nil
}

// forget puts all origins up to one behind the horizon.
func (r *room) forget(t *router.Turn, upTo lines.Origin) error {
	v := &r.numbers.known
	last := v.Horizon()
	gone, undo := v.Forget(upTo)
	t.Tx.OnUndo(undo)
	name := r.jid.String()
	for _, o := range append(gone, last) {
		if o == 0 {
			continue
		}
		if err := t.Tx.DeleteFedCount(name, o.String()); err != nil {
			return err
		}
		if at, ok := r.numbers.stamps[o]; ok {
			delete(r.numbers.stamps, o)
			t.Tx.OnUndo(func() { r.numbers.stamps[o] = at })
		}
		if p, ok := r.numbers.after[o]; ok {
			delete(r.numbers.after, o)
			t.Tx.OnUndo(func() { r.numbers.after[o] = p })
		}
	}
	return t.Tx.PutFedCount(name, store.FedCount{Origin: upTo.String(), At: time.Now()})
}

// number gives a line its number, as the node of its author, or the one at which it became one of ours.
func (r *room) number(t *router.Turn, l *muc.Line) error {
	n := &r.numbers
	if n.own == 0 {
		if err := r.begin(t); err != nil {
			return err
		}
	}
	return r.take(t, l, lines.Number{Origin: n.own, N: n.known.Known(n.own) + 1})
}

// begin makes the origin of this process. It follows that of the process before.
func (r *room) begin(t *router.Turn) error {
	n := &r.numbers
	was := n.mine
	n.own = n.known.NewOrigin(time.Now())
	n.mine = n.own
	t.Tx.OnUndo(func() { n.own, n.mine = 0, was })
	last := n.known.Known(was)
	if last == 0 {
		return nil
	}
	n.follows(t, lines.Number{Origin: n.own, After: lines.Pair{Origin: was, N: last}})
	return t.Tx.PutFedCount(r.jid.String(), n.count(was))
}

// take notes that the room has the line that is the next of its origin.
func (r *room) take(t *router.Turn, l *muc.Line, n lines.Number) error {
	l.Origin, l.Seq = n.Origin.String(), n.N
	r.stamp(t, l, n.Origin)
	r.numbers.follows(t, n)
	return r.have(t, n.Origin, n.N)
}

// stamp sees that an origin's lines are in order by time, too. Links stamp what has waited long, and the rest counts as said when it comes;
// so the times of two lines may cross by a minute.
func (r *room) stamp(t *router.Turn, l *muc.Line, o lines.Origin) {
	if l.Stamp.IsZero() {
		l.Stamp = time.Now()
	}
	old, known := r.numbers.stamps[o]
	if known && l.Stamp.Before(old) {
		l.Stamp = old
		return
	}
	if r.numbers.stamps == nil {
		r.numbers.stamps = make(map[lines.Origin]time.Time)
	}
	r.numbers.stamps[o] = l.Stamp
	t.Tx.OnUndo(func() {
		if delete(r.numbers.stamps, o); known {
			r.numbers.stamps[o] = old
		}
	})
}
