// Package stanza is the vocabulary of RFC 6120 §8: messages, presences and IQs, and their errors.
//
// A stanza keeps its children as the bytes they arrived in. Routing reads names, not trees, and what nobody here
// understands crosses the node unchanged (RFC 6120 §8.4).
package stanza

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
)

// Kind is one of the three stanzas.
type Kind uint8

// The three kinds. RFC 6120 §8.2.
const (
	Message Kind = iota + 1
	Presence
	IQ
)

func (k Kind) String() string {
	switch k {
	case Message:
		return "message"
	case Presence:
		return "presence"
	case IQ:
		return "iq"
	}
	return "stanza"
}

// Types of the type attribute that the node itself reads. RFC 6120 §8.2.3, RFC 6121 §4.7.1 and §5.2.2.
const (
	Error = "error"

	Get    = "get"
	Set    = "set"
	Result = "result"

	Chat      = "chat"
	Groupchat = "groupchat"
	Headline  = "headline"
	Normal    = "normal" // also what an absent or unknown message type means

	Unavailable  = "unavailable"
	Probe        = "probe"
	Subscribe    = "subscribe"
	Subscribed   = "subscribed"
	Unsubscribe  = "unsubscribe"
	Unsubscribed = "unsubscribed"
)

// A Child is the place of one direct child element in Inner.
type Child struct {
	Name       markup.Name // Space "" is the content namespace
	Start, End int         // Inner[Start:End] is the whole element
	TextStart  int         // Inner[TextStart:TextEnd] is what stands between its tags, escaped; empty for <x/>
	TextEnd    int
}

// A Stanza is one message, presence or iq. Inner is well-formed, declares every prefix it uses, and inherits the
// content namespace; it is never changed in place, so stanzas may share it. A received stanza's Children index it.
type Stanza struct {
	Kind     Kind
	From, To jid.JID // zero: absent
	ID, Type string
	Lang     string        // xml:lang, "" when absent
	Extra    []markup.Attr // other attributes, in document order
	Inner    []byte
	Children []Child
}

// Child finds the first direct child with that name; space "" is the content namespace.
func (s *Stanza) Child(space, local string) (Child, bool) {
	for _, c := range s.Children {
		if c.Name.Local == local && c.Name.Space == space {
			return c, true
		}
	}
	return Child{}, false
}

// Has tells whether a direct child with that name is there.
func (s *Stanza) Has(space, local string) bool {
	_, ok := s.Child(space, local)
	return ok
}

// Raw is the child as serialised.
func (s *Stanza) Raw(c Child) []byte { return s.Inner[c.Start:c.End:c.End] }

// Text is the unescaped character data of a child that holds only text (body, subject, status, show, priority).
func (s *Stanza) Text(c Child) string { return markup.Unescape(s.Inner[c.TextStart:c.TextEnd]) }

// Element reads a child as a tree.
func (s *Stanza) Element(c Child) (*markup.Element, error) { return markup.ParseElement(s.Raw(c)) }

// Payload is the single child of an iq as a tree; nil when there is not exactly one. The <error/> of an error is not
// counted: what the request held may stand beside it (RFC 6120 §8.3.1).
func (s *Stanza) Payload() *markup.Element {
	var only *Child
	for i := range s.Children {
		c := &s.Children[i]
		switch {
		case s.IsError() && c.Name == (markup.Name{Local: "error"}):
		case only != nil:
			return nil
		default:
			only = c
		}
	}
	if only == nil {
		return nil
	}
	e, err := s.Element(*only)
	if err != nil {
		return nil
	}
	return e
}

// Append serialises the stanza for any stream whose default namespace is the content namespace.
func (s *Stanza) Append(b []byte) []byte { return s.appendTo(b, s.To.String()) }

// AppendTo serialises like Append with another to, so that one stanza serves many recipients.
func (s *Stanza) AppendTo(b []byte, to jid.JID) []byte { return s.appendTo(b, to.String()) }

func (s *Stanza) appendTo(b []byte, to string) []byte {
	b = append(b, '<')
	b = append(b, s.Kind.String()...)
	b = attr(b, "from", s.From.String())
	b = attr(b, "to", to)
	b = attr(b, "type", s.Type)
	b = attr(b, "id", s.ID)
	b = attr(b, "xml:lang", s.Lang)
	for i, a := range s.Extra {
		b = markup.AppendAttr(b, a, i)
	}
	if len(s.Inner) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = append(b, s.Inner...)
	b = append(b, '<', '/')
	b = append(b, s.Kind.String()...)
	return append(b, '>')
}

func attr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return markup.AppendPlainAttr(b, name, value)
}

// Bytes is Append into a new slice.
func (s *Stanza) Bytes() []byte { return s.Append(make([]byte, 0, 128+len(s.Inner))) }

// Copy returns a stanza whose attributes can be changed; Inner and Children are shared.
func (s *Stanza) Copy() *Stanza {
	c := *s
	return &c
}

// IsError tells whether the stanza carries an error; such a stanza is never answered. RFC 6120 §8.3.1.
func (s *Stanza) IsError() bool { return s.Type == Error }

// IsRequest tells whether the stanza is an iq that someone must answer. RFC 6120 §8.2.3.
func (s *Stanza) IsRequest() bool { return s.Kind == IQ && (s.Type == Get || s.Type == Set) }

// Result builds the answer to an iq: addresses swapped, same id. inner must be well-formed markup.
func (s *Stanza) Result(inner []byte) *Stanza {
	r := &Stanza{Kind: IQ, From: s.To, To: s.From, ID: s.ID, Type: Result}
	r.SetInner(inner)
	return r
}

// SetInner replaces the children and indexes them anew. inner must be well-formed in the content namespace;
// it panics on markup that is not, as only our own code writes it.
func (s *Stanza) SetInner(inner []byte) {
	kids, err := markup.Index(inner)
	if err != nil {
		panic("stanza: own markup is malformed: " + err.Error())
	}
	s.Inner = inner
	s.Children = nil
	for _, k := range kids {
		s.Children = append(s.Children, Child(k))
	}
}

// Without returns the stanza less the children for which drop is true; the same stanza when none is.
func (s *Stanza) Without(drop func(Child) bool) *Stanza {
	hit := false
	for _, c := range s.Children {
		if drop(c) {
			hit = true
			break
		}
	}
	if !hit {
		return s
	}
	n := s.Copy()
	n.Inner, n.Children = nil, nil
	pos := 0
	for _, c := range s.Children {
		n.Inner = append(n.Inner, s.Inner[pos:c.Start]...)
		pos = c.End
		if drop(c) {
			continue
		}
		off := len(n.Inner) - c.Start
		n.Inner = append(n.Inner, s.Inner[c.Start:c.End]...)
		n.Children = append(n.Children, Child{c.Name, c.Start + off, c.End + off, c.TextStart + off, c.TextEnd + off})
	}
	n.Inner = append(n.Inner, s.Inner[pos:]...)
	return n
}

// With returns a copy with one more child behind the others. raw is one well-formed element.
func (s *Stanza) With(raw []byte) *Stanza {
	kids, err := markup.Index(raw)
	if err != nil {
		panic("stanza: own markup is malformed: " + err.Error())
	}
	n := s.Copy()
	n.Inner = append(append(make([]byte, 0, len(s.Inner)+len(raw)), s.Inner...), raw...)
	n.Children = append(make([]Child, 0, len(s.Children)+len(kids)), s.Children...)
	for _, k := range kids {
		c := Child(k)
		off := len(s.Inner)
		c.Start, c.End, c.TextStart, c.TextEnd = c.Start+off, c.End+off, c.TextStart+off, c.TextEnd+off
		n.Children = append(n.Children, c)
	}
	return n
}
