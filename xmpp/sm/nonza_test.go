package sm_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"longwire/xmpp/markup"
	"longwire/xmpp/sm"
)

func TestAppend(t *testing.T) {
	const ns = " xmlns='urn:xmpp:sm:3'"
	for _, tt := range []struct{ got, want string }{
		{string(sm.AppendFeature(nil)), "<sm" + ns + "/>"},
		{string(sm.AppendR([]byte("x"))), "x<r" + ns + "/>"},
		{string(sm.AppendA(nil, 0)), "<a" + ns + " h='0'/>"},
		{string(sm.AppendA(nil, 4294967295)), "<a" + ns + " h='4294967295'/>"},
		{string(sm.Enable{}.Append(nil)), "<enable" + ns + "/>"},
		{string(sm.Enable{Resume: true, Max: 600, ID: "x1"}.Append(nil)), "<enable" + ns + " id='x1' resume='true' max='600'/>"},
		{string(sm.Enabled{}.Append(nil)), "<enabled" + ns + "/>"},
		{string(sm.Enabled{ID: "a'<b", Resume: true, Max: 86400, Seq: 1}.Append(nil)), "<enabled" + ns + " id='a&apos;&lt;b' resume='true' max='86400'/>"},
		{string(sm.Enabled{ID: "a", Resume: true, Location: "[::1]:5222", Seq: 42}.Append(nil)), "<enabled" + ns + " id='a' resume='true' location='[::1]:5222' seq='42'/>"},
		{string(sm.Resume{PrevID: "a", H: 17}.AppendResume(nil)), "<resume" + ns + " previd='a' h='17'/>"},
		{string(sm.Resume{PrevID: "a", H: 17, HasSeq: true}.AppendResume(nil)), "<resume" + ns + " previd='a' h='17' seq='0'/>"},
		{string(sm.Resume{PrevID: "a", Seq: 5, HasSeq: true}.AppendResumed(nil)), "<resumed" + ns + " previd='a' h='0' seq='5'/>"},
		{string(sm.Failed{}.Append(nil)), "<failed" + ns + "/>"},
		{string(sm.Failed{H: 0, HasH: true, Condition: "item-not-found"}.Append(nil)), "<failed" + ns + " h='0'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"},
	} {
		if tt.got != tt.want {
			t.Errorf("got  %s\nwant %s", tt.got, tt.want)
		}
	}
}

// element builds <local …/> of stream management from pairs of attribute and value.
func element(local string, attrs ...string) *markup.Element {
	e := &markup.Element{Name: markup.Name{Space: sm.NS, Local: local}}
	for i := 0; i < len(attrs); i += 2 {
		e.Attrs = append(e.Attrs, markup.Attr{Name: markup.Name{Local: attrs[i]}, Value: attrs[i+1]})
	}
	return e
}

func TestCountsAreReadStrictly(t *testing.T) {
	for _, tt := range []struct {
		h    string
		want uint32
		ok   bool
	}{
		{"0", 0, true}, {"7", 7, true}, {"007", 7, true}, {"4294967295", 4294967295, true},
		{"4294967296", 0, false}, {"-1", 0, false}, {"+1", 0, false}, {"", 0, false}, {" 1", 0, false}, {"1 ", 0, false},
		{"0x1", 0, false}, {"1_0", 0, false}, {"1e3", 0, false}, {"١", 0, false}, {strings.Repeat("9", 5000), 0, false},
	} {
		h, err := sm.ParseA(element("a", "h", tt.h))
		if h != tt.want || (err == nil) != tt.ok || err != nil && !errors.Is(err, sm.ErrMalformed) {
			t.Errorf("h=%.20q: got %d, %v", tt.h, h, err)
		}
		if err != nil && len(err.Error()) > 100 {
			t.Errorf("error of %d bytes", len(err.Error()))
		}
	}
	if _, err := sm.ParseA(element("a")); !errors.Is(err, sm.ErrMalformed) {
		t.Errorf("without h: %v", err)
	}
	foreign := element("a")
	foreign.Attrs = []markup.Attr{{Name: markup.Name{Space: "urn:x", Local: "h"}, Value: "1"}}
	if _, err := sm.ParseA(foreign); err == nil {
		t.Error("an h of another namespace passed")
	}
}

func TestParse(t *testing.T) {
	condition := func(e *markup.Element, space, local string) *markup.Element {
		e.Children = append(e.Children, &markup.Element{Name: markup.Name{Space: space, Local: local}})
		return e
	}
	const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	long := strings.Repeat("x", 4001)
	for _, tt := range []struct {
		name string
		e    *markup.Element
		want any // nil: malformed
	}{
		{"plain", element("enable"), sm.Enable{}},
		{"resumable", element("enable", "resume", "true", "max", "600"), sm.Enable{Resume: true, Max: 600}},
		{"one for true", element("enable", "resume", "1"), sm.Enable{Resume: true}},
		{"said no", element("enable", "resume", "false", "max", "0"), sm.Enable{}},
		{"named", element("enable", "resume", "true", "id", "x1"), sm.Enable{Resume: true, ID: "x1"}},
		{"endless", element("enable", "max", "99999999999999999999"), sm.Enable{Max: 1<<32 - 1}},
		{"yes", element("enable", "resume", "yes"), nil},
		{"negative time", element("enable", "max", "-1"), nil},
		{"long name", element("enable", "id", long), nil},

		{"plain", element("enabled"), sm.Enabled{Seq: 1}},
		{"full", element("enabled", "id", "a", "resume", "true", "max", "86400", "location", "l", "seq", "42"), sm.Enabled{ID: "a", Resume: true, Max: 86400, Location: "l", Seq: 42}},
		{"resumable without a name", element("enabled", "resume", "true"), nil},
		{"empty seq", element("enabled", "seq", ""), nil},

		{"plain", element("resume", "previd", "a", "h", "17"), sm.Resume{PrevID: "a", H: 17}},
		{"with seq", element("resumed", "previd", "a", "h", "17", "seq", "0"), sm.Resume{PrevID: "a", H: 17, HasSeq: true}},
		{"without previd", element("resume", "h", "17"), nil},
		{"without h", element("resume", "previd", "a"), nil},
		{"long previd", element("resume", "previd", long, "h", "1"), nil},
		{"wrong seq", element("resume", "previd", "a", "h", "17", "seq", "x"), nil},

		{"plain", element("failed"), sm.Failed{}},
		{"full", condition(element("failed", "h", "3"), stanzas, "item-not-found"), sm.Failed{H: 3, HasH: true, Condition: "item-not-found"}},
		{"text and more", condition(condition(condition(element("failed"), stanzas, "text"), "urn:x", "y"), stanzas, "item-not-found"), sm.Failed{Condition: "item-not-found"}},
		{"wrong h", element("failed", "h", "x"), nil},
	} {
		t.Run(tt.e.Name.Local+" "+tt.name, func(t *testing.T) {
			var got any
			var err error
			switch tt.e.Name.Local {
			case "enable":
				got, err = sm.ParseEnable(tt.e)
			case "enabled":
				got, err = sm.ParseEnabled(tt.e)
			case "failed":
				got, err = sm.ParseFailed(tt.e)
			default:
				got, err = sm.ParseResume(tt.e)
			}
			switch {
			case tt.want == nil:
				if !errors.Is(err, sm.ErrMalformed) {
					t.Errorf("got %+v, %v", got, err)
				}
			case err != nil || !reflect.DeepEqual(got, tt.want):
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestIs(t *testing.T) {
	if !sm.Is(element("r"), "r") || sm.Is(element("r"), "a") || sm.Is(nil, "r") || sm.Is(&markup.Element{Name: markup.Name{Local: "r"}}, "r") {
		t.Error("wrong")
	}
}
