package terse

import "longwire/xmpp/stanza"

// Traffic makes recorded traffic between two nodes, of which none was terse, what it would have been if both were: what a client says of another's
// message is said with the number by which it would know that. One goroutine at a time.
type Traffic struct {
	ends  [2]Wire
	heard [2]map[string]string // by receiving end: the number of an id
}

// NewTraffic makes one. room tells where rooms live, at either end.
func NewTraffic(bare bool, room func(domain string) bool) *Traffic {
	t := &Traffic{}
	for i := range t.ends {
		first := Least + [...]uint64{271_828, 161_803}[i] // a store begins anywhere in the first million
		t.ends[i] = Wire{Numbers: NewMemory(first), Room: room, Bare: bare}
		t.heard[i] = map[string]string{}
	}
	return t
}

// Cross is a stanza as it crosses from the end of that number, 0 or 1, to the other.
func (t *Traffic) Cross(from int, s *stanza.Stanza) (*stanza.Stanza, error) {
	said := s
	known := t.heard[from]
	if n, ok := known[s.ID]; ok && s.ID != "" {
		said = withoutRepeatedOrigin(s).Copy()
		said.ID = n
	}
	said, err := renamed(said, func(_ reference, id string) (string, error) {
		if n, ok := known[id]; ok {
			return n, nil
		}
		return id, nil
	})
	if err != nil {
		return nil, err
	}
	out, err := t.ends[from].Out(said)
	if err != nil {
		return nil, err
	}
	if _, err := t.ends[1-from].In(out); err != nil {
		return nil, err
	}
	if out.ID != s.ID {
		t.heard[1-from][s.ID] = out.ID
	}
	return out, nil
}
