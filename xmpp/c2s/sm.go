package c2s

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/sm"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// askEvery is after how many unconfirmed stanzas the client is asked; a spooled message asks at once.
const askEvery = 8

// managed is the state of XEP-0198 in one session; Session.mu guards it.
type managed struct {
	id        string // "": not resumable
	resumable bool
	max       time.Duration
	counting  bool // <enabled/> has been written
	unacked   sm.Queue[item]
	asked     bool // <r/> is unanswered
}

// ask tells whether to send <r/> now: never two at once.
func (m *managed) ask() bool {
	if m.asked {
		return false
	}
	m.asked = true
	return true
}

func (s *Session) resumableID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resumableIDLocked()
}

func (s *Session) resumableIDLocked() string {
	if s.sm == nil || !s.sm.resumable {
		return ""
	}
	return s.sm.id
}

// save notes in tx how many of the client's stanzas the node answers for.
func (s *Session) save(tx *store.Tx, id string, h uint32) error {
	return tx.PutSM(store.SMSession{ID: id, Account: s.bare.String(), Resource: s.full.Resource(), H: h, Changed: time.Now()})
}

// enable answers <enable/>. XEP-0198 §3.
func (s *Session) enable(e *markup.Element) {
	s.mu.Lock()
	if s.sm != nil {
		s.mu.Unlock()
		s.sendRaw(failed(stanza.UnexpectedRequest), fresh) // XEP-0198 §3: only once
		return
	}
	req, err := sm.ParseEnable(e)
	if err != nil {
		s.mu.Unlock()
		s.sendRaw(failed(stanza.BadRequest), fresh)
		return
	}
	m := &managed{resumable: req.Resume, max: s.srv.config().ResumeMax}
	if req.Max > 0 {
		m.max = min(m.max, time.Duration(req.Max)*time.Second)
	}
	s.sm = m
	if m.resumable {
		m.id = newID()
	}
	s.mu.Unlock()
	s.in.Store(0) // XEP-0198 §4: h starts at 0 behind <enable/>
	enabled := func() {
		answer := sm.Enabled{ID: m.id, Resume: m.resumable}
		if m.resumable {
			answer.Max = uint32(m.max / time.Second)
		}
		s.sendRaw(answer.Append(nil), starts)
	}
	if !m.resumable {
		s.barrier(nil, func(error) { enabled() })
		return
	}
	s.srv.remember(s, m.id)
	// The name must outlive a crash from the first moment that the client knows it.
	s.barrier(func(tx *store.Tx) error { return s.save(tx, m.id, 0) }, func(err error) {
		if err != nil {
			s.mu.Lock()
			m.resumable, m.id = false, ""
			s.mu.Unlock()
		}
		enabled()
	})
}

// barrier runs f behind every Turn submitted so far.
func (s *Session) barrier(f func(*store.Tx) error, done func(error)) {
	s.mu.Lock()
	s.pending++
	s.mu.Unlock()
	s.srv.host.DB().Submit(f, func(err error) {
		done(err)
		s.mu.Lock()
		s.pending--
		s.mu.Unlock()
		s.idle.Broadcast()
	})
}

// request answers <r/> once everything before it is committed. XEP-0198 §4.
func (s *Session) request() {
	n := s.in.Load()
	id := s.resumableID()
	answer := func(err error) {
		if err != nil {
			return // what cannot be committed is not acknowledged; the client asks again
		}
		s.sendRaw(sm.AppendA(nil, n), fresh)
	}
	if id == "" {
		s.mu.Lock()
		busy := s.pending > 0
		s.mu.Unlock()
		if !busy {
			answer(nil)
			return
		}
		s.barrier(nil, answer)
		return
	}
	s.barrier(func(tx *store.Tx) error { return s.save(tx, id, n) }, answer)
}

// acked follows <a/>.
func (s *Session) acked(e *markup.Element) error {
	h, err := sm.ParseA(e)
	if err != nil {
		return &stream.Error{Condition: "bad-format", Text: "<a/> needs a number h"}
	}
	return s.confirm(h)
}

// confirm drops what the client has. XEP-0198 §4.
func (s *Session) confirm(h uint32) error {
	s.mu.Lock()
	if s.sm == nil {
		s.mu.Unlock()
		return &stream.Error{Condition: "unsupported-stanza-type", Text: "stream management is not enabled"}
	}
	acked, err := s.sm.unacked.Ack(h)
	var high *sm.TooHighError
	if errors.As(err, &high) {
		s.mu.Unlock()
		return &stream.Error{Condition: "undefined-condition", App: high.App()}
	}
	var spools []uint64
	for _, it := range acked {
		if it.spool != 0 {
			spools = append(spools, it.spool)
		}
	}
	s.sm.asked = false
	if len(acked) > 0 && s.sm.unacked.Len() > 0 && s.sm.ask() {
		s.pushLocked(item{raw: []byte("<r xmlns='urn:xmpp:sm:3'/>")})
	}
	id := s.resumableIDLocked()
	s.mu.Unlock()
	if id == "" {
		s.unspool(spools)
		return nil
	}
	if len(spools) == 0 {
		return nil
	}
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		return tx.SMAcked(id, s.bare.String(), h)
	}, func(error) {
		for _, sp := range spools {
			s.srv.host.Settled(s.bare, sp)
		}
	})
	return nil
}

// attach moves the session to connection c, which asked to resume it with count h. XEP-0198 §5. It runs on c's reader.
func (s *Session) attach(c *conn, h uint32) error {
	s.mu.Lock()
	old := s.conn
	s.conn = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if old != nil {
		old.kick("conflict", "resumed elsewhere")
		old.hangUp()
		<-old.gone // the reader has taken its last stanza: in is final
	}
	s.mu.Lock()
	for (s.pending > 0 || s.writing) && !s.ended {
		s.idle.Wait()
	}
	if s.ended {
		s.mu.Unlock()
		return errEnded
	}
	s.mu.Unlock()
	if err := s.confirm(h); err != nil {
		return err
	}
	n := s.in.Load()
	saved := make(chan error, 1)
	s.barrier(func(tx *store.Tx) error { return s.save(tx, s.sm.id, n) }, func(err error) { saved <- err })
	if err := <-saved; err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errEnded
	}
	again := []item{{raw: sm.Resume{PrevID: s.sm.id, H: n}.AppendResumed(nil)}}
	for _, it := range s.sm.unacked.Unacked() {
		it.kind = counted
		again = append(again, it)
	}
	s.queue = append(again, s.queue...)
	s.bytes = 0
	for i := range s.queue {
		s.bytes += s.queue[i].size()
	}
	s.sm.asked = false
	s.csi = s.csi.release(s) // XEP-0352 §5: active after resumption
	s.conn = c
	c.session = s
	s.wakeLocked()
	return nil
}

var errEnded = errors.New("c2s: session is over")

// resumeStored answers a resumption of a session that ended with an earlier run of the node, or timed out: it cannot go on, but
// both counts are known. What the client has is taken off the account's spool, and it learns what the node has.
// XEP-0198 §5: <failed/> may tell h.
func (c *conn) resumeStored(req sm.Resume) {
	answer := sm.Failed{Condition: string(stanza.ItemNotFound)}
	err := c.srv.host.DB().Update(func(tx *store.Tx) error {
		answer.HasH = false
		rec, err := tx.SM(req.PrevID)
		if errors.Is(err, store.ErrNotFound) || err == nil && rec.Account != c.account.String() {
			return nil // never tell that another account has it
		}
		if err != nil {
			return err
		}
		answer.H, answer.HasH = rec.H, true
		if err := tx.SMAcked(rec.ID, rec.Account, req.H); err != nil {
			return err
		}
		rec.Ended = true
		return tx.PutSM(rec)
	})
	if err != nil {
		c.srv.log.Warn("resumption not looked up", "err", err)
	}
	c.reply(answer.Append(nil))
}

// smEnded keeps the count of a session that is over for a day, for <failed h=”/>.
func (srv *Server) smEnded(id string) {
	srv.host.DB().Submit(func(tx *store.Tx) error {
		rec, err := tx.SM(id)
		if err != nil {
			return nil
		}
		rec.Ended, rec.Changed = true, time.Now()
		return tx.PutSM(rec)
	}, func(error) {})
}

func failed(condition stanza.Condition) []byte {
	return sm.Failed{Condition: string(condition)}.Append(nil)
}

func newID() string {
	var b [18]byte // RFC 6120 §4.7.3: unpredictable; 144 bit
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func itoa(n int) string { return strconv.Itoa(n) }
