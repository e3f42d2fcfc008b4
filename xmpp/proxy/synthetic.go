package proxy

import (
	"context"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Synthetic says whether our users are shown their far contacts as the link to them is. Without, contacts whose presence does
// not cross look as if they were away, and many clients then warn before they send, or refuse to.
//
// Choice: it comes from the bare address. A resource would be addressed by clients, which costs air for its name and may be
// refused at the far end where no such client is; and they ask a resource what it is capable of. slixmpp, profanity and
// others take presence without a resource as that of any contact.
type Synthetic uint8

// The values.
const (
	Auto Synthetic = iota // where presence does not cross
	On
	Off
)

// Times of what is shown. A link that comes and goes is no news each time.
const (
	look   = 5 * time.Second  // between two looks at the links
	settle = 15 * time.Second // how long a state has to last; one that is better, no longer than a look
	calm   = time.Minute      // from one change to the next
)

// link is how a peer is reached, and whether presence crosses.
type link struct {
	State
	silent bool
}

// view is what is shown of a peer, and what it is to be next.
type view struct {
	link  link
	known bool      // it was looked at once
	since time.Time // of the last change; zero: none
	next  link
	asOf  time.Time // zero: nothing else is to come
	// silent: presence did not cross at some time. Choice: who was shown as the link was goes on so until its own presence
	// comes; asking everybody for it when a better link is back would be the storm that nobody wants.
	silent bool
	shown  bool // our users see contacts as the link is
}

// synthetic tells whether a peer's contacts are shown as the link is.
func (p *peer) synthetic(v view) bool {
	return p.Synthetic == On || p.Synthetic == Auto && v.silent
}

// step looks at the present state; changed: it is shown from now on.
func (v *view) step(now time.Time, l link) (changed bool) {
	switch {
	case !v.known:
		v.known, v.link, v.silent = true, l, l.silent
		return true
	case l == v.link:
		v.asOf = time.Time{}
		return false
	case v.asOf.IsZero() || l != v.next:
		v.next, v.asOf = l, now
		return false
	case now.Sub(v.asOf) < v.patience(l) || now.Sub(v.since) < calm:
		return false
	}
	v.link, v.since, v.asOf = l, now, time.Time{}
	v.silent = v.silent || l.silent
	return true
}

// patience is how long a new state has to last before it is shown.
func (v *view) patience(l link) time.Duration {
	if l.Usable && !v.link.Usable {
		return look
	}
	return settle
}

// Changed makes Run look at the links soon.
func (s *Service) Changed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run shows changes of links until ctx is done, and ends questions that nobody has answered.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		now := time.Now()
		s.takeBack()
		for _, p := range s.list() {
			s.lookAt(now, p)
		}
		s.overdue(now)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.wake:
		}
	}
}

func (s *Service) list() (all []*peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		all = append(all, p)
	}
	return all
}

// lookAt shows what has changed with a peer to all who are there.
func (s *Service) lookAt(now time.Time, p *peer) {
	l := link{s.State(p.Name), s.Silent(p.Name)}
	s.mu.Lock()
	old := s.views[p.Name]
	v := old
	changed := v.step(now, l)
	v.shown = p.synthetic(v)
	s.views[p.Name] = v
	s.mu.Unlock()
	if changed && v.link.silent && !old.link.silent {
		s.forgetFaces(p)
	}
	if !v.shown && !old.shown || !changed && v.shown == old.shown {
		return
	}
	s.eachPair(p, func(account, contact jid.JID) {
		if v.shown {
			s.present(account, account, contact)
			return
		}
		s.withdraw(account, contact, old.link.State)
	})
}

// forgetFaces takes back the presence that came while it crossed: nobody will tell when it ends.
func (s *Service) forgetFaces(p *peer) {
	s.show.Lock()
	defer s.show.Unlock()
	s.mu.Lock()
	gone := s.faces.within(p.domains)
	for _, f := range gone {
		s.faces.forget(f.pair)
	}
	s.mu.Unlock()
	for _, f := range gone {
		for _, c := range f.clients {
			s.send(absent(c.From, f.account, ""))
		}
	}
}

// eachPair finds those of ours who are there, and whom of the peer's people they see.
func (s *Service) eachPair(p *peer, f func(account, contact jid.JID)) {
	done := make(map[jid.JID]bool)
	for _, r := range s.Host.All() {
		account := r.JID().Bare()
		if done[account] || !r.Available() {
			continue
		}
		done[account] = true
		contacts, err := s.Sees(new(router.Turn), account)
		if err != nil {
			continue // its clients see the old state until the next change
		}
		for _, c := range contacts {
			if p.domains[c.Domain()] && !p.rooms[c.Domain()] {
				f(account, c)
			}
		}
	}
}

// present shows a contact to an account, or to one client of it.
func (s *Service) present(to, account, contact jid.JID) {
	s.show.Lock()
	defer s.show.Unlock()
	for _, st := range s.seen(account, contact) {
		c := st.Copy()
		c.To = to
		s.send(c)
	}
}

// seen is what an account sees of a contact: what came from there, if anything did, else the link.
func (s *Service) seen(account, contact jid.JID) []*stanza.Stanza {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients, real := s.faces.of(account, contact)
	if len(clients) > 0 {
		return clients
	}
	p := s.ownerLocked(contact.Domain())
	if p == nil {
		return nil
	}
	v := s.views[p.Name]
	switch {
	case real:
		return []*stanza.Stanza{absent(contact, account, "")}
	case !p.synthetic(v):
		return nil
	case !v.link.Usable:
		return []*stanza.Stanza{absent(contact, account, "no link to "+contact.Domain())}
	}
	st := &stanza.Stanza{Kind: stanza.Presence, From: contact, To: account}
	st.SetInner(status("reached by " + v.link.By))
	return []*stanza.Stanza{st}
}

func (s *Service) ownerLocked(domain string) *peer {
	for _, p := range s.peers {
		if p.domains[domain] {
			return p
		}
	}
	return nil
}

// withdraw takes back what was shown of a contact as the link was, if that was shown.
func (s *Service) withdraw(account, contact jid.JID, old State) {
	s.show.Lock()
	defer s.show.Unlock()
	s.mu.Lock()
	_, real := s.faces.of(account, contact)
	s.mu.Unlock()
	if old.Usable && !real {
		s.send(absent(contact, account, ""))
	}
}

func absent(who, to jid.JID, why string) *stanza.Stanza {
	st := &stanza.Stanza{Kind: stanza.Presence, From: who, To: to, Type: stanza.Unavailable}
	if why != "" {
		st.SetInner(status(why))
	}
	return st
}

func status(text string) []byte {
	return append(markup.AppendEscaped([]byte("<status>"), text), "</status>"...)
}
