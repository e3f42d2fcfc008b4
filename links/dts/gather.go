package dts

import (
	"slices"
	"time"
)

// A gather puts non-ARQ C_PDUs together from whatever copies of their segments arrive.
type gather struct {
	list  []*pile
	bytes int // held by all piles
	limit int
	seen  []finished
}

// pileKey names a C_PDU of some sender (S5066 C.4.2).
type pileKey struct {
	from      Address
	expedited bool
	id        uint16
}

// A pile is one C_PDU.
type pile struct {
	pileKey
	to      Address
	inOrder bool
	data    []byte
	state   []byte // of each byte
	good    int    // bytes
	until   time.Time
}

const (
	missing = iota
	errored
	good
)

// A finished C_PDU is remembered until its window ends, so that later copies do not make it anew.
type finished struct {
	pileKey
	until time.Time
}

const maxFinished = 256

// A modem that hands out late what it received may be so late.
const lateCopies = 10 * time.Second

// grace is added to windows: the last bits of a transmission leave the decoder some time after they were on the air.
func grace(t *Timing) time.Duration { return time.Second + 2*t.Block }

// take receives a segment at time at; now is not earlier.
func (g *gather) take(p *PDU, at time.Time, slack time.Duration) {
	key := pileKey{p.From, p.Type == ExpNonARQ, p.Part.ID}
	until := at.Add(time.Duration(p.Part.Window)*halfSecond + slack)
	if i := slices.IndexFunc(g.seen, func(f finished) bool { return f.pileKey == key }); i >= 0 {
		g.seen[i].until = until
		return
	}
	x := g.find(key)
	if x != nil && len(x.data) != int(p.Part.Size) {
		// S5066 C.4.2: another size under the same number is another C_PDU.
		g.remove(x)
		x = nil
	}
	if x == nil {
		x = &pile{pileKey: key, to: p.To, inOrder: p.Part.InOrder, data: make([]byte, p.Part.Size), state: make([]byte, p.Part.Size)}
		g.add(x)
	}
	x.until = until
	mark := byte(good)
	if p.Damaged {
		mark = errored
	}
	for i, c := range p.Segment {
		k := int(p.Part.Offset) + i
		if x.state[k] == good || x.state[k] == errored && mark == errored {
			continue
		}
		if mark == good {
			x.good++
		}
		x.data[k], x.state[k] = c, mark
	}
}

func (g *gather) find(key pileKey) *pile {
	for _, x := range g.list {
		if x.pileKey == key {
			return x
		}
	}
	return nil
}

// add makes room for x by forgetting the oldest.
func (g *gather) add(x *pile) {
	g.list = append(g.list, x)
	g.bytes += x.cost()
	for g.bytes > g.limit && len(g.list) > 1 {
		g.remove(g.list[0])
	}
}

func (g *gather) remove(x *pile) {
	if i := slices.Index(g.list, x); i >= 0 {
		g.list = slices.Delete(g.list, i, i+1)
		g.bytes -= x.cost()
	}
}

// cost is about how much memory x takes.
func (x *pile) cost() int { return 2*len(x.data) + 128 }

func (x *pile) complete() bool { return x.good == len(x.data) }

// ready gives what is to be delivered at time now, in order where that was asked for.
func (g *gather) ready(now time.Time) (out []Delivery) {
	g.seen = slices.DeleteFunc(g.seen, func(f finished) bool { return !now.Before(f.until) })
	for again := true; again; {
		again = false
		for _, x := range g.list {
			over := !now.Before(x.until)
			if !over && (!x.complete() || x.inOrder && g.waits(x, now)) {
				continue
			}
			out = append(out, x.delivery())
			g.remove(x)
			if x.complete() {
				g.remember(finished{x.pileKey, laterOf(x.until, now.Add(lateCopies))})
			}
			again = true
			break
		}
	}
	return out
}

// waits tells whether x must wait for an earlier one (S5066 C.3.10, DELIVER IN ORDER).
//
// Choice: only for those heard of; of others nobody knows whether they were for us.
func (g *gather) waits(x *pile, now time.Time) bool {
	for _, y := range g.list {
		before := (x.id - y.id) % castIDs
		if y.from == x.from && y.expedited == x.expedited && y.inOrder && before > 0 && before < castIDs/2 && now.Before(y.until) {
			return true
		}
	}
	return false
}

func (g *gather) remember(f finished) {
	if len(g.seen) >= maxFinished {
		g.seen = slices.Delete(g.seen, 0, 1)
	}
	g.seen = append(g.seen, f)
}

// deadline is when something happens without further reception; zero is never.
func (g *gather) deadline() (t time.Time) {
	for _, x := range g.list {
		t = earlier(t, x.until)
	}
	return t
}

// delivery is x with its gaps marked. Errored bytes stay in place, missing ones are 0.
func (x *pile) delivery() Delivery {
	d := Delivery{From: x.from, To: x.to, Service: ServiceNonARQ, CPDU: x.data}
	if x.expedited {
		d.Service = ServiceExpeditedNonARQ
	}
	for i := 0; i < len(x.state); {
		j := i + 1
		for j < len(x.state) && x.state[j] == x.state[i] {
			j++
		}
		switch b := (Block{i, j - i}); x.state[i] {
		case errored:
			d.Errored = append(d.Errored, b)
		case missing:
			d.Missing = append(d.Missing, b)
		}
		i = j
	}
	return d
}

// earlier is the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
