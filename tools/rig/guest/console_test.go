package guest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConsoleSplitsLinesAndDropsWhatATerminalObeys(t *testing.T) {
	var log bytes.Buffer
	c := newConsole(&log)
	for _, part := range []string{"one\r\nt", "w", "o\x1b", "[0;3", "1mred\r\n", "\x1b7three"} {
		if n, err := c.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	var got []string
	for _, l := range c.Since(0) {
		got = append(got, l.Text)
	}
	if want := "one|twored|three"; strings.Join(got, "|") != want {
		t.Errorf("lines are %q, want %s", got, want)
	}
	if s := log.String(); !strings.Contains(s, " twored\n") || strings.Contains(s, "three") {
		t.Errorf("the log has whole lines only; it is %q", s)
	}
}

func TestAwaitFindsALineOnceAndGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Guest{Console: newConsole(&bytes.Buffer{}), exited: make(chan struct{})}
		go func() {
			time.Sleep(time.Second)
			g.Console.Write([]byte("lamp: yellow\nlamp: green\n"))
		}()
		var at Cursor
		if l, err := g.Await(t.Context(), &at, time.Minute, "red", "green"); err != nil || l.Text != "lamp: green" {
			t.Errorf("got %q, %v", l.Text, err)
		}
		begin := time.Now()
		if _, err := g.Await(t.Context(), &at, time.Minute, "green"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the same line again: %v", err)
		}
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("gave up after %s", d)
		}
		close(g.exited)
		if _, err := g.Await(t.Context(), &at, time.Minute, "green"); err == nil || !strings.Contains(err.Error(), "QEMU has ended") {
			t.Errorf("after the end: %v", err)
		}
	})
}
