package plan

import (
	"slices"
	"time"
)

// Now is what a choice is made for.
type Now struct {
	Time        time.Time
	Waiting     []Waiting // what waits to be sent, each cell once
	Unconfirmed bool      // something was sent and is not confirmed
}

// Waiting is a cell of which something waits.
type Waiting struct {
	Cell
	Since time.Time // the oldest of it
}

// A Choice is what to do until Look, or until something changes.
type Choice struct {
	Carrier int // in Peer.Links; -1: none may send
	Load    Load
	Express []Load // by link: what a lane of its own may take there
	Wanted  []bool // by link: it should be open, to carry or to become trusted again
	Rows    []Row
	Links   []Verdict
	Look    time.Time // zero: when something changes
}

// A Row is what was chosen for a cell.
type Row struct {
	Cell
	Link int  // -1: none may carry it
	Rule int  // that decided which may, from 1; 0: none
	Open bool // it has waited so long that any link may
}

const (
	turnTime  = 5 * time.Minute // after so long a link whose rules keep others waiting lets them have their turn
	lookOften = time.Minute     // windows go by the calendar, which somebody may set
)

// standing is how fit a link is to carry, at one moment.
type standing uint8

const (
	barred  standing = iota // nothing may be sent
	dead                    // left, and not up; or not to be had for long
	held                    // left, up, and not for long enough
	pending                 // not up, and may be soon
	ready
)

// look is one choice in the making.
type look struct {
	c    *Chooser
	now  Now
	at   []standing
	next time.Time
}

// soonest notes that the choice may be another one at a time.
func (l *look) soonest(at time.Time) {
	if !at.IsZero() && (l.next.IsZero() || at.Before(l.next)) {
		l.next = at
	}
}

// Choose tells what to do now.
func (c *Chooser) Choose(now Now) Choice {
	l := &look{c: c, now: now, at: make([]standing, len(c.marks))}
	c.count(now)
	for i := range c.marks {
		l.at[i] = l.standing(i)
	}
	for l.leave() {
	}
	out := Choice{Carrier: -1}
	for _, cell := range Cells() {
		out.Rows = append(out.Rows, l.row(cell))
	}
	l.carrier(&out)
	l.wanted(&out)
	for i := range c.marks {
		out.Links = append(out.Links, l.verdict(i, out.Carrier))
	}
	out.Look = l.next
	return out
}

// count notes since when there is something to carry.
func (c *Chooser) count(now Now) {
	switch busy := len(now.Waiting) > 0 || now.Unconfirmed; {
	case busy && c.busy.IsZero():
		c.busy = now.Time
	case !busy && !c.busy.IsZero():
		c.busy, c.idle = time.Time{}, now.Time
	}
}

// standing is that of link i; a link that was left is trusted again when it has been up for long enough.
func (l *look) standing(i int) standing {
	m, f, now := &l.c.marks[i], l.c.peer.Links[i], l.now.Time
	open, change := f.Windows.Open(now), f.Windows.Change(now)
	if len(f.Windows) > 0 {
		l.soonest(earlier(change, now.Add(lookOften)))
	}
	if f.Inbound || f.EMCON || !open {
		m.free = time.Time{}
		return barred
	}
	if m.free.IsZero() {
		m.free = now
	}
	if !m.left.IsZero() {
		if m.condition != Up {
			return dead
		}
		back := later(m.since, m.left).Add(l.c.hold(m))
		if now.Before(back) {
			l.soonest(back)
			return held
		}
		m.left, m.good, m.why = time.Time{}, now, ""
	}
	if m.flaps > 0 && !m.good.IsZero() && now.Sub(m.good) >= l.c.peer.Failover.BackMax {
		m.flaps = 0
	}
	switch m.condition {
	case Up, Closed:
		return ready
	}
	return pending
}

// leave leaves a link that does not do what it should, if another could. True: one was left.
func (l *look) leave() bool {
	c, now := l.c, l.now.Time
	if c.busy.IsZero() {
		return false
	}
	for i := range c.marks {
		m := &c.marks[i]
		var over time.Time
		switch {
		case l.at[i] == pending:
			over = later(m.since, m.free).Add(c.peer.Failover.After)
		case l.at[i] == ready && i == c.carrier:
			over = latest(c.busy, m.confirmed, m.since, m.free, c.since).Add(c.patience(i))
		default:
			continue
		}
		if !l.other(i) {
			continue
		}
		if now.Before(over) {
			l.soonest(over)
			continue
		}
		m.why = "it could not be opened"
		if m.condition == Up {
			m.why = "it confirmed nothing"
		}
		m.left, m.good = now, time.Time{}
		m.flaps++
		l.at[i] = dead
		if m.condition == Up {
			l.at[i] = held
			l.soonest(now.Add(c.hold(m)))
		}
		return true
	}
	return false
}

// other tells whether another link than i could carry.
func (l *look) other(i int) bool {
	for j, s := range l.at {
		if j != i && s >= held {
			return true
		}
	}
	return false
}

// row chooses for one cell.
func (l *look) row(cell Cell) Row {
	row := Row{Cell: cell, Link: -1}
	first, rest := l.order(&row)
	if row.Link = l.best(first); row.Link < 0 {
		row.Link = l.best(rest)
	}
	return row
}

// order is which links may carry a cell: those that the rule names, and those after them when it has waited.
func (l *look) order(row *Row) (first, rest []int) {
	links := l.c.peer.Links
	k := slices.IndexFunc(l.c.peer.Rules, func(r Rule) bool { return r.matches(row.Cell) })
	if k < 0 {
		for i := range links {
			first = append(first, i)
		}
		return first, nil
	}
	r := l.c.peer.Rules[k]
	row.Rule = k + 1
	for _, name := range r.Links {
		if i := slices.IndexFunc(links, func(f Link) bool { return f.Name == name }); i >= 0 {
			first = append(first, i)
		}
	}
	if r.Wait <= 0 {
		return first, nil
	}
	for _, w := range l.now.Waiting {
		if w.Cell != row.Cell {
			continue
		}
		if over := w.Since.Add(r.Wait); l.now.Time.Before(over) {
			l.soonest(over)
		} else {
			row.Open = true
		}
	}
	if !row.Open {
		return first, nil
	}
	for i := range links {
		if !slices.Contains(first, i) {
			rest = append(rest, i)
		}
	}
	// No order was given for these: the cheapest first, then as the peer has them.
	slices.SortStableFunc(rest, func(a, b int) int {
		switch {
		case links[a].Cost < links[b].Cost:
			return -1
		case links[a].Cost > links[b].Cost:
			return 1
		}
		return 0
	})
	// What has waited so long does not wait for one that may come.
	for _, i := range first {
		if l.at[i] == ready {
			return first, rest
		}
	}
	return append(rest, first...), nil
}

// best is the first of some links that is fit, in order of preference; -1: none may send. One that may be up soon is waited for, unless a later one carries
// already.
func (l *look) best(order []int) int {
	soon := -1
	for _, i := range order {
		switch {
		case l.at[i] == ready && (soon < 0 || i == l.c.carrier):
			return i
		case l.at[i] == pending && soon < 0:
			soon = i
		}
	}
	if soon >= 0 {
		return soon
	}
	for _, s := range []standing{ready, held, dead} {
		for _, i := range order {
			if l.at[i] == s {
				return i
			}
		}
	}
	return -1
}

// carrier chooses who sends, of those that a cell was given to.
func (l *look) carrier(out *Choice) {
	c := l.c
	urgent := make([]int, len(c.marks)) // by link: place of its most urgent cell that waits, from 1; 0: none waits
	out.Express = make([]Load, len(c.marks))
	for n, row := range out.Rows {
		if row.Link < 0 {
			continue
		}
		k := slices.IndexFunc(l.now.Waiting, func(w Waiting) bool { return w.Cell == row.Cell })
		if k >= 0 && urgent[row.Link] == 0 && !l.hasLane(row, l.now.Waiting[k]) {
			urgent[row.Link] = n + 1
		}
	}
	for i := range c.marks {
		out.Express[i] = product(out.Rows, i, 0)
	}
	best := l.choose(urgent, out.Rows)
	if best != c.carrier {
		c.carrier, c.since = best, l.now.Time
	}
	if out.Carrier = best; best >= 0 {
		out.Load = product(out.Rows, best, urgent[best])
	}
}

// hasLane tells whether what waits goes without the ordinary lane: for a time, as what is too large for the other must not wait for ever.
func (l *look) hasLane(row Row, w Waiting) bool {
	if !l.c.peer.Links[row.Link].Express || row.Class > Immediate || row.Kind != KindMessage || row.Link == l.c.carrier {
		return false
	}
	over := w.Since.Add(l.c.peer.Failover.After)
	if l.now.Time.Before(over) {
		l.soonest(over)
		return true
	}
	return false
}

// choose is the link whose turn it is.
func (l *look) choose(urgent []int, rows []Row) int {
	c := l.c
	best := -1
	for i, u := range urgent {
		if u > 0 && (best < 0 || u < urgent[best]) {
			best = i
		}
	}
	cur := c.carrier
	mayStay := cur >= 0 && slices.ContainsFunc(rows, func(r Row) bool { return r.Link == cur })
	switch {
	case best < 0 && (mayStay && l.at[cur] == ready):
		return cur
	case best < 0:
		// Nothing waits. Who stands ready is the one for messages, or for whatever may be sent at all.
		for _, r := range rows {
			if r.Link >= 0 && (best < 0 || r.Cell == Cell{Routine, KindMessage}) {
				best = r.Link
			}
		}
		return best
	case !mayStay || best == cur:
		return best
	case urgent[best] < urgent[cur] || urgent[cur] == 0 && !l.now.Unconfirmed:
		return best
	}
	if over := c.since.Add(turnTime); l.now.Time.Before(over) {
		l.soonest(over)
		return cur
	}
	for i, u := range urgent { // the others' turn
		if u > 0 && i != cur && (best == cur || u < urgent[best]) {
			best = i
		}
	}
	return best
}

// product is the load of a link: the cells that were given to it, as far as classes and kinds can say it. It has the cell at place must, from 1, if it is the
// link's; what it lacks has its turn when that has gone.
func product(rows []Row, link, must int) (load Load) {
	kinds := map[Class]Set{}
	var order []Class
	for _, r := range rows {
		if r.Link != link {
			continue
		}
		if kinds[r.Class] == 0 {
			order = append(order, r.Class)
		}
		kinds[r.Class] |= 1 << r.Kind
	}
	if len(order) == 0 {
		return Load{}
	}
	var talk Set // kinds of messages: the same for all classes of them
	if must > 0 && rows[must-1].Class <= Routine {
		talk = kinds[rows[must-1].Class]
	}
	for _, c := range order {
		if c > Routine {
			load.Classes |= 1 << c
			load.Kinds |= kinds[c]
			continue
		}
		if talk == 0 {
			talk = kinds[c]
		}
		if kinds[c]&talk == talk {
			load.Classes |= 1 << c
			load.Kinds |= talk
		}
	}
	return load
}

// wanted tells which links should be open: the one that carries, and better ones that were left, while there is traffic.
func (l *look) wanted(out *Choice) {
	c := l.c
	out.Wanted = make([]bool, len(c.marks))
	for i := range c.marks {
		m := &c.marks[i]
		if l.at[i] == barred {
			continue
		}
		if i == out.Carrier {
			out.Wanted[i] = !c.busy.IsZero()
			continue
		}
		linger := c.idle.Add(c.hold(m) + c.peer.Failover.After)
		traffic := !c.busy.IsZero() || l.now.Time.Before(linger)
		if c.busy.IsZero() && traffic {
			l.soonest(linger)
		}
		better := out.Carrier < 0 || i < out.Carrier || slices.ContainsFunc(out.Rows, func(r Row) bool { return r.Link == i })
		out.Wanted[i] = traffic && better && l.at[i] != ready
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func latest(all ...time.Time) (t time.Time) {
	for _, a := range all {
		t = later(t, a)
	}
	return t
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
