package modem

import (
	"bytes"
	"testing"

	"longwire/links/dts"
)

func packets(tb testing.TB) []packet {
	w, err := Find(300, dts.LongInterleaver)
	if err != nil {
		tb.Fatal(err)
	}
	return []packet{
		{kind: helloPacket, version: etherVersion, text: "hq"},
		{kind: keyedPacket, id: 7, at: 5e9},
		{kind: amendedPacket, id: 7, text: "too late"},
		{kind: amendPacket, id: 7, from: 300, bits: []byte("tail")},
		{kind: welcomePacket, version: etherVersion, epoch: 1e18, scale: 100, at: 5e9},
		{kind: refusePacket, text: "no"},
		{kind: sendPacket, id: 7, at: 1e9, wave: w, bits: []byte{0x90, 0xEB}},
		{kind: breakPacket, id: 7},
		{kind: sentPacket, id: 7, text: "broken off"},
		{kind: eventPacket, event: Data, at: 3e9, start: 2e9, wave: w, bits: []byte{1, 2, 3}},
		{kind: eventPacket, event: CarrierOff, at: 3e9},
	}
}

func TestPacketsThereAndBack(t *testing.T) {
	for _, p := range packets(t) {
		b := p.append(nil)
		got, err := readPacket(bytes.NewReader(b))
		if err != nil || !bytes.Equal(got.append(nil), b) {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
		for n := range len(b) - 5 {
			// Only bits may end anywhere.
			if got, err := parsePacket(b[4 : 5+n]); err == nil && n < len(b)-5-len(p.bits) {
				t.Errorf("%+v cut to %d bytes is %+v", p, n, got)
			}
		}
	}
}

func FuzzPacket(f *testing.F) {
	for _, p := range packets(f) {
		f.Add(p.append(nil)[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePacket(b)
		if err != nil || p.kind == helloPacket && p.version != etherVersion {
			return
		}
		again := p.append(nil)[4:]
		if !bytes.Equal(again, b) {
			t.Errorf("% X\nbecame % X", b, again)
		}
	})
}
