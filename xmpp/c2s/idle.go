package c2s

import (
	"errors"
	"net"
	"time"

	"longwire/xmpp/sm"
	"longwire/xmpp/stanza"
)

// patient reads for the stream reader. It bounds the time until there is a session, and afterwards asks a client that
// was silent for long whether it is still there.
type patient struct {
	c    *conn
	till time.Time // read deadline that is set
}

func (p *patient) Read(b []byte) (int, error) {
	asked := false
	for {
		p.wait(asked)
		n, err := p.c.nc.Read(b) // only this goroutine ever changes nc
		var ne net.Error
		if n > 0 || err == nil || !errors.As(err, &ne) || !ne.Timeout() || p.c.session == nil || asked {
			return n, err
		}
		asked = true
		p.c.session.ask()
	}
}

// wait sets the deadline of the next read.
func (p *patient) wait(asked bool) {
	c := p.c
	till := c.until
	if c.session != nil {
		cfg, now := c.srv.config(), time.Now()
		switch left := p.till.Sub(now); {
		case asked:
			till = now.Add(cfg.IdleAnswer)
		case left > cfg.Idle-cfg.Idle/8 && left <= cfg.Idle:
			return // not at every read: a deadline costs
		default:
			till = now.Add(cfg.Idle)
		}
	}
	if till != p.till {
		p.till = till
		c.nc.SetReadDeadline(till)
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

// drain waits, bounded, until what the client asked for before it closed its stream is done and written. Then it ends the session, which
// writes nothing from there on. ack is a last acknowledgement. When first is true, the caller must see the session off.
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
