package board_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/board"
	"longwire/board/boardtest"
)

// lit runs a lamp and records the level of LEDs each tenth of a second.
func lit(t *testing.T, p board.Profile, s board.Signal, m *boardtest.Machine, names ...string) map[string]string {
	t.Helper()
	film := make(map[string]string)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := board.OpenLamp(p, nil)
		l.Show(s)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(50 * time.Millisecond)
		for range 20 {
			for _, name := range names {
				sign := "#"
				if m.Bright(name) == "0" {
					sign = "."
				}
				film[name] += sign
			}
			time.Sleep(100 * time.Millisecond)
		}
		cancel()
		wg.Wait()
	})
	return film
}

func withLEDs(t *testing.T, name string) (board.Profile, *boardtest.Machine, []string) {
	t.Helper()
	m := boardtest.NewMachine(t)
	p, _ := board.Find(name)
	p.Root = m.Root
	var names []string
	for _, l := range p.LEDs {
		m.LED(l.Names[0])
		names = append(names, l.Names[0])
	}
	return p, m, names
}

func TestLampShowsItsPictures(t *testing.T) {
	for _, s := range board.Signals() {
		p, m, names := withLEDs(t, "bbb") // green, amber, red
		film := lit(t, p, s, m, names...)
		for i, name := range names {
			want := strings.Repeat(".", 20)
			if colour, _, _ := strings.Cut(s.Look(), " "); p.LEDs[i].Colour.String() == colour {
				want = s.Picture()[:20]
			}
			if film[name] != want {
				t.Errorf("%v: %s\n got %s\nwant %s", s, name, film[name], want)
			}
			if m.Bright(name) != "0" || m.Get(filepath.Join("sys/class/leds", name, "trigger")) != "none" {
				t.Errorf("%v: %s is left on, or blinks by itself", s, name)
			}
		}
	}
}

func TestLampMakesDoWithFewerLEDs(t *testing.T) {
	p, m, names := withLEDs(t, "rpi4") // green and red
	film := lit(t, p, board.ReadingStick, m, names...)
	if film["ACT"] != board.ReadingStick.Picture() || strings.Contains(film["PWR"], "#") {
		t.Errorf("amber without amber: %v", film)
	}
	p.LEDs = p.LEDs[:1]
	film = lit(t, p, board.Refused, m, "ACT")
	if film["ACT"] != board.Refused.Picture()[:20] {
		t.Errorf("one LED: %v", film)
	}
	lit(t, board.Profile{Root: m.Root}, board.Working, m) // none
	if err := os.RemoveAll(filepath.Join(m.Root, "sys")); err != nil {
		t.Fatal(err)
	}
	p, _, _ = withLEDs(t, "bbb")
	p.Root = m.Root
	lit(t, p, board.Working, m) // a board that lacks what it should have
}

func TestLampTellsTheConsole(t *testing.T) {
	var console strings.Builder
	l := board.OpenLamp(board.Profile{}, &console)
	for _, s := range []board.Signal{board.Starting, board.Starting, board.Working, board.Refused} {
		l.Show(s)
	}
	want := "lamp: amber slow blinking (starting)\nlamp: green steady (working)\nlamp: red four flashes and a pause (refused)\n"
	if console.String() != want {
		t.Errorf("%s\nwant\n%s", console.String(), want)
	}
	if l.Signal() != board.Refused {
		t.Error(l.Signal())
	}
}

// One LED is enough to tell the signals from each other.
func TestRhythmsDiffer(t *testing.T) {
	var seen []string
	for _, s := range board.Signals() {
		twice := strings.Repeat(s.Picture(), 4)[:40]
		if slices.Contains(seen, twice) {
			t.Errorf("%v looks like another", s)
		}
		seen = append(seen, twice)
	}
	table := board.LampTable()
	for _, want := range []string{"green steady", "####################", "##..##..##..##......", "pull it out", "needs attention"} {
		if !strings.Contains(table, want) {
			t.Errorf("%s\nlacks %q", table, want)
		}
	}
	t.Logf("\n%s", table)
}
