package spdu

import (
	"time"

	"longwire/links/dts"
)

type linkState uint8

const (
	none        linkState = iota
	making                // the physical link
	requested             // S_PDU 3 sent
	indicated             // the client is asked
	up                    //
	terminating           // S_PDU 6 sent
)

// HardLinks is the state machine of hard links: at most one per node (S5066 A.3.2.2).
//
// The zero HardLinks is not ready: Bound must be set. It is used by one goroutine.
type HardLinks struct {
	Address dts.Address                           // of this node
	Bound   func(sap uint8) (rank uint8, ok bool) // whether a client is bound here
	Rank    uint8                                 // of links of types 0 and 1 asked for by others, as S_PDUs do not tell
	Timeout time.Duration                         // for an answer by the peer or a client; default 2 min

	link    Link
	state   linkState
	until   time.Time
	next    *Link // waits for the old link to end
	heard   bool  // next is the peer's wish
	actions []Action
}

// Next gives the next thing to do; ok is false when there is none.
func (h *HardLinks) Next() (a Action, ok bool) {
	if len(h.actions) == 0 {
		h.actions = nil
		return nil, false
	}
	a, h.actions = h.actions[0], h.actions[1:]
	return a, true
}

// Deadline is when Tick is to be called if nothing else happens; zero is never.
func (h *HardLinks) Deadline() time.Time {
	switch h.state {
	case requested, indicated, terminating:
		return h.until
	}
	return time.Time{}
}

// Current is the hard link that is up.
func (h *HardLinks) Current() (Link, bool) { return h.link, h.state == up || h.state == terminating }

// Allows tells whether data between two clients may use the link to a peer that is up; without one there is nothing to forbid.
func (h *HardLinks) Allows(sap uint8, peer dts.Address, remote uint8) bool {
	l := &h.link
	switch {
	case h.state != up:
		return true
	case peer != l.Peer:
		return false // the physical link is exclusive
	case l.Type == 0:
		return true
	case l.Type == 2:
		return sap == l.SAP && remote == l.RemoteSAP
	}
	return !l.Ours || sap == l.SAP // of type 1 the called side does not know the client's partners
}

func (h *HardLinks) do(a Action) { h.actions = append(h.actions, a) }

func (h *HardLinks) say(to dts.Address, p PDU) { h.do(Say{to, p}) }

func (h *HardLinks) wait(now time.Time, s linkState) {
	h.state = s
	timeout := h.Timeout
	if timeout == 0 {
		timeout = 2 * time.Minute
	}
	h.until = now.Add(timeout)
}

// concerned tells whether the link has a client here to be told of its end: its owner, or either client of type 2.
func (l *Link) concerned() bool { return l.Ours || l.Type == 2 }

// Request asks for a link for a client here: S_HARD_LINK_ESTABLISH.
func (h *HardLinks) Request(now time.Time, l Link) {
	l.Ours = true
	switch {
	case h.state == none:
		h.begin(l)
	case l.Type == 0 && h.state == up && h.link.Peer == l.Peer && h.link.Type == 0:
		h.do(Tell{Rejected, RejectSatisfied, l})
	case h.next != nil || !l.beats(&h.link):
		h.do(Tell{Rejected, RejectHigher, l})
	default:
		h.next, h.heard = &l, false
		h.preempt(now)
	}
}

// begin makes the physical link.
func (h *HardLinks) begin(l Link) {
	h.link, h.state = l, making
	h.do(Make{l.Peer})
}

// preempt ends what there is for something higher.
func (h *HardLinks) preempt(now time.Time) {
	old := h.link
	switch h.state {
	case making:
		h.do(Tell{Rejected, RejectHigher, old})
		h.end(now, true)
	case requested:
		h.do(Tell{Rejected, RejectHigher, old})
		h.finish(now, TerminateHigher)
	case indicated:
		h.say(old.Peer, PDU{Type: LinkRejected, Reason: RejectHigher})
		h.do(Tell{Terminated, TerminateHigher, old})
		h.end(now, old.Peer != h.next.Peer)
	case up:
		if old.concerned() {
			h.do(Tell{Terminated, TerminateHigher, old})
		}
		h.finish(now, TerminateHigher)
	}
}

// finish tells the peer that the link ends, and waits for its confirmation.
func (h *HardLinks) finish(now time.Time, why uint8) {
	h.say(h.link.Peer, PDU{Type: Terminate, Reason: why})
	h.wait(now, terminating)
}

// end forgets the link and begins the next.
func (h *HardLinks) end(now time.Time, hang bool) {
	old, next := h.link, h.next
	h.link, h.state, h.next = Link{}, none, nil
	if hang && (next == nil || next.Peer != old.Peer) {
		h.do(Hang{old.Peer})
	}
	switch {
	case next == nil:
	case h.heard:
		h.admit(now, *next)
	default:
		h.begin(*next)
	}
}

// Made tells that the exclusive physical link to a peer is up.
func (h *HardLinks) Made(now time.Time, peer dts.Address) {
	if h.state == making && h.link.Peer == peer {
		l := &h.link
		h.say(peer, PDU{Type: LinkRequest, LinkType: l.Type, LinkPriority: l.Priority, Source: l.SAP, Dest: l.RemoteSAP})
		h.wait(now, requested)
	}
}

// Broken tells that the physical link to a peer could not be made, or is down.
func (h *HardLinks) Broken(now time.Time, peer dts.Address) {
	if h.state == none || h.link.Peer != peer {
		return
	}
	switch l := h.link; {
	case h.state == making || h.state == requested:
		h.do(Tell{Rejected, RejectNotResponding, l})
	case h.state == terminating && h.next != nil: // was told already
	case l.concerned():
		h.do(Tell{Terminated, TerminateBroken, l})
	}
	h.end(now, false)
}

// Received takes an S_PDU of types 3 to 7.
func (h *HardLinks) Received(now time.Time, from dts.Address, p *PDU) {
	mine := h.state != none && h.link.Peer == from
	switch {
	case p.Type == LinkRequest:
		h.asked(now, from, p)
	case p.Type == Terminate && mine:
		h.terminated(now, p.Reason)
	case p.Type == Terminate:
		h.say(from, PDU{Type: TerminateConfirm}) // of something we forgot
	case !mine:
	case p.Type == LinkConfirm && h.state == requested:
		h.state = up
		h.do(Tell{Established, 1, h.link})
	case p.Type == LinkRejected && h.state == requested:
		h.do(Tell{Rejected, p.Reason, h.link})
		h.end(now, true)
	case p.Type == TerminateConfirm && h.state == terminating:
		if h.next == nil && h.link.concerned() {
			// Choice: no reason is assigned to the success of what the client asked for; this is the nearest.
			h.do(Tell{Terminated, TerminateClient, h.link})
		}
		h.end(now, true)
	}
}

// Terminate is a client's S_HARD_LINK_TERMINATE. Only the owner's counts, and with type 2 either client's.
func (h *HardLinks) Terminate(now time.Time, sap uint8, peer dts.Address) {
	l := &h.link
	if h.state == none || l.Peer != peer || l.SAP != sap || !l.concerned() {
		return
	}
	switch h.state {
	case making:
		h.end(now, true)
	case requested, up:
		h.finish(now, TerminateClient)
	}
}

// Unbound tells that a client is gone.
func (h *HardLinks) Unbound(now time.Time, sap uint8) {
	if h.next != nil && !h.heard && h.next.SAP == sap {
		h.next = nil
	}
	if h.state == none || h.link.SAP != sap || !h.link.concerned() {
		return
	}
	switch h.state {
	case making:
		h.end(now, true)
	case indicated:
		h.say(h.link.Peer, PDU{Type: LinkRejected, Reason: RejectUnbound})
		h.end(now, false)
	case requested, up:
		h.finish(now, TerminateUnbound)
	}
}

// terminated takes the peer's end of the link.
func (h *HardLinks) terminated(now time.Time, why uint8) {
	l := &h.link
	if l.Ours && l.Type != 2 && why != TerminateHigher && h.state != terminating {
		return // only its owner may end it, and something higher
	}
	h.say(l.Peer, PDU{Type: TerminateConfirm})
	if l.concerned() && h.state != terminating {
		h.do(Tell{Terminated, why, *l})
	}
	if h.state != terminating {
		h.end(now, false) // the peer breaks the physical link, or asks for another over it
	}
}

// Tick lets time pass.
func (h *HardLinks) Tick(now time.Time) {
	if t := h.Deadline(); t.IsZero() || now.Before(t) {
		return
	}
	switch l := h.link; h.state {
	case requested:
		h.do(Tell{Rejected, RejectNotResponding, l})
		h.end(now, true)
	case indicated:
		h.say(l.Peer, PDU{Type: LinkRejected, Reason: RejectNotResponding})
		h.end(now, false)
	case terminating:
		if h.next == nil && l.concerned() {
			h.do(Tell{Terminated, TerminateSilence, l})
		}
		h.end(now, true)
	}
}
