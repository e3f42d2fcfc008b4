package cas

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"longwire/links/dts"
)

// Why S_PDUs fail here.
var (
	ErrNoAnswer  = errors.New("cas: no answer to the link request")
	ErrBroadcast = errors.New("cas: broadcast-only node")
	ErrRelinks   = errors.New("cas: the peer forgets every link")
)

// A RejectedError tells that a peer refused a link.
type RejectedError struct {
	Peer   dts.Address
	Reason RejectReason
}

// Error says it in one line.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("cas: link refused by %s: %s", e.Peer, e.Reason)
}

// State is where a link stands.
type State uint8

// The states of S5066 B.3.2.
const (
	Idle State = iota
	Calling
	Up // "made" in the standard
	Breaking
)

// String names it.
func (s State) String() string {
	return [...]string{"idle", "calling", "made", "breaking"}[s&3]
}

// A link is the state machine with one peer.
type link struct {
	peer      dts.Address
	state     State
	exclusive bool // what is wanted while calling, what it is after
	wanted    bool // a higher layer wants it exclusive, once there is room
	called    bool
	proceeded bool      // called, and our data do not wait for the caller's any more
	since     time.Time // made
	tries     int
	control   dts.ID // our request or break that is to be answered
	reason    BreakReason
	relinks   int
}

// Status is what an operator may want to know of a link.
type Status struct {
	Peer      dts.Address
	State     State
	Exclusive bool
	Called    bool
	Since     time.Time
}

// Links tells how all links stand.
func (n *Node) Links() []Status {
	var out []Status
	for _, l := range n.links {
		if l.state != Idle {
			out = append(out, Status{l.peer, l.state, l.exclusive, l.called, l.since})
		}
	}
	return out
}

func (n *Node) known(a dts.Address) *link {
	i := slices.IndexFunc(n.links, func(l *link) bool { return l.peer == a })
	if i < 0 {
		return nil
	}
	return n.links[i]
}

// link finds or makes the state machine with peer a.
func (n *Node) link(a dts.Address) *link {
	l := n.known(a)
	if l == nil {
		l = &link{peer: a}
		n.links = append(n.links, l)
	}
	return l
}

// exclusive finds an exclusive link but that with a; made, or being made.
func (n *Node) exclusive(but dts.Address, states ...State) *link {
	i := slices.IndexFunc(n.links, func(l *link) bool { return l.exclusive && l.peer != but && slices.Contains(states, l.state) })
	if i < 0 {
		return nil
	}
	return n.links[i]
}

// soft counts nonexclusive links but that with a.
func (n *Node) soft(but dts.Address) (count int) {
	for _, l := range n.links {
		if l.state != Idle && !l.exclusive && l.peer != but {
			count++
		}
	}
	return count
}

// say sends a control C_PDU.
func (n *Node) say(now time.Time, to dts.Address, c CPDU, reply bool) dts.ID {
	if !reply {
		n.dts.Cancel(now, n.answers[to]) // one answer is enough, the last
	}
	id, err := n.dts.Send(now, dts.Request{To: to, Service: dts.ServiceExpeditedNonARQ, Priority: 15, Unordered: true,
		CPDU: c.Append(nil), Reply: reply, Answer: !reply})
	if err != nil {
		return 0 // too many peers
	}
	n.control[id] = true
	if !reply {
		n.answers[to] = id
	}
	return id
}

// Establish makes an exclusive link with a peer: Made or Refused follows.
func (n *Node) Establish(now time.Time, a dts.Address) error {
	switch {
	case n.cfg.Broadcast:
		return fmt.Errorf("cas: link to %s: %w", a, ErrBroadcast)
	case a == 0 || a.Group():
		return fmt.Errorf("cas: link to %s: %w", a, dts.ErrPeer)
	}
	n.link(a).wanted = true
	n.run(now)
	return nil
}

// Break ends the link with a peer, if there is one: Broken follows.
func (n *Node) Break(now time.Time, a dts.Address, why BreakReason) {
	if l := n.known(a); l != nil {
		l.wanted = false
		switch l.state {
		case Calling:
			n.resolved(now, l)
			n.hangUp(now, l, why)
		case Up:
			n.hangUp(now, l, why)
		}
	}
	n.run(now)
}

// SetBroadcast makes this a broadcast-only node, or ends that.
func (n *Node) SetBroadcast(now time.Time, on bool) {
	n.cfg.Broadcast = on
	for _, l := range slices.Clone(n.links) {
		if on {
			n.dts.Abandon(now, l.peer, ErrBroadcast)
			n.Break(now, l.peer, BreakBroadcast)
		}
	}
	n.run(now)
}

// call asks for a link.
func (n *Node) call(now time.Time, l *link, exclusive bool) {
	if l.state == Up {
		// A soft link that becomes exclusive: the answer starts the windows anew, so nothing may use the old ones meanwhile.
		n.dts.Disconnect(now, l.peer)
	}
	l.state, l.exclusive, l.called, l.tries = Calling, exclusive, false, 0
	n.again(now, l)
}

// again sends the request or the break once more.
func (n *Node) again(now time.Time, l *link) {
	l.tries++
	c := CPDU{Type: Request, Exclusive: l.exclusive}
	if l.state == Breaking {
		c = CPDU{Type: Break, Break: l.reason}
	}
	if l.control = n.say(now, l.peer, c, true); l.control != 0 {
		return
	}
	if l.state == Breaking {
		n.down(now, l, ByUs, l.reason)
	} else {
		n.fail(now, l, dts.ErrPeers)
	}
}

// hangUp tells the peer that the link ends.
func (n *Node) hangUp(now time.Time, l *link, why BreakReason) {
	n.dts.Disconnect(now, l.peer)
	l.state, l.reason, l.tries = Breaking, why, 0
	n.again(now, l)
}

// resolved ends our request or break, answered or not needed any more.
func (n *Node) resolved(now time.Time, l *link) {
	if l.control != 0 {
		n.dts.Replied(now, l.control)
		l.control = 0
	}
}

// unanswered is what follows when a request or break stays without answer.
func (n *Node) unanswered(now time.Time, e dts.NoReply) {
	delete(n.control, e.ID)
	l := n.known(e.Peer)
	if l == nil || l.control != e.ID {
		return
	}
	switch {
	case l.tries < n.cfg.Tries:
		n.again(now, l)
	case l.state == Calling:
		n.fail(now, l, ErrNoAnswer)
	case l.state == Breaking:
		n.down(now, l, ByUs, l.reason)
	}
}

// fail gives up calling.
func (n *Node) fail(now time.Time, l *link, why error) {
	n.resolved(now, l)
	was := l.exclusive
	*l = link{peer: l.peer}
	n.dts.Abandon(now, l.peer, why)
	n.emit(Refused{l.peer, was, why})
}

// up declares a link made.
func (n *Node) up(now time.Time, l *link, called bool) {
	n.resolved(now, l)
	l.state, l.called, l.proceeded, l.since, l.tries = Up, called, false, now, 0
	if l.exclusive {
		l.wanted = false
	}
	n.dts.Connect(now, l.peer, called)
	n.emit(Made{l.peer, l.exclusive, called})
	if l.exclusive {
		// S5066 B.3.2: nonexclusive links make way for an exclusive one.
		for _, o := range slices.Clone(n.links) {
			if o.state == Up && !o.exclusive {
				n.hangUp(now, o, BreakPending)
			}
		}
	}
}

// down declares a link broken.
func (n *Node) down(now time.Time, l *link, cause Cause, why BreakReason) {
	n.resolved(now, l)
	was := *l
	*l = link{peer: l.peer, relinks: l.relinks, wanted: l.wanted}
	n.dts.Disconnect(now, l.peer)
	if was.state == Calling {
		n.fail(now, l, ErrNoAnswer)
		return
	}
	if was.state != Idle {
		n.emit(Broken{l.peer, was.exclusive, cause, why})
	}
}

// warned acts on the peer's word that it is not connected.
//
// S5066 B.3: then the link must be made again.
func (n *Node) warned(now time.Time, e dts.Warned) {
	l := n.known(e.Peer)
	if l == nil || l.state != Up || e.Warning.Reason != dts.WarnNotConnected || e.Warning.Type > dts.ExpAck {
		return
	}
	relinks := l.relinks + 1
	n.down(now, l, Unknown, 0)
	if l.relinks = relinks; relinks > maxRelinks {
		l.relinks = 0
		n.dts.Abandon(now, l.peer, ErrRelinks)
	}
}
