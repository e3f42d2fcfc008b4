// Package register lets a user change the password and give up the account (XEP-0077), and, where the operator allows it,
// make one.
package register

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// NS qualifies the query; Feature is the stream feature of a server where accounts can be made (XEP-0077 §7).
const (
	NS      = "jabber:iq:register"
	Feature = "<register xmlns='http://jabber.org/features/iq-register'/>"
)

// declaredText tells the user of an account that the configuration declares why neither it nor its password is theirs to change.
const declaredText = "this account is set up by the operator of the node"

// maxPassword bounds what is hashed.
const maxPassword = 1024

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Local(domain string) bool
}

// Options of the service. Derive is needed; the other zero fields mean the default.
type Options struct {
	// Derive makes the credentials of a password. An error says that the password itself cannot be used.
	Derive func(password string) ([]store.Credential, error)
	// Made is called in the Turn that makes an account for a stranger, once it is there.
	Made func(t *router.Turn, account jid.JID) error
	// Leaving is called in the Turn that removes an account, while it is still there: it ends the subscriptions
	// (XEP-0077 §3.2).
	Leaving func(t *router.Turn, account jid.JID) error
	// Left is called after the commit and the answer: it ends the account's streams with not-authorized.
	Left func(account jid.JID)

	// Reserved tells of an address that nobody may have; nil: none is.
	Reserved func(account jid.JID) bool

	Open    bool // anyone may make an account, before logging in
	PerHour int  // accounts made in any hour, whoever asks; default 20
}

// Service answers on streams that are logged in, and, through Stranger, on those that are not.
type Service struct {
	o Options
	h Host

	mu    sync.Mutex // guards what follows
	open  bool
	made  []time.Time // of the last hour
	ready map[*stanza.Stanza][]store.Credential
}

// New makes the service and registers it with the host.
func New(h Host, o Options) *Service {
	if o.PerHour == 0 {
		o.PerHour = 20
	}
	s := &Service{o: o, h: h, open: o.Open, ready: make(map[*stanza.Stanza][]store.Credential)}
	// Clients send both without a to attribute and to the server (XEP-0077 §3.2, §3.3).
	h.HandleIQ(NS, "query", "get", local.ForServer|local.ForAccount, s.get)
	h.HandleIQ(NS, "query", "set", local.ForServer|local.ForAccount, s.set)
	h.Feature(local.ForServer, NS)
	return s
}

// Open tells whether anyone may make an account.
func (s *Service) Open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// SetOpen allows or forbids it from here on.
func (s *Service) SetOpen(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

// get tells a user who they are. XEP-0077 §3.1: an entity that has an account is told so.
func (s *Service) get(q *local.Request) error {
	who, err := sender(q)
	if err != nil {
		return err
	}
	b := append([]byte(nil), "<query xmlns='"+NS+"'><registered/><username>"...)
	b = markup.AppendEscaped(b, who.Local())
	q.Reply(append(b, "</username><password/></query>"...))
	return nil
}

func (s *Service) set(q *local.Request) error {
	who, err := sender(q)
	if err != nil {
		return err
	}
	if q.Payload.Child(NS, "remove") != nil {
		return s.remove(q, who)
	}
	return s.change(q, who)
}

// sender finds the account that a request is about: always that of the stream it came on.
func sender(q *local.Request) (jid.JID, error) {
	if !q.Own || q.Resource == nil {
		// XEP-0077 §3.1: a server where one cannot register; peers' users certainly cannot.
		return jid.JID{}, stanza.Fail(stanza.ServiceUnavailable, "")
	}
	who := q.Stanza.From.Bare()
	if q.Account.IsZero() && q.Stanza.To.Domain() != who.Domain() {
		return jid.JID{}, stanza.Fail(stanza.RegistrationRequired, "") // another of our domains: no account there
	}
	return who, nil
}

// change sets a new password. XEP-0077 §3.3.
func (s *Service) change(q *local.Request, who jid.JID) error {
	name, password, err := fields(q.Payload)
	if err != nil {
		return err
	}
	if n, err := jid.New(name, who.Domain(), ""); err != nil || n != who {
		return stanza.Fail(stanza.Forbidden, "only your own password")
	}
	creds, err := s.derive(q.Turn, q.Stanza, password)
	if err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	a, err := q.Turn.Tx.Account(who.String())
	if errors.Is(err, store.ErrNotFound) {
		return stanza.Fail(stanza.RegistrationRequired, "")
	}
	if err == nil && a.Declared == store.ByConfig {
		// XEP-0077 §3.3, not-allowed. Choice: the next reload would bring the old password back.
		return stanza.Fail(stanza.NotAllowed, declaredText)
	}
	if err == nil {
		a.Credentials = creds
		err = q.Turn.Tx.PutAccount(a)
	}
	if err != nil {
		return fmt.Errorf("register: changing the password of %s: %w", who, err)
	}
	q.Reply(nil)
	return nil
}

// remove deletes the account. XEP-0077 §3.2.
func (s *Service) remove(q *local.Request, who jid.JID) error {
	if len(q.Payload.Children) != 1 {
		return stanza.Fail(stanza.BadRequest, "")
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	switch a, err := q.Turn.Tx.Account(who.String()); {
	case errors.Is(err, store.ErrNotFound):
		return stanza.Fail(stanza.RegistrationRequired, "")
	case err != nil && !errors.Is(err, store.ErrCorrupt): // what cannot be read can be deleted
		return fmt.Errorf("register: removing %s: %w", who, err)
	case err == nil && a.Declared == store.ByConfig:
		return stanza.Fail(stanza.NotAllowed, declaredText) // XEP-0077 §3.2
	}
	if s.o.Leaving != nil {
		if err := s.o.Leaving(q.Turn, who); err != nil {
			return err
		}
	}
	if err := q.Turn.Tx.DeleteAccount(who.String()); err != nil {
		return fmt.Errorf("register: removing %s: %w", who, err)
	}
	q.Reply(nil)
	if s.o.Left != nil {
		q.Turn.After(func() { s.o.Left(who) })
	}
	return nil
}

// fields reads the legacy fields; neither may be missing. The name is not normalised yet.
func fields(query *markup.Element) (name, password string, err error) {
	n, p := query.Child(NS, "username"), query.Child(NS, "password")
	if n == nil || p == nil || n.Text == "" || p.Text == "" {
		return "", "", stanza.Fail(stanza.BadRequest, "username and password are both needed") // XEP-0077 §3.3
	}
	if len(p.Text) > maxPassword {
		return "", "", stanza.Fail(stanza.NotAcceptable, fmt.Sprintf("a password may have at most %d bytes", maxPassword))
	}
	return n.Text, p.Text, nil
}

// maxReady bounds the stanzas whose credentials wait for their transaction.
const maxReady = 32

// derive hashes a password. That takes long and must not hold up the store's committer, so it is done on the quick way,
// and the result waits for the stanza to come again with a transaction.
func (s *Service) derive(t *router.Turn, st *stanza.Stanza, password string) ([]store.Credential, error) {
	s.mu.Lock()
	creds, ok := s.ready[st]
	s.mu.Unlock()
	if !ok {
		var err error
		if creds, err = s.o.Derive(password); err != nil {
			return nil, stanza.Fail(stanza.NotAcceptable, "this password cannot be used")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Tx != nil {
		t.After(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.ready, st)
		})
		return creds, nil
	}
	if len(s.ready) >= maxReady {
		clear(s.ready) // those that failed to commit; the others are derived once more
	}
	s.ready[st] = creds
	return creds, nil
}
