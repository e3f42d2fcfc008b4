// Package onair reads what is on a simulated HF channel: which D_PDUs a transmission has, and which U_PDUs these carry.
package onair

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/spdu"
)

// A Transmission is one signal and the D_PDUs in it.
type Transmission struct {
	modem.Signal
	Number int // in the order in which they ended
	PDUs   []dts.PDU
	Units  []*Unit    // those that were whole with it, sent for the first time
	Links  []cas.Type // what it says about links
}

// A Unit is a U_PDU.
type Unit struct {
	From, To dts.Address
	NonARQ   bool
	UPDU     []byte
	SPDU     int // bytes, with the U_PDU
	CPDU     int
}

// Air is how long the signal was.
func (t *Transmission) Air() time.Duration { return t.End.Sub(t.Start) }

// Carries tells whether it has data of clients, or a part of them.
func (t *Transmission) Carries() bool {
	return slices.ContainsFunc(t.PDUs, func(p dts.PDU) bool { return carries(&p) })
}

func carries(p *dts.PDU) bool {
	switch p.Type {
	case dts.DataOnly, dts.DataAck, dts.ExpData, dts.NonARQ:
		return len(p.Segment) > 0
	}
	return false
}

// Acks tells whether it acknowledges data.
func (t *Transmission) Acks() bool {
	return slices.ContainsFunc(t.PDUs, func(p dts.PDU) bool {
		return p.Type == dts.AckOnly || p.Type == dts.DataAck || p.Type == dts.ExpAck
	})
}

// A Reader follows a channel. It wants its signals in the order in which they ended.
type Reader struct {
	number int
	ways   map[way]*stream
}

type way struct {
	from, to dts.Address
	kind     dts.Type // DataOnly, ExpData or NonARQ
}

// A stream is the segments of one sender to one receiver, by frame number or, without ARQ, by C_PDU and offset.
type stream struct {
	open map[uint8]dts.PDU
	done map[uint8][]byte // segments of those that were whole, by number: what comes again

	id    int          // the C_PDU without ARQ; -1: none yet
	parts map[int]bool // of it, by offset
	left  int          // bytes
	cpdu  []byte
}

// Read decodes a signal.
func (r *Reader) Read(s modem.Signal) *Transmission {
	t := &Transmission{Signal: s, Number: r.number}
	r.number++
	if s.Broken {
		return t
	}
	var scan dts.Scanner
	_, _ = scan.Write(s.Data)
	scan.End()
	for {
		f, ok := scan.Next()
		if !ok {
			break
		}
		p := f.PDU
		p.Segment = slices.Clone(p.Segment)
		t.PDUs = append(t.PDUs, p)
		if f.Fault == nil && !p.Damaged {
			r.take(t, p)
		}
	}
	return t
}

func (r *Reader) take(t *Transmission, p dts.PDU) {
	w := way{p.From, p.To, p.Type}
	switch p.Type {
	case dts.DataAck:
		w.kind = dts.DataOnly
	case dts.DataOnly, dts.ExpData, dts.NonARQ:
	case dts.ExpNonARQ: // links are made and broken: frame numbers begin again
		for k := range r.ways {
			if k.kind != dts.NonARQ && (k.from == w.from && k.to == w.to || k.from == w.to && k.to == w.from) {
				delete(r.ways, k)
			}
		}
		if c, err := cas.Decode(p.Segment); err == nil {
			t.Links = append(t.Links, c.Type)
		}
		return
	default:
		return
	}
	if r.ways == nil {
		r.ways = map[way]*stream{}
	}
	s := r.ways[w]
	if s == nil {
		s = &stream{open: map[uint8]dts.PDU{}, done: map[uint8][]byte{}, id: -1}
		r.ways[w] = s
	}
	var c []byte
	if w.kind == dts.NonARQ {
		c = s.blind(&p)
	} else {
		c = s.arq(p)
	}
	if u := unit(&p, c, w.kind == dts.NonARQ); u != nil {
		t.Units = append(t.Units, u)
	}
}

// arq takes a segment of an ARQ stream and gives the C_PDU that it completes.
func (s *stream) arq(p dts.PDU) []byte {
	if len(p.Segment) == 0 || bytes.Equal(s.done[p.Frame.FSN], p.Segment) {
		return nil
	}
	s.open[p.Frame.FSN] = p
	first := p.Frame.FSN
	for n := 0; !s.open[first].Frame.Start; n++ {
		if first--; n > 255 || s.open[first].Segment == nil {
			return nil
		}
	}
	var c []byte
	for fsn := first; ; fsn++ {
		q, ok := s.open[fsn]
		if !ok {
			return nil
		}
		c = append(c, q.Segment...)
		if q.Frame.End {
			for f := first; f != fsn+1; f++ {
				s.done[f] = s.open[f].Segment
				delete(s.open, f)
				delete(s.done, f+128)
			}
			return c
		}
	}
}

// blind takes a segment without ARQ. Those of a C_PDU come one after the other, and perhaps again.
func (s *stream) blind(p *dts.PDU) []byte {
	id, at := int(p.Part.ID), int(p.Part.Offset)
	if s.id != id {
		s.id, s.parts, s.left, s.cpdu = id, map[int]bool{}, int(p.Part.Size), make([]byte, p.Part.Size)
	}
	if s.parts[at] || at+len(p.Segment) > len(s.cpdu) {
		return nil
	}
	s.parts[at] = true
	copy(s.cpdu[at:], p.Segment)
	if s.left -= len(p.Segment); s.left > 0 {
		return nil
	}
	return s.cpdu
}

// unit reads a C_PDU.
func unit(p *dts.PDU, c []byte, blind bool) *Unit {
	if c == nil {
		return nil
	}
	d, err := cas.Decode(c)
	if err != nil || d.Type != cas.Data {
		return nil
	}
	s, err := spdu.Decode(d.SPDU)
	if err != nil || s.Type != spdu.Data {
		return nil
	}
	return &Unit{From: p.From, To: p.To, NonARQ: blind, UPDU: s.Data, SPDU: len(d.SPDU), CPDU: len(c)}
}

// Line is for people: when after the epoch it began and ended, from whom to whom, and the D_PDUs in it.
func (t *Transmission) Line(epoch time.Time) string {
	var what []string
	count := map[string]int{}
	for _, p := range t.PDUs {
		w := fmt.Sprintf("%v to %v", p.Type, p.To)
		if count[w]++; count[w] == 1 {
			what = append(what, w)
		}
	}
	for i, w := range what {
		if count[w] > 1 {
			what[i] = fmt.Sprintf("%s (%d)", w, count[w])
		}
	}
	for _, l := range t.Links {
		what = append(what, l.String())
	}
	for _, u := range t.Units {
		what = append(what, fmt.Sprintf("U_PDU of %d bytes", len(u.UPDU)))
	}
	if t.Collided {
		what = append(what, "COLLIDED")
	}
	if t.Broken {
		what = append(what, "BROKEN OFF")
	}
	return fmt.Sprintf("%.1f to %.1f s, %d bytes, %s: %s", t.Start.Sub(epoch).Seconds(), t.End.Sub(epoch).Seconds(), t.Bits/8, t.From, strings.Join(what, ", "))
}
