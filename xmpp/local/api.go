package local

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Outbox is a client's stream as the rest of the node sees it; c2s implements it. Its methods never block and are
// called concurrently.
type Outbox interface {
	// Send queues a stanza for the client; it goes out with the client's full JID as its to. spool is the message's
	// number in the account's spool, 0 when it has none: the Outbox removes it there once the client has it.
	Send(s *stanza.Stanza, spool uint64)
	// End closes the stream with a stream error condition.
	End(condition, text string)
	// Addr is the client's address, for people.
	Addr() string
}

// Pacer is an Outbox that bounds what it holds, and wants what waited for a client in pieces.
type Pacer interface {
	// Room is how many stanzas and bytes it likes to get at once.
	Room() (stanzas, bytes int)
	// Later runs f when little is left to be written to the client, or to be confirmed by it; never, if the stream ends
	// before. A second call replaces the f of the first if that still waits.
	Later(f func())
}

// Presence answers for all presence stanzas of local accounts (package presence).
type Presence interface {
	// FromClient handles what resource r sent; From is stamped (full JID, bare for the subscription family).
	FromClient(t *router.Turn, r *Resource, s *stanza.Stanza) error
	// ToAccount handles presence for a local account that exists, from anyone; To may be bare or full.
	ToAccount(t *router.Turn, s *stanza.Stanza) error
	// Gone says that r is over without having sent unavailable. r is no longer among the account's resources.
	Gone(t *router.Turn, r *Resource, status string) error
	// Trusted tells whether other may know that account's resources exist: it is the account itself, is subscribed to
	// it, or had directed presence from it.
	Trusted(t *router.Turn, account, other jid.JID) (bool, error)
}

// Blocker tells who is blocked (package blocking).
type Blocker interface {
	Blocked(t *router.Turn, account, other jid.JID) (bool, error)
}

// Scope says for whom an IQ handler answers.
type Scope uint8

// The two scopes, which may be joined by |.
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

	host *Host
}

// IQHandler answers a Request by Reply, or refuses it with a *stanza.Err (or router.ErrNeedTx).
type IQHandler func(q *Request) error

// Reply routes the result, with inner as its children, back to the sender once the Turn is committed.
func (q *Request) Reply(inner []byte) {
	q.host.reply(q.Turn, q.Stanza.Result(inner))
}
