package main

import (
	"fmt"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
)

func cmdExplain(c *call) error {
	return listing(c, ctl.OpExplain, ctl.QueueArgs{Peer: c.args[0]}, "Nothing is known of that peer.", func(list []admin.Explanation) error {
		for _, e := range list {
			if err := c.explain(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// explain prints which link carries what, and why.
func (c *call) explain(e admin.Explanation) error {
	carrier := e.Carrier
	if carrier == "" {
		carrier = "nothing may be sent now"
	}
	fmt.Fprintf(c.out, "%s: %s\n\n", e.Peer, carrier)
	t := newTable(c.out, "LINK", "TYPE", "COST", "STATE", "SINCE", "UNTIL")
	for i, l := range e.Links {
		state := l.Why
		if l.Carries {
			state = "carries; " + l.Why
		}
		cost := "-"
		if l.Cost > 0 {
			cost = fmt.Sprintf("%g/KiB", l.Cost)
		}
		t.row(fmt.Sprintf("%d %s", i+1, l.Link), l.Type, cost, state, ago(l.Since), soon(l.Until))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	t = newTable(c.out, "WHAT", "GOES BY", "WHY")
	for _, r := range grouped(e.Classes) {
		link := r.Link
		if link == "" {
			link = "waits"
		}
		t.row(r.what, link, r.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range e.Links {
		if l.CodecFault != "" {
			fmt.Fprintf(c.out, "\n%s codes stanzas by %s: %s\n", l.Link, l.Codec, l.CodecFault)
		}
	}
	return nil
}

// choices are classes for which the same was chosen.
type choices struct {
	what string
	admin.ClassChoice
}

// grouped puts rows of the same choice together.
func grouped(rows []admin.ClassChoice) (all []choices) {
	for _, r := range rows {
		what := strings.TrimSpace(r.Class + " " + r.Kind)
		if n := len(all); n > 0 && all[n-1].Link == r.Link && all[n-1].Why == r.Why {
			all[n-1].what += ", " + what
			continue
		}
		all = append(all, choices{what, r})
	}
	if len(all) == 1 {
		all[0].what = "everything"
	}
	return all
}

// soon is how far off a time is.
func soon(t time.Time) string {
	if d := time.Until(t); !t.IsZero() && d > 0 {
		return "in " + span(d)
	}
	return "-"
}
