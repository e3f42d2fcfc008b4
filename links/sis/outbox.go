package sis

import (
	"errors"
	"time"
)

var errNoBind = errors.New("no bind in time")

// send queues a primitive of the Server's own.
func (c *conn) send(p Primitive) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(p)
}

func (c *conn) putLocked(p Primitive) {
	b, err := Tolerant.Append(nil, p)
	if err != nil {
		c.s.c.Log.Error("own primitive does not encode", "err", err)
		return
	}
	_ = c.queueLocked(b) // a client that is too slow is cut off
}

// queueLocked has the writer write b, or cuts off a client that has not read for long.
//
// S5066 F.16: a client has to read all the time.
func (c *conn) queueLocked(b []byte) error {
	if c.why != nil || c.closing {
		return ErrNotBound
	}
	if len(c.out) >= mostOut || c.outBytes+len(b) > mostOutBytes {
		c.cutLocked(ErrSlow)
		return ErrSlow
	}
	c.out = append(c.out, b)
	c.outBytes += len(b)
	c.poke()
	return nil
}

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write writes what is queued, asks for signs of life, and closes the carrier when that is due.
func (c *conn) write() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		b, at, err := c.next()
		if b != nil {
			if _, err := c.carrier.Write(b); err != nil {
				c.cut(err)
				return
			}
			continue
		}
		if err != nil {
			c.cut(err)
			return
		}
		timer.Reset(time.Until(at))
		select {
		case <-c.wake:
		case <-timer.C:
		case <-c.done:
			return
		}
	}
}

// next returns what to write now, or when to look again, or that this is the end.
func (c *conn) next() (b []byte, at time.Time, err error) {
	c.mu.Lock()
	if len(c.out) > 0 {
		defer c.mu.Unlock()
		b = c.out[0]
		c.out[0] = nil
		c.out = c.out[1:]
		c.outBytes -= len(b)
		return b, at, nil
	}
	if c.closing {
		defer c.mu.Unlock()
		return nil, at, errUnbound
	}
	port := c.port
	at, late := c.dueLocked(time.Now())
	c.mu.Unlock()
	switch {
	case late && port == nil:
		return nil, at, errNoBind
	case late:
		c.unbind(port, UnbindNoKeepAlive)
	}
	return nil, at, nil
}

// dueLocked asks a silent client for a sign of life, and tells when to look again and who is too late.
func (c *conn) dueLocked(now time.Time) (at time.Time, late bool) {
	switch {
	case c.port == nil && c.carrier.Noisy:
		return now.Add(KeepAliveEvery), false
	case c.port == nil:
		at = c.opened.Add(c.s.c.BindWait)
		return at, !at.After(now)
	case c.waiting: // and cannot hear anything
		return now.Add(KeepAliveAnswer), false
	case c.heard.Before(c.probed):
		at = c.probed.Add(KeepAliveAnswer)
		return at, !at.After(now)
	}
	at = c.heard.Add(c.s.c.Idle)
	if soonest := c.probed.Add(KeepAliveEvery); at.Before(soonest) {
		at = soonest
	}
	if !at.After(now) {
		c.probed, c.probing = now, true
		at = now.Add(KeepAliveAnswer)
		c.putLocked(KeepAlive{})
	}
	return at, false
}
