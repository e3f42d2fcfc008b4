// Package disco tells what the server and its accounts are and can do: XEP-0030, and XEP-0115 for the server itself.
package disco

import (
	"slices"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of service discovery.
const (
	NSInfo  = "http://jabber.org/protocol/disco#info"
	NSItems = "http://jabber.org/protocol/disco#items"
	NSCaps  = "http://jabber.org/protocol/caps"
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Features(scope local.Scope) []string
	Trusted(t *router.Turn, account, other jid.JID) (bool, error)
}

// An Item is something that belongs to a domain: a rooms service, a component. Name may be empty.
type Item struct {
	JID  jid.JID
	Name string
}

// Options of the service; zero fields mean the default. The functions are called for every question, concurrently, so
// that they may follow a changed configuration.
type Options struct {
	Name string // of the server's identity; default "Longwire"
	Node string // the caps node, a URI of the software; default "urn:x-longwire:node"

	Items    func(domain string) []Item // services of a local domain; nil: none
	Contacts func() map[string][]string // XEP-0157 §3: field name such as "admin-addresses" → URIs; nil: none
}

// Nodes answers for what accounts have below themselves (package pep). Who may not know of a node is refused with a
// *stanza.Err, or not told of it.
type Nodes interface {
	// Identity is what an account is besides.
	Identity() (category, kind string)
	// NodeInfo is what stands in the answer to disco#info about a node.
	NodeInfo(q *local.Request, node string) ([]byte, error)
	// NodeItems is what stands in the answer to disco#items about an account (node "") or a node.
	NodeItems(q *local.Request, node string) ([]byte, error)
}

// Service answers disco#info and disco#items.
type Service struct {
	host  Host
	o     Options
	nodes Nodes
}

// New makes the service and registers it with the host.
func New(h Host, o Options) *Service {
	if o.Name == "" {
		o.Name = "Longwire"
	}
	if o.Node == "" {
		o.Node = "urn:x-longwire:node"
	}
	s := &Service{host: h, o: o}
	h.HandleIQ(NSInfo, "query", "get", local.ForServer, s.serverInfo)
	h.HandleIQ(NSItems, "query", "get", local.ForServer, s.serverItems)
	h.HandleIQ(NSInfo, "query", "get", local.ForAccount, s.accountInfo)
	h.HandleIQ(NSItems, "query", "get", local.ForAccount, s.accountItems)
	h.Feature(local.ForServer|local.ForAccount, NSInfo, NSItems)
	h.Feature(local.ForServer, NSCaps)
	return s
}

// Use names who answers for the nodes of accounts. It is called before the first stanza comes.
func (s *Service) Use(n Nodes) { s.nodes = n }

// Caps is the <c/> element for the features of a client's stream (XEP-0115 §6.3). It costs one SHA-1 over the feature
// list.
func (s *Service) Caps() []byte {
	b := append([]byte(nil), "<c xmlns='"+NSCaps+"' hash='sha-1'"...)
	b = attr(b, "node", s.o.Node)
	b = attr(b, "ver", s.server().ver())
	return append(b, "/>"...)
}

// server is what every local domain says of itself.
func (s *Service) server() *info {
	i := &info{
		identities: []identity{{category: "server", kind: "im", name: s.o.Name}},
		features:   s.host.Features(local.ForServer),
	}
	if s.o.Contacts != nil {
		// XEP-0157 §3: the addresses travel in a form of this type.
		if f := formOf("http://jabber.org/network/serverinfo", s.o.Contacts()); f != nil {
			i.forms = []form{*f}
		}
	}
	return i
}

func (s *Service) serverInfo(q *local.Request) error {
	i := s.server()
	node := q.Payload.Attr("node")
	if node != "" && node != s.o.Node+"#"+i.ver() {
		return stanza.Fail(stanza.ItemNotFound, "") // XEP-0030 §7; XEP-0115 §6.2: a node#ver that is not ours any more
	}
	q.Reply(i.query(node))
	return nil
}

func (s *Service) serverItems(q *local.Request) error {
	if q.Payload.Attr("node") != "" {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	b := append([]byte(nil), "<query xmlns='"+NSItems+"'"...)
	var items []Item
	if s.o.Items != nil {
		items = s.o.Items(q.Stanza.To.Domain())
	}
	if len(items) == 0 {
		q.Reply(append(b, "/>"...)) // XEP-0030 §7: no items is an empty query, no error
		return nil
	}
	b = append(b, '>')
	for _, it := range items {
		b = append(b, "<item"...)
		b = attr(b, "jid", it.JID.String())
		if it.Name != "" {
			b = attr(b, "name", it.Name)
		}
		b = append(b, "/>"...)
	}
	q.Reply(append(b, "</query>"...))
	return nil
}

func (s *Service) accountInfo(q *local.Request) error {
	if err := s.admit(q); err != nil {
		return err
	}
	if node := q.Payload.Attr("node"); node != "" {
		return s.below(q, NSInfo, node)
	}
	i := info{
		identities: []identity{{category: "account", kind: "registered"}},
		features:   s.host.Features(local.ForAccount),
	}
	if s.nodes != nil {
		category, kind := s.nodes.Identity()
		i.identities = append(i.identities, identity{category: category, kind: kind})
	}
	q.Reply(i.query(""))
	return nil
}

func (s *Service) accountItems(q *local.Request) error {
	if err := s.admit(q); err != nil {
		return err
	}
	// Choice: resources are not listed, not even to subscribers, who know them from presence.
	return s.below(q, NSItems, q.Payload.Attr("node"))
}

// below answers for the nodes of an account.
func (s *Service) below(q *local.Request, space, node string) (err error) {
	var inner []byte
	switch {
	case s.nodes == nil && node != "":
		return stanza.Fail(stanza.ItemNotFound, "")
	case s.nodes == nil:
	case space == NSInfo:
		inner, err = s.nodes.NodeInfo(q, node)
	default:
		inner, err = s.nodes.NodeItems(q, node)
	}
	if err != nil {
		return err
	}
	b := append([]byte(nil), "<query xmlns='"+space+"'"...)
	if node != "" {
		b = attr(b, "node", node) // XEP-0030 §3.2, §4.2: the answer mirrors the node
	}
	if len(inner) == 0 {
		q.Reply(append(b, "/>"...))
		return nil
	}
	q.Reply(append(append(append(b, '>'), inner...), "</query>"...))
	return nil
}

// admit keeps strangers from learning that an account exists.
//
// XEP-0030 §8 asks for service-unavailable to disco#info. Choice: the same to disco#items, where it asks for an empty
// list: the Host answers for an account that does not exist with service-unavailable, and the two must look alike.
func (s *Service) admit(q *local.Request) error {
	if q.Own {
		return nil
	}
	ok, err := s.host.Trusted(q.Turn, q.Account, q.Stanza.From)
	if err == nil && !ok {
		err = stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return err
}

// sorted copies a list into the order of its bytes, each value once. XEP-0115 §5.1 sorts by "i;octet".
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
