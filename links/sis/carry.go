package sis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	mostOut      = 1024    // primitives that a client has not read,
	mostOutBytes = 1 << 21 // and the bytes of them
	goodbye      = 5 * time.Second
	// grace is how many requests more than ServerConfig.Queue a client can have under way when its flow goes off. One that sends still
	// more is not read until there is room: S5066 A lets a node drop them, but this way nothing is lost.
	grace = 16
)

// A conn is one carrier. Its reader calls the Handler, and waits when the client sends too much; its writer has the timers.
//
// mu guards what is below it.
type conn struct {
	s       *Server
	carrier Carrier
	wake    chan struct{}
	done    chan struct{} // closed when why is set
	leaving chan struct{} // closed with closing
	rate    bucket        // the reader's

	mu        sync.Mutex
	port      *Port // or nil
	out       [][]byte
	outBytes  int
	closing   bool // when out is empty
	why       error
	room      chan struct{} // closed and made anew when a request is finished
	waiting   bool          // the reader does not read
	opened    time.Time
	heard     time.Time
	probed    time.Time
	probing   bool
	invalid   bucket
	expedited bucket
}

// carry has a goroutine read and one write, and closes the carrier when either is at its end.
func (s *Server) carry(ctx context.Context, carrier Carrier) error {
	now := time.Now()
	c := &conn{s: s, carrier: carrier, wake: make(chan struct{}, 1), done: make(chan struct{}), leaving: make(chan struct{}),
		rate: newBucket(2*s.c.Rate, s.c.Rate), room: make(chan struct{}), opened: now, heard: now,
		// Choice: one invalid primitive is forgiven every ten minutes.
		invalid:   newBucket(float64(s.c.Invalid-1), 1./600),
		expedited: newBucket(float64(s.c.Expedited), float64(s.c.Expedited)/60)}
	var tasks sync.WaitGroup
	tasks.Go(c.read)
	tasks.Go(c.write)
	select {
	case <-c.done:
	case <-ctx.Done():
		c.cut(context.Cause(ctx))
	case <-c.leaving:
		select {
		case <-c.done:
		case <-ctx.Done():
		case <-time.After(goodbye):
		}
		c.cut(errUnbound)
	}
	if err := carrier.Close(); err != nil {
		s.c.Log.Debug("closing a carrier", "client", carrier.Name, "err", err)
	}
	tasks.Wait()
	if p := c.bound(); p != nil {
		c.drop(p) // S5066 F.16: closing the carrier unbinds
	}
	s.c.Log.Info("carrier closed", "client", carrier.Name, "err", c.why)
	return c.why
}

// cut ends the carrier at once.
func (c *conn) cut(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cutLocked(err)
}

func (c *conn) cutLocked(err error) {
	if c.why == nil {
		c.why = fmt.Errorf("sis: client %s: %w", c.carrier.Name, err)
		close(c.done)
	}
}

func (c *conn) bound() *Port {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.port
}

// read takes what the client says, until the carrier ends.
func (c *conn) read() {
	r := NewReader(c.carrier)
	r.Codec, r.Noisy = c.s.c.Codec, c.carrier.Noisy
	for {
		p, err := r.Next()
		var bad *Error
		if err != nil && !errors.As(err, &bad) {
			c.cut(err)
			return
		}
		now := time.Now()
		c.mu.Lock()
		c.heard = now
		closing := c.closing
		c.mu.Unlock()
		switch {
		case closing: // nothing counts any more
		case err != nil:
			c.fault(err)
		default:
			c.take(p)
		}
		if wait := c.rate.take(now); wait > 0 && !c.pause(wait) {
			return
		}
	}
}

// pause stops reading for a while.
func (c *conn) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-c.done:
		return false
	}
}

// take acts on a primitive.
func (c *conn) take(p Primitive) {
	port := c.bound()
	bind, isBind := p.(BindRequest)
	switch {
	case !p.Type().sentBy(fromClient):
		c.fault(&Error{Type: p.Type(), Reason: "not sent by clients"})
	case isBind && port == nil:
		c.s.bind(c, bind)
	case isBind:
		c.fault(&Error{Type: p.Type(), Reason: "bound already"})
	case port == nil && c.carrier.Noisy && p.Type() == TypeUnbindRequest: // a client that does not know
	case port == nil:
		c.fault(&Error{Type: p.Type(), Reason: "before a bind"})
	default:
		c.takeBound(port, p)
	}
}

// takeBound acts on a primitive of a bound client.
func (c *conn) takeBound(port *Port, p Primitive) {
	p = canonical(p)
	f := fault{t: p.Type()}
	switch p := p.(type) {
	case UnbindRequest:
		c.mu.Lock()
		port.left = true
		c.mu.Unlock()
		c.drop(port)
		return
	case KeepAlive:
		c.sign()
		return
	case UnidataRequest:
		c.request(port, p)
		return
	case ManagementMsgRequest:
		if port.Rank < 15 {
			f.at(0, "rank %d may not manage the node", port.Rank) // S5066 A, S_BIND_REQUEST, rank
			break
		}
		port.call(func(h Handler) { h.Management(port, p) })
		return
	default:
		if p.check(&f); f.err != nil {
			break
		}
		port.call(func(h Handler) { h.HardLink(port, p) })
		return
	}
	c.fault(f.err)
}

// call tells the Handler something, while the Port is bound.
func (p *Port) call(tell func(Handler)) {
	p.calls.Lock()
	defer p.calls.Unlock()
	p.c.mu.Lock()
	is := p.bound
	p.c.mu.Unlock()
	if is {
		tell(p.c.s.h)
	}
}

// fault counts an invalid primitive; the last is one too many.
func (c *conn) fault(err error) {
	c.s.c.Log.Debug("invalid primitive", "client", c.carrier.Name, "err", err)
	c.mu.Lock()
	much := c.invalid.take(time.Now()) > 0
	port := c.port
	c.mu.Unlock()
	if much {
		c.unbind(port, UnbindInvalidPrimitives)
	}
}

// sign answers an S_KEEP_ALIVE, unless it is an answer.
func (c *conn) sign() {
	c.mu.Lock()
	answer := c.probing && time.Since(c.probed) <= KeepAliveAnswer
	c.probing = false
	c.mu.Unlock()
	if !answer {
		c.send(KeepAlive{})
	}
}

// unbind takes the SAP away, and ends a carrier that has no other use. port can be nil.
func (c *conn) unbind(port *Port, why UnbindReason) {
	c.mu.Lock()
	if port != nil && !port.bound {
		c.mu.Unlock()
		return
	}
	if port != nil && (why == UnbindPreempted || why == UnbindNoARQ) {
		port.left = true // it is well, and hears it behind all else
	}
	c.putLocked(UnbindIndication{why})
	if !c.carrier.Noisy && !c.closing {
		c.closing = true
		close(c.leaving)
	}
	c.invalid.fill()
	c.mu.Unlock()
	c.poke()
	c.s.c.Log.Warn("unbinding", "client", c.carrier.Name, "reason", why)
	if port != nil {
		c.drop(port)
	}
}

// drop takes a Port out of the Server. Only the first call tells the Handler.
func (c *conn) drop(p *Port) {
	p.calls.Lock()
	defer p.calls.Unlock()
	s := c.s
	s.mu.Lock()
	if s.ports[p.SAP] == p {
		s.ports[p.SAP] = nil
	}
	c.mu.Lock()
	was := p.bound
	p.bound = false
	if c.port == p {
		c.port = nil
		c.opened = time.Now()
	}
	c.roomLocked()
	c.mu.Unlock()
	s.mu.Unlock()
	if was {
		s.h.Unbound(p)
	}
}

// roomLocked lets a waiting reader look again.
func (c *conn) roomLocked() {
	close(c.room)
	c.room = make(chan struct{})
}
