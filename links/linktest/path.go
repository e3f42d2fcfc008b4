package linktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Direction of bytes through a Relay.
type Direction uint8

// Forward is from who connected to the Relay, Back the other way.
const (
	Forward Direction = iota
	Back
)

func (d Direction) String() string {
	if d == Forward {
		return "forward"
	}
	return "back"
}

// Path is what a Relay makes of the way between two nodes. Zero fields: as fast as it goes.
type Path struct {
	Rate   int           // bits per second, each way
	Delay  time.Duration // one way
	Buffer int           // bytes on the way, each way, before a sender has to wait; 32 KiB
	From   net.IP        // address that connections to the target come from

	// Payload, when set, is told of all bytes as they enter the path.
	Payload func(Direction, []byte)
}

// A Relay carries TCP connections over a Path.
type Relay struct {
	path   Path
	target string
	ln     net.Listener
	lanes  [2]lane
	bytes  [2]atomic.Int64
	conns  atomic.Int64
	tasks  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]bool
	until  time.Time // nothing passes before
	broken time.Time // connections are refused before
	closed bool
}

// lane is one direction's transmitter: bytes leave it one after the other.
type lane struct {
	mu   sync.Mutex
	free time.Time
}

// NewRelay listens on listen and relays to target until it is closed.
func NewRelay(listen, target string, p Path) (*Relay, error) {
	if p.Buffer <= 0 {
		p.Buffer = 32 << 10
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("linktest: relay on %s: %w", listen, err)
	}
	r := &Relay{path: p, target: target, ln: ln, open: map[net.Conn]bool{}}
	r.tasks.Go(r.accept)
	return r, nil
}

// Addr is where the Relay listens.
func (r *Relay) Addr() *net.TCPAddr { return r.ln.Addr().(*net.TCPAddr) }

// Bytes is how many payload bytes entered the path.
func (r *Relay) Bytes(d Direction) int64 { return r.bytes[d].Load() }

// Connections is how many were relayed so far.
func (r *Relay) Connections() int64 { return r.conns.Load() }

// Close ends the Relay and all its connections.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.ln.Close()
	r.reset()
	r.tasks.Wait()
}

// Cut resets all connections, and refuses new ones for d. What was on the way is lost.
func (r *Relay) Cut(d time.Duration) {
	r.mu.Lock()
	r.broken = time.Now().Add(d)
	r.mu.Unlock()
	r.reset()
}

// Blackout lets nothing pass for d. Connections stay, and neither end is told.
func (r *Relay) Blackout(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = time.Now().Add(d)
}

// Flap cuts the path for a time of about outage, every now and then (on average after up), until ctx is done. The same seed gives the same times.
// cut, when not nil, is told of each.
func (r *Relay) Flap(ctx context.Context, up, outage time.Duration, seed int64, cut func(time.Duration)) {
	rnd := rand.New(rand.NewSource(seed))
	for {
		wait := time.Duration((0.5 + rnd.Float64()) * float64(up))
		out := time.Duration((0.5 + rnd.Float64()) * float64(outage))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		r.Cut(out)
		if cut != nil {
			cut(out)
		}
		select {
		case <-time.After(out):
		case <-ctx.Done():
			return
		}
	}
}

func (r *Relay) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0) // a reset, as a path that is gone does not say goodbye
		}
		c.Close()
	}
}

func (r *Relay) accept() {
	for {
		c, err := r.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		r.tasks.Go(func() { r.relay(c) })
	}
}

// add registers a connection; false when the path is cut.
func (r *Relay) add(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || time.Now().Before(r.broken) {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		return false
	}
	r.open[c] = true
	return true
}

func (r *Relay) drop(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
	c.Close()
}

func (r *Relay) relay(a net.Conn) {
	if !r.add(a) {
		return
	}
	defer r.drop(a)
	d := net.Dialer{Timeout: 10 * time.Second}
	if r.path.From != nil {
		d.LocalAddr = &net.TCPAddr{IP: r.path.From}
	}
	b, err := d.Dial("tcp", r.target)
	if err != nil || !r.add(b) {
		a.(*net.TCPConn).SetLinger(0)
		return
	}
	defer r.drop(b)
	r.conns.Add(1)
	var both sync.WaitGroup
	both.Go(func() { r.way(Forward, b, a) })
	both.Go(func() { r.way(Back, a, b) })
	both.Wait()
}

// chunk is some bytes and when they arrive; none means the end.
type chunk struct {
	at   time.Time
	data []byte
}

const chunkSize = 256

// way carries one direction.
func (r *Relay) way(d Direction, to, from net.Conn) {
	queue := make(chan chunk, max(1, r.path.Buffer/chunkSize))
	var writer sync.WaitGroup
	writer.Go(func() { r.deliver(queue, to) })
	defer writer.Wait()
	defer close(queue)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			r.bytes[d].Add(int64(n))
			if r.path.Payload != nil {
				r.path.Payload(d, buf[:n])
			}
		}
		for rest := buf[:n]; len(rest) > 0; {
			k := min(len(rest), chunkSize)
			queue <- chunk{r.arrival(d, k), append([]byte(nil), rest[:k]...)}
			rest = rest[k:]
		}
		if err != nil {
			if err != io.EOF {
				to.(*net.TCPConn).SetLinger(0)
				to.Close()
			}
			queue <- chunk{at: r.arrival(d, 0)}
			return
		}
	}
}

// arrival is when n bytes that enter now are through.
func (r *Relay) arrival(d Direction, n int) time.Time {
	l := &r.lanes[d]
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	if r.path.Rate > 0 {
		l.free = l.free.Add(time.Duration(n) * 8 * time.Second / time.Duration(r.path.Rate))
	}
	return l.free.Add(r.path.Delay)
}

func (r *Relay) deliver(queue <-chan chunk, to net.Conn) {
	for c := range queue {
		time.Sleep(time.Until(c.at))
		for {
			r.mu.Lock()
			wait := time.Until(r.until)
			r.mu.Unlock()
			if wait <= 0 {
				break
			}
			time.Sleep(min(wait, 100*time.Millisecond))
		}
		if c.data == nil {
			if t, ok := to.(*net.TCPConn); ok {
				t.CloseWrite()
			}
			continue
		}
		// An error shows at the other direction's Read as well.
		to.Write(c.data)
	}
}
