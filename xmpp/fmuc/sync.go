package fmuc

import (
	"slices"
	"strconv"

	"longwire/store"
	"longwire/xmpp/fmuc/crowd"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// syncOf is the <s/> from a room of our kind, nil if there is none, or none that can be read.
func syncOf(m Mark, from jid.JID) *Sync {
	e := m.Child(nsLines, "s")
	if e == nil || m.Reject || m.Left {
		return nil
	}
	s, err := ParseSync(e, from.Domain())
	if err != nil {
		return nil
	}
	return &s
}

// synced takes what a room of our kind says as a room: a digest, or in a message what will not come.
func (r *room) synced(t *router.Turn, mr *muc.Room, p *peer, ps Peer, st *stanza.Stanza, m Mark, s *Sync) error {
	if st.Kind == stanza.Message {
		if p == nil || !p.kin() || !p.open() {
			return nil
		}
		return r.forgone(t, p, s.Gone)
	}
	if p == nil || !p.rec.Up && !p.open() {
		var err error
		if p, err = r.greet(t, mr, ps, p, st.From.Bare(), m, s); err != nil || p == nil {
			return err
		}
	}
	if !p.open() { // on its way to a room that has left, and did not know yet to whom
		if p.rec.Up && p.state() == Leaving && !p.kin() {
			if err := p.becomeKin(t, nil); err != nil {
				return err
			}
			if err := p.step(t, LeftSeen); err != nil {
				return err
			}
			return r.drive(t, mr)
		}
		return nil
	}
	if err := p.becomeKin(t, p.ours(mr.Next(t))); err != nil {
		return err
	}
	if s.Crowd != nil {
		if err := r.crowded(t, mr, p, s.Crowd); err != nil || r.find(p.jid) != p {
			return err
		}
	}
	return r.compare(t, mr, p, s)
}

// crowded takes what a peer says of its occupants.
func (r *room) crowded(t *router.Turn, mr *muc.Room, p *peer, d *crowd.Digest) error {
	_, changes := p.theirs().Apply(*d)
	left := slices.ContainsFunc(changes, func(c crowd.Change) bool { return c.Op == crowd.Leave })
	err := r.together(t, mr, func() error {
		if err := r.came(t, mr, p, changes); err != nil {
			return err
		}
		return r.went(t, mr, p, changes)
	})
	if err != nil || !left {
		return err
	}
	return r.lastLeft(t, mr, p)
}

func (r *room) came(t *router.Turn, mr *muc.Room, p *peer, changes []crowd.Change) error {
	for _, c := range changes {
		if c.Op == crowd.Leave {
			continue
		}
		if real, ok := r.realOf(t, mr, p, &c); ok {
			affiliation, role := c.Standing()
			if err := r.seen(t, mr, p, c.Nick, real, Item{Affiliation: affiliation, Role: role}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *room) went(t *router.Turn, mr *muc.Room, p *peer, changes []crowd.Change) error {
	for _, c := range changes {
		if c.Op != crowd.Leave {
			continue
		}
		cause := muc.Cause{Reason: clip(c.Reason, maxReason)}
		if n, err := strconv.Atoi(c.Code); err == nil && (n == codeBanned || n == codeKicked) {
			cause.Codes = []int{n}
		}
		if err := r.takeOut(t, mr, p, c.Nick, cause); err != nil {
			return err
		}
	}
	return nil
}

// realOf is the real JID of who came or changed; false when that cannot be.
func (r *room) realOf(t *router.Turn, mr *muc.Room, p *peer, c *crowd.Change) (jid.JID, bool) {
	real, err := jid.Parse(c.JID)
	if err != nil || at(r.jid, c.Nick).Resource() != c.Nick {
		return real, false
	}
	for _, nick := range []string{c.Was, c.Nick} {
		if o := p.occ[nick]; o != nil {
			if was, err := jid.Parse(o.Real); err == nil && was.Bare() == real {
				return was, true // it was known in full
			}
		}
	}
	// Spec 6.8: one of ours, told back, or one that came by another way, so that the rooms form a circle.
	if elsewhere(mr.Next(t), p.jid, real) != nil {
		r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Loops++ })
		return real, false
	}
	return real, true
}

// compare takes what a peer says of lines: it gets what it lacks, and is told what we lack.
func (r *room) compare(t *router.Turn, mr *muc.Room, p *peer, s *Sync) error {
	if s.Have == nil && !s.Wants {
		return nil
	}
	var need need
	var spans []lines.Span
	k := p.kinship
	clear := true
	if s.Have != nil {
		d := r.numbers.known.Compare(*s.Have)
		spans = d.Send
		k.rec.Want = lines.Said{Pairs: d.Want}.String()
		k.greeted = true // with our answer both know what they lack
		if need = answer; d.Unclear {
			need = ask | whole // its answer says what it lacks, and with it comes what we lack
			clear = s.Wants
		} else if !s.Wants {
			k.rec.Asked = false // it asks itself, so a question of ours may be lost; the answer says the same
		}
	}
	if s.Wants {
		k.rec.Asked = false
		for _, w := range s.Want {
			spans = append(spans, lines.Span{Origin: w.Origin, After: w.N - 1})
		}
		if s.Have == nil && k.rec.Behind {
			// It speaks of what we had when we asked; what was held back since comes on top.
			held, err := p.heldBack(t)
			if err != nil {
				return err
			}
			spans = append(spans, held...)
		}
	}
	strange := !k.rec.Met
	k.rec.Met = true
	if clear {
		k.rec.Behind, k.rec.Held = false, 0
	} else if k.rec.Behind {
		spans = nil // they come with all else, when it has answered
	}
	if s.Sum != "" {
		right, err := p.believes(t, s.Sum)
		if err != nil {
			return err
		}
		if !right {
			k.ledger.Lose()
		}
	}
	if err := p.setKin(t, k); err != nil {
		return err
	}
	if p.rec.Up {
		if err := r.answered(t, mr, p); err != nil {
			return err
		}
	}
	if err := p.resend(t, mr, spans, s.Most); err != nil {
		return err
	}
	if need == 0 && k.ledger.Told != nil {
		return nil
	}
	if strange && need != 0 {
		need |= meet
	}
	if err := p.digest(t, mr, need); err != nil || !strange || p.rec.Up || len(mr.Next(t).Config.Subject) == 0 {
		return err
	}
	// Later ones are lines; this one may be older than all that is told.
	return p.route(t, r.subject(mr.Next(t), p))
}

// believes tells whether the peer may hold the crowd that the sum stands for: the one it was told, or while a digest is under way, the one
// before that.
func (p *peer) believes(t *router.Turn, sum string) (bool, error) {
	l := p.kinship.ledger
	if l.Told == nil || l.Told.Sum() == sum {
		return l.Told != nil, nil
	}
	q := p.queue()
	if q == nil || !slices.ContainsFunc(l.Had, func(c crowd.Crowd) bool { return c.Sum() == sum }) {
		return false, nil
	}
	from, to, under := p.room.jid.String(), p.jid.String(), false
	err := q.Each(t.Tx, func(e store.Entry) (bool, error) {
		under = e.From == from && e.To == to && e.Coalesce
		return !under, nil
	})
	return under, err
}

// forgone takes the numbers of lines that will never come, of the youngest origins first.
func (r *room) forgone(t *router.Turn, p *peer, gone []lines.Pair) error {
	for _, g := range slices.Backward(gone) {
		if r.numbers.place(lines.Number{Origin: g.Origin, N: g.N, Hole: true}) == lines.Before ||
			!r.numbers.brings(t, p.jid.Domain(), g.Origin, maxBroughtGone) {
			continue
		}
		if err := r.have(t, g.Origin, g.N); err != nil {
			return err
		}
	}
	return nil
}
