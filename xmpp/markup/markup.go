// Package markup is the subset of XML that XMPP uses (RFC 6120 §11): scanned strictly, kept as bytes.
package markup

// AppendEscaped escapes text for character data and for attribute values in either quote.
func AppendEscaped(b []byte, s string) []byte { panic("todo") }

// AppendAttr writes one attribute; a namespaced one declares its own prefix, made from n.
func AppendAttr(b []byte, a Attr, n int) []byte { panic("todo") }

// Unescape resolves the five built-in entities and character references.
func Unescape(b []byte) string { panic("todo") }

// Span places a direct child element; see stanza.Child.
type Span struct {
	Name       Name
	Start, End int
	TextStart  int
	TextEnd    int
}

// Index finds the direct child elements of markup in the content namespace.
func Index(b []byte) ([]Span, error) { panic("todo") }

// ParseElement reads one element that stands alone in the content namespace.
func ParseElement(b []byte) (*Element, error) { panic("todo") }
