package spdu

import (
	"time"

	"longwire/links/dts"
)

// asked takes the peer's wish for a link.
func (h *HardLinks) asked(now time.Time, from dts.Address, p *PDU) {
	l := Link{Type: p.LinkType, Priority: p.LinkPriority, Rank: h.Rank, Peer: from, SAP: p.Dest, RemoteSAP: p.Source}
	if l.Type == 2 {
		rank, ok := h.Bound(l.SAP)
		if !ok {
			h.say(from, PDU{Type: LinkRejected, Reason: RejectUnbound})
			return
		}
		l.Rank = rank
	}
	switch old := &h.link; {
	case h.state == none:
		h.admit(now, l)
	case h.state == up && *old == l:
		h.say(from, PDU{Type: LinkConfirm}) // the peer did not hear it
	case h.state == indicated && *old == l:
	case h.state == requested && old.Peer == from:
		h.crossed(now, l)
	case h.next == nil && l.beats(old) && h.state != terminating:
		h.next, h.heard = &l, true
		h.preempt(now)
	case l.Rank == old.Rank && l.Priority == old.Priority:
		h.say(from, PDU{Type: LinkRejected, Reason: RejectBusy})
	default:
		h.say(from, PDU{Type: LinkRejected, Reason: RejectHigher})
	}
}

// crossed decides between two wishes that met on the way.
//
// Choice: by what both nodes know alike, which is not the ranks: link priority, link type, and the lower address.
func (h *HardLinks) crossed(now time.Time, l Link) {
	ours := &h.link
	wins := l.Peer < h.Address
	if l.Priority != ours.Priority {
		wins = l.Priority > ours.Priority
	} else if l.Type != ours.Type {
		wins = l.Type > ours.Type
	}
	if !wins {
		h.say(l.Peer, PDU{Type: LinkRejected, Reason: RejectHigher})
		return
	}
	h.do(Tell{Rejected, RejectHigher, *ours})
	h.admit(now, l)
}

// admit accepts the peer's wish, or asks the client.
func (h *HardLinks) admit(now time.Time, l Link) {
	h.link = l
	if l.Type == 2 {
		h.do(Tell{Indication, 1, l})
		h.wait(now, indicated)
		return
	}
	h.state = up
	h.say(l.Peer, PDU{Type: LinkConfirm})
}

// Answer is a client's S_HARD_LINK_ACCEPT or S_HARD_LINK_REJECT.
func (h *HardLinks) Answer(now time.Time, sap uint8, peer dts.Address, accept bool) {
	if h.state != indicated || h.link.SAP != sap || h.link.Peer != peer {
		return
	}
	if accept {
		h.state = up
		h.say(peer, PDU{Type: LinkConfirm})
		return
	}
	h.say(peer, PDU{Type: LinkRejected, Reason: RejectBusy})
	h.end(now, false)
}
