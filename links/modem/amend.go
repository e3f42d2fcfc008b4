package modem

import (
	"errors"
	"time"
)

// An Amender is a Modem that lets what it has not begun to send be changed.
type Amender interface {
	Modem
	// Amend asks change for other bits in the place of those that begin at byte from of the signal that is being sent, or later. It gives the bits of the
	// whole signal, which are the same up to there and as many; nil if all is to stay. With ErrTooLate nothing has changed; with another error that is
	// not known.
	Amend(change func(from int) []byte) error
}

// ErrTooLate means that nothing of a signal can be changed any more, or that there is none.
var ErrTooLate = errors.New("modem: too late to change what is sent")

// free is the first byte of a signal in which no bit is that of a block that has begun by a time.
func (g *signal) free(begun int) int { return (begun*g.w.blockBits() + 7) / 8 }

// Amend changes what is in blocks of the interleaver that have not begun.
func (r *radio) Amend(change func(from int) []byte) error {
	c := r.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	g := r.s.signal
	if r.s.user != r || g == nil || g.broken {
		return ErrTooLate
	}
	from := 0
	if now := c.cfg.Now(); !now.Before(g.data(0)) {
		from = g.free(1 + int(now.Sub(g.data(0))/g.w.Block))
	}
	if from >= len(g.bits) {
		return ErrTooLate
	}
	return g.amend(from, change(from))
}

// amend takes bits for those from byte from on.
func (g *signal) amend(from int, bits []byte) error {
	switch {
	case bits == nil:
		return nil
	case len(bits) != len(g.bits) || from > len(bits):
		return errors.New("modem: changed to another length")
	}
	// What was sent stays as it was, whoever looks at it.
	g.bits = append(append(make([]byte, 0, len(bits)), g.bits[:from]...), bits[from:]...)
	return nil
}

// amendAt is Amend for a station of another process, which has chosen from.
func (r *radio) amendAt(from int, tail []byte) error {
	late := false
	err := r.Amend(func(least int) []byte {
		if late = from < least || len(r.s.signal.bits) != from+len(tail); late {
			return nil
		}
		return append(append([]byte(nil), r.s.signal.bits[:from]...), tail...)
	})
	if late {
		return ErrTooLate
	}
	return err
}

// hold notes what is being sent; nil: nothing any more.
func (s *Serial) hold(bits []byte) {
	s.sent.Lock()
	defer s.sent.Unlock()
	s.sent.bits, s.sent.n = bits, 0
}

// next are the bytes for the line up to byte end. They cannot be changed any more.
func (s *Serial) next(end int) []byte {
	s.sent.Lock()
	defer s.sent.Unlock()
	b := s.sent.bits[s.sent.n:end]
	s.sent.n = end
	return b
}

// Amend changes what the line does not have.
func (s *Serial) Amend(change func(from int) []byte) error {
	s.sent.Lock()
	defer s.sent.Unlock()
	if s.sent.n >= len(s.sent.bits) {
		return ErrTooLate
	}
	g := signal{bits: s.sent.bits}
	err := g.amend(s.sent.n, change(s.sent.n))
	s.sent.bits = g.bits
	return err
}

const (
	// What is told to the channel in another process gets there in less than so much time of the clock, mostly.
	amendLead = 20 * time.Millisecond
	// And it answers in less than that, or something is wrong with it.
	amendWait = 2 * time.Second
)

var errNoAnswer = errors.New("modem: the channel does not say whether it has changed what is sent")

// Amend tells the channel what to send, and waits until it says whether that was in time.
func (r *remote) Amend(change func(from int) []byte) error {
	r.mu.Lock()
	id, start, w, old := r.id, r.start, r.wave, r.bits
	known := r.waiting && !start.IsZero()
	select {
	case <-r.amended: // of before
	default:
	}
	r.mu.Unlock()
	if !known {
		return ErrTooLate
	}
	g := signal{w: w, bits: old, start: start}
	from := 0
	if soon := r.clock.Now().Add(time.Duration(float64(amendLead) * max(1, r.clock.Scale))); !soon.Before(g.data(0)) {
		from = g.free(1 + int(soon.Sub(g.data(0))/w.Block))
	}
	if from >= len(old) {
		return ErrTooLate
	}
	bits := change(from)
	if bits == nil {
		return nil
	}
	if err := g.amend(from, bits); err != nil {
		return err
	}
	if err := r.write(&packet{kind: amendPacket, id: id, from: uint32(from), bits: bits[from:]}); err != nil {
		return err
	}
	late := time.NewTimer(amendWait)
	defer late.Stop()
	select {
	case text := <-r.amended:
		if text != "" {
			return ErrTooLate
		}
	case <-r.done:
		return r.why
	case <-late.C:
		return errNoAnswer
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id == id {
		r.bits = g.bits
	}
	return nil
}

// Amend is that of the modem.
func (r *Redial) Amend(change func(from int) []byte) error {
	m, ok := r.current().(Amender)
	if !ok {
		return ErrTooLate
	}
	return m.Amend(change)
}
