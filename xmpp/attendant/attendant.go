// Package attendant is a contact of the node's own, node@domain, that answers its users in plain words: what became of my messages,
// why does this one wait, take that one back.
//
// It is not an account: nobody can log in as it. Any user of the node may talk to it and add it to the contacts; each is told only of
// messages of their own. Nobody from elsewhere gets an answer.
//
//	Accept (any goroutine) ─ After ─▶ work ─▶ Run: Truth ─▶ Route the answer
package attendant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// NS qualifies what the attendant keeps and says of itself.
const NS = "urn:x-longwire:attendant:0"

// Truth knows what became of messages. Its methods are called by one goroutine.
type Truth interface {
	// OfAccount are an account's messages, newest first, at most so many.
	OfAccount(account jid.JID, most int) ([]delivery.Message, error)
	// Cancel takes back a message of the account's, and tells what is known of it then: delivery.Cancelled if that was in time.
	Cancel(account jid.JID, peer string, entry uint64) (delivery.Message, error)
}

// Host is what the attendant asks of the local domains' Sink.
type Host interface {
	DB() *store.DB
	Local(domain string) bool
	Route(t *router.Turn, s *stanza.Stanza) error
	All() []*local.Resource
}

// maxWork is how many questions may wait; one more is refused, and its sender told so.
const maxWork = 64

// An Attendant answers at one name of all local domains. Make it with New; Run works off what Accept took.
type Attendant struct {
	host  Host
	truth Truth
	log   *slog.Logger
	work  chan func()

	mu    sync.Mutex // guards what follows
	name  string     // "": it is away
	pace  map[jid.JID]*pace
	asked uint64 // ids of what it says
}

var _ router.Sink = (*Attendant)(nil)

// New makes the attendant, who is away until Be is called.
func New(h Host, truth Truth, log *slog.Logger) *Attendant {
	return &Attendant{host: h, truth: truth, log: log, work: make(chan func(), maxWork), pace: make(map[jid.JID]*pace)}
}

// Name is the local part it answers at; "" while it is away.
func (a *Attendant) Name() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.name
}

// Be makes the attendant answer at a name, or go away ("").
func (a *Attendant) Be(name string) {
	a.mu.Lock()
	was := a.name
	a.name = name
	a.mu.Unlock()
	if was == name {
		return
	}
	if was != "" {
		a.submit(func() { a.showAll(was, stanza.Unavailable) })
	}
	if name != "" {
		a.submit(func() { a.showAll(name, "") })
	}
}

// Run answers until ctx is done.
func (a *Attendant) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-a.work:
			f()
		}
	}
}

// submit hands work to Run, and tells whether there was room.
func (a *Attendant) submit(f func()) bool {
	select {
	case a.work <- f:
		return true
	default:
		return false
	}
}

// Accept takes what a local user sends to the attendant. It asks nothing of the store.
func (a *Attendant) Accept(t *router.Turn, s *stanza.Stanza) error {
	if !a.host.Local(s.From.Domain()) || s.From.Local() == "" || s.From.Bare() == s.To.Bare() {
		// As if there were nobody: what crosses a link must not be answered for nothing.
		if s.Kind == stanza.Presence || s.IsError() || s.Kind == stanza.IQ && !s.IsRequest() {
			return nil
		}
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	switch s.Kind {
	case stanza.Presence:
		return a.presence(t, s)
	case stanza.IQ:
		return a.iq(t, s)
	}
	return a.message(t, s)
}

// Tell says something to a user of its own accord; a user who is away gets it later. It does not wait. It tells whether the
// user will be told: not when the attendant is away, or too much waits already.
func (a *Attendant) Tell(account jid.JID, text string) bool {
	if a.Name() == "" {
		return false
	}
	return a.submit(func() { a.say(account.Bare(), text, true, nil) })
}

// say sends a text. What answers a question is of no use later and is not kept; what was not asked for is.
func (a *Attendant) say(to jid.JID, text string, keep bool, extra []byte) {
	name := a.Name()
	if name == "" {
		return
	}
	from, err := jid.New(name, to.Domain(), "")
	if err != nil {
		return
	}
	s := &stanza.Stanza{Kind: stanza.Message, From: from, To: to, Type: stanza.Chat, ID: a.nextID()}
	s.SetInner(append(body(text, keep), extra...))
	a.route(s)
}

func (a *Attendant) nextID() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return fmt.Sprintf("attendant-%x-%d", time.Now().UnixNano(), a.asked)
}

// route sends a stanza of the attendant's, in a transaction if that is needed, and waits for it.
func (a *Attendant) route(s *stanza.Stanza) {
	t := new(router.Turn)
	err := a.host.Route(t, s)
	if errors.Is(err, router.ErrNeedTx) {
		err = a.host.DB().Update(func(tx *store.Tx) error {
			t.Reset(tx)
			return a.host.Route(t, s)
		})
	}
	if err != nil {
		a.log.Warn("attendant: its words are lost", "to", s.To.String(), "err", err)
		return
	}
	t.Done()
}
