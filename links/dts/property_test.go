package dts_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

// checkAir looks at each transmission with the eyes of the standard.
func checkAir(x *net) {
	x.OnAir = func(from int, start, end time.Time, frames [][]byte) {
		t := short(1200)
		at := start.Add(t.Preamble)
		off := 0
		for i, f := range frames {
			p, _, err := dts.Decode(f)
			if err != nil || p.Damaged {
				x.tb.Fatalf("on the air: %v", err)
			}
			begins := at.Add(time.Duration(off) * time.Second / time.Duration(t.Rate))
			promise := begins.Add(time.Duration(p.EOT) * time.Second / 2)
			if promise.Before(end.Add(-time.Millisecond)) || promise.After(end.Add(time.Second/2)) {
				x.tb.Fatalf("D_PDU %d of %d promises %v, the end is %v", i, len(frames), promise, end)
			}
			off += 8 * len(f)
		}
		if end.Sub(at) > dts.MaxTransmission {
			x.tb.Fatalf("%v on the air", end.Sub(at))
		}
	}
}

// bursty spoils D_PDUs at random: lost, single bits of the header flipped, bursts in the segment, copies.
func bursty(r *rand.Rand, lose, flip, burst, twice float64) func(int, []byte) [][]byte {
	return func(_ int, f []byte) [][]byte {
		switch x := r.Float64(); {
		case x < lose:
			return [][]byte{make([]byte, len(f))}
		case x < lose+flip:
			f = append([]byte(nil), f...)
			f[r.IntN(len(f))] ^= 1 << r.IntN(8)
		case x < lose+flip+burst:
			header := int(2 + f[5]&0x1f + f[5]>>5)
			if len(f) > header {
				f = append([]byte(nil), f...)
				for range 1 + r.IntN(20) {
					f[header+r.IntN(len(f)-header)] ^= byte(r.Uint32())
				}
			}
		case x < lose+flip+burst+twice:
			return [][]byte{f, f}
		}
		return [][]byte{f}
	}
}

// arqCase is one random conversation of two stations.
func arqCase(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	window := 1 + r.IntN(128)
	segment := 1 + r.IntN(40)
	x := newNet(t, 2, seed, dts.Config{Timing: short(1200), Window: window, Segment: segment, Tries: 1000})
	checkAir(x)
	bad := r.Float64() * r.Float64()
	x.Miss, x.Refuse = bad*0.4, 0.3
	x.Mangle = bursty(r, bad*0.3, bad*0.2, bad*0.2, 0.1)
	x.Blind = r.IntN(4) == 0

	confirmed, wanted := 0, 0
	delivered := map[string]int{}
	order := map[string]int{} // of each station and service, the last delivered
	x.on = func(i int, e dts.Event) {
		switch e := e.(type) {
		case dts.Confirmed:
			confirmed++
		case dts.Failed, dts.Lost, dts.Resynced, dts.Warned, dts.NoReply:
			t.Fatalf("seed %d: station %d: %T%+v", seed, i, e, e)
		case dts.Delivery:
			var to, number int
			var kind string
			fmt.Sscanf(string(e.CPDU), "%d %s %d", &to, &kind, &number)
			key := fmt.Sprint(i, kind)
			if to != i || delivered[string(e.CPDU)] > 0 {
				t.Fatalf("seed %d: station %d got %.20q again", seed, i, e.CPDU)
			}
			delivered[string(e.CPDU)]++
			if kind != "unordered" {
				if number != order[key] {
					t.Fatalf("seed %d: station %d got %s %d, want %d", seed, i, kind, number, order[key])
				}
				order[key]++
			}
		}
	}
	// Now and then enough for the frame numbers to wrap.
	messages := 1 + r.IntN(12)
	if r.IntN(20) == 0 {
		messages = 60
	}
	var count [2]map[string]int
	for i := range count {
		count[i] = map[string]int{}
	}
	sent := map[string]bool{}
	put := func() {
		from := r.IntN(2)
		req := dts.Request{To: address(1 - from)}
		kind := "ordered"
		switch r.IntN(8) {
		case 0:
			kind, req.Unordered = "unordered", true
		case 1:
			kind, req.Service = "expedited", dts.ServiceExpedited
		case 2:
			kind, req.Priority = "urgent", 14
		case 3:
			kind, req.Priority, req.Unordered = "unordered", 12, true
		}
		text := fmt.Sprintf("%d %s %d %s", 1-from, kind, count[from][kind], strings.Repeat("y", r.IntN(200)))
		count[from][kind]++
		req.CPDU = []byte(text)
		sent[text] = true
		x.send(from, 1-from, req)
		wanted++
	}
	for range 1 + r.IntN(messages) {
		put()
	}
	for range r.IntN(4) {
		x.Run(t, time.Duration(r.IntN(60))*time.Second, nil)
		if wanted < messages {
			put()
		}
	}
	if !x.Run(t, 200*time.Hour, func() bool {
		for i, s := range x.stations {
			if n := s.Status(address(1 - i)).InFlight; n > window {
				t.Fatalf("seed %d: %d frames in flight, window %d", seed, n, window)
			}
		}
		return confirmed == wanted
	}) {
		t.Fatalf("seed %d: %d of %d confirmed; %+v %+v", seed, confirmed, wanted, x.stations[0].Status(address(1)), x.stations[1].Status(address(0)))
	}
	for text := range sent {
		if delivered[text] != 1 {
			t.Fatalf("seed %d: %.20q delivered %d times", seed, text, delivered[text])
		}
	}
	x.Run(t, time.Hour, nil)
	before := x.Transmissions
	x.Run(t, 24*time.Hour, nil)
	if x.Transmissions != before {
		t.Fatalf("seed %d: an idle link sent %d times", seed, x.Transmissions-before)
	}
}

func TestARQDeliversExactlyOnceInOrder(t *testing.T) {
	for seed := range uint64(cases) {
		arqCase(t, seed)
	}
}

// limitedCase has C_PDUs that expire, are cancelled, and connections that are lost and made anew. Confirmed means delivered, and nothing
// comes twice in one connection; in the end the station is empty, and what is sent then arrives.
func limitedCase(t *testing.T, seed uint64) (confirmed, failed int) {
	r := rand.New(rand.NewPCG(seed, 8))
	x := newNet(t, 2, seed, dts.Config{Timing: short(1200), Window: 1 + r.IntN(128), Segment: 1 + r.IntN(40), Tries: 1 + r.IntN(4)})
	x.Miss = r.Float64() * 0.5
	x.Mangle = bursty(r, 0.2*r.Float64(), 0.1*r.Float64(), 0.1*r.Float64(), 0.1)
	delivered := map[string]int{}
	text := map[dts.ID]string{}
	key := func(station int, id dts.ID) dts.ID { return id*2 + dts.ID(station) }
	open := map[dts.ID]bool{}
	lost, again := false, false
	x.on = func(i int, e dts.Event) {
		switch e := e.(type) {
		case dts.Delivery:
			delivered[string(e.CPDU)]++
			if delivered[string(e.CPDU)] > 1 && !lost {
				t.Fatalf("seed %d: %.20q came twice", seed, e.CPDU)
			}
		case dts.Confirmed:
			confirmed++
			if k := key(i, e.ID); !open[k] || delivered[text[k]] == 0 {
				t.Fatalf("seed %d: %.20q confirmed, delivered %d times", seed, text[k], delivered[text[k]])
			}
			delete(open, key(i, e.ID))
		case dts.Failed:
			failed++
			if k := key(i, e.ID); !open[k] {
				t.Fatalf("seed %d: %v failed after its end", seed, e)
			}
			delete(open, key(i, e.ID))
		case dts.Lost, dts.Warned: // not connected
			lost, again = true, true
		}
	}
	x.OnEvent = func() {
		x.collect()
		if again && x.Quiet() {
			// The other end is told as well, as by a link that is made anew.
			again = false
			for i, s := range x.stations {
				s.Disconnect(x.Now, address(1-i))
				s.Connect(x.Now, address(1-i), false)
			}
		}
	}
	put := func(k int) {
		from := r.IntN(2)
		req := dts.Request{To: address(1 - from), Priority: uint8(r.IntN(16)), Unordered: r.IntN(3) == 0}
		if r.IntN(4) == 0 {
			req.Service = dts.ServiceExpedited
		}
		if r.IntN(2) == 0 {
			req.Expires = x.Now.Add(time.Duration(r.IntN(60)) * time.Second)
		}
		s := fmt.Sprintf("%d %d %s", from, k, strings.Repeat("z", r.IntN(300)))
		req.CPDU = []byte(s)
		id := x.send(from, 1-from, req)
		text[key(from, id)], open[key(from, id)] = s, true
	}
	for k := range 2 + r.IntN(10) {
		put(k)
		x.Run(t, time.Duration(r.IntN(30))*time.Second, nil)
		if r.IntN(4) == 0 {
			i := r.IntN(2)
			x.stations[i].Cancel(x.Now, dts.ID(1+r.IntN(5)))
		}
	}
	x.Run(t, 100*time.Hour, nil)
	for range 10 { // a connection lost at the very end
		x.OnEvent()
		x.Run(t, 100*time.Hour, nil)
	}
	for i, s := range x.stations {
		if st := s.Status(address(1 - i)); st.Queued > 0 || s.Queued() > 0 || len(open) > 0 {
			t.Fatalf("seed %d: station %d keeps %d bytes, %+v", seed, i, s.Queued(), st)
		}
	}
	x.Miss, x.Mangle = 0, nil
	put(100)
	put(101)
	n := confirmed + failed
	x.Run(t, time.Hour, nil)
	if confirmed+failed < n+2 {
		t.Fatalf("seed %d: the channel is good again, and nothing arrives: %+v", seed, x.stations[0].Status(address(1)))
	}
	return confirmed, failed
}

func TestConfirmedMeansDelivered(t *testing.T) {
	confirmed, failed := 0, 0
	for seed := range uint64(cases) {
		c, f := limitedCase(t, seed)
		confirmed, failed = confirmed+c, failed+f
	}
	if confirmed < 2*cases || failed < cases {
		t.Errorf("only %d confirmed and %d failed", confirmed, failed)
	}
}
