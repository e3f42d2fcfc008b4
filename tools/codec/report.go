package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the tables.
func report(out io.Writer, t *traffic, results []*result) {
	base := 0
	for _, r := range results {
		if r.name == xep0138 {
			base = r.total
		}
	}
	fmt.Fprintf(out, "%d elements; bytes, mean / median / 95th percentile; a stanza that does not cross counts as 0\n\n", len(t.list))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	kinds := kindsOf(t.list)
	fmt.Fprintf(w, "method\t%s\n", strings.Join(kinds[:min(len(kinds), 8)], "\t"))
	for _, r := range results {
		fmt.Fprintf(w, "%s", r.name)
		for _, k := range kinds[:min(len(kinds), 8)] {
			fmt.Fprintf(w, "\t%v", r.kinds[k])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	if len(kinds) > 8 {
		fmt.Fprintln(out)
		others(out, kinds[8:], results)
	}
	fmt.Fprintln(out)
	fmt.Fprintf(w, "method\tall bytes\t%s by it\tfirst %d of a way\tCPU µs to encode\tto decode\tMB shared\ta peer\t\n", xep0138, coldStanzas)
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.0f\t%s\t%s\t%s\t%s\t%s\n", r.name, r.total, float64(base)/float64(max(1, r.total)), r.cold(),
			each(r.encode, r), each(r.decode, r), r.lore.megabytes(), megabytes(r.own/int64(max(1, r.ways))), r.line)
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	var said *learnt
	for _, r := range results {
		if r.lore != nil && r.lore != said {
			said = r.lore
			fmt.Fprintf(out, "%s learned what ships with it in %.2f s of processor time.\n", said.name, said.took.Seconds())
		}
	}
	summary(out, base, results)
}

// summary prints in short what the ends of a provisioned link have of each method.
func summary(out io.Writer, base int, results []*result) {
	by := map[string]*result{}
	for _, r := range results {
		by[r.name] = r
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nmethod, mean\t%s, stream\talone\tall traffic by that of %s, stream\talone\n", class35, xep0138)
	mean := func(r *result) string {
		s := r.kinds[class35]
		return fmt.Sprintf("%.1f", float64(s.sum())/float64(max(1, len(s))))
	}
	for _, row := range []struct{ name, stream, alone string }{
		{xep0138, xep0138, ""}, {"lossless mix", "mix lossless stream", "mix lossless alone"},
		{"light, folded", "light stream provisioned", "light alone provisioned"}, {"mix, folded", "mix stream provisioned", "mix alone provisioned"},
	} {
		s, a := by[row.stream], by[row.alone]
		if s == nil || a == nil && row.alone != "" {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t", row.name, mean(s))
		if a == nil {
			fmt.Fprintf(w, "-\t%.1f\t-\n", float64(base)/float64(max(1, s.total)))
			continue
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\n", mean(a), float64(base)/float64(max(1, s.total)), float64(base)/float64(max(1, a.total)))
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\n%s is Go's zlib; that of C takes 1 to 2 %% less.\n", xep0138)
}

// others prints the rarer kinds, a kind a line.
func others(out io.Writer, kinds []string, results []*result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "kind")
	for _, r := range results {
		fmt.Fprintf(w, "\t%s", r.name)
	}
	fmt.Fprintln(w)
	for _, k := range kinds {
		fmt.Fprint(w, k)
		for _, r := range results {
			fmt.Fprintf(w, "\t%v", r.kinds[k])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// megabytes is an amount of memory; a few kilobytes are none.
func megabytes(n int64) string {
	if n < 10e3 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/1e6)
}

func (l *learnt) megabytes() string {
	if l == nil {
		return "-"
	}
	return megabytes(l.bytes)
}

// each is what one stanza that crossed took.
func each(d time.Duration, r *result) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(d.Microseconds())/float64(max(1, r.crossed)))
}
