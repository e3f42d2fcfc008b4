package fmuc_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const ns = " xmlns='http://isode.com/protocol/fmuc'"

func parse(t testing.TB, in string) *stanza.Stanza {
	t.Helper()
	s, err := stream.ParseStanza([]byte(in))
	if err != nil {
		t.Fatalf("%s: %v", in, err)
	}
	return s
}

func TestMarkIsReadAndWritten(t *testing.T) {
	for _, c := range []struct{ in, out, from, reason string }{
		{"<fmuc" + ns + " from='bob@field.net/Swift'/>", "", "bob@field.net/Swift", ""},
		{"<fmuc" + ns + " from='b&amp;b@Field.net/&lt;x&gt;'/>", "", "", ""}, // a localpart has no &
		{"<fmuc" + ns + " from='bob@Field.NET/&lt;x&gt;'/>", "<fmuc" + ns + " from='bob@field.net/&lt;x&gt;'/>", "bob@field.net/<x>", ""},
		{"<fmuc" + ns + "><reject>No cross-domain federation.</reject></fmuc>", "", "", "No cross-domain federation."},
		{"<fmuc" + ns + "><reject/></fmuc>", "", "", ""},
		{"<fmuc" + ns + "><left/></fmuc>", "", "", ""},
		{"<fmuc" + ns + " from='a@b/c' n='4q'><s xmlns='urn:x-longwire:fmuc:0'>AAAA</s></fmuc>", "", "a@b/c", ""},
		{"<fmuc" + ns + " from=''/>", "error", "", ""},
		{"<fmuc" + ns + " from='@'/>", "error", "", ""},
		{"<fmuc xmlns='urn:other'/>", "none", "", ""},
	} {
		m, err := fmuc.ParseMark(parse(t, "<presence>"+c.in+"</presence>"))
		want := c.out
		switch {
		case strings.Contains(c.in, "b&amp;b"), want == "error":
			if err == nil {
				t.Errorf("%s was taken", c.in)
			}
			continue
		case want == "none":
			if !errors.Is(err, fmuc.ErrNoMark) {
				t.Errorf("%s: %v", c.in, err)
			}
			continue
		case want == "":
			want = c.in
		}
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := string(m.Append(nil)); got != want {
			t.Errorf("%s became %s", c.in, got)
		}
		if m.From.String() != c.from || m.Reason != c.reason {
			t.Errorf("%s: from %q, reason %q", c.in, m.From, m.Reason)
		}
	}
	m, _ := fmuc.ParseMark(parse(t, "<message><fmuc"+ns+" n='4q'><s xmlns='urn:x'/></fmuc></message>"))
	if m.Attr("n") != "4q" || m.Attr("o") != "" || m.Child("urn:x", "s") == nil || m.Child(fmuc.NS, "s") != nil {
		t.Errorf("%+v", m)
	}
}

func TestReasonsAreCut(t *testing.T) {
	m, err := fmuc.ParseMark(parse(t, "<presence><fmuc"+ns+"><reject>"+strings.Repeat("é", 10000)+"</reject></fmuc></presence>"))
	if err != nil || len(m.Reason) != 512 || !strings.HasSuffix(m.Reason, "é") {
		t.Errorf("%d bytes, %v", len(m.Reason), err)
	}
}

func TestItems(t *testing.T) {
	for in, want := range map[string]fmuc.Item{
		"<item affiliation='none' role='participant' jid='bob@field.net/Swift'/>": {Affiliation: "none", Role: "participant", JID: jid.MustParse("bob@field.net/Swift")},
		"<item role='none'><actor nick='Al'/><reason>so &amp; so</reason></item><status code='307'/>": {
			Role: "none", Actor: "Al", Reason: "so & so", Codes: []int{307}},
		"<item nick='Rob'/><status code='303'/><status code='110'/><status code='x'/><status code='99'/>": {Nick: "Rob", Codes: []int{303, 110}},
		"<item jid='@'/>": {}, "<item/>": {}, "": {},
	} {
		i, ok := fmuc.ParseItem(parse(t, "<presence><x xmlns='http://jabber.org/protocol/muc#user'>"+in+"</x></presence>"))
		if !ok || !reflect.DeepEqual(i, want) {
			t.Errorf("%s: %+v", in, i)
		}
		back, ok := fmuc.ParseItem(parse(t, "<presence>"+string(i.Append(nil))+"</presence>"))
		if !ok || !reflect.DeepEqual(back, i) {
			t.Errorf("%s: %s", in, i.Append(nil))
		}
	}
	if _, ok := fmuc.ParseItem(parse(t, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>")); ok {
		t.Error("an item where none is")
	}
}

func TestHistoryLimits(t *testing.T) {
	since := time.Date(2026, 7, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		in            string
		want          fmuc.History
		join, limited bool
	}{
		{"<x xmlns='http://jabber.org/protocol/muc'><history since='2026-07-23T09:00:00Z'/></x>", fmuc.History{-1, -1, -1, since}, true, true},
		{"<x xmlns='http://jabber.org/protocol/muc'><history maxchars='0' maxstanzas='20' seconds='60'/></x>", fmuc.History{0, 20, 60, time.Time{}}, true, true},
		{"<x xmlns='http://jabber.org/protocol/muc'><history maxchars='-1' seconds='x' since='yesterday'/></x>", fmuc.AllHistory, true, true},
		{"<x xmlns='http://jabber.org/protocol/muc'><history/></x>", fmuc.AllHistory, true, true},
		{"<x xmlns='http://jabber.org/protocol/muc'/>", fmuc.AllHistory, true, false},
		{"<x xmlns='http://jabber.org/protocol/muc#user'/>", fmuc.AllHistory, false, false},
	} {
		h, join, limited := fmuc.ParseHistory(parse(t, "<presence>"+c.in+"</presence>"))
		if h != c.want || join != c.join || limited != c.limited {
			t.Errorf("%s: %+v, %v, %v", c.in, h, join, limited)
		}
		if h, _, _ := fmuc.ParseHistory(parse(t, "<presence>"+string(c.want.Append(nil))+"</presence>")); h != c.want {
			t.Errorf("%s: %s", c.in, c.want.Append(nil))
		}
	}
}

// The examples of XEP-0289 write delays in ways that no XEP describes.
func TestDelays(t *testing.T) {
	at := time.Date(2012, 4, 19, 16, 0, 44, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"<delay xmlns='urn:xmpp:delay' from='ops@chat.headquarters.net' stamp='2012-04-19T16:00:44Z'/>":     at,
		"<delay xmlns='urn:xmpp:delay' stamp='2012-04-19T18:00:44.250+02:00'/>":                             at.Add(250 * time.Millisecond),
		"<x xmlns='urn:xmpp:delay' from='ops@chat.headquarters.net' stamp='20120419T16:00:44'/>":            at,
		"<x xmlns='jabber:x:delay' stamp='20120419T16:00:44'/>":                                             at,
		"<delay xmlns='urn:xmpp:delay' stamp='soon'/><x xmlns='jabber:x:delay' stamp='20120419T16:00:44'/>": at,
		"<delay xmlns='urn:xmpp:delay' stamp='9999-01-01T00:00:00Z'/>":                                      {}, "<x xmlns='urn:xmpp:sid:0' stamp='20120419T16:00:44'/>": {}, "": {},
	} {
		d, ok := fmuc.ParseDelay(parse(t, "<message>"+in+"</message>"))
		if ok == want.IsZero() || !d.Stamp.Equal(want) {
			t.Errorf("%s: %v, %v", in, d, ok)
		}
		if strings.Contains(in, "from=") && d.From.String() != "ops@chat.headquarters.net" {
			t.Errorf("%s: from %s", in, d.From)
		}
		if !ok {
			continue
		}
		if back, ok := fmuc.ParseDelay(parse(t, "<message>"+string(d.Append(nil))+"</message>")); !ok || back != d {
			t.Errorf("%s became %s", in, d.Append(nil))
		}
	}
}

func FuzzMark(f *testing.F) {
	for _, s := range []string{
		"<presence><fmuc" + ns + " from='bob@field.net/Swift'/><x xmlns='http://jabber.org/protocol/muc'><history since='2026-07-23T09:00:00Z'/></x>" +
			"<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant' jid='bob@field.net/Swift'/></x></presence>",
		"<presence><fmuc" + ns + "><reject>no</reject></fmuc></presence>",
		"<presence><fmuc" + ns + "><left/><s xmlns='urn:x-longwire:fmuc:0'>+Bob</s></fmuc></presence>",
		"<message type='groupchat'><fmuc" + ns + " from='a@b' n='4q'/><body>x</body><x xmlns='urn:xmpp:delay' stamp='20120419T16:00:44'/></message>",
		"<presence xmlns:f='http://isode.com/protocol/fmuc'><f:fmuc f:from='a' xmlns:a0='urn:z' a0:q='1' from='a@b/c'><f:left/></f:fmuc></presence>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := stream.ParseStanza(in)
		if err != nil {
			return
		}
		fmuc.ParseDelay(s)
		if h, join, _ := fmuc.ParseHistory(s); join {
			if back, _, _ := fmuc.ParseHistory(parse(t, "<presence>"+string(h.Append(nil))+"</presence>")); back.MaxChars != h.MaxChars || back.MaxStanzas != h.MaxStanzas {
				t.Errorf("history %+v became %+v", h, back)
			}
		}
		if i, ok := fmuc.ParseItem(s); ok {
			if back, _ := fmuc.ParseItem(parse(t, "<presence>"+string(i.Append(nil))+"</presence>")); !reflect.DeepEqual(back, i) {
				t.Errorf("item %+v became %+v", i, back)
			}
		}
		m, err := fmuc.ParseMark(s)
		if err != nil {
			return
		}
		// Reading settles what default namespace stands around the children.
		m, err = fmuc.ParseMark(parse(t, "<presence>"+string(m.Append(nil))+"</presence>"))
		if err != nil {
			t.Fatal(err)
		}
		text := m.Append(nil)
		back, err := fmuc.ParseMark(parse(t, "<presence>"+string(text)+"</presence>"))
		if err != nil || string(back.Append(nil)) != string(text) {
			t.Errorf("%s became %s, %v", text, back.Append(nil), err)
		}
	})
}
