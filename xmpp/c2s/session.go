package c2s

import (
	"context"
	"errors"
	"log/slog"
	"sync"
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
// Its life: bound ─▶ on a connection ⇄ hibernating ─▶ ended (writes nothing, still takes what it is sent) ─▶ over (what it
// had was given back; from then on whatever it is sent is given back at once).
type Session struct {
	srv   *Server
	res   *local.Resource
	full  jid.JID
	bare  jid.JID
	quick router.Turn // the reader's, for stanzas that need no commit

	resuming sync.Mutex // held by the one connection that resumes the session; taken before mu

	mu      sync.Mutex // guards what follows; nobody waits for a commit or for a client with it
	idle    sync.Cond  // signalled when writing, taking or pending end, and when the session is over
	conn    *conn      // nil: hibernating, or ended
	in      uint32     // stanzas taken from the client since <enable/>
	saved   uint32     // in, as far as it was committed
	saving  uint32     // in, as far as commits for it are under way
	taking  bool       // the reader is handling a stanza
	pending int        // Turns submitted to the store and not done
	weight  int        // bytes of the stanzas in them
	out     outbox
	sm      *managed  // nil: no stream management
	csi     *inactive // nil: the client is active
	timer   *time.Timer
	ended   bool
	over    bool
	settled bool // over, and all that is on its way to the store
}

// What one client may have waiting for a commit; beyond it the client is not read.
const (
	maxPending       = 256
	maxPendingWeight = 1 << 20
)

// take handles one stanza of the client; it is called by the connection's reader.
func (s *Session) take(st *stanza.Stanza) {
	if !s.begin() {
		return
	}
	s.turn(st)
	s.taken()
}

// begin counts a stanza; false when the session has ended and takes nothing any more.
func (s *Session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.in++
	s.taking = true
	return true
}

func (s *Session) taken() {
	s.mu.Lock()
	s.taking = false
	awaited := s.ended || s.conn == nil
	s.mu.Unlock()
	if awaited {
		s.idle.Broadcast()
	}
}

// refuse counts a stanza and answers it with an error.
func (s *Session) refuse(st *stanza.Stanza, e *stanza.Err) {
	if s.begin() {
		s.bounce(st, e)
		s.taken()
	}
}

// turn runs one Turn: at once when nothing durable is asked for and nothing earlier is still on its way to the flash, else
// by the store, in order.
func (s *Session) turn(st *stanza.Stanza) {
	s.mu.Lock()
	busy, managed := s.pending > 0, s.sm != nil
	s.mu.Unlock()
	// XEP-0198 §4: <a/> means responsibility taken; for a message worth keeping that is a commit.
	if !busy && !(managed && local.Keepable(st)) {
		t := &s.quick
		err := s.route(t, st)
		if err == nil {
			t.Done()
			return
		}
		t.Reset(nil)
		if !errors.Is(err, router.ErrNeedTx) {
			s.failed(st, err)
			return
		}
	}
	s.await(len(st.Inner))
	s.submit(st, func(t *router.Turn) error { return s.route(t, st) })
}

// await waits until few enough Turns are pending for one more of that weight.
func (s *Session) await(weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending > 0 && (s.pending >= maxPending || s.weight+weight > maxPendingWeight) {
		s.idle.Wait()
	}
}

// submit runs f in a transaction that also raises the client's durable count. It does not wait for it.
func (s *Session) submit(st *stanza.Stanza, f func(*router.Turn) error) {
	weight := 0
	if st != nil {
		weight = len(st.Inner)
	}
	s.mu.Lock()
	s.pending++
	s.weight += weight
	n, id := s.in, s.resumableIDLocked()
	s.saving = n
	s.mu.Unlock()
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
		if err == nil {
			s.saved = n
		}
		s.pending--
		s.weight -= weight
		s.mu.Unlock()
		s.idle.Broadcast()
	})
}

// barrier runs op behind every Turn submitted so far; done, on the committer, may not wait for a commit or for mu's holders.
func (s *Session) barrier(op func(*store.Tx) error, done func(error)) {
	s.mu.Lock()
	s.pending++
	s.mu.Unlock()
	s.srv.host.DB().Submit(op, func(err error) {
		done(err)
		s.mu.Lock()
		s.pending--
		s.mu.Unlock()
		s.idle.Broadcast()
	})
}

// failed answers a stanza that the node could not take: nothing of it happened.
func (s *Session) failed(st *stanza.Stanza, err error) {
	e, level := stanza.Fail(stanza.InternalServerError, ""), slog.LevelWarn
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) {
		e = stanza.Fail(stanza.ResourceConstraint, "the node cannot store anything at present")
		level = slog.LevelDebug // the store's health is logged once, not for every stanza
	}
	s.srv.log.Log(context.Background(), level, "stanza not taken", "from", s.full, "err", err)
	if st != nil {
		s.bounce(st, e)
	}
}

// bounce answers a stanza of the client with an error; one that was addressed to nobody comes from the account.
func (s *Session) bounce(st *stanza.Stanza, e *stanza.Err) {
	back := st.ErrorReply(e)
	if back == nil {
		return
	}
	if back.From.IsZero() {
		back.From = s.bare // RFC 6120 §8.1.2.1 rule 4
	}
	s.Send(back, 0)
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
		var err error
		if st, err = s.srv.host.Sent(t, s.res, st); err != nil {
			return err
		}
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
	return s.conn.tcp.RemoteAddr().String()
}

var (
	_ local.Outbox = (*Session)(nil)
	_ local.Pacer  = (*Session)(nil)
)
