package dts_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

// when lets time pass until the station sends and tells how long that took.
func (h *hand) when(limit time.Duration) time.Duration {
	h.t.Helper()
	start := h.now
	for h.now.Sub(start) <= limit {
		if tx := h.Transmit(h.now); tx != nil {
			took := h.now.Sub(start)
			h.now = h.now.Add(tx.Air)
			h.Sent(h.now)
			return took
		}
		next := h.Deadline()
		if next.IsZero() {
			break
		}
		h.now = next
		h.Tick(h.now)
	}
	return -1
}

func TestWhoSendsWhen(t *testing.T) {
	cfg := dts.Config{Guard: 300 * time.Millisecond, Hold: 2 * time.Second, Slot: time.Second}
	quick := 300 * time.Millisecond

	h := connected(t, cfg)
	h.text("idle channel")
	if d := h.when(time.Hour); d != 0 {
		t.Errorf("idle channel: after %v", d)
	}
	h.hear(ack(1))
	h.text("we go on")
	if d := h.when(time.Hour); d != quick {
		t.Errorf("after our acknowledgement: %v", d)
	}

	h = connected(t, cfg)
	h.hear(data(0, "x"))
	if d := h.when(time.Hour); d != quick {
		t.Errorf("answer: after %v", d)
	}
	h.text("fresh")
	if d := h.when(time.Hour); d < 2*time.Second || d > 6*time.Second {
		t.Errorf("after our own acknowledgement: %v", d)
	}

	h = connected(t, cfg)
	h.text("not our turn")
	p := data(0, "for another")
	p.To = nodeB + 5
	h.hear(p)
	if d := h.when(time.Hour); d < 2*time.Second || d > 6*time.Second {
		t.Errorf("after a transmission for another: %v", d)
	}
}

func TestBusyChannelIsLeftAlone(t *testing.T) {
	h := connected(t, dts.Config{})
	h.text("x")
	h.Carrier(h.now, true)
	h.Carrier(h.now, true)
	h.now = h.now.Add(time.Minute)
	if d := h.when(time.Hour); d != -1 {
		t.Errorf("sent over a carrier after %v", d)
	}
	h.Carrier(h.now, false)
	if d := h.when(time.Hour); d < 2*time.Second || d > 20*time.Second {
		t.Errorf("after the carrier: %v", d)
	}
	// EOT of one D_PDU for another node keeps us off although nothing more is heard.
	p := data(0, "for another")
	p.From, p.To, p.EOT = nodeB+1, nodeB+5, 200
	h = connected(t, dts.Config{})
	h.text("x")
	h.Receive(h.now, h.now, &p)
	if d := h.when(time.Hour); d < 102*time.Second {
		t.Errorf("after %v of 100 s", d)
	}
}

func TestAnswerMayComeLateOnABusyChannel(t *testing.T) {
	h := connected(t, dts.Config{Tries: 2})
	h.text("x")
	h.turn(time.Hour)
	// Another node speaks for a minute; the peer could not answer.
	p := data(0, "for another")
	p.From, p.To, p.EOT = nodeB+1, nodeB+5, 120
	h.Receive(h.now, h.now, &p)
	start := h.now
	if pdus := h.turn(time.Hour); len(pdus) != 1 || h.now.Sub(start) < 65*time.Second {
		t.Errorf("sent again after %v", h.now.Sub(start))
	}
	h.expectEvents()
}

func TestUnreadableAnswerEndsTheWait(t *testing.T) {
	h := connected(t, dts.Config{})
	h.text("x")
	h.turn(time.Hour)
	sent := h.now
	h.now = h.now.Add(2 * time.Second)
	h.Carrier(h.now, true)
	h.now = h.now.Add(1800 * time.Millisecond)
	h.Carrier(h.now, false)
	h.turn(time.Hour)
	if d := h.now.Sub(sent); d > 20*time.Second {
		t.Errorf("sent again after %v", d)
	}
}

func TestMute(t *testing.T) {
	h := connected(t, dts.Config{Copies: -1})
	h.hear(data(0, "x"))
	h.Mute(h.now, true)
	h.text("waits")
	h.expect("")
	h.Mute(h.now, false)
	h.expect(`DATA-ACK 0 START END "waits" ack 1 `)
	h.Mute(h.now, true)
	h.expect("")
	if st := h.Status(nodeB); st.Misses != 0 {
		t.Errorf("%+v", st)
	}
	h.Mute(h.now, false)
	h.expect(`DATA-ONLY 0 START END "waits"`)
}

func TestTransmissionsKeepToTheirLimit(t *testing.T) {
	for _, limit := range []time.Duration{10 * time.Second, 30 * time.Second, dts.MaxTransmission} {
		h := connected(t, dts.Config{MaxTransmission: limit, Timing: short(300)})
		h.send(dts.Request{CPDU: make([]byte, 20000)})
		tx := h.Transmit(h.now)
		if tx == nil || tx.Air > limit+h.airLead() || tx.Air < limit/2 {
			t.Errorf("%v: %v", limit, tx.Air)
		}
		if p, _, err := dts.Decode(tx.Frames[0]); err != nil || time.Duration(p.EOT)*time.Second/2 > limit {
			t.Errorf("%v: EOT %d", limit, p.EOT)
		}
	}
}

func (h *hand) airLead() time.Duration { return short(300).Preamble }

func TestTimingOfOnePeer(t *testing.T) {
	h := connected(t, dts.Config{Timing: short(75)})
	if err := h.SetTiming(nodeB, short(2400)); err != nil {
		t.Fatal(err)
	}
	if err := h.SetTiming(nodeB, dts.Timing{Rate: -1}); err == nil {
		t.Error("took a rate below 0")
	}
	h.text("x")
	if tx := h.Transmit(h.now); tx.Timing != short(2400) {
		t.Errorf("%+v", tx.Timing)
	}
	h.Sent(h.now)
	h.hear(ack(1))
	h.send(dts.Request{To: dts.Broadcast, Service: dts.ServiceNonARQ, CPDU: []byte("y")})
	h.now = h.now.Add(time.Minute)
	h.Tick(h.now)
	if tx := h.Transmit(h.now); tx == nil || tx.Timing != short(75) {
		t.Errorf("%+v", tx)
	}
	h.Sent(h.now)
	if err := h.SetTiming(0, short(600)); err != nil {
		t.Fatal(err)
	}
	if err := h.SetTiming(nodeB, dts.Timing{}); err != nil {
		t.Fatal(err)
	}
	h.text("z")
	h.now = h.now.Add(time.Minute)
	if tx := h.Transmit(h.now); tx == nil || tx.Timing != short(600) {
		t.Errorf("after its own was taken away: %+v", tx)
	}
}

// crowd has n stations, each talking with the next, that send one message of about 40 characters each gap on average.
func crowd(t *testing.T, n, each int, gap time.Duration, seed uint64) (*net, []time.Duration) {
	x := newNet(t, n, seed, dts.Config{Timing: short(300)})
	r := rand.New(rand.NewPCG(seed, 1))
	sent := map[string]time.Time{}
	total := make([]time.Duration, n)
	count := 0
	x.on = func(i int, e dts.Event) {
		switch e := e.(type) {
		case dts.Delivery:
			at, ok := sent[string(e.CPDU)]
			if !ok {
				t.Fatalf("%q came again", e.CPDU)
			}
			delete(sent, string(e.CPDU))
			var from int
			fmt.Sscan(string(e.CPDU), &from)
			total[from] += x.Now.Sub(at)
			count++
		case dts.Failed, dts.Lost, dts.Resynced, dts.Warned:
			t.Fatalf("%T%+v", e, e)
		}
	}
	next := make([]time.Duration, n)
	for i := range next {
		next[i] = time.Duration(r.ExpFloat64() * float64(gap))
	}
	start := x.Now
	for k := range n * each {
		i := 0
		for j := range next {
			if next[j] < next[i] {
				i = j
			}
		}
		x.Run(t, max(0, next[i]-x.Now.Sub(start)), nil)
		next[i] += time.Duration(r.ExpFloat64() * float64(gap))
		text := fmt.Sprintf("%d %d %s", i, k, strings.Repeat("m", 36))
		sent[text] = x.Now
		x.text(i, (i+1+r.IntN(n-1))%n, text)
	}
	if !x.Run(t, 24*time.Hour, func() bool { return count == n*each }) {
		t.Fatalf("%d of %d arrived", count, n*each)
	}
	for i := range total {
		total[i] /= time.Duration(each)
	}
	return x, total
}

func TestFiveStationsShareAChannel(t *testing.T) {
	for _, gap := range []time.Duration{80 * time.Second, 3 * time.Minute, 10 * time.Minute} {
		x, mean := crowd(t, 5, 100, gap, 3)
		t.Logf("one message per station in %v: mean delays %v; %d transmissions, %d collisions", gap, mean, x.Transmissions, x.Collisions)
		if slices.Max(mean) > 3*slices.Min(mean) {
			t.Errorf("unfair: %v", mean)
		}
		if 5*x.Collisions > x.Transmissions {
			t.Errorf("%d collisions in %d transmissions", x.Collisions, x.Transmissions)
		}
	}
}

func TestBulkOfTwoLeavesRoomForOthers(t *testing.T) {
	x := newNet(t, 4, 1, dts.Config{Timing: short(1200), MaxTransmission: 30 * time.Second})
	for range 100 {
		x.send(0, 1, dts.Request{CPDU: make([]byte, 2000)})
		x.send(1, 0, dts.Request{CPDU: make([]byte, 2000)})
	}
	x.Run(t, 2*time.Minute, nil)
	start := x.Now
	x.text(2, 3, "may I")
	if !x.Run(t, time.Hour, func() bool { return len(x.got[3]) == 1 }) {
		t.Fatal("never")
	}
	if d := x.Now.Sub(start); d > 12*time.Minute {
		t.Errorf("waited %v", d)
	}
	start = x.Now // by now all know that there are others
	x.text(3, 2, "may I as well")
	if !x.Run(t, time.Hour, func() bool { return len(x.got[2]) == 1 }) || x.Now.Sub(start) > 3*time.Minute {
		t.Errorf("waited %v", x.Now.Sub(start))
	}
}

// TestManyStations has several stations talk at random over a bad channel.
func TestManyStationsDeliverExactlyOnce(t *testing.T) {
	for seed := range uint64(cases / 20) {
		r := rand.New(rand.NewPCG(seed, 9))
		n := 3 + r.IntN(4)
		x := newNet(t, n, seed, dts.Config{Timing: short(1200), Tries: 1000})
		x.Miss, x.Lose, x.Flip, x.Copy = 0.1*r.Float64(), 0.1*r.Float64(), 0.1*r.Float64(), 0.1
		want, got := map[string]int{}, 0
		x.on = func(i int, e dts.Event) {
			switch e := e.(type) {
			case dts.Delivery:
				if to, ok := want[string(e.CPDU)]; !ok || to != i {
					t.Fatalf("seed %d: station %d got %q", seed, i, e.CPDU)
				}
				delete(want, string(e.CPDU))
				got++
			case dts.Failed, dts.Lost, dts.Resynced, dts.Warned:
				t.Fatalf("seed %d: %T%+v", seed, e, e)
			}
		}
		total := 1 + r.IntN(10)
		for k := range total {
			from := r.IntN(n)
			to := (from + 1 + r.IntN(n-1)) % n
			text := fmt.Sprint(k, strings.Repeat("x", r.IntN(400)))
			want[text] = to
			x.text(from, to, text)
			x.Run(t, time.Duration(r.IntN(40))*time.Second, nil)
		}
		if !x.Run(t, 100*time.Hour, func() bool { return got == total }) {
			t.Fatalf("seed %d: %d of %d", seed, got, total)
		}
		x.Run(t, time.Hour, nil)
	}
}

// Others that speak one after the other do not keep us for ever from counting an answer as missed.
func TestAnAnswerIsNotAwaitedForEverOnABusyChannel(t *testing.T) {
	h := connected(t, dts.Config{})
	h.text("met another transmission")
	if d := h.when(time.Minute); d < 0 {
		t.Fatal("nothing sent")
	}
	for others := range 10 {
		if n, want := h.Status(nodeB).Misses, min(1, others/3); n != want {
			t.Errorf("%d missed after %d transmissions of others, want %d", n, others, want)
		}
		p := data(uint8(others), "for another")
		p.From, p.To = nodeB+3, nodeB+4
		h.hear(p)
		h.now = h.now.Add(time.Second) // less than an answer takes
		h.Tick(h.now)
	}
}
