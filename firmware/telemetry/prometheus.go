package telemetry

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"longwire/links/meter"
)

// Figures are what a monitoring system reads.
type Figures struct {
	Sums    map[meter.Key]meter.Totals // since the node started, without user and room
	Queues  []QueueFigure
	Links   []LinkFigure
	Budgets []meter.Standing
	Record  State
}

// QueueFigure is how much waits for a peer.
type QueueFigure struct {
	Peer          string
	Entries, Sent int
	Bytes         int64
	Oldest        time.Duration
}

// LinkFigure is whether a link to a peer is up.
type LinkFigure struct {
	Link, Peer string
	Up         bool
}

// WriteTo writes the figures in Prometheus' text format, version 0.0.4. Choice: by hand, as the library for it is larger than all that there is to tell.
func (f *Figures) WriteTo(to io.Writer) (int64, error) {
	var b strings.Builder
	f.traffic(&b)
	head(&b, "longwire_queue_stanzas", "gauge", "Stanzas that wait for a peer.")
	for _, q := range f.Queues {
		fmt.Fprintf(&b, "longwire_queue_stanzas%s %d\n", labels("peer", q.Peer, "state", "queued"), q.Entries-q.Sent)
		fmt.Fprintf(&b, "longwire_queue_stanzas%s %d\n", labels("peer", q.Peer, "state", "sent"), q.Sent)
	}
	head(&b, "longwire_queue_bytes", "gauge", "Bytes that wait for a peer.")
	for _, q := range f.Queues {
		fmt.Fprintf(&b, "longwire_queue_bytes%s %d\n", labels("peer", q.Peer), q.Bytes)
	}
	head(&b, "longwire_queue_oldest_seconds", "gauge", "Age of what waits longest.")
	for _, q := range f.Queues {
		fmt.Fprintf(&b, "longwire_queue_oldest_seconds%s %g\n", labels("peer", q.Peer), q.Oldest.Seconds())
	}
	head(&b, "longwire_link_up", "gauge", "1 while a link to a peer is up.")
	for _, l := range f.Links {
		fmt.Fprintf(&b, "longwire_link_up%s %d\n", labels("link", l.Link, "peer", l.Peer), map[bool]int{true: 1}[l.Up])
	}
	head(&b, "longwire_budget_used_seconds", "gauge", "Air time of the last hour that counts for a budget.")
	for _, s := range f.Budgets {
		fmt.Fprintf(&b, "longwire_budget_used_seconds%s %g\n", labels("peer", s.Peer, "user", s.User, "room", s.Room, "class", s.Class, "kind", s.Kind), s.Spent.Seconds())
	}
	head(&b, "longwire_telemetry_lines_total", "counter", "Lines of telemetry, written and left out.")
	fmt.Fprintf(&b, "longwire_telemetry_lines_total%s %d\n", labels("fate", "written"), f.Record.Written)
	fmt.Fprintf(&b, "longwire_telemetry_lines_total%s %d\n", labels("fate", "lost"), f.Record.Dropped)
	n, err := io.WriteString(to, b.String())
	return int64(n), err
}

// traffic writes what crossed.
func (f *Figures) traffic(b *strings.Builder) {
	keys := slices.SortedFunc(maps.Keys(f.Sums), func(a, b meter.Key) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Class, b.Class))
	})
	of := func(k meter.Key, more ...string) string {
		return labels(append([]string{"peer", k.Peer, "link", k.Link, "dir", []string{Out, In}[k.Dir&1], "kind", k.Kind, "class", k.Class}, more...)...)
	}
	each := func(name, help string, value func(meter.Totals) any) {
		head(b, name, "counter", help)
		for _, k := range keys {
			fmt.Fprintf(b, "%s%s %v\n", name, of(k), value(f.Sums[k]))
		}
	}
	each("longwire_stanzas_total", "Stanzas that crossed a link.", func(t meter.Totals) any { return t.Stanzas })
	each("longwire_stanzas_again_total", "Of them, those that had been sent before.", func(t meter.Totals) any { return t.Again })
	each("longwire_stanzas_dropped_total", "Stanzas that were folded away as a whole.", func(t meter.Totals) any { return t.Dropped })
	each("longwire_air_seconds_total", "Time of the channel, as best known.", func(t meter.Totals) any { return t.Air.Seconds() })
	head(b, "longwire_bytes_total", "counter", "Bytes as queued with what folding spared, folded, compressed and on the wire.")
	for _, k := range keys {
		t := f.Sums[k]
		for _, s := range []struct {
			stage string
			n     uint64
		}{{"raw", t.Raw}, {"folded", t.Folded}, {"compressed", t.Compressed}, {"wire", t.Wire}} {
			fmt.Fprintf(b, "longwire_bytes_total%s %d\n", of(k, "stage", s.stage), s.n)
		}
	}
}

func head(b *strings.Builder, name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// escape is what the format wants of a label's value.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labels are pairs of name and value; empty values are left out.
func labels(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+`="`+escape.Replace(pairs[i+1])+`"`)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ",") + "}"
}
