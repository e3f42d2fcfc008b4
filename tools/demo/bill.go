package main

import (
	"slices"
	"time"

	"longwire/links/s5066/frame"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// A bill says what some lines cost that went over the air together.
type bill struct {
	from         string // station
	lines        []*line
	sent         int // transmissions with data of theirs; more than one when something was lost, or too long
	last         *onair.Transmission
	frame, cpdu  int // bytes
	data, acks   int // bytes of D_PDUs
	ackCount     int
	air          time.Duration
	acknowledged bool
	printed      bool
}

// A ledger charges each transmission to lines, or to the housekeeping: links made, and marks that went alone.
type ledger struct {
	air    *rig.Channel
	reader onair.Reader
	seen   int
	until  time.Time // the end of the last signal
	bills  []*bill
	links  []*onair.Transmission // not told yet
	marks  []*onair.Transmission // not told yet
	total  struct {
		transmissions, bytes, links, marks, collided int
		air                                          time.Duration
	}
}

// update reads the signals that have ended since.
func (g *ledger) update() {
	all := g.air.Signals()
	for _, s := range all[g.seen:] {
		g.charge(g.reader.Read(s))
		if s.End.After(g.until) {
			g.until = s.End
		}
	}
	g.seen = len(all)
}

func (g *ledger) charge(t *onair.Transmission) {
	g.total.transmissions++
	g.total.air += t.Air()
	g.total.bytes += t.Bits / 8
	if t.Collided {
		g.total.collided++
	}
	answered := g.answered(t)
	switch {
	case len(t.Links) > 0 && !t.Carries():
		g.total.links++
		g.links = append(g.links, t)
	case t.Carries() && !stanzas(t):
		g.total.marks++
		g.marks = append(g.marks, t)
	case t.Carries():
		b := g.open(t.From)
		b.sent++
		b.last, b.air, b.data = t, b.air+t.Air(), b.data+t.Bits/8
		for _, u := range t.Units {
			b.frame += len(u.UPDU)
			b.cpdu += u.CPDU
		}
	case answered != nil:
		answered.ackCount++
		answered.acks += t.Bits / 8
		answered.air += t.Air()
	case len(g.marks) > 0 || g.total.marks > 0:
		g.total.marks++ // what acknowledges a mark
		g.marks = append(g.marks, t)
	}
}

// answered is the bill whose data t acknowledges.
func (g *ledger) answered(t *onair.Transmission) *bill {
	if !t.Acks() {
		return nil
	}
	var found *bill
	for _, b := range g.bills {
		if b.from != t.From && !b.acknowledged {
			b.acknowledged, found = true, b
		}
	}
	return found
}

// open is the bill for data of a station. Data that nobody has acknowledged yet are more of the same.
func (g *ledger) open(from string) *bill {
	for _, b := range slices.Backward(g.bills) {
		if b.from == from && !b.acknowledged {
			return b
		}
	}
	b := &bill{from: from}
	g.bills = append(g.bills, b)
	return b
}

// stanzas tells whether t has U_PDUs with stanzas, or parts of U_PDUs, which nothing else is long enough for.
func stanzas(t *onair.Transmission) bool {
	for _, u := range t.Units {
		if f, err := frame.Parse(u.UPDU); err != nil || f.Peek().Data != frame.None {
			return true
		}
	}
	return len(t.Units) == 0
}

// carrier is the bill for a line that was delivered at a radio time: that of the last data which its side began to send before.
func (g *ledger) carrier(from string, delivered time.Time) *bill {
	for _, b := range slices.Backward(g.bills) {
		if b.from == from && b.last.Start.Before(delivered) {
			return b
		}
	}
	return nil
}
