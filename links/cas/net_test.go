package cas_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/dts/dtstest"
)

const nodeA dts.Address = 0x1010001

func address(i int) dts.Address { return nodeA + dts.Address(i) }

// short is a serial-tone waveform with the short interleaver.
func short(rate int) dts.Timing {
	return dts.Timing{Rate: rate, Preamble: 600 * time.Millisecond, Block: 600 * time.Millisecond, Tail: 32, Turnaround: 2 * time.Second}
}

// A net is some nodes on one channel, and what they told.
type net struct {
	*dtstest.Channel
	tb    testing.TB
	nodes []*cas.Node
	log   []string
	got   [][]string
	air   []string // transmissions in words
	on    func(node int, e cas.Event)
}

func newNet(tb testing.TB, n int, seed uint64, cfg cas.Config) *net {
	tb.Helper()
	x := &net{tb: tb, got: make([][]string, n)}
	if cfg.DTS.Timing.Rate == 0 {
		cfg.DTS.Timing = short(1200)
	}
	var ends []dtstest.End
	for i := range n {
		cfg.DTS.Address, cfg.DTS.Seed = address(i), seed
		node, err := cas.New(cfg)
		if err != nil {
			tb.Fatal(err)
		}
		x.nodes, ends = append(x.nodes, node), append(ends, node)
	}
	x.Channel = dtstest.New(seed, ends...)
	x.OnEvent = x.collect
	x.OnAir = func(from int, start, end time.Time, frames [][]byte) {
		var out []string
		for _, f := range frames {
			p, _, err := dts.Decode(f)
			if err != nil {
				tb.Fatalf("on the air: %v", err)
			}
			s := p.Type.String()
			if p.Type == dts.ExpNonARQ {
				c, err := cas.Decode(p.Segment)
				if err != nil {
					tb.Fatalf("on the air: %v", err)
				}
				s = c.Type.String()
				switch {
				case c.Exclusive:
					s += " exclusive"
				case c.Reject != 0:
					s += ": " + c.Reject.String()
				case c.Break != 0:
					s += ": " + c.Break.String()
				}
			}
			if len(out) == 0 || out[len(out)-1] != s {
				out = append(out, s)
			}
		}
		x.air = append(x.air, fmt.Sprintf("%d> %s", from, strings.Join(out, ", ")))
	}
	return x
}

func (x *net) collect() {
	for i, n := range x.nodes {
		for e, ok := n.Next(); ok; e, ok = n.Next() {
			if d, ok := e.(cas.Delivery); ok {
				x.got[i] = append(x.got[i], string(d.SPDU))
			}
			if x.on != nil {
				x.on(i, e)
				continue
			}
			name := strings.NewReplacer("cas.", "", "dts.", "").Replace(fmt.Sprintf("%T", e))
			switch e := e.(type) {
			case cas.Delivery:
				x.log = append(x.log, fmt.Sprintf("%d: %q", i, e.SPDU))
			case cas.Broken:
				x.log = append(x.log, fmt.Sprintf("%d: Broken %v %v, %v", i, e.Peer, e.Cause, e.Reason))
			default:
				x.log = append(x.log, strings.TrimSpace(fmt.Sprintf("%d: %s %v", i, name, strings.Trim(fmt.Sprint(e), "{}"))))
			}
		}
	}
}

func (x *net) send(from, to int, text string) dts.ID {
	x.tb.Helper()
	id, err := x.nodes[from].Send(x.Now, cas.Unit{To: address(to), SPDU: []byte(text)})
	if err != nil {
		x.tb.Fatal(err)
	}
	return id
}

func (x *net) run(d time.Duration) { x.tb.Helper(); x.Run(x.tb, d, nil); x.collect() }

// expect compares what was on the air and told since last asked.
func (x *net) expect(air []string, log []string) {
	x.tb.Helper()
	if strings.Join(air, "\n") != strings.Join(x.air, "\n") {
		x.tb.Errorf("on the air:\n%s\nwant:\n%s", strings.Join(x.air, "\n"), strings.Join(air, "\n"))
	}
	if strings.Join(log, "\n") != strings.Join(x.log, "\n") {
		x.tb.Errorf("told:\n%s\nwant:\n%s", strings.Join(x.log, "\n"), strings.Join(log, "\n"))
	}
	x.air, x.log = nil, nil
}
