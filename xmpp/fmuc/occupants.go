package fmuc

import (
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// maxCrowd bounds the occupants that are learned from one peer.
const maxCrowd = 1000

// seen takes an occupant that the peer says is there.
func (r *room) seen(t *router.Turn, mr *muc.Room, p *peer, nick string, real jid.JID, i Item, show []byte) error {
	if p.state() == Joining && p.rec.Asked == real.String() || real.IsZero() {
		return nil // the echo of the join; who it was for may wait still, or have left meanwhile
	}
	if ps, _ := r.s.peer(p.jid.Domain()); p.state() == Joining && p.rec.Lefts > 0 && !ps.Foreign {
		return nil // it belongs to the answer to an earlier join; all are named again in the next one
	}
	if elsewhere(mr.Next(t), p.jid, real) != nil {
		// One of ours, told back; or one that came by another way, so that the rooms form a circle.
		r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Loops++ })
		return nil
	}
	p.named(t, nick)
	o := store.FedOccupant{Nick: nick, Real: real.String(), Affiliation: i.Affiliation, Role: i.Role, Show: show}
	old := p.occ[nick]
	if old == nil {
		if was, ok := p.real[real]; ok {
			return r.renamed(t, mr, p, p.occ[was], o)
		}
		return r.enter(t, mr, p, o)
	}
	if was, err := jid.Parse(old.Real); err != nil || was.Bare() != real.Bare() {
		if err := r.takeOut(t, mr, p, nick, muc.Cause{}); err != nil {
			return err
		}
		return r.enter(t, mr, p, o)
	}
	o.Alias = old.Alias
	if same(old, &o) {
		return nil
	}
	return r.alter(t, mr, p, old, o)
}

// elsewhere finds a user who is in the room by another way than a peer's room: one of ours, or of another node. Rooms of our kind tell
// no resources.
func elsewhere(st *muc.State, peer, real jid.JID) *muc.Occupant {
	bare := real.Bare()
	for _, o := range st.Occupants() {
		if o.Node != peer && o.Real.Bare() == bare {
			return o
		}
	}
	return nil
}

func same(a, b *store.FedOccupant) bool {
	return a.Real == b.Real && a.Affiliation == b.Affiliation && a.Role == b.Role && string(a.Show) == string(b.Show)
}

// enter takes a new occupant of the peer's in, and tells those of ours and the other peers.
func (r *room) enter(t *router.Turn, mr *muc.Room, p *peer, o store.FedOccupant) error {
	if len(p.occ) >= maxCrowd {
		return r.turnAway(t, p, o.Nick)
	}
	real, err := jid.Parse(o.Real)
	if err != nil {
		return nil
	}
	if a := Alias(o.Nick, real, func(n string) bool { return n == nodeNick || mr.Next(t).Occupant(n) != nil }); a != o.Nick {
		o.Alias = a
	}
	if err := mr.Enter(t, *p.occupant(&o)); err != nil {
		var refusal *stanza.Err
		if errors.As(err, &refusal) {
			return r.turnAway(t, p, o.Nick)
		}
		return err
	}
	if err := p.learn(t, o); err != nil {
		return err
	}
	if n := mr.Next(t).Occupant(alias(&o)); n != nil {
		if err := r.announce(t, mr, n); err != nil {
			return err
		}
	}
	return r.drive(t, mr)
}

// turnAway refuses one user, not its node.
func (r *room) turnAway(t *router.Turn, p *peer, nick string) error {
	st := p.presence(nick, stanza.Error, Mark{}, nil, nil, nil)
	st.To = at(p.jid, nick)
	st.SetInner(stanza.Fail(stanza.ServiceUnavailable, "").Append(nil))
	return r.s.send(t, st)
}

// occupant is how somebody of the peer's is shown here. What it may do elsewhere is for show.
func (p *peer) occupant(o *store.FedOccupant) *muc.Occupant {
	real, _ := jid.Parse(o.Real)
	n := &muc.Occupant{
		Nick: alias(o), Real: real, Show: o.Show, Node: p.jid, RemoteNick: o.Nick, Hidden: hidden(o.Nick, real),
	}
	n.Affiliation, _ = muc.ParseAffiliation(o.Affiliation)
	var ok bool
	if n.Role, ok = muc.ParseRole(o.Role); !ok || n.Role == muc.NoRole {
		n.Role = muc.Participant
	}
	return n
}

// alter shows an occupant anew that stays under its nick.
func (r *room) alter(t *router.Turn, mr *muc.Room, p *peer, old *store.FedOccupant, o store.FedOccupant) error {
	if err := mr.Change(t, alias(old), *p.occupant(&o)); err != nil {
		return err
	}
	if err := p.learn(t, o); err != nil {
		return err
	}
	if n := mr.Next(t).Occupant(alias(&o)); n != nil {
		return r.announce(t, mr, n)
	}
	return nil
}

// renamed gives an occupant of the peer's another nick. XEP-0289 has no word for it; the rest of the world sees
// XEP-0045 §7.6.
func (r *room) renamed(t *router.Turn, mr *muc.Room, p *peer, old *store.FedOccupant, o store.FedOccupant) error {
	real, err := jid.Parse(o.Real)
	if err != nil {
		return nil
	}
	before := alias(old)
	if a := Alias(o.Nick, real, func(n string) bool { return n != before && mr.Next(t).Occupant(n) != nil }); a != o.Nick {
		o.Alias = a
	}
	if err := mr.Change(t, before, *p.occupant(&o)); err != nil {
		return err
	}
	if err := p.unlearn(t, old.Nick); err != nil {
		return err
	}
	if err := p.learn(t, o); err != nil {
		return err
	}
	n := mr.Next(t).Occupant(alias(&o))
	if n == nil || n.Nick == before {
		return nil
	}
	for _, q := range r.peers {
		if q != p && q.concerns(n) {
			if err := q.rename(t, mr, before, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// gone takes an occupant's farewell, or that of one of ours whom a moderator there removed.
func (r *room) gone(t *router.Turn, mr *muc.Room, p *peer, ps Peer, nick string, m Mark, i Item, show []byte) error {
	c := muc.Cause{Actor: i.Actor, Reason: i.Reason, Show: show}
	for _, code := range []int{codeBanned, codeKicked} {
		if i.Has(code) {
			c.Codes = append(c.Codes, code)
		}
	}
	if len(c.Codes) > 0 {
		if target := r.target(t, mr, p, nick, m.From); target != nil {
			return r.kicked(t, mr, p, ps, target, c)
		}
	}
	old := p.occ[nick]
	if old == nil {
		return nil
	}
	if i.Has(codeRenamed) && i.Nick != "" && p.occ[i.Nick] == nil {
		o := *old
		o.Nick, o.Alias = i.Nick, ""
		if n, err := r.jid.WithResource(i.Nick); err == nil && n.Resource() == i.Nick {
			return r.renamed(t, mr, p, old, o)
		}
	}
	return r.leave(t, mr, p, nick, c)
}

// leave takes an occupant of the peer's out.
func (r *room) leave(t *router.Turn, mr *muc.Room, p *peer, nick string, c muc.Cause) error {
	if err := r.takeOut(t, mr, p, nick, c); err != nil {
		return err
	}
	return r.lastLeft(t, mr, p)
}

func (r *room) takeOut(t *router.Turn, mr *muc.Room, p *peer, nick string, c muc.Cause) error {
	o, st := p.occ[nick], mr.Next(t)
	if o == nil || st == nil { // a room that is not meant to stay ends with the last one
		return nil
	}
	p.named(t, nick)
	if err := p.unlearn(t, nick); err != nil {
		return err
	}
	if n := st.Occupant(alias(o)); n != nil && n.Node == p.jid {
		if err := mr.Remove(t, n.Nick, c); err != nil {
			return err
		}
	}
	if err := r.watch(t, mr); err != nil {
		return err
	}
	return r.farewell(t, p, alias(o), c)
}

// lastLeft ends the federation with a room that joined us and of which nobody is left. XEP-0289 §5.4.
func (r *room) lastLeft(t *router.Turn, mr *muc.Room, p *peer) error {
	if !p.rec.Up && p.open() && len(p.occ) == 0 && r.find(p.jid) == p {
		if p.kin() {
			if err := p.abandon(t); err != nil {
				return err
			}
		} else if err := r.signal(t, p.jid, Mark{Left: true}); err != nil {
			return err
		}
		if err := r.retire(t, p); err != nil {
			return err
		}
	}
	return r.drive(t, mr)
}

// maxRetired bounds the rooms of one domain that were federated once and are remembered.
const maxRetired = 64

// retire keeps of a room that has left what it will have missed when it comes again. By its own clock it cannot tell:
// what it had got last was said earlier than it came.
func (r *room) retire(t *router.Turn, p *peer) error {
	for _, nick := range p.toldNicks() {
		if _, err := p.noteUntold(t, nick); err != nil {
			return err
		}
	}
	p.mustName(t, false)
	err := p.put(t, func(rec *store.FedPeer) {
		rec.State, rec.Since = uint8(Idle), time.Now()
		p.missing(rec)
	})
	if err != nil {
		return err
	}
	var oldest *peer
	n := 0
	for _, q := range r.peers {
		if !q.rec.Up && q.state() == Idle && q.jid.Domain() == p.jid.Domain() {
			if n++; oldest == nil || q.rec.Since.Before(oldest.rec.Since) {
				oldest = q
			}
		}
	}
	if n > maxRetired {
		return oldest.forget(t)
	}
	return nil
}

// clear takes out all that was learned from the peer.
func (r *room) clear(t *router.Turn, mr *muc.Room, p *peer, c muc.Cause) error {
	nicks := make([]string, 0, len(p.occ))
	for n := range p.occ {
		nicks = append(nicks, n)
	}
	slices.Sort(nicks)
	return r.together(t, mr, func() error {
		for _, n := range nicks {
			if err := r.takeOut(t, mr, p, n, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// mustName makes all occupants of the peer's such as it must name again, or none.
func (p *peer) mustName(t *router.Turn, all bool) {
	old := p.again
	p.again = make(map[string]bool)
	for n := range p.occ {
		if all {
			p.again[n] = true
		}
	}
	t.Tx.OnUndo(func() { p.again = old })
}

// named notes that the peer has spoken of an occupant since it joined anew.
func (p *peer) named(t *router.Turn, nick string) {
	if p.again[nick] {
		delete(p.again, nick)
		again := p.again
		t.Tx.OnUndo(func() { again[nick] = true })
	}
}
