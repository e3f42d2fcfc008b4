// Package forms is the vocabulary of data forms: XEP-0004, and the FORM_TYPE of XEP-0068.
package forms

import (
	"slices"
	"strings"

	"longwire/xmpp/stanza"
)

// NS qualifies a form. XEP-0004 §3.
const NS = "jabber:x:data"

// What a form is for. XEP-0004 §3.
const (
	Blank  = "form"   // to be filled in
	Submit = "submit" // filled in
	Cancel = "cancel"
	Result = "result"
)

// The types of fields. XEP-0004 §3.3.
const (
	Boolean     = "boolean"
	Fixed       = "fixed"
	Hidden      = "hidden"
	JIDMulti    = "jid-multi"
	JIDSingle   = "jid-single"
	ListMulti   = "list-multi"
	ListSingle  = "list-single"
	TextMulti   = "text-multi"
	TextPrivate = "text-private"
	TextSingle  = "text-single"
)

// A Form is one <x/>. The field FORM_TYPE is not among Fields.
type Form struct {
	Type         string // Blank, Submit, Cancel or Result
	FormType     string // "" when there is none
	Title        string
	Instructions string // lines are separated by '\n'
	Fields       []Field
}

// A Field of a form. Type "" is written as none, which means TextSingle in a Blank and nothing elsewhere.
type Field struct {
	Var, Type, Label, Desc string
	Values                 []string
	Options                []Option
	Required               bool
}

// An Option is one choice of a list.
type Option struct{ Label, Value string }

// Bool is the value of a Boolean field.
func Bool(v bool) []string {
	if v {
		return []string{"1"}
	}
	return []string{"0"}
}

// Field finds a field by name, nil if it is not there.
func (f *Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Var == name && name != "" {
			return &f.Fields[i]
		}
	}
	return nil
}

// Has tells whether the field is there, with a value or without.
func (f *Form) Has(name string) bool { return f.Field(name) != nil }

// Value is what stands in a field, and whether it is there. Several values are lines of one text (XEP-0004 §3.3,
// text-multi); a field without a value is empty.
func (f *Form) Value(name string) (string, bool) {
	fd := f.Field(name)
	if fd == nil {
		return "", false
	}
	return strings.Join(fd.Values, "\n"), true
}

// Values are all values of a field, nil when it is not there or has none.
func (f *Form) Values(name string) []string {
	if fd := f.Field(name); fd != nil {
		return slices.Clip(fd.Values)
	}
	return nil
}

// Bool reads a Boolean. ok is false when the field is not there or has no value; the error is a *stanza.Err,
// not-acceptable, that names the field.
func (f *Form) Bool(name string) (val, ok bool, err error) {
	fd := f.Field(name)
	if fd == nil || len(fd.Values) == 0 {
		return false, false, nil
	}
	if len(fd.Values) == 1 {
		// XEP-0004 §3.3: the lexical forms of xs:boolean, blanks around them not counted.
		switch strings.TrimSpace(fd.Values[0]) {
		case "1", "true":
			return true, true, nil
		case "0", "false":
			return false, true, nil
		}
	}
	return false, false, stanza.Fail(stanza.NotAcceptable, name+": neither true nor false")
}
