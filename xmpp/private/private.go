// Package private keeps whatever XML a client wants to find again on its next device (XEP-0049).
package private

import (
	"errors"
	"fmt"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// NS qualifies the query.
const NS = "jabber:iq:private"

// Bounds of what one account may keep.
const (
	MaxBytes = 64 << 10 // of one element
	MaxCount = 64       // elements
	maxName  = 512      // bytes of an element's namespace and name
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
}

// A Keeper keeps one element in a form of its own, such as bookmarks (package pep).
type Keeper interface {
	Name() markup.Name
	// Get is the whole element, nil when there is none.
	Get(t *router.Turn, account jid.JID) ([]byte, error)
	// Set keeps the element, or refuses it with a *stanza.Err. It needs a transaction.
	Set(t *router.Turn, account jid.JID, e *markup.Element) error
}

// Service keeps one value for each pair of namespace and element name.
type Service struct {
	host    Host
	keepers map[markup.Name]Keeper
}

// New makes the service and registers it with the host.
func New(h Host) *Service {
	s := &Service{h, make(map[markup.Name]Keeper)}
	h.HandleIQ(NS, "query", "get", local.ForAccount, s.get)
	h.HandleIQ(NS, "query", "set", local.ForAccount, s.set)
	h.Feature(local.ForServer, NS)
	return s
}

// Keep leaves the element of k's name to k. It is called before the first stanza comes.
func (s *Service) Keep(k Keeper) { s.keepers[k.Name()] = k }

func (s *Service) get(q *local.Request) error {
	if err := check(q); err != nil {
		return err
	}
	if len(q.Payload.Children) > 1 {
		return stanza.Fail(stanza.NotAcceptable, "ask for one element at a time") // XEP-0049 §2.3
	}
	e := q.Payload.Children[0]
	kept, err := s.read(q, e.Name)
	if err != nil {
		return err
	}
	if kept == nil {
		kept = empty(e.Name) // what was never stored is an empty element
	}
	b := append([]byte(nil), "<query xmlns='"+NS+"'>"...)
	b = append(b, kept...)
	q.Reply(append(b, "</query>"...))
	return nil
}

// read is the whole element, nil when there is none.
func (s *Service) read(q *local.Request, n markup.Name) (kept []byte, err error) {
	if k := s.keepers[n]; k != nil {
		return k.Get(q.Turn, q.Account)
	}
	err = s.host.Read(q.Turn, func(tx *store.Tx) error {
		b, err := tx.Blob(q.Account.String(), store.BlobPrivate, key(n))
		kept = append([]byte(nil), b...)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("private: reading %s of %s: %w", key(n), q.Account, err)
	}
	return kept, nil
}

func (s *Service) set(q *local.Request) error {
	if err := check(q); err != nil {
		return err
	}
	kept := 0
	for _, e := range q.Payload.Children {
		if len(e.Raw) > MaxBytes {
			return stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("an element may have at most %d bytes", MaxBytes))
		}
		if s.keepers[e.Name] != nil {
			kept++
		}
	}
	if kept > 1 { // the second might be refused when the first is kept already
		return stanza.Fail(stanza.NotAcceptable, "one element at a time, of those that are kept in another form")
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if err := room(q); err != nil {
		return err
	}
	for _, e := range q.Payload.Children { // first, as it may be refused
		if k := s.keepers[e.Name]; k != nil {
			if err := k.Set(q.Turn, q.Account, e); err != nil {
				return err
			}
		}
	}
	for _, e := range q.Payload.Children {
		if s.keepers[e.Name] != nil {
			continue
		}
		if err := q.Turn.Tx.PutBlob(q.Account.String(), store.BlobPrivate, key(e.Name), e.Raw); err != nil {
			return fmt.Errorf("private: keeping %s of %s: %w", key(e.Name), q.Account, err)
		}
	}
	q.Reply(nil)
	return nil
}

// check refuses what is wrong with both get and set.
func check(q *local.Request) error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "") // XEP-0049 §2.3
	}
	if len(q.Payload.Children) == 0 {
		return stanza.Fail(stanza.NotAcceptable, "") // XEP-0049 §2.3: at least one child element
	}
	for _, e := range q.Payload.Children {
		if e.Name.Space == "" || e.Name.Space == markup.NoNamespace || e.Name.Space == NS {
			return stanza.Fail(stanza.NotAcceptable, "the element needs a namespace of its own")
		}
		if len(key(e.Name)) > maxName {
			return stanza.Fail(stanza.NotAcceptable, "the element's name is too long")
		}
	}
	return nil
}

// room refuses more elements than an account may keep.
func room(q *local.Request) error {
	names := make(map[string]struct{})
	for _, e := range q.Payload.Children {
		names[key(e.Name)] = struct{}{}
	}
	err := q.Turn.Tx.Blobs(q.Account.String(), store.BlobPrivate, func(name string, _ []byte) error {
		names[name] = struct{}{}
		return nil
	})
	if err != nil {
		return fmt.Errorf("private: counting the elements of %s: %w", q.Account, err)
	}
	if len(names) > MaxCount {
		return stanza.Fail(stanza.ResourceConstraint, fmt.Sprintf("at most %d elements are kept", MaxCount))
	}
	return nil
}

// key names the value in the store. A space stands in neither part.
func key(n markup.Name) string { return n.Local + " " + n.Space }

func empty(n markup.Name) []byte {
	b := append([]byte{'<'}, n.Local...)
	b = append(b, " xmlns='"...)
	b = markup.AppendEscaped(b, n.Space)
	return append(b, "'/>"...)
}
