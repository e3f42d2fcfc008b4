package c2s

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"longwire/store"
	"longwire/xmpp/blocking"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// A Session is one bound resource. With stream management it outlives its connection.
//
//	conn reader ─ take ─▶ Turn ─▶ router        (in, one goroutine at a time)
//	anyone ─ Send ─▶ queue ─ flush ─▶ socket    (out, one flush at a time; it runs only while something is queued)
//
// mu guards everything below it.
type Session struct {
	srv  *Server
	res  *local.Resource
	full jid.JID
	bare jid.JID

	in atomic.Uint32 // stanzas taken from the client since <enable/>; raised by the reader

	mu      sync.Mutex
	idle    sync.Cond // signalled when writing ends and when pending falls
	conn    *conn     // nil: hibernating or ended
	queue   []item    // not written yet
	bytes   int       // serialised size of queue, about
	writing bool      // a flush runs
	pending int       // Turns submitted to the store and not done
	sm      *managed  // nil: no stream management
	csi     *inactive // nil: the client is active
	timer   *time.Timer
	ended   bool
}

// item is one thing for the client: a stanza, or raw bytes that stand between stanzas.
type item struct {
	s     *stanza.Stanza
	raw   []byte
	spool uint64 // the message's number in the account's spool; 0: none
	came  int64  // Unix nanoseconds when it was queued
	kind  itemKind
}

type itemKind uint8

const (
	fresh   itemKind = iota // counted when written, if stream management is on
	counted                 // sent before on another connection; has its number
	starts                  // raw <enabled/>: counting begins behind it
)

// maxPending bounds the stanzas of one client that wait for a commit: beyond it the client is not read.
const maxPending = 256

// take handles one stanza of the client; it is called by the connection's reader.
func (s *Session) take(st *stanza.Stanza) {
	s.in.Add(1)
	s.turn(st, func(t *router.Turn) error { return s.route(t, st) })
}

// turn runs one Turn: at once when nothing durable is asked for and nothing earlier is still on its way to the flash, else
// by the store, in order.
func (s *Session) turn(st *stanza.Stanza, f func(*router.Turn) error) {
	s.mu.Lock()
	busy, managed := s.pending > 0, s.sm != nil
	s.mu.Unlock()
	// XEP-0198 §4: <a/> means responsibility taken; for a message worth keeping that is a commit.
	durable := managed && st != nil && local.Keepable(st)
	if !busy && !durable {
		var t router.Turn
		err := f(&t)
		if err == nil {
			t.Done()
			return
		}
		if !errors.Is(err, router.ErrNeedTx) {
			s.failed(st, err)
			return
		}
	}
	s.submit(st, f)
}

// submit runs f in a transaction that also raises the client's durable count.
func (s *Session) submit(st *stanza.Stanza, f func(*router.Turn) error) {
	s.mu.Lock()
	for s.pending >= maxPending {
		s.idle.Wait()
	}
	s.pending++
	s.mu.Unlock()
	n, id := s.in.Load(), s.resumableID()
	t := new(router.Turn)
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		if err := f(t); err != nil {
			return err
		}
		if id == "" {
			return nil
		}
		return s.save(tx, id, n)
	}, func(err error) {
		if err == nil {
			t.Done()
		} else {
			s.failed(st, err)
		}
		s.mu.Lock()
		s.pending--
		s.mu.Unlock()
		s.idle.Broadcast()
	})
}

// failed answers a stanza that the node could not take: nothing of it happened.
func (s *Session) failed(st *stanza.Stanza, err error) {
	e := stanza.Fail(stanza.InternalServerError, "")
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) {
		e = stanza.Fail(stanza.ResourceConstraint, "the node cannot store anything at present")
	}
	s.srv.log.Warn("stanza not taken", "from", s.full, "err", err)
	if st != nil {
		s.bounce(st, e)
	}
}

// route stamps what the client sent and hands it on. The caller has checked From.
func (s *Session) route(t *router.Turn, st *stanza.Stanza) error {
	if st.Kind == stanza.Presence {
		return s.presence(t, st)
	}
	if st.To.IsZero() {
		st = st.Copy()
		st.To = s.bare // RFC 6120 §10.3.1, §10.3.3: the account handles it
	}
	if blocked, err := s.blocks(t, st); err != nil || blocked {
		return err
	}
	if st.Kind == stanza.Message {
		s.srv.host.CarbonSent(t, s.res, st)
	}
	return s.srv.router.Route(t, st)
}

// presence hands presence to the engine; its refusals come back here and not by the router.
func (s *Session) presence(t *router.Turn, st *stanza.Stanza) error {
	if blocked, err := s.blocks(t, st); err != nil || blocked {
		return err
	}
	err := s.srv.presence.FromClient(t, s.res, st)
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		t.After(func() { s.bounce(st, refusal) })
		return nil
	}
	return err
}

// blocks refuses what the client sends to someone it has blocked. XEP-0191 §3.3.
func (s *Session) blocks(t *router.Turn, st *stanza.Stanza) (bool, error) {
	if st.To.IsZero() || st.To.Bare() == s.bare || st.IsError() || st.Kind == stanza.Presence && st.Type != "" {
		return false, nil
	}
	blocked, err := s.srv.host.Blocked(t, s.bare, st.To)
	if err != nil || !blocked {
		return false, err
	}
	t.After(func() { s.bounce(st, blocking.Refusal()) })
	return true, nil
}

// Addr is the client's address.
func (s *Session) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return "away"
	}
	return s.conn.nc.RemoteAddr().String()
}

// End closes the stream with a stream error; the session is over.
func (s *Session) End(condition, text string) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		c.kick(condition, text)
	}
	s.finish("")
}

// lost is called by the connection's reader when the connection is gone without </stream:stream>.
func (s *Session) lost(c *conn) {
	s.mu.Lock()
	if s.conn != c {
		s.mu.Unlock()
		return
	}
	s.conn = nil
	m := s.sm
	if s.ended || m == nil || !m.resumable {
		s.mu.Unlock()
		s.finish("")
		return
	}
	// XEP-0198 §5: wait for the client to come back.
	s.csi = s.csi.release(s)
	s.timer = time.AfterFunc(m.max, func() { s.finish("") })
	s.mu.Unlock()
	s.srv.log.Debug("client away", "jid", s.full)
}

// finish ends the session for good: the resource goes, its contacts hear of it, and what was not delivered returns.
func (s *Session) finish(status string) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	c := s.conn
	s.conn = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.csi = s.csi.release(s)
	s.mu.Unlock()
	if c != nil {
		c.hangUp()
	}
	s.srv.forget(s)
	s.srv.host.Unbind(s.res)
	s.submit(nil, func(t *router.Turn) error { return s.srv.presence.Gone(t, s.res, status) })

	s.mu.Lock()
	for s.writing {
		s.idle.Wait()
	}
	var back []item
	if s.sm != nil {
		for _, it := range s.sm.unacked.Unacked() {
			back = append(back, it)
		}
	}
	back = append(back, s.queue...)
	s.queue, s.bytes = nil, 0
	s.mu.Unlock()
	s.giveBack(back)
	if id := s.resumableID(); id != "" {
		s.srv.smEnded(id)
	}
}

// giveBack returns what the client never confirmed.
func (s *Session) giveBack(items []item) {
	var back []local.Undelivered
	for _, it := range items {
		if it.s == nil || it.kind == starts {
			continue
		}
		if it.spool != 0 && !s.srv.host.Settled(s.bare, it.spool) {
			continue
		}
		back = append(back, local.Undelivered{Stanza: it.s, Spool: it.spool, Came: time.Unix(0, it.came)})
	}
	if len(back) > 0 {
		s.srv.host.Returned(s.bare, back)
	}
}
