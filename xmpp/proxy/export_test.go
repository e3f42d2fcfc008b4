package proxy

import "longwire/xmpp/jid"

// Sizes is what the service remembers.
func (s *Service) Sizes() (flying, kept, bytes int) {
	s.flight.mu.Lock()
	flying = len(s.flight.byKey)
	s.flight.mu.Unlock()
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return flying, s.kept.order.Len(), s.kept.size
}

// Clients counts those of a contact that an account was shown.
func (s *Service) Clients(account, contact string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients, _ := s.faces.of(jid.MustParse(account), jid.MustParse(contact))
	return len(clients)
}

// FacesSize is what is remembered of far presence, in bytes.
func (s *Service) FacesSize() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for el := s.faces.order.Front(); el != nil; el = el.Next() {
		n += el.Value.(*face).size()
	}
	return n
}
