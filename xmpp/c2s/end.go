package c2s

import (
	"context"
	"time"

	"longwire/store"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/sm"
)

// How sessions end. Nobody here runs on the store's committer: an end waits for what is being written, and that may wait for
// a commit.

// End closes the stream with a stream error; the session is over when it returns.
func (s *Session) End(condition, text string) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		c.kick(condition, text)
	}
	s.finish()
}

// lastWords lets what is queued for clients go out before their streams end, as it may be the node's farewell. Choice: for a
// quarter of a second at most, so that no client that has stopped reading holds up the others.
func lastWords(ctx context.Context, conns []*conn) {
	ctx, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
	defer cancel()
	for _, c := range conns {
		for s := c.speaker.Load(); s != nil && !s.said() && ctx.Err() == nil; {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// said tells that nothing is left to be written to the client now.
func (s *Session) said() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil || len(s.out.again)+len(s.out.queue) == 0 && !s.out.writing
}

// lost is called by the connection's reader when the connection is gone without </stream:stream>.
func (s *Session) lost(c *conn) {
	s.mu.Lock()
	if s.conn != c {
		s.mu.Unlock()
		return
	}
	s.conn = nil
	// A client that was never told the name of its stream cannot come back to it.
	if s.ended || s.sm == nil || !s.sm.resumable || !s.sm.counting {
		s.mu.Unlock()
		s.finish()
		return
	}
	s.csi = s.csi.release(s)
	s.out.cutting, s.out.roomy = false, true
	s.hibernateLocked()
	if s.fullLocked() { // by what came since it was cut off
		s.overflowLocked()
	}
	s.mu.Unlock()
	s.srv.log.Debug("client away", "jid", s.full)
}

// hibernateLocked lets the session wait for its client. XEP-0198 §5.
func (s *Session) hibernateLocked() {
	var timer *time.Timer
	timer = time.AfterFunc(s.sm.max, func() {
		s.mu.Lock()
		stale := s.timer != timer
		s.mu.Unlock()
		if !stale {
			s.finish()
		}
	})
	s.timer = timer
}

// awake stops waiting.
func (s *Session) awakeLocked() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// finish ends the session for good: the resource goes, its contacts hear of it, and what was not delivered returns. When
// another goroutine is about it already, finish waits for it.
func (s *Session) finish() {
	if s.end() {
		s.leave()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.waitSettledLocked()
}

// waitSettledLocked waits until an ended session has given everything back: from there on the store knows what became
// of it.
func (s *Session) waitSettledLocked() error {
	for !s.settled {
		s.idle.Wait()
	}
	return errEnded
}

// end stops the session's traffic and hangs up; false when that has happened before.
func (s *Session) end() bool {
	s.mu.Lock()
	c := s.conn
	first := s.endLocked()
	s.mu.Unlock()
	if first && c != nil {
		c.hangUp()
	}
	return first
}

func (s *Session) endLocked() bool {
	if s.ended {
		return false
	}
	s.ended = true
	s.conn = nil
	s.csi = nil // what it held back is of use to nobody else
	s.awakeLocked()
	return true
}

// leave is the rest of finish, for the one who ended the session.
func (s *Session) leave() {
	s.mu.Lock()
	for s.out.writing || s.taking {
		s.idle.Wait()
	}
	s.mu.Unlock()
	s.srv.host.Leave(s.res, func() {
		s.mu.Lock()
		back := s.leftLocked()
		s.over = true
		s.mu.Unlock()
		s.giveBack(back)
	})
	s.submit(nil, func(t *router.Turn) error { return s.srv.presence.Gone(t, s.res, "") })
	s.srv.smEnded(s)
	s.srv.forget(s)
	s.mu.Lock()
	s.settled = true
	s.mu.Unlock()
	s.idle.Broadcast()
}

// left is one thing that the client never confirmed.
type left struct {
	item
	seq uint32 // its number in the stream, if it was sent with one
	num bool
}

// leftLocked takes out of the session all that it holds for the client, in the order in which it came.
func (s *Session) leftLocked() (back []left) {
	for _, it := range s.out.loose {
		back = append(back, left{item: it})
	}
	if s.sm != nil {
		for seq, it := range s.sm.unacked.Unacked() {
			back = append(back, left{it, seq, true})
		}
		s.sm.unacked, s.sm.bytes = sm.Queue[item]{}, 0
	}
	for _, it := range s.out.queue {
		back = append(back, left{item: it})
	}
	s.out = outbox{writing: s.out.writing}
	return back
}

// giveBack returns what the client never confirmed. It does not wait.
func (s *Session) giveBack(all []left) {
	var back []local.Undelivered
	id := s.resumableID()
	for _, it := range all {
		if it.s == nil || it.spool != 0 && !s.srv.host.Settled(s.bare, it.spool) {
			continue
		}
		u := local.Undelivered{Stanza: it.s, Spool: it.spool, Came: time.Unix(0, it.came)}
		if it.num && id != "" {
			// Its number is kept with it: should the client ask to resume, its count tells whether it has it after all.
			u.Kept = func(tx *store.Tx, spool uint64) error { return tx.SMAssign(id, it.seq, spool) }
		}
		back = append(back, u)
	}
	if len(back) > 0 {
		s.srv.host.Returned(s.bare, back)
	}
}
