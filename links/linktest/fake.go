// Package linktest has what tests of links need: a link made of memory, a path made of time, nodes with a real store, and
// the suite that every kind of link must pass.
package linktest

import (
	"context"
	"errors"
	"io"
	"math/rand"
	"sync"
	"time"

	"longwire/links"
	"longwire/xmpp/stream"
)

// A Fake is one end of a link made of memory. Both ends may open. Time is real time, so use it in a synctest bubble.
type Fake struct {
	name     string
	air      *air
	other    *Fake
	accepted chan *fakeSession
}

// air is what both ends share.
type air struct {
	delay time.Duration

	mu       sync.Mutex // guards what follows
	closed   bool       // nobody gets through
	hole     bool       // what is sent goes nowhere, and nobody is told
	sessions map[*fakeSession]bool
	rand     *rand.Rand
	cutAfter func(links.Piece) bool
}

// NewFake makes both ends. Each piece takes delay.
func NewFake(delay time.Duration) (a, b *Fake) {
	x := &air{delay: delay, sessions: map[*fakeSession]bool{}, rand: rand.New(rand.NewSource(1))}
	a = &Fake{name: "a", air: x, accepted: make(chan *fakeSession)}
	b = &Fake{name: "b", air: x, accepted: make(chan *fakeSession)}
	a.other, b.other = b, a
	return a, b
}

// Cut ends all contacts. What was under way is lost, and neither end is told more than that.
func (f *Fake) Cut() {
	f.air.mu.Lock()
	defer f.air.mu.Unlock()
	for s := range f.air.sessions {
		s.cutLocked()
	}
}

// Shut lets nobody through until Reopen.
func (f *Fake) Shut() {
	f.air.mu.Lock()
	f.air.closed = true
	f.air.mu.Unlock()
	f.Cut()
}

// Swallow lets contacts be and everything on them vanish, until Reopen.
func (f *Fake) Swallow() {
	f.air.mu.Lock()
	defer f.air.mu.Unlock()
	f.air.hole = true
}

// Reopen ends Shut and Swallow. What vanished makes contacts useless, so they end.
func (f *Fake) Reopen() {
	f.air.mu.Lock()
	hole := f.air.hole
	f.air.closed, f.air.hole = false, false
	f.air.mu.Unlock()
	if hole {
		f.Cut()
	}
}

// CutAt makes the contact end right after the first piece, either way, for which at is true has arrived; with lose, right before.
func (f *Fake) CutAt(at func(links.Piece) bool) {
	f.air.mu.Lock()
	defer f.air.mu.Unlock()
	f.air.cutAfter = at
}

// ErrShut is why Open fails while the link is shut.
var ErrShut = errors.New("linktest: no contact")

// Open implements links.Link.
func (f *Fake) Open(ctx context.Context) (links.Session, error) {
	f.air.mu.Lock()
	if f.air.closed || f.air.hole {
		f.air.mu.Unlock()
		return nil, ErrShut
	}
	x := &fakeSession{name: f.other.name, air: f.air, in: make(chan timed, 1000), over: make(chan struct{})}
	y := &fakeSession{name: f.name, air: f.air, in: make(chan timed, 1000), over: make(chan struct{})}
	x.other, y.other = y, x
	f.air.sessions[x], f.air.sessions[y] = true, true
	f.air.mu.Unlock()
	select {
	case f.other.accepted <- y:
		return x, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Second):
		return nil, ErrShut // the other node is down
	}
}

// Accept implements links.Link.
func (f *Fake) Accept(ctx context.Context) (links.Session, error) {
	select {
	case s := <-f.accepted:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *Fake) String() string { return "fake " + f.name }

type timed struct {
	at    time.Time
	piece links.Piece
	end   error // the other end closed
}

type fakeSession struct {
	name  string
	air   *air
	other *fakeSession
	in    chan timed
	over  chan struct{}
	cut   bool // under air.mu

	lost    int       // bytes that vanished; under air.mu
	arrives time.Time // when the other end's transport has told of the last that did not; under air.mu
}

var _ links.Drainer = (*fakeSession)(nil)

var errCut = errors.New("linktest: contact lost")

func (s *fakeSession) cutLocked() {
	for _, x := range []*fakeSession{s, s.other} {
		if !x.cut {
			x.cut = true
			close(x.over)
			delete(x.air.sessions, x)
		}
	}
}

// Send implements links.Session.
func (s *fakeSession) Send(batch []links.Piece) (c links.Cost, err error) {
	at := time.Now().Add(s.air.delay)
	for _, p := range batch {
		n := len(p.Data) + 8
		c.Raw += n
		c.Wire += n
		if p.Data != nil {
			st, err := stream.ParseStanza(p.Data)
			if err != nil {
				return c, err
			}
			p.Data, p.Stanza = nil, st
		}
		p.Raw, p.Wire = n, n
		s.air.mu.Lock()
		hole := s.air.hole
		if hole {
			s.lost += n
		} else {
			s.arrives = at.Add(s.air.delay)
		}
		s.air.mu.Unlock()
		if hole {
			continue
		}
		select {
		case s.other.in <- timed{at: at, piece: p}:
		case <-s.over:
			return c, errCut
		case <-s.other.over:
			return c, errCut
		}
	}
	select {
	case <-s.over:
		return c, errCut
	default:
		return c, nil
	}
}

// Pending implements links.Drainer.
func (s *fakeSession) Pending() (bytes int, known bool) {
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	if s.lost == 0 && time.Now().Before(s.arrives) {
		return 1, true
	}
	return s.lost, true
}

// Recv implements links.Session.
func (s *fakeSession) Recv() (links.Piece, error) {
	select {
	case <-s.over:
		return links.Piece{}, io.EOF
	case t := <-s.in:
		select {
		case <-time.After(time.Until(t.at)):
		case <-s.over:
			return links.Piece{}, io.EOF
		}
		if t.end != nil {
			return links.Piece{}, t.end
		}
		s.air.mu.Lock()
		defer s.air.mu.Unlock()
		if s.air.cutAfter != nil && s.air.cutAfter(t.piece) {
			s.air.cutAfter = nil
			s.cutLocked()
			return links.Piece{}, errCut
		}
		return t.piece, nil
	}
}

// Close implements links.Session. The other end gets what was sent, then learns of it.
func (s *fakeSession) Close(why error) {
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	if s.cut {
		return
	}
	s.cut = true
	close(s.over)
	delete(s.air.sessions, s)
	end := error(io.EOF)
	var e *stream.Error
	if errors.As(why, &e) {
		end = &links.RemoteError{Condition: e.Condition, Text: e.Text}
	}
	select {
	case s.other.in <- timed{at: time.Now().Add(s.air.delay), end: end}:
	default:
		s.cutLocked()
	}
}

// Limits implements links.Session.
func (s *fakeSession) Limits() links.Limits { return links.Limits{Stanzas: 16, Bytes: 8 << 10} }

func (s *fakeSession) String() string { return s.name }
