// Package block is the form that a stream takes between two Longwire nodes that both have a codec: blocks instead of XML.
//
// A direction begins with a preface, which says by what the blocks are coded. No XML, zlib or TLS stream begins so:
//
//	byte 0     0xCB
//	byte 1     version (3 bits), kind of codec (2), number of further codecs (3)
//	bytes 2-5  ID of the codec
//	2 bytes    for each further codec that the writer can read: the first two of its ID
//
// Then come blocks, one for each Send: the length of the body as a uvarint, and the body: one run of the arithmetic coder over what was sent together,
// up to a choice that says "end". Stanzas are said by the codec's model, whose history is the connection's; the words of XEP-0198 by chances of
// their own. Nothing is negotiated, and nothing of one connection is needed on the next.
package block

import "errors"

// What a Reader finds wrong with its peer.
var (
	ErrGarbled = errors.New("block: not a block of this codec")
	ErrBomb    = errors.New("block: a block says too much")
)

// Limits of a block. The writer keeps them too, so that a peer who breaks one is not of our kind.
const (
	maxText  = 32 << 10 // bytes of XML after which a block takes no more; the last stanza may go beyond
	maxWords = 64       // pieces that are no stanzas,
	wordSize = 64       // each of which counts as so many bytes of XML
	maxSpelt = 4 << 10  // bytes of a name or of last words
	maxGrown = 8 << 10  // bytes of a stanza that the codec prints longer than it was: any peer takes so many (RFC 6120 §13.12)
	slack    = 8 << 10  // bytes of a body beyond those of its text
)

// A model can say kilobytes in a byte, which takes time to undo. Over the first MiB a stream may, then it is held to as much as a zlib stream:
// the writer pads.
const (
	bombSpan  = 1 << 20
	bombRatio = 200
)

// bomb tells whether a stream has grown more than it may: text of wire bytes.
func bomb(text, wire int64) bool { return text > bombSpan && text > bombRatio*wire }
