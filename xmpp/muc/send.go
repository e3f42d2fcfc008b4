package muc

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// each gives every session in the room what say returns for it; nil: nothing.
func (r *Room) each(t *router.Turn, s *State, say func(*Occupant, *Session) *stanza.Stanza) error {
	for _, o := range s.occupants {
		for i := range o.Sessions {
			if o.Sessions[i].remote {
				if st := say(o, &o.Sessions[i]); st != nil {
					if err := r.give(t, &o.Sessions[i], st); err != nil {
						return err
					}
				}
			}
		}
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range s.occupants {
			for i := range o.Sessions {
				if !o.Sessions[i].remote {
					if st := say(o, &o.Sessions[i]); st != nil {
						r.handLocked(o.Sessions[i].JID, st)
					}
				}
			}
		}
	})
	return nil
}

// route hands on a stanza that may come back at once.
func (r *Room) route(t *router.Turn, st *stanza.Stanza) error {
	r.sending++
	defer func() { r.sending-- }()
	return r.service.router.Route(t, st)
}

// give brings a stanza to one session.
func (r *Room) give(t *router.Turn, to *Session, st *stanza.Stanza) error {
	if to.remote {
		c := st.Copy()
		c.To = to.JID
		return r.route(t, c)
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.handLocked(to.JID, st)
	})
	return nil
}

// handLocked puts a stanza into a client's outbox. A client that is not there any more is taken out of the room.
func (r *Room) handLocked(to jid.JID, st *stanza.Stanza) {
	if res := r.service.host.Resource(to); res != nil {
		if st.Kind != stanza.Message || !r.blocksLocked(to, st.From) {
			res.Send(st)
		}
		return
	}
	if l := r.live.Load(); l != nil && l.clients.get(to) != nil && !r.lost[to] {
		if r.lost == nil {
			r.lost = make(map[jid.JID]bool)
		}
		r.lost[to] = true
		r.service.submit("taking out a lost client", func(t *router.Turn) error { return r.drop(t, to) }, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.lost, to) // the next stanza for it tries again
		})
	}
}

// blocksLocked tells whether a user has blocked who speaks. XEP-0191 §3.3. Choice: presence comes all the same, or its
// clients would take for free a nick that is not.
func (r *Room) blocksLocked(user, from jid.JID) bool {
	blocked, err := r.service.host.Blocked(&r.quick, user.Bare(), from)
	return blocked && err == nil
}

// giveAll brings several stanzas to one session, with nothing else between them. showLocked, unless it is nil, comes with
// them: see decide.
func (r *Room) giveAll(t *router.Turn, to *Session, all []*stanza.Stanza, showLocked func()) error {
	if showLocked == nil {
		showLocked = func() {}
	}
	if to.remote {
		t.After(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			showLocked()
		})
		for _, st := range all {
			if err := r.give(t, to, st); err != nil {
				return err
			}
		}
		return nil
	}
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		showLocked()
		res := r.service.host.Resource(to.JID)
		if res == nil && len(all) > 0 {
			r.handLocked(to.JID, all[0]) // which finds the same
			return
		}
		for _, st := range all {
			res.Send(st)
		}
	})
	return nil
}
