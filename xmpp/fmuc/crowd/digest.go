package crowd

import (
	"slices"
	"strings"
)

// maxReason bounds what is told of a removal, in bytes.
const maxReason = 512

// A Change is one thing that happened to a crowd.
type Change struct {
	Op       Op
	Occupant        // who is there now; of one who left only the nick counts
	Was      string // the nick before a Rename
	Code     string // why one left, if it is not of free will: a status code such as "307"
	Reason   string // in words
}

// Op is the kind of a change; its value is the letter on the wire.
type Op byte

// Kinds of change.
const (
	Enter  Op = '+' // entered, or changed affiliation or role
	Leave  Op = '-'
	Rename Op = '>'
)

// A Digest tells a crowd, or how it changed.
type Digest struct {
	Whole   bool // the changes are all who are there
	Changes []Change
}

// Empty tells whether there is nothing to say.
func (d Digest) Empty() bool { return !d.Whole && len(d.Changes) == 0 }

// Whole tells a crowd to somebody who may believe anything.
func Whole(c Crowd) Digest {
	d := Digest{Whole: true}
	for _, nick := range c.Nicks() {
		d.Changes = append(d.Changes, Change{Op: Enter, Occupant: c[nick]})
	}
	return d
}

// Difference is the digest that makes now out of any one of had.
func Difference(now Crowd, had ...Crowd) (d Digest) {
	for _, nick := range now.Nicks() {
		o := now[nick]
		if slices.ContainsFunc(had, func(c Crowd) bool { old, ok := c[nick]; return !ok || old != o }) {
			d.Changes = append(d.Changes, Change{Op: Enter, Occupant: o})
		}
	}
	gone := Crowd{}
	for _, c := range had {
		for nick, o := range c {
			if _, ok := now[nick]; !ok {
				gone[nick] = o
			}
		}
	}
	var left []Change
	for _, nick := range gone.Nicks() {
		left = append(left, Change{Op: Leave, Occupant: Occupant{Nick: nick}})
	}
	if len(had) == 1 {
		left = d.renames(left, had[0])
	}
	d.Changes = append(left, d.Changes...)
	return d
}

// renames turns one who left and one who came into one who changed nicks, where the real JID leaves no doubt.
func (d *Digest) renames(left []Change, had Crowd) (rest []Change) {
	for _, l := range left {
		from, at := had[l.Nick], -1
		for i, c := range d.Changes {
			if _, was := had[c.Nick]; c.Op != Enter || was || c.JID != from.JID {
				continue
			}
			if at >= 0 {
				at = -1
				break
			}
			at = i
		}
		if at < 0 || from.JID == "" || many(had, from.JID) {
			rest = append(rest, l)
			continue
		}
		d.Changes[at].Op, d.Changes[at].Was = Rename, l.Nick
	}
	return rest
}

// many tells whether a real JID has more than one nick.
func many(c Crowd, jid string) bool {
	n := 0
	for _, o := range c {
		if o.JID == jid {
			n++
		}
	}
	return n > 1
}

// Because notes why one left. What would part lines or fields is a space in the reason, which is cut when it is long.
func (d Digest) Because(nick, code, reason string) {
	reason = strings.Join(strings.Fields(reason), " ")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	for i := range d.Changes {
		if c := &d.Changes[i]; c.Op == Leave && c.Nick == nick {
			c.Code, c.Reason = code, reason
		}
	}
}

// Apply is the crowd after the digest, and what that changed: changes that were known already are left out. c stays as it is.
func (c Crowd) Apply(d Digest) (now Crowd, changed []Change) {
	now = Crowd{}
	if d.Whole {
		for _, ch := range d.Changes {
			now.put(ch.Occupant)
		}
		return now, Difference(now, c).Changes
	}
	for nick, o := range c {
		now[nick] = o
	}
	for _, ch := range d.Changes {
		changed = append(changed, now.apply(ch)...)
	}
	return now, changed
}

// apply changes c and tells what that came to.
func (c Crowd) apply(ch Change) (done []Change) {
	old, was := c[ch.Nick]
	switch ch.Op {
	case Leave:
		delete(c, ch.Nick)
		if was {
			done = append(done, ch)
		}
		return done
	case Rename:
		_, known := c[ch.Was]
		if known && was { // both nicks are there: one of them has to go
			done = append(done, Change{Op: Leave, Occupant: Occupant{Nick: ch.Was}})
		}
		delete(c, ch.Was)
		if !known || was {
			ch.Op, ch.Was = Enter, ""
		}
	}
	c.put(ch.Occupant)
	ch.Occupant = c[ch.Nick]
	if ch.Op == Rename || !was || old != ch.Occupant {
		done = append(done, ch)
	}
	return done
}
