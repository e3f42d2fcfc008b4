// Package markup is the subset of XML that XMPP uses (RFC 6120 §11): scanned strictly, kept as bytes.
package markup

import "errors"

// What can be wrong with markup; every error of the package but ErrMore wraps one of these. The stream maps them to
// its error conditions.
var (
	ErrMalformed  = errors.New("not well-formed")               // XML 1.0 §2.1, Namespaces in XML §7
	ErrRestricted = errors.New("forbidden in XMPP")             // RFC 6120 §11.1
	ErrEncoding   = errors.New("not UTF-8")                     // RFC 6120 §11.6
	ErrLimit      = errors.New("over a limit of ours")          // too deep, too many attributes, too long a name
	ErrMore       = errors.New("markup: more bytes are needed") // the only one that is no fault
)

// Limits of one element tree. Nothing sane comes near; without them a stranger chooses our memory.
const (
	MaxDepth    = 128  // open elements
	MaxAttrs    = 128  // attributes of one element, namespace declarations included
	MaxBindings = 256  // namespace declarations in scope
	MaxName     = 1024 // octets of a qualified name
)

// Names of namespaces that XML itself fixes, and of no namespace at all.
const (
	NSXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"

	// NoNamespace is Name.Space of an element under xmlns=''. No namespace name can hold a NUL, so it clashes with
	// none; "" is taken by the content namespace.
	NoNamespace = "\x00"
)

// Span places a direct child element; see stanza.Child.
type Span struct {
	Name       Name
	Start, End int
	TextStart  int
	TextEnd    int
}

// A Binding ties a prefix to a namespace name; prefix "" is the default namespace.
type Binding struct{ Prefix, URI string }

// alone is the scope of markup that stands alone: the default namespace is the content namespace, whatever its name.
var alone = []Binding{{"", ""}}
