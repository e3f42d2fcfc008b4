package dts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/dts/dtstest"
)

// short is a serial-tone waveform with the short interleaver.
func short(rate int) dts.Timing {
	return dts.Timing{Rate: rate, Preamble: 600 * time.Millisecond, Block: 600 * time.Millisecond, Tail: 32, Turnaround: 2 * time.Second}
}

// A net is some stations on one channel, and what they told.
type net struct {
	*dtstest.Channel
	tb       testing.TB
	stations []*dts.Station
	log      []string   // of all events
	got      [][]string // C_PDUs delivered by ARQ, of each station
	on       func(station int, e dts.Event)
	air      []string // transmissions, as 0>DATA-ONLY,DATA-ONLY
}

func address(i int) dts.Address { return nodeA + dts.Address(i) }

// newNet makes n stations; all are connected with each other.
func newNet(tb testing.TB, n int, seed uint64, cfg dts.Config) *net {
	tb.Helper()
	x := &net{tb: tb, got: make([][]string, n)}
	var ends []dtstest.End
	for i := range n {
		cfg.Address, cfg.Seed = address(i), seed
		s, err := dts.New(cfg)
		if err != nil {
			tb.Fatal(err)
		}
		x.stations, ends = append(x.stations, s), append(ends, s)
	}
	x.Channel = dtstest.New(seed, ends...)
	x.OnEvent = x.collect
	x.OnAir = func(from int, start, end time.Time, frames [][]byte) {
		var types []string
		for _, f := range frames {
			p, _, err := dts.Decode(f)
			if err != nil {
				tb.Fatalf("on the air: %v", err)
			}
			types = append(types, p.Type.String())
		}
		x.air = append(x.air, fmt.Sprintf("%d>%s", from, strings.Join(types, ",")))
	}
	for i, s := range x.stations {
		for j := range x.stations {
			if i != j {
				s.Connect(x.Now, address(j), false)
			}
		}
	}
	return x
}

func (x *net) collect() {
	for i, s := range x.stations {
		for e, ok := s.Next(); ok; e, ok = s.Next() {
			if d, ok := e.(dts.Delivery); ok && (d.Service == dts.ServiceARQ || d.Service == dts.ServiceExpedited) {
				x.got[i] = append(x.got[i], string(d.CPDU))
			}
			if x.on != nil {
				x.on(i, e)
			} else {
				x.log = append(x.log, fmt.Sprintf("%d: %T%+v", i, e, e))
			}
		}
	}
}

func (x *net) send(from, to int, r dts.Request) dts.ID {
	x.tb.Helper()
	if r.To == 0 {
		r.To = address(to)
	}
	id, err := x.stations[from].Send(x.Now, r)
	if err != nil {
		x.tb.Fatal(err)
	}
	return id
}

func (x *net) text(from, to int, s string) dts.ID {
	return x.send(from, to, dts.Request{To: address(to), CPDU: []byte(s)})
}

func TestShortMessageTakesTwoTransmissions(t *testing.T) {
	x := newNet(t, 2, 1, dts.Config{Timing: short(300)})
	id := x.text(0, 1, "hello")
	x.Run(t, time.Hour, nil)
	if len(x.got[1]) != 1 || x.got[1][0] != "hello" {
		t.Errorf("got %q", x.got[1])
	}
	if len(x.air) != 2 || x.air[0] != "0>DATA-ONLY" || !strings.HasPrefix(x.air[1], "1>ACK-ONLY") {
		t.Errorf("on the air: %q", x.air)
	}
	if want := fmt.Sprintf("0: dts.Confirmed{ID:%d Peer:1.1.0.2}", id); len(x.log) != 2 || x.log[1] != want {
		t.Errorf("log %q, want %q", x.log, want)
	}
	if st := x.stations[0].Status(address(1)); st.State != dts.Idle || st.InFlight != 0 || !st.Connected {
		t.Errorf("%+v", st)
	}
}

func TestManyMessagesBothWaysArriveInOrder(t *testing.T) {
	for _, loss := range []float64{0, 0.1, 0.3} {
		x := newNet(t, 2, 2, dts.Config{Timing: short(1200)})
		x.Lose, x.Miss = loss, loss/2
		var want [2][]string
		for k := range 200 {
			for i := range 2 {
				s := fmt.Sprintf("%d/%d %s", i, k, strings.Repeat("x", k*7%500))
				want[1-i] = append(want[1-i], s)
				x.text(i, 1-i, s)
			}
		}
		ok := x.Run(t, 48*time.Hour, func() bool { return len(x.got[0]) == 200 && len(x.got[1]) == 200 })
		if !ok {
			t.Fatalf("loss %v: %d and %d of 200 after %d transmissions\n%v", loss, len(x.got[0]), len(x.got[1]), x.Transmissions, x.log[max(0, len(x.log)-5):])
		}
		x.Run(t, time.Hour, nil)
		for i := range 2 {
			if strings.Join(x.got[i], "|") != strings.Join(want[i], "|") {
				t.Errorf("loss %v: order or content differs at %d", loss, i)
			}
		}
		t.Logf("loss %v: %d transmissions, %v of air, %d collisions", loss, x.Transmissions, x.Airtime.Round(time.Second), x.Collisions)
	}
}
