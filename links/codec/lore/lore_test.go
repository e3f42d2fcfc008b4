package lore_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"longwire/links/codec/lore"
	"longwire/links/codec/token"
)

func TestWhatIsPackedIsUnpacked(t *testing.T) {
	for _, d := range []lore.Data{
		{},
		{Stanzas: [][]byte{[]byte("<iq/>"), {}}, Near: [][2]uint64{{1, 0}, {1 << 30, 7}}, JIDs: [][]byte{[]byte("a@b")}, Lines: [][]byte{[]byte("a line\nof two")}},
	} {
		var b bytes.Buffer
		if err := d.Pack(&b); err != nil {
			t.Fatal(err)
		}
		got, err := lore.Unpack(&b)
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%v became %v, %v", d, got, err)
		}
	}
}

func TestShippedStanzasAreCanonical(t *testing.T) {
	d := lore.Shipped()
	if len(d.Stanzas) < 100 || len(d.Lines) < 1000 {
		t.Fatalf("only %d stanzas and %d lines", len(d.Stanzas), len(d.Lines))
	}
	for _, s := range d.Stanzas {
		if c, err := token.Canonical(s); err != nil || !bytes.Equal(c, s) {
			t.Fatalf("%s is not canonical, but %s, %v", s, c, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	d := lore.Data{Stanzas: [][]byte{[]byte("<iq/>")}, Lines: [][]byte{[]byte("a line")}}
	if err := d.Pack(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := lore.Unpack(bytes.NewReader(in))
		if err != nil {
			if !errors.Is(err, lore.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		var b bytes.Buffer
		if err := d.Pack(&b); err != nil {
			t.Fatal(err)
		}
	})
}
