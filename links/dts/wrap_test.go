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

// wrapCase has two stations count near to 255 on a good channel, and then over the wrap on a bad one.
func wrapCase(t *testing.T, seed uint64) (repeats int) {
	r := rand.New(rand.NewPCG(seed, 77))
	segment := 1 + r.IntN(6)
	x := newNet(t, 2, seed, dts.Config{Timing: short(1200), Window: 1 + r.IntN(128), Segment: segment, Tries: 1000})
	bad := false
	var sent [2]map[uint8]int // frames sent since the channel is bad, by number
	x.OnAir = func(from int, _, _ time.Time, frames [][]byte) {
		for _, f := range frames {
			if p, _, err := dts.Decode(f); bad && err == nil && (p.Type == dts.DataOnly || p.Type == dts.DataAck) && len(p.Segment) > 0 {
				sent[from][p.Frame.FSN]++
			}
		}
	}
	confirmed, wanted := 0, 0
	x.on = func(i int, e dts.Event) {
		switch e := e.(type) {
		case dts.Confirmed:
			confirmed++
		case dts.Failed, dts.Lost, dts.Resynced, dts.Warned, dts.NoReply:
			t.Fatalf("seed %d: station %d: %T%+v", seed, i, e, e)
		}
	}
	var want [2][]string
	put := func(from int, text string) {
		want[1-from] = append(want[1-from], text)
		wanted++
		x.text(from, 1-from, text)
	}
	done := func() bool { return confirmed == wanted }
	for i := range 2 {
		sent[i] = map[uint8]int{}
		put(i, strings.Repeat("-", segment*(230+r.IntN(26))))
	}
	if !x.Run(t, 100*time.Hour, done) {
		t.Fatalf("seed %d: the good channel", seed)
	}
	bad = true
	share := r.Float64()
	x.Miss, x.Blind = share*0.3*r.Float64(), r.IntN(4) == 0
	x.Mangle = bursty(r, 0.05+share*0.3, share*0.2, share*0.2, 0.1)
	for frames := [2]int{}; min(frames[0], frames[1]) < 30; {
		i := r.IntN(2)
		text := fmt.Sprint(len(want[1-i]), strings.Repeat("+", r.IntN(15*segment)))
		frames[i] += (len(text) + segment - 1) / segment
		put(i, text)
		if r.IntN(4) == 0 {
			x.Run(t, time.Duration(r.IntN(60))*time.Second, nil)
		}
	}
	if !x.Run(t, 400*time.Hour, done) {
		t.Fatalf("seed %d: %d of %d confirmed; %+v %+v", seed, confirmed, wanted, x.stations[0].Status(address(1)), x.stations[1].Status(address(0)))
	}
	x.Run(t, time.Hour, nil)
	for i := range 2 {
		if !slices.Equal(x.got[i], want[i]) {
			t.Fatalf("seed %d: station %d got %d C_PDUs, want %d; or another order", seed, i, len(x.got[i]), len(want[i]))
		}
		if sent[i][255] == 0 || sent[i][0] == 0 || sent[i][1] == 0 {
			t.Fatalf("seed %d: station %d did not come over the wrap: %v", seed, i, sent[i])
		}
		for _, n := range sent[i] {
			repeats += n - 1
		}
	}
	return repeats
}

func TestFramesOverTheWrapArriveOnceInOrder(t *testing.T) {
	repeats := 0
	for seed := range uint64(cases) {
		repeats += wrapCase(t, seed)
	}
	t.Logf("%d frames were sent again", repeats)
	if repeats < 10*cases {
		t.Errorf("only %d frames were sent again: the channel was too good", repeats)
	}
}
