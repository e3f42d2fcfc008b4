// Package muc holds chat rooms (XEP-0045): who is in them, what is said in them, and what of it is kept.
//
// The README beside this file lists the use cases of the standard and where each is handled.
package muc

import (
	"fmt"
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
