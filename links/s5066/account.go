package s5066

import (
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/xmpp/stanza"
)

// What a transmission costs beside its bits, while it has not been measured. Choice: a serial tone modem of MIL-STD-188-110 with
// the short interleaver: keying 0.5 s, preamble and one block 0.6 s each, turnaround 2 s, and an answer with the same preamble
// and block. A D_PDU of 200 bytes has about 20 of header and CRC (S5066 C.3.2).
const (
	fixedAir    = 5 * time.Second
	unitHeader  = 20
	unitPayload = 200
)

// line is what the link to the peer is known to carry. What was measured is what the SIS server confirmed since it was given something: turns,
// answers and the traffic of others are in it, as they are in what a sender waits for.
// What goes behind something that is under way goes in the same transmission.
func (p *port) line(measured float64, behind bool) meter.Line {
	l := meter.Line{Measured: measured, Nominal: p.link.Rate, Packet: unitHeader, Payload: unitPayload}
	if !behind {
		l.Fixed = fixedAir
	}
	return l
}

// share makes what each stanza of a U_PDU took: its part by size.
func share(whole, part, all int) int { return whole * part / max(all, 1) }

func shareOf(whole time.Duration, part, all int) time.Duration {
	return whole * time.Duration(part) / time.Duration(max(all, 1))
}

// came traces a stanza of the peer. s may be nil.
func (p *port) came(lane string, what links.EventKind, s *stanza.Stanza, raw, wire int, air time.Duration) {
	p.event(links.Event{Kind: what, Lane: lane, Stanza: s, Raw: raw, Folded: raw, Compressed: wire, Wire: wire, Air: air})
}
