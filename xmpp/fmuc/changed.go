package fmuc

import (
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Joining lets a user wait for the answer of the room that ours follows, if it does.
func (s *Service) Joining(t *router.Turn, mr *muc.Room, o *muc.Occupant) (wait bool, err error) {
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return false, err
	}
	st := mr.Next(t)
	node := r.node(st)
	if !replica(st) || node.IsZero() {
		return false, nil
	}
	up := r.up()
	if up != nil && up.jid == node {
		switch up.state() {
		case Joined:
			return false, nil // Choice: while the link is down they see each other, and cannot speak
		case Refused:
			return false, stanza.Fail(stanza.ServiceUnavailable, "the room that this one follows does not take part")
		case Detached:
			return false, stanza.Fail(stanza.RemoteServerTimeout, "the room that this one follows cannot be reached")
		}
	}
	r.waits[o.Real] = o.Nick
	t.Tx.OnUndo(func() { delete(r.waits, o.Real) })
	ps, _ := s.peer(node.Domain())
	s.wake(t, alarm{pair{r.jid, node}, alarmJoin}, ps.JoinTimeout)
	return true, r.driveWith(t, mr, o)
}

// Changed is told what has become of one of ours.
func (s *Service) Changed(t *router.Turn, mr *muc.Room, old, new *muc.Occupant, c muc.Cause) error {
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return err
	}
	switch {
	case old == nil:
		for _, p := range r.peers {
			if p.open() {
				if err := p.cameIn(t, mr, new); err != nil {
					return err
				}
			}
		}
	case new == nil:
		if err := r.gaveUp(t, old.Real); err != nil {
			return err
		}
		if err := r.watch(t, mr); err != nil {
			return err
		}
		if err := r.farewell(t, nil, old.Nick, c); err != nil {
			return err
		}
	case old.Nick != new.Nick:
		for _, p := range r.peers {
			if err := p.rename(t, mr, old.Nick, new); err != nil {
				return err
			}
		}
	case !alike(old, new):
		if err := r.announce(t, mr, new); err != nil {
			return err
		}
	}
	return r.drive(t, mr)
}

// cameIn tells the peer of one of ours who has come in. Who was in the room by another nick when the program ended, and comes back before
// that is settled, has changed nicks: there is one of them, and never was more.
func (p *peer) cameIn(t *router.Turn, mr *muc.Room, o *muc.Occupant) error {
	if _, knows := p.told[o.Nick]; !knows {
		if was := p.ghost(mr.Next(t), o.Real); was != "" {
			return p.rename(t, mr, was, o)
		}
	}
	return p.tell(t, mr, o, true)
}

// ghost finds the nick by which the peer believes a user here who is not; "" if there is none. A client may come back by another resource.
func (p *peer) ghost(st *muc.State, real jid.JID) (found string) {
	for _, nick := range p.toldNicks() {
		if was := p.told[nick]; was.Bare() == real.Bare() && st.Occupant(nick) == nil {
			if found == "" || was == real {
				found = nick
			}
		}
	}
	return found
}

// alike tells whether other nodes would see no difference.
func alike(a, b *muc.Occupant) bool {
	return a.Role == b.Role && a.Affiliation == b.Affiliation && a.Real == b.Real &&
		slices.Equal(availability(a.Show), availability(b.Show))
}

// gaveUp forgets a user that does not wait any more.
func (r *room) gaveUp(t *router.Turn, full jid.JID) error {
	if nick, ok := r.waits[full]; ok {
		delete(r.waits, full)
		t.Tx.OnUndo(func() { r.waits[full] = nick })
	}
	return nil
}

// rename tells the peer that an occupant goes by another nick.
func (p *peer) rename(t *router.Turn, mr *muc.Room, old string, o *muc.Occupant) error {
	if _, knew := p.told[old]; !knew || !p.open() {
		if p.open() {
			return p.tell(t, mr, o, true)
		}
		return nil
	}
	if p.kin() {
		if _, err := p.noteUntold(t, old); err != nil {
			return err
		}
		return p.tell(t, mr, o, false)
	}
	ps, _ := p.room.s.peer(p.jid.Domain())
	if ps.Foreign && p.rec.Up && len(p.told) == 1 {
		// Peer: to Openfire the only one of a node who takes another nick is a node that leaves. So it leaves, and joins.
		if err := p.untell(t, old, muc.Cause{}); err != nil {
			return err
		}
		return p.put(t, func(rec *store.FedPeer) {
			rec.State, rec.Since = uint8(p.state().Next(Unwanted)), time.Now()
			rec.Lefts++
		})
	}
	if err := p.untell(t, old, muc.Cause{Codes: []int{codeRenamed}, Nick: o.Nick}); err != nil {
		return err
	}
	if err := p.noteTold(t, o.Nick, o.Real); err != nil {
		return err
	}
	return p.room.s.send(t, p.presenceOf(mr.Next(t), o, nil))
}

// Removing asks the node of an occupant whom a moderator of ours removes to remove it too. XEP-0289 §5.5. Here it is
// gone at once; if it comes again, that node has refused.
func (s *Service) Removing(t *router.Turn, mr *muc.Room, target *muc.Occupant, c muc.Removal) error {
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return err
	}
	p := r.find(target.Node)
	if p == nil {
		return nil
	}
	return r.expel(t, mr, p, nil, target, c)
}

// expel passes a removal on to the node that the occupant came by, and tells all others but one that it is gone.
func (r *room) expel(t *router.Turn, mr *muc.Room, p, but *peer, target *muc.Occupant, c muc.Cause) error {
	if p.open() {
		st := p.farewellOf(target.RemoteNick, target.Real, c)
		if err := r.s.send(t, st); err != nil {
			return err
		}
	}
	if err := p.unlearn(t, target.RemoteNick); err != nil {
		return err
	}
	for _, q := range r.peers {
		if q != p && q != but {
			if err := q.untell(t, target.Nick, c); err != nil {
				return err
			}
		}
	}
	return r.lastLeft(t, mr, p)
}

// target finds whom a removal by a peer's moderator concerns: somebody whom the peer knows of by us.
func (r *room) target(t *router.Turn, mr *muc.Room, p *peer, nick string, real jid.JID) *muc.Occupant {
	st := mr.Next(t)
	o := st.ByReal(real)
	if o == nil {
		if o = st.Occupant(nick); o == nil || o.Real.Bare() != real.Bare() {
			return nil
		}
	}
	if _, told := p.told[o.Nick]; !told || o.Node == p.jid {
		return nil
	}
	return o
}

// kicked takes the removal of one of ours, or of a node behind, by a moderator of the peer's.
func (r *room) kicked(t *router.Turn, mr *muc.Room, p *peer, ps Peer, target *muc.Occupant, c muc.Cause) error {
	if _, err := p.noteUntold(t, target.Nick); err != nil { // it is gone there already
		return err
	}
	if p.kin() {
		if err := p.untold(t, target.Nick); err != nil {
			return err
		}
	}
	if !ps.HonourKicks {
		return p.tell(t, mr, target, false)
	}
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Kicks++ })
	if target.Ours() {
		return mr.Remove(t, target.Nick, c) // which is told by Changed
	}
	q := r.find(target.Node)
	if q == nil {
		return nil
	}
	if err := mr.Remove(t, target.Nick, c); err != nil {
		return err
	}
	return r.expel(t, mr, q, p, target, c)
}
