package spdu_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/links/spdu"
)

func TestLayouts(t *testing.T) {
	ttd := spdu.NewTTD(time.Date(2026, 2, 14, 12, 34, 56, 0, time.UTC)) // day 45
	for _, c := range []struct {
		bytes []byte
		pdu   spdu.PDU
	}{
		{[]byte{0x05, 0x66, 0x4D, 0x58, 0x78, 'h', 'i'}, spdu.PDU{Priority: 5, Source: 6, Dest: 6, HasTTD: true, TTD: ttd, Data: []byte("hi")}},
		{[]byte{0x05, 0x66, 0x00, 'h', 'i'}, spdu.PDU{Priority: 5, Source: 6, Dest: 6, Data: []byte("hi")}},
		{[]byte{0x0f, 0x0d, 0x80}, spdu.PDU{Priority: 15, Dest: 13, Confirm: true, Data: []byte{}}},
		{[]byte{0x10, 0x67, 'h'}, spdu.PDU{Type: spdu.DataConfirm, Source: 6, Dest: 7, Data: []byte("h")}},
		{[]byte{0x21, 0x67, 'h'}, spdu.PDU{Type: spdu.DataFail, Reason: spdu.FailUnbound, Source: 6, Dest: 7, Data: []byte("h")}},
		{[]byte{0x39, 0x66}, spdu.PDU{Type: spdu.LinkRequest, LinkType: 2, LinkPriority: 1, Source: 6, Dest: 6}},
		{[]byte{0x40}, spdu.PDU{Type: spdu.LinkConfirm}},
		{[]byte{0x53}, spdu.PDU{Type: spdu.LinkRejected, Reason: spdu.RejectNotResponding}},
		{[]byte{0x62}, spdu.PDU{Type: spdu.Terminate, Reason: spdu.TerminateHigher}},
		{[]byte{0x70}, spdu.PDU{Type: spdu.TerminateConfirm}},
	} {
		b, err := c.pdu.Append(nil)
		if err != nil || !bytes.Equal(b, c.bytes) {
			t.Errorf("% X %v, want % X", b, err, c.bytes)
		}
		if p, err := spdu.Decode(c.bytes); err != nil || !reflect.DeepEqual(p, c.pdu) {
			t.Errorf("% X: %+v %v", c.bytes, p, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  string
	}{
		{nil, "type at byte 0"}, {[]byte{0x80}, "type 8, type at byte 0: unknown"}, {[]byte{0x05, 0x66}, "header at byte 2: 2 bytes, want 3"},
		{[]byte{0x05, 0x66, 0x40, 1}, "TTD at byte 3"}, {[]byte{0x30}, "header at byte 1"},
	} {
		if _, err := spdu.Decode(c.bytes); !errors.Is(err, spdu.ErrSPDU) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("% X: %v, want %s", c.bytes, err, c.want)
		}
	}
	for _, p := range []spdu.PDU{{Type: 8}, {Priority: 16}, {Source: 16}, {Dest: 16}, {Reason: 16}, {Type: spdu.LinkRequest, LinkType: 4},
		{LinkPriority: 4}, {HasTTD: true, TTD: spdu.TTD{Day: 16}}} {
		if b, err := p.Append([]byte("x")); !errors.Is(err, spdu.ErrSPDU) || string(b) != "x" {
			t.Errorf("%+v: %q %v", p, b, err)
		}
	}
}

func TestTimeToDie(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(2026, 2, 14, 12, 34, 56, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		for _, d := range []time.Duration{2 * time.Second, time.Hour, 24 * time.Hour} {
			if spdu.NewTTD(now.Add(d)).Past(now) {
				t.Errorf("%v and %v: past", now, d)
			}
			if d < 24*time.Hour && !spdu.NewTTD(now.Add(-d)).Past(now) {
				t.Errorf("%v less %v: not past", now, d)
			}
		}
	}
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if spdu.NewTTD(march.Add(14 * 24 * time.Hour)).Past(march) {
		t.Error("two weeks ahead: past")
	}
}

func FuzzSPDU(f *testing.F) {
	for _, b := range [][]byte{{0x05, 0x66, 0x4D, 0x58, 0x78, 'h'}, {0x05, 0x66, 0}, {0x10, 0x66, 'h'}, {0x21, 0x66}, {0x39, 0x66}, {0x40}, {0x53}, {0x62}, {0x70}, {0x80}, {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := spdu.Decode(b)
		if err != nil {
			return
		}
		out, err := p.Append(nil)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if q, err := spdu.Decode(out); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("% X: %+v, then %+v %v", b, p, q, err)
		}
	})
}
