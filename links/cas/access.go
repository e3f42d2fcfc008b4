package cas

import (
	"slices"
	"time"

	"longwire/links/dts"
)

// controlled acts on a control C_PDU of a peer.
func (n *Node) controlled(now time.Time, from dts.Address, c *CPDU) {
	l := n.known(from)
	switch c.Type {
	case Request:
		n.requested(now, from, c.Exclusive)
	case Accepted:
		if l != nil && l.state == Calling {
			n.up(now, l, false)
		}
	case Rejected:
		if l != nil && l.state == Calling {
			n.fail(now, l, &RejectedError{from, c.Reject})
		}
	case Break:
		// S5066 B.3.2: broken at once, then confirmed. A break of what we do not know is confirmed too, or it would be repeated.
		if l != nil && (l.state == Up || l.state == Breaking) {
			n.down(now, l, ByPeer, c.Break)
		}
		n.say(now, from, CPDU{Type: BreakConfirm}, false)
	case BreakConfirm:
		if l != nil && l.state == Breaking {
			n.down(now, l, ByUs, l.reason)
		}
	}
}

// requested answers a link request.
func (n *Node) requested(now time.Time, from dts.Address, exclusive bool) {
	if l := n.known(from); l != nil && l.state == Breaking {
		n.down(now, l, ByUs, l.reason) // it knows that it is broken
	}
	if why, ok := n.refuse(now, from, exclusive); !ok {
		n.say(now, from, CPDU{Type: Rejected, Reject: why}, false)
		return
	}
	l := n.link(from)
	repeated := l.state == Up && l.called && l.exclusive == exclusive && n.dts.LastData(from).IsZero()
	if l.state == Up && !repeated {
		n.down(now, l, Unknown, 0)
	}
	// Choice: one that calls while we call it has not heard us, as nobody hears while sending; whoever is heard first has called, and no
	// address need yield.
	n.resolved(now, l)
	l.exclusive = exclusive
	n.say(now, from, CPDU{Type: Accepted}, false)
	if repeated {
		n.dts.Connect(now, from, true)
		return
	}
	n.up(now, l, true)
}

// refuse tells whether a link may be made at a peer's request, and if not, why.
func (n *Node) refuse(now time.Time, from dts.Address, exclusive bool) (why RejectReason, ok bool) {
	active := 0
	for _, l := range n.links {
		if l.exclusive && l.state == Up && l.peer != from {
			active++
		}
	}
	switch {
	case n.cfg.Broadcast:
		return RejectBroadcast, false
	case exclusive && active > 1:
		// S5066 B.3.2: at most two exclusive links, the second only long enough to negotiate.
		return RejectExclusive, false
	case exclusive:
		return 0, true
	case active > 0:
		return RejectExclusive, false
	case n.exclusive(from, Calling) != nil:
		return RejectPending, false
	case n.soft(from) >= n.cfg.MaxLinks:
		n.makeRoom(now)
		return RejectUnknown, false
	}
	return 0, true
}

// open calls the peers that have something waiting, and tells whether it did anything.
func (n *Node) open(now time.Time) (did bool) {
	for _, l := range slices.Clone(n.links) {
		switch {
		case l.wanted && (l.state == Idle || l.state == Up && !l.exclusive) && n.exclusive(l.peer, Calling) == nil:
			n.call(now, l, true)
			did = true
		case l.wanted && l.state == Up: // it is what is wanted
			l.wanted = false
			n.emit(Made{l.peer, true, l.called})
			did = true
		case l.state != Idle:
		case !n.dts.Pending(l.peer) && !l.wanted:
			n.links = slices.DeleteFunc(n.links, func(o *link) bool { return o == l })
		case n.cfg.Broadcast || n.exclusive(l.peer, Calling, Up, Breaking) != nil:
			// Waits until the exclusive link is over.
		case n.soft(l.peer) < n.cfg.MaxLinks:
			n.call(now, l, false)
			did = true
		default:
			did = n.makeRoom(now) || did
		}
	}
	return did
}

// makeRoom breaks the link that may best be spared, if any may.
func (n *Node) makeRoom(now time.Time) bool {
	var best *link
	var when time.Time
	for _, l := range n.links {
		t := n.spare(l)
		if l.state == Up && !l.exclusive && !now.Before(t) && (best == nil || t.Before(when)) {
			best, when = l, t
		}
		if l.state == Breaking {
			return false // room is coming
		}
	}
	if best == nil {
		return false
	}
	n.hangUp(now, best, BreakPending)
	return true
}

// spare is when a link may be broken to make room for another: when idle, or when it lasted long; never too soon where we were called.
func (n *Node) spare(l *link) time.Time {
	t := l.since.Add(n.cfg.SoftMax)
	if !n.dts.Busy(l.peer) {
		t = n.lastData(l).Add(n.dts.Answer(l.peer))
	}
	if soonest := l.since.Add(n.cfg.CalledMin); l.called && t.Before(soonest) {
		return soonest
	}
	return t
}

// room is when some link may be broken to make room; zero if one is being broken.
func (n *Node) room() (t time.Time) {
	for _, l := range n.links {
		switch x := n.spare(l); {
		case l.state == Breaking:
			return time.Time{}
		case l.state == Up && !l.exclusive && (t.IsZero() || x.Before(t)):
			t = x
		}
	}
	return t
}

// lastData is when data last flowed, or when the link was made.
func (n *Node) lastData(l *link) time.Time {
	if t := n.dts.LastData(l.peer); t.After(l.since) {
		return t
	}
	return l.since
}

// timer is when something is to be done about a link; zero is never.
func (n *Node) timer(l *link) time.Time {
	switch {
	case l.state == Idle && n.dts.Pending(l.peer) && !n.cfg.Broadcast && n.exclusive(l.peer, Calling, Up, Breaking) == nil:
		return n.room()
	case l.state != Up:
		return time.Time{}
	case l.called && n.dts.LastData(l.peer).IsZero():
		if !l.proceeded && n.dts.Pending(l.peer) {
			return l.since.Add(n.cfg.First / 4)
		}
		return l.since.Add(n.cfg.First)
	case l.exclusive || n.cfg.Idle == Never || n.dts.Busy(l.peer):
		return time.Time{}
	case l.called:
		// The caller is the one to break; should it be gone, we do it later.
		return n.lastData(l).Add(max(0, n.cfg.Idle) + n.cfg.SoftMax)
	}
	return n.lastData(l).Add(max(0, n.cfg.Idle))
}

// expired does what the timer of a link is for, and tells whether it did anything.
func (n *Node) expired(now time.Time, l *link) bool {
	t := n.timer(l)
	if t.IsZero() || now.Before(t) {
		return false
	}
	switch {
	case l.state == Idle:
		return false // open does it
	case l.called && n.dts.LastData(l.peer).IsZero() && now.Before(l.since.Add(n.cfg.First)):
		// Choice: a caller that lost our answer would have called again by now; it has nothing to say, but we have.
		l.proceeded = true
		n.dts.Proceed(l.peer)
	case l.called && n.dts.LastData(l.peer).IsZero():
		n.down(now, l, NoFirst, 0)
	default:
		n.hangUp(now, l, BreakNoData)
	}
	return true
}
