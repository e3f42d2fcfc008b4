package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A path forwards TCP connections from one node to the other, a little late, and can be cut: what is under way is lost then and
// both ends see a reset.
type path struct {
	listener net.Listener
	source   string // address that the far node sees
	target   string
	delay    time.Duration

	mu    sync.Mutex // guards conns and down
	conns map[net.Conn]bool
	down  bool

	bytes atomic.Int64
	wg    sync.WaitGroup
}

// newPath listens on an address and forwards to the target, coming from the source address.
func newPath(listen, source, target string, delay time.Duration) (*path, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("torture: path: %w", err)
	}
	p := &path{listener: l, source: source, target: target, delay: delay, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *path) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		d := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(p.source)}}
		if !p.add(near) {
			continue
		}
		p.wg.Go(func() {
			defer p.drop(near)
			far, err := d.DialContext(context.Background(), "tcp", p.target)
			if err != nil || !p.add(far) {
				return
			}
			defer p.drop(far)
			done := make(chan struct{}, 2)
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				p.wg.Go(func() {
					p.forward(way[0], way[1])
					done <- struct{}{}
				})
			}
			<-done
		})
	}
}

// forward copies until an end closes. A chunk that waits for its time when the path is cut is lost.
func (p *path) forward(from, to net.Conn) {
	type chunk struct {
		at   time.Time
		data []byte
	}
	air := make(chan chunk, 256)
	p.wg.Go(func() {
		defer p.drop(to)
		for c := range air {
			time.Sleep(time.Until(c.at))
			if _, err := to.Write(c.data); err != nil {
				for range air { // let the reader finish
				}
				return
			}
			p.bytes.Add(int64(len(c.data)))
		}
	})
	defer close(air)
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			air <- chunk{time.Now().Add(p.delay), append([]byte(nil), buf[:n]...)}
		}
		if err != nil {
			if err != io.EOF {
				p.drop(to)
			}
			return
		}
	}
}

// add notes a connection; it drops it if the path is down.
func (p *path) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		reset(c)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *path) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	c.Close()
}

// cut resets all connections, and refuses new ones until mend.
func (p *path) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		reset(c)
	}
	clear(p.conns)
}

func (p *path) mend() {
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
}

func (p *path) close() {
	p.listener.Close()
	p.cut()
	p.wg.Wait()
}

// reset closes without a goodbye.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
