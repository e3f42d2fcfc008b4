package main

import (
	"strings"
	"testing"
	"time"
)

func TestScanSeesTagsInPieces(t *testing.T) {
	in := "<message from='a@x/1' type='chat'><body>one</body></message><r xmlns='urn:xmpp:sm:3'/>" +
		"<presence from='a@x'/><message><body>two</body></message><a xmlns='urn:xmpp:sm:3' h='2'/>"
	for size := 1; size < len(in); size++ {
		p := &player{sm: true}
		p.partner = p
		g := &game{players: []*player{p}, clock: clock{measuring: true, over: true}}
		for range 2 {
			p.sent.put(time.Now())
			p.unacked.put(time.Now())
		}
		for rest := in; rest != ""; {
			n := min(size, len(rest))
			if err := g.take(p, []byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if g.delivered != 2 || p.received != 3 || p.acked != 2 || !g.airEmpty() {
			t.Fatalf("pieces of %d: %d delivered, %d received, %d acked", size, g.delivered, p.received, p.acked)
		}
		if got := strings.Count(string(p.out), "<a "); got != 1 {
			t.Fatalf("pieces of %d: %d acks sent", size, got)
		}
	}
}

func TestScanTellsErrors(t *testing.T) {
	p := &player{}
	p.partner = p
	if err := (&game{}).take(p, []byte("<message type='error'><error type='cancel'/></message>")); err == nil {
		t.Error("an error stanza went unseen")
	}
}

func TestFifoKeepsOrderAsItGrows(t *testing.T) {
	var f fifo
	base := time.Now()
	next := 0
	for i := range 1000 {
		f.put(base.Add(time.Duration(i)))
		if i%3 == 0 {
			if got := f.take(); got != base.Add(time.Duration(next)) {
				t.Fatalf("take %d = %v", next, got.Sub(base))
			}
			next++
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]speed{{rate: 3}, {rate: 1}, {rate: 2}}); m.rate != 2 {
		t.Errorf("median = %v", m.rate)
	}
}
