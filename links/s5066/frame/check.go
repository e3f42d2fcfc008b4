package frame

import (
	"encoding/binary"
	"hash/crc32"

	"longwire/links/codecs"
)

// sum makes the check. What is told of by no byte of the header is in it too, so that ends which do not mean the same do not
// understand each other by accident: whole numbers, names, and how the stanzas are coded.
func (h *Header) sum(raw bool, part uint64, texts ...[]byte) uint16 {
	b := make([]byte, 0, 160)
	full := *h
	full.Names = true
	if !h.Names {
		full.Reads = [4]codecs.Codec{}
		if raw {
			full.Uses = codecs.Codec{} // it needs none
		}
		if !h.HasMark {
			full.In = "" // what says nothing of the receiver's stream is for whoever the receiver is by now: two frames go before its first word
		}
	}
	b = full.appendFull(b, raw, part)
	b = binary.LittleEndian.AppendUint16(b, h.flags(raw))
	c := crc32.Checksum(b, castagnoli)
	for _, t := range texts {
		// The length keeps stanzas apart that could be cut in two ways.
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(t)))
		c = crc32.Update(crc32.Update(c, castagnoli, n[:]), castagnoli, t)
	}
	return uint16(c>>16) ^ uint16(c)
}

// agrees tells whether the check of f is that sum; of a settled frame, its lower 14 bits are there.
func (f *Frame) agrees(sum uint16) bool {
	if f.bits == nearBits {
		return sum&checkMask == f.check
	}
	return sum == f.check
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
