package sis

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// A request is a U_PDU on its way to the node, and then without an answer.
type request struct {
	ticket   Ticket
	to       destination
	sap      uint8
	confirm  bool
	ttl      TTL
	bytes    []byte    // the primitive
	deadline time.Time // for the answer; set when it is sent
}

// A destination has a window of its own.
type destination struct {
	address   Address // Canonical
	expedited bool
}

func (r *request) updu() []byte { return r.bytes[envelope+kinds[TypeUnidataRequest].size:] }

// Unidata gives the node a U_PDU, expedited or not. It waits while flow is off and while a Window of requests to the destination is without
// an answer, and returns when the request is the next to go out. Requests that are confirmed end with one event: Confirmed, Rejected or Unanswered, or they are
// among the Outstanding of an *Unbound. Nothing is heard of others.
//
// The error is an *Error or wraps ErrTooLong when the request itself is wrong, and an *Unbound at the end of the Client. Then, and when
// ctx is done, the request was not sent.
func (c *Client) Unidata(ctx context.Context, p UnidataRequest) (Ticket, error) {
	b, err := Strict.Append(nil, p)
	if err != nil {
		return 0, err
	}
	if n, mtu := len(p.UPDU), c.MTU(); n > mtu {
		return 0, fmt.Errorf("sis: %d bytes to %v: %w of %d", n, p.Destination, ErrTooLong, mtu)
	}
	service := p.DeliveryMode
	if service.TransmissionMode == DefaultMode {
		service = c.b.ServiceType
	}
	r := &request{
		to:      destination{p.Destination.Canonical(), p.Expedited},
		sap:     p.DestinationSAP,
		confirm: service.TransmissionMode == ARQ && service.Confirmation != NoConfirmation,
		ttl:     p.TTL,
		bytes:   b,
	}
	if err := c.await(ctx, func() bool { return c.holdLocked(r) }); err != nil {
		return 0, err
	}
	c.poke()
	return r.ticket, nil
}

// holdLocked makes r the next request, if there is room for one.
func (c *Client) holdLocked(r *request) bool {
	if c.held != nil || !c.flowingLocked() || c.closing || r.confirm && c.inflight[r.to] >= c.b.Window {
		return false
	}
	if r.confirm {
		c.inflight[r.to]++
	}
	c.last++
	r.ticket = c.last
	c.held = r
	return true
}

func (c *Client) releaseLocked(r *request) {
	if !r.confirm {
		return
	}
	if c.inflight[r.to]--; c.inflight[r.to] == 0 {
		delete(c.inflight, r.to)
	}
	c.changedLocked()
}

// sendLocked notes that the held request goes out, and returns it.
func (c *Client) sendLocked(now time.Time) *request {
	r := c.held
	c.held = nil
	c.changedLocked()
	if r.confirm {
		ttl := r.ttl
		if ttl == 0 {
			ttl = MaxTTL // S5066 A, TTL: 0 is for ever, which no node keeps
		}
		r.deadline = now.Add(ttl.Duration() + c.b.Grace)
		c.out = append(c.out, r)
	}
	return r
}

// matchLocked finds the request of an answer and is done with it.
//
// S5066 A, S_UNIDATA_REQUEST_CONFIRM: quotes the head of the U_PDU. Of several that fit, the oldest is meant.
// Choice: one that is quoted whole comes before an older one that only begins so; many nodes quote all.
func (c *Client) matchLocked(isExpedited bool, sap uint8, to Address, head []byte) Ticket {
	found := -1
	for i, r := range c.out {
		if r.sap != sap || r.to != (destination{to.Canonical(), isExpedited}) || !bytes.HasPrefix(r.updu(), head) {
			continue
		}
		if len(r.updu()) == len(head) {
			found = i
			break
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		c.stats.Unmatched++
		return 0
	}
	r := c.out[found]
	c.out = slices.Delete(c.out, found, found+1)
	c.releaseLocked(r)
	return r.ticket
}

// expireLocked gives up on answers that are overdue, and returns when the next will be.
func (c *Client) expireLocked(now time.Time) (next time.Time, err error) {
	for i := 0; i < len(c.out); {
		r := c.out[i]
		if r.deadline.After(now) {
			if next.IsZero() || r.deadline.Before(next) {
				next = r.deadline
			}
			i++
			continue
		}
		if err := c.pushLocked(Unanswered{r.ticket}); err != nil {
			return next, err
		}
		c.out = slices.Delete(c.out, i, i+1)
		c.releaseLocked(r)
	}
	return next, nil
}

// Send gives the node a primitive without data: HardLinkEstablish, HardLinkTerminate, HardLinkAccept, HardLinkReject or
// ManagementMsgRequest. What comes of it are events.
func (c *Client) Send(ctx context.Context, p Primitive) error {
	switch p.(type) {
	case HardLinkEstablish, HardLinkTerminate, HardLinkAccept, HardLinkReject, ManagementMsgRequest:
	default:
		return fmt.Errorf("sis: %v: %w", p.Type(), errNotForClients)
	}
	b, err := Strict.Append(nil, p)
	if err != nil {
		return err
	}
	err = c.await(ctx, func() bool {
		if len(c.control) >= mostControl {
			return false
		}
		c.control = append(c.control, b)
		return true
	})
	c.poke()
	return err
}
