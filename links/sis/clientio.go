package sis

import (
	"errors"
	"fmt"
	"time"
)

// read takes what the node says. It waits for nothing else.
func (c *Client) read() {
	r := NewReader(c.carrier)
	r.Codec, r.Noisy = c.b.Codec, c.b.Noisy
	for {
		p, err := r.Next()
		var bad *Error
		if err != nil && !errors.As(err, &bad) {
			c.end(fmt.Errorf("sis: carrier lost: %w", err))
			return
		}
		c.mu.Lock()
		c.stats.Noise, _ = r.Skipped()
		c.heard = time.Now()
		if bad != nil {
			// Choice: a primitive of another edition, or a bad one, ends nothing.
			c.stats.Faulty++
			c.mu.Unlock()
			c.b.Log.Debug("primitive passed over", "err", bad)
			continue
		}
		err = c.takeLocked(p)
		c.mu.Unlock()
		if err != nil {
			c.end(err)
			return
		}
		c.poke()
	}
}

// takeLocked acts on a primitive. An error is the end of the Client.
func (c *Client) takeLocked(p Primitive) error {
	switch p := p.(type) {
	case KeepAlive:
		answer := c.probing && time.Since(c.probed) <= KeepAliveAnswer
		c.probing = false
		if !answer && c.owed.IsZero() { // S5066 A, S_KEEP_ALIVE: an answer is not answered
			c.owed = time.Now()
		}
		return nil
	case BindAccepted, BindRejected:
		return c.bindLocked(p)
	case UnbindIndication:
		return &Unbound{Reason: p.Reason, Err: errUnbound}
	case DataFlowOff:
		c.flowOff = true
	case DataFlowOn:
		c.flowOff = false
		c.changedLocked()
	case SubnetAvailability:
		c.status = p.Status
		c.changedLocked()
	case UnidataRequestConfirm:
		p.Destination = p.Destination.Canonical()
		return c.pushLocked(Confirmed{c.matchLocked(p.Expedited, p.DestinationSAP, p.Destination, p.UPDU), p})
	case UnidataRequestRejected:
		p.Destination = p.Destination.Canonical()
		return c.pushLocked(Rejected{c.matchLocked(p.Expedited, p.DestinationSAP, p.Destination, p.UPDU), p})
	}
	if e, ok := canonical(p).(Event); ok {
		return c.pushLocked(e)
	}
	c.stats.Faulty++ // what only clients send
	return nil
}

// bindLocked takes the answer to our bind.
func (c *Client) bindLocked(p Primitive) error {
	if c.isBound {
		c.stats.Faulty++
		return nil
	}
	switch p := p.(type) {
	case BindAccepted:
		if p.SAP != c.b.SAP {
			return errors.New("sis: node accepted another SAP")
		}
		c.isBound, c.mtu = true, int(p.MTU)
		close(c.bound)
	case BindRejected:
		return &BindError{p.Reason}
	}
	return nil
}

// pushLocked queues an event. The error is ErrOverrun.
func (c *Client) pushLocked(e Event) error {
	if len(c.events) >= mostEvents || c.eventBytes+weight(e) > mostEventBytes {
		return ErrOverrun
	}
	c.events = append(c.events, e)
	c.eventBytes += weight(e)
	c.signal()
	return nil
}

// write writes, and does what is due at a time.
func (c *Client) write() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		b, next, err := c.next()
		if b != nil {
			if _, werr := c.carrier.Write(b); werr != nil {
				c.end(fmt.Errorf("sis: carrier lost: %w", werr))
				return
			}
		}
		if err != nil {
			c.end(err)
			return
		}
		if b != nil {
			continue
		}
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-c.wake:
		case <-due:
		case <-c.done:
			return
		}
	}
}

// next returns what to write now, or when to look again. After an error nothing follows.
func (c *Client) next() (b []byte, at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if b := c.signLocked(now); b != nil {
		return b, at, nil
	}
	if len(c.control) > 0 {
		b = c.control[0]
		c.control = c.control[1:]
		c.changedLocked()
		return b, at, nil
	}
	if c.held != nil && c.flowingLocked() { // before the goodbye: Unidata has accepted it
		return c.sendLocked(now).bytes, at, nil
	}
	if c.closing {
		b, _ = Strict.Append(nil, UnbindRequest{})
		return b, at, ErrClosed
	}
	if at, err = c.expireLocked(now); err != nil {
		return nil, at, err
	}
	b, probe, err := c.probeLocked(now)
	if !probe.IsZero() && (at.IsZero() || probe.Before(at)) {
		at = probe
	}
	return b, at, err
}

// signLocked answers the node's S_KEEP_ALIVE.
func (c *Client) signLocked(now time.Time) []byte {
	owed := c.owed
	if owed.IsZero() || !c.isBound {
		return nil
	}
	c.owed = time.Time{}
	if now.Sub(owed) > KeepAliveAnswer {
		// S5066 A, S_KEEP_ALIVE: who is late does not answer.
		c.stats.LateSigns++
		return nil
	}
	b, _ := Strict.Append(nil, KeepAlive{})
	return b
}

// probeLocked asks a silent node for a sign of life, and ends the Client when there is none.
func (c *Client) probeLocked(now time.Time) (b []byte, next time.Time, err error) {
	if c.b.Probe == 0 || !c.isBound {
		return nil, next, nil
	}
	if c.heard.Before(c.probed) { // nothing since we asked
		if next = c.probed.Add(KeepAliveAnswer); !next.After(now) {
			return nil, next, ErrSilent
		}
		return nil, next, nil
	}
	next = c.heard.Add(c.b.Probe)
	if soonest := c.probed.Add(KeepAliveEvery); next.Before(soonest) {
		next = soonest
	}
	if next.After(now) {
		return nil, next, nil
	}
	b, _ = Strict.Append(nil, KeepAlive{})
	c.probed, c.probing = now, true
	return b, next, nil
}
