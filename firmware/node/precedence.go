package node

import (
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/s2s"
)

// precedence is how urgent messages to peers are. The words were checked with the config.
func precedence(p config.Precedence) s2s.Precedence {
	class := func(word string) store.Class {
		c, err := store.ParseClass(word)
		if err != nil {
			return 0 // not said
		}
		return c
	}
	out := s2s.Precedence{Prefixes: p.Prefixes, Headers: p.Headers}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, s2s.PrecedenceRule{From: r.From, To: r.To, Room: r.Room, LargerThan: int(r.LargerThan),
			Precedence: class(r.Precedence), AtMost: class(r.AtMost)})
	}
	return out
}
