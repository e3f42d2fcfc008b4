package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A Path is a bad way from one address to another, for TCP: late, slow, and cut at times. It forwards what the near side sends to
// Listen, and back.
type Path struct {
	Listen string        // address that the near node dials
	Target string        // address of the far node
	Source string        // IP address from which Target sees the connections come; "" leaves it to the system
	Delay  time.Duration // one way
	Rate   int           // bit/s each way; 0: unlimited
	Loss   float64       // share of the pieces that are lost, and come when TCP has sent them again; all behind them wait

	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex // guards all below
	conns   map[net.Conn]bool
	lost    chan struct{} // closed by the next cut
	down    bool
	forth   int64 // bytes that arrived at the target
	back    int64 // bytes that arrived at the near side
	closing bool
}

// Open starts to listen.
func (p *Path) Open() error {
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return fmt.Errorf("rig: path: %w", err)
	}
	p.listener, p.conns, p.lost = l, map[net.Conn]bool{}, make(chan struct{})
	p.wg.Go(p.accept)
	return nil
}

func (p *Path) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.add(near) {
			p.wg.Go(func() { p.join(near) })
		}
	}
}

// join connects one connection through to the target and carries it until an end closes or the path is cut.
func (p *Path) join(near net.Conn) {
	defer p.drop(near)
	d := net.Dialer{Timeout: time.Second}
	if p.Source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(p.Source)}
	}
	far, err := d.DialContext(context.Background(), "tcp", p.Target)
	if err != nil {
		reset(near)
		return
	}
	if !p.add(far) {
		return
	}
	defer p.drop(far)
	p.mu.Lock()
	lost := p.lost
	p.mu.Unlock()
	var ways sync.WaitGroup
	ways.Go(func() { p.carry(near, far, lost, &p.forth) })
	ways.Go(func() { p.carry(far, near, lost, &p.back) })
	ways.Wait()
}

// A chunk is on its way until a time.
type chunk struct {
	due  time.Time
	data []byte
}

// carry is one direction. Bytes wait for the line, take their time on it, and arrive after the delay; those that are under way when the
// path is cut are lost.
func (p *Path) carry(from, to net.Conn, lost chan struct{}, count *int64) {
	air := make(chan chunk, 64)
	var arrival sync.WaitGroup
	arrival.Go(func() { p.arrive(to, air, lost, count) })
	size := 4096
	if p.Rate > 0 {
		size = max(32, p.Rate/8/20) // a twentieth of a second
	}
	buf := make([]byte, size)
	var free time.Time // when the line has sent what it was given
	for {
		n, err := from.Read(buf)
		if n > 0 {
			now := time.Now()
			if free.Before(now) {
				free = now
			}
			if p.Rate > 0 {
				free = free.Add(time.Duration(n) * 8 * time.Second / time.Duration(p.Rate))
			}
			due := free.Add(p.Delay)
			if p.Loss > 0 && rand.Float64() < p.Loss {
				due = due.Add(2*p.Delay + time.Second) // RFC 6298 §2.4: no retransmission before a second
			}
			air <- chunk{due, append([]byte(nil), buf[:n]...)}
			if p.Rate > 0 {
				time.Sleep(time.Until(free)) // the rest waits with the sender
			}
		}
		if err != nil {
			break
		}
	}
	close(air)
	arrival.Wait()
	// The far end learns of the close after all bytes, as with TCP.
	if t, ok := to.(*net.TCPConn); ok {
		t.CloseWrite()
	}
}

func (p *Path) arrive(to net.Conn, air <-chan chunk, lost chan struct{}, count *int64) {
	for c := range air {
		select {
		case <-lost:
			continue // and let the reader go on to its end
		case <-time.After(time.Until(c.due)):
		}
		if _, err := to.Write(c.data); err != nil {
			continue
		}
		p.mu.Lock()
		*count += int64(len(c.data))
		p.mu.Unlock()
	}
}

// add notes a connection; if the path is down it drops it instead.
func (p *Path) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down || p.closing {
		reset(c)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Path) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	c.Close()
}

// Cut resets all connections, and refuses new ones until Mend.
func (p *Path) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.down {
		close(p.lost)
	}
	p.down = true
	for c := range p.conns {
		reset(c)
	}
	clear(p.conns)
}

// Mend ends a Cut.
func (p *Path) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		p.down, p.lost = false, make(chan struct{})
	}
}

// Bytes is what has arrived so far: at the target, and at the near side.
func (p *Path) Bytes() (forth, back int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forth, p.back
}

// Close ends the path and all its connections.
func (p *Path) Close() {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

// reset closes without a goodbye.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
