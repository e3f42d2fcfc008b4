package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
	"longwire/links/fold"
)

// folded prints what folding did with the traffic of a peer since the running node started; nothing when none runs.
func (c *call) folded(peer string, inbound bool) error {
	caller, _, running, err := c.node()
	if err != nil || !running {
		return err
	}
	list, err := ctl.Collect[admin.Peer](c.ctx, caller, ctl.OpPeerList, nil)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(p admin.Peer) bool { return p.Name == peer && p.Folded != nil })
	if i < 0 {
		return nil
	}
	f := list[i].Folded
	fmt.Fprintln(c.out, "\nSince the node started:")
	if inbound {
		return c.tally(f.In)
	}
	if err := c.tally(f.Out); err != nil || f.Known == 0 {
		return err
	}
	fmt.Fprintf(c.out, "  The peer knows the presence of %s.\n", plural(f.Known, "pair"))
	return nil
}

// tally prints one direction: what came, what went, and which rule or reason took the rest.
func (c *call) tally(t fold.Tally) error {
	if t.Before.Times == 0 {
		fmt.Fprintln(c.out, "  nothing was folded")
		return nil
	}
	fmt.Fprintf(c.out, "  %s, %s before; %s, %s after: %d %% saved\n", plural(t.Before.Times, "stanza"), volume(int64(t.Before.Bytes)),
		plural(t.After.Times, "stanza"), volume(int64(t.After.Bytes)), 100*(t.Before.Bytes-t.After.Bytes)/max(1, t.Before.Bytes))
	table := newTable(c.out, "BY", "TIMES", "BYTES")
	for _, n := range slices.Sorted(maps.Keys(t.Rules)) {
		name := ""
		switch {
		case n == 0:
			name = "presence mode"
		case n < firstOwnRule:
			name = fmt.Sprintf("preset %d", n)
		default:
			name = fmt.Sprintf("rule %d", n-firstOwnRule+1) // by its place in the file
		}
		table.row(name, fmt.Sprint(t.Rules[n].Times), fmt.Sprint(t.Rules[n].Bytes))
	}
	for _, why := range slices.SortedFunc(maps.Keys(t.Dropped), cmp.Compare[fold.Reason]) {
		table.row("not sent: "+droppedFor[why], fmt.Sprint(t.Dropped[why].Times), fmt.Sprint(t.Dropped[why].Bytes))
	}
	return table.Flush()
}

// firstOwnRule is the number of an operator's first rule (fold.Rule.Number).
const firstOwnRule = 101

var droppedFor = map[fold.Reason]string{
	fold.Empty: "nothing left", fold.ByRule: "by a rule", fold.NotPassed: "presence mode", fold.NoProbe: "probes", fold.NoRoom: "rooms across the link",
	fold.NoSubscribing: "subscriptions", fold.Replaced: "a newer presence", fold.Told: "no news",
}
