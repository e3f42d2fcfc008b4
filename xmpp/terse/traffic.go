package terse

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Traffic makes recorded traffic between two nodes, of which none was terse, what it would have been if both were: what a client says of another's
// message is said with the number by which it would know that. One goroutine at a time.
type Traffic struct {
	ends  [2]Wire
	heard [2]map[string]string // by receiving end: what an id is there
}

// NewTraffic makes one. room tells where rooms live, at either end.
func NewTraffic(bare bool, room func(domain string) bool) *Traffic {
	t := &Traffic{}
	for i := range t.ends {
		first := Least + [...]uint64{271_828, 161_803}[i] // a store begins anywhere in the first million
		t.ends[i] = Wire{Numbers: NewMemory(first), Peer: "far", Room: room, Bare: bare}
		t.heard[i] = map[string]string{}
	}
	return t
}

// Cross is a stanza as it crosses from the end of that number, 0 or 1, to the other.
func (t *Traffic) Cross(from int, s *stanza.Stanza) (*stanza.Stanza, error) {
	said := s
	known := t.heard[from]
	own, reflected := known[s.ID]
	if reflected = reflected && s.ID != ""; reflected {
		said = withoutRepeatedOrigin(s).Copy()
		said.ID = own
	}
	said, err := renamed(said, func(_ markup.Name, id string) (string, error) {
		if own, ok := known[id]; ok {
			return own, nil
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
	if out.ID != s.ID && !reflected {
		t.heard[1-from][s.ID] = t.ends[1-from].foreign(out.ID)
	}
	return out, nil
}
