package proxy

import (
	"slices"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// presence looks at presence of ours for a peer.
func (s *Service) presence(t *router.Turn, p *peer, st *stanza.Stanza) (done bool, err error) {
	silent := s.Silent(p.Name)
	switch st.Type {
	case stanza.Probe:
		return s.probe(t, p, st, silent)
	case stanza.Unsubscribe:
		s.parted(t, st)
		return false, nil
	case "":
	default:
		return false, nil
	}
	if !silent || st.Has(nsFMUC, "fmuc") || slices.Contains(p.Enter, st.To.Domain()) {
		return false, nil
	}
	if r := s.Host.Resource(st.From); r != nil {
		// It does not cross, so there is nobody to take leave of, and no room that was entered.
		t.After(func() { r.Directed().Remove(st.To) })
	}
	if st.Has(nsMUC, "x") && p.rooms[st.To.Domain()] {
		r, err := s.room(t, st.To.Bare())
		if err != nil {
			return false, err
		}
		if r != nil && !r.Hidden {
			return true, stanza.Fail(stanza.ServiceUnavailable, "presence does not cross the link to this room; "+pointer(r))
		}
	}
	return false, nil
}

// probe answers the question who is there, which a client's first presence asks of all its contacts (RFC 6121 §4.3.1).
func (s *Service) probe(t *router.Turn, p *peer, st *stanza.Stanza, silent bool) (done bool, err error) {
	s.mu.Lock()
	shown := p.synthetic(s.views[p.Name])
	s.mu.Unlock()
	if p.rooms[st.To.Domain()] || !shown && (p.Synthetic == Off || !silent) {
		return false, nil // whether it crosses is for others to say
	}
	account, contact := st.From.Bare(), st.To.Bare()
	ok, err := s.sees(t, account, contact)
	if err != nil {
		return false, err
	}
	if ok {
		// Last of all, when the client is noted as there: so what a link changes meanwhile reaches it too.
		t.After(func() { t.After(func() { s.present(st.From, account, contact) }) })
	}
	return silent, nil
}

// parted ends what our user sees of a contact that it does not see any more. The contact's server would say so
// (RFC 6121 §3.3.3), if presence crossed.
func (s *Service) parted(t *router.Turn, st *stanza.Stanza) {
	account, contact := st.From.Bare(), st.To.Bare()
	ours, theirs := account, contact
	if !s.Host.Local(account.Domain()) {
		ours, theirs = contact, account
	}
	t.After(func() {
		t.After(func() {
			s.show.Lock()
			defer s.show.Unlock()
			s.mu.Lock()
			clients, _ := s.faces.of(ours, theirs)
			s.faces.forget(pair{ours, theirs})
			p := s.ownerLocked(theirs.Domain())
			shown := p != nil && p.synthetic(s.views[p.Name])
			s.mu.Unlock()
			if shown || len(clients) > 0 {
				s.send(absent(theirs, ours, ""))
			}
		})
	})
}

// Heard looks at what came from a peer, before it is brought to whom it is for.
func (s *Service) Heard(name string, t *router.Turn, st *stanza.Stanza) {
	p := s.peer(name)
	switch {
	case p == nil:
	case st.Kind == stanza.IQ && (st.Type == stanza.Result || st.Type == stanza.Error):
		t.After(func() { s.answered(st) })
	case st.Kind != stanza.Presence:
	case p.rooms[st.From.Domain()]:
		s.fromRoom(t, st)
	default:
		s.fromContact(t, p, st)
	}
}

// fromRoom notes that a room has shown one of ours out, or did not let it in.
func (s *Service) fromRoom(t *router.Turn, st *stanza.Stanza) {
	if st.Type != stanza.Unavailable && st.Type != stanza.Error {
		return
	}
	if r := s.Host.Resource(st.To); r != nil {
		t.After(func() { r.Directed().Remove(st.From) })
	}
}

// fromContact lets real presence take the place of what the link is.
func (s *Service) fromContact(t *router.Turn, p *peer, st *stanza.Stanza) {
	account, contact := st.To.Bare(), st.From.Bare()
	switch st.Type {
	case stanza.Subscribed:
		t.After(func() { t.After(func() { s.greeted(p, st) }) })
		return
	case stanza.Unsubscribed:
		s.parted(t, st)
		return
	case "", stanza.Unavailable:
	default:
		return
	}
	if ok, err := s.sees(t, account, contact); err != nil || !ok {
		return // whom it does not see by subscription, it is shown as it came
	}
	t.After(func() {
		s.show.Lock()
		defer s.show.Unlock()
		s.mu.Lock()
		first := s.faces.note(st)
		v := s.views[p.Name]
		s.mu.Unlock()
		if first && st.Type == "" && p.synthetic(v) && v.link.Usable {
			s.send(absent(contact, account, ""))
		}
	})
}

// greeted shows a contact that has just let our user see it.
func (s *Service) greeted(p *peer, st *stanza.Stanza) {
	account, contact := st.To.Bare(), st.From.Bare()
	ok, err := s.sees(new(router.Turn), account, contact)
	if err == nil && ok {
		s.present(account, account, contact)
	}
}
