// Package frame is the format of the longwire mapping: what two Longwire nodes put into the U_PDUs between them.
//
// A frame is one U_PDU. Its header holds only what cannot be derived, and its stanzas are coded against all that both ends
// know to have gone before them. The package does no I/O and keeps nothing on flash; numbers and names are the caller's.
//
//	byte 0   flags
//	names    Names: version, length and bytes of Out, length and bytes of In
//	seq      Data: low byte of the number of the first stanza; with names the whole number as a uvarint
//	mark     HasMark: low byte of the last number taken; with names the whole number as a uvarint
//	part     Part, Last: which piece it is, from 0, as a uvarint
//	check    16 bits over both names, the whole numbers, the flags and the plain text; without names and mark, In counts as empty
//	body     Data: the coded stanzas, or a piece of them
package frame

import "errors"

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
)

// A Header is what a frame says beside its stanzas. Out and In always hold the names, as the check is made over them; they are
// on the wire only with Names.
type Header struct {
	Names bool   // Out and In are in the frame, and numbers in full
	Out   string // the sender's name for its numbering
	In    string // the numbering of the receiver as the sender knows it; empty when it knows none

	Data Data
	Run  bool   // Data: history begins with this frame
	Seq  uint32 // Data: number of the first stanza

	HasMark bool
	Mark    uint32 // the last number that the sender has taken

	Ask   bool // the receiver is to tell its mark now
	Again bool // the sender cannot read what it got: begin a new run behind the mark
}

var (
	// ErrFormat means that the bytes are no frame.
	ErrFormat = errors.New("frame: not a frame")
	// ErrVersion means that the peer speaks a later version of the format.
	ErrVersion = errors.New("frame: a version that is not known")
	// ErrCheck means that names, numbers or history of the ends differ, or that the bytes are damaged. The frame has no effect.
	ErrCheck = errors.New("frame: the check fails")
	// ErrHistory means that the frame needs a history that is not here: stanzas before it are missing.
	ErrHistory = errors.New("frame: stanzas before it are missing")
	// ErrTooLong means a stanza of more than MaxStanza, or a name of more than MaxName.
	ErrTooLong = errors.New("frame: too long")
	// ErrRoom means that the limit leaves no room for a stanza, or a piece of one.
	ErrRoom = errors.New("frame: no room for a stanza")
)
