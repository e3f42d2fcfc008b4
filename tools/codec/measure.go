package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"longwire/tools/cli"
)

func measureCommand() cli.Command {
	var only string
	return cli.Command{
		Name: "measure", Args: "FILE", Line: "what each stanza of a traffic file costs, by method and kind", Min: 1, Max: 1,
		Help: `Prints mean, median and 95th percentile of the bytes of each kind, totals, and what coding takes, for each method.

folded      what links between two nodes send: chat states, stream management, ids that can be made again and
            resources of messages stay at home, long ids are short numbers, copies of a line go in one run.
lossless    all of the stanza.
stream      with the history of what the far side has, as over a reliable link.
alone       each run for itself, as over broadcast.
provisioned the addresses, labels, capabilities and avatars of a session are known to its ends, as by a bundle.

Everything is decoded again and compared with what was sent; a difference ends the measurement with an error. What
coding takes is processor time, so that other load does not count. MB shared is what is learned once, at the start
or from a snapshot. A peer: what one way takes, to send and to receive.

Example: codec measure --only XEP-0138,mix traffic.jsonl`,
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&only, "only", "", "only the methods that contain one of these `words`, separated by commas")
		},
		Run: func(c cli.Call) error {
			list := slices.DeleteFunc(methods(), func(m method) bool { return !wanted(m.name, only) })
			if only != "" && !slices.ContainsFunc(methods(), func(m method) bool { return contains(m.name, only) }) {
				return cli.Wrong("there is no method like %q; there are %s", only, names(methods()))
			}
			return measure(c.Args[0], list, c.Out, c.Err)
		},
	}
}

// A result is what a method took.
type result struct {
	method
	*tally
	encode, decode time.Duration
	own            int64 // bytes that the coders of all ways hold
	ways           int
}

// contains tells whether a name contains one of the words.
func contains(name, words string) bool {
	return slices.ContainsFunc(strings.Split(words, ","), func(w string) bool { return w != "" && strings.Contains(name, w) })
}

// wanted tells whether a method is measured: XEP-0138 always is, as the others are compared with it.
func wanted(name, only string) bool { return only == "" || name == xep0138 || contains(name, only) }

func names(list []method) string {
	var all []string
	for _, m := range list {
		all = append(all, m.name)
	}
	return strings.Join(all, ", ")
}

func measure(path string, methods []method, out, progress io.Writer) error {
	list, err := readTraffic(path)
	if err != nil {
		return err
	}
	t, err := newTraffic(list)
	if err != nil {
		return err
	}
	var results []*result
	for _, m := range methods {
		began := time.Now()
		r, err := apply(m, t, progress)
		if err != nil {
			return fmt.Errorf("codec: %s: %s: %w", path, m.name, err)
		}
		results = append(results, r)
		fmt.Fprintf(progress, "%s%s: %d bytes, %.1f s\n", clear(progress), m.name, r.total, time.Since(began).Seconds())
	}
	report(out, t, results)
	return nil
}

// apply runs one method over all traffic.
func apply(m method, t *traffic, progress io.Writer) (*result, error) {
	runs, err := m.what(t)
	if err != nil {
		return nil, err
	}
	if m.lore != nil {
		m.lore.learn()
	}
	open := m.open(t)
	opened := heap()
	r := &result{method: m, tally: newTally()}
	coders := map[way]coder{}
	tty := isTerminal(progress)
	shown := time.Now()
	for i, run := range runs {
		if run.items[0].text == nil {
			r.add(run.items[0].record, 0, false)
			continue
		}
		c := coders[run.way]
		if c == nil {
			if c, err = open(run.way); err != nil {
				return nil, err
			}
			coders[run.way] = c
		}
		n, err := c.code(run.items)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", run.items[0].line, err)
		}
		for k, it := range run.items {
			r.add(it.record, n[k], true)
		}
		if tty && time.Since(shown) > time.Second {
			shown = time.Now()
			fmt.Fprintf(progress, "%s%s: %d of %d", clear(progress), m.name, i, len(runs))
		}
	}
	r.own, r.ways = max(0, heap()-opened), len(coders)
	for _, c := range coders {
		if c, ok := c.(timed); ok {
			e, d := c.times()
			r.encode, r.decode = r.encode+e, r.decode+d
		}
	}
	runtime.KeepAlive(coders)
	return r, nil
}

// timed is a coder that knows what it took.
type timed interface {
	times() (encode, decode time.Duration)
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// clear empties the line that progress is drawn on.
func clear(w io.Writer) string {
	if isTerminal(w) {
		return "\r\033[K"
	}
	return ""
}

// isTerminal tells whether progress can be drawn over.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
