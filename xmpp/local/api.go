// Package local answers for the node's own domains: it knows who is online and brings stanzas to accounts and their
// resources by the rules of RFC 6121 §8.
package local

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Outbox is a client's stream as the rest of the node sees it; c2s implements it. Its methods never block.
type Outbox interface {
	// Send queues a stanza for the client, with its to attribute replaced.
	Send(s *stanza.Stanza, to jid.JID)
	// Reserve is called within a commit: it gives the stanza its place in the stream, notes in tx which spool entry
	// it is, and holds the stream back there until release is called with the fate of the commit.
	Reserve(tx *store.Tx, s *stanza.Stanza, to jid.JID, spool uint64) (release func(ok bool), err error)
	// End closes the stream with a stream error condition.
	End(condition, text string)
	// Addr is the client's address, for people.
	Addr() string
}

// Presence answers for all presence stanzas of local accounts (package presence).
type Presence interface {
	// FromClient handles what resource r sent; From is stamped (full JID, bare for the subscription family).
	FromClient(t *router.Turn, r *Resource, s *stanza.Stanza) error
	// ToAccount handles presence for a local account that exists, from anyone; To may be bare or full.
	ToAccount(t *router.Turn, s *stanza.Stanza) error
	// Gone says that r is over without having sent unavailable. r is no longer among the account's resources.
	Gone(t *router.Turn, r *Resource, status string) error
}

// Scope says for whom an IQ handler answers.
type Scope uint8

const (
	ForServer  Scope = 1 << iota // to = a local domain
	ForAccount                   // to = a local bare JID, or absent
)

// Request is an IQ get or set for the server or for an account.
type Request struct {
	Turn     *router.Turn
	Stanza   *stanza.Stanza
	Payload  *markup.Element
	Account  jid.JID   // bare JID the request is for; zero when the server is asked
	Own      bool      // the sender is a resource of Account (or any local client, when the server is asked)
	Resource *Resource // the sender's resource, nil when it comes from elsewhere
}

// IQHandler answers a Request by Reply or refuses it with a *stanza.Err (or router.ErrNeedTx).
type IQHandler func(q *Request) error
