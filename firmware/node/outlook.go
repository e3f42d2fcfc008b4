package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/custody"
	"longwire/links/forecast"
	"longwire/links/foresight"
	"longwire/links/plan"
	"longwire/store"
)

// outlook is how a peer's links stand at one moment, for those who ask when a message goes, and why it does not.
type outlook struct {
	peer   plan.Peer
	choice plan.Choice
	now    time.Time
}

func (n *Node) outlook(peer string) (o outlook, ok bool) {
	o.peer, o.choice, ok = n.helm.Explain(peer)
	o.now = time.Now()
	return o, ok
}

// ways is foresight.Env.Ways: by which link each entry goes.
func (n *Node) ways(peer string) func(*store.Entry) foresight.Way {
	o, ok := n.outlook(peer)
	if !ok {
		return func(*store.Entry) foresight.Way {
			return foresight.Way{Outlook: forecast.Outlook{Silent: true, Why: "the peer has no link"}}
		}
	}
	return func(e *store.Entry) foresight.Way { return o.way(e) }
}

// waits is delivery.Env.Waits: why what is not on the air does not go.
func (n *Node) waits(peer string) func(*store.Entry) string {
	o, ok := n.outlook(peer)
	if !ok {
		return func(*store.Entry) string { return "the peer has no link" }
	}
	return func(e *store.Entry) string {
		if e.Session == "" && e.NotBefore.After(o.now) && e.HeldFor != "" {
			return e.HeldFor
		}
		return o.why(e)
	}
}

// row is what was chosen for an entry.
func (o *outlook) row(e *store.Entry) plan.Row {
	cell := plan.Cell{Class: plan.Class(e.Class), Kind: plan.Kind(e.Kind)}
	if cell.Class > plan.Routine {
		cell.Class = plan.Class(e.Kind.Class()) // what is no message has the class of its kind
	}
	if i := slices.IndexFunc(o.choice.Rows, func(r plan.Row) bool { return r.Cell == cell }); i >= 0 {
		return o.choice.Rows[i]
	}
	return plan.Row{Cell: cell, Link: o.choice.Carrier}
}

// way is by which link an entry goes, or will go.
func (o *outlook) way(e *store.Entry) foresight.Way {
	row := o.row(e)
	link, express := row.Link, false
	if link >= 0 && link < len(o.choice.Express) {
		express = o.peer.Links[link].Express && e.Kind == store.KindChat && e.Class <= store.ClassImmediate && o.choice.Express[link].Has(row.Cell)
	}
	if e.Session != "" {
		express = strings.HasSuffix(e.Session, custody.Express(""))
		if !express && o.choice.Carrier >= 0 {
			link = o.choice.Carrier // what was given to another is sent again by this one
		}
	}
	if link < 0 {
		if link = o.soonest(row); link < 0 {
			return foresight.Way{Link: o.named(row), Outlook: forecast.Outlook{Silent: true, Why: o.why(e)}}
		}
	}
	w := foresight.Way{Link: o.peer.Links[link].Name, Express: express}
	w.Outlook.Windows = o.windows(link)
	return w
}

// allowed are the links that may carry a row at all, by its rule.
func (o *outlook) allowed(row plan.Row) (all []int) {
	for i, l := range o.peer.Links {
		if row.Rule == 0 || row.Open || row.Rule > len(o.peer.Rules) || slices.Contains(o.peer.Rules[row.Rule-1].Links, l.Name) {
			all = append(all, i)
		}
	}
	return all
}

// named is a link to speak of when none may send.
func (o *outlook) named(row plan.Row) string {
	if all := o.allowed(row); len(all) > 0 {
		return o.peer.Links[all[0]].Name
	}
	return ""
}

// soonest is the link of those allowed whose window opens first; -1: none has one that will.
func (o *outlook) soonest(row plan.Row) int {
	best, at := -1, time.Time{}
	for _, i := range o.allowed(row) {
		l := o.peer.Links[i]
		opens := l.Windows.Change(o.now)
		if l.EMCON || l.Inbound || len(l.Windows) == 0 || opens.IsZero() {
			continue
		}
		if best < 0 || opens.Before(at) {
			best, at = i, opens
		}
	}
	return best
}

// mostWindows is how many are looked at: two weeks of one a day.
const mostWindows = 14

// windows are when a link may transmit, from now; nil: always.
func (o *outlook) windows(link int) (all []forecast.Window) {
	ws := o.peer.Links[link].Windows
	if len(ws) == 0 {
		return nil
	}
	all = []forecast.Window{}
	at, open := o.now, ws.Open(o.now)
	for len(all) < mostWindows {
		change := ws.Change(at)
		end := forecast.Never
		if !change.IsZero() {
			end = change.Sub(o.now)
		}
		if open {
			all = append(all, forecast.Window{From: at.Sub(o.now), To: end})
		}
		if change.IsZero() {
			break
		}
		at, open = change, !open
	}
	return all
}

// why is why an entry does not go now, as far as links are concerned; "": one carries it, and those before it are all that it waits for.
func (o *outlook) why(e *store.Entry) string {
	row := o.row(e)
	if row.Link >= 0 {
		v := o.choice.Links[row.Link]
		switch {
		case !v.May && !v.Up:
		case row.Link == o.choice.Carrier || o.choice.Express[row.Link].Has(row.Cell) && o.peer.Links[row.Link].Express:
			return ""
		case o.choice.Carrier >= 0:
			return fmt.Sprintf("%s is to carry it; %s has its turn with others first", v.Link, o.choice.Links[o.choice.Carrier].Link)
		}
	}
	var why []string
	for _, i := range o.allowed(row) {
		if v := o.choice.Links[i]; !v.May {
			why = append(why, v.Link+": "+v.Why+o.when(v))
		}
	}
	if len(why) == 0 {
		return "no link may carry it"
	}
	return strings.Join(why, "; ") + o.rule(row, e)
}

// when is since when and until when what is said of a link is so.
func (o *outlook) when(v plan.Verdict) string {
	var b strings.Builder
	if !v.Since.IsZero() && !v.Up {
		fmt.Fprintf(&b, ", since %s", o.clock(v.Since))
	}
	switch {
	case !v.Until.After(o.now):
	case v.Silent:
		fmt.Fprintf(&b, ", opens at %s", o.clock(v.Until))
	case v.Up:
		fmt.Fprintf(&b, ", until %s", o.clock(v.Until))
	}
	return b.String()
}

// clock is a time of day in UTC, as windows are written; with the date if that is not today's.
func (o *outlook) clock(t time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == o.now.UTC().Format(time.DateOnly) {
		return t.Format("15:04") + " UTC"
	}
	return t.Format("2006-01-02 15:04") + " UTC"
}

// rule tells that a rule keeps an entry from links that could carry it.
func (o *outlook) rule(row plan.Row, e *store.Entry) string {
	if row.Rule == 0 || row.Open || row.Rule > len(o.peer.Rules) {
		return ""
	}
	var could []string
	allowed := o.allowed(row)
	for i, v := range o.choice.Links {
		if v.May && !slices.Contains(allowed, i) {
			could = append(could, v.Link)
		}
	}
	if len(could) == 0 {
		return ""
	}
	text := fmt.Sprintf("; route %d keeps it from %s", row.Rule, strings.Join(could, ", "))
	if wait := o.peer.Rules[row.Rule-1].Wait; wait > 0 {
		text += " until " + o.clock(e.Queued.Add(wait))
	}
	return text
}
