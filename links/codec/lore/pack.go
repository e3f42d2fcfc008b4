package lore

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of what is unpacked: data comes with the program, but a file of it may come from anywhere.
const (
	maxTexts = 1 << 16 // of each list
	maxText  = 1 << 16 // bytes of one
	maxAll   = 8 << 20 // bytes of all

	maxNumber = 1<<31 - 1
)

// ErrDamaged is wrapped by what Unpack finds wrong.
var ErrDamaged = errors.New("lore: the packed data is damaged")

// Pack writes the data, deflated (RFC 1951): for each list the number of texts, and each text behind its length, as uvarints. The list of stanzas is
// followed by the numbers near each.
func (d Data) Pack(w io.Writer) error {
	z, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	b := appendList(nil, d.Stanzas)
	for i := range d.Stanzas {
		var near [2]uint64
		if i < len(d.Near) {
			near = d.Near[i]
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, near[0]), near[1])
	}
	for _, list := range [][][]byte{d.JIDs, d.Strings, d.Lines} {
		b = appendList(b, list)
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	return z.Close()
}

func appendList(b []byte, list [][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, t := range list {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}

// Unpack reads what Pack wrote.
func Unpack(r io.Reader) (d Data, err error) {
	u := unpacker{r: bufio.NewReader(flate.NewReader(r)), left: maxAll}
	d.Stanzas = u.list()
	for range d.Stanzas {
		d.Near = append(d.Near, [2]uint64{uint64(u.number(maxNumber)), uint64(u.number(maxNumber))})
	}
	d.JIDs, d.Strings, d.Lines = u.list(), u.list(), u.list()
	if u.err == nil {
		if _, err := u.r.ReadByte(); err != io.EOF {
			u.err = errors.New("something stands behind its end")
		}
	}
	if u.err != nil {
		return Data{}, fmt.Errorf("%w: %w", ErrDamaged, u.err)
	}
	return d, nil
}

type unpacker struct {
	r    *bufio.Reader
	left int // bytes of texts that may come
	err  error
}

func (u *unpacker) number(most int) int {
	n, err := binary.ReadUvarint(u.r)
	if err == nil && n > uint64(most) {
		err = fmt.Errorf("%d is more than %d", n, most)
	}
	if err != nil {
		if u.err == nil {
			u.err = err
		}
		return 0
	}
	return int(n)
}

func (u *unpacker) list() (list [][]byte) {
	for n := u.number(maxTexts); n > 0 && u.err == nil; n-- {
		k := u.number(min(maxText, u.left))
		u.left -= k
		t := make([]byte, k)
		if _, err := io.ReadFull(u.r, t); err != nil && u.err == nil {
			u.err = err
		}
		list = append(list, t)
	}
	return list
}
