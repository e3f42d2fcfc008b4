package forms_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"longwire/xmpp/forms"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

func element(tb testing.TB, xml string) *markup.Element {
	tb.Helper()
	e, err := markup.ParseElement([]byte(xml))
	if err != nil {
		tb.Fatalf("%s: %v", xml, err)
	}
	return e
}

const config = "<x xmlns='jabber:x:data' type='form'><title>Room &amp; board</title><instructions>One</instructions><instructions>Two</instructions>" +
	"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roomconfig</value></field>" +
	"<field type='fixed'><value>Who may enter</value></field>" +
	"<field var='a' type='boolean' label='A &apos;b&apos;'><desc>What it does</desc><required/><value>1</value></field>" +
	"<field var='l' type='list-single'><value>x</value><option label='X'><value>x</value></option><option><value>y</value></option></field>" +
	"<field var='j' type='jid-multi'><value>a@b</value><value>c@d</value></field><field var='t' type='text-single'/></x>"

func TestAFormIsReadAndWritten(t *testing.T) {
	f, err := forms.Parse(element(t, config))
	if err != nil {
		t.Fatal(err)
	}
	want := &forms.Form{
		Type: forms.Blank, FormType: "http://jabber.org/protocol/muc#roomconfig", Title: "Room & board", Instructions: "One\nTwo",
		Fields: []forms.Field{
			{Type: forms.Fixed, Values: []string{"Who may enter"}},
			{Var: "a", Type: forms.Boolean, Label: "A 'b'", Desc: "What it does", Required: true, Values: forms.Bool(true)},
			{Var: "l", Type: forms.ListSingle, Values: []string{"x"}, Options: []forms.Option{{"X", "x"}, {"", "y"}}},
			{Var: "j", Type: forms.JIDMulti, Values: []string{"a@b", "c@d"}},
			{Var: "t", Type: forms.TextSingle},
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("\n got %+v\nwant %+v", f, want)
	}
	if got := string(f.Append(nil)); got != config {
		t.Errorf("\n got %s\nwant %s", got, config)
	}
	if got := string((&forms.Form{Type: forms.Cancel}).Append([]byte("y"))); got != "y<x xmlns='jabber:x:data' type='cancel'/>" {
		t.Error(got)
	}
}

func TestFieldsAreFoundByName(t *testing.T) {
	f, err := forms.Parse(element(t, "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:x</value></field>"+
		"<field var='lines'><value>one</value><value>two</value></field><field var='empty'/><field><value>nameless</value></field>"+
		"<field var='y'><value> true </value></field><field var='n'><value>0</value></field><field var='odd'><value>on</value></field>"+
		"<field var='two'><value>1</value><value>1</value></field><field xmlns='urn:other' var='foreign'/></x>"))
	if err != nil {
		t.Fatal(err)
	}
	if f.FormType != "urn:x" || f.Has("FORM_TYPE") || f.Has("foreign") || f.Has("") {
		t.Errorf("%+v", f)
	}
	for name, want := range map[string]string{"lines": "one\ntwo true", "empty": " true", "absent": " false", "": " false"} {
		if v, ok := f.Value(name); fmt.Sprint(v, " ", ok) != want {
			t.Errorf("%q is %q, %v", name, v, ok)
		}
	}
	if f.Values("absent") != nil || f.Values("empty") != nil || len(f.Values("lines")) != 2 {
		t.Error("Values")
	}
	for name, want := range map[string]string{
		"y": "true true <nil>", "n": "false true <nil>", "empty": "false false <nil>", "absent": "false false <nil>",
		"odd": "false false stanza: not-acceptable: odd: neither true nor false",
		"two": "false false stanza: not-acceptable: two: neither true nor false",
	} {
		v, ok, err := f.Bool(name)
		if got := fmt.Sprint(v, ok, err); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestAFormTypeMustBeHidden(t *testing.T) {
	for typ, want := range map[string]string{"hidden": "urn:x", "text-single": "", "": ""} {
		f, err := forms.Parse(element(t, "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='"+typ+"'><value>urn:x</value></field></x>"))
		if err != nil || f.FormType != want {
			t.Errorf("type %q: %+v, %v", typ, f, err)
		}
	}
}

func TestWhatIsNoFormIsRefused(t *testing.T) {
	x := func(inner string) string { return "<x xmlns='jabber:x:data' type='submit'>" + inner + "</x>" }
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		xml  string
		want stanza.Condition
	}{
		"other element": {"<y xmlns='jabber:x:data' type='submit'/>", stanza.BadRequest},
		"other space":   {"<x xmlns='urn:x' type='submit'/>", stanza.BadRequest},
		"no type":       {"<x xmlns='jabber:x:data'/>", stanza.BadRequest},
		"odd type":      {"<x xmlns='jabber:x:data' type='set'/>", stanza.BadRequest},
		"twice":         {x("<field var='a'/><field var='a'/>"), stanza.BadRequest},
		"fields":        {x(many(forms.MaxFields+1, "<field var='f%d'/>")), stanza.PolicyViolation},
		"values":        {x("<field var='a'>" + many(forms.MaxValues+1, "<value>%d</value>") + "</field>"), stanza.PolicyViolation},
		"options":       {x("<field var='a'>" + many(forms.MaxValues+1, "<option><value>%d</value></option>") + "</field>"), stanza.PolicyViolation},
		"value":         {x("<field var='a'><value>" + strings.Repeat("v", forms.MaxBytes) + "</value></field>"), stanza.PolicyViolation},
		"label":         {x("<field var='a' label='" + strings.Repeat("v", forms.MaxBytes) + "'/>"), stanza.PolicyViolation},
		"title":         {x("<title>" + strings.Repeat("v", forms.MaxBytes+1) + "</title>"), stanza.PolicyViolation},
		"instructions":  {x(strings.Repeat("<instructions>"+strings.Repeat("v", 1<<10)+"</instructions>", 65)), stanza.PolicyViolation},
	} {
		if _, err := forms.Parse(element(t, c.xml)); !errors.Is(err, &stanza.Err{Condition: c.want}) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := forms.Parse(nil); !errors.Is(err, &stanza.Err{Condition: stanza.BadRequest}) {
		t.Errorf("nothing: %v", err)
	}
	full := x(many(forms.MaxFields, "<field var='f%d'/>"))
	if f, err := forms.Parse(element(t, full)); err != nil || len(f.Fields) != forms.MaxFields {
		t.Errorf("at the limit: %v", err)
	}
}

// FuzzParse: what is read is within the limits, and is the same when it was written and is read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(config))
	f.Add([]byte("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:x</value></field><field var='a'><value/></field></x>"))
	f.Add([]byte("<x xmlns='jabber:x:data' type='result'><reported/><item><field var='a'/></item><instructions/><instructions>a&#10;&#10;b</instructions></x>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := markup.ParseElement(in)
		if err != nil {
			return
		}
		form, err := forms.Parse(e)
		if err != nil {
			if !errors.Is(err, &stanza.Err{}) {
				t.Fatalf("%v is no stanza error", err)
			}
			return
		}
		if len(form.Fields) > forms.MaxFields {
			t.Fatalf("%d fields", len(form.Fields))
		}
		out := form.Append(nil)
		again, err := forms.Parse(element(t, string(out)))
		if err != nil || !reflect.DeepEqual(form, again) {
			t.Fatalf("%q\nbecame %s\n%+v\n%+v\n%v", in, out, form, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	e := element(b, config)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := forms.Parse(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	f, err := forms.Parse(element(b, config))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0])
	}
}
