package board_test

import (
	"context"
	"testing"
	"time"

	"longwire/board"
	"longwire/board/boardtest"
)

func TestButtonIsHeld(t *testing.T) {
	m := boardtest.NewMachine(t)
	p := board.Profile{Root: m.Root, Button: board.Button{Key: 408, Hold: time.Second}}
	ctx, cancel := context.WithCancel(t.Context())
	held, ended := make(chan time.Time, 10), make(chan error, 1)
	go func() { ended <- board.ButtonHeldFrom(ctx, p, m.Feed(), func() { held <- time.Now() }) }()

	time.Sleep(50 * time.Millisecond)
	m.AddKey("event0", 30).Press(true) // another key
	key := m.AddKey("event1", 408)     // it comes late
	key.Press(true)
	time.Sleep(100 * time.Millisecond)
	key.Press(false) // too short
	time.Sleep(1200 * time.Millisecond)
	if len(held) > 0 {
		t.Fatal("it was not held")
	}
	start := time.Now()
	key.Press(true)
	soon(t, "holding", func() {
		if d := (<-held).Sub(start); d < p.Button.Hold {
			t.Errorf("after %v", d)
		}
	})
	time.Sleep(1200 * time.Millisecond)
	key.Press(false)
	if len(held) > 0 {
		t.Error("told twice")
	}
	cancel()
	soon(t, "ending", func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutButton(t *testing.T) {
	m := boardtest.NewMachine(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- board.ButtonHeldFrom(ctx, board.Profile{Root: m.Root}, m.Feed(), func() {}) }()
	cancel()
	soon(t, "ending", func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestKeyBitmaps(t *testing.T) {
	for _, c := range []struct {
		bitmap string
		key    uint16
		bits   int
		want   bool
	}{
		// A USB keyboard, as a 64-bit and a 32-bit kernel show it.
		{"1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", 88, 64, true},
		{"10000 7 ff9f207a c14057ff febeffdf ffefffff ffffffff fffffffe", 88, 32, true},
		{"1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", 0, 64, false},
		{"1000000 0 0 0 0 0 0", 408, 64, true},
		{"1000000 0 0 0 0 0 0", 407, 64, false},
		{"2", 408, 64, false},
		{"", 1, 64, false},
		{"x y", 1, 64, false},
	} {
		if got := board.HasKey(c.bitmap, c.key, c.bits); got != c.want {
			t.Errorf("%q %d: %v", c.bitmap, c.key, got)
		}
	}
}
