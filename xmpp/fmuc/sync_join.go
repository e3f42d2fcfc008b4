package fmuc

import (
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/crowd"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// joinKin joins a room that is known to be of our kind, with all who are here.
func (p *peer) joinKin(t *router.Turn, mr *muc.Room, all []*muc.Occupant) error {
	k := p.kinship
	k.ledger.Lose()
	if err := p.setKin(t, k); err != nil {
		return err
	}
	if err := p.nameAll(t, all); err != nil {
		return err
	}
	return p.digest(t, mr, ask|join)
}

// greeting is the <s/> of a join while nobody knows yet whether the peer is of our kind.
func (p *peer) greeting(st *muc.State) *markup.Element {
	s := Sync{Most: -1}
	p.fill(&s, p.needed(ask|join, nil), st)
	s.Sum = ""
	return s.Element(p.room.jid.Domain())
}

// greet takes in a room of our kind that is not federated with ours, if that is what it wants, or says why not.
func (r *room) greet(t *router.Turn, mr *muc.Room, ps Peer, p *peer, from jid.JID, m Mark, s *Sync) (*peer, error) {
	if s.Crowd == nil || !slices.ContainsFunc(s.Crowd.Changes, func(c crowd.Change) bool { return c.Op != crowd.Leave }) {
		if s.Have == nil {
			return nil, nil
		}
		return nil, r.signal(t, from, Mark{Left: true}) // it takes itself for one that has joined
	}
	st := mr.Next(t)
	if why := r.refusal(st, from, jid.JID{}); why != "" {
		return nil, r.reject(t, from, ps, why)
	}
	r.s.count(t, pair{r.jid, from}, func(c *Counters) { c.Joins++ })
	cfg := st.Config.Fed
	if p == nil {
		var err error
		if p, err = r.add(t, store.FedPeer{Peer: from.String()}); err != nil {
			return nil, err
		}
	}
	err := p.put(t, func(rec *store.FedPeer) {
		rec.State, rec.Since, rec.Longwire, rec.Missed = uint8(Joined), time.Now(), true, 0
		rec.Echo = m.Attr("mode") == "pr" || cfg.Node == "" && cfg.Mode == "pr"
	})
	if err != nil {
		return nil, err
	}
	r.note(t, p, "federated")
	k := p.kinship
	k.ledger.Lose()
	if err := p.setKin(t, k); err != nil {
		return nil, err
	}
	return p, p.nameAll(t, st.Occupants())
}

// answerKin answers a first join, which showed that the peer is of our kind.
func (r *room) answerKin(t *router.Turn, mr *muc.Room, p *peer, s *Sync) error {
	if !p.kin() {
		if err := p.put(t, func(rec *store.FedPeer) { rec.Longwire = true }); err != nil {
			return err
		}
	}
	k := p.kinship
	k.ledger.Lose()
	if err := p.setKin(t, k); err != nil {
		return err
	}
	if err := p.nameAll(t, mr.Next(t).Occupants()); err != nil {
		return err
	}
	return r.compare(t, mr, p, s)
}

// nameAll notes all whom the next digest is to tell the peer of.
func (p *peer) nameAll(t *router.Turn, all []*muc.Occupant) error {
	for _, o := range all {
		if !p.concerns(o) {
			continue
		}
		if err := p.noteTold(t, o.Nick, o.Real); err != nil {
			return err
		}
	}
	return nil
}

// takeBehind takes what waits for the peer out of the queue when its join is to be told anew: it would not be heard before that.
func (p *peer) takeBehind(t *router.Turn) (behind []*stanza.Stanza, err error) {
	q := p.queue()
	var ids []uint64
	err = q.Each(t.Tx, func(e store.Entry) (bool, error) {
		if e.Session != "" || e.Coalesce || e.Kind != store.KindGroupchat {
			return true, nil
		}
		st, err := stream.ParseStanza(e.Stanza)
		if err != nil || st.From.Bare() != p.room.jid || st.To.Bare() != p.jid {
			return true, nil
		}
		if _, late := ParseDelay(st); !late && st.Kind == stanza.Message && time.Since(e.Queued) > time.Minute {
			st = st.With(Delay{p.room.jid, e.Queued}.Append(nil))
		}
		ids, behind = append(ids, e.ID), append(behind, st)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	_, err = q.Done(t.Tx, ids...)
	return behind, err
}

// withoutLines takes the lines that come behind out of what is told to be here, so that the answer does not want them.
func withoutLines(said *lines.Said, behind []*stanza.Stanza) {
	if said == nil || said.Rest {
		return
	}
	for _, st := range slices.Backward(behind) {
		m, err := ParseMark(st)
		if err != nil {
			continue
		}
		n, err := lines.ParseNumber(m.Attr("n"))
		if i := slices.IndexFunc(said.Pairs, func(p lines.Pair) bool { return p == lines.Pair{Origin: n.Origin, N: n.N} }); err == nil && i >= 0 {
			if said.Pairs[i].N--; said.Pairs[i].N == 0 {
				said.Pairs = slices.Delete(said.Pairs, i, i+1)
			}
		}
	}
}

// abandon takes what waits for a peer that has left out of the queue.
func (p *peer) abandon(t *router.Turn) error {
	q := p.queue()
	if q == nil {
		return nil
	}
	ids, _, err := p.unsent(t)
	if err != nil {
		return err
	}
	if _, err := q.Done(t.Tx, ids...); err != nil {
		return err
	}
	return p.recall(t)
}
