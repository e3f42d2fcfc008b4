package muc

import (
	"slices"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// leave takes a client out that says so. XEP-0045 §7.14. From others unavailable means nothing.
func (s *Service) leave(q *request) error {
	if q.room == nil || q.from == nil && q.state.waiting[q.stanza.From] == nil {
		return nil
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	if q.from == nil {
		j := q.room.take(q.Turn, q.stanza.From)
		if err := q.room.report(q.Turn, j.occupant, nil, Cause{}); err != nil {
			return err
		}
		return s.vacate(q.Turn, q.room)
	}
	kept, err := s.kept(q.stanza)
	if err != nil {
		kept = nil // a farewell is not refused
	}
	return q.room.part(q.Turn, q.from, q.stanza.From, Cause{Show: kept})
}

// drop takes out a client that is not there any more and has not said so.
func (r *Room) drop(t *router.Turn, full jid.JID) error {
	if r.service.host.Resource(full) != nil {
		r.found(t, full)
		return nil
	}
	return r.expel(t, full)
}

// part takes one client out; the occupant stays while it has others. XEP-0045 §7.14, with several clients behind a nick.
func (r *Room) part(t *router.Turn, old *Occupant, full jid.JID, c Cause) error {
	i := old.session(full)
	gone := old.Sessions[i]
	if len(old.Sessions) == 1 {
		return r.remove(t, old, c, nil)
	}
	o := old.copy()
	o.Sessions = slices.Delete(slices.Clone(old.Sessions), i, i+1)
	o.Show, o.Real = shown(o.Sessions), o.Sessions[0].JID
	r.set(t, r.next.put(old, o))
	r.service.count(t, o.Real.Bare(), -1)
	if err := r.bye(t, old, &gone, c); err != nil {
		return err
	}
	if same(old, o) {
		return nil
	}
	if err := r.announce(t, old, o, Cause{}); err != nil {
		return err
	}
	return r.report(t, old, o, Cause{})
}

// bye is the last that a client gets from the room.
func (r *Room) bye(t *router.Turn, o *Occupant, to *Session, c Cause) error {
	r.found(t, to.JID)
	c.Codes = append([]int{110}, c.Codes...)
	st := o.farewell(true, c)
	if to.remote {
		return r.give(t, to, st)
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if res := r.service.host.Resource(to.JID); res != nil {
			res.Send(st)
		}
	})
	return nil
}

// remove takes an occupant out with all its clients. XEP-0045 §8.2: the one who is removed hears it first; between may
// then tell who did it; then the others.
func (r *Room) remove(t *router.Turn, o *Occupant, c Cause, between func() error) error {
	if r.next.Config.Locked && r.next.Present() == 1 {
		c.Destroy = ending{}.append(nil) // XEP-0045 §10.1.3: its owner leaves a room that was never configured
	}
	r.set(t, r.next.put(o, nil))
	if o.Ours() {
		r.service.count(t, o.Real.Bare(), -len(o.Sessions))
	}
	for i := range o.Sessions {
		if err := r.bye(t, o, &o.Sessions[i], c); err != nil {
			return err
		}
	}
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	if !o.Hidden && r.next.broadcast(o.Role) {
		if err := r.tellOthers(t, r.next, o, o.farewell(false, c), o.farewell(true, c)); err != nil {
			return err
		}
	}
	if err := r.report(t, o, nil, c); err != nil {
		return err
	}
	return r.service.vacate(t, r)
}

// bounced takes an error that a stanza from the room met on its way to an occupant.
func (s *Service) bounced(q *request) error {
	if q.from == nil {
		return nil
	}
	if !s.lasting(q) {
		return nil
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	if q.room.sending > 0 {
		// It came back at once, in the middle of something else.
		full, r := q.stanza.From, q.room
		q.After(func() {
			s.submit("taking out an occupant that cannot be reached", func(t *router.Turn) error { return r.expel(t, full) }, nil)
		})
		return nil
	}
	return q.room.expel(q.Turn, q.stanza.From)
}

// expel takes out a client that cannot be reached.
func (r *Room) expel(t *router.Turn, full jid.JID) error {
	if r.next == nil || r.next.clients.get(full) == nil {
		r.found(t, full)
		return nil
	}
	return r.part(t, r.next.clients.get(full), full, Cause{Codes: []int{333}})
}

// lasting tells whether an error means that the occupant is not there any more. XEP-0045 §11.1.
func (s *Service) lasting(q *request) bool {
	c, ok := q.stanza.Child("", "error")
	if !ok {
		return false
	}
	e, err := q.stanza.Element(c)
	if err != nil {
		return false
	}
	for _, cond := range []stanza.Condition{
		stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable, stanza.Redirect, stanza.RemoteServerNotFound, stanza.RemoteServerTimeout,
	} {
		if e.Child(stanza.NSErrors, string(cond)) != nil {
			// Choice: what our own node could not bring over a bad link in time says nothing about the occupant.
			constrained := s.options.Load().Constrained
			return !(q.Verdict && constrained != nil && constrained(q.stanza.From.Domain()))
		}
	}
	return false
}
