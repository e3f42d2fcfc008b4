package subnet

import (
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/links/spdu"
)

// bound is for spdu.HardLinks.
func (n *Node) bound(sap uint8) (rank uint8, ok bool) {
	if p := n.sis.Port(sap); p != nil {
		return p.Rank, true
	}
	return 0, false
}

// hardLink takes what a client says about hard links.
func (n *Node) hardLink(now time.Time, p *sis.Port, q sis.Primitive) {
	switch q := q.(type) {
	case sis.HardLinkEstablish:
		l := spdu.Link{Type: uint8(q.LinkType), Priority: q.Priority, Rank: p.Rank, Peer: dtsAddress(q.RemoteNode), SAP: p.SAP}
		if q.LinkType == sis.HardLinkForPair {
			l.RemoteSAP = q.RemoteSAP
		}
		n.hard.Request(now, l)
	case sis.HardLinkTerminate:
		n.hard.Terminate(now, p.SAP, dtsAddress(q.RemoteNode))
	case sis.HardLinkAccept:
		n.hard.Answer(now, p.SAP, dtsAddress(q.RemoteNode), true)
	case sis.HardLinkReject:
		n.hard.Answer(now, p.SAP, dtsAddress(q.RemoteNode), false)
	}
}

// act does what the hard links want.
func (n *Node) act(now time.Time, a spdu.Action) {
	switch a := a.(type) {
	case spdu.Say:
		n.sayHard(now, a)
	case spdu.Make:
		if f := n.hang[a.Peer]; f != nil {
			if f.hang = false; len(f.saying) == 0 {
				delete(n.hang, a.Peer)
			}
		}
		if err := n.cas.Establish(now, a.Peer); err != nil {
			n.log.Debug("no exclusive link", "peer", a.Peer, "err", err)
			n.hard.Broken(now, a.Peer)
		}
	case spdu.Hang:
		n.hangUp(now, a.Peer)
	case spdu.Tell:
		n.tell(a)
	}
	n.lastHard = now
	n.sort(now)
}

// A farewell is what is still to be said before a physical link ends.
type farewell struct {
	saying map[dts.ID]bool
	hang   bool
}

// sayHard sends an S_PDU about hard links.
//
// S5066 A.3.2.2: types 3 to 7 use the expedited service.
func (n *Node) sayHard(now time.Time, s spdu.Say) {
	id, err := n.say(now, s.To, dts.ServiceExpedited, 0, &s.PDU)
	if err != nil {
		n.log.Debug("nothing said", "peer", s.To, "type", s.PDU.Type, "err", err)
		return
	}
	f := n.hang[s.To]
	if f == nil {
		f = &farewell{saying: map[dts.ID]bool{}}
		n.hang[s.To] = f
	}
	f.saying[id] = true
}

// hangUp breaks a physical link when the peer has heard why, and that we have heard it.
func (n *Node) hangUp(now time.Time, peer dts.Address) {
	f := n.hang[peer]
	if f == nil {
		f = &farewell{saying: map[dts.ID]bool{}}
		n.hang[peer] = f
	}
	f.hang = true
	n.leave(now)
}

// leave breaks the links on which all is said.
//
// Choice: a refusal is acknowledged before the link it came by is broken. The peer would say it again otherwise, on the next link, where it
// would be taken for the answer to the next wish.
func (n *Node) leave(now time.Time) {
	for peer, f := range n.hang {
		if f.hang && len(f.saying) == 0 && !n.cas.Station().Owes(peer) {
			delete(n.hang, peer)
			n.cas.Break(now, peer, cas.BreakRequested)
		}
	}
}

// farewellSaid notes that the peer has an S_PDU of ours, or never will.
func (n *Node) farewellSaid(now time.Time, peer dts.Address, id dts.ID) {
	f := n.hang[peer]
	if f == nil || !f.saying[id] {
		return
	}
	delete(f.saying, id)
	switch {
	case f.hang:
		n.leave(now)
	case len(f.saying) == 0:
		delete(n.hang, peer)
	}
}

// tell tells a client.
func (n *Node) tell(t spdu.Tell) {
	p := n.sis.Port(t.Link.SAP)
	if p == nil {
		return
	}
	l := sis.HardLink{LinkType: sis.HardLinkType(t.Link.Type), Priority: t.Link.Priority, RemoteSAP: t.Link.RemoteSAP, RemoteNode: sisAddress(t.Link.Peer)}
	var q sis.Primitive
	switch t.News {
	case spdu.Established:
		q = sis.HardLinkEstablished{Status: sis.RemoteOK, HardLink: l}
	case spdu.Rejected:
		q = sis.HardLinkRejected{Reason: sis.HardLinkRejectReason(t.Reason), HardLink: l}
	case spdu.Terminated:
		q = sis.HardLinkTerminated{Reason: sis.HardLinkTerminateReason(t.Reason), HardLink: l}
	case spdu.Indication:
		q = sis.HardLinkIndication{Status: sis.RemoteOK, HardLink: l}
	}
	if err := p.Send(q); err != nil {
		n.log.Debug("client not told", "sap", p.SAP, "err", err)
	}
}

// sort takes what a hard link has no room for out of the queue, and puts back what waits and may go now.
func (n *Node) sort(now time.Time) {
	held := n.held
	n.held = nil
	for _, o := range n.all() {
		if o.id != 0 && o.arq() && !n.hard.Allows(o.r.Port.SAP, o.to, o.r.DestinationSAP) {
			delete(n.out, o.id)
			n.cas.Cancel(now, o.id)
			o.id = 0
			n.held = append(n.held, o)
		}
	}
	for _, o := range held {
		n.submit(now, o)
	}
}

// made is told of each link that comes up.
func (n *Node) made(now time.Time, e cas.Made) {
	n.log.Info("link made", "peer", e.Peer, "exclusive", e.Exclusive, "called", e.Called)
	if err := n.cas.Station().Advise(e.Peer, dts.CapabilityEOW(n.capability())); err != nil {
		n.log.Debug("no capability told", "peer", e.Peer, "err", err)
	}
	if e.Exclusive {
		n.lastHard = now
		n.hard.Made(now, e.Peer)
	}
}

// broken is told of each link that is down, or did not come up.
func (n *Node) broken(now time.Time, peer dts.Address) {
	n.linkEnded(peer)
	n.hard.Broken(now, peer)
	n.sort(now)
}

// hardLinkEnd is when an exclusive link that somebody else made has been idle too long; zero is never.
//
// Choice: the standard leaves it to its owner to end a hard link. Should he be gone, this node would be of no use to anyone for ever.
func (n *Node) hardLinkEnd() time.Time {
	if n.cfg.HardLinkIdle < 0 {
		return time.Time{}
	}
	for _, l := range n.cas.Links() {
		if l.Exclusive && l.Called && l.State == cas.Up {
			h, up := n.hard.Current()
			switch {
			case up && h.Ours && h.Peer == l.Peer:
			case up && h.Peer == l.Peer:
				return n.lastUse(l).Add(n.cfg.HardLinkIdle)
			case n.hard.Deadline().IsZero(): // nothing is being agreed on
				return n.lastUse(l).Add(n.cfg.HardLinkWait)
			}
		}
	}
	return time.Time{}
}

func (n *Node) lastUse(l cas.Status) time.Time {
	t := l.Since
	for _, x := range []time.Time{n.lastHard, n.cas.Station().LastData(l.Peer)} {
		if x.After(t) {
			t = x
		}
	}
	return t
}

func (n *Node) idleHardLink(now time.Time) {
	t := n.hardLinkEnd()
	if t.IsZero() || now.Before(t) {
		return
	}
	for _, l := range n.cas.Links() {
		if l.Exclusive && l.Called && l.State == cas.Up {
			n.log.Warn("hard link is idle, ending it", "peer", l.Peer)
			n.cas.Break(now, l.Peer, cas.BreakNoData)
			n.settle(now)
		}
	}
}
