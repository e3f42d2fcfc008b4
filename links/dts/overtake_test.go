package dts_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

// inAir reads the D_PDUs of a transmission as a receiver does, and checks what they promise of its end.
func inAir(t *testing.T, tx *dts.Transmission) (pdus []dts.PDU) {
	t.Helper()
	var scan dts.Scanner
	scan.Write(tx.Data)
	scan.End()
	end := tx.Air - tx.Timing.Preamble
	for f, ok := scan.Next(); ok; f, ok = scan.Next() {
		if f.Fault != nil || f.PDU.Damaged {
			t.Fatalf("at bit %d: %v, damaged %t", f.Bit, f.Fault, f.PDU.Damaged)
		}
		at := time.Duration(f.Bit) * time.Second / time.Duration(tx.Timing.Rate)
		if promise := at + time.Duration(f.PDU.EOT)*time.Second/2; promise < end || promise > end+time.Second/2 {
			t.Errorf("D_PDU %d promises the end at %v, it is %v", len(pdus), promise, end)
		}
		f.PDU.Segment = bytes.Clone(f.PDU.Segment)
		pdus = append(pdus, f.PDU)
	}
	return pdus
}

func fsns(pdus []dts.PDU) (list []string) {
	for _, p := range pdus {
		s := fmt.Sprint(p.Frame.FSN)
		if p.Frame.UWE {
			s += "u"
		}
		list = append(list, s)
	}
	return list
}

// onAir is a hand in the middle of sending 2000 bytes in ten frames of 200.
func onAir(t *testing.T, priority uint8) (*hand, *dts.Transmission) {
	h := connected(t, dts.Config{Segment: 200, Timing: short(300), Copies: -1})
	h.send(dts.Request{CPDU: bytes.Repeat([]byte("b"), 2000), Priority: priority})
	tx := h.Transmit(h.now)
	if tx == nil || len(tx.Frames) != 10 {
		t.Fatalf("transmission %v", tx)
	}
	return h, tx
}

func TestUrgentOvertakesAtTheNextFrame(t *testing.T) {
	h, tx := onAir(t, 8)
	if h.Overtakes() || h.Amend(0) != nil {
		t.Fatal("overtakes with nothing")
	}
	id := h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	if !h.Overtakes() {
		t.Fatal("does not overtake")
	}
	const from = 3*222 + 1
	a := h.Amend(from)
	if a == nil || len(a.Data) != len(tx.Data) || a.Air != tx.Air || !bytes.Equal(a.Data[:4*222], tx.Data[:4*222]) {
		t.Fatalf("amended to %d bytes, were %d", len(a.Data), len(tx.Data))
	}
	pdus := inAir(t, a)
	// The last of the long one makes place, and what is left of that is used to say the urgent once more.
	want := "0u 1u 2u 3u 10u 4 5 6 7 8 10u 10u 10u 10u 10u 10u 10u"
	if got := strings.Join(fsns(pdus), " "); got != want {
		t.Errorf("frames %s, want %s", got, want)
	}
	if f := pdus[4]; string(f.Segment) != "flash" || f.Frame.InOrder || !f.Frame.Start || !f.Frame.End {
		t.Errorf("urgent frame is %+v", f)
	}
	if h.Overtakes() || h.Amend(from) != nil {
		t.Error("overtakes once more")
	}
	h.now = h.now.Add(a.Air)
	h.Sent(h.now)
	// All but the one that made place arrived.
	h.hear(ack(9, 0b1))
	h.expectEvents(fmt.Sprintf("Confirmed{ID:%d Peer:1.1.0.2}", id))
	if got := strings.Join(fsns(h.turn(time.Hour)), " "); got != "9" {
		t.Errorf("sent next: %s", got)
	}
	h.hear(ack(11))
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}")
}

func TestOvertakingTwice(t *testing.T) {
	h, _ := onAir(t, 8)
	h.send(dts.Request{CPDU: []byte("first"), Priority: 14, Unordered: true})
	h.Amend(222)
	h.send(dts.Request{CPDU: []byte("second"), Priority: 14, Unordered: true})
	h.send(dts.Request{CPDU: []byte("third"), Priority: 14}) // has to wait: another is under way that is as urgent
	second := h.Amend(222 + 27 + 222)
	if h.Amend(222+27+222+28) != nil {
		t.Error("order is lost")
	}
	a := second
	want := "0u 10u 1 11u 2 3 4 5 6 7 8"
	if got := strings.Join(fsns(inAir(t, a))[:11], " "); got != want {
		t.Errorf("frames %s, want %s", got, want)
	}
}

func TestNothingIsOvertakenThatIsNearlyAsUrgentOrNearlyOver(t *testing.T) {
	h, _ := onAir(t, 13)
	h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	if h.Overtakes() {
		t.Error("one level makes it overtake")
	}
	h, tx := onAir(t, 0)
	h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	for _, from := range []int{len(tx.Data) - 221, len(tx.Data), len(tx.Data) + 1000} {
		if h.Amend(from) != nil {
			t.Errorf("amended from byte %d of %d", from, len(tx.Data))
		}
	}
	h.Mute(h.now, true)
	if h.Amend(0) != nil {
		t.Error("amended in silence")
	}
}

func TestAcknowledgementOnAFrameThatMakesPlace(t *testing.T) {
	h := connected(t, dts.Config{Segment: 100, Timing: short(300), Copies: -1})
	h.send(dts.Request{CPDU: bytes.Repeat([]byte("b"), 2000)})
	h.hear(data(0, "question"))
	for tx := (*dts.Transmission)(nil); tx == nil; tx = h.Transmit(h.now) {
		h.now = h.Deadline()
	}
	h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	a := h.Amend(300)
	pdus := inAir(t, a)
	i := slices.IndexFunc(pdus, func(p dts.PDU) bool { return string(p.Segment) == "flash" })
	if i < 1 || pdus[i].Type != dts.DataAck || pdus[i].Acks.LWE != 1 {
		t.Errorf("the acknowledgement was lost: %v", fsns(pdus))
	}
}

func TestOvertakingWhatWasLost(t *testing.T) {
	h, tx := onAir(t, 8)
	h.now = h.now.Add(tx.Air)
	h.Sent(h.now)
	h.hear(ack(2, 0)) // 2 and up are missing
	h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	if got := strings.Join(fsns(h.turn(time.Hour)), " "); got != "10u 2 3 4 5 6 7 8 9" {
		t.Errorf("sent %s", got)
	}
	h.hear(ack(2, 0))
	// It was lost, too: it goes first again.
	if got := strings.Join(fsns(h.turn(time.Hour)), " "); got != "10u 2 3 4 5 6 7 8 9" {
		t.Errorf("sent again %s", got)
	}
}

// Less urgent C_PDUs go on behind a stream of urgent ones that could fill the channel.
func TestUrgentDoNotStarveOthers(t *testing.T) {
	x := newNet(t, 2, 3, dts.Config{Timing: short(300)})
	for range 20 {
		x.send(0, 1, dts.Request{CPDU: bytes.Repeat([]byte("b"), 500), Priority: 4})
	}
	bulk, urgent := 0, 0
	x.on = func(i int, e dts.Event) {
		if d, ok := e.(dts.Delivery); ok && len(d.CPDU) == 500 {
			bulk++
		} else if ok {
			urgent++
		}
	}
	next := x.Now
	done := x.Run(t, 4*time.Hour, func() bool {
		if !x.Now.Before(next) && x.stations[0].Queued() < 20000 {
			next = x.Now.Add(2 * time.Second)
			x.send(0, 1, dts.Request{CPDU: bytes.Repeat([]byte("u"), 200), Priority: 14, Unordered: true})
		}
		return bulk == 20
	})
	if !done {
		t.Errorf("%d of 20 arrived beside %d urgent ones", bulk, urgent)
	}
	t.Logf("20 behind %d urgent ones, %d transmissions amended", urgent, x.Amended)
}

func TestTransmissionsAreBriefWhileOthersMayBeUrgent(t *testing.T) {
	long := func(h *hand) time.Duration {
		h.send(dts.Request{CPDU: make([]byte, 8000), Priority: 4})
		tx := h.Transmit(h.now)
		for ; tx == nil; tx = h.Transmit(h.now) {
			h.now = h.Deadline()
		}
		return tx.Air.Round(time.Second)
	}
	h := connected(t, dts.Config{Timing: short(300)})
	if got := long(h); got < 2*time.Minute {
		t.Errorf("%v without need", got)
	}
	h = connected(t, dts.Config{Timing: short(300)})
	h.Alert(h.now, 14)
	if got := long(h); got > 31*time.Second || got < 20*time.Second {
		t.Errorf("%v after an urgent one of the peer", got)
	}
	h = connected(t, dts.Config{Timing: short(300)})
	h.Alert(h.now, 5)
	if got := long(h); got < 2*time.Minute {
		t.Errorf("%v after one that is as urgent", got)
	}
	h = connected(t, dts.Config{Timing: short(300)})
	h.Alert(h.now, 14)
	h.now = h.now.Add(11 * time.Minute)
	if got := long(h); got < 2*time.Minute {
		t.Errorf("%v long after an urgent one", got)
	}
}

func TestAmendIsUndone(t *testing.T) {
	h, tx := onAir(t, 8)
	h.send(dts.Request{CPDU: bytes.Repeat([]byte("b"), 500), Priority: 8})
	h.send(dts.Request{CPDU: []byte("flash"), Priority: 14})
	first := h.Amend(0)
	if first == nil {
		t.Fatal("not amended")
	}
	h.Unamend()
	h.Unamend()
	if !h.Overtakes() {
		t.Error("it does not want to overtake any more")
	}
	again := h.Amend(0)
	if again == nil || !bytes.Equal(first.Data, again.Data) {
		t.Error("the second try is another")
	}
	h.Unamend()
	if h.Amend(0) == nil || h.Amend(len(tx.Data)) != nil {
		t.Error("not amended, or twice")
	}
	h.Unamend() // nothing: the first of the two is done with
	if h.Overtakes() {
		t.Error("an amendment that was made is undone")
	}
	h, tx = onAir(t, 8)
	h.send(dts.Request{CPDU: bytes.Repeat([]byte("b"), 500), Priority: 8})
	h.now = h.now.Add(tx.Air)
	h.Sent(h.now)
	h.hear(ack(10))
	h.expectEvents("Confirmed{ID:1 Peer:1.1.0.2}")
	if got := strings.Join(fsns(h.turn(time.Hour)), " "); got != "10u 11u 12u" {
		t.Errorf("sent next: %s", got)
	}
}
