// Package blocking keeps the block lists of accounts (XEP-0191) and tells, on every stanza's way, who is on them.
package blocking

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0191.
const (
	NS       = "urn:xmpp:blocking"
	NSErrors = "urn:xmpp:blocking:errors"
)

// MaxItems is how many addresses one account may block.
const MaxItems = 1000

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
	Resources(bare jid.JID) []*local.Resource
}

// Presence is called in the Turn that changes a block list, for each contact with a subscription either way, and each
// address that had directed presence, who is now blocked or no longer: it sends unavailable, or the current presences
// and probes (XEP-0191 §3.3, §3.4). contact is a bare JID, or a full one when only that resource is concerned.
type Presence func(t *router.Turn, account, contact jid.JID, blocked bool) error

// Service answers for accounts, and is the Host's Blocker.
type Service struct {
	host     Host
	presence Presence
	cache    cache
}

var _ local.Blocker = (*Service)(nil)

// New makes the service and registers it with the host. presence may be nil.
func New(h Host, presence Presence) *Service {
	s := &Service{host: h, presence: presence}
	h.HandleIQ(NS, "blocklist", "get", local.ForAccount, s.get)
	h.HandleIQ(NS, "block", "set", local.ForAccount, s.block)
	h.HandleIQ(NS, "unblock", "set", local.ForAccount, s.unblock)
	h.Feature(local.ForServer, NS) // XEP-0191 §3.1
	return s
}

// Refusal is the error for a stanza of the account's own to someone it has blocked. XEP-0191 §3.3.
func Refusal() *stanza.Err {
	return &stanza.Err{Condition: stanza.NotAcceptable, Type: "cancel", App: []byte("<blocked xmlns='" + NSErrors + "'/>")}
}

func (s *Service) get(q *local.Request) error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "")
	}
	if q.Resource != nil {
		q.Resource.SetWantsBlocks() // before the list is read, so that no change falls in between
	}
	l, err := s.read(q.Turn, q.Account)
	if err != nil {
		return err
	}
	items := slices.SortedFunc(maps.Keys(l), func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	q.Reply(element("blocklist", items))
	return nil
}

func (s *Service) block(q *local.Request) error {
	items, err := parse(q)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return stanza.Fail(stanza.BadRequest, "name whom to block") // XEP-0191 §3.3
	}
	if slices.Contains(items, q.Account) {
		return stanza.Fail(stanza.NotAcceptable, "an account cannot block itself")
	}
	return s.change(q, "block", items, func(l list) error {
		for _, j := range items {
			l[j] = struct{}{}
		}
		if len(l) > MaxItems {
			return stanza.Fail(stanza.ResourceConstraint, fmt.Sprintf("at most %d addresses can be blocked", MaxItems))
		}
		return nil
	})
}

func (s *Service) unblock(q *local.Request) error {
	items, err := parse(q)
	if err != nil {
		return err
	}
	return s.change(q, "unblock", items, func(l list) error {
		if len(items) == 0 {
			clear(l) // XEP-0191 §3.5
		}
		for _, j := range items {
			delete(l, j)
		}
		return nil
	})
}

// parse reads the items of a request. One bad address spoils it whole.
func parse(q *local.Request) ([]jid.JID, error) {
	if !q.Own {
		return nil, stanza.Fail(stanza.Forbidden, "")
	}
	if len(q.Payload.Children) > MaxItems {
		return nil, stanza.Fail(stanza.ResourceConstraint, fmt.Sprintf("at most %d addresses in one request", MaxItems))
	}
	var items []jid.JID
	for _, c := range q.Payload.Children {
		if c.Name.Space != NS || c.Name.Local != "item" || !c.HasAttr("jid") {
			return nil, stanza.Fail(stanza.BadRequest, "")
		}
		j, err := jid.Parse(c.Attr("jid"))
		if err != nil {
			return nil, stanza.Fail(stanza.JIDMalformed, "")
		}
		if !slices.Contains(items, j) {
			items = append(items, j)
		}
	}
	return items, nil
}

// change edits the account's list, keeps it, tells the contacts concerned and the account's clients.
func (s *Service) change(q *local.Request, verb string, items []jid.JID, edit func(list) error) error {
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	before, err := load(q.Turn.Tx, q.Account)
	if err != nil {
		return err
	}
	after := maps.Clone(before)
	if err := edit(after); err != nil {
		return err
	}
	if err := keep(q.Turn.Tx, q.Account, before, after); err != nil {
		return err
	}
	// Now, for what this Turn still asks; and after the commit, for what was read meanwhile.
	s.cache.forget(q.Account)
	q.Turn.After(func() { s.cache.forget(q.Account) })

	if err := s.tellContacts(q, before, after); err != nil {
		return err
	}
	q.Reply(nil)
	push := &stanza.Stanza{Kind: stanza.IQ, From: q.Account, Type: stanza.Set, ID: "b" + rand.Text()[:12]}
	push.SetInner(element(verb, items))
	q.Turn.After(func() {
		for _, r := range s.host.Resources(q.Account) {
			if r.WantsBlocks() {
				r.Send(push)
			}
		}
	})
	return nil
}

// tellContacts runs the Presence hook for everyone whose fate changed.
func (s *Service) tellContacts(q *local.Request, before, after list) error {
	if s.presence == nil {
		return nil
	}
	contacts, err := subscribed(q)
	if err != nil {
		return err
	}
	told := make(map[jid.JID]bool)
	tell := func(contact jid.JID) error {
		now := after.has(contact)
		if told[contact] || told[contact.Bare()] || now == before.has(contact) {
			return nil
		}
		told[contact] = true
		return s.presence(q.Turn, q.Account, contact, now)
	}
	who := contacts
	for _, j := range differing(before, after) {
		if slices.Contains(contacts, j.Bare()) {
			who = append(who, j) // a single resource of a contact
		}
	}
	for _, r := range s.host.Resources(q.Account) {
		who = append(who, r.Directed().All()...)
	}
	for _, j := range who {
		if err := tell(j); err != nil {
			return err
		}
	}
	return nil
}

// subscribed lists the contacts with a subscription either way.
func subscribed(q *local.Request) (contacts []jid.JID, err error) {
	err = q.Turn.Tx.Roster(q.Account.String(), func(it store.RosterItem) error {
		if j, err := jid.Parse(it.Contact); err == nil && (it.From || it.To) {
			contacts = append(contacts, j)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("blocking: reading the roster of %s: %w", q.Account, err)
	}
	return contacts, nil
}

// differing lists the full JIDs that are in one list only.
func differing(a, b list) (js []jid.JID) {
	for _, p := range [2][2]list{{a, b}, {b, a}} {
		for j := range p[0] {
			if _, ok := p[1][j]; !ok && !j.IsBare() {
				js = append(js, j)
			}
		}
	}
	return js
}

func element(name string, items []jid.JID) []byte {
	b := append([]byte{'<'}, name...)
	b = append(b, " xmlns='"+NS+"'"...)
	if len(items) == 0 {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	for _, j := range items {
		b = append(b, "<item jid='"...)
		b = markup.AppendEscaped(b, j.String())
		b = append(b, "'/>"...)
	}
	return append(append(append(b, "</"...), name...), '>')
}
