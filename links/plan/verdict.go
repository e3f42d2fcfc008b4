package plan

import (
	"fmt"
	"time"
)

// A Verdict is how a link stands, for people.
type Verdict struct {
	Link    string
	Carries bool
	May     bool // it may carry: what keeps it from doing so is that a better one does
	Up      bool
	Silent  bool // nothing at all may be sent on it
	Why     string
	Since   time.Time // of what Why says; zero: not known
	Until   time.Time // when that may end; zero: not known
}

// verdict says how link i stands.
func (l *look) verdict(i, carrier int) Verdict {
	m, f, now := &l.c.marks[i], l.c.peer.Links[i], l.now.Time
	v := Verdict{Link: m.name, Carries: i == carrier, Up: m.condition == Up, Silent: l.at[i] == barred, Since: m.since}
	switch l.at[i] {
	case barred:
		v.Since = time.Time{}
		switch {
		case f.Inbound:
			v.Why = "only receives"
		case f.EMCON:
			v.Why = "emission control: nothing is sent"
		default:
			v.Until = f.Windows.Change(now)
			v.Why = "its transmit window is closed"
		}
	case dead:
		v.Why, v.Until = "left, as "+m.why+", and it is not up", m.until
		v.Why = withFault(v.Why, m.fault)
	case held:
		v.Until = later(m.since, m.left).Add(l.c.hold(m))
		v.Why = fmt.Sprintf("left, as %s; up again, and on trial for %s", m.why, l.c.hold(m))
	case pending:
		v.Why, v.Until = withFault("not up", m.fault), m.until
		if !l.c.busy.IsZero() && l.other(i) {
			v.Until = later(m.since, m.free).Add(l.c.peer.Failover.After)
			v.Why += ", and waited for"
		}
	case ready:
		v.May = true
		if v.Why = "up"; m.condition == Closed {
			v.Why = "opened when there is something to carry"
		}
	}
	return v
}

func withFault(s, fault string) string {
	if fault == "" {
		return s
	}
	return s + ": " + fault
}
