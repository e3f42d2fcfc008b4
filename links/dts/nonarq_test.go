package dts_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"longwire/links/dts"
)

// part is a segment of a C_PDU of B.
func part(id uint16, size, offset int, window uint16, s string) dts.PDU {
	return dts.PDU{Type: dts.NonARQ, Part: dts.Part{ID: id, Size: uint16(size), Offset: uint16(offset), Window: window}, Segment: []byte(s)}
}

func damaged(p dts.PDU) dts.PDU { p.Damaged = true; return p }
func ordered(p dts.PDU) dts.PDU { p.Part.InOrder = true; return p }

func TestAnyMixOfCopiesMakesACPDU(t *testing.T) {
	h := newHand(t, dts.Config{})
	h.hear(part(1, 6, 0, 20, "ab"), damaged(part(1, 6, 2, 20, "XX")), part(1, 6, 4, 20, "ef"))
	h.expectEvents()
	h.hear(part(1, 6, 1, 20, "bcd"), part(1, 6, 0, 20, "ab"), part(1, 6, 4, 20, "ef"))
	h.expectEvents(`non-ARQ "abcdef"`)
	h.now = h.now.Add(time.Hour)
	h.Tick(h.now)
	h.expectEvents()
}

func TestGapsAreMarkedWhenTheWindowEnds(t *testing.T) {
	h := newHand(t, dts.Config{})
	h.hear(part(1, 10, 0, 4, "ab"), damaged(part(1, 10, 4, 4, "EF")), part(1, 10, 5, 4, "f"))
	h.expectEvents()
	h.now = h.now.Add(10 * time.Second)
	h.Tick(h.now)
	h.expectEvents(`non-ARQ "ab\x00\x00Ef\x00\x00\x00\x00" errored [{4 1}] missing [{2 2} {6 4}]`)
}

func TestWindowCountsFromTheStartOfItsPDU(t *testing.T) {
	h := newHand(t, dts.Config{})
	p := part(1, 2, 0, 6, "a")
	h.Receive(h.now, h.now.Add(-2*time.Second), &p)
	if p.From != 0 {
		t.Fatal("not from nobody")
	}
	p.From, p.To = nodeB, nodeA
	h.Receive(h.now, h.now.Add(-2*time.Second), &p)
	// 3 s from the start, and what the decoder may need: 1 s and two blocks.
	if d := h.Deadline(); d.IsZero() || d.Sub(h.now) > 1300*time.Millisecond+2*time.Second {
		t.Errorf("%v", d.Sub(h.now))
	}
}

func TestAnotherSizeUnderTheSameNumberStartsOver(t *testing.T) {
	h := newHand(t, dts.Config{})
	h.hear(part(1, 4, 0, 20, "ab"), part(1, 3, 0, 20, "c"), part(1, 3, 1, 20, "de"))
	h.expectEvents(`non-ARQ "cde"`)
}

func TestNonARQOrder(t *testing.T) {
	h := newHand(t, dts.Config{})
	// 4095 lacks a part; 0 and 1 wait for it, 2 does not want to.
	h.hear(ordered(part(4095, 2, 0, 20, "a")), ordered(part(0, 1, 0, 20, "b")), ordered(part(1, 1, 0, 40, "c")), part(2, 1, 0, 20, "d"))
	h.expectEvents(`non-ARQ "d"`)
	h.hear(ordered(part(4095, 2, 1, 20, "z")))
	h.expectEvents(`non-ARQ "az"`, `non-ARQ "b"`, `non-ARQ "c"`)
	h.hear(ordered(part(10, 2, 0, 4, "a")), ordered(part(11, 1, 0, 40, "b")))
	h.now = h.now.Add(8 * time.Second)
	h.Tick(h.now)
	h.expectEvents(`non-ARQ "a\x00" errored [] missing [{1 1}]`, `non-ARQ "b"`)
}

func TestNonARQNumbersAndCopies(t *testing.T) {
	h := newHand(t, dts.Config{Segment: 4, Copies: -1})
	id := h.send(dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, CPDU: []byte("abcdef"), Repeats: 1})
	h.send(dts.Request{Service: dts.ServiceExpeditedNonARQ, CPDU: []byte("x")})
	h.send(dts.Request{Service: dts.ServiceNonARQ, CPDU: []byte("y")})
	pdus := h.turn(time.Hour)
	var got []string
	for i, p := range pdus {
		got = append(got, words(p))
		end := 0
		for _, q := range pdus[i:] {
			end += q.Len()
		}
		if w := int(p.Part.Window); w == 0 || p.EOT == 0 || i > 0 && p.EOT > pdus[i-1].EOT {
			t.Errorf("%d: window %d, EOT %d", i, w, p.EOT)
		}
	}
	// A C_PDU of 6 bytes is not cut in two of 4 and 2 unless the size is set by hand.
	want := []string{
		"EXP NON-ARQ DATA id 0 0+1 of 1",
		"NON-ARQ DATA id 0 0+6 of 6 to 31.255.255.255", "NON-ARQ DATA id 0 0+6 of 6 to 31.255.255.255",
		"NON-ARQ DATA id 1 0+1 of 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if told := h.told(); !slices.Contains(told, fmt.Sprintf("Sent{ID:%d Peer:31.255.255.255}", id)) || len(told) != 3 {
		t.Errorf("%q", told)
	}
	if h.Queued() != 0 {
		t.Errorf("%d bytes are left", h.Queued())
	}
}

func TestLongBroadcastGoesOnInLaterTransmissions(t *testing.T) {
	x := newNet(t, 3, 1, dts.Config{Timing: short(75)})
	cpdu := bytes.Repeat([]byte("0123456789"), 300)
	x.send(0, 0, dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, CPDU: cpdu, Repeats: 1})
	got := 0
	x.on = func(i int, e dts.Event) {
		if d, ok := e.(dts.Delivery); ok {
			if !bytes.Equal(d.CPDU, cpdu) || !d.Good() || d.To != dts.Broadcast {
				t.Errorf("station %d: %d bytes", i, len(d.CPDU))
			}
			got++
		}
	}
	x.Run(t, 3*time.Hour, nil)
	if got != 2 || x.Transmissions < 6 {
		t.Errorf("%d deliveries, %d transmissions", got, x.Transmissions)
	}
}

func TestBroadcastExpires(t *testing.T) {
	h := newHand(t, dts.Config{})
	h.Mute(h.now, true)
	h.send(dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, CPDU: []byte("x"), Expires: h.now.Add(time.Minute)})
	h.expect("")
	h.expectEvents("Failed{ID:1 Peer:31.255.255.255 Err:dts: time to live is over}")
}

// nonARQCase sends C_PDUs over a bad channel and looks at what is told to be good.
func nonARQCase(t *testing.T, seed uint64) (good, marked int) {
	r := rand.New(rand.NewPCG(seed, 6))
	x := newNet(t, 2+r.IntN(2), seed, dts.Config{Timing: short(1200), Segment: 1 + r.IntN(60)})
	bad := r.Float64()
	x.Miss = bad * 0.1
	x.Mangle = bursty(r, bad*0.3, bad*0.2, bad*0.5, 0.1)
	sent := map[string]bool{}
	last := map[string]int{} // number of the last good one in order, of each receiver and sender
	seen := map[string]bool{}
	x.on = func(i int, e dts.Event) {
		d, ok := e.(dts.Delivery)
		if !ok {
			return
		}
		var from, number int
		var kind string
		if !d.Good() {
			marked++
			bytesMarked := 0
			for _, b := range append(slices.Clone(d.Errored), d.Missing...) {
				bytesMarked += b.Size
				for k := range b.Size {
					d.CPDU[b.Offset+k] = '?'
				}
			}
			// What is not marked must be as it was sent.
			for s := range sent {
				if len(s) == len(d.CPDU) && differ(s, d.CPDU) == 0 {
					return
				}
			}
			t.Fatalf("seed %d: %d bytes marked, the rest of %q was never sent", seed, bytesMarked, d.CPDU)
		}
		good++
		if !sent[string(d.CPDU)] {
			t.Fatalf("seed %d: %q was never sent", seed, d.CPDU)
		}
		key := fmt.Sprint(i, " ", string(d.CPDU))
		if seen[key] {
			t.Fatalf("seed %d: %q came twice", seed, d.CPDU)
		}
		seen[key] = true
		fmt.Sscanf(string(d.CPDU), "%d %s %d", &from, &kind, &number)
		if kind[0] == 'o' {
			key := fmt.Sprint(i, from, kind, d.To)
			if number <= last[key] {
				t.Fatalf("seed %d: number %d after %d", seed, number, last[key])
			}
			last[key] = number
		}
	}
	for k := range 1 + r.IntN(10) {
		from := r.IntN(len(x.stations))
		req := dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, Repeats: r.IntN(4)}
		if r.IntN(2) == 0 {
			req.To = address((from + 1) % len(x.stations))
		}
		kind := "ordered"
		if r.IntN(3) == 0 {
			kind, req.Unordered = "any", true
		}
		if r.IntN(4) == 0 {
			kind, req.Service = kind+"x", dts.ServiceExpeditedNonARQ
		}
		text := fmt.Sprintf("%d %s %d %d ", from, kind, k+1, r.Uint64())
		for range r.IntN(300) {
			text += string(rune('a' + r.IntN(26)))
		}
		req.CPDU = []byte(text)
		sent[text] = true
		x.send(from, 0, req)
		x.Run(t, time.Duration(r.IntN(20))*time.Second, nil)
	}
	x.Run(t, 24*time.Hour, nil)
	for i, s := range x.stations {
		if s.Queued() > 0 {
			t.Fatalf("seed %d: station %d keeps %d bytes", seed, i, s.Queued())
		}
	}
	return good, marked
}

// differ counts the bytes that are neither equal nor marked.
func differ(s string, b []byte) (n int) {
	for i := range b {
		if b[i] != s[i] && b[i] != '?' {
			n++
		}
	}
	return n
}

func TestNonARQNeverDeliversCorruptDataAsGood(t *testing.T) {
	good, marked := 0, 0
	for seed := range uint64(cases) {
		g, m := nonARQCase(t, seed)
		good, marked = good+g, marked+m
	}
	if good < cases || marked < cases/2 {
		t.Errorf("only %d good and %d marked", good, marked)
	}
}
