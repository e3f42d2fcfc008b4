// Package stream reads and writes XMPP streams (RFC 6120 §4): headers, stanzas, and what stands between them.
package stream

import (
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces of a stream.
const (
	NSStream = "http://etherx.jabber.org/streams"
	NSClient = "jabber:client"
	NSServer = "jabber:server"
	NSErrors = "urn:ietf:params:xml:ns:xmpp-streams"
)

// EventKind tells what Reader.Next found.
type EventKind uint8

// What stands at the top of a stream.
const (
	Open   EventKind = iota + 1 // the start tag: Header
	Stanza                      // message, presence, iq: Stanza, and AddrErr
	Nonza                       // any other element: Nonza
	Close                       // the end tag; nothing follows but io.EOF
)

// Event is one thing at the top level of a stream.
type Event struct {
	Kind   EventKind
	Header Header
	Stanza *stanza.Stanza
	Nonza  *markup.Element

	// AddrErr tells of addresses in the Stanza that are none; those are zero in the Stanza. The stream itself goes on.
	// What to do about it is the caller's: RFC 6120 §8.1.2.1 ends a client's stream for a wrong from with
	// invalid-from, §4.9.3.6 a server's with improper-addressing, §8.3.3.8 bounces a wrong to with jid-malformed.
	AddrErr *AddrError
}

// AddrError tells which addresses of a stanza did not parse.
type AddrError struct {
	From, To       error  // wraps jid.ErrMalformed; nil: the address is fine, or absent
	RawFrom, RawTo string // the attribute as received, when its error is set
}

func (e *AddrError) Error() string {
	if e.From != nil {
		return "stream: stanza from " + e.From.Error()
	}
	return "stream: stanza to " + e.To.Error()
}

// Unwrap gives both errors to errors.Is.
func (e *AddrError) Unwrap() []error { return []error{e.From, e.To} }
