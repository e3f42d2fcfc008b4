// Package roster keeps the contact lists of accounts and hands them to their clients (RFC 6121 §2).
//
// An item's subscription state is changed by package presence only; it stores items through this package, so that every
// change reaches all clients that asked for the roster.
package roster

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
)

// NS qualifies the roster's query. RFC 6121 §2.1.
const NS = "jabber:iq:roster"

// What an account may hold. Strangers can make the number of pending requests grow, so it has a bound of its own.
const (
	MaxItems   = 1000 // contacts that the user sees
	MaxPending = 200  // unanswered requests of people who are not contacts
	MaxGroups  = 50   // groups of one contact
	MaxText    = 1023 // octets of a name or group; RFC 6121 §2.1.2.4, §2.1.2.6 let the server choose
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	DB() *store.DB
	Read(t *router.Turn, f func(*store.Tx) error) error
	Resources(bare jid.JID) []*local.Resource
}

// Subscriptions ends what binds an account to a contact that was removed (package presence).
type Subscriptions interface {
	Dropped(t *router.Turn, account, contact jid.JID, was store.RosterItem) error
}

// Service answers roster requests and pushes changes.
//
// mu orders answers and pushes: a client that got an answer gets every later push behind it, and no older one.
type Service struct {
	host   Host
	subs   Subscriptions
	pushes atomic.Uint64 // numbers the pushes' ids

	mu sync.Mutex
}

// New makes the service and registers it with the host. Call Use before the first stanza comes.
func New(h Host) *Service {
	s := &Service{host: h}
	h.HandleIQ(NS, "query", "get", local.ForAccount, s.get)
	h.HandleIQ(NS, "query", "set", local.ForAccount, s.set)
	h.Feature(local.ForServer|local.ForAccount, NS)
	return s
}

// Use names who ends subscriptions.
func (s *Service) Use(subs Subscriptions) { s.subs = subs }

// Item reads one contact's item; ok is false when there is none.
func (s *Service) Item(t *router.Turn, account, contact jid.JID) (it store.RosterItem, ok bool, err error) {
	err = s.host.Read(t, func(tx *store.Tx) (err error) {
		it, err = tx.RosterItem(account.String(), contact.String())
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.RosterItem{Contact: contact.String()}, false, nil
	}
	if err != nil {
		return it, false, fmt.Errorf("roster: reading %s of %s: %w", contact, account, err)
	}
	return it, true, nil
}

// Items reads all items, hidden ones too.
func (s *Service) Items(t *router.Turn, account jid.JID) (items []store.RosterItem, err error) {
	err = s.host.Read(t, func(tx *store.Tx) error {
		items, err = all(tx, account)
		return err
	})
	return items, err
}

func all(tx *store.Tx, account jid.JID) (items []store.RosterItem, err error) {
	err = tx.Roster(account.String(), func(it store.RosterItem) error {
		items = append(items, it)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("roster: reading that of %s: %w", account, err)
	}
	return items, nil
}

// Room tells whether one more item fits: shown to the user, or hidden.
func (s *Service) Room(t *router.Turn, account jid.JID, shown bool) (bool, error) {
	items, err := s.Items(t, account)
	n := 0
	for _, it := range items {
		if it.InRoster == shown {
			n++
		}
	}
	if shown {
		return n < MaxItems, err
	}
	return n < MaxPending, err
}

// Put stores an item and tells the account's clients when it is shown.
func (s *Service) Put(t *router.Turn, account jid.JID, it store.RosterItem) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	ver, err := t.Tx.PutRosterItem(account.String(), it)
	if err != nil {
		return fmt.Errorf("roster: storing %s of %s: %w", it.Contact, account, err)
	}
	it.Ver = ver
	if it.InRoster {
		s.push(t, account, appendItem(nil, it), ver)
	}
	return nil
}

// Delete removes an item and tells the account's clients when it was shown.
func (s *Service) Delete(t *router.Turn, account jid.JID, was store.RosterItem) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	ver, err := t.Tx.DeleteRosterItem(account.String(), was.Contact)
	if err != nil {
		return fmt.Errorf("roster: removing %s of %s: %w", was.Contact, account, err)
	}
	if was.InRoster {
		s.push(t, account, appendRemoved(nil, was.Contact), ver)
	}
	return nil
}

// push sends one changed item to all interested resources once the Turn is committed. RFC 6121 §2.1.6.
func (s *Service) push(t *router.Turn, account jid.JID, item []byte, ver uint64) {
	t.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.pushed(item, ver)
		for _, r := range s.host.Resources(account) {
			if r.Interested() {
				r.Send(p)
			}
		}
	})
}

func logFailure(account jid.JID, err error) {
	slog.Error("roster not sent", "account", account.String(), "err", err)
}
