package main

import (
	"strings"
	"testing"
	"time"

	"longwire/tools/rig/wire"
)

func TestCrowdCountsLinesInPieces(t *testing.T) {
	const line = "<message from='ops@chat.x/u1' type='groupchat' id='m1'><body>text</body></message>"
	for size := 1; size < len(line); size++ {
		w := newCrowd([]*wire.Conn{{}, {}}, "ops@chat.x", "text", 2, clock{measuring: true})
		w.start()
		in := strings.Repeat(line, 2)
		for _, p := range w.players {
			for rest := in; rest != ""; {
				n := min(size, len(rest))
				if err := w.take(p, []byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
		}
		if w.delivered != 4 || w.whole != 2 || len(w.last) != 2 {
			t.Fatalf("pieces of %d: %d delivered, %d whole, %d times", size, w.delivered, w.whole, len(w.last))
		}
		// The last to hear speaks next.
		if got := strings.Count(string(w.players[1].out), "<message"); got != 3 || len(w.said) != 4 {
			t.Fatalf("pieces of %d: the last has said %d lines, all %d", size, got, len(w.said))
		}
	}
}

func TestCrowdTellsErrorsAndSurplus(t *testing.T) {
	w := newCrowd([]*wire.Conn{{}, {}}, "ops@chat.x", "text", 1, clock{})
	w.start()
	if err := w.take(w.players[0], []byte("<message type='error'><error type='cancel'/></message>")); err == nil {
		t.Error("an error stanza went unseen")
	}
	if err := w.take(w.players[1], []byte("<message></message><message></message>")); err == nil {
		t.Error("a line that nobody said went unseen")
	}
	w.over = true
	if w.done(time.Now()) {
		t.Error("over before all had the line")
	}
}
