package block

import (
	"bufio"
	"errors"
	"io"
	"slices"

	"longwire/links/codecs"
)

// Magic is the first byte of a stream of blocks. XML begins with '<', a blank or 0xEF (UTF-8 mark); zlib with the lower half 8; TLS with 0x16.
const Magic = 0xCB

// version of the format of blocks; the codec's own is in its ID.
const version = 0

// maxAlso is how many further codecs a preface has room for.
const maxAlso = 7

// ErrVersion means that the peer speaks a later version of the format. Preface says no more then.
var ErrVersion = errors.New("block: a version that is not known")

// A Preface tells by what the blocks behind it are coded.
type Preface struct {
	codecs.Codec
	// Also are the beginnings of the IDs of other codecs that the writer can read.
	Also [][2]byte
}

// Append writes the preface.
func (p Preface) Append(b []byte) []byte {
	also := p.Also[:min(len(p.Also), maxAlso)]
	b = append(b, Magic, version<<5|byte(p.Kind)&3<<3|byte(len(also)))
	b = append(b, p.ID[:]...)
	for _, a := range also {
		b = append(b, a[:]...)
	}
	return b
}

// Reads tells whether the writer of the preface can read what is coded by c, as far as two bytes tell.
func (p *Preface) Reads(c codecs.Codec) bool {
	return p.Codec == c || slices.Contains(p.Also, [2]byte(c.ID[:2]))
}

// ReadPreface reads a preface, of which Magic is the first byte.
func ReadPreface(r *bufio.Reader) (p Preface, err error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return p, short(err)
	}
	if b[0] != Magic {
		return p, ErrGarbled
	}
	if b[1]>>5 != version {
		return p, ErrVersion
	}
	p.Kind = codecs.Kind(b[1] >> 3 & 3)
	_, err = io.ReadFull(r, p.ID[:])
	for n := b[1] & 7; n > 0 && err == nil; n-- {
		var a [2]byte
		_, err = io.ReadFull(r, a[:])
		p.Also = append(p.Also, a)
	}
	return p, short(err)
}

// short makes the end of the source one that is in the middle of something.
func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
