package fmuc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Host is what the Service asks of the node.
type Host interface {
	DB() *store.DB
	Route(t *router.Turn, s *stanza.Stanza) error
}

// Options are the settings of a Service.
type Options struct {
	Enabled bool // off: no room is federated, whatever its configuration says
	// Peer tells how to deal with the rooms of a domain; ok is false when that is no rooms domain of a peer, and then
	// nothing there is federated with. nil: every domain is one.
	Peer func(domain string) (p Peer, ok bool)
	// Reachable tells whether stanzas for a domain get through now, as far as the node knows without asking. nil: always.
	Reachable func(domain string) bool
	// Queue is where stanzas for a domain wait, nil if it is not known; of what is told to a room of our kind only the last word waits.
	// nil: never known.
	Queue func(domain string) *store.Queue
	// Settle is how long after the start the peers believe that our occupants are still there; default 60 s.
	Settle time.Duration
	Log    *slog.Logger // default: slog.Default()
}

// A Peer is the settings for the rooms of one peer. Zero durations mean the default.
type Peer struct {
	HonourKicks bool // its moderators may remove occupants of ours
	Foreign     bool // it is not of our kind: it gets a farewell before a second join, and no answer twice
	RejectText  bool // it is told why it is rejected, which costs bytes
	LastN       int  // of what it missed it gets at most so many lines; 0: all

	Stale       time.Duration // how long it may be out of reach before the room is told; default 5 min
	JoinTimeout time.Duration // how long a replica's user waits for the answer; default 20 min
}

// Service federates the rooms of a muc.Service.
//
// What it knows of a room is in rooms, and in records that say the same. Both change in the store's operations only, which
// run one after the other; OnUndo puts the memory back when an operation comes to nothing.
type Service struct {
	host    Host
	muc     *muc.Service
	options atomic.Pointer[Options]
	rooms   map[jid.JID]*room // touched by operations only
	sending bool              // errors that come now wait until what is being done is done
	routing bool              // as routing, tooBig: an error that comes now is our own node's word on what we send
	tooBig  bool              // and it was that the stanza is too big for the way

	mu     sync.Mutex // guards what follows
	alarms map[alarm]time.Time
	joined map[pair]time.Time // peers that are joined; since when they are out of reach, zero: they are not
	counts map[pair]*Counters
	poke   chan struct{}
}

// pair is a room of ours and one of a peer.
type pair struct{ room, peer jid.JID }

var _ muc.Federation = (*Service)(nil)

// New makes a Service for the rooms of m. Hand it to m.Use before m.Load, and run Run.
func New(h Host, m *muc.Service, o Options) *Service {
	s := &Service{
		host: h, muc: m,
		rooms:  make(map[jid.JID]*room),
		alarms: make(map[alarm]time.Time),
		joined: make(map[pair]time.Time),
		counts: make(map[pair]*Counters),
		poke:   make(chan struct{}, 1),
	}
	s.options.Store(o.withDefaults())
	return s
}

func (o Options) withDefaults() *Options {
	if o.Settle == 0 {
		o.Settle = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &o
}

// SetOptions changes the settings. What they mean for each room is seen at once.
func (s *Service) SetOptions(o Options) {
	s.options.Store(o.withDefaults())
	for _, mr := range s.muc.Rooms() {
		s.submit(context.Background(), "applying settings", func(t *router.Turn) error {
			if st := mr.Next(t); st != nil { // as if it had been configured otherwise, so that who was refused is asked again
				return s.Configured(t, mr, &store.Room{}, &st.Config)
			}
			return nil
		})
	}
}

// peer is how to deal with a domain.
func (s *Service) peer(domain string) (p Peer, ok bool) {
	o := s.options.Load()
	if o.Peer == nil {
		p, ok = Peer{HonourKicks: true}, true
	} else {
		p, ok = o.Peer(domain)
	}
	if p.Stale == 0 {
		p.Stale = 5 * time.Minute
	}
	if p.JoinTimeout == 0 {
		p.JoinTimeout = 20 * time.Minute // spec: twice the peer's iq-timeout
	}
	return p, ok
}

func (s *Service) reachable(domain string) bool {
	f := s.options.Load().Reachable
	return f == nil || f(domain)
}

func (s *Service) log() *slog.Logger { return s.options.Load().Log }

// send hands a stanza to the router. What comes back meanwhile, because a queue is full or the way is closed, is dealt with
// later: here we are in the middle of telling things.
func (s *Service) send(t *router.Turn, st *stanza.Stanza) error {
	before := s.sending
	s.sending = true
	defer func() { s.sending = before }()
	return s.host.Route(t, st)
}

// submit runs f as a Turn of its own, later.
func (s *Service) submit(ctx context.Context, what string, f func(*router.Turn) error) {
	t := new(router.Turn)
	s.host.DB().Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		switch {
		case err == nil:
			t.Done()
		case !errors.Is(err, store.ErrClosed) && ctx.Err() == nil:
			s.log().Warn("fmuc: "+what, "err", err)
		}
	})
}
