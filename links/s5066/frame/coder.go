package frame

import "longwire/links/codec/arith"

// follows is the choice between stanzas: whether there is another one. It teaches the model nothing, as how stanzas are put into frames
// must not matter to what comes later.
func follows(more bool) arith.Choice {
	if more {
		return arith.Choose(1, followP)
	}
	return arith.Choose(0, followP)
}

const followP = 1 << 14
