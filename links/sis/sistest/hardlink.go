package sistest

import (
	"slices"

	"longwire/links/sis"
)

// A hardLink is the only one of a node.
type hardLink struct {
	owner *sis.Port
	link  sis.HardLink
	up    bool
}

// HardLink plays the owner's side of hard links: one at a time, the first wins, and the other end follows.
func (n *Node) HardLink(p *sis.Port, q sis.Primitive) {
	switch q := q.(type) {
	case sis.HardLinkEstablish:
		n.establish(p, q.HardLink)
	case sis.HardLinkTerminate:
		n.terminate(p, q.RemoteNode, sis.HardLinkEndedByRemote)
	case sis.HardLinkAccept:
		n.answer(p, q.HardLink, true)
	case sis.HardLinkReject:
		n.answer(p, q.HardLink, false)
	}
}

// Unbound ends the client's hard link, and drops what it has queued.
func (n *Node) Unbound(p *sis.Port) {
	n.air.mu.Lock()
	n.queue = slices.DeleteFunc(n.queue, func(r *sis.Request) bool { return r.Port == p })
	h := n.hard
	n.air.mu.Unlock()
	if h != nil && h.owner == p {
		n.terminate(p, h.link.RemoteNode, sis.HardLinkSAPUnbound)
	}
}

// Management echoes.
func (n *Node) Management(p *sis.Port, m sis.ManagementMsgRequest) {
	n.air.at(0, func() { _ = p.Send(sis.ManagementMsgIndication(m)) })
}

func (n *Node) establish(p *sis.Port, l sis.HardLink) {
	a := n.air
	a.mu.Lock()
	defer a.mu.Unlock()
	reject := func(why sis.HardLinkRejectReason) {
		a.atLocked(2*a.o.Delay, func() { _ = p.Send(sis.HardLinkRejected{Reason: why, HardLink: l}) })
	}
	to := a.nodes[l.RemoteNode]
	switch {
	case n.hard != nil:
		reject(sis.HardLinkHigherPriority)
		return
	case to == nil || to == n || to.server == nil || a.cuts[[2]sis.Address{n.Address, l.RemoteNode}]:
		reject(sis.HardLinkNoResponse)
		return
	}
	h := &hardLink{owner: p, link: l}
	n.hard = h
	server := to.server
	if l.LinkType != sis.HardLinkForPair {
		h.up = true
		a.atLocked(2*a.o.Delay, func() { _ = p.Send(sis.HardLinkEstablished{Status: sis.RemoteOK, HardLink: l}) })
		return
	}
	a.atLocked(a.o.Delay, func() {
		offer := l
		offer.RemoteNode, offer.RemoteSAP = n.Address, p.SAP
		remote := server.Port(l.RemoteSAP)
		if remote == nil || remote.Send(sis.HardLinkIndication{Status: sis.RemoteOK, HardLink: offer}) != nil {
			n.refuse(h, sis.HardLinkSAPNotBound)
		}
	})
}

// refuse ends a hard link that is not up.
func (n *Node) refuse(h *hardLink, why sis.HardLinkRejectReason) {
	a := n.air
	a.mu.Lock()
	defer a.mu.Unlock()
	if n.hard == h && !h.up {
		n.hard = nil
		a.atLocked(a.o.Delay, func() { _ = h.owner.Send(sis.HardLinkRejected{Reason: why, HardLink: h.link}) })
	}
}

// answer is what the client at the other end of a link for a pair says; n is its node.
func (n *Node) answer(p *sis.Port, l sis.HardLink, accept bool) {
	a := n.air
	a.mu.Lock()
	owner := a.nodes[l.RemoteNode]
	var h *hardLink
	if owner != nil {
		h = owner.hard
	}
	if h == nil || h.up || h.link.RemoteNode != n.Address || h.link.RemoteSAP != p.SAP {
		a.mu.Unlock()
		return
	}
	if accept {
		h.up = true
		a.atLocked(a.o.Delay, func() { _ = h.owner.Send(sis.HardLinkEstablished{Status: sis.RemoteOK, HardLink: h.link}) })
	}
	a.mu.Unlock()
	if !accept {
		owner.refuse(h, sis.HardLinkBusy)
	}
}

// terminate ends the link that p owns, or is the other end of.
func (n *Node) terminate(p *sis.Port, remote sis.Address, why sis.HardLinkTerminateReason) {
	a := n.air
	a.mu.Lock()
	defer a.mu.Unlock()
	to := a.nodes[remote]
	if h := n.hard; h != nil && h.owner == p && h.link.RemoteNode == remote {
		n.hard = nil
		if h.link.LinkType == sis.HardLinkForPair && to != nil && to.server != nil {
			server, l := to.server, h.link
			l.RemoteNode, l.RemoteSAP = n.Address, p.SAP
			a.atLocked(a.o.Delay, func() {
				if other := server.Port(h.link.RemoteSAP); other != nil {
					_ = other.Send(sis.HardLinkTerminated{Reason: why, HardLink: l})
				}
			})
		}
		return
	}
	if to == nil || to.hard == nil {
		return
	}
	// S5066 A.3: with a link for a pair either end can terminate.
	if h := to.hard; h.link.LinkType == sis.HardLinkForPair && h.link.RemoteNode == n.Address && h.link.RemoteSAP == p.SAP {
		to.hard = nil
		a.atLocked(a.o.Delay, func() { _ = h.owner.Send(sis.HardLinkTerminated{Reason: why, HardLink: h.link}) })
	}
}
