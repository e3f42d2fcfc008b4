package c2s

import (
	"sync"
	"time"

	"longwire/store"
	"longwire/xmpp/stanza"
)

// writeTime bounds one write: a client that takes nothing for so long is lost.
const writeTime = 60 * time.Second

// maxWrite is about how much is gathered for one write.
const maxWrite = 32 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// item is one thing for the client: a stanza, or raw bytes that stand between stanzas.
type item struct {
	s     *stanza.Stanza
	raw   []byte
	spool uint64 // the message's number in the account's spool; 0: none
	came  int64  // Unix nanoseconds when it was queued
	start bool   // raw is <enabled/>: stanzas are counted behind it
}

func (it *item) size() int {
	if it.s != nil {
		return 200 + len(it.s.Inner)
	}
	return len(it.raw)
}

// outbox is what waits to be written to the client; Session.mu guards it.
type outbox struct {
	again   []item // sent before on another connection, with their numbers; they go first
	queue   []item
	bytes   int    // size of queue, about
	loose   []item // in a write that failed, without numbers: the client may have them or not
	writing bool   // a flush runs
	cutting bool   // the client is being cut off for reading too slowly
	roomy   bool   // twice the room: the client is, or was, away
	later   func() // see Later
}

// Send queues a stanza for the client. A client whose outbox is full is cut off: stream management lets it resume, and
// what was meant for it is not lost.
func (s *Session) Send(st *stanza.Stanza, spool uint64) {
	it := item{s: st, spool: spool, came: time.Now().UnixNano()}
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		s.giveBack([]left{{item: it}})
		return
	}
	if s.csi == nil || !s.csi.hold(s, it) {
		s.pushLocked(it)
	}
	s.mu.Unlock()
}

// sendRaw queues bytes that are no stanza.
func (s *Session) sendRaw(raw []byte) { s.push(item{raw: raw}) }

func (s *Session) push(it item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushLocked(it)
}

// pushLocked puts a thing into the queue. A session that has ended keeps it to give it back.
func (s *Session) pushLocked(it item) {
	o := &s.out
	o.queue = append(o.queue, it)
	o.bytes += it.size()
	if s.ended {
		return
	}
	if s.fullLocked() {
		s.overflowLocked()
		return
	}
	s.wakeLocked()
}

// fullLocked tells whether more waits than the outbox may hold. Choice: a client that is away has twice the room of one
// that is there, so that one cut off for reading slowly can still come back to its stream.
func (s *Session) fullLocked() bool {
	o, cfg, room := &s.out, s.srv.config(), 1
	if o.roomy {
		room = 2
	}
	return len(o.queue) > room*cfg.OutboxStanzas || o.bytes > room*cfg.OutboxBytes
}

// overflowLocked cuts the client off. One that may resume only loses its connection; for others, and for one that was
// away for too much, the session is over.
func (s *Session) overflowLocked() {
	if s.out.cutting {
		return
	}
	s.out.cutting = true
	c := s.conn
	switch {
	case c == nil:
		go s.finish()
	case s.sm != nil && s.sm.resumable && s.sm.counting && !s.out.roomy:
		go c.hangUp()
	default:
		go s.End("resource-constraint", "the client reads too slowly")
	}
}

// wakeLocked starts the flush unless it runs or there is nobody to write to.
func (s *Session) wakeLocked() {
	o := &s.out
	if !o.writing && s.conn != nil && !s.conn.closed.Load() && len(o.again)+len(o.queue) > 0 {
		o.writing = true
		go s.flush(s.conn)
	}
}

// flush writes what is queued until nothing is left, and ends.
func (s *Session) flush(c *conn) {
	bp := buffers.Get().(*[]byte)
	buf := (*bp)[:0]
	for {
		s.mu.Lock()
		if s.conn != c || len(s.out.again)+len(s.out.queue) == 0 {
			break
		}
		var loose []item
		var notes []note
		buf, loose, notes = s.nextLocked(buf[:0])
		id := s.resumableIDLocked()
		s.mu.Unlock()
		if len(notes) > 0 {
			s.note(id, notes)
		}
		if err := c.write(buf); err != nil {
			c.hangUp() // the reader then ends, and the session with it or until it is resumed
			s.mu.Lock()
			s.out.loose = append(s.out.loose, loose...)
			break
		}
		s.unspool(spooledOf(loose))
		s.calm()
	}
	s.out.writing = false
	if s.conn != c {
		s.wakeLocked()
	}
	s.mu.Unlock()
	s.idle.Broadcast()
	if cap(buf) <= 2*maxWrite {
		*bp = buf[:0]
		buffers.Put(bp)
	}
}

// note is a spooled message that is about to go out as number seq.
type note struct {
	seq   uint32
	spool uint64
}

// nextLocked serialises the next items into buf. loose are those of them that got no number: once written, the client is
// taken to have them.
func (s *Session) nextLocked(buf []byte) (_ []byte, loose []item, notes []note) {
	o, m := &s.out, s.sm
	n, ask := 0, false
	for n < len(o.again) && len(buf) < maxWrite {
		if it := &o.again[n]; it.s != nil {
			buf = it.s.AppendTo(buf, s.full)
			ask = true
		} else {
			buf = append(buf, it.raw...)
		}
		n++
	}
	if o.again = o.again[n:]; len(o.again) == 0 {
		o.again = nil
	}
	n, unnumbered := 0, 0
	for n < len(o.queue) && len(buf) < maxWrite {
		it := &o.queue[n]
		n++
		o.bytes -= it.size()
		if it.s == nil {
			buf = append(buf, it.raw...)
			if it.start {
				m.counting = true
			}
			continue
		}
		buf = it.s.AppendTo(buf, s.full)
		if m == nil || !m.counting {
			unnumbered = n
			continue
		}
		seq, _ := m.unacked.Push(*it) // no bound here: the bytes are looked at
		m.bytes += it.size()
		if it.spool != 0 && m.resumable {
			notes = append(notes, note{seq, it.spool})
		}
		ask = ask || it.spool != 0 || m.unacked.Len() >= askEvery
	}
	loose = o.queue[:unnumbered:unnumbered]
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	if o.roomy && len(o.queue) <= s.srv.config().OutboxStanzas/2 {
		o.roomy = false
	}
	if ask && m.ask() {
		buf = append(buf, askForAck...)
	}
	if m != nil && m.excessive(s.srv.config()) && !o.cutting {
		o.cutting = true
		go s.End("resource-constraint", "the client confirms nothing")
	}
	return buf, loose, notes
}

// note writes down which spooled message has which number, before the client can see it: so its count, told after a crash
// of the node, says which messages it has.
func (s *Session) note(id string, notes []note) {
	done := make(chan error, 1)
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		for _, n := range notes {
			if err := tx.SMAssign(id, n.seq, n.spool); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) { done <- err })
	if err := <-done; err != nil {
		// Delivering now beats waiting for a store that cannot write: the worst is a second copy after a crash.
		s.srv.log.Warn("numbers of messages not stored", "jid", s.full, "err", err)
	}
}

// spooledOf lists the spool numbers of what has one.
func spooledOf(items []item) (ids []uint64) {
	for i := range items {
		if items[i].spool != 0 {
			ids = append(ids, items[i].spool)
		}
	}
	return ids
}

// unspool deletes messages that the client has.
func (s *Session) unspool(ids []uint64) {
	if len(ids) == 0 {
		return
	}
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		for _, id := range ids {
			if err := tx.SpoolDelete(s.bare.String(), id); err != nil {
				return err
			}
		}
		return nil
	}, func(error) { s.confirmed(ids) })
}

func (s *Session) confirmed(spools []uint64) {
	for _, id := range spools {
		s.srv.host.Settled(s.bare, id)
	}
}

// Room is half of the outbox: the other half is for what comes meanwhile.
func (s *Session) Room() (stanzas, bytes int) {
	cfg := s.srv.config()
	return cfg.OutboxStanzas / 2, cfg.OutboxBytes / 2
}

// Later runs f when little is left to be written or confirmed.
func (s *Session) Later(f func()) {
	s.mu.Lock()
	s.out.later = f
	s.mu.Unlock()
	s.calm()
}

// calm runs what waits for a calm moment, if this is one.
func (s *Session) calm() {
	s.mu.Lock()
	f := s.out.later
	if f == nil || s.ended || len(s.out.again)+len(s.out.queue) > 0 || s.sm != nil && s.sm.unacked.Len() > maxAhead {
		f = nil
	} else {
		s.out.later = nil
	}
	s.mu.Unlock()
	if f != nil {
		f()
	}
}

// maxAhead is how many messages a client may leave unconfirmed before it gets more of what waited for it.
const maxAhead = 200
