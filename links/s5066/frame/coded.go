package frame

import (
	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// canonical is what a text comes back as from the far end, and whether it can be coded.
func canonical(m *codecs.Method, text []byte) ([]byte, bool) {
	switch {
	case m.New == nil || len(text) > MaxStanza:
		return text, false
	case m.Canonical == nil:
		return text, true
	}
	c, err := m.Canonical(text)
	if err != nil || len(c) > MaxStanza {
		return text, false
	}
	return c, true
}

// follows is the choice between stanzas: whether there is another one. It teaches the model nothing, as how stanzas are put into frames
// must not matter to what comes later.
func follows(more bool) arith.Choice { return choose(more, followP) }

func choose(yes bool, p uint32) arith.Choice {
	if yes {
		return arith.Choose(1, p)
	}
	return arith.Choose(0, p)
}

const followP = 1 << 14
