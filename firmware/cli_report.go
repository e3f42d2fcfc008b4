package main

import (
	"fmt"
	"time"

	"longwire/firmware/telemetry"
)

// report prints a telemetry report for people.
func (c *call) report(r *telemetry.Report) error {
	if r.Lines == 0 {
		fmt.Fprintln(c.err, "The record has nothing of that time, or of that peer.")
		return nil
	}
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
	fmt.Fprintf(c.out, "From %s to %s UTC: %s\n", when(r.Since), when(r.Until), plural(r.Lines, "line"))
	if r.Lost > 0 || r.Skipped > 0 {
		fmt.Fprintf(c.out, "Not in it: %d lines that were lost, %d that cannot be read\n", r.Lost, r.Skipped)
	}
	if err := c.spendings(r); err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	c.stages("Sent", r.Total.Out, true)
	c.stages("Came", r.Total.In, false)
	if err := c.foldings(r.Folding); err != nil {
		return err
	}
	return c.troubles(r)
}

// spendings prints what was spent on what.
func (c *call) spendings(r *telemetry.Report) error {
	fmt.Fprintln(c.out)
	t := newTable(c.out, "SPENT ON", "AIR", "OUT", "BYTES", "ON THE WIRE", "AGAIN", "IN", "BYTES", "ON THE WIRE")
	row := func(name string, w telemetry.Row) {
		t.row(name, airTime(w.Out.Air+w.In.Air), w.Out.Stanzas, volume(w.Out.Folded), volume(w.Out.Wire), w.Out.Again, w.In.Stanzas, volume(w.In.Folded), volume(w.In.Wire))
	}
	row("all", r.Total)
	for _, g := range []struct {
		name string
		rows []telemetry.Row
	}{{"kind", r.Kinds}, {"class", r.Classes}, {"peer", r.Peers}, {"link", r.Links}, {"user", r.Users}, {"room", r.Rooms}} {
		for i, w := range g.rows {
			if i == mostRows {
				t.row(fmt.Sprintf("… %d more of %s", len(g.rows)-i, g.name))
				break
			}
			row(g.name+" "+w.Name, w)
		}
	}
	return t.Flush()
}

// stages prints what became of the bytes of a direction on their way to the air, or from it.
func (c *call) stages(what string, s telemetry.Sum, queued bool) {
	if s.Stanzas == 0 {
		return
	}
	fmt.Fprintf(c.out, "%s: %s, ", what, plural(s.Stanzas, "stanza"))
	if queued {
		fmt.Fprintf(c.out, "%s as queued, ", volume(s.Raw))
	}
	fmt.Fprintf(c.out, "%s folded, %s coded, %s on the wire: %.1f B each\n", volume(s.Folded), volume(s.Compressed), volume(s.Wire), float64(s.Wire)/float64(s.Stanzas))
}

// mostRows of one sort are printed; --json has all.
const mostRows = 20

func (c *call) foldings(f telemetry.Folding) error {
	if f.Raw == 0 {
		return nil
	}
	fmt.Fprintf(c.out, "\nFolding spared %s of %s (%d %%)\n", volume(f.Saved), volume(f.Raw), percent(f.Saved, f.Raw))
	if len(f.Rules)+len(f.Dropped) == 0 {
		return nil
	}
	t := newTable(c.out, "BY", "TIMES", "BYTES")
	for _, n := range f.Rules {
		t.row(n.Name, n.Times, volume(n.Bytes))
	}
	for _, n := range f.Dropped {
		t.row("left out: "+n.Name, n.Times, volume(n.Bytes))
	}
	return t.Flush()
}

func percent(n, of int64) int64 {
	if of <= 0 {
		return 0
	}
	return (100*n + of/2) / of
}

// troubles prints confirmations, losses and contacts.
func (c *call) troubles(r *telemetry.Report) error {
	fmt.Fprintf(c.out, "\nConfirmed by peers: %d", r.Confirmed)
	if r.Took > 0 {
		fmt.Fprintf(c.out, ", half of them within %s", span(time.Duration(r.Took*float64(time.Second))))
	}
	fmt.Fprintf(c.out, "; sent again: %d; came again: %d\n", r.Total.Out.Again, r.Duplicates)
	for _, n := range r.Rejected {
		fmt.Fprintf(c.out, "Rejected %d times: %s\n", n.Times, clean(n.Name))
	}
	if len(r.Contacts) == 0 {
		return nil
	}
	fmt.Fprintln(c.out)
	t := newTable(c.out, "PEER", "LINK", "CONTACTS", "UP FOR", "ENDED BECAUSE")
	for _, k := range r.Contacts {
		why := ""
		for i, n := range k.Causes {
			if i > 0 {
				why += "; "
			}
			why += fmt.Sprintf("%s (%d)", n.Name, n.Times)
		}
		t.row(k.Peer, k.Link, k.Up, span(time.Duration(k.Time*float64(time.Second))), why)
	}
	return t.Flush()
}

// preview prints what other rules would have spared.
func (c *call) preview(p *telemetry.Preview) error {
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
	fmt.Fprintf(c.out, "Of %s from %s to %s UTC, %s in all,\nthese rules would have saved %.0f %%: %s of %s cross, in %s.\nThose in force saved %.0f %%: %s crossed.\n",
		plural(p.Stanzas, "stanza"), when(p.Since), when(p.Until), volume(p.Raw), 100*p.Saved(), volume(p.After), volume(p.Raw), plural(p.Crossing, "stanza"),
		100*p.SavedThen(), volume(p.Recorded))
	if p.Wire > 0 {
		fmt.Fprintf(c.out, "On the wire that was %s, and would have been about %s.\n", volume(p.Wire), volume(p.WireAfter))
	}
	if p.Unread > 0 {
		fmt.Fprintf(c.out, "The outlines of %s are missing; they count as they are.\n", plural(p.Unread, "stanza"))
	}
	if len(p.Rules)+len(p.Dropped) == 0 {
		return nil
	}
	fmt.Fprintln(c.out)
	t := newTable(c.out, "BY", "TIMES", "BYTES")
	for _, n := range p.Rules {
		t.row(n.Name, n.Times, volume(n.Bytes))
	}
	for _, n := range p.Dropped {
		t.row("left out: "+n.Name, n.Times, volume(n.Bytes))
	}
	return t.Flush()
}
