package dts_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/links/dts"
)

func TestFullResetIsObeyedAndAnswered(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	part := dts.PDU{Type: dts.DataOnly, Frame: dts.Frame{Start: true, InOrder: true}, Segment: []byte("half")}
	h.hear(part)
	h.text("begun")
	h.turn(time.Hour)
	h.hear(ack(0), reset(dts.Resync{Full: true, ID: 5}))
	h.expectEvents("Failed{ID:1 Peer:1.1.0.2 Err:dts: windows were reset, fate unknown}", "Resynced{Peer:1.1.0.2 Full:true}")
	h.expect("RESET ack id 0 lwe 0")
	// A copy is answered again, and not obeyed.
	h.text("after")
	h.hear(reset(dts.Resync{Full: true, ID: 5}))
	h.expect(`RESET ack id 0 lwe 0; DATA-ONLY 0 START END "after"`)
	h.expectEvents()
	h.hear(ack(1), data(0, "new"))
	h.expectEvents("Confirmed{ID:2 Peer:1.1.0.2}", `ARQ "new"`)
	// After data the same number is a new command.
	h.hear(reset(dts.Resync{Full: true, ID: 5}))
	h.expectEvents("Resynced{Peer:1.1.0.2 Full:true}")
}

func TestReceiveWindowCommand(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	h.hear(data(0, "a"), data(3, "lost"))
	h.turn(time.Hour)
	h.hear(reset(dts.Resync{Window: true, LWE: 40, ID: 1}))
	h.expect("RESET ack id 1 lwe 40")
	h.hear(data(40, "b"))
	h.expectEvents(`ARQ "a"`, "Resynced{Peer:1.1.0.2 Full:false}", `ARQ "b"`)
	h.expect("ACK-ONLY 41 ")
}

func TestTransmitWindowRequest(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1, Segment: 5})
	h.text("hello")
	h.turn(time.Hour)
	h.hear(reset(dts.Resync{Request: true, ID: 0}))
	h.expect("RESET window id 0 lwe 0") // data pauses
	h.hear(reset(dts.Resync{Ack: true, ID: 0}))
	h.expect(`DATA-ONLY 0 START END "hello"`)
	h.hear(ack(1))
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}")
	// The next command has the next number.
	h.hear(reset(dts.Resync{Request: true, ID: 1}))
	h.expect("RESET window id 1 lwe 1")
}

func TestInsideACPDUOnlyAFullResetWillDo(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1, Segment: 3})
	h.text("hello")
	h.turn(time.Hour)
	h.hear(ack(1))
	h.expect(`DATA-ONLY 1 END "lo"`)
	h.hear(reset(dts.Resync{Request: true}))
	h.text("next")
	h.expect("RESET full id 0 lwe 0")
	h.hear(ack(2)) // of the old windows: void
	h.expect("RESET full id 0 lwe 0")
	h.expectEvents()
	h.hear(reset(dts.Resync{Ack: true}))
	h.expectEvents("Failed{ID:1 Peer:1.1.0.2 Err:dts: windows were reset, fate unknown}", "Resynced{Peer:1.1.0.2 Full:true}")
	h.expect(`DATA-ONLY 0 START "nex"; DATA-ONLY 1 END "t"`)
}

func TestResetGivesUp(t *testing.T) {
	h := connected(t, dts.Config{})
	h.hear(reset(dts.Resync{Request: true}))
	n := 0
	for h.turn(time.Hour) != nil {
		n++
	}
	if n != 4 {
		t.Errorf("sent %d times", n)
	}
	h.expectEvents("Lost{Peer:1.1.0.2}")
}

// The sync tests of S5066 C.6.3, each failing by one.
func TestSyncTests(t *testing.T) {
	frame := func(fsn int, uwe, lwe bool) dts.PDU {
		p := data(uint8(fsn), "x")
		p.Frame.UWE, p.Frame.LWE = uwe, lwe
		return p
	}
	for _, c := range []struct {
		name string
		pdu  dts.PDU
		ok   bool
	}{
		// RX LWE is 10, RX UWE is 12.
		{"1: UWE at RX UWE", frame(12, true, false), true},
		{"1: UWE below", frame(11, true, false), false},
		{"1: UWE at RX LWE+127", frame(137, true, false), true},
		{"1: UWE above", frame(138, true, false), false},
		{"2: LWE at RX LWE", frame(10, false, true), true},
		{"2: LWE above", frame(11, false, true), false},
		{"2: LWE at RX UWE-127", frame(12-127, false, true), true},
		{"2: LWE below", frame(12-128, false, true), false},
		{"3: FSN at RX UWE-127", frame(12-127, false, false), true},
		{"3: FSN below", frame(12-128, false, false), false},
		{"3: FSN at RX LWE+127", frame(137, false, false), true},
		{"3: FSN above", frame(138, false, false), false},
		// TX LWE is 2, TX UWE is 4.
		{"4: RX LWE at TX LWE", ack(2), true},
		{"4: RX LWE below", ack(1), false},
		{"4: RX LWE at TX UWE+1", ack(5), true},
		{"4: RX LWE above", ack(6), false},
		{"5: ack at TX UWE", ack(2, 2), true},
		{"5: ack above", ack(2, 4), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := connected(t, dts.Config{Segment: 1, Copies: -1})
			for i := range 10 {
				h.hear(data(uint8(i), "x"))
			}
			h.hear(data(12, "x"))
			h.turn(time.Hour)
			h.text("ab")
			h.turn(time.Hour)
			h.hear(ack(2))
			h.text("abc")
			h.turn(time.Hour)
			h.told()
			h.hear(c.pdu)
			want := ""
			switch {
			case c.ok && c.pdu.Type == dts.DataOnly:
				want = "ACK"
			case c.ok:
				want = "DATA"
			case c.pdu.Type == dts.DataOnly:
				want = "RESET request id 0 lwe 0"
			default:
				want = "RESET window id 0 lwe 2"
			}
			got := h.said(time.Hour)
			if c.pdu.Type == dts.DataOnly && c.ok && len(got) > 8 && got[:8] == "DATA-ACK" {
				got = "ACK" // rides on what is sent again
			}
			if want == "DATA" && c.pdu.Acks.LWE == 5 {
				want = "" // all is acknowledged
			}
			if got != want && (len(want) > 4 || len(got) < len(want) || got[:len(want)] != want) {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

func TestEchoOfOldTimesIsNoReasonToReset(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1, Segment: 4})
	h.text("a")
	h.turn(time.Hour)
	h.hear(ack(1))
	h.text("b")
	h.turn(time.Hour)
	h.hear(ack(0), ack(2))
	h.expect("")
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}", "Confirmed{ID:2 Peer:1.1.0.2}")
}

func TestRestartedStationFindsBackByReset(t *testing.T) {
	for n := range 12 {
		x := newNet(t, 2, uint64(n), dts.Config{Timing: short(1200), Segment: 50})
		for i := range n {
			x.text(0, 1, fmt.Sprint("before ", i))
			x.text(1, 0, fmt.Sprint("before ", i))
		}
		x.Run(t, time.Hour, nil)
		x.got = make([][]string, 2)
		// Both begin with number 0 after Connect; only one is told.
		x.stations[n%2].Disconnect(x.Now, address(1-n%2))
		x.stations[n%2].Connect(x.Now, address(1-n%2), false)
		for i := range 20 {
			x.text(0, 1, fmt.Sprint("after ", i))
			x.text(1, 0, fmt.Sprint("after ", i))
		}
		x.Run(t, 10*time.Hour, nil)
		for i, s := range x.stations {
			if st := s.Status(address(1 - i)); st.Queued > 0 {
				t.Errorf("%d: %+v", n, st)
			}
			seen := map[string]bool{}
			for _, s := range x.got[i] {
				if seen[s] {
					t.Errorf("%d: %q came twice", n, s)
				}
				seen[s] = true
			}
			if !seen["after 19"] && n > 0 {
				// What was under way at the reset fails and is told; the rest must go on.
				found := false
				for _, l := range x.log {
					found = found || l == fmt.Sprintf("%d: dts.Failed{ID:%d Peer:%v Err:dts: windows were reset, fate unknown}", 1-i, n+20, address(i))
				}
				if !found {
					t.Errorf("%d: the last message to %d neither came nor failed: %q", n, i, x.got[i])
				}
			}
		}
	}
}

func TestAfterAWindowCommandNothingCountsAsReceived(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1, Segment: 1})
	h.text("abc")
	h.send(dts.Request{CPDU: []byte("u"), Unordered: true})
	h.turn(time.Hour)
	h.hear(ack(0, 0b101)) // 1, and 3, which is all of the unordered one
	h.expectEvents("Confirmed{ID:2 Peer:1.1.0.2}")
	h.hear(reset(dts.Resync{Request: true}))
	h.expect("RESET window id 0 lwe 0")
	h.hear(reset(dts.Resync{Ack: true}))
	// What is confirmed keeps its number, but must not be delivered again.
	h.expect(`DATA-ONLY 0 START "a"; DATA-ONLY 1 "b"; DATA-ONLY 2 END "c"; DATA-ONLY 3 START END DROP`)
	h.hear(ack(4))
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}")
}
