package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"longwire/board"
)

func TestRecordCountsAndTellsWhy(t *testing.T) {
	var out bytes.Buffer
	r := &record{out: &out}
	tried := false
	ok := r.all(
		step{"one", func() error { return nil }},
		step{"two", func() error { return errors.New("because\nof that") }},
		step{"three", func() error { tried = true; return nil }},
	)
	r.figure("size", "%d MB", 7)
	if r.end() || ok || tried {
		t.Errorf("all %v, third step tried %v", ok, tried)
	}
	for _, want := range []string{"PASS  one\n", "FAIL  two\n      because\n      of that\n", " 7 MB\n", "\n1 passed, 1 failed\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if (&record{out: &out}).end() {
		t.Error("a run in which nothing was tried counts as good")
	}
}

func TestInParallelDoesEachJobOnceAndStopsAtAFault(t *testing.T) {
	var sum atomic.Int64
	if err := inParallel(t.Context(), 1, 100, 3, func(_ context.Context, i int) error { sum.Add(int64(i)); return nil }); err != nil || sum.Load() != 5050 {
		t.Errorf("sum %d, %v", sum.Load(), err)
	}
	fault := errors.New("no more")
	n := atomic.Int64{}
	err := inParallel(t.Context(), 1, 1000, 2, func(context.Context, int) error { n.Add(1); return fault })
	if !errors.Is(err, fault) || n.Load() > 10 {
		t.Errorf("%d jobs after the first fault, %v", n.Load(), err)
	}
}

func TestHangingKernelIsOneThatBootLoadersTake(t *testing.T) {
	b := []byte(hangingKernel())
	if string(b[56:60]) != "ARM\x64" || binary.LittleEndian.Uint64(b[16:]) != uint64(len(b)) || binary.LittleEndian.Uint32(b) != 0x14000000 {
		t.Errorf("its head is % x", b[:64])
	}
}

// TestGuideShowsTheLampsLanguage compares the pictures in the guide with the board's own.
func TestGuideShowsTheLampsLanguage(t *testing.T) {
	b, err := os.ReadFile("../../images/README.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	for _, s := range board.Signals() {
		for _, want := range []string{s.Picture(), s.Look(), s.Meaning()} {
			if !strings.Contains(guide, want) {
				t.Errorf("images/README.md does not show %q of the signal %q", want, s)
			}
		}
	}
}
