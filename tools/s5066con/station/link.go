package station

import (
	"context"
	"fmt"
	"time"

	"longwire/links/sis"
)

func linkEvent(state string, l sis.HardLink) Link {
	return Link{State: state, Station: l.RemoteNode.String(), Type: int(l.LinkType), Priority: int(l.Priority), SAP: l.RemoteSAP}
}

// hardLink acts on what the node says of hard links.
func (s *Station) hardLink(e sis.Event) {
	switch e := e.(type) {
	case sis.HardLinkEstablished:
		l := linkEvent("established", e.HardLink)
		if e.Status == sis.RemoteError {
			l.Why = "the remote node has an error"
		}
		s.linked(e.RemoteNode, l)
	case sis.HardLinkRejected:
		l := linkEvent("rejected", e.HardLink)
		l.Why, l.Code = e.Reason.String(), int(e.Reason)
		s.linked(e.RemoteNode, l)
	case sis.HardLinkTerminated:
		l := linkEvent("terminated", e.HardLink)
		l.Why, l.Code = e.Reason.String(), int(e.Reason)
		s.linked(e.RemoteNode, l)
	case sis.HardLinkIndication:
		s.emit(linkEvent("offered", e.HardLink))
		// Choice: an offer without a word would hold the other node until it gives up.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var p sis.Primitive = sis.HardLinkReject{HardLink: e.HardLink}
		state := "refused"
		if s.c.Accept {
			p, state = sis.HardLinkAccept{HardLink: e.HardLink}, "accepted"
		}
		if s.client.Send(ctx, p) == nil {
			s.emit(linkEvent(state, e.HardLink))
		}
	}
}

// linked tells who waits for it, too.
func (s *Station) linked(a sis.Address, l Link) {
	s.emit(l)
	s.mu.Lock()
	c := s.links[a]
	s.mu.Unlock()
	select {
	case c <- l:
	default:
	}
}

// A HeldLink is a hard link while it is up.
type HeldLink struct {
	s      *Station
	link   sis.HardLink
	events chan Link
}

// MakeLink asks for a hard link and waits for the answer. ok is false when it was refused: see the event. Release must be called if
// it is true.
func (s *Station) MakeLink(ctx context.Context, l sis.HardLink) (h *HeldLink, ok bool, err error) {
	if l.RemoteNode.Size() == 0 || l.RemoteNode.Group() {
		return nil, false, fmt.Errorf("station: a hard link is to one node, not to %v", l.RemoteNode)
	}
	c := make(chan Link, 8)
	s.mu.Lock()
	if s.links[l.RemoteNode] != nil {
		s.mu.Unlock()
		return nil, false, fmt.Errorf("station: there is a hard link to %v, or it is being made", l.RemoteNode)
	}
	s.links[l.RemoteNode] = c
	s.mu.Unlock()
	h = &HeldLink{s: s, link: l, events: c}
	if err := s.client.Send(ctx, sis.HardLinkEstablish{HardLink: l}); err != nil {
		h.forget()
		return nil, false, err
	}
	s.emit(linkEvent("asked", l))
	select {
	case e := <-c:
		if e.State == "established" {
			return h, true, nil
		}
		h.forget()
		return nil, false, nil
	case <-s.over:
		h.forget()
		return nil, false, s.ended()
	case <-ctx.Done():
		h.Release()
		return nil, false, ErrStopped
	}
}

func (h *HeldLink) forget() {
	h.s.mu.Lock()
	delete(h.s.links, h.link.RemoteNode)
	h.s.mu.Unlock()
}

// Wait returns true when the link is gone, and false when ctx is done first.
func (h *HeldLink) Wait(ctx context.Context) (gone bool) {
	for {
		select {
		case e := <-h.events:
			if e.State == "terminated" {
				return true
			}
		case <-h.s.over:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// Release ends the link.
func (h *HeldLink) Release() {
	h.forget()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if h.s.client.Send(ctx, sis.HardLinkTerminate{RemoteNode: h.link.RemoteNode}) == nil {
		h.s.emit(linkEvent("released", h.link))
	}
}
