package main

import (
	"fmt"
	"strings"
	"time"

	"longwire/tools/rig/onair"
)

// floorBits is about what a character of short lines holds at the least for a program without a large language model: 2.2 to 2.4 with several megabytes of English
// learned beforehand.
const floorBits = 2.3

// floor is the least time for a text over the radio.
func (s *airStage) floor(text string) time.Duration {
	return s.wave.Preamble + s.wave.Block + time.Duration(floorBits*float64(len([]rune(text)))/float64(s.wave.Rate)*float64(time.Second))
}

func (p *page) airTitle(s *airStage) {
	fmt.Fprintf(p, "\n%s\n", p.paint(bold, "headquarters.net ⇄ field.net over HF"))
	p.note(fmt.Sprintf("Two Longwire nodes (%s), each with an s5066d, on one simulated channel: %s interleaver, turnaround 2 s.", platform(), s.wave.Name))
	clock := "Radio time is the clock's."
	if s.scale > 1 {
		clock = fmt.Sprintf("Radio time runs %d times as fast as the clock; all times below are radio time.", s.scale)
	}
	p.note(fmt.Sprintf("%s The clients are mellium.im/xmpp over TLS. -seed %d", clock, s.seed))
	p.note("Bytes: XML in the queue; frame: coded, with header; C_PDU: + S_PDU and C_PDU headers; D_PDU: on the air; ack: D_PDUs that acknowledge.")
	p.note(fmt.Sprintf("tx: transmissions, of both. air: of both. waited: client to client. floor: preamble + one interleaver block + %.1f bit a character ÷ rate.", floorBits))
	p.note("Ids are numbers on the air, as between any two Longwire nodes. The first line of each side also tells who talks; with names in [peer.codec] it need not.")
}

// airHead names the columns.
func (p *page) airHead() {
	fmt.Fprintf(p, "\n%s\n", p.paint(dim, fmt.Sprintf("%6s  %-5s %-*s %4s %5s %5s %5s %4s %3s %7s %7s %6s %5s",
		"said", "who", textWidth, "what", "XML", "frame", "C_PDU", "D_PDU", "ack", "tx", "air", "waited", "floor", "ratio")))
}

// airLine prints a line and what it cost. What others cost that went with it stands there once.
func (p *page) airLine(a *airShow, b *bill, l *line, nth int) {
	cost := fit("   went with the one above", 34)
	if nth == 0 {
		cost = fmt.Sprintf("%5d %5d %5d %4d %3d %5.1f s", b.frame, b.cpdu, b.data, b.acks, b.sent+b.ackCount, b.air.Seconds())
	}
	waited, floor := a.radio(l.delivered-l.said), a.s.floor(l.text)
	name := strings.ToUpper(cast[l.who][:1]) + cast[l.who][1:]
	fmt.Fprintf(p, "%s  %s %s %4d %s %5.1f s %4.1f s %5.1f\n", p.paint(dim, fmt.Sprintf("%6s", stamp(a.radio(l.said)))),
		p.paint([]string{ours, theirs}[l.who], fmt.Sprintf("%-5s", name)), fit(l.text, textWidth), l.bytes, cost, waited.Seconds(), floor.Seconds(), waited.Seconds()/floor.Seconds())
}

// airEvent prints a transmission that belongs to no line.
func (p *page) airEvent(at time.Duration, text string, t *onair.Transmission) {
	fmt.Fprintf(p, "%s  %s\n", p.paint(dim, fmt.Sprintf("%6s", stamp(at))), p.paint(dim, fmt.Sprintf("── %s: %d bytes, %.1f s ──", text, t.Bits/8, t.Air().Seconds())))
}

// airTotal sums up.
func (p *page) airTotal(s *airStage, b balance) {
	characters, xml, frames, cpdus := 0, 0, 0, 0
	var waited, floor time.Duration
	for _, l := range b.lines {
		characters += len([]rune(l.text))
		xml += l.bytes
		waited += (l.delivered - l.said) * time.Duration(s.scale)
		floor += s.floor(l.text)
	}
	for _, x := range b.bills {
		frames += x.frame
		cpdus += x.cpdu
	}
	n := max(1, len(b.lines))
	fmt.Fprintf(p, "\n%d lines, %d characters: %d bytes of XML, %d of frames, %d of C_PDUs, %d on the air in %d transmissions of %.0f s together", len(b.lines), characters, xml, frames, cpdus,
		b.total.bytes, b.total.transmissions, b.total.air.Seconds())
	fmt.Fprintf(p, "\n(%d for links, %d for marks that had nothing to ride on, %d met another). A line waited %.1f s, %.1f times the floor, on the average.", b.total.links, b.total.marks, b.total.collided,
		waited.Seconds()/float64(n), waited.Seconds()/floor.Seconds())
	p.beside(s, b, frames)
	fmt.Fprintf(p, "\n%.0f s of radio time in %.0f s. ", b.radio.Seconds(), b.wall.Seconds())
	if err := b.verdict(); err != nil {
		fmt.Fprintf(p, "%s\n", p.paint(bad, err.Error()))
		return
	}
	fmt.Fprintf(p, "%s\n", p.paint(good, fmt.Sprintf("All %d arrived, each exactly once.", len(b.lines))))
}

// beside tells what the lines would have been in a compressed stream of XML, as clients write them, each alone and behind the same headers.
func (p *page) beside(s *airStage, b balance, frames int) {
	d := newDeflated()
	n, bytes := max(1, len(b.lines)), 0
	alone := func(size int) time.Duration { return s.wave.Air(8 * (size + hourUnit + hourHeader)) }
	var there, here time.Duration
	for i, l := range b.lines {
		id := fmt.Sprintf("7c1f%04x-2b7e-4d0c-9a51-%012x", i*7919&0xFFFF, (int64(i)+1)*0x5DEECE66D&0xFFFFFFFFFFFF)
		xml := fmt.Sprintf("<message from='%s@headquarters.net/gajim.4KQ2ZT0P' to='%s@field.net' type='chat' id='%s'><body>%s</body><origin-id xmlns='urn:xmpp:sid:0' id='%s'/><request xmlns='urn:xmpp:receipts'/>"+
			"<markable xmlns='urn:xmpp:chat-markers:0'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>", cast[l.who], cast[1-l.who], id, l.text, id)
		size, _ := d.pack(l.who, []said{{xml: xml}}, 1<<16)
		bytes, there, here = bytes+size, there+alone(size), here+alone(frames/n)
	}
	fmt.Fprintf(p, "\nA line took %.1f bytes of frames, %.1f s on the air alone; in a stream of XML by zlib (XEP-0138) it would be %.1f bytes, %.1f s.", float64(frames)/float64(n), here.Seconds()/float64(n),
		float64(bytes)/float64(n), there.Seconds()/float64(n))
}
