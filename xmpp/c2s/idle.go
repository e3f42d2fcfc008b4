package c2s

import (
	"errors"
	"net"
	"os"
	"time"

	"longwire/xmpp/router"
	"longwire/xmpp/sm"
	"longwire/xmpp/stanza"
)

// quiet is after how long without a byte the reader of a bound client goes to rest: an idle client must cost little.
const quiet = 250 * time.Millisecond

var errQuiet = errors.New("c2s: client is quiet")

// patient reads for the stream reader. It bounds the time until there is a session, and afterwards asks a client that
// was silent for long whether it is still there.
type patient struct {
	c     *conn
	till  time.Time // read deadline that is set
	asked bool      // the client was asked, and has not said anything since
}

func (p *patient) Read(b []byte) (int, error) {
	for {
		p.wait()
		n, err := p.c.nc.Read(b) // only this goroutine ever changes nc
		if n > 0 {
			p.asked = false
			return n, err
		}
		var ne net.Error
		switch {
		case err == nil || !errors.As(err, &ne) || !ne.Timeout() || p.c.session == nil || p.asked:
			return n, err
		case canRest(p.c.tcp):
			return 0, errQuiet
		}
		p.ask()
	}
}

// ask gives the client some time to say anything.
func (p *patient) ask() {
	p.asked = true
	p.c.session.ask()
}

// wait sets the deadline of the next read.
func (p *patient) wait() {
	c := p.c
	till := c.until
	if c.session != nil {
		cfg, now := c.srv.config(), time.Now()
		span := cfg.Idle
		if p.asked {
			span = cfg.IdleAnswer
		} else if canRest(c.tcp) {
			span = min(span, quiet)
		}
		if left := p.till.Sub(now); left > span-span/8 && left <= span {
			return // not at every read: a deadline costs
		}
		till = now.Add(span)
	}
	if till != p.till {
		p.till = till
		c.nc.SetReadDeadline(till)
	}
}

// rest waits for a quiet client to say something, on a goroutine that needs next to no stack: TLS, the parser and the store
// make the reader's grow to several times what else an idle client costs. All that was read has been handled; what TLS
// holds is part of a record whose rest is yet to come.
func (c *conn) rest() {
	cfg := c.srv.config()
	c.session.idleNow()
	c.tcp.SetReadDeadline(time.Now().Add(cfg.Idle - quiet))
	c.in.till = time.Time{}
	err := readable(c.tcp)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.in.ask()
	}
	c.run() // any other error will show there
}

// idleNow lets go of what a busy session keeps.
func (s *Session) idleNow() {
	s.quick = router.Turn{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sm != nil {
		s.sm.unacked.Release()
	}
}

// ask makes a silent client show that it is there: by its count, or by answering a ping, which every client must, if only
// with an error (RFC 6120 §8.2.3, XEP-0199 §4.2). A space would tell only whether TCP still carries it.
func (s *Session) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.sm; m != nil && m.counting {
		m.asked = true
		s.pushLocked(item{raw: []byte(askForAck)})
		return
	}
	ping := &stanza.Stanza{Kind: stanza.IQ, From: s.full.DomainJID(), To: s.full, Type: stanza.Get, ID: newID()}
	ping.SetInner([]byte("<ping xmlns='urn:xmpp:ping'/>"))
	s.pushLocked(item{s: ping, came: time.Now().UnixNano()})
}

// drain waits, bounded, until what the client asked for before it closed its stream is done and written. Then it ends the
// session, which writes nothing from there on. ack is a last acknowledgement. When first is true, the caller must see
// the session off.
func (s *Session) drain(c *conn) (ack []byte, first bool) {
	late := false
	stop := time.AfterFunc(parting, func() {
		s.mu.Lock()
		late = true
		s.mu.Unlock()
		s.idle.Broadcast()
	})
	defer stop.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.conn == c && !late && !c.closed.Load() && (s.out.writing || s.pending > 0) {
		s.idle.Wait()
	}
	if s.conn != c {
		return nil, false // it was taken off this connection, or has ended
	}
	if s.sm != nil && s.pending == 0 {
		ack = sm.AppendA(nil, s.in) // XEP-0198 §4: a last one before a graceful close
	}
	return ack, s.endLocked()
}
