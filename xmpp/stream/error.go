package stream

import (
	"errors"
	"strings"

	"longwire/xmpp/markup"
)

// Conditions of stream errors that the Reader itself raises. RFC 6120 §4.9.3.
const (
	BadFormat           = "bad-format"
	BadNamespacePrefix  = "bad-namespace-prefix"
	InvalidNamespace    = "invalid-namespace"
	NotWellFormed       = "not-well-formed"
	PolicyViolation     = "policy-violation"
	RestrictedXML       = "restricted-xml"
	UndefinedCondition  = "undefined-condition"
	UnsupportedEncoding = "unsupported-encoding"
)

// Error is a stream error (RFC 6120 §4.9). App is one application-specific element, serialised.
type Error struct {
	Condition string
	Text      string
	App       []byte
}

func (e *Error) Error() string {
	s := "stream: " + e.Condition
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Is compares by meaning: empty fields of the target match anything.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && (t.Condition == "" || t.Condition == e.Condition) && (t.Text == "" || t.Text == e.Text)
}

// Append writes <stream:error>…</stream:error>. RFC 6120 §4.9.2. Only see-other-host has its text in the condition
// element (§4.9.3.19).
func (e *Error) Append(b []byte) []byte {
	b = append(append(append(b, "<stream:error><"...), e.Condition...), " xmlns='"+NSErrors+"'"...)
	switch {
	case e.Condition == "see-other-host":
		b = markup.AppendEscaped(append(b, '>'), e.Text)
		b = append(b, "</see-other-host>"...)
	case e.Text != "":
		b = append(b, "/><text xmlns='"+NSErrors+"' xml:lang='en'>"...)
		b = append(markup.AppendEscaped(b, e.Text), "</text>"...)
	default:
		b = append(b, "/>"...)
	}
	return append(append(b, e.App...), "</stream:error>"...)
}

// ParseError reads a <stream:error/> that the peer sent; false when the Nonza is something else. An error without a
// condition that we could name is undefined-condition.
func ParseError(n *markup.Element) (*Error, bool) {
	if n == nil || n.Name != (markup.Name{Space: NSStream, Local: "error"}) {
		return nil, false
	}
	e := &Error{Condition: UndefinedCondition}
	named := false
	for _, c := range n.Children {
		switch {
		case c.Name.Space != NSErrors:
			e.App = c.Raw
		case c.Name.Local == "text":
			e.Text = c.Text
		case !named:
			e.Condition, named = c.Name.Local, true
			if c.Name.Local == "see-other-host" {
				e.Text = c.Text
			}
		}
	}
	return e, true
}

// fault makes a stream error of what the scanner found wrong.
func fault(err error) error {
	condition := NotWellFormed
	switch {
	case errors.Is(err, markup.ErrRestricted):
		condition = RestrictedXML
	case errors.Is(err, markup.ErrEncoding):
		condition = UnsupportedEncoding
	case errors.Is(err, markup.ErrLimit):
		condition = PolicyViolation
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "markup: "), ": ")
	return &Error{Condition: condition, Text: text}
}
