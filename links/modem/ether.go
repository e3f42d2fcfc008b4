package modem

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	etherPatience = 10 * time.Second // of real time, with a hello, an answer or a write
	maxGuests     = 256              // connections at once
)

// ServeEther lets stations of other processes on the channel, until ctx is done or the listener fails. It closes the listener. A
// station that is cut off stops sending at once.
func (c *Channel) ServeEther(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var guests sync.WaitGroup
	defer guests.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	places := make(chan struct{}, maxGuests)
	for {
		conn, err := l.Accept()
		if err != nil {
			l.Close()
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("modem: serving a channel at %s: %w", l.Addr(), err)
		}
		select {
		case places <- struct{}{}:
			guests.Go(func() {
				c.guest(ctx, conn)
				<-places
			})
		default:
			conn.Close()
		}
	}
}

// A guest is a station of another process. One goroutine reads its connection, one tells it events, one waits for its signal to end.
type guest struct {
	c     *Channel
	conn  net.Conn
	radio *radio

	mu  sync.Mutex // of writing; guards out
	out []byte

	// The reader's.
	id    uint32
	stop  context.CancelCauseFunc
	over  chan struct{} // closed when the signal id is
	ended bool
}

var errBroken = errors.New("modem: broken off")

func (c *Channel) guest(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	g := &guest{c: c, conn: conn}
	in := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(etherPatience))
	p, err := readPacket(in)
	switch {
	case err != nil || p.kind != helloPacket:
		return
	case p.version != etherVersion:
		_ = g.write(&packet{kind: refusePacket, text: fmt.Sprintf("version %d is not spoken here, but %d", p.version, etherVersion)})
		return
	}
	m, err := c.Join(p.text)
	if err != nil {
		_ = g.write(&packet{kind: refusePacket, text: err.Error()})
		return
	}
	g.radio = m.(*radio)
	_ = conn.SetReadDeadline(time.Time{})
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer m.Close()
	defer cancel()
	if err := g.write(&packet{kind: welcomePacket, version: etherVersion, epoch: c.cfg.Epoch.UnixNano(), scale: c.cfg.Scale, at: c.cfg.Now().Sub(c.cfg.Epoch)}); err != nil {
		return
	}
	tasks.Go(func() {
		defer cancel()
		g.tell(ctx)
	})
	for {
		p, err := readPacket(in)
		if err != nil || !g.take(ctx, &tasks, p) {
			return
		}
	}
}

// tell passes on what the station hears.
func (g *guest) tell(ctx context.Context) {
	for {
		e, err := g.radio.Recv(ctx)
		if err != nil {
			return
		}
		p := packet{kind: eventPacket, event: e.Kind, at: e.At.Sub(g.c.cfg.Epoch), wave: e.Waveform, bits: e.Bits}
		if !e.Start.IsZero() {
			p.start = e.Start.Sub(g.c.cfg.Epoch)
		}
		if g.write(&p) != nil {
			return
		}
	}
}

// take does what the station asks for.
func (g *guest) take(ctx context.Context, tasks *sync.WaitGroup, p packet) bool {
	switch p.kind {
	case sendPacket:
		if g.over != nil {
			if !g.ended {
				select {
				case <-g.over:
				default:
					return false // two signals at once
				}
			}
			<-g.over
		}
		job, stop := context.WithCancelCause(ctx)
		over := make(chan struct{})
		g.id, g.stop, g.over, g.ended = p.id, stop, over, false
		tasks.Go(func() {
			err := g.radio.send(job, g.c.cfg.Epoch.Add(p.at), p.bits, p.wave, func(start time.Time) {
				_ = g.write(&packet{kind: keyedPacket, id: p.id, at: start.Sub(g.c.cfg.Epoch)})
			})
			stop(nil)
			done := packet{kind: sentPacket, id: p.id}
			if err != nil {
				done.text = err.Error()
			}
			close(over)
			_ = g.write(&done) // a connection that fails ends the reader
		})
	case amendPacket:
		if g.over != nil && p.id == g.id {
			done := packet{kind: amendedPacket, id: p.id}
			if err := g.radio.amendAt(int(p.from), p.bits); err != nil {
				done.text = err.Error()
			}
			_ = g.write(&done)
		}
	case breakPacket:
		if g.stop != nil && p.id == g.id {
			g.ended = true
			g.stop(errBroken)
		}
	default:
		return false
	}
	return true
}

func (g *guest) write(p *packet) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.out = p.append(g.out[:0])
	_ = g.conn.SetWriteDeadline(time.Now().Add(etherPatience))
	_, err := g.conn.Write(g.out)
	if err != nil {
		g.conn.Close()
	}
	return err
}
