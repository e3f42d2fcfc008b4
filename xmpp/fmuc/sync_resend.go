package fmuc

import (
	"cmp"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// maxBatch is how many lines are sent again at a time; then the peer is asked how far it got, so that neither its patience nor our queue
// is used up by a long past.
const maxBatch = 200

// due is a line that the peer lacks.
type due struct {
	id    uint64
	stamp time.Time
	n     lines.Number
}

// resend sends the peer what it lacks, in the order in which we have it, at most so many lines if most is not negative.
func (p *peer) resend(t *router.Turn, mr *muc.Room, spans []lines.Span, most int) error {
	if spans = merged(spans); len(spans) == 0 || p.deaf() {
		return nil
	}
	if n := p.lastN(t); n >= 0 && (most < 0 || most > n) {
		most = n
	}
	spans, err := p.underWay(t, spans)
	if err != nil {
		return err
	}
	all, err := p.dues(t, spans)
	if err != nil {
		return err
	}
	all = newest(all, most)
	slices.SortFunc(all, func(a, b due) int { return cmp.Compare(a.id, b.id) })
	batch := p.batch
	if batch == 0 {
		batch = maxBatch
	}
	more := len(all) > batch
	if more {
		all = all[:batch]
	}
	sent := make(map[lines.Origin]uint64, len(spans))
	for _, s := range spans {
		sent[s.Origin] = s.After
	}
	for _, d := range all {
		d.n.Hole = d.n.N != sent[d.n.Origin]+1
		d.n = p.room.numbers.first(d.n)
		if n, ok := sent[d.n.After.Origin]; ok && n < d.n.After.N {
			d.n.After = lines.Pair{} // it will never come
		}
		if err := p.repeat(t, d); err != nil {
			return err
		}
		if p.kinship.rec.Behind { // the queue does not take so many, and all of them were taken back
			p.setBatch(t, max(1, len(all)/2))
			return nil
		}
		sent[d.n.Origin] = d.n.N
	}
	p.room.s.count(t, pair{p.room.jid, p.jid}, func(c *Counters) { c.Healed += len(all) })
	if more {
		return p.pause(t, mr)
	}
	p.setBatch(t, 0)
	return p.forgo(t, spans, sent)
}

// setBatch says how many lines are sent again at a time; 0: maxBatch.
func (p *peer) setBatch(t *router.Turn, n int) {
	old := p.batch
	p.batch = n
	t.Tx.OnUndo(func() { p.batch = old })
}

// heldBack are the lines since the peer fell behind, but for those of its own users.
func (p *peer) heldBack(t *router.Turn) (spans []lines.Span, err error) {
	err = t.Tx.ArchiveScan(p.room.jid.String(), p.kinship.rec.Held, 0, false, func(e store.ArchiveEntry) (bool, error) {
		if o, err := lines.ParseOrigin(e.Origin); err == nil && e.Seq > 0 && !p.said(e.With) {
			spans = append(spans, lines.Span{Origin: o, After: e.Seq - 1})
		}
		return true, nil
	})
	return merged(spans), err
}

// merged has each origin once.
func merged(spans []lines.Span) (all []lines.Span) {
	at := make(map[lines.Origin]int, len(spans))
	for _, s := range spans {
		if i, ok := at[s.Origin]; ok {
			all[i].After = min(all[i].After, s.After)
			continue
		}
		at[s.Origin] = len(all)
		all = append(all, s)
	}
	return all
}

// forgo tells the peer of the lines that will never come, as they are not kept here any more.
func (p *peer) forgo(t *router.Turn, spans []lines.Span, sent map[lines.Origin]uint64) error {
	var gone []lines.Pair
	for _, sp := range spans {
		if n := p.room.numbers.known.Known(sp.Origin); n > sent[sp.Origin] {
			gone = append(gone, lines.Pair{Origin: sp.Origin, N: n})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, func(a, b lines.Pair) int { return cmp.Compare(a.Origin, b.Origin) })
	return p.tellGone(t, gone)
}

// tellGone tells the peer up to which numbers nothing will come. It is a message, so that it keeps its place among the lines.
func (p *peer) tellGone(t *router.Turn, gone []lines.Pair) error {
	s := Sync{Most: -1, Gone: gone}
	m := Mark{Children: []*markup.Element{s.Element(p.room.jid.Domain())}}
	st := &stanza.Stanza{Kind: stanza.Message, From: p.room.jid, To: p.jid, Type: stanza.Groupchat}
	st.SetInner(m.Append(nil))
	return p.route(t, st)
}

// dues are the lines that the archive has of the spans.
func (p *peer) dues(t *router.Turn, spans []lines.Span) (all []due, err error) {
	for _, s := range spans {
		most := p.room.numbers.known.Known(s.Origin)
		err := t.Tx.ArchiveOrigin(p.room.jid.String(), s.Origin.String(), s.After, func(e store.ArchiveEntry) (bool, error) {
			if e.Seq <= most {
				all = append(all, due{e.ID, e.Stamp, lines.Number{Origin: s.Origin, N: e.Seq}})
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// newest leaves the newest lines, at most so many, and of each origin only the last ones.
func newest(all []due, most int) []due {
	if most < 0 || len(all) <= most {
		return all
	}
	slices.SortStableFunc(all, func(a, b due) int { return a.stamp.Compare(b.stamp) })
	cut := len(all) - most
	last := map[lines.Origin]uint64{}
	for _, d := range all[:cut] {
		last[d.n.Origin] = max(last[d.n.Origin], d.n.N)
	}
	return slices.DeleteFunc(all[cut:], func(d due) bool { return d.n.N <= last[d.n.Origin] })
}

// repeat sends one line that was said before.
func (p *peer) repeat(t *router.Turn, d due) error {
	e, err := t.Tx.ArchiveGet(p.room.jid.String(), d.id)
	if err != nil {
		return err
	}
	st, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return p.tellGone(t, []lines.Pair{{Origin: d.n.Origin, N: d.n.N}})
	}
	m := p.lineMark(realOfEntry(e), e.From, d.n)
	b := m.Append(slices.Clone(st.Inner))
	b = Delay{p.room.jid, e.Stamp}.Append(b)
	out := st.Copy()
	out.From, out.To, out.Type = at(p.room.jid, e.From), p.jid, stanza.Groupchat
	out.SetInner(b)
	return p.hand(t, out, d.n)
}

// underWay leaves out of the spans what is in the queue already. If more is missing, what waits there is taken out and sent behind that, so
// that all is in the order in which we have it.
func (p *peer) underWay(t *router.Turn, spans []lines.Span) ([]lines.Span, error) {
	q := p.queue()
	if q == nil {
		return spans, nil
	}
	there, sent := map[lines.Number]bool{}, map[lines.Number]bool{}
	var waiting []lines.Span
	err := p.eachQueued(t, q, func(e store.Entry, n lines.Number) {
		if there[n], sent[n] = true, e.Session != ""; e.Session == "" {
			waiting = append(waiting, lines.Span{Origin: n.Origin, After: n.N - 1})
		}
	})
	if err != nil || len(there) == 0 {
		return spans, err
	}
	switch left := p.lacking(spans, there); {
	case len(left) == 0:
		return nil, nil
	case p.room.forgetful(t): // what waits is all there is
		return left, nil
	}
	spans = merged(append(p.lacking(spans, sent), waiting...))
	return spans, p.recall(t)
}

// lacking is what is left of the spans without the lines that are in a set and follow each other.
func (p *peer) lacking(spans []lines.Span, set map[lines.Number]bool) (left []lines.Span) {
	for _, s := range spans {
		for set[lines.Number{Origin: s.Origin, N: s.After + 1}] {
			s.After++
		}
		if s.After < p.room.numbers.known.Known(s.Origin) {
			left = append(left, s)
		}
	}
	return left
}

// recall takes the unsent lines out of the queue.
func (p *peer) recall(t *router.Turn) error {
	q := p.queue()
	if q == nil {
		return nil
	}
	var ids []uint64
	err := p.eachQueued(t, q, func(e store.Entry, _ lines.Number) {
		if e.Session == "" {
			ids = append(ids, e.ID)
		}
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = q.Done(t.Tx, ids...)
	return err
}

// eachQueued calls fn for each numbered line in the queue from our room to the peer's.
func (p *peer) eachQueued(t *router.Turn, q *store.Queue, fn func(store.Entry, lines.Number)) error {
	to := p.jid.String()
	return q.Each(t.Tx, func(e store.Entry) (bool, error) {
		if e.Kind != store.KindGroupchat || e.To != to {
			return true, nil
		}
		st, err := stream.ParseStanza(e.Stanza)
		if err != nil || st.Kind != stanza.Message || st.From.Bare() != p.room.jid {
			return true, nil
		}
		if m, err := ParseMark(st); err == nil {
			if n, err := lines.ParseNumber(m.Attr("n")); err == nil {
				fn(e, lines.Number{Origin: n.Origin, N: n.N})
			}
		}
		return true, nil
	})
}
