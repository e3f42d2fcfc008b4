package sis

import "time"

// request judges a U_PDU, and gives it to the node.
func (c *conn) request(port *Port, p UnidataRequest) {
	now := time.Now()
	r := &Request{UnidataRequest: p, Port: port, Arrived: now, asked: p.Destination}
	r.Destination = p.Destination.Canonical()
	if p.DeliveryMode.TransmissionMode == DefaultMode {
		r.DeliveryMode = port.ServiceType
	}
	if r.DeliveryMode.TransmissionMode != ARQ {
		r.DeliveryMode.Confirmation = NoConfirmation // S5066 A, service type: with ARQ only
	}
	if p.Expedited {
		r.Priority = 0
		if c.tooManyExpedited(now) {
			c.unbind(port, UnbindTooManyExpedited)
			return
		}
	}
	if why := c.s.refuse(r); why != 0 {
		// Choice: what is wrong with the request itself is always told. For U_PDU > MTU one clause of the standard says so, another
		// only where confirmation was asked for.
		c.send(r.rejected(why))
		return
	}
	ttl := r.TTL.Duration()
	if ttl == 0 || ttl > c.s.c.MaxTTL {
		ttl = c.s.c.MaxTTL
	}
	r.Deadline = now.Add(ttl)
	c.mu.Lock()
	port.open++
	port.bytes += len(r.UPDU)
	c.mu.Unlock()
	port.call(func(h Handler) { h.Unidata(r) })
	c.throttle(port)
}

func (c *conn) tooManyExpedited(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expedited.take(now) > 0
}

// refuse says what is wrong with a request, or 0.
func (s *Server) refuse(r *Request) RejectReason {
	arq := r.DeliveryMode.TransmissionMode == ARQ
	switch {
	case len(r.UPDU) > s.c.MTU:
		return RejectTooLong
	case r.DeliveryMode.fault() != "":
		return RejectNoMode // Choice: a mode that does not exist is as good as none
	case arq && s.isBroadcast():
		return RejectNoMode // Choice
	case r.Destination.Size() == 0, arq && r.Destination.Group():
		return RejectNoResponse // Choice: nobody has this address
	}
	return 0
}

// throttle turns the flow of a client off that has many requests at the node, and stops reading it when it sends more all the same.
func (c *conn) throttle(port *Port) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !port.flowOff && (port.open >= c.s.c.Queue || port.bytes >= c.s.c.QueueBytes) {
		port.flowOff = true
		c.putLocked(DataFlowOff{})
	}
	for port.bound && (port.open >= c.s.c.Queue+grace || port.bytes >= c.s.c.QueueBytes+grace*c.s.c.MTU) && c.why == nil {
		room := c.room
		c.waiting = true
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.done:
		}
		c.mu.Lock()
		c.waiting = false
		c.heard = time.Now()
	}
}
