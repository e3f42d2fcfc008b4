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

// Send queues a stanza for the client. A client whose outbox is full is cut off: stream management lets it resume, and
// what was meant for it is not lost.
func (s *Session) Send(st *stanza.Stanza, spool uint64) {
	s.mu.Lock()
	if s.csi != nil && s.csi.hold(s, st, spool) {
		s.mu.Unlock()
		return
	}
	s.pushLocked(item{s: st, spool: spool, came: time.Now().UnixNano()})
	s.mu.Unlock()
}

// sendRaw queues bytes that are no stanza.
func (s *Session) sendRaw(raw []byte, kind itemKind) {
	s.mu.Lock()
	s.pushLocked(item{raw: raw, kind: kind})
	s.mu.Unlock()
}

func (s *Session) pushLocked(it item) {
	if s.ended {
		go s.giveBack([]item{it}) // not under mu; the store keeps the order of commits
		return
	}
	s.queue = append(s.queue, it)
	s.bytes += it.size()
	cfg := s.srv.config()
	if len(s.queue) > cfg.OutboxStanzas || s.bytes > cfg.OutboxBytes {
		s.overflowLocked()
		return
	}
	s.wakeLocked()
}

// overflowLocked cuts the client off. Outside of stream management the session ends; within it the client may resume, and the
// limit holds for it anew once it reads. A hibernating session that overflows is over.
func (s *Session) overflowLocked() {
	c := s.conn
	if c == nil {
		go s.finish("")
		return
	}
	if s.sm != nil && s.sm.resumable && s.bytes <= 2*s.srv.config().OutboxBytes {
		go c.hangUp()
		return
	}
	go s.End("resource-constraint", "the client reads too slowly")
}

// maxUnacked bounds what a client may leave unconfirmed, in outboxes full.
const maxUnacked = 10

func (it *item) size() int {
	if it.s != nil {
		return 200 + len(it.s.Inner)
	}
	return len(it.raw)
}

// wakeLocked starts the flush unless it runs or there is nobody to write to.
func (s *Session) wakeLocked() {
	if !s.writing && s.conn != nil && len(s.queue) > 0 {
		s.writing = true
		go s.flush(s.conn)
	}
}

// flush writes what is queued until nothing is left, and ends.
func (s *Session) flush(c *conn) {
	bp := buffers.Get().(*[]byte)
	buf := (*bp)[:0]
	for {
		s.mu.Lock()
		if s.conn != c || len(s.queue) == 0 {
			s.writing = false
			if s.conn != c {
				s.wakeLocked()
			}
			s.mu.Unlock()
			s.idle.Broadcast()
			break
		}
		var batch []item
		var notes []note
		buf, batch, notes = s.nextLocked(buf[:0])
		id := s.resumableIDLocked()
		s.mu.Unlock()
		if len(notes) > 0 {
			s.note(id, notes)
		}
		if err := c.write(buf); err != nil {
			s.unwritten(batch)
			c.hangUp()
			continue
		}
		s.written(batch)
	}
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

// nextLocked serialises the next items into buf.
func (s *Session) nextLocked(buf []byte) ([]byte, []item, []note) {
	var notes []note
	n, ask := 0, false
	for n < len(s.queue) && len(buf) < maxWrite {
		it := &s.queue[n]
		n++
		s.bytes -= it.size()
		if it.s == nil {
			buf = append(buf, it.raw...)
			if it.kind == starts {
				s.sm.counting = true
			}
			continue
		}
		buf = it.s.AppendTo(buf, s.full)
		if s.sm == nil || !s.sm.counting {
			continue
		}
		if it.kind == fresh {
			seq, _ := s.sm.unacked.Push(*it) // no bound here: overflow looks at the sum
			if s.sm.unacked.Len() > maxUnacked*s.srv.config().OutboxStanzas {
				go s.End("resource-constraint", "the client confirms nothing")
			}
			if it.spool != 0 && s.sm.resumable {
				notes = append(notes, note{seq, it.spool})
			}
		}
		ask = ask || it.spool != 0 || s.sm.unacked.Len() >= askEvery
	}
	batch := s.queue[:n:n]
	if n == len(s.queue) {
		s.queue = nil
	} else {
		s.queue = s.queue[n:]
	}
	if ask && s.sm.ask() {
		buf = append(buf, "<r xmlns='urn:xmpp:sm:3'/>"...)
	}
	return buf, batch, notes
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

// written removes from the spool what a client without stream management was given. With it, acknowledgements do that.
func (s *Session) written(batch []item) {
	var spools []uint64
	s.mu.Lock()
	unmanaged := s.sm == nil || !s.sm.counting
	s.mu.Unlock()
	if !unmanaged {
		return
	}
	for _, it := range batch {
		if it.spool != 0 {
			spools = append(spools, it.spool)
		}
	}
	s.unspool(spools)
}

// unspool deletes messages that the client has.
func (s *Session) unspool(spools []uint64) {
	if len(spools) == 0 {
		return
	}
	s.srv.host.DB().Submit(func(tx *store.Tx) error {
		for _, id := range spools {
			if err := tx.SpoolDelete(s.bare.String(), id); err != nil {
				return err
			}
		}
		return nil
	}, func(error) {
		for _, id := range spools {
			s.srv.host.Settled(s.bare, id)
		}
	})
}

// unwritten puts back what a failed write held. Items that got a number stay with the numbers.
func (s *Session) unwritten(batch []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sm != nil && s.sm.counting {
		return
	}
	s.queue = append(append([]item(nil), batch...), s.queue...)
	for i := range batch {
		s.bytes += batch[i].size()
	}
}
