// Package stream reads and writes XMPP streams (RFC 6120 §4): headers, stanzas, and what stands between them.
package stream

import (
	"io"

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

// Error is a stream error (RFC 6120 §4.9). App is one application-specific element, serialised.
type Error struct {
	Condition string
	Text      string
	App       []byte
}

func (e *Error) Error() string { panic("todo") }

// Is compares by meaning: empty fields of the target match anything.
func (e *Error) Is(target error) bool { panic("todo") }

// Append writes <stream:error>…</stream:error>.
func (e *Error) Append(b []byte) []byte { panic("todo") }

// Header is a stream's start tag.
type Header struct {
	From, To, ID, Version, Lang string
}

// Append writes the XML declaration and the start tag for a stream of the content namespace ns.
func (h Header) Append(b []byte, ns string) []byte { panic("todo") }

// EventKind tells what Reader.Next found.
type EventKind uint8

// What stands at the top of a stream.
const (
	Open   EventKind = iota + 1 // the start tag: Header
	Stanza                      // message, presence, iq: Stanza
	Nonza                       // any other element: Nonza
	Close                       // the end tag
)

// Event is one thing at the top level of a stream.
type Event struct {
	Kind   EventKind
	Header Header
	Stanza *stanza.Stanza
	Nonza  *markup.Element
}

// Options of a Reader.
type Options struct {
	NS         string // NSClient or NSServer: the content namespace that is accepted
	MaxBytes   int    // largest stanza; 0: 10 000
	HeaderLess bool   // XEP-0361 §4: as if a stream header of NS had been read
}

// Reader reads one stream. It reads from r only when it has no whole element buffered.
type Reader struct{ reader }

// NewReader makes a Reader on r.
func NewReader(r io.Reader, o Options) *Reader { panic("todo") }

// Next returns the next thing at the top level. Errors: *Error for what the peer did wrong (to be sent to it), io.EOF when r ended
// between elements, io.ErrUnexpectedEOF within one, or r's error. Whitespace between elements is skipped (Idle counts it).
func (r *Reader) Next() (Event, error) { panic("todo") }

// Restart begins a new stream on another source (after STARTTLS, SASL, compression): RFC 6120 §4.3.3. Buffered bytes are kept when
// src is nil, else dropped.
func (r *Reader) Restart(src io.Reader) { panic("todo") }

// SetMaxBytes changes the largest stanza.
func (r *Reader) SetMaxBytes(n int) { panic("todo") }

// Buffered is how many bytes were read and not yet consumed.
func (r *Reader) Buffered() int { panic("todo") }

// ParseStanza reads one stanza serialised alone in the content namespace, as the store keeps it.
func ParseStanza(b []byte) (*stanza.Stanza, error) { panic("todo") }

type reader struct{}
