// Package muc holds chat rooms (XEP-0045): who is in them, what is said in them, and what of it is kept.
//
// The README beside this file lists the use cases of the standard and where each is handled.
package muc

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces.
const (
	NS           = "http://jabber.org/protocol/muc"
	NSUser       = NS + "#user"
	NSAdmin      = NS + "#admin"
	NSOwner      = NS + "#owner"
	nsOccupantID = "urn:xmpp:occupant-id:0"
	nsStanzaID   = "urn:xmpp:sid:0"
	nsDelay      = "urn:xmpp:delay"
	nsHints      = "urn:xmpp:hints"
	nsPing       = "urn:xmpp:ping"
	nsVCard      = "vcard-temp"
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"
	nsFMUC       = "http://isode.com/protocol/fmuc"
)

// Host is what the Service asks of the local domains' Sink.
type Host interface {
	Resource(full jid.JID) *local.Resource
	Local(domain string) bool
	DB() *store.DB
	Read(t *router.Turn, f func(*store.Tx) error) error
	Blocked(t *router.Turn, account, other jid.JID) (bool, error)
	AccountExists(t *router.Turn, bare jid.JID) (bool, error)
}

// Service is the Sink of the rooms' domains.
type Service struct {
	host     Host
	router   *router.Router
	fed      Federation // set before the first stanza; nil: none
	options  atomic.Pointer[Options]
	relay    relay
	whispers whispers
	pacing   pacing

	in       map[jid.JID]int     // touched by ops only: how many places in rooms a user's clients have
	iqs      map[iqKey]iqHandler // written by New only
	messages []messageHandler

	mu      sync.RWMutex // guards what follows
	rooms   map[jid.JID]*Room
	domains map[string]func()
}

var _ router.Sink = (*Service)(nil)

// New makes a Service that answers through r. Call Use and Load before the first stanza comes.
func New(h Host, r *router.Router, o Options) *Service {
	s := &Service{
		host: h, router: r,
		iqs:     make(map[iqKey]iqHandler),
		in:      make(map[jid.JID]int),
		rooms:   make(map[jid.JID]*Room),
		domains: make(map[string]func()),
	}
	s.SetOptions(o)
	s.serve()
	return s
}

// serve registers who answers what.
func (s *Service) serve() {
	s.servePing()
	s.serveArchive()
	s.serveVitals()
	s.serveDisco()
	s.serveOwner()
	s.serveAdmin()
	s.serveRegister()
	s.serveCard()
	s.handleMessage(s.mediate)
	s.handleMessage(s.voice)
}

// SetOptions changes the settings; what is under way goes on by the old ones.
func (s *Service) SetOptions(o Options) {
	o = o.withDefaults()
	s.options.Store(&o)
}

// Use names the federation.
func (s *Service) Use(f Federation) { s.fed = f }

// SetDomains makes the Service answer for exactly these domains.
func (s *Service) SetDomains(domains []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d, unbind := range s.domains {
		if !slices.Contains(domains, d) {
			unbind()
			delete(s.domains, d)
		}
	}
	for _, d := range domains {
		if _, ok := s.domains[d]; ok {
			continue
		}
		unbind, err := s.router.Bind(d, s)
		if err != nil {
			return fmt.Errorf("muc: %w", err)
		}
		s.domains[d] = unbind
	}
	return nil
}

// Room finds a room, nil if there is none of that bare JID.
func (s *Service) Room(bare jid.JID) *Room {
	if r := s.room(bare); r != nil && r.State() != nil {
		return r
	}
	return nil
}

// room also finds rooms whose creation is not committed yet.
func (s *Service) room(bare jid.JID) *Room {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rooms[bare]
}

// Rooms lists all rooms, by address.
func (s *Service) Rooms() (all []*Room) {
	s.mu.RLock()
	for _, r := range s.rooms {
		if r.State() != nil {
			all = append(all, r)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Room) int { return compare(a.jid, b.jid) })
	return all
}

// request is one stanza for a room, or for the service itself.
type request struct {
	*router.Turn
	stanza  *stanza.Stanza
	room    *Room // nil: there is none of that name, or the service itself is asked
	state   *State
	from    *Occupant       // the sender, nil if it is not in the room
	payload *markup.Element // of an iq get or set; nil for others
}

// iqTo says whom an IQ handler answers for.
type iqTo uint8

const (
	toService iqTo = iota
	toRoom
)

type iqKey struct {
	to           iqTo
	space, local string
	set          bool
}

// iqHandler answers by Service.reply, or refuses with a *stanza.Err (or router.ErrNeedTx).
type iqHandler func(q *request) error

// messageHandler looks at a message to the room itself that is not groupchat; done: it was for it.
type messageHandler func(q *request) (done bool, err error)

// handleIQ registers who answers requests with that payload.
func (s *Service) handleIQ(to iqTo, space, local string, set bool, f iqHandler) {
	s.iqs[iqKey{to, space, local, set}] = f
}

// handleMessage registers who looks at messages to the room itself, in the order of the calls.
func (s *Service) handleMessage(f messageHandler) { s.messages = append(s.messages, f) }

// Accept takes a stanza for one of the rooms' domains.
func (s *Service) Accept(t *router.Turn, st *stanza.Stanza) error {
	q := &request{Turn: t, stanza: st}
	if st.To.Local() != "" {
		if q.room = s.room(st.To.Bare()); q.room != nil {
			if q.state = q.room.Next(t); q.state == nil {
				q.room = nil
			} else {
				q.from = q.state.clients[st.From]
			}
		}
		if mine, err := s.federated(q); mine {
			return err
		}
	}
	switch st.Kind {
	case stanza.Presence:
		return s.presence(q)
	case stanza.Message:
		return s.message(q)
	}
	return s.iq(q)
}

// federated gives Federation what is its own.
func (s *Service) federated(q *request) (mine bool, err error) {
	st := q.stanza
	if s.host.Local(st.From.Domain()) { // an account of ours is no room
		return false, nil
	}
	if st.Kind == stanza.IQ || !st.Has(nsFMUC, "fmuc") && !(st.IsError() && q.from == nil) {
		return false, nil
	}
	if s.fed == nil {
		if st.Kind == stanza.Presence { // XEP-0289 is not spoken here; an error would not be understood either
			return true, nil
		}
		return true, stanza.Fail(stanza.ServiceUnavailable, "")
	}
	if err := q.NeedTx(); err != nil {
		return true, err
	}
	return true, s.fed.Stanza(q.Turn, q.room, st)
}

// iq answers a request to the service or to a room, and passes on what is for an occupant.
func (s *Service) iq(q *request) error {
	st := q.stanza
	switch st.Type {
	case stanza.Get, stanza.Set:
	case stanza.Result, stanza.Error:
		return s.relayAnswer(q)
	default:
		return stanza.Fail(stanza.BadRequest, "an iq is get, set, result or error") // RFC 6120 §8.2.3 rule 2
	}
	if st.ID == "" || len(st.Children) != 1 {
		return stanza.Fail(stanza.BadRequest, "a request has an id and exactly one child") // RFC 6120 §8.2.3 rules 1, 3
	}
	if !st.To.IsBare() {
		return s.iqToOccupant(q)
	}
	to := toService
	if st.To.Local() != "" {
		if to = toRoom; q.room == nil {
			return stanza.Fail(stanza.ItemNotFound, "")
		}
	}
	c := st.Children[0]
	f := s.iqs[iqKey{to, c.Name.Space, c.Name.Local, st.Type == stanza.Set}]
	if f == nil {
		return stanza.Fail(stanza.ServiceUnavailable, "") // RFC 6120 §8.4
	}
	if q.payload = st.Payload(); q.payload == nil {
		return stanza.Fail(stanza.BadRequest, "")
	}
	return f(q)
}

// reply answers an iq; inner is well-formed markup, the result's children.
func (s *Service) reply(q *request, inner []byte) error {
	return s.send(q.Turn, q.stanza.Result(inner))
}

// send brings a stanza to its to: a client of ours gets it directly once the Turn is committed, others by the router
// within the Turn.
func (s *Service) send(t *router.Turn, st *stanza.Stanza) error {
	if s.host.Local(st.To.Domain()) && !st.To.IsBare() {
		t.After(func() {
			if r := s.host.Resource(st.To); r != nil {
				r.Send(st)
			}
		})
		return nil
	}
	return s.router.Route(t, st)
}

// submit runs f as a Turn of its own. It may be called from After.
func (s *Service) submit(what string, f func(*router.Turn) error) {
	t := new(router.Turn)
	s.host.DB().Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		switch {
		case err == nil:
			t.Done()
		case !errors.Is(err, store.ErrClosed):
			slog.Warn("muc: "+what, "err", err)
		}
	})
}
