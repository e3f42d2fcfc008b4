// Package frame is the format of the longwire mapping: what two Longwire nodes put into the U_PDUs between them.
//
// A frame is one U_PDU. Its header holds only what cannot be derived, and its stanzas are coded against all that both ends
// know to have gone before them. The package does no I/O and keeps nothing on flash; numbers and names are the caller's, and so are the models.
//
// The three lowest bits of byte 0 are the form, and are never 0: RCOP, which may come by the same way, has 0 in the lower half of its first byte.
//
//	2..5  settled, 3 bytes: form, low 7 bits of the number of the first stanza, 14 bits of check; then the body, which begins with what is rare (settled.go)
//	      2 ordinary lane, 3 the same with a mark, 4 and 5 express lane
//	6, 7  a mark alone, 3 bytes: form, low 7 bits of the last number taken, check; 7 of the express lane
//	1     in full (header.go), for all else:
//
//	byte 0, 1  form, flags
//	names      Names: version, codecs, length and bytes of Out, length and bytes of In
//	seq        Data: low byte of the number of the first stanza; with names the whole number as a uvarint
//	mark       HasMark: low byte of the last number taken; with names the whole number as a uvarint
//	after      Behind: low byte of a number of the express lane
//	part       Part, Last: which piece it is, from 0, as a uvarint
//	check      16 bits
//	body       Data: the coded stanzas, or a piece of them
//
// # What keeps a wrong stanza out
//
// The check is made over both names, the whole numbers, the flags, the codec and the plain text (check.go); so it fails when an end has lost count, is another
// life of itself, has other tables, or has another history, and what it was made of is not in the frame to be damaged with it. Beside it a coded body has to
// end where, and just as, an encoder would have ended it, which one in eight does that is decoded against a wrong history, and one in hundreds of random bytes. So
// one in 130,000 frames that need a history which is not the one here would get through (TestWrongHistory), and such frames come only after a run was begun
// anew and its first frame was lost on a link that confirms, and then one until the other end has complained. A frame that is refused has no effect, and
// the sender begins a run that needs no history.
package frame

import (
	"errors"

	"longwire/links/codecs"
)

// Data tells what stanzas a frame carries.
type Data uint8

const (
	None    Data = iota
	Stanzas      // whole ones
	Part         // a piece of one that is too large for a frame; more follow
	Last         // the last piece
)

// Limits of what a peer can make us hold.
const (
	MaxStanza  = 68 << 10  // bytes of one stanza: the 64 KiB that a stream may carry, and a margin for what the node adds
	MaxText    = 128 << 10 // bytes of all stanzas of a frame
	MaxStanzas = 100       // in a frame, and under way unmarked; the low byte of a number names it as long as it is far below 128
	MaxName    = 64        // bytes of a name
	MaxNear    = 60        // under way unmarked, so that 7 bits name each: far below 64
)

// A Header is what a frame says beside its stanzas. Out and In always hold the names, as the check is made over them; they are
// on the wire only with Names.
type Header struct {
	Names bool            // Out and In are in the frame, and numbers in full
	Out   string          // the sender's name for its numbering
	In    string          // the numbering of the receiver as the sender knows it; empty when it knows none
	Reads [4]codecs.Codec // with Names: what the sender can read, beside Uses

	Express bool // of the express lane: a stream of its own, with names, numbers and history of its own, whose stanzas wait for none of the other
	Behind  bool // not to be taken before a stanza of the express lane,
	After   byte // of which this is the low byte of the number

	Data Data
	Run  bool         // Data: history begins with this frame,
	Lone bool         // and ends with it: ids in it are told as near to those that went before
	Seq  uint32       // Data: number of the first stanza
	Far  bool         // Data: the receiver may have taken up to more than MaxNear before Seq, or behind it; not on the wire
	Uses codecs.Codec // Data: how the stanzas are coded; on the wire only with Names
	Near [2]uint64    // Data: the latest ids of sender and receiver, as numbers, for a frame that is to be read alone; 0: not known. Not on the wire

	HasMark bool
	Mark    uint32 // the last number that the sender has taken

	Ask   bool // the receiver is to tell its mark now
	Again bool // the sender cannot read what it got: begin a new run behind the mark
}

var (
	// ErrFormat means that the bytes are no frame.
	ErrFormat = errors.New("frame: not a frame")
	// ErrVersion means that the peer speaks another version of the format.
	ErrVersion = errors.New("frame: a version that is not known")
	// ErrCodec means that the peer codes stanzas by a method, or with tables, that are not here.
	ErrCodec = errors.New("frame: coded in a way that is not known")
	// ErrCheck means that names, numbers or history of the ends differ, or that the bytes are damaged. The frame has no effect.
	ErrCheck = errors.New("frame: the check fails")
	// ErrHistory means that the frame needs a history that is not here: stanzas before it are missing.
	ErrHistory = errors.New("frame: stanzas before it are missing")
	// ErrTooLong means a stanza of more than MaxStanza, or a name of more than MaxName.
	ErrTooLong = errors.New("frame: too long")
	// ErrRoom means that the limit leaves no room for a stanza, or a piece of one.
	ErrRoom = errors.New("frame: no room for a stanza")
)
