package cas_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"longwire/links/cas"
)

func TestCPDUs(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		cpdu  cas.CPDU
	}{
		{[]byte{0x00, 0x05, 0x66, 0x00}, cas.CPDU{Type: cas.Data, SPDU: []byte{0x05, 0x66, 0x00}}},
		{[]byte{0x10}, cas.CPDU{Type: cas.Request}},
		{[]byte{0x11}, cas.CPDU{Type: cas.Request, Exclusive: true}},
		{[]byte{0x20}, cas.CPDU{Type: cas.Accepted}},
		{[]byte{0x33}, cas.CPDU{Type: cas.Rejected, Reject: cas.RejectExclusive}},
		{[]byte{0x41}, cas.CPDU{Type: cas.Break, Break: cas.BreakRequested}},
		{[]byte{0x50}, cas.CPDU{Type: cas.BreakConfirm}},
	} {
		if b := c.cpdu.Append(nil); !bytes.Equal(b, c.bytes) {
			t.Errorf("%v: % X, want % X", c.cpdu.Type, b, c.bytes)
		}
		if back, err := cas.Decode(c.bytes); err != nil || !reflect.DeepEqual(back, c.cpdu) {
			t.Errorf("% X: %+v %v", c.bytes, back, err)
		}
	}
	for _, b := range [][]byte{nil, {0x60}, {0xff, 1}} {
		if _, err := cas.Decode(b); !errors.Is(err, cas.ErrCPDU) {
			t.Errorf("% X: %v", b, err)
		}
	}
	// Spare bits and bytes are for later editions.
	if c, err := cas.Decode([]byte{0x1e, 7}); err != nil || c.Type != cas.Request || c.Exclusive {
		t.Errorf("%+v %v", c, err)
	}
}

func FuzzCPDU(f *testing.F) {
	for _, b := range [][]byte{{0x00, 0x05}, {0x10}, {0x11}, {0x20}, {0x33}, {0x4f}, {0x50}, {0x60}, {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := cas.Decode(b)
		if err != nil {
			return
		}
		again, err := cas.Decode(c.Append(nil))
		if err != nil || again.Type != c.Type || again.Exclusive != c.Exclusive || again.Reject != c.Reject || again.Break != c.Break || !bytes.Equal(again.SPDU, c.SPDU) {
			t.Fatalf("% X: %+v, then %+v %v", b, c, again, err)
		}
	})
}
