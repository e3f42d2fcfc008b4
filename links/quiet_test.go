package links_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/linktest"
	"longwire/xmpp/stream"
)

// A hush is a Way that can be silenced.
type hush struct {
	links.Alone
	mu     sync.Mutex
	on     bool
	change chan struct{}
}

func (h *hush) Silent() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.on
}

func (h *hush) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.change
}

func (h *hush) set(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on = on
	close(h.change)
	h.change = make(chan struct{})
}

// An echo is a link on which nobody answers, or whose sessions are made by the test.
type echo struct {
	mu       sync.Mutex
	dialling int
	dials    int
	accepted chan links.Session
}

func (e *echo) Open(ctx context.Context) (links.Session, error) {
	e.mu.Lock()
	e.dialling++
	e.dials++
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	e.dialling--
	e.mu.Unlock()
	return nil, ctx.Err()
}

func (e *echo) Accept(ctx context.Context) (links.Session, error) {
	select {
	case s := <-e.accepted:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *echo) String() string { return "nowhere" }

func (e *echo) state() (dialling, dials int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dialling, e.dials
}

// Whoever is dialling when silence is ordered gives up, and dials again when that is over.
func TestSilenceEndsDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := linktest.NewNode(t, "a.net", "b.net")
		way, link := &hush{change: make(chan struct{})}, &echo{accepted: make(chan links.Session)}
		p := links.NewPump(links.Config{Link: "l", Peer: "b.net", ZeroRTT: true, Dial: true}, link, links.Env{DB: n.DB, In: n.Inbound(), Way: way})
		n.StartRunner(p.Run)
		defer n.Stop()
		time.Sleep(time.Minute)
		if dialling, _ := link.state(); dialling != 1 {
			t.Fatalf("%d dial", dialling)
		}
		way.set(true)
		time.Sleep(time.Hour)
		if dialling, dials := link.state(); dialling != 0 || dials != 1 {
			t.Errorf("%d dial in silence, and did %d times", dialling, dials)
		}
		way.set(false)
		time.Sleep(time.Minute)
		if dialling, _ := link.state(); dialling != 1 {
			t.Errorf("%d dial after the silence", dialling)
		}
	})
}

// A mute is a session that notes what it is told to do.
type mute struct {
	mu     sync.Mutex
	hushed []bool
	why    []error
	broken chan struct{}
	over   chan struct{}
}

func (m *mute) Send([]links.Piece) (links.Cost, error) { return links.Cost{}, nil }
func (m *mute) Limits() links.Limits                   { return links.Limits{Stanzas: 1, Bytes: 1} }
func (m *mute) String() string                         { return "nowhere" }

func (m *mute) Recv() (links.Piece, error) {
	select {
	case <-m.broken:
		return links.Piece{}, &stream.Error{Condition: "not-well-formed"}
	case <-m.over:
		return links.Piece{}, context.Canceled
	}
}

func (m *mute) Hush(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hushed = append(m.hushed, on)
}

func (m *mute) Close(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.why = append(m.why, why)
	if len(m.why) == 1 {
		close(m.over)
	}
}

// In silence a contact that is there does not probe, and has no last words when the peer breaks a rule.
func TestSilentContactSaysNothingByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := linktest.NewNode(t, "a.net", "b.net")
		way, link := &hush{change: make(chan struct{})}, &echo{accepted: make(chan links.Session)}
		p := links.NewPump(links.Config{Link: "l", Peer: "b.net", ZeroRTT: true}, link, links.Env{DB: n.DB, In: n.Inbound(), Way: way})
		n.StartRunner(p.Run)
		defer n.Stop()
		s := &mute{broken: make(chan struct{}), over: make(chan struct{})}
		link.accepted <- s
		time.Sleep(time.Minute)
		way.set(true)
		time.Sleep(time.Minute)
		way.set(false)
		time.Sleep(time.Minute)
		way.set(true)
		time.Sleep(time.Minute)
		close(s.broken)
		time.Sleep(time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.hushed) != 3 || !s.hushed[0] || s.hushed[1] || !s.hushed[2] {
			t.Errorf("hushed %v", s.hushed)
		}
		if len(s.why) != 1 || s.why[0] != nil {
			t.Errorf("closed with %v", s.why)
		}
	})
}
