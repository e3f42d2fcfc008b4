package fmuc

import (
	"context"
	"slices"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// failed takes an error that a stanza of the room met: from the peer's room, or from our own queue for the peer.
func (s *Service) failed(t *router.Turn, mr *muc.Room, st *stanza.Stanza) error {
	if mr == nil || mr.Next(t) == nil {
		return nil
	}
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return err
	}
	p := r.find(st.From.Bare())
	if p == nil {
		return nil
	}
	why := condition(st)
	if ours := t.Verdict || s.routing; ours && p.kin() {
		if done, err := r.notSent(t, mr, p, st, why); done || err != nil {
			return err
		}
	}
	if s.sending || s.routing {
		verdict := t.Verdict
		t.After(func() {
			s.submit(context.Background(), "an error", func(t *router.Turn) error {
				t.Verdict = verdict
				return s.failed(t, mr, st)
			})
		})
		return nil
	}
	switch {
	case st.Kind == stanza.Message && !st.From.IsBare():
		return r.whisperFailed(t, mr, p, st)
	case st.Kind == stanza.Message:
		if i := r.refused(st); i >= 0 && p.rec.Up {
			if err := r.failOne(t, i, cutOff()); err != nil {
				return err
			}
		}
		if why == stanza.ServiceUnavailable {
			return nil // a node above is cut off; the way there is not
		}
		if why == stanza.PolicyViolation {
			s.warn(t, r, p, "a line does not fit through the link", why)
			return nil
		}
		if err := p.missed(t, st.ID); err != nil {
			return err
		}
	case st.Kind == stanza.Presence && (why == stanza.Conflict || p.state() == Joined && !t.Verdict && why == stanza.ServiceUnavailable):
		// Spec: the user stays for those of ours.
		s.warn(t, r, p, "an occupant is not shown at the peer", why)
		if p.kin() {
			if err := p.untold(t, st.To.Resource()); err != nil {
				return err
			}
		}
		_, err := p.noteUntold(t, st.To.Resource())
		return err
	case st.Kind != stanza.Presence:
		return nil
	}
	return r.lost(t, mr, p)
}

// lost is what follows when stanzas did not get to the peer, or it does not know us.
func (r *room) lost(t *router.Turn, mr *muc.Room, p *peer) error {
	if p.rec.Up {
		return r.detach(t, mr, p, Lost)
	}
	if !p.open() { // it was the last word that was lost, without which the other believes that it is federated
		r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmLeft}, rejoinTime)
		return p.put(t, func(rec *store.FedPeer) { rec.Lefts = 1 })
	}
	// It must join anew, since here nobody knows any more what it has.
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Resyncs++ })
	r.note(t, p, "the federation broke")
	if err := r.clear(t, mr, p, muc.Cause{Codes: []int{codeLost}}); err != nil {
		return err
	}
	return r.lastLeft(t, mr, p)
}

// missed notes the first line that the peer did not get.
func (p *peer) missed(t *router.Turn, stanzaID string) error {
	if stanzaID == "" {
		return nil
	}
	var id uint64
	looked := 0
	err := t.Tx.ArchiveScan(p.room.jid.String(), 0, p.rec.Missed, true, func(e store.ArchiveEntry) (bool, error) {
		if looked++; e.StanzaID == stanzaID {
			id = e.ID
		}
		return id == 0 && looked < maxLooked, nil
	})
	if err != nil || id == 0 {
		return err
	}
	return p.put(t, func(rec *store.FedPeer) { rec.Missed = id })
}

// missing notes that the peer gets nothing from now on.
func (p *peer) missing(rec *store.FedPeer) {
	if rec.Missed == 0 {
		rec.Missed = p.room.s.host.DB().ArchiveID()
	}
}

// catchUp sends what was said here while the federation was broken, or did not get through before. XEP-0289 leaves it
// open; spec 6.9: with the time when it was said. The answer to the join behind which it comes says that it got there.
func (r *room) catchUp(t *router.Turn, up *peer) error {
	from := up.rec.Missed
	if from == 0 {
		return nil
	}
	most := maxPast
	if n := up.lastN(t); n >= 0 {
		most = min(most, n)
	}
	var lines []*stanza.Stanza
	err := t.Tx.ArchiveScan(r.jid.String(), from-1, 0, true, func(e store.ArchiveEntry) (bool, error) {
		if st := r.old(e, up); st != nil && !up.said(e.With) {
			lines = append(lines, st)
		}
		return len(lines) < most, nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(lines)
	for _, st := range lines {
		if err := r.s.send(t, st); err != nil {
			return err
		}
	}
	return nil
}

// whisperFailed brings the error of a private message back towards its author.
func (r *room) whisperFailed(t *router.Turn, mr *muc.Room, p *peer, st *stanza.Stanza) error {
	here := mr.Next(t)
	to := here.Occupant(st.To.Resource())
	if to == nil || to.Hidden || to.Node == p.jid {
		return nil
	}
	nick := st.From.Resource()
	if o := p.occ[nick]; o != nil {
		nick = alias(o)
	}
	if !to.Ours() {
		if q := r.find(to.Node); q != nil && q.open() {
			return r.pass(t, q, nick, to.RemoteNick, st)
		}
		return nil
	}
	for i := range to.Sessions {
		back := pure(st).Copy()
		back.From, back.To = at(r.jid, nick), to.Sessions[i].JID
		if err := r.s.send(t, back); err != nil {
			return err
		}
	}
	return nil
}

// condition is the defined condition of an error stanza.
func condition(st *stanza.Stanza) stanza.Condition {
	c, ok := st.Child("", "error")
	if !ok {
		return stanza.UndefinedCondition
	}
	e, err := st.Element(c)
	if err != nil {
		return stanza.UndefinedCondition
	}
	for _, k := range e.Children {
		if k.Name.Space == stanza.NSErrors && k.Name.Local != "text" {
			return stanza.Condition(k.Name.Local)
		}
	}
	return stanza.UndefinedCondition
}

func (r *room) note(t *router.Turn, p *peer, what string) {
	t.After(func() { r.s.log().Info("fmuc: "+what, "room", r.jid, "peer", p.jid) })
}

func (s *Service) warn(t *router.Turn, r *room, p *peer, what string, why stanza.Condition) {
	t.After(func() { s.log().Warn("fmuc: "+what, "room", r.jid, "peer", p.jid, "why", why) })
}
