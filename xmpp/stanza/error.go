package stanza

import "longwire/xmpp/markup"

// NSErrors qualifies the conditions of stanza errors. RFC 6120 §8.3.2.
const NSErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"

// Condition is a defined condition of RFC 6120 §8.3.3.
type Condition string

// The defined conditions. RFC 6120 §8.3.3.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	Gone                  Condition = "gone"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	JIDMalformed          Condition = "jid-malformed"
	NotAcceptable         Condition = "not-acceptable"
	NotAllowed            Condition = "not-allowed"
	NotAuthorized         Condition = "not-authorized"
	PolicyViolation       Condition = "policy-violation"
	RecipientUnavailable  Condition = "recipient-unavailable"
	Redirect              Condition = "redirect"
	RegistrationRequired  Condition = "registration-required"
	RemoteServerNotFound  Condition = "remote-server-not-found"
	RemoteServerTimeout   Condition = "remote-server-timeout"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
	SubscriptionRequired  Condition = "subscription-required"
	UndefinedCondition    Condition = "undefined-condition"
	UnexpectedRequest     Condition = "unexpected-request"
)

// usual gives the error type that RFC 6120 §8.3.3 recommends for a condition; what is missing is "cancel".
var usual = map[Condition]string{
	BadRequest: "modify", Forbidden: "auth", JIDMalformed: "modify", NotAcceptable: "modify", NotAuthorized: "auth",
	PolicyViolation: "modify", RecipientUnavailable: "wait", Redirect: "modify", RegistrationRequired: "auth",
	RemoteServerTimeout: "wait", ResourceConstraint: "wait", SubscriptionRequired: "auth", UnexpectedRequest: "wait",
}

// Err is a stanza error. It is a Go error, so whoever takes a stanza can refuse it by returning one.
// Type "" means the usual type of the condition; App is one application-specific element, serialised. By is the address
// of who found the fault, URI where <gone/> and <redirect/> send the asker; both may be "".
type Err struct {
	Condition Condition
	Type      string
	Text      string
	App       []byte
	By        string
	URI       string
}

func (e *Err) Error() string {
	s := "stanza: " + string(e.Condition)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Is compares by meaning: empty fields of the target match anything.
func (e *Err) Is(target error) bool {
	t, ok := target.(*Err)
	return ok && (t.Condition == "" || t.Condition == e.Condition) && (t.Type == "" || t.Type == e.kind()) &&
		(t.Text == "" || t.Text == e.Text)
}

// Fail is the short way to an error of the usual type.
func Fail(c Condition, text string) *Err { return &Err{Condition: c, Text: text} }

func (e *Err) kind() string {
	if e.Type != "" {
		return e.Type
	}
	if t := usual[e.Condition]; t != "" {
		return t
	}
	return "cancel"
}

// Append writes the <error/> element.
func (e *Err) Append(b []byte) []byte {
	b = append(b, "<error type='"...)
	b = append(b, e.kind()...)
	b = append(b, '\'')
	b = attr(b, "by", e.By)
	b = append(b, "><"...)
	b = append(b, e.Condition...)
	b = append(b, " xmlns='"+NSErrors+"'"...)
	if e.URI == "" {
		b = append(b, "/>"...)
	} else {
		b = markup.AppendEscaped(append(b, '>'), e.URI) // RFC 6120 §8.3.3.5, §8.3.3.14
		b = append(append(append(b, "</"...), e.Condition...), '>')
	}
	if e.Text != "" {
		b = append(b, "<text xmlns='"+NSErrors+"' xml:lang='en'>"...)
		b = markup.AppendEscaped(b, e.Text)
		b = append(b, "</text>"...)
	}
	b = append(b, e.App...)
	return append(b, "</error>"...)
}

// ErrorReply turns a refused stanza round: same kind and id, addresses swapped, original children left out
// (RFC 6120 §8.3.1 makes them optional, and on a bad link they are paid for). It returns nil where no answer is
// allowed: to an error, and to the result of an iq.
func (s *Stanza) ErrorReply(e *Err) *Stanza {
	if s.IsError() || s.Kind == IQ && !s.IsRequest() {
		return nil
	}
	r := &Stanza{Kind: s.Kind, From: s.To, To: s.From, ID: s.ID, Type: Error}
	var b []byte
	if s.Kind == Presence && s.Has(nsMUC, "x") {
		// XEP-0045 §7.2.6: the answer to who wants to enter a room has it. Peer: slixmpp waits for ever without.
		b = append(b, "<x xmlns='"+nsMUC+"'/>"...)
	}
	r.SetInner(e.Append(b))
	return r
}

const nsMUC = "http://jabber.org/protocol/muc"
