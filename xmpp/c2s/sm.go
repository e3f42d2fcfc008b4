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

const askForAck = "<r xmlns='" + sm.NS + "'/>"

// managed is the state of XEP-0198 in one session; Session.mu guards it.
type managed struct {
	id        string // "": not resumable
	resumable bool
	max       time.Duration
	counting  bool // <enabled/> has been written, or is just about to be
	unacked   sm.Queue[item]
	bytes     int  // size of unacked, about
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

// excessive tells whether the client reads but confirms nothing.
func (m *managed) excessive(cfg *Config) bool {
	return m.unacked.Len() > 4*cfg.OutboxStanzas || m.bytes > 4*cfg.OutboxBytes
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

// manage handles the elements of stream management.
func (c *conn) manage(e *markup.Element) error {
	s := c.session
	if s == nil && e.Name.Local != "resume" {
		c.reply(failed(stanza.UnexpectedRequest)) // XEP-0198 §3: not before binding
		return nil
	}
	switch e.Name.Local {
	case "enable":
		s.enable(e)
	case "r":
		return s.request()
	case "a":
		return s.acked(e)
	case "resume":
		return c.resume(e)
	default:
		return &stream.Error{Condition: "unsupported-stanza-type"}
	}
	return nil
}

// enable answers <enable/>. XEP-0198 §3.
func (s *Session) enable(e *markup.Element) {
	req, err := sm.ParseEnable(e)
	m := &managed{id: newID(), resumable: req.Resume, max: s.srv.config().ResumeMax}
	if req.Max > 0 {
		m.max = min(m.max, time.Duration(req.Max)*time.Second)
	}
	s.mu.Lock()
	switch {
	case s.sm != nil:
		s.pushLocked(item{raw: failed(stanza.UnexpectedRequest)}) // XEP-0198 §3: only once
		s.mu.Unlock()
		return
	case err != nil:
		s.pushLocked(item{raw: failed(stanza.BadRequest)})
		s.mu.Unlock()
		return
	}
	s.sm = m
	s.in, s.saved, s.saving = 0, 0, 0 // XEP-0198 §4: h starts at 0 behind <enable/>
	s.mu.Unlock()
	if !req.Resume {
		s.barrier(nil, func(error) { s.push(item{raw: sm.Enabled{}.Append(nil), start: true}) })
		return
	}
	// The name must outlive a crash from the first moment that the client knows it.
	s.barrier(func(tx *store.Tx) error { return s.save(tx, m.id, 0) }, func(err error) {
		answer := sm.Enabled{}
		s.mu.Lock()
		defer s.mu.Unlock()
		if m.resumable = err == nil; m.resumable {
			answer = sm.Enabled{ID: m.id, Resume: true, Max: uint32(m.max / time.Second)}
		}
		s.pushLocked(item{raw: answer.Append(nil), start: true})
		if m.resumable && !s.over {
			s.srv.remember(s)
		}
	})
}

// request answers <r/> once everything before it is committed. XEP-0198 §4.
func (s *Session) request() error {
	s.mu.Lock()
	if s.sm == nil {
		s.mu.Unlock()
		return errUnmanaged
	}
	n, id := s.in, s.resumableIDLocked()
	saved, saving := id == "" || s.saved == n, id == "" || s.saving == n
	if saved && s.pending == 0 {
		s.pushLocked(item{raw: sm.AppendA(nil, n)})
		s.mu.Unlock()
		return nil
	}
	s.saving = n
	s.mu.Unlock()
	if !saving {
		s.confirmTo(n, id)
		return nil
	}
	// The count goes into the same commit as the last stanza. Should that have failed, it is tried alone.
	s.barrier(nil, func(err error) {
		s.mu.Lock()
		h, saved := n, id == "" || int32(s.saved-n) >= 0
		if id != "" && saved {
			h = s.saved // a higher one may have been told meanwhile
		}
		if saved && err == nil {
			s.pushLocked(item{raw: sm.AppendA(nil, h)})
		}
		s.mu.Unlock()
		if !saved {
			s.confirmTo(n, id)
		}
	})
	return nil
}

// confirmTo commits the count n and tells the client. It may be called late, when a higher count is committed already or on its way:
// the count never goes back.
func (s *Session) confirmTo(n uint32, id string) {
	h := n
	s.barrier(func(tx *store.Tx) error {
		h = n
		if rec, err := tx.SM(id); err == nil && int32(rec.H-n) > 0 {
			h = rec.H
			return nil
		}
		return s.save(tx, id, n)
	}, func(err error) {
		if err != nil {
			return // what cannot be committed is not acknowledged; the client asks again
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if int32(h-s.saved) > 0 {
			s.saved = h
		}
		s.pushLocked(item{raw: sm.AppendA(nil, s.saved)})
	})
}

var errUnmanaged = &stream.Error{Condition: "unsupported-stanza-type", Text: "stream management is not enabled"}

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
	switch {
	case s.over:
		s.mu.Unlock()
		return nil
	case s.sm == nil:
		s.mu.Unlock()
		return errUnmanaged
	}
	var spools []uint64
	m, before := s.sm, s.sm.unacked.Len()
	err := m.unacked.AckFunc(h, func(it item) {
		m.bytes -= it.size()
		if it.spool != 0 {
			spools = append(spools, it.spool)
		}
	})
	var high *sm.TooHighError
	if errors.As(err, &high) {
		s.mu.Unlock()
		return &stream.Error{Condition: "undefined-condition", App: high.App()}
	}
	m.asked = false
	if n := m.unacked.Len(); n > 0 && n < before && s.conn != nil && m.ask() {
		s.pushLocked(item{raw: []byte(askForAck)})
	}
	id := s.resumableIDLocked()
	s.mu.Unlock()
	s.calm()
	if len(spools) == 0 {
		return nil
	}
	if id == "" {
		s.unspool(spools)
		return nil
	}
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		return tx.SMAcked(id, s.bare.String(), h)
	}, func(err error) {
		if err != nil {
			s.unspool(spools) // damage among the numbers must not bring the messages again
			return
		}
		s.confirmed(spools)
	})
	return nil
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
