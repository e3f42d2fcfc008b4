package c2s

import (
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/sm"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// resume gives a lost stream this connection. XEP-0198 §5.
func (c *conn) resume(e *markup.Element) error {
	if c.session != nil {
		c.reply(failed(stanza.UnexpectedRequest))
		return nil
	}
	req, err := sm.ParseResume(e)
	if err != nil {
		c.reply(failed(stanza.BadRequest))
		return nil
	}
	if s := c.srv.managed(req.PrevID); s != nil && s.bare == c.account {
		if err := s.attach(c, req.H); !errors.Is(err, errEnded) {
			return err
		}
	}
	c.resumeStored(req)
	return nil
}

var errEnded = errors.New("c2s: session is over")

// attach moves the session to connection c, which asked to resume it with count h. XEP-0198 §5. It runs on c's reader.
func (s *Session) attach(c *conn, h uint32) error {
	s.resuming.Lock()
	defer s.resuming.Unlock()
	n, err := s.detach(h)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ended {
			s.hibernateLocked() // as before; the client may try again
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.waitSettledLocked()
	}
	o := &s.out
	// Counts and requests were for the old connection; behind <resumed/> an older count would look like one too high.
	o.queue = slices.DeleteFunc(o.queue, func(it item) bool { return it.s == nil })
	o.bytes = 0
	for i := range o.queue {
		o.bytes += o.queue[i].size()
	}
	o.again = append(o.again[:0], item{raw: sm.Resume{PrevID: s.sm.id, H: n}.AppendResumed(nil)})
	for _, it := range s.sm.unacked.Unacked() {
		o.again = append(o.again, it)
	}
	o.cutting, o.roomy = false, true
	s.sm.asked = false
	s.csi = s.csi.release(s) // XEP-0352 §5: active after resumption
	s.conn = c
	c.session = s
	c.speaker.Store(s)
	s.wakeLocked()
	return nil
}

// detach takes the session off the connection it has, drops what the client has by its count h, and returns the node's own
// count, once that is final and committed.
func (s *Session) detach(h uint32) (n uint32, err error) {
	s.mu.Lock()
	old := s.conn
	s.conn = nil
	s.out.roomy = true
	s.awakeLocked()
	s.mu.Unlock()
	s.idle.Broadcast() // whoever waits for that connection's sake need not
	if old != nil {
		old.kick("conflict", "resumed elsewhere")
		<-old.gone // the reader has taken its last stanza
	}
	s.mu.Lock()
	for !s.ended && (s.pending > 0 || s.out.writing || s.taking) {
		s.idle.Wait()
	}
	if s.ended {
		defer s.mu.Unlock()
		return 0, s.waitSettledLocked()
	}
	n, saved := s.in, s.saved
	s.mu.Unlock()
	if err := s.confirm(h); err != nil {
		return 0, err
	}
	if n == saved {
		return n, nil
	}
	done := make(chan error, 1)
	s.barrier(func(tx *store.Tx) error { return s.save(tx, s.sm.id, n) }, func(err error) {
		if err == nil {
			s.mu.Lock()
			s.saved = n
			s.mu.Unlock()
		}
		done <- err
	})
	if err := <-done; err != nil {
		s.srv.log.Warn("resumption not stored", "jid", s.full, "err", err)
		return 0, &stream.Error{Condition: "internal-server-error"}
	}
	return n, nil
}

// resumeStored answers a resumption of a session that ended with an earlier run of the node, or timed out: it cannot go on, but
// both counts are known. What the client has is taken off the account's spool, and it learns what the node has.
// XEP-0198 §5: <failed/> may tell h.
func (c *conn) resumeStored(req sm.Resume) {
	answer := sm.Failed{Condition: string(stanza.ItemNotFound)}
	lookUp := func(tx *store.Tx) error {
		answer.HasH = false
		rec, err := tx.SM(req.PrevID)
		if errors.Is(err, store.ErrNotFound) || err == nil && rec.Account != c.account.String() {
			return nil // never tell that another account has it
		}
		if err != nil {
			return err
		}
		if err := tx.SMAcked(rec.ID, rec.Account, req.H); err != nil {
			return err
		}
		answer.H, answer.HasH = rec.H, true
		rec.Ended = true
		return tx.PutSM(rec)
	}
	db := c.srv.host.DB()
	err := db.Update(lookUp)
	if err != nil {
		err = db.Update(lookUp) // much depends on it: without the counts everything is sent again
	}
	if err != nil {
		answer.HasH = false
		c.srv.log.Warn("resumption not looked up", "err", err)
	}
	c.reply(answer.Append(nil))
}

// keepEnded is how long the count of a session that is over is kept, for <failed h=”/>; and purgeEvery how often older ones
// are thrown away.
const (
	keepEnded  = 24 * time.Hour
	purgeEvery = time.Hour
)

// smEnded keeps the final count of a session that is over. It does not wait.
func (srv *Server) smEnded(s *Session) {
	s.mu.Lock()
	id, n := s.resumableIDLocked(), s.in
	s.mu.Unlock()
	if id == "" {
		return
	}
	srv.mu.Lock()
	now := time.Now()
	var live []string
	purge := now.Sub(srv.purged) > purgeEvery
	if purge {
		srv.purged = now
		for id := range srv.sessions {
			live = append(live, id)
		}
	}
	srv.mu.Unlock()
	srv.host.DB().Submit(func(tx *store.Tx) error {
		err := tx.PutSM(store.SMSession{ID: id, Account: s.bare.String(), Resource: s.full.Resource(), H: n, Ended: true, Changed: now})
		if err != nil || !purge {
			return err
		}
		return purgeSM(tx, live, now)
	}, func(error) {})
}

// purgeSM forgets the sessions that nobody will ask for any more. Those that live are kept from growing old.
func purgeSM(tx *store.Tx, live []string, now time.Time) error {
	for _, id := range live {
		rec, err := tx.SM(id)
		if err != nil || now.Sub(rec.Changed) < keepEnded/2 {
			continue
		}
		rec.Changed = now
		if err := tx.PutSM(rec); err != nil {
			return err
		}
	}
	return tx.PurgeSM(now.Add(-keepEnded))
}
