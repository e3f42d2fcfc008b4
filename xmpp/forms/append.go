package forms

import (
	"strings"

	"longwire/xmpp/markup"
)

// Append writes the form as one <x/>.
func (f *Form) Append(b []byte) []byte {
	b = append(append(append(b, "<x xmlns='"+NS+"' type='"...), f.Type...), '\'')
	if f.Title == "" && f.Instructions == "" && f.FormType == "" && len(f.Fields) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = text(b, "title", f.Title)
	if f.Instructions != "" {
		for line := range strings.SplitSeq(f.Instructions, "\n") {
			b = append(markup.AppendEscaped(append(b, "<instructions>"...), line), "</instructions>"...)
		}
	}
	if f.FormType != "" {
		b = (&Field{Var: formType, Type: Hidden, Values: []string{f.FormType}}).append(b)
	}
	for i := range f.Fields {
		b = f.Fields[i].append(b)
	}
	return append(b, "</x>"...)
}

func (fd *Field) append(b []byte) []byte {
	b = append(b, "<field"...)
	b = attr(b, "var", fd.Var)
	b = attr(b, "type", fd.Type)
	b = attr(b, "label", fd.Label)
	if fd.Desc == "" && !fd.Required && len(fd.Values) == 0 && len(fd.Options) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = text(b, "desc", fd.Desc)
	if fd.Required {
		b = append(b, "<required/>"...)
	}
	for _, v := range fd.Values {
		b = value(b, v)
	}
	for _, o := range fd.Options {
		b = append(attr(append(b, "<option"...), "label", o.Label), '>')
		b = append(value(b, o.Value), "</option>"...)
	}
	return append(b, "</field>"...)
}

func value(b []byte, v string) []byte {
	b = append(b, "<value>"...)
	return append(markup.AppendEscaped(b, v), "</value>"...)
}

// text writes a child that holds only text, none for "".
func text(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	b = append(append(append(b, '<'), name...), '>')
	b = markup.AppendEscaped(b, s)
	return append(append(append(b, '<', '/'), name...), '>')
}

func attr(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return markup.AppendPlainAttr(b, name, v)
}
