package dts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

// A hand is node A's station, with a node B played by the test.
type hand struct {
	*dts.Station
	t   *testing.T
	now time.Time
}

func newHand(t *testing.T, cfg dts.Config) *hand {
	t.Helper()
	cfg.Address = nodeA
	if cfg.Timing.Rate == 0 {
		cfg.Timing = short(1200)
	}
	s, err := dts.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &hand{s, t, time.Unix(1e9, 0).UTC()}
}

// connected is a hand whose B is connected.
func connected(t *testing.T, cfg dts.Config) *hand {
	t.Helper()
	h := newHand(t, cfg)
	if err := h.Connect(h.now, nodeB, false); err != nil {
		t.Fatal(err)
	}
	return h
}

// hear plays one transmission of B.
func (h *hand) hear(pdus ...dts.PDU) {
	h.t.Helper()
	start := h.now
	end := start.Add(time.Duration(len(pdus)) * time.Second)
	for i, p := range pdus {
		if p.From == 0 {
			p.From = nodeB
		}
		if p.To == 0 {
			p.To = nodeA
		}
		p.EOT = uint8(2 * (len(pdus) - i))
		b, err := p.Append(nil)
		if err != nil {
			h.t.Fatal(err)
		}
		q, _, err := dts.Decode(b)
		if err != nil {
			h.t.Fatal(err)
		}
		q.Damaged = p.Damaged
		h.now = start.Add(time.Duration(i+1) * time.Second)
		h.Receive(h.now, start.Add(time.Duration(i)*time.Second), &q)
	}
	h.now = end
}

// turn lets time pass until the station sends, within limit, and gives what it sent.
func (h *hand) turn(limit time.Duration) []dts.PDU {
	h.t.Helper()
	end := h.now.Add(limit)
	for range 1000 {
		if tx := h.Transmit(h.now); tx != nil {
			var pdus []dts.PDU
			for _, f := range tx.Frames {
				p, _, err := dts.Decode(f)
				if err != nil {
					h.t.Fatal(err)
				}
				pdus = append(pdus, p)
			}
			h.now = h.now.Add(tx.Air)
			h.Sent(h.now)
			return pdus
		}
		next := h.Deadline()
		if next.IsZero() || next.After(end) {
			h.now = end
			h.Tick(end)
			return nil
		}
		if next.After(h.now) {
			h.now = next
		}
		h.Tick(h.now)
	}
	h.t.Fatal("time stands still")
	return nil
}

// said is turn in words, without repeats.
func (h *hand) said(limit time.Duration) string {
	h.t.Helper()
	var out []string
	for _, p := range h.turn(limit) {
		if s := words(p); len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}

// words shows what matters of a D_PDU.
func words(p dts.PDU) string {
	s := p.Type.String()
	switch p.Type {
	case dts.DataOnly, dts.DataAck, dts.ExpData:
		s += fmt.Sprintf(" %d", p.Frame.FSN)
		for _, f := range []struct {
			set  bool
			name string
		}{{p.Frame.Start, "START"}, {p.Frame.End, "END"}, {p.Frame.Drop, "DROP"}} {
			if f.set {
				s += " " + f.name
			}
		}
		if p.Type == dts.ExpData {
			s += fmt.Sprintf(" of %d", p.Frame.ID)
		}
		if len(p.Segment) > 0 {
			s += fmt.Sprintf(" %q", p.Segment)
		}
		if p.Type == dts.DataAck {
			s += fmt.Sprintf(" ack %d %x", p.Acks.LWE, p.Acks.Bits[:p.Acks.Size])
		}
	case dts.AckOnly, dts.ExpAck:
		s += fmt.Sprintf(" %d %x", p.Acks.LWE, p.Acks.Bits[:p.Acks.Size])
	case dts.Reset:
		r := p.Resync
		s = fmt.Sprintf("RESET %s id %d lwe %d", map[dts.Resync]string{{Full: true}: "full", {Request: true}: "request", {Window: true}: "window", {Ack: true}: "ack"}[dts.Resync{Full: r.Full, Request: r.Request, Window: r.Window, Ack: r.Ack}], r.ID, r.LWE)
	case dts.Management:
		s += fmt.Sprintf(" valid %t ack %t id %d %v", p.Message.Valid, p.Message.Ack, p.Message.ID, p.EOW)
	case dts.NonARQ, dts.ExpNonARQ:
		s += fmt.Sprintf(" id %d %d+%d of %d", p.Part.ID, p.Part.Offset, len(p.Segment), p.Part.Size)
	case dts.WarningType:
		s += fmt.Sprintf(" %v: %v", p.Warning.Type, p.Warning.Reason)
	}
	if p.To != nodeB {
		s += " to " + p.To.String()
	}
	return s
}

// told drains the events.
func (h *hand) told() []string {
	var out []string
	for e, ok := h.Next(); ok; e, ok = h.Next() {
		s := strings.TrimPrefix(fmt.Sprintf("%T%+v", e, e), "dts.")
		if d, ok := e.(dts.Delivery); ok {
			s = fmt.Sprintf("%v %q", d.Service, d.CPDU)
			if !d.Good() {
				s += fmt.Sprintf(" errored %v missing %v", d.Errored, d.Missing)
			}
		}
		out = append(out, s)
	}
	return out
}

// expect compares what the station sends next.
func (h *hand) expect(want string) {
	h.t.Helper()
	if got := h.said(time.Hour); got != want {
		h.t.Fatalf("said %q, want %q", got, want)
	}
}

// expectEvents compares what it told since last asked.
func (h *hand) expectEvents(want ...string) {
	h.t.Helper()
	if got := h.told(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		h.t.Fatalf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (h *hand) send(r dts.Request) dts.ID {
	h.t.Helper()
	if r.To == 0 {
		r.To = nodeB
	}
	id, err := h.Send(h.now, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *hand) text(s string) dts.ID { return h.send(dts.Request{CPDU: []byte(s)}) }

// data is a frame of B.
func data(fsn uint8, text string) dts.PDU {
	return dts.PDU{Type: dts.DataOnly, Frame: dts.Frame{Start: true, End: true, InOrder: true, FSN: fsn}, Segment: []byte(text)}
}

func ack(lwe uint8, bits ...byte) dts.PDU {
	p := dts.PDU{Type: dts.AckOnly, Acks: dts.Acks{LWE: lwe, Size: uint8(len(bits))}}
	copy(p.Acks.Bits[:], bits)
	return p
}

func reset(r dts.Resync) dts.PDU { return dts.PDU{Type: dts.Reset, Resync: r} }
