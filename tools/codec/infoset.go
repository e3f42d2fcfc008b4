package main

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// content is the namespace of stanzas between servers. RFC 6120 §4.8.3.
const content = "jabber:server"

const smSpace = "urn:xmpp:sm:3" // XEP-0198

// infoset writes one element so that two that mean the same are the same text: names with their namespaces, attributes in order, no
// declarations. It is made by another parser than the product's own, whose faults it would share.
func infoset(text []byte) (string, error) {
	var out strings.Builder
	d := xml.NewDecoder(bytes.NewReader(spaced(text)))
	d.DefaultSpace = content
	depth, elements := 0, 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				elements++
			}
			depth++
			start(&out, t)
		case xml.EndElement:
			depth--
			out.WriteString("</>")
		case xml.CharData:
			if depth == 0 {
				return "", errors.New("text stands outside of the element")
			}
			fmt.Fprintf(&out, "%s", xmlText(t))
		default:
			return "", errors.New("only elements and text may be in it")
		}
	}
	if elements != 1 {
		return "", fmt.Errorf("it has %d elements, must be one", elements)
	}
	return out.String(), nil
}

// tag is a tag, or what stands in CDATA.
var tag = regexp.MustCompile(`(?s)<!\[CDATA\[.*?\]\]>|<(?:[^<>'"]|'[^']*'|"[^"]*")*>`)

// spaced makes spaces of line ends and tabs in tags, as that parser does not do it for attributes. XML 1.0 §3.3.3.
func spaced(text []byte) []byte {
	return tag.ReplaceAllFunc(text, func(t []byte) []byte {
		if t[1] == '!' {
			return t
		}
		return []byte(strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ").Replace(string(t)))
	})
}

func start(out *strings.Builder, t xml.StartElement) {
	attrs := slices.DeleteFunc(slices.Clone(t.Attr), func(a xml.Attr) bool {
		return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns"
	})
	slices.SortFunc(attrs, func(a, b xml.Attr) int {
		return cmp.Or(cmp.Compare(a.Name.Space, b.Name.Space), cmp.Compare(a.Name.Local, b.Name.Local))
	})
	fmt.Fprintf(out, "<{%s}%s", t.Name.Space, t.Name.Local)
	for _, a := range attrs {
		fmt.Fprintf(out, " {%s}%s=%q", a.Name.Space, a.Name.Local, a.Value)
	}
	out.WriteByte('>')
}

// xmlText keeps text apart from tags.
func xmlText(b []byte) string { return strings.ReplaceAll(string(b), "<", "&lt;") }

// elementOf is the namespace of an element's name; "" when it cannot be read.
func elementOf(text string) string {
	t, err := xml.NewDecoder(strings.NewReader(text)).Token()
	if s, ok := t.(xml.StartElement); ok && err == nil {
		return s.Name.Space
	}
	return ""
}

// same tells the difference in meaning between two texts; nil when there is none.
func same(want, got []byte) error {
	if bytes.Equal(want, got) {
		return nil
	}
	w, err := infoset(want)
	if err != nil {
		return fmt.Errorf("what was sent is no XML: %w", err)
	}
	g, err := infoset(got)
	if err != nil {
		return fmt.Errorf("what came back is no XML: %w", err)
	}
	if w != g {
		return fmt.Errorf("what came back means something else:\n  sent %s\n  got  %s", want, got)
	}
	return nil
}
