// Package pep makes every account a small publish-subscribe service: personal eventing, XEP-0163 on XEP-0060.
//
// Nodes, items and rights live in the store; who is told of an event is found after the commit, among the node's own
// clients that show an interest (package caps). Nothing of it crosses a peer link: see Options.Peers.
//
//	client ─ iq ─▶ rights, configuration ─▶ store ─ commit ─▶ events to own clients and to those of contacts here
//	client ─ presence ─▶ package presence ─ Watcher ─▶ caps ─▶ last items of all that it may see and wants
package pep

import (
	"fmt"

	"longwire/store"
	"longwire/xmpp/caps"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/presence"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of XEP-0060.
const (
	NS       = "http://jabber.org/protocol/pubsub"
	NSOwner  = "http://jabber.org/protocol/pubsub#owner"
	NSEvent  = "http://jabber.org/protocol/pubsub#event"
	NSErrors = "http://jabber.org/protocol/pubsub#errors"
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	caps.Host
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
	Resources(bare jid.JID) []*local.Resource
	Local(domain string) bool
	Blocked(t *router.Turn, account, other jid.JID) (bool, error)
	Trusted(t *router.Turn, account, other jid.JID) (bool, error)
}

// Contacts are the rosters (package roster).
type Contacts interface {
	Item(t *router.Turn, account, contact jid.JID) (it store.RosterItem, ok bool, err error)
	Items(t *router.Turn, account jid.JID) ([]store.RosterItem, error)
}

// Options of the service; zero fields mean the default.
type Options struct {
	Nodes       int   // of an account; default 200
	Items       int   // of a node, which is what max_items "max" means; default 1000
	Payload     int   // octets of an item; default 64 KiB
	Bytes       int64 // of all items of an account, each counted with 512 octets more than its payload; default 4 MiB
	Subscribers int   // of a node, by their own request; default 100

	// Peers tells whether those of a domain across a peer link may ask, by the access model of each node; nil: none may, as
	// an answer may be large and each octet of it costs air.
	Peers func(domain string) bool

	// Near tells whether a domain is on this node though none of accounts: a rooms service; nil: none is. Directed presence
	// to it shows the avatar.
	Near func(domain string) bool
	// Renew shows the presence of an account's clients anew to those on this node (package presence), when its avatar has
	// changed; nil: they see that with the next presence.
	Renew func(t *router.Turn, account jid.JID) error
}

func (o Options) withDefaults() Options {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	def(&o.Nodes, 200)
	def(&o.Items, 1000)
	def(&o.Payload, 64<<10)
	def(&o.Subscribers, 100)
	if o.Bytes <= 0 {
		o.Bytes = 4 << 20
	}
	return o
}

// Service answers for the nodes of all local accounts.
type Service struct {
	host     Host
	contacts Contacts
	o        Options
	caps     *caps.Service
	events   counter
}

var _ presence.Watcher = (*Service)(nil)

// New makes the service and registers it with the host. It must be made a Watcher of presence.
func New(h Host, c Contacts, o Options) *Service {
	s := &Service{host: h, contacts: c, o: o.withDefaults()}
	s.caps = caps.New(h, s.wanted)
	h.HandleIQ(NS, "pubsub", "get", local.ForAccount, s.handler(NS, gets))
	h.HandleIQ(NS, "pubsub", "set", local.ForAccount, s.handler(NS, sets))
	h.HandleIQ(NSOwner, "pubsub", "get", local.ForAccount, s.handler(NSOwner, ownerGets))
	h.HandleIQ(NSOwner, "pubsub", "set", local.ForAccount, s.handler(NSOwner, ownerSets))
	h.Feature(local.ForAccount, features()...)
	h.Feature(local.ForAccount, bookmarkFeatures...)
	h.Feature(local.ForAccount, "urn:xmpp:pep-vcard-conversion:0") // XEP-0398 §2
	return s
}

// Capable is what stands in the answer to disco#info of a client with that verification string, if any of ours has shown it.
func (s *Service) Capable(hash, ver string) (inner []byte, ok bool) { return s.caps.Info(hash, ver) }

// features lists what XEP-0060 §10 names and this does.
func features() []string {
	all := []string{NS}
	for _, f := range []string{
		"access-open", "access-presence", "access-roster", "access-whitelist", "auto-create", "auto-subscribe", "config-node",
		"config-node-max", "create-and-configure", "create-nodes", "delete-items", "delete-nodes", "filtered-notifications",
		"instant-nodes", "item-ids", "last-published", "meta-data", "multi-items", "persistent-items", "presence-notifications",
		"presence-subscribe", "publish", "publish-options", "pubsub-on-a-jid", "purge-nodes", "retract-items", "retrieve-affiliations",
		"retrieve-default", "retrieve-items", "retrieve-subscriptions", "rsm", "subscribe",
	} {
		all = append(all, NS+"#"+f)
	}
	return all
}

// request is one request to one account.
type request struct {
	*local.Request
	act  *markup.Element // publish, items, …
	node string          // its node, "" when it names none
}

type action func(s *Service, q *request) error

// What may stand in <pubsub/>; what is known and not done here is refused with the feature that is missing.
var (
	gets = map[string]action{
		"items": (*Service).items, "subscriptions": (*Service).subscriptions, "affiliations": (*Service).affiliations,
		"options": unsupported("subscription-options"), "default": unsupported("retrieve-default-sub"),
	}
	sets = map[string]action{
		"publish": (*Service).publish, "retract": (*Service).retract, "create": (*Service).create,
		"subscribe": (*Service).subscribe, "unsubscribe": (*Service).unsubscribe, "options": unsupported("subscription-options"),
	}
	ownerGets = map[string]action{
		"configure": (*Service).configuration, "default": (*Service).defaultConfiguration,
		"affiliations": (*Service).owners, "subscriptions": (*Service).subscribers,
	}
	ownerSets = map[string]action{
		"configure": (*Service).configure, "delete": (*Service).deleteNode, "purge": (*Service).purge,
		"affiliations": unsupported("modify-affiliations"), "subscriptions": unsupported("manage-subscriptions"),
	}
)

func unsupported(feature string) action {
	return func(*Service, *request) error { return lacks(feature) }
}

// handler finds the action that a request asks for.
func (s *Service) handler(space string, actions map[string]action) local.IQHandler {
	return func(q *local.Request) error {
		r := &request{Request: q}
		if err := s.admit(r); err != nil {
			return err
		}
		for _, e := range q.Payload.Children {
			f, ok := actions[e.Name.Local]
			if !ok || e.Name.Space != space {
				continue
			}
			r.act, r.node = e, e.Attr("node")
			if len(r.node) > maxID {
				return stanza.Fail(stanza.NotAcceptable, fmt.Sprintf("the name of a node may have at most %d bytes", maxID))
			}
			return s.shield(r, f(s, r))
		}
		return s.shield(r, stanza.Fail(stanza.BadRequest, "nothing is asked for"))
	}
}

// maxID bounds the names of nodes and items.
const maxID = 1023

// isTrue reads a boolean attribute. XML Schema Part 2 §3.2.2.
func isTrue(s string) bool { return s == "true" || s == "1" }

// failed is an error of the store or of another part: it fails the Turn.
func failed(what string, account jid.JID, node string, err error) error {
	return fmt.Errorf("pep: %s %.80q of %s: %w", what, node, account, err)
}
