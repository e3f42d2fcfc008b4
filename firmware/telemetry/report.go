package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A Sum is what stanzas took.
type Sum struct {
	Stanzas    int     `json:"stanzas"`
	Again      int     `json:"again,omitempty"` // of them, those that had been sent before
	Raw        int64   `json:"raw"`
	Folded     int64   `json:"folded"`
	Compressed int64   `json:"compressed"`
	Wire       int64   `json:"wire"`
	Air        float64 `json:"air"` // s
}

func (s *Sum) add(r Record) {
	s.Stanzas++
	if r.Again {
		s.Again++
	}
	s.Raw += int64(r.Raw)
	s.Folded += int64(r.Folded)
	s.Compressed += int64(r.Compressed)
	s.Wire += int64(r.Wire)
	s.Air += float64(r.AirMS) / 1000
}

// A Row is what was spent on one thing.
type Row struct {
	Name string `json:"name"`
	Out  Sum    `json:"out"`
	In   Sum    `json:"in"`
}

// A Count is how often, and how much.
type Count struct {
	Name  string `json:"name"`
	Times int    `json:"times"`
	Bytes int64  `json:"bytes,omitempty"`
}

// Folding is what did not have to cross.
type Folding struct {
	Stanzas int     `json:"stanzas"` // that something was taken out of
	Raw     int64   `json:"raw"`     // of all that were to cross
	Saved   int64   `json:"saved"`
	Rules   []Count `json:"rules,omitempty"`
	Dropped []Count `json:"dropped,omitempty"` // whole stanzas, by reason
}

// Contacts are those of one link to a peer.
type Contacts struct {
	Peer   string  `json:"peer"`
	Link   string  `json:"link"`
	Up     int     `json:"up"`   // times
	Time   float64 `json:"time"` // s
	Causes []Count `json:"causes,omitempty"`

	causes counts
}

// A Report sums up a record.
type Report struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Lines   int       `json:"lines"`
	Skipped int       `json:"skipped,omitempty"` // lines that could not be read
	Lost    uint64    `json:"lost,omitempty"`    // lines that were never written

	Total   Row   `json:"total"`
	Kinds   []Row `json:"kinds,omitempty"`
	Classes []Row `json:"classes,omitempty"`
	Users   []Row `json:"users,omitempty"`
	Rooms   []Row `json:"rooms,omitempty"`
	Peers   []Row `json:"peers,omitempty"`
	Links   []Row `json:"links,omitempty"`

	Folding    Folding    `json:"folding"`
	Confirmed  int        `json:"confirmed"`
	Took       float64    `json:"took,omitempty"` // s, from sent to confirmed: half of them took less
	Duplicates int        `json:"duplicates,omitempty"`
	Rejected   []Count    `json:"rejected,omitempty"`
	Contacts   []Contacts `json:"contacts,omitempty"`
}

// MakeReport reads a node's folder. since is how far back from its last line, 0: all; peer is a name or an address, "": all.
func MakeReport(folder string, since time.Duration, peer string) (*Report, error) {
	var last time.Time
	if _, err := Read(folder, func(l Line) error { last = l.At; return nil }); err != nil {
		return nil, err
	}
	m := reporting{r: &Report{Until: last}, rows: make(map[[2]string]*Row), rules: make(counts), dropped: make(counts), rejected: make(counts),
		contacts: make(map[[2]string]*Contacts)}
	if since > 0 {
		m.r.Since = last.Add(-since)
	}
	var err error
	m.r.Skipped, err = Read(folder, func(l Line) error {
		if !l.At.Before(m.r.Since) && l.of(peer) {
			m.take(l)
		}
		return nil
	})
	m.finish()
	return m.r, err
}

// of tells whether a line is about a peer.
func (l Line) of(peer string) bool {
	return peer == "" || l.Peer == peer || l.Address == Name(peer)
}

// counts are by name. What is beyond its bound is counted as others.
type counts map[string]*Count

const (
	maxNames = 1000
	others   = "others"
	maxTook  = 100_000
)

func (c counts) add(name string, bytes int) {
	if c[name] == nil {
		if len(c) >= maxNames {
			name = others
		}
		if c[name] == nil {
			c[name] = &Count{Name: name}
		}
	}
	c[name].Times++
	c[name].Bytes += int64(bytes)
}

func (c counts) list() []Count {
	var all []Count
	for _, n := range c {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Times, a.Times), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// reporting is a report that is made.
type reporting struct {
	r                        *Report
	rows                     map[[2]string]*Row // by what, and name
	rules, dropped, rejected counts
	contacts                 map[[2]string]*Contacts
	took                     []float64
}

func (m *reporting) take(l Line) {
	if m.r.Lines++; m.r.Since.IsZero() {
		m.r.Since = l.At
	}
	switch l.Kind {
	case Stanza:
		m.stanza(l)
	case Shape:
		m.r.Folding.Raw += int64(l.Raw)
	case Fold:
		m.fold(l)
	case Confirm:
		m.r.Confirmed++
		if l.Lasted > 0 && len(m.took) < maxTook {
			m.took = append(m.took, l.Lasted)
		}
	case Duplicate:
		m.r.Duplicates++
	case Reject:
		m.rejected.add(l.Cause, l.Wire)
	case Contact:
		m.contact(l)
	case Lost:
		m.r.Lost += l.Lines
	}
}

func (m *reporting) stanza(l Line) {
	for _, w := range [][2]string{{"total", ""}, {"kind", l.Type}, {"class", l.Class}, {"user", l.User}, {"room", l.Room}, {"peer", l.Peer}, {"link", l.Link}} {
		if w[1] == "" && w[0] != "total" {
			continue
		}
		row := m.rows[w]
		if row == nil {
			if len(m.rows) >= 6*maxNames {
				w[1] = others
				row = m.rows[w]
			}
			if row == nil {
				row = &Row{Name: w[1]}
				m.rows[w] = row
			}
		}
		if l.Dir == In {
			row.In.add(l.Record)
		} else {
			row.Out.add(l.Record)
		}
	}
}

func (m *reporting) fold(l Line) {
	if l.Dir == In {
		return
	}
	m.r.Folding.Stanzas++
	m.r.Folding.Saved += int64(l.Saved)
	for _, c := range l.Cuts {
		m.rules.add(ruleName(c.Rule), c.Bytes)
	}
	if l.Cause != "" {
		m.dropped.add(l.Cause, l.Saved)
	}
}

func (m *reporting) contact(l Line) {
	k := [2]string{l.Peer, l.Link}
	c := m.contacts[k]
	if c == nil {
		if len(m.contacts) >= maxNames {
			return
		}
		c = &Contacts{Peer: l.Peer, Link: l.Link, causes: make(counts)}
		m.contacts[k] = c
	}
	if l.State == "up" {
		c.Up++
		return
	}
	c.Time += l.Lasted
	c.causes.add(l.Cause, 0)
}

// finish puts all in order: what took most is first.
func (m *reporting) finish() {
	r := m.r
	to := map[string]*[]Row{"kind": &r.Kinds, "class": &r.Classes, "user": &r.Users, "room": &r.Rooms, "peer": &r.Peers, "link": &r.Links}
	for w, row := range m.rows {
		if w[0] == "total" {
			r.Total = *row
			continue
		}
		*to[w[0]] = append(*to[w[0]], *row)
	}
	for _, rows := range to {
		slices.SortFunc(*rows, func(a, b Row) int {
			return cmp.Or(cmp.Compare(b.Out.Air+b.In.Air, a.Out.Air+a.In.Air), cmp.Compare(b.Out.Wire+b.In.Wire, a.Out.Wire+a.In.Wire), cmp.Compare(a.Name, b.Name))
		})
	}
	r.Folding.Rules, r.Folding.Dropped, r.Rejected = m.rules.list(), m.dropped.list(), m.rejected.list()
	if slices.Sort(m.took); len(m.took) > 0 {
		r.Took = m.took[len(m.took)/2]
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.contacts), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		c := m.contacts[k]
		c.Causes = c.causes.list()
		r.Contacts = append(r.Contacts, *c)
	}
}
