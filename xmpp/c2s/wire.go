package c2s

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"longwire/xmpp/sasl"
	"longwire/xmpp/stream"
)

// parting is how long the last words to a client may take.
const parting = 2 * time.Second

// gate is a mutex that may be held as long as a client takes to read; one waits for it as for the client.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

func (g gate) tryEnter() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

// handshake makes the connection a TLS one. conf and cfg.Leaf belong together.
func (c *conn) handshake(conf *tls.Config, cfg *Config) error {
	t := tls.Server(c.tcp, conf)
	ctx, cancel := context.WithDeadline(context.Background(), c.until)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.out.enter()
	c.nc = t
	c.out.leave()
	c.secure = true
	cs := t.ConnectionState()
	c.login.bound = sasl.Bindings(&cs, cfg.Leaf)
	return nil
}

// write sends bytes; concurrent calls do not mix.
func (c *conn) write(b []byte) error {
	c.out.enter()
	defer c.out.leave()
	return c.writeLocked(b)
}

func (c *conn) writeLocked(b []byte) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	if now := time.Now(); c.till.Sub(now) < writeTime/2 { // not at every write: a deadline costs
		c.till = now.Add(writeTime)
		c.nc.SetWriteDeadline(c.till)
	}
	if c.hurry.Load() {
		c.tcp.SetWriteDeadline(time.Now().Add(parting))
	}
	_, err := c.nc.Write(b)
	return err
}

// head sends our stream header.
func (c *conn) head(b []byte) error {
	c.out.enter()
	defer c.out.leave()
	c.headed = true
	return c.writeLocked(b)
}

// begin sends the last of a stream that another follows, which has no header yet. RFC 6120 §4.3.3.
func (c *conn) begin(b []byte) error {
	c.out.enter()
	defer c.out.leave()
	c.headed = false
	return c.writeLocked(b)
}

// reply writes directly before there is a session, and by its queue afterwards.
func (c *conn) reply(b []byte) {
	if c.session != nil {
		c.session.sendRaw(b)
		return
	}
	c.write(b)
}

// goodbye ends the stream as RFC 6120 §4.4 and §4.9.1 ask: our header if the client never saw one, a last
// acknowledgement, the error, the end tag. e may be nil.
func (c *conn) goodbye(ack []byte, e *stream.Error) {
	c.hurry.Store(true)
	c.out.enter()
	defer c.out.leave()
	var b []byte
	if !c.headed {
		b = c.header(stream.Header{}).Append(b, stream.NSClient)
	}
	b = append(b, ack...)
	c.lastLocked(b, e)
}

func (c *conn) lastLocked(b []byte, e *stream.Error) {
	if e != nil {
		b = e.Append(b)
	}
	c.writeLocked(append(b, "</stream:stream>"...))
	if !c.closed.Swap(true) {
		c.nc.Close()
	}
}

// kick ends the stream from outside the reader, which then ends, too. Within TLS negotiation, and where no header was sent yet,
// there is nothing to say.
func (c *conn) kick(condition, text string) {
	c.hurry.Store(true)
	c.tcp.SetWriteDeadline(time.Now().Add(parting)) // for a write that is stuck already
	c.out.enter()
	if !c.headed {
		c.out.leave()
		c.hangUp()
		return
	}
	defer c.out.leave()
	c.lastLocked(nil, &stream.Error{Condition: condition, Text: text})
}

// hangUp closes the connection; the reader then ends. It does not wait for a write that is stuck.
func (c *conn) hangUp() {
	if c.closed.Swap(true) {
		return
	}
	if !c.out.tryEnter() {
		c.tcp.Close()
		return
	}
	defer c.out.leave()
	c.tcp.SetWriteDeadline(time.Now().Add(parting)) // the close_notify of TLS must not wait for a dead client
	c.nc.Close()
}
