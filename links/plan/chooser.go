package plan

import (
	"slices"
	"time"
)

// A Chooser is the choice for one peer, with what is remembered between looks. It is for one goroutine at a time. Times that it is told are those of
// time.Now, whose monotonic part it reckons by; only windows go by the calendar.
type Chooser struct {
	peer  Peer
	marks []mark // by link

	carrier int       // -1: none
	since   time.Time // when it began to carry
	busy    time.Time // since when something waits; zero: nothing does
	idle    time.Time // since when nothing does
}

// mark is what is remembered of a link.
type mark struct {
	name      string
	condition Condition
	since     time.Time // since when it is up, or is not
	confirmed time.Time
	fault     string
	until     time.Time
	rtt       time.Duration

	left  time.Time // when it was left, as it did not do what it should; zero: it is trusted
	why   string    // and how it failed
	flaps int
	good  time.Time // when it was trusted again
	free  time.Time // since when nothing forbids to send
}

// NewChooser makes one that knows nothing of its links yet.
func NewChooser(p Peer, now time.Time) *Chooser {
	c := &Chooser{carrier: -1, idle: now}
	c.Configure(p, now)
	return c
}

// Configure takes another configuration. What is known of links that stay is kept.
func (c *Chooser) Configure(p Peer, now time.Time) {
	old, carrier := c.marks, ""
	if c.carrier >= 0 {
		carrier = c.peer.Links[c.carrier].Name
	}
	p.Failover = p.Failover.OrDefault()
	c.peer, c.marks, c.carrier = p, nil, -1
	for i, l := range p.Links {
		m := mark{name: l.Name, condition: Down, since: now}
		if j := slices.IndexFunc(old, func(m mark) bool { return m.name == l.Name }); j >= 0 {
			m = old[j]
		}
		c.marks = append(c.marks, m)
		if l.Name == carrier {
			c.carrier = i
		}
	}
}

// Report is what a link tells of itself.
func (c *Chooser) Report(link string, now time.Time, s Condition, fault string, until time.Time, rtt time.Duration) {
	m := c.mark(link)
	if m == nil {
		return
	}
	if (s == Up) != (m.condition == Up) || (s == Closed) != (m.condition == Closed) {
		m.since = now
	}
	m.condition, m.fault, m.until = s, fault, until
	if rtt > 0 {
		m.rtt = rtt
	}
}

// Confirmed tells that a link worked at a time: what the peer took on it says so, which may be known only later.
func (c *Chooser) Confirmed(link string, at time.Time) {
	if m := c.mark(link); m != nil {
		m.confirmed = later(m.confirmed, at)
	}
}

func (c *Chooser) mark(link string) *mark {
	for i := range c.marks {
		if c.marks[i].name == link {
			return &c.marks[i]
		}
	}
	return nil
}

// patience is how long a link that should carry may confirm nothing.
func (c *Chooser) patience(i int) time.Duration {
	return max(c.peer.Failover.After, c.peer.Links[i].Least, 4*c.marks[i].rtt)
}

// hold is how long a link that was left must be up before it carries again.
func (c *Chooser) hold(m *mark) time.Duration {
	d := c.peer.Failover.BackAfter << min(max(m.flaps-1, 0), 16)
	if d <= 0 || d > c.peer.Failover.BackMax {
		d = c.peer.Failover.BackMax
	}
	return d
}
