package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/tools/rig"
	"longwire/tools/rig/foreign"
)

const (
	foldRate  = 300
	foldScale = 20
	foldHour  = time.Hour // of radio: half of it nobody says anything, in the other half all chat
	foldTurns = 12        // times that each says something
)

// A tongue is how the nodes of one run treat what clients say.
type tongue struct {
	name, line string
	peer       map[string]any // keys of [[peer]]
}

var tongues = []tongue{
	{"whole", "all crosses", allCrosses},
	{"folded", "by default", nil},
	{"short", "with short ids", map[string]any{"fold.shorten_ids": true}},
}

// folding compares an hour of the same clients with and without.
func folding(ctx context.Context, b *bench, out io.Writer) error {
	var needs []rig.Need
	for _, m := range foreign.Makes {
		needs = append(needs, m.Needs...)
	}
	if err := rig.Require(ctx, b.progress, needs...); err != nil {
		fmt.Fprintf(out, "\nAn hour of %d clients: NOT TESTED, they are others' programs and not here: %v\n", clients, err)
		b.mu.Lock()
		b.untested++
		b.mu.Unlock()
		return nil
	}
	fmt.Fprintf(b.progress, "%v of %d clients and their contacts, %d times\n", foldHour, clients, len(tongues))
	hours := make([]hour, len(tongues))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i, c := range tongues {
		g.Go(func() (err error) {
			if hours[i], err = foldingAs(gctx, b, c); err != nil {
				err = fmt.Errorf("%s: %w", c.name, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	printFolding(out, hours)
	judge(b, out, hours)
	return nil
}

// kinds in the order of the table; iq is told even if there was none.
var foldKinds = []string{"chat", "groupchat", "receipt", "state", "presence", "iq"}

func printFolding(out io.Writer, hours []hour) {
	var makes []string
	for _, m := range foreign.Makes {
		makes = append(makes, m.Name)
	}
	fmt.Fprintf(out, "\nAn hour at %d bit/s of %d clients at headquarters, %s, and as many in the field; each has two contacts on the other side. They come, half an\n", foldRate, clients, strings.Join(makes, ", "))
	fmt.Fprintf(out, "hour they are idle, away and back; half an hour they chat, %d lines in all. Scale %d; the clients' own clocks are the wall's. Queued is XML as clients\n", 2*clients*foldTurns, foldScale)
	fmt.Fprintln(out, "wrote it, wire what the stanzas take compressed and framed, with what went twice, air the nodes' own estimate. The lower rows are the STANAG 5066")
	fmt.Fprintln(out, "servers' counters, with acknowledgements and the making of links. Chat has errors in it, receipt has markers.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range tongues {
		fmt.Fprintf(w, "\t%s:\tqueued\tfolded\twire\tair", c.line)
	}
	fmt.Fprintln(w, "\t")
	for _, k := range append(foldKinds, "all") {
		any := k == "iq"
		line := k
		for _, h := range hours {
			s := h.kinds[k]
			any = any || s.Stanzas > 0
			line += fmt.Sprintf("\t%d\t%d\t%d\t%d\t%.0f s", s.Stanzas, s.Raw, s.Folded, s.Wire, s.Air)
		}
		if any {
			fmt.Fprintln(w, line+"\t")
		}
	}
	row := func(what string, of func(hour) any) {
		fmt.Fprint(w, what)
		for _, h := range hours {
			fmt.Fprintf(w, "\t%v\t\t\t\t", of(h))
		}
		fmt.Fprintln(w, "\t")
	}
	row("did not go", func(h hour) any { return h.kept })
	row("transmissions", func(h hour) any { return h.radio.Transmissions })
	row("bytes sent", func(h hour) any { return h.radio.BitsSent / 8 })
	row("on the air", func(h hour) any { return fmt.Sprintf("%.0f s", h.radio.Air.Seconds()) })
	row("quiet after", func(h hour) any { return fmt.Sprintf("%.0f s", h.late.Seconds()) })
	row("lines heard", func(h hour) any { return fmt.Sprintf("%d of %d", h.said-len(h.faults), h.said) })
	_ = w.Flush() // as out, which nobody asks either
}

// judge tells what was to be, and whether it is.
func judge(b *bench, out io.Writer, hours []hour) {
	whole, less := hours[0], hours[1]
	var faults []string
	for i, h := range hours {
		if h.said != 2*clients*foldTurns {
			faults = append(faults, fmt.Sprintf("%s: %d lines were said", tongues[i].line, h.said))
		}
		for _, f := range h.faults {
			faults = append(faults, tongues[i].line+": "+f)
		}
	}
	iq, presence, state := less.kinds["iq"], less.kinds["presence"], less.kinds["receipt"].Stanzas+less.kinds["state"].Stanzas
	for _, g := range []struct {
		what string
		met  bool
		is   string
	}{
		{"0 bytes of iq", iq == sum{}, fmt.Sprintf("%d stanzas, %d bytes", iq.Stanzas, iq.Wire)},
		{"no presence, as its mode is by default", presence.Stanzas == 0, fmt.Sprintf("%d stanzas, %d bytes", presence.Stanzas, presence.Wire)},
		{"no receipts, markers and chat states", state == 0, fmt.Sprint(state)},
		{"each line heard once, in all runs", len(faults) == 0, fmt.Sprintf("%d faults", len(faults))},
		{"at most half of the bytes on the air", less.radio.BitsSent <= whole.radio.BitsSent/2, fmt.Sprintf("%.0f %%", 100*float64(less.radio.BitsSent)/float64(whole.radio.BitsSent))},
	} {
		fmt.Fprintf(out, "%s: %s: %s\n", g.what, g.is, b.goal(g.met, "folding: %s: %s", g.what, g.is))
	}
	for _, f := range faults[:min(len(faults), 10)] {
		fmt.Fprintln(out, " ", f)
	}
	if long, short := less.kinds["chat"], hours[2].kinds["chat"]; long.Stanzas > 0 && short.Stanzas > 0 {
		fmt.Fprintf(out, "A message takes %.1f bytes with its id, and %.1f with a short one.\n", float64(long.Wire)/float64(long.Stanzas), float64(short.Wire)/float64(short.Stanzas))
	}
}

// foldingAs is one run.
func foldingAs(ctx context.Context, b *bench, c tongue) (h hour, err error) {
	crowd, err := gather(ctx, b, c)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, crowd.part()) }()
	before, err := crowd.account(ctx)
	if err != nil {
		return h, err
	}
	begin := time.Now()
	if err := crowd.enter(ctx, begin); err != nil {
		return h, err
	}
	if err := crowd.live(ctx, begin); err != nil {
		return h, err
	}
	over := time.Now()
	if err := crowd.net.Quiet(ctx, foldQuiet); err != nil {
		return h, err
	}
	h.late = max(0, crowd.net.Air.Radio(time.Since(over))-foldQuiet)
	if err := h.hear(crowd); err != nil {
		return h, err
	}
	after, err := crowd.account(ctx)
	h.book = after.less(before)
	return h, err
}
