package modem

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// A remote is the Modem of a station whose channel is in another process. Its reader runs until the connection ends.
type remote struct {
	name   string
	conn   net.Conn
	clock  Clock
	events chan Event
	done   chan struct{} // closed by the reader
	why    error         // set before that
	tasks  sync.WaitGroup

	writing sync.Mutex

	mu      sync.Mutex // guards what follows
	closed  bool
	id      uint32
	waiting bool // for the end of signal id,
	bits    []byte
	wave    Waveform
	start   time.Time // when it began; zero: that is not known
	amended chan string
	sent    chan string
}

var _ Modem = (*remote)(nil)

// DialEther puts a station on the channel that is served at address: host:port, or the path of a unix socket. When the connection
// ends, Send and Recv fail, and the caller dials anew.
func DialEther(ctx context.Context, address, name string) (Modem, error) {
	network := "tcp"
	if strings.ContainsRune(address, '/') {
		network = "unix"
	}
	conn, err := (&net.Dialer{Timeout: etherPatience}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("modem: joining the channel at %s: %w", address, err)
	}
	m, err := join(ctx, conn, name)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("modem: joining the channel at %s as %q: %w", address, name, err)
	}
	return m, nil
}

// join says hello on a new connection.
func join(ctx context.Context, conn net.Conn, name string) (*remote, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(etherPatience))
	asked := time.Now()
	if _, err := conn.Write((&packet{kind: helloPacket, version: etherVersion, text: name}).append(nil)); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	p, err := readPacket(in)
	switch {
	case err != nil:
		return nil, err
	case p.kind == refusePacket:
		return nil, fmt.Errorf("refused: %s", p.text)
	case p.kind != welcomePacket || p.version != etherVersion:
		return nil, fmt.Errorf("answered by a packet of kind %d, version %d", p.kind, p.version)
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	_ = conn.SetDeadline(time.Time{})
	r := &remote{name: name, conn: conn, events: make(chan Event, maxReady), done: make(chan struct{}), sent: make(chan string, 1), amended: make(chan string, 1)}
	r.clock = sharedClock(&p, asked, time.Now())
	r.tasks.Go(func() { r.read(in) })
	return r, nil
}

// sharedClock is the channel's clock, of which p tells, as an answer to a question.
func sharedClock(p *packet, asked, answered time.Time) Clock {
	c := Clock{Scale: p.scale}
	trip := answered.Sub(asked)
	// The channel read its clock half way between question and answer.
	c.Epoch = asked.Add(trip / 2).Add(-c.Real(p.at))
	// On one machine the clocks on the wall are the same, and say it exactly.
	if exact := answered.Add(-answered.Round(0).Sub(time.Unix(0, p.epoch))); exact.Sub(c.Epoch).Abs() <= trip/2+time.Millisecond {
		c.Epoch = exact
	}
	return c
}

// Clock is that of the channel.
func (r *remote) Clock() Clock { return r.clock }

// Close leaves the channel.
func (r *remote) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.conn.Close()
	r.tasks.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// read takes what the channel tells.
func (r *remote) read(in *bufio.Reader) {
	defer close(r.done)
	defer r.conn.Close()
	for {
		p, err := readPacket(in)
		if err == nil {
			err = r.take(p)
		}
		if err == nil {
			continue
		}
		r.mu.Lock()
		r.why = fmt.Errorf("modem: station %s: connection to the channel lost: %w", r.name, err)
		if r.closed {
			r.why = ErrClosed
		}
		r.mu.Unlock()
		return
	}
}

func (r *remote) take(p packet) error {
	switch p.kind {
	case sentPacket:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.waiting && p.id == r.id {
			r.waiting = false
			r.sent <- p.text
		}
		return nil
	case amendedPacket:
		select {
		case r.amended <- p.text: // nobody waits for more than one
		default:
		}
		return nil
	case keyedPacket:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.waiting && p.id == r.id {
			r.start = r.clock.Epoch.Add(p.at)
		}
		return nil
	case eventPacket:
		e := Event{Kind: p.event, At: r.clock.Epoch.Add(p.at), Waveform: p.wave, Bits: p.bits}
		if p.event == Data {
			e.Start = r.clock.Epoch.Add(p.start)
		}
		select {
		case r.events <- e:
			return nil
		default:
			return errors.New("nobody reads what is heard")
		}
	}
	return fmt.Errorf("packet of kind %d", p.kind)
}

// Recv waits for what the station hears next.
func (r *remote) Recv(ctx context.Context) (Event, error) {
	select {
	case e := <-r.events: // first all that came before an end
		return e, nil
	default:
	}
	select {
	case e := <-r.events:
		return e, nil
	case <-ctx.Done():
		return Event{}, context.Cause(ctx)
	case <-r.done:
		return Event{}, r.why
	}
}

// Send puts a signal on the air and waits for its end.
func (r *remote) Send(ctx context.Context, bits []byte, w Waveform) error {
	if err := w.check(); err != nil {
		return err
	}
	if len(bits) > maxPacket-1024 {
		return fmt.Errorf("modem: sending %d bytes: a signal has at most %d", len(bits), maxPacket-1024)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.mu.Lock()
	if r.waiting {
		r.mu.Unlock()
		return fmt.Errorf("modem: station %s is sending already", r.name)
	}
	r.id++
	id := r.id
	r.waiting, r.bits, r.wave, r.start = true, bits, w, time.Time{}
	r.mu.Unlock()
	if err := r.write(&packet{kind: sendPacket, id: id, at: r.clock.Now().Sub(r.clock.Epoch), wave: w, bits: bits}); err != nil {
		return err
	}
	select {
	case text := <-r.sent:
		if text != "" {
			return errors.New(text)
		}
		return nil
	case <-r.done:
		return r.why
	case <-ctx.Done():
	}
	r.mu.Lock()
	waiting := r.waiting
	r.waiting = false
	r.mu.Unlock()
	if !waiting {
		if text := <-r.sent; text == "" {
			return nil // it was over at the same moment
		}
		return context.Cause(ctx)
	}
	if err := r.write(&packet{kind: breakPacket, id: id}); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (r *remote) write(p *packet) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	_ = r.conn.SetWriteDeadline(time.Now().Add(etherPatience))
	if _, err := r.conn.Write(p.append(nil)); err != nil {
		r.conn.Close()
		<-r.done
		return r.why
	}
	return nil
}
