package dts_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/links/dts"
)

// The table of S5066 C.6.1: what is answered to each type in each state.
func TestAnswersInEachState(t *testing.T) {
	request := must(dts.Rate{Bits: 600, Interleaver: dts.ShortInterleaver}.EOW())
	received := []dts.PDU{
		data(0, "x"),
		ack(0),
		{Type: dts.DataAck, Frame: dts.Frame{Start: true, End: true, InOrder: true}, Segment: []byte("x")},
		reset(dts.Resync{Full: true}),
		{Type: dts.ExpData, Frame: dts.Frame{Start: true, End: true}, Segment: []byte("x")},
		{Type: dts.ExpAck},
		{Type: dts.Management, EOW: dts.CapabilityEOW(1), Message: dts.Message{Valid: true, ID: 9}},
		{Type: dts.NonARQ, Part: dts.Part{Size: 1}, Segment: []byte("x")},
		{Type: dts.ExpNonARQ, Part: dts.Part{Size: 1}, Segment: []byte("x")},
		{Type: dts.WarningType, Warning: dts.Warning{Type: dts.DataOnly, Reason: dts.WarnState}},
	}
	states := map[string]struct {
		enter func(h *hand)
		state dts.State
		want  []string
	}{
		"IDLE unconnected": {func(h *hand) {}, dts.Idle, []string{
			"WARNING DATA-ONLY: not connected", "WARNING ACK-ONLY: not connected", "WARNING DATA-ACK: not connected",
			"WARNING RESET/WIN-RESYNC: not connected", "WARNING EXP-DATA-ONLY: not connected", "WARNING EXP-ACK-ONLY: not connected",
			"MANAGEMENT valid false ack true id 0 EOW 0 0x00", "", "", ""}},
		"IDLE connected": {func(h *hand) { h.Connect(h.now, nodeB, false) }, dts.Idle, []string{
			"ACK-ONLY 1 ", "WARNING ACK-ONLY: not valid in this state", "ACK-ONLY 1 ",
			"RESET ack id 0 lwe 0", "EXP-ACK-ONLY 1 ", "WARNING EXP-ACK-ONLY: not valid in this state",
			"MANAGEMENT valid false ack true id 0 EOW 0 0x00", "", "", ""}},
		"DATA connected": {func(h *hand) {
			h.Connect(h.now, nodeB, false)
			h.text("y")
			h.turn(time.Hour)
		}, dts.InData, []string{
			`DATA-ACK 0 START END "y" ack 1 `, `DATA-ONLY 0 START END "y"`, `DATA-ACK 0 START END "y" ack 1 `,
			"RESET ack id 0 lwe 0", `EXP-ACK-ONLY 1 ; DATA-ONLY 0 START END "y"`, `WARNING EXP-ACK-ONLY: not valid in this state; DATA-ONLY 0 START END "y"`,
			"MANAGEMENT valid false ack true id 0 EOW 0 0x00", `DATA-ONLY 0 START END "y"`, `DATA-ONLY 0 START END "y"`, `DATA-ONLY 0 START END "y"`}},
		"EXPEDITED connected": {func(h *hand) {
			h.Connect(h.now, nodeB, false)
			h.send(dts.Request{CPDU: []byte("z"), Service: dts.ServiceExpedited})
			h.turn(time.Hour)
		}, dts.InExpedited, []string{
			`ACK-ONLY 1 ; EXP-DATA-ONLY 0 START END of 0 "z"`, `EXP-DATA-ONLY 0 START END of 0 "z"`, `ACK-ONLY 1 ; EXP-DATA-ONLY 0 START END of 0 "z"`,
			`RESET ack id 0 lwe 0; EXP-DATA-ONLY 0 START END of 0 "z"`, `EXP-ACK-ONLY 1 ; EXP-DATA-ONLY 0 START END of 0 "z"`, `EXP-DATA-ONLY 0 START END of 0 "z"`,
			"MANAGEMENT valid false ack true id 0 EOW 0 0x00", `EXP-DATA-ONLY 0 START END of 0 "z"`, `EXP-DATA-ONLY 0 START END of 0 "z"`, `EXP-DATA-ONLY 0 START END of 0 "z"`}},
		"MANAGEMENT connected": {func(h *hand) {
			h.Connect(h.now, nodeB, false)
			h.RequestRate(nodeB, dts.Rate{Bits: 600, Interleaver: dts.ShortInterleaver})
			h.turn(time.Hour)
		}, dts.InManagement, []string{
			fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request), fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request),
			fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request),
			fmt.Sprintf("WARNING RESET/WIN-RESYNC: not valid in this state; MANAGEMENT valid true ack false id 0 %v", request),
			fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request), fmt.Sprintf("WARNING EXP-ACK-ONLY: not valid in this state; MANAGEMENT valid true ack false id 0 %v", request),
			fmt.Sprintf("MANAGEMENT valid true ack true id 0 %v", request), fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request),
			fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request), fmt.Sprintf("MANAGEMENT valid true ack false id 0 %v", request)}},
	}
	for name, c := range states {
		for i, p := range received {
			t.Run(fmt.Sprint(name, " ", p.Type), func(t *testing.T) {
				h := newHand(t, dts.Config{Copies: -1})
				c.enter(h)
				if st := h.Status(nodeB); st.State != c.state {
					t.Fatalf("state %v", st.State)
				}
				h.hear(p)
				if got := h.said(time.Minute); got != c.want[i] {
					t.Errorf("said %q, want %q", got, c.want[i])
				}
			})
		}
	}
}

func TestReservedTypesAndInvalidOnesAreWarnedOfOnce(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	b := seal(unhex(t, "90 EB D0 00 02 E6 10 10 00 11 01 00 02"))
	p, _, err := dts.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	h.Receive(h.now, h.now, &p)
	h.Receive(h.now, h.now, &p)
	h.expect("WARNING reserved 13: unrecognised type")
	bad, _, err := dts.Decode(seal(unhex(t, "90 EB 30 00 02 E9 10 10 00 11 01 00 02 00 00 00")))
	if err == nil {
		t.Fatal("decoded")
	}
	h.Invalid(h.now, h.now, &bad)
	h.expect("WARNING RESET/WIN-RESYNC: invalid")
	h.Disconnect(h.now, nodeB)
	h.Invalid(h.now, h.now, &bad)
	h.expect("WARNING RESET/WIN-RESYNC: not connected")
	h.expect("")
}

func TestOnlyWhatIsForUsCounts(t *testing.T) {
	h := connected(t, dts.Config{Groups: []dts.Address{0x10000042}})
	other := data(0, "x")
	other.To = nodeB + 1
	self := data(0, "x")
	self.From = nodeA
	h.hear(other)
	h.hear(self)
	cast := func(to dts.Address) {
		h.hear(dts.PDU{Type: dts.NonARQ, To: to, Part: dts.Part{Size: 1}, Segment: []byte("x")})
	}
	cast(0x10000041)
	h.expectEvents()
	cast(0x10000042)
	h.expectEvents(`non-ARQ "x"`)
	h.expect("")
	// All stations, in two nibbles.
	h.hear(dts.PDU{Type: dts.NonARQ, To: 0x100000ff, From: 2, AddrSize: 2, Part: dts.Part{Size: 1, ID: 1}, Segment: []byte("y")})
	h.expectEvents(`non-ARQ "y"`)
}

func TestWarningsWeGet(t *testing.T) {
	warning := func(about dts.Type, why dts.WarningReason) dts.PDU {
		return dts.PDU{Type: dts.WarningType, Warning: dts.Warning{Type: about, Reason: why}}
	}
	h := connected(t, dts.Config{Copies: -1})
	h.text("keep")
	h.turn(time.Hour)
	h.hear(warning(dts.DataOnly, dts.WarnNotConnected))
	h.expectEvents("Warned{Peer:1.1.0.2 Warning:{Type:DATA-ONLY Reason:not connected}}")
	if st := h.Status(nodeB); st.Connected || st.Queued != 1 {
		t.Errorf("%+v", st)
	}
	h.expect("")
	h.Connect(h.now, nodeB, false)
	h.expect(`DATA-ONLY 0 START END "keep"`)
	h.hear(ack(1))
	h.told()

	h.send(dts.Request{CPDU: []byte("a"), Service: dts.ServiceExpedited})
	h.text("b")
	h.turn(time.Hour)
	h.hear(warning(dts.ExpData, dts.WarnUnknownType))
	h.expectEvents("Warned{Peer:1.1.0.2 Warning:{Type:EXP-DATA-ONLY Reason:unrecognised type}}", "Failed{ID:2 Peer:1.1.0.2 Err:dts: the peer does not know this kind of D_PDU}")
	h.expect(`DATA-ONLY 1 START END "b"`)
	h.hear(warning(dts.DataOnly, dts.WarnUnknownType))
	h.expectEvents("Warned{Peer:1.1.0.2 Warning:{Type:DATA-ONLY Reason:unrecognised type}}",
		"Failed{ID:3 Peer:1.1.0.2 Err:dts: the peer does not know this kind of D_PDU}", "Lost{Peer:1.1.0.2}")
	h.expect("")
}

func TestConnectedByThePeerOurDataWaitForItsFirst(t *testing.T) {
	h := newHand(t, dts.Config{Copies: -1})
	h.text("reply")
	h.Connect(h.now, nodeB, true)
	h.expect("")
	h.hear(data(0, "question"))
	h.expect(`DATA-ACK 0 START END "reply" ack 1 `)
}

func TestRateChangeAsSlave(t *testing.T) {
	rate := dts.Rate{Bits: 2400, Interleaver: dts.ShortInterleaver}
	request := dts.PDU{Type: dts.Management, EOW: must(rate.EOW()), Message: dts.Message{Valid: true}}
	h := connected(t, dts.Config{Copies: -1, RateAllowed: func(r dts.Rate) dts.RefuseReason {
		if r.Bits > 2400 {
			return dts.RefuseConditions
		}
		return dts.RefuseNone
	}})
	h.text("waits")
	h.hear(request)
	h.expect("MANAGEMENT valid true ack true id 0 EOW 2 0x00")
	h.hear(request) // a copy: the answer was lost
	h.expect("MANAGEMENT valid true ack true id 0 EOW 2 0x00")
	h.expectEvents()
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true}})
	h.expectEvents(fmt.Sprintf("RateChange{Peer:1.1.0.2 Rate:%+v Transmit:false Receive:true}", rate))
	h.expect("MANAGEMENT valid true ack false id 1 EOW 2 0x60")
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true, ID: 1}})
	h.expect(`DATA-ONLY 0 START END "waits"`)
	h.hear(ack(1))
	h.told()

	request.EOW, request.Message.ID = must(dts.Rate{Bits: 9600}.EOW()), 1
	h.hear(request)
	h.expect("MANAGEMENT valid true ack true id 2 EOW 2 0x25")
	h.hear(dts.PDU{Type: dts.Management, EOW: dts.ResponseEOW(dts.RateCancel, 0), Message: dts.Message{Valid: true, Ack: true, ID: 2}})
	h.expect("MANAGEMENT valid false ack true id 3 EOW 0 0x00")
	h.expectEvents()
	if st := h.Status(nodeB); st.State != dts.Idle {
		t.Error(st.State)
	}
}

func TestRateChangeIsRefusedWithoutAModemThatCan(t *testing.T) {
	h := newHand(t, dts.Config{Copies: -1})
	h.hear(dts.PDU{Type: dts.Management, EOW: must(dts.Rate{Bits: 600}.EOW()), Message: dts.Message{Valid: true}})
	h.expect("MANAGEMENT valid true ack true id 0 EOW 2 0x24")
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true}})
	hdr, ext := dts.HDRRequest{Waveform: 3, Channels: 1, Bits: 9600}.Message()
	h.hear(dts.PDU{Type: dts.Management, EOW: hdr, Message: dts.Message{Valid: true, ID: 1, Extended: ext}})
	h.expect("MANAGEMENT valid true ack true id 1 EOW 2 0x22")
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true}})
	h.hear(dts.PDU{Type: dts.Management, EOW: 0x500, Message: dts.Message{Valid: true, ID: 2}})
	h.expect("MANAGEMENT valid true ack true id 2 EOW 3 0x05")
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true}})
	h.told()
	h.hear(dts.PDU{Type: dts.Management, EOW: 0xF01, Message: dts.Message{Valid: true, ID: 3}})
	h.expect("MANAGEMENT valid false ack true id 3 EOW 0 0x00")
	h.expectEvents("Orderwire{Peer:1.1.0.2 EOW:EOW 15 0x01 Extended:[]}")
}

func TestRateChangeAsMaster(t *testing.T) {
	rate := dts.Rate{Bits: 1200, Interleaver: dts.LongInterleaver}
	response := func(id uint8, r dts.RateResponse, why dts.RefuseReason, ack bool) dts.PDU {
		return dts.PDU{Type: dts.Management, EOW: dts.ResponseEOW(r, why), Message: dts.Message{Valid: true, Ack: ack, ID: id}}
	}
	h := connected(t, dts.Config{Copies: -1})
	h.text("waits")
	if err := h.RequestRate(nodeB, rate); err != nil {
		t.Fatal(err)
	}
	if err := h.RequestRate(nodeB, rate); err != dts.ErrBusy {
		t.Error(err)
	}
	h.expect("MANAGEMENT valid true ack false id 0 EOW 1 0x48")
	h.hear(response(0, dts.RateAccept, 0, true))
	h.expectEvents()
	h.expect("MANAGEMENT valid false ack true id 1 EOW 0 0x00")
	h.expectEvents(fmt.Sprintf("RateChange{Peer:1.1.0.2 Rate:%+v Transmit:true Receive:false}", rate))
	h.hear(response(1, dts.RateConfirm, 0, false))
	h.expect("MANAGEMENT valid false ack true id 1 EOW 0 0x00")
	h.expect(`DATA-ONLY 0 START END "waits"`)
	h.hear(ack(1))
	h.told()

	h.RequestRate(nodeB, rate)
	h.expect("MANAGEMENT valid true ack false id 1 EOW 1 0x48")
	h.hear(response(2, dts.RateRefuse, dts.RefuseRate, true))
	h.expect("MANAGEMENT valid true ack true id 2 EOW 2 0x42")
	h.hear(dts.PDU{Type: dts.Management, Message: dts.Message{Ack: true}})
	h.expect("")
	h.expectEvents()

	// Nobody answers: three repeats, then the connection is lost.
	h.RequestRate(nodeB, rate)
	n := 0
	for h.turn(time.Hour) != nil {
		n++
	}
	if n != 4 {
		t.Errorf("sent %d times", n)
	}
	h.expectEvents("Lost{Peer:1.1.0.2}")
	if err := h.RequestRate(nodeB, dts.Rate{Bits: 50}); err != dts.ErrRate {
		t.Error(err)
	}
}

func TestOrderwireRidesAlong(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	advice := must(dts.Rate{Bits: 600, Interleaver: dts.LongInterleaver, Advisory: true}.EOW())
	if err := h.Advise(nodeB, advice); err != nil {
		t.Fatal(err)
	}
	h.expect("") // by itself it is not worth a transmission
	h.hear(data(0, "x"))
	h.told()
	if pdus := h.turn(time.Hour); len(pdus) != 1 || pdus[0].EOW != advice {
		t.Errorf("%+v", pdus)
	}
	p, q := data(1, "y"), data(2, "z")
	p.EOW, q.EOW = advice, advice
	h.hear(p, q)
	h.expectEvents(fmt.Sprintf("Orderwire{Peer:1.1.0.2 EOW:%v Extended:[]}", advice), `ARQ "y"`, `ARQ "z"`)
	if heard := h.Heard(); len(heard) != 1 || heard[0].EOW != advice || heard[0].PDUs != 3 {
		t.Errorf("%+v", heard)
	}
}
