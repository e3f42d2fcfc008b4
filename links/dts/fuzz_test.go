package dts_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"longwire/links/dts"
)

// FuzzDecode reads anything, writes what was read, and expects to read the same again.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors() {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, n, err := dts.Decode(b)
		if err != nil {
			var e *dts.Error
			if !errors.As(err, &e) || e.Field == "" || e.Offset > len(b) || n > len(b) {
				t.Fatalf("%d of %d bytes: %v", n, len(b), err)
			}
			return
		}
		if n > len(b) || n > dts.MaxPDU {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		if p.Type.Reserved() {
			return
		}
		again, err := p.Append(nil)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", p, err)
		}
		back, _, err := dts.Decode(again)
		p.Damaged = false
		if err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("%v\n%+v, want\n%+v", err, back, p)
		}
	})
}

// FuzzHeader gives the decoder headers whose check is right.
func FuzzHeader(f *testing.F) {
	for _, v := range vectors() {
		b := unhex(f, v.hex)
		f.Add(b[2:b[5]&0x1f+b[5]>>5], b[len(b)-4:])
	}
	f.Fuzz(func(t *testing.T, header, rest []byte) {
		if len(header) > 40 {
			return
		}
		b := append(seal(append([]byte{0x90, 0xEB}, header...)), rest...)
		p, n, err := dts.Decode(b)
		found := scan(b, 5)
		if err == nil && (len(found) == 0 || !bytes.Equal(found[0].Raw, b[:n]) || found[0].PDU.Damaged != p.Damaged) {
			t.Fatalf("decoded %+v, found %+v", p, found)
		}
	})
}

// FuzzScanner hides a D_PDU in anything. It is found unless something else that checks out covers it.
func FuzzScanner(f *testing.F) {
	pdu := unhex(f, vectors()[0].hex)
	f.Add([]byte{0x90}, []byte{0xEB}, uint8(3), uint8(5))
	f.Add(pdu[:20], pdu[20:], uint8(0), uint8(1))
	f.Add([]byte{}, []byte{}, uint8(7), uint8(200))
	f.Fuzz(func(t *testing.T, before, after []byte, shift, portion uint8) {
		stream := append(append(bytes.Clone(before), pdu...), after...)
		found := scan(shifted(stream, int(shift%8), shift), 1+int(portion))
		at := int64(8*len(before)) + int64(shift%8)
		last := int64(-1)
		for _, x := range found {
			if x.Bit <= last {
				t.Fatalf("found at %d after %d", x.Bit, last)
			}
			last = x.Bit
			if x.Bit <= at && (x.Bit == at || x.Fault != nil || !x.PDU.Damaged) && x.Bit+int64(8*len(x.Raw)) > at {
				return
			}
		}
		t.Fatalf("not found at %d: %+v", at, found)
	})
}
