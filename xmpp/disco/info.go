package disco

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"

	"longwire/xmpp/markup"
)

type identity struct{ category, kind, lang, name string }

// A form is a jabber:x:data result (XEP-0128); fields and values are sorted.
type form struct {
	formType string
	fields   []field
}

type field struct {
	name   string
	values []string
}

// formOf makes a form of named values; nil when there is none.
func formOf(formType string, values map[string][]string) *form {
	f := &form{formType: formType}
	for name, vs := range values {
		if len(vs) > 0 {
			f.fields = append(f.fields, field{name, sorted(vs)})
		}
	}
	if f.fields == nil {
		return nil
	}
	slices.SortFunc(f.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f
}

// info is what one entity tells about itself.
type info struct {
	identities []identity
	features   []string
	forms      []form
}

// query writes the answer to disco#info, naming the node that was asked for.
func (i *info) query(node string) []byte {
	b := append([]byte(nil), "<query xmlns='"+NSInfo+"'"...)
	if node != "" {
		b = attr(b, "node", node) // XEP-0030 §3.2: the answer mirrors the node
	}
	b = append(b, '>')
	for _, id := range i.identities {
		b = append(b, "<identity"...)
		b = attr(b, "category", id.category)
		b = attr(b, "type", id.kind)
		if id.lang != "" {
			b = attr(b, "xml:lang", id.lang)
		}
		if id.name != "" {
			b = attr(b, "name", id.name)
		}
		b = append(b, "/>"...)
	}
	for _, f := range sorted(i.features) {
		b = append(b, "<feature"...)
		b = attr(b, "var", f)
		b = append(b, "/>"...)
	}
	for _, f := range i.forms {
		b = f.append(b)
	}
	return append(b, "</query>"...)
}

func (f *form) append(b []byte) []byte {
	b = append(b, "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>"...)
	b = markup.AppendEscaped(b, f.formType)
	b = append(b, "</value></field>"...)
	for _, fd := range f.fields {
		b = append(b, "<field"...)
		b = attr(b, "var", fd.name)
		b = append(b, " type='list-multi'>"...) // XEP-0157 §7.1
		for _, v := range fd.values {
			b = append(b, "<value>"...)
			b = markup.AppendEscaped(b, v)
			b = append(b, "</value>"...)
		}
		b = append(b, "</field>"...)
	}
	return append(b, "</x>"...)
}

// ver is the verification string of XEP-0115 §5.1.
func (i *info) ver() string {
	var s strings.Builder
	var ids []string
	for _, id := range i.identities {
		ids = append(ids, id.category+"/"+id.kind+"/"+id.lang+"/"+id.name+"<")
	}
	for _, id := range sorted(ids) {
		s.WriteString(id)
	}
	for _, f := range sorted(i.features) {
		s.WriteString(f + "<")
	}
	for _, f := range i.forms {
		s.WriteString(f.formType + "<")
		for _, fd := range f.fields {
			s.WriteString(fd.name + "<")
			for _, v := range fd.values {
				s.WriteString(v + "<")
			}
		}
	}
	sum := sha1.Sum([]byte(s.String()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func attr(b []byte, name, value string) []byte {
	b = append(append(append(b, ' '), name...), '=', '\'')
	b = markup.AppendEscaped(b, value)
	return append(b, '\'')
}
