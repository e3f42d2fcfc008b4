package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A table is the result: a row per figure, a column per server.
type table struct {
	title string
	names []string
	rows  []row
}

// A row is one figure of every server, longwire's first. The goal is told by one of the last fields.
type row struct {
	name   string
	unit   string
	values []float64
	below  bool    // at most the reference's
	least  float64 // at least so many times the reference's
	times  float64 // at most so many times the reference's; more is a failure of the run
	most   float64 // at most this, whatever the reference has
	head   bool    // a heading
}

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// addSpeeds adds the rows of one workload.
func (t *table) addSpeeds(w workload, rounds [][]speed) {
	figures := []struct {
		row
		of func(speed) float64
	}{
		{row{name: "  messages", unit: "/s"}, func(s speed) float64 { return s.rate }},
		{row{name: "  p50", unit: "ms"}, func(s speed) float64 { return ms(s.p50) }},
		{row{name: "  p99", unit: "ms"}, func(s speed) float64 { return ms(s.p99) }},
		{row{name: "  accepted, p50", unit: "ms"}, func(s speed) float64 { return ms(s.acked50) }},
		{row{name: "  accepted, p99", unit: "ms"}, func(s speed) float64 { return ms(s.acked99) }},
		{row{name: "  server CPU per message", unit: "us"}, func(s speed) float64 { return us(s.serverCPU) }},
		{row{name: "  load client's CPU per message", unit: "us"}, func(s speed) float64 { return us(s.loadCPU) }},
	}
	t.add(row{name: w.title, head: true})
	for _, f := range figures {
		if !w.sm && (f.name == "  accepted, p50" || f.name == "  accepted, p99") {
			continue
		}
		r := f.row
		for _, of := range rounds {
			r.values = append(r.values, f.of(median(of)))
		}
		if w == workloads[0] {
			switch f.name {
			case "  messages":
				r.least = 3
			case "  p99":
				r.below = true
			}
		}
		t.add(r)
	}
}

// addRoom adds the rows of one load of the room.
func (t *table) addRoom(balls int, rounds [][]fanOut) {
	figures := []struct {
		row
		of func(fanOut) float64
	}{
		{row{name: "  deliveries", unit: "/s"}, func(f fanOut) float64 { return f.rate }},
		{row{name: "  to the last, p50", unit: "ms"}, func(f fanOut) float64 { return ms(f.p50) }},
		{row{name: "  to the last, p99", unit: "ms"}, func(f fanOut) float64 { return ms(f.p99) }},
		{row{name: "  server CPU per delivery", unit: "us", times: 2}, func(f fanOut) float64 { return us(f.serverCPU) }},
		{row{name: "  load client's CPU per delivery", unit: "us"}, func(f fanOut) float64 { return us(f.loadCPU) }},
	}
	t.add(row{name: fmt.Sprintf("room of %d, %d in flight, archived", occupants, balls), head: true})
	for _, f := range figures {
		r := f.row
		for _, of := range rounds {
			r.values = append(r.values, middle(of, f.of))
		}
		t.add(r)
	}
}

// failed tells of goals whose miss is a failure of the run.
func (t *table) failed() error {
	for _, r := range t.rows {
		if r.times > 0 && len(r.values) == 2 && r.values[0] > r.times*r.values[1] {
			return fmt.Errorf("%s: %.2f %s against %.2f, more than %g times as much", strings.TrimSpace(r.name), r.values[0], r.unit, r.values[1], r.times)
		}
	}
	return nil
}

// verdict compares the first value with the goal.
func (r row) verdict() string {
	yes := map[bool]string{true: "met", false: "MISSED"}
	switch {
	case r.most > 0:
		return fmt.Sprintf("%s (at most %g %s)", yes[r.values[0] <= r.most], r.most, r.unit)
	case len(r.values) < 2:
		return ""
	case r.least > 0:
		return fmt.Sprintf("%s (at least %gx)", yes[r.values[0] >= r.least*r.values[1]], r.least)
	case r.times > 0:
		return fmt.Sprintf("%s (at most %gx)", yes[r.values[0] <= r.times*r.values[1]], r.times)
	case r.below:
		return fmt.Sprintf("%s (at most 1x)", yes[r.values[0] <= r.values[1]])
	}
	return ""
}

func (t *table) print(out io.Writer) error {
	fmt.Fprintf(out, "\n%s; medians\n", t.title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "figure\tunit")
	for _, n := range t.names {
		fmt.Fprintf(w, "\t%s", n)
	}
	fmt.Fprintln(w, "\tratio\tgoal")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s", r.name, r.unit)
		for i := range t.names {
			switch {
			case i >= len(r.values):
				fmt.Fprint(w, "\t")
			case r.values[i] >= 100:
				fmt.Fprintf(w, "\t%.0f", r.values[i])
			default:
				fmt.Fprintf(w, "\t%.2f", r.values[i])
			}
		}
		ratio := ""
		if len(r.values) == 2 && r.values[1] != 0 {
			ratio = fmt.Sprintf("%.2f", r.values[0]/r.values[1])
		}
		if r.head {
			fmt.Fprintln(w, "\t\t")
			continue
		}
		fmt.Fprintf(w, "\t%s\t%s\n", ratio, r.verdict())
	}
	return w.Flush()
}
