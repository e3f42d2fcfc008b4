package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// A record is what was tried and what came of it. Its methods may be called from any goroutine.
type record struct {
	out io.Writer

	mu             sync.Mutex // guards what follows, and out
	passed, failed int
	figures        []figure
}

// A figure is a measured number for the end of the report.
type figure struct{ name, value string }

// of is what a figure is of.
func (f figure) of() string {
	head, _, _ := strings.Cut(f.name, ":")
	head, _, _ = strings.Cut(head, ",")
	return head
}

// do tries one thing, prints PASS or FAIL, and tells which.
func (r *record) do(name string, f func() error) bool {
	begin := time.Now()
	err := f()
	r.mu.Lock()
	defer r.mu.Unlock()
	if took := time.Since(begin); took >= 100*time.Millisecond {
		name += fmt.Sprintf(" (%.1f s)", took.Seconds())
	}
	if err != nil {
		r.failed++
		fmt.Fprintf(r.out, "FAIL  %s\n      %s\n", name, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n      "))
		return false
	}
	r.passed++
	fmt.Fprintf(r.out, "PASS  %s\n", name)
	return true
}

// all tries things one after the other until one fails.
func (r *record) all(steps ...step) bool {
	for _, s := range steps {
		if !r.do(s.name, s.try) {
			return false
		}
	}
	return true
}

// A step is one thing to try.
type step struct {
	name string
	try  func() error
}

// note prints a line that is no result.
func (r *record) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

// figure keeps a number for the end.
func (r *record) figure(name, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures = append(r.figures, figure{name, fmt.Sprintf(format, args...)})
}

// end prints the figures and the last line, and tells whether all is well.
func (r *record) end() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.figures) > 0 {
		fmt.Fprintln(r.out)
	}
	// Kits are started at the same time: each one's figures together.
	slices.SortStableFunc(r.figures, func(a, b figure) int { return strings.Compare(a.of(), b.of()) })
	for _, f := range r.figures {
		fmt.Fprintf(r.out, "  %-44s %s\n", f.name, f.value)
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed\n", r.passed, r.failed)
	return r.failed == 0 && r.passed > 0
}
