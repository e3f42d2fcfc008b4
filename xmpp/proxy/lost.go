package proxy

import "longwire/xmpp/jid"

// A loss is a peer with no domains but those that a new configuration has taken from it.
type loss struct {
	*peer
	view view
}

// loseLocked notes what the new peers do not have any more, and forgets the views of those that are gone: one that comes back is shown anew.
func (s *Service) loseLocked(peers map[string]*peer) {
	for name, old := range s.peers {
		left := &peer{old.Peer, make(map[string]bool), old.rooms}
		for d := range old.domains {
			if p := peers[name]; p == nil || !p.domains[d] {
				left.domains[d] = true
			}
		}
		if len(left.domains) > 0 {
			s.lost = append(s.lost, loss{left, s.views[name]})
		}
		if peers[name] == nil {
			delete(s.views, name)
		}
	}
}

// takeBack ends what is shown of contacts that no peer, or another one, has now.
func (s *Service) takeBack() {
	s.mu.Lock()
	lost := s.lost
	s.lost = nil
	s.mu.Unlock()
	for _, l := range lost {
		if l.view.shown {
			s.eachPair(l.peer, func(account, contact jid.JID) { s.withdraw(account, contact, l.view.link.State) })
		}
		s.mu.Lock()
		for d := range l.domains {
			if s.ownerLocked(d) != nil { // real presence comes from there still
				delete(l.domains, d)
			}
		}
		s.mu.Unlock()
		s.forgetFaces(l.peer)
	}
}
