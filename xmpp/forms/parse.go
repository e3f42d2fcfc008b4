package forms

import (
	"fmt"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Limits of one form. Nothing sane comes near; without them a stranger chooses our memory.
const (
	MaxFields = 100
	MaxValues = 1000     // values and options of all fields, and lines of instructions
	MaxBytes  = 64 << 10 // of all texts
)

const formType = "FORM_TYPE"

// Find is the form directly inside e, nil if there is none.
func Find(e *markup.Element) *markup.Element { return e.Child(NS, "x") }

// Parse reads a form. Items and other children that a form may hold are passed over. The error is a *stanza.Err:
// bad-request for what is no form, policy-violation for one over the limits.
func Parse(e *markup.Element) (*Form, error) {
	if e == nil || e.Name != (markup.Name{Space: NS, Local: "x"}) {
		return nil, stanza.Fail(stanza.BadRequest, "a data form is missing")
	}
	f := &Form{Type: e.Attr("type")}
	switch f.Type {
	case Blank, Submit, Cancel, Result:
	default:
		return nil, stanza.Fail(stanza.BadRequest, "a data form of no known type")
	}
	p := parser{form: f, seen: make(map[string]bool)}
	for _, c := range e.Children {
		if c.Name.Space != NS {
			continue
		}
		if err := p.child(c); err != nil {
			return nil, err
		}
	}
	return f, nil
}

type parser struct {
	form                 *Form
	seen                 map[string]bool
	bytes, values, lines int
}

func (p *parser) child(c *markup.Element) error {
	var err error
	switch c.Name.Local {
	case "title":
		p.form.Title, err = p.text(c.Text)
	case "instructions":
		// XEP-0004 §3: more than one <instructions/> may stand there.
		if p.lines++; p.lines > 1 {
			p.form.Instructions += "\n"
		}
		p.form.Instructions += c.Text
		err = p.value(c.Text)
	case "field":
		err = p.field(c)
	}
	return err
}

// text counts what is kept.
func (p *parser) text(s string) (string, error) {
	if p.bytes += len(s); p.bytes > MaxBytes {
		return "", tooLarge("%d bytes", MaxBytes)
	}
	return s, nil
}

func tooLarge(what string, most int) error {
	return stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("a form may have at most "+what, most))
}

func (p *parser) field(c *markup.Element) error {
	fd := Field{Var: c.Attr("var"), Type: c.Attr("type"), Label: c.Attr("label")}
	if len(p.form.Fields) == MaxFields {
		return tooLarge("%d fields", MaxFields)
	}
	if _, err := p.text(fd.Var + fd.Type + fd.Label); err != nil {
		return err
	}
	if fd.Var != "" {
		// XEP-0004 §3.3: a name stands for one field of the form.
		if p.seen[fd.Var] {
			return stanza.Fail(stanza.BadRequest, fd.Var+": given twice")
		}
		p.seen[fd.Var] = true
	}
	for _, k := range c.Children {
		if err := p.part(&fd, k); err != nil {
			return err
		}
	}
	// XEP-0068 §3.2: it is hidden; where a form is submitted its type may be left out.
	if fd.Var == formType && (fd.Type == Hidden || fd.Type == "" && p.form.Type == Submit) && len(fd.Values) == 1 {
		p.form.FormType = fd.Values[0]
		return nil
	}
	p.form.Fields = append(p.form.Fields, fd)
	return nil
}

// part reads a child of a <field/>.
func (p *parser) part(fd *Field, c *markup.Element) (err error) {
	if c.Name.Space != NS {
		return nil // validation, media
	}
	switch c.Name.Local {
	case "required":
		fd.Required = true
	case "desc":
		fd.Desc, err = p.text(c.Text)
	case "value":
		fd.Values = append(fd.Values, c.Text)
		err = p.value(c.Text)
	case "option":
		o := Option{Label: c.Attr("label")}
		if v := c.Child(NS, "value"); v != nil {
			o.Value = v.Text
		}
		fd.Options = append(fd.Options, o)
		err = p.value(o.Label + o.Value)
	}
	return err
}

func (p *parser) value(s string) error {
	if p.values++; p.values > MaxValues {
		return tooLarge("%d values", MaxValues)
	}
	_, err := p.text(s)
	return err
}
