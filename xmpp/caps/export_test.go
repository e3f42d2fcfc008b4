package caps

import "longwire/xmpp/markup"

// Ver is the verification string of an answer, "" and an error when it has none.
func Ver(query *markup.Element, algorithm string) (string, error) {
	i, err := read(query)
	if err != nil {
		return "", err
	}
	return i.ver(algorithm)
}

// Size counts all that is remembered.
func (s *Service) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known) + len(s.clients) + len(s.asking) + len(s.asked)
}
