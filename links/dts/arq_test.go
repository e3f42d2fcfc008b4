package dts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

func TestSegmentsOfACPDU(t *testing.T) {
	// The standard's example: 2080 bytes in segments of 200 are 11 frames, the last of 80; the next C_PDU goes on with frame 11.
	h := connected(t, dts.Config{Segment: 200})
	h.send(dts.Request{CPDU: make([]byte, 2080)})
	h.text("next")
	pdus := h.turn(time.Hour)
	if len(pdus) < 12 {
		t.Fatalf("%d D_PDUs", len(pdus))
	}
	for i, p := range pdus[:12] {
		size := 200
		switch i {
		case 10:
			size = 80
		case 11:
			size = 4
		}
		f := p.Frame
		if int(f.FSN) != i || len(p.Segment) != size || f.Start != (i == 0 || i == 11) || f.End != (i >= 10) || !f.InOrder || f.Drop || !f.UWE || f.LWE != (i == 0) {
			t.Errorf("frame %d: %d bytes, %+v", i, len(p.Segment), f)
		}
	}
}

func TestLostFramesAreSentAgainLowestFirst(t *testing.T) {
	h := connected(t, dts.Config{Segment: 1})
	h.text("abcdef")
	h.expect(`DATA-ONLY 0 START "a"; DATA-ONLY 1 "b"; DATA-ONLY 2 "c"; DATA-ONLY 3 "d"; DATA-ONLY 4 "e"; DATA-ONLY 5 END "f"`)
	h.text("g")
	h.hear(ack(1, 0b1010)) // 3 and 5 are there
	pdus := h.turn(time.Hour)
	var got []string
	for _, p := range pdus {
		got = append(got, fmt.Sprint(p.Frame.FSN, p.Frame.LWE, p.Frame.UWE))
	}
	if want := "1 true false|2 false false|4 false false|6 false true"; strings.Join(got, "|") != want {
		t.Errorf("%v, want %v", got, want)
	}
	h.expectEvents()
	h.hear(ack(7))
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}", "Confirmed{ID:2 Peer:1.1.0.2}")
	h.expect("")
}

func TestWindowIsKept(t *testing.T) {
	h := connected(t, dts.Config{Segment: 1, Timing: short(9600)})
	h.text(strings.Repeat("x", 300))
	if pdus := h.turn(time.Hour); len(pdus) != 128 || pdus[127].Frame.FSN != 127 {
		t.Fatalf("%d frames", len(pdus))
	}
	h.hear(ack(0, 0xfe)) // 0 is missing: no new frame may go
	pdus := h.turn(time.Hour)
	if len(pdus) != 121 || pdus[0].Frame.FSN != 0 {
		t.Fatalf("%d frames from %d", len(pdus), pdus[0].Frame.FSN)
	}
	h.hear(ack(128))
	if pdus := h.turn(time.Hour); len(pdus) != 128 || pdus[0].Frame.FSN != 128 || pdus[127].Frame.FSN != 255 {
		t.Fatalf("%d frames", len(pdus))
	}
	h.hear(ack(0))
	if pdus := h.turn(time.Hour); len(pdus) != 44 || pdus[0].Frame.FSN != 0 || !pdus[0].Frame.LWE {
		t.Fatalf("%d frames", len(pdus))
	}
}

func TestSelectiveAcksOverTheWrap(t *testing.T) {
	h := connected(t, dts.Config{})
	for i := range 250 {
		h.hear(data(uint8(i), "x"))
	}
	h.told()
	h.turn(time.Hour)
	// The standard's shape: RX LWE 250, 252, 253 and 0 received.
	h.hear(data(252, "c"), data(253, "d"), data(0, "g"))
	h.expect("ACK-ONLY 250 26")
	h.expectEvents()
	h.hear(data(251, "b"), data(250, "a"))
	h.expect("ACK-ONLY 254 02")
	h.expectEvents(`ARQ "a"`, `ARQ "b"`, `ARQ "c"`, `ARQ "d"`)
}

func TestCopiesAndFramesOutsideTheWindow(t *testing.T) {
	h := connected(t, dts.Config{})
	h.hear(data(0, "a"), data(0, "a"), data(1, "b"))
	h.expectEvents(`ARQ "a"`, `ARQ "b"`)
	h.expect("ACK-ONLY 2 ")
	h.hear(data(1, "b"), data(0, "a"))
	h.expect("ACK-ONLY 2 ")
	h.expectEvents()
	h.hear(data(129, "far")) // the last number the window has room for
	h.expect("ACK-ONLY 2 " + strings.Repeat("00", 15) + "40")
	h.expectEvents()
}

func TestUnorderedCPDUOvertakes(t *testing.T) {
	h := connected(t, dts.Config{})
	unordered := func(fsn uint8, start, end bool, s string) dts.PDU {
		return dts.PDU{Type: dts.DataOnly, Frame: dts.Frame{FSN: fsn, Start: start, End: end}, Segment: []byte(s)}
	}
	h.hear(data(1, "second"), unordered(3, false, true, "wo"), unordered(2, true, false, "t"))
	h.expectEvents(`ARQ "two"`)
	h.hear(data(0, "first"))
	h.expectEvents(`ARQ "first"`, `ARQ "second"`)
	h.hear(unordered(4, true, false, "th"))
	h.hear(unordered(6, false, true, "ee"))
	h.hear(unordered(5, false, false, "r"), unordered(5, false, false, "r"))
	h.expectEvents(`ARQ "three"`)
	h.expect("ACK-ONLY 7 ")
}

func TestDamagedSegmentIsNotAcknowledgedButItsHeaderCounts(t *testing.T) {
	h := connected(t, dts.Config{})
	p := data(0, "x")
	p.Damaged = true
	h.hear(p)
	h.expectEvents()
	h.expect("ACK-ONLY 0 ")
}

func TestAckRidesOnData(t *testing.T) {
	h := connected(t, dts.Config{Segment: 10, Copies: -1})
	h.hear(data(0, "hello"))
	h.told()
	h.text("hi")
	h.expect(`DATA-ACK 0 START END "hi" ack 1 `)
	// With several frames it is on the first and the last, as either may be lost.
	h.hear(dts.PDU{Type: dts.DataAck, Acks: dts.Acks{LWE: 1}, Frame: dts.Frame{FSN: 1, Start: true, End: true, InOrder: true}})
	h.text("0123456789 123456789 123")
	h.expect(`DATA-ACK 1 START "0123456789" ack 2 ; DATA-ONLY 2 " 123456789"; DATA-ACK 3 END " 123" ack 2 `)
}

func TestAckGoesFirstWhereDataWouldKeepThePeerWaiting(t *testing.T) {
	h := connected(t, dts.Config{Timing: short(75), Segment: 100})
	h.hear(data(0, "hello"))
	h.send(dts.Request{CPDU: make([]byte, 100)})
	if got := h.said(time.Hour); !strings.HasPrefix(got, "ACK-ONLY 1 ; DATA-ONLY 0 START END") {
		t.Error(got)
	}
}

func TestControlIsRepeatedWhereItCostsNoTime(t *testing.T) {
	long := dts.Timing{Rate: 300, Preamble: 4800 * time.Millisecond, Block: 4800 * time.Millisecond, Tail: 32, Turnaround: 2 * time.Second}
	h := connected(t, dts.Config{Timing: long})
	h.hear(data(0, "x"))
	pdus := h.turn(time.Hour)
	if len(pdus) != 3 || pdus[1].Type != dts.AckOnly || pdus[0].EOT != 10 || pdus[2].EOT != 8 {
		t.Errorf("%+v", pdus)
	}
	h = connected(t, dts.Config{Timing: long, Copies: -1})
	h.hear(data(0, "x"))
	if pdus := h.turn(time.Hour); len(pdus) != 1 {
		t.Errorf("%d copies", len(pdus))
	}
}

func TestAfterSilenceOnlyAProbeGoesOut(t *testing.T) {
	h := connected(t, dts.Config{Timing: short(300), Segment: 200})
	h.send(dts.Request{CPDU: make([]byte, 4000)})
	if n := len(h.turn(time.Hour)); n != 20 {
		t.Fatalf("%d frames", n)
	}
	if pdus := h.turn(time.Hour); len(pdus) != 2 || pdus[0].Frame.FSN != 0 || pdus[1].Frame.FSN != 1 {
		t.Fatalf("%d frames after silence", len(pdus))
	}
	h.hear(ack(19))
	if pdus := h.turn(time.Hour); len(pdus) != 1 || pdus[0].Frame.FSN != 19 {
		t.Fatalf("%d frames after the answer", len(pdus))
	}
}

func TestConnectionIsLostAfterEightRounds(t *testing.T) {
	h := connected(t, dts.Config{})
	h.text("a")
	h.send(dts.Request{CPDU: []byte("b"), Service: dts.ServiceExpedited})
	rounds := 0
	for h.turn(time.Hour) != nil {
		rounds++
	}
	if rounds != 8 {
		t.Errorf("%d rounds", rounds)
	}
	h.expectEvents("Failed{ID:1 Peer:1.1.0.2 Err:dts: connection lost}", "Failed{ID:2 Peer:1.1.0.2 Err:dts: connection lost}", "Lost{Peer:1.1.0.2}")
	if h.Status(nodeB).Connected || h.Queued() != 0 {
		t.Errorf("%+v", h.Status(nodeB))
	}
}

func TestTimeToLive(t *testing.T) {
	h := connected(t, dts.Config{Segment: 2, Window: 3, Copies: -1})
	soon := h.now.Add(time.Minute)
	h.send(dts.Request{CPDU: []byte("12345678"), Expires: soon})
	h.send(dts.Request{CPDU: []byte("never begun"), Expires: soon})
	h.text("ok")
	h.expect(`DATA-ONLY 0 START "12"; DATA-ONLY 1 "34"; DATA-ONLY 2 "56"`)
	h.now = soon.Add(-10 * time.Second)
	h.hear(ack(0, 1)) // 1 is there
	h.now = soon
	h.Tick(h.now)
	h.expectEvents("Failed{ID:1 Peer:1.1.0.2 Err:dts: time to live is over}", "Failed{ID:2 Peer:1.1.0.2 Err:dts: time to live is over}")
	h.expect(`DATA-ONLY 0 START DROP; DATA-ONLY 2 DROP`)
	h.hear(ack(3))
	h.expect(`DATA-ONLY 3 END DROP; DATA-ONLY 4 START END "ok"`)
	h.hear(ack(5))
	h.expectEvents("Confirmed{ID:3 Peer:1.1.0.2}")
}

func TestDropFramesSpoilTheirCPDU(t *testing.T) {
	h := connected(t, dts.Config{})
	part := func(fsn uint8, f dts.Frame, s string) dts.PDU {
		f.FSN, f.InOrder = fsn, true
		return dts.PDU{Type: dts.DataOnly, Frame: f, Segment: []byte(s)}
	}
	h.hear(part(0, dts.Frame{Start: true}, "a"), part(2, dts.Frame{}, "c"), data(4, "good"))
	h.hear(part(1, dts.Frame{Drop: true}, ""), part(3, dts.Frame{Drop: true, End: true}, ""))
	h.expectEvents(`ARQ "good"`)
	h.expect("ACK-ONLY 5 ")
}

func TestCancelAndFlush(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	a, b := h.text("a"), h.text("b")
	c := h.send(dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, CPDU: []byte("c")})
	if !h.Cancel(h.now, b) || h.Cancel(h.now, b) || !h.Cancel(h.now, c) {
		t.Error("cancelled wrongly")
	}
	h.expect(`DATA-ONLY 0 START END "a"`)
	if !h.Cancel(h.now, a) {
		t.Error("not cancelled in flight")
	}
	h.hear(ack(0))
	h.expect(`DATA-ONLY 0 START END DROP`)
	h.hear(ack(1))
	h.told()
	h.text("d")
	h.send(dts.Request{CPDU: []byte("e"), Service: dts.ServiceExpedited})
	if n := h.Flush(h.now, nodeB); n != 2 || h.Queued() != 0 {
		t.Errorf("flushed %d, %d bytes are left", n, h.Queued())
	}
	h.expectEvents("Failed{ID:4 Peer:1.1.0.2 Err:dts: cancelled}", "Failed{ID:5 Peer:1.1.0.2 Err:dts: cancelled}")
	h.expect("")
}

func TestPriority(t *testing.T) {
	h := connected(t, dts.Config{Segment: 4})
	h.send(dts.Request{CPDU: []byte("low"), Priority: 1})
	h.send(dts.Request{CPDU: []byte("high"), Priority: 9})
	h.send(dts.Request{CPDU: []byte("also"), Priority: 9})
	h.expect(`DATA-ONLY 0 START END "high"; DATA-ONLY 1 START END "also"; DATA-ONLY 2 START END "low"`)
}

func TestExpeditedDataGoesFirstAndOneByOne(t *testing.T) {
	h := connected(t, dts.Config{Segment: 2, Copies: -1})
	h.text("no")
	h.send(dts.Request{CPDU: []byte("abc"), Service: dts.ServiceExpedited})
	h.send(dts.Request{CPDU: []byte("d"), Service: dts.ServiceExpedited})
	h.expect(`EXP-DATA-ONLY 0 START of 0 "ab"; EXP-DATA-ONLY 1 END of 0 "c"`)
	if st := h.Status(nodeB); st.State != dts.InExpedited {
		t.Error(st.State)
	}
	h.hear(dts.PDU{Type: dts.ExpAck, Acks: dts.Acks{LWE: 0, Size: 1, Bits: [16]byte{1}}})
	h.expect(`EXP-DATA-ONLY 0 START of 0 "ab"`)
	full := dts.PDU{Type: dts.ExpAck, Acks: dts.Acks{LWE: 2}}
	h.hear(full, full)
	h.expectEvents("Confirmed{ID:2 Peer:1.1.0.2}")
	h.expect(`EXP-DATA-ONLY 0 START END of 1 "d"`)
	h.hear(dts.PDU{Type: dts.ExpAck, Acks: dts.Acks{LWE: 1}})
	h.expect(`DATA-ONLY 0 START END "no"`)
}

func TestExpeditedDataIsReceived(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	exp := func(id, fsn uint8, start, end bool, s string) dts.PDU {
		return dts.PDU{Type: dts.ExpData, Frame: dts.Frame{ID: id, FSN: fsn, Start: start, End: end}, Segment: []byte(s)}
	}
	h.hear(exp(0, 1, false, true, "b"))
	h.expect("EXP-ACK-ONLY 0 01")
	h.hear(exp(0, 0, true, false, "a"))
	h.expectEvents(`expedited ARQ "ab"`)
	h.expect("EXP-ACK-ONLY 2 ")
	h.hear(exp(0, 0, true, false, "a"), exp(0, 1, false, true, "b"))
	h.expectEvents()
	h.expect("EXP-ACK-ONLY 2 ")
	// A damaged frame of the next: the acknowledgement must not be that of the one before.
	bad := exp(1, 0, true, true, "c")
	bad.Damaged = true
	h.hear(bad)
	h.expect("EXP-ACK-ONLY 0 ")
	h.hear(exp(1, 0, true, true, "c"))
	h.expectEvents(`expedited ARQ "c"`)
	h.expect("EXP-ACK-ONLY 1 ")
}

func TestLimits(t *testing.T) {
	h := connected(t, dts.Config{MaxCPDU: 100, MaxQueue: 250, MaxPeers: 2, MaxGather: 1000})
	for _, c := range []struct {
		r    dts.Request
		want string
	}{
		{dts.Request{To: nodeB, CPDU: make([]byte, 101)}, "dts: send 101 bytes to 1.1.0.2: dts: C_PDU too long"},
		{dts.Request{To: nodeB, CPDU: make([]byte, 65536), Service: dts.ServiceNonARQ}, "C_PDU too long"},
		{dts.Request{To: nodeB, CPDU: make([]byte, 251), Service: dts.ServiceNonARQ}, "queue full"},
		{dts.Request{To: nodeA}, "address of nobody"},
		{dts.Request{}, "address of nobody"},
		{dts.Request{To: dts.Broadcast}, "address of nobody or of a group"},
	} {
		if _, err := h.Send(h.now, c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	h.Connect(h.now, 7, false)
	if err := h.Connect(h.now, 8, false); err != dts.ErrPeers {
		t.Errorf("a third peer: %v", err)
	}
	// A C_PDU that is too long for us is acknowledged, and goes nowhere.
	part := dts.PDU{Type: dts.DataOnly, Frame: dts.Frame{Start: true, InOrder: true}, Segment: make([]byte, 60)}
	next := dts.PDU{Type: dts.DataOnly, Frame: dts.Frame{FSN: 1, End: true, InOrder: true}, Segment: make([]byte, 60)}
	h.hear(part, next, data(2, "short"))
	h.expectEvents(`ARQ "short"`)
	h.expect("ACK-ONLY 3 ")
	// Strangers who begin C_PDUs and never end them.
	for i := range 1000 {
		h.hear(dts.PDU{Type: dts.NonARQ, From: dts.Address(100 + i), Part: dts.Part{Size: 400, Window: 65535}, Segment: make([]byte, 1)})
	}
	h.expectEvents()
	if n := len(h.Heard()); n != 64 {
		t.Errorf("%d nodes remembered", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := dts.Config{Address: nodeA, Timing: short(75)}
	for name, spoil := range map[string]func(c *dts.Config){
		"address":      func(c *dts.Config) { c.Address = 0 },
		"of a node":    func(c *dts.Config) { c.Address = dts.Broadcast },
		"rate":         func(c *dts.Config) { c.Timing.Rate = 0 },
		"address size": func(c *dts.Config) { c.AddrSize = 8 },
		"segment size": func(c *dts.Config) { c.Segment = 1024 },
		"window":       func(c *dts.Config) { c.Window = 129 },
		"longest":      func(c *dts.Config) { c.MaxTransmission = 128 * time.Second },
		"does not fit": func(c *dts.Config) { c.Segment, c.MaxTransmission = 200, 10*time.Second },
	} {
		c := good
		spoil(&c)
		if _, err := dts.New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
