package caps

import (
	"strings"

	"longwire/xmpp/markup"
)

// maxInner is how long an answer may be that is kept whole, in octets.
const maxInner = 4096

// Info is what stands in the answer to disco#info of any client that shows that verification string, if one of ours did.
// The slice must not be changed.
func (s *Service) Info(hash, ver string) (inner []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el := s.known[key{hash, ver}]
	if el == nil || hash == "" {
		return nil, false
	}
	s.order.MoveToFront(el)
	inner = el.Value.(*meaning).inner
	return inner, inner != nil
}

// write is the information as it goes into an answer: exactly what the verification string proves. nil: it is too long.
func (i *info) write() []byte {
	b := []byte{}
	for _, id := range i.identities {
		p := strings.SplitN(id, "/", 4)
		b = append(b, "<identity"...)
		for n, name := range []string{"category", "type", "xml:lang", "name"} {
			if p[n] != "" || n < 2 {
				b = markup.AppendPlainAttr(b, name, p[n])
			}
		}
		b = append(b, "/>"...)
	}
	for _, f := range i.features {
		b = append(markup.AppendPlainAttr(append(b, "<feature"...), "var", f), "/>"...)
	}
	for _, f := range i.forms {
		b = f.append(b)
	}
	if len(b) > maxInner {
		return nil
	}
	return b
}

// append writes a form. XEP-0128 §2.
func (f *form) append(b []byte) []byte {
	b = append(b, "<x xmlns='"+nsData+"' type='result'><field var='FORM_TYPE' type='hidden'><value>"...)
	b = append(markup.AppendEscaped(b, f.formType), "</value></field>"...)
	for _, fd := range f.fields {
		b = append(markup.AppendPlainAttr(append(b, "<field"...), "var", fd.name), '>')
		for _, v := range fd.values {
			b = append(markup.AppendEscaped(append(b, "<value>"...), v), "</value>"...)
		}
		b = append(b, "</field>"...)
	}
	return append(b, "</x>"...)
}
