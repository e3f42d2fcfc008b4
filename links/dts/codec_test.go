package dts_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"longwire/links/dts"
)

func TestVectorsBothWays(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.hex)
			got, err := v.pdu.Append(nil)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("encoded, %v\n% X, want\n% X", err, got, want)
			}
			if v.pdu.Len() != len(want) {
				t.Errorf("Len %d, want %d", v.pdu.Len(), len(want))
			}
			p, n, err := dts.Decode(want)
			if err != nil || n != len(want) || !reflect.DeepEqual(p, v.pdu) {
				t.Errorf("decoded %d bytes, %v\n%+v, want\n%+v", n, err, p, v.pdu)
			}
		})
	}
}

func TestHeadersHeardOnTheAir(t *testing.T) {
	// Two prefixes of D_PDUs in a published capture, whose checks were not published.
	for _, c := range []struct {
		hex  string
		size int
		want dts.PDU
	}{
		{"90 EB 04 F6 3C E9 10 50 56 91 01 01 65 48 BA 85", 186, dts.PDU{EOW: dts.CapabilityEOW(0xF6), EOT: 60, Frame: dts.Frame{End: true, UWE: true, FSN: 0x85}}},
		{"90 EB 04 F6 3B E9 10 50 56 91 01 01 65 08 C8 87", 200, dts.PDU{EOW: dts.CapabilityEOW(0xF6), EOT: 59, Frame: dts.Frame{UWE: true, FSN: 0x87}}},
	} {
		c.want.AddrSize, c.want.To, c.want.From, c.want.Segment = 7, 0x1050569, 0x1010165, make([]byte, c.size)
		b, err := c.want.Append(nil)
		if prefix := unhex(t, c.hex); err != nil || !bytes.HasPrefix(b, prefix) {
			t.Errorf("%v\n% X, want\n% X", err, b[:16], prefix)
		}
	}
}

func TestChecks(t *testing.T) {
	if crc := dts.HeaderCRC([]byte("123456789")); crc != 0x7D01 {
		t.Errorf("header check %#x", crc)
	}
	if crc := dts.SegmentCRC([]byte("123456789")); crc != 0x6738A384 {
		t.Errorf("segment check %#x", crc)
	}
	if crc := dts.SegmentCRC(unhex(t, "F0 00 00 47 05 64 02")); crc != 0xF4178F95 {
		t.Errorf("segment check of the standard's vector %#x", crc)
	}
}

func TestAddresses(t *testing.T) {
	for s, want := range map[string]dts.Address{"1.1.0.1": nodeA, "0.0.0.5": 5, "15.255.255.255": 0xfffffff, "16.0.0.0": 1 << 28, "31.255.255.255": dts.Broadcast} {
		a, err := dts.ParseAddress(s)
		if err != nil || a != want || a.String() != s || a.Group() != (a >= 1<<28) {
			t.Errorf("%s: %v %v", s, a, err)
		}
	}
	for _, s := range []string{"", "1.1.1", "1.1.1.1.1", "32.0.0.0", "1.256.0.0", "1.-1.0.0", "a.b.c.d", "1.1.1."} {
		if a, err := dts.ParseAddress(s); err == nil {
			t.Errorf("%q read as %v", s, a)
		}
	}
}

// random makes a D_PDU any sender may send.
func random(r *rand.Rand) dts.PDU {
	types := []dts.Type{0, 1, 2, 3, 4, 5, 6, 7, 8, 15}
	flag := func() bool { return r.IntN(2) == 0 }
	m := uint8(1 + r.IntN(7))
	p := dts.PDU{
		Type: types[r.IntN(len(types))], EOW: dts.EOW(r.IntN(1 << 12)), EOT: uint8(r.Uint32()), AddrSize: m,
		To: dts.Address(r.IntN(1 << (4 * m))), From: dts.Address(r.IntN(1 << (4 * m))),
	}
	segment := func(most int) {
		p.Segment = make([]byte, r.IntN(most+1))
		for i := range p.Segment {
			p.Segment[i] = byte(r.Uint32())
		}
	}
	acks := func() {
		p.Acks.LWE, p.Acks.Size = uint8(r.Uint32()), uint8(r.IntN(17))
		for i := range p.Acks.Size {
			p.Acks.Bits[i] = byte(r.Uint32())
		}
	}
	switch p.Type {
	case dts.DataOnly, dts.DataAck:
		p.Frame = dts.Frame{Start: flag(), End: flag(), InOrder: flag(), UWE: flag(), LWE: flag(), FSN: uint8(r.Uint32())}
		segment(60)
		if r.IntN(20) == 0 {
			p.Frame.Drop, p.Segment = true, []byte{}
		}
		if p.Type == dts.DataAck {
			acks()
		}
	case dts.AckOnly, dts.ExpAck:
		acks()
	case dts.Reset:
		p.Resync = dts.Resync{Full: flag(), Request: flag(), Window: flag(), Ack: true, LWE: uint8(r.Uint32()), ID: uint8(r.Uint32())}
	case dts.ExpData:
		p.Frame = dts.Frame{Start: flag(), End: flag(), ID: uint8(r.IntN(16)), FSN: uint8(r.Uint32())}
		segment(1023)
	case dts.Management:
		p.Message = dts.Message{Valid: flag(), Ack: flag(), ID: uint8(r.Uint32())}
		if n := r.IntN(24); n > 0 {
			p.Message.Extended = make([]byte, n)
		}
	case dts.NonARQ, dts.ExpNonARQ:
		segment(100)
		p.Part = dts.Part{ID: uint16(r.IntN(4096)), InOrder: flag(), Offset: uint16(r.IntN(1000)), Window: uint16(r.Uint32())}
		p.Part.Size = p.Part.Offset + uint16(len(p.Segment)+r.IntN(500))
		if flag() {
			p.To |= 1 << 28
		}
	case dts.WarningType:
		p.Warning = dts.Warning{Type: dts.Type(r.IntN(16)), Reason: dts.WarningReason(r.IntN(16))}
	}
	return p
}

func encode(tb testing.TB, p dts.PDU) []byte {
	tb.Helper()
	b, err := p.Append(nil)
	if err != nil {
		tb.Fatalf("%+v: %v", p, err)
	}
	return b
}

func TestAnyPDUComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		p := random(r)
		b := encode(t, p)
		back, n, err := dts.Decode(append(b, 0xAA))
		if err != nil || n != len(b) || !reflect.DeepEqual(back, p) {
			t.Fatalf("%v\n%+v, want\n%+v", err, back, p)
		}
	}
}

func TestTruncationAsksForMore(t *testing.T) {
	for _, v := range vectors() {
		b := unhex(t, v.hex)
		for n := range b {
			if _, _, err := dts.Decode(b[:n:n]); !errors.Is(err, dts.ErrShort) {
				t.Errorf("%s cut at %d: %v", v.name, n, err)
			}
		}
	}
}

func TestAnyFlippedBitIsCaught(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	pdus := vectors()
	for range 200 {
		pdus = append(pdus, vector{name: "random", pdu: random(r)})
	}
	for _, v := range pdus {
		good := encode(t, v.pdu)
		header := len(good)
		if v.pdu.Segment != nil {
			header -= len(v.pdu.Segment) + 4
		}
		for i := range 8 * len(good) {
			b := bytes.Clone(good)
			b[i/8] ^= 1 << (i % 8)
			p, _, err := dts.Decode(b)
			switch {
			case i/8 >= header:
				if err != nil || !p.Damaged {
					t.Fatalf("%s, bit %d in the segment: %v", v.name, i, err)
				}
			case !errors.Is(err, dts.ErrNoise) && !errors.Is(err, dts.ErrShort):
				t.Fatalf("%s, bit %d in the header: %v", v.name, i, err)
			}
		}
	}
}

func TestEncoderRefusesWhatHasNoRoom(t *testing.T) {
	for _, c := range []struct {
		pdu   dts.PDU
		field string
	}{
		{dts.PDU{Type: 9}, "type at byte 2"},
		{dts.PDU{Type: 16}, "type at byte 2"},
		{dts.PDU{EOW: 0x1000}, "EOW at byte 2"},
		{dts.PDU{AddrSize: 8}, "address size at byte 5"},
		{dts.PDU{AddrSize: 1, To: 0x10}, "destination at byte 6: 0.0.0.16 does not fit 1 nibbles"},
		{dts.PDU{AddrSize: 1, From: 0x10}, "source at byte 6"},
		{dts.PDU{From: dts.Broadcast}, "source at byte 6"},
		{dts.PDU{To: dts.Broadcast}, "DATA-ONLY, destination at byte 6: 31.255.255.255 is a group"},
		{dts.PDU{To: 1 << 30}, "destination at byte 6"},
		{dts.PDU{Segment: make([]byte, 1024)}, "segment size at byte 13: 1024 is more than 1023"},
		{dts.PDU{Type: dts.AckOnly, Segment: make([]byte, 1)}, "segment at byte"},
		{dts.PDU{Frame: dts.Frame{Drop: true}, Segment: make([]byte, 1)}, "DROP C_PDU with 1 bytes"},
		{dts.PDU{Type: dts.ExpData, Frame: dts.Frame{ID: 16}}, "C_PDU id at byte 13"},
		{dts.PDU{Type: dts.AckOnly, Acks: dts.Acks{Size: 17}}, "acks at byte 13"},
		{dts.PDU{Type: dts.Reset}, "reset flags"},
		{dts.PDU{Type: dts.Management, Message: dts.Message{Extended: make([]byte, 24)}}, "extended message at byte 15"},
		{dts.PDU{Type: dts.NonARQ, Part: dts.Part{ID: 4096}}, "C_PDU id"},
		{dts.PDU{Type: dts.NonARQ, Part: dts.Part{Size: 4, Offset: 3}, Segment: make([]byte, 2)}, "offset at byte 18: 3 and 2 bytes are beyond C_PDU size 4"},
		{dts.PDU{Type: dts.WarningType, Warning: dts.Warning{Reason: 16}}, "warning"},
	} {
		b, err := c.pdu.Append([]byte("x"))
		if !errors.Is(err, dts.ErrFault) || !strings.Contains(err.Error(), c.field) || string(b) != "x" {
			t.Errorf("%+v: %q %v, want %s", c.pdu, b, err, c.field)
		}
	}
}

// seal puts the right header check on bytes that begin with the synchronisation sequence.
func seal(b []byte) []byte {
	crc := dts.HeaderCRC(b[2:])
	return append(b, byte(crc), byte(crc>>8))
}

func TestDecoderNamesFieldAndOffset(t *testing.T) {
	for name, c := range map[string]struct {
		hex, want string
		kind      error
	}{
		"not a D_PDU":       {"90 EC", "dts: DATA-ONLY, synchronisation at byte 0: not 90 EB", dts.ErrNoise},
		"no addresses":      {"90 EB 00 00 00 09", "sizes at byte 5", dts.ErrNoise},
		"header too small":  {"90 EB 00 00 00 E5", "sizes at byte 5", dts.ErrNoise},
		"ack with 4 bytes":  {"90 EB 00 00 00 EA 10 10 00 21 01 00 01 00 00 00 00", "header size at byte 5: 4 type-specific bytes, want 3 to 3", dts.ErrFault},
		"17 ack bytes":      {"90 EB 10 00 00 F8 10 10 00 21 01 00 01 00" + strings.Repeat("01", 17), "header size at byte 5: 18 type-specific bytes, want 1 to 17", dts.ErrFault},
		"drop with data":    {"90 EB 00 00 00 E9 10 10 00 21 01 00 01 10 01 00", "segment size at byte 13: DROP C_PDU with 1 bytes", dts.ErrFault},
		"reset of nothing":  {"90 EB 30 00 00 E9 10 10 00 21 01 00 01 00 00 00", "reset flags at byte 13", dts.ErrFault},
		"offset too far":    {"90 EB 70 00 04 EF FF FF FF F1 01 00 01 1C 0B 23 00 0B 00 01 00 08", "offset at byte 18: 1 and 11 bytes are beyond C_PDU size 11", dts.ErrFault},
		"extended, no flag": {"90 EB 60 00 01 E9 10 10 00 21 01 00 01 01 01 07", "extended message at byte 13: flag false, 1 bytes", dts.ErrFault},
		"flag, none":        {"90 EB 60 00 01 E8 10 10 00 21 01 00 01 05 01", "extended message at byte 13: flag true, 0 bytes", dts.ErrFault},
	} {
		t.Run(name, func(t *testing.T) {
			p, n, err := dts.Decode(seal(unhex(t, c.hex)))
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if c.kind == dts.ErrFault && (n == 0 || p.AddrSize != 7) {
				t.Errorf("%d bytes, %+v", n, p)
			}
		})
	}
}

func TestReservedTypeIsReadAsFarAsItGoes(t *testing.T) {
	p, n, err := dts.Decode(seal(unhex(t, "90 EB D0 00 07 E9 10 10 00 21 01 00 01 01 02 03")))
	if err != nil || n != 18 || p.Type != 13 || !p.Type.Reserved() || p.EOT != 7 || p.From != nodeA {
		t.Errorf("%+v %d %v", p, n, err)
	}
}

func TestOrderwire(t *testing.T) {
	for _, bits := range []int{75, 150, 300, 600, 1200, 2400, 3200, 3600, 4800, 6400, 8000, 9600} {
		r := dts.Rate{Bits: bits, Interleaver: dts.LongInterleaver, Both: true}
		e, ok := r.EOW()
		back, ok2 := e.Rate()
		if !ok || !ok2 || back != r || e.Type() != dts.EOWRateRequest {
			t.Errorf("%d: %v %+v", bits, e, back)
		}
	}
	if _, ok := (dts.Rate{Bits: 50}).EOW(); ok {
		t.Error("50 bit/s has a code")
	}
	for _, e := range []dts.EOW{0x1C0, 0x10C, 0x2C0, 0} {
		if r, ok := e.Rate(); ok {
			t.Errorf("%v is %+v", e, r)
		}
	}
	h := dts.HDRRequest{Waveform: 3, Channels: 8, Bits: 12800, Interleaver: 8610e6}
	if back, ok := func() (dts.HDRRequest, bool) { e, x := h.Message(); return e.HDRRequest(x) }(); !ok || back != h {
		t.Errorf("%+v", back)
	}
	if _, ok := dts.EOW(0x719).HDRRequest([]byte{1}); ok {
		t.Error("a short HDR request was read")
	}
	if r, why, ok := dts.ResponseEOW(dts.RateRefuse, dts.RefuseAny).Response(); r != dts.RateRefuse || why != dts.RefuseAny || !ok {
		t.Error(r, why, ok)
	}
	if dts.UnrecognisedEOW(9) != 0x309 {
		t.Error(dts.UnrecognisedEOW(9))
	}
}
