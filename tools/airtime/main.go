// Command airtime measures what XMPP over HF costs: line use, transmissions, seconds on the air and seconds waited, of longwire nodes and
// s5066d servers as they ship, over the simulated channel. Figures that have a goal are checked.
//
// Radio time runs many times as fast as the clock on the wall. What the programs themselves take, some milliseconds, is multiplied with
// it, so each table says its scale.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig"
)

// A bench is what all measurements share.
type bench struct {
	longwire, sis string // the programs
	dir           string
	progress      io.Writer
	trace         bool // tell each transmission

	mu       sync.Mutex // guards what follows
	goals    int
	missed   []string
	untested int // measurements, for want of what they need
}

// A measurement prints its table to out.
type measurement struct {
	name, line string
	run        func(ctx context.Context, b *bench, out io.Writer) error
	aside      bool // it takes long and needs no processor: it runs beside the others
	asked      bool // it runs only when it is named
}

var measurements = []measurement{
	{"bulk", "line use of bulk data", bulk, false, false},
	{"message", "a short message with a soft link up", messages, false, false},
	{"burst", "many messages at once (if named)", bursts, false, true},
	{"idle", "an idle link for a day", idle, true, false},
	{"services", "presence and queries of five clients", services, false, false},
	{"folding", "an hour of five real clients, whole and folded (if named)", folding, false, true},
	{"stations", "five stations on one channel", stations, false, false},
	{"precedence", "flashes behind a long routine (if named)", precedenceStage, false, true},
	{"emcon", "half a day of radio silence (if named)", emconStage, true, true},
	{"rooms", "federated rooms over HF, and rooms across the link (if named)", roomsHF, false, true},
	{"rooms-ip", "the same over an IP link (if named)", roomsIP, false, true},
}

func main() {
	var names []string
	for _, m := range measurements {
		names = append(names, m.name)
	}
	only := flag.String("only", "", "measure these alone: `names` out of "+strings.Join(names, ","))
	keep := flag.Bool("keep", false, "keep configurations and logs, and print where they are")
	trace := flag.Bool("trace", false, "print each transmission of the five stations")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: airtime [flags]\nMeasures what XMPP over simulated HF costs. Ends with status 1 if a goal is missed.")
		flag.PrintDefaults()
		for _, m := range measurements {
			fmt.Fprintf(flag.CommandLine.Output(), "  %-10s %s\n", m.name, m.line)
		}
	}
	flag.Parse()
	chosen, err := choose(*only)
	if flag.NArg() > 0 || err != nil {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := rig.Context(30 * time.Minute)
	defer cancel()
	if err := run(ctx, chosen, *keep, *trace, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "airtime:", err)
		os.Exit(1)
	}
}

func choose(only string) ([]measurement, error) {
	var list []measurement
	if only == "" {
		for _, m := range measurements {
			if !m.asked {
				list = append(list, m)
			}
		}
		return list, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		n := len(list)
		for _, m := range measurements {
			if m.name == name {
				list = append(list, m)
			}
		}
		if len(list) == n {
			return nil, fmt.Errorf("there is no measurement %q", name)
		}
	}
	return list, nil
}

func run(ctx context.Context, list []measurement, keep, trace bool, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "longwire-airtime-")
	if err != nil {
		return err
	}
	if keep {
		fmt.Fprintln(progress, "configurations and logs are kept in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	b := &bench{dir: dir, progress: progress, trace: trace}
	fmt.Fprintln(progress, "building longwire and s5066d")
	if b.longwire, err = rig.Build(ctx, dir); err != nil {
		return err
	}
	if b.sis, err = rig.BuildSISServer(ctx, dir); err != nil {
		return err
	}
	var faults []error
	aside := map[string]chan error{}
	texts := map[string]*bytes.Buffer{}
	for _, m := range list {
		if m.aside {
			done, text := make(chan error, 1), new(bytes.Buffer)
			aside[m.name], texts[m.name] = done, text
			go func() { done <- m.run(ctx, b, text) }()
		}
	}
	for _, m := range list {
		if !m.aside {
			faults = append(faults, m.fault(out, m.run(ctx, b, out)))
		}
	}
	for _, m := range list {
		if m.aside {
			err := <-aside[m.name]
			_, _ = texts[m.name].WriteTo(out)
			faults = append(faults, m.fault(out, err))
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Fprintf(out, "\n%d goals, %d missed\n", b.goals, len(b.missed))
	if b.untested > 0 {
		fmt.Fprintf(out, "%d of the measurements NOT TESTED, see above\n", b.untested)
	}
	for _, g := range b.missed {
		fmt.Fprintln(out, "  MISSED:", g)
		faults = append(faults, errors.New("missed: "+g))
	}
	return errors.Join(faults...)
}

// fault prints why a measurement came to nothing.
func (m measurement) fault(out io.Writer, err error) error {
	if err == nil {
		return nil
	}
	fmt.Fprintf(out, "\n%s: %v\n", m.line, err)
	return fmt.Errorf("%s: %w", m.line, err)
}

// goal notes whether a goal is met and gives the word for the table.
func (b *bench) goal(met bool, format string, args ...any) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.goals++
	if met {
		return "met"
	}
	b.missed = append(b.missed, fmt.Sprintf(format, args...))
	return "MISSED"
}
