package rsm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/xmpp/markup"
	"longwire/xmpp/rsm"
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

func set(inner string) string {
	return "<set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set>"
}

func TestARequestIsRead(t *testing.T) {
	for in, want := range map[string]rsm.Request{
		"":                                   {Max: -1, Index: -1},
		"<max>10</max>":                      {Max: 10, Index: -1},
		"<max> 0 </max>":                     {Max: 0, Index: -1},
		"<max>4294967295</max>":              {Max: 1<<31 - 1, Index: -1},
		"<max>10</max><after>a&amp;</after>": {Max: 10, After: "a&", Index: -1},
		"<before/>":                          {Max: -1, HasBefore: true, Index: -1},
		"<before>b</before>":                 {Max: -1, Before: "b", HasBefore: true, Index: -1},
		"<max>5</max><index>371</index>":     {Max: 5, Index: 371},
		"<max xmlns='urn:x'>5</max>":         {Max: -1, Index: -1},
	} {
		if got, err := rsm.Parse(element(t, set(in))); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	if got, err := rsm.Parse(nil); err != nil || got != rsm.Whole() {
		t.Errorf("none: %+v, %v", got, err)
	}
}

func TestABadRequestIsRefused(t *testing.T) {
	for _, in := range []string{
		"<max/>", "<max>x</max>", "<max>-1</max>", "<max>1.5</max>", "<max>99999999999</max>", "<index>-1</index>", "<index/>",
		"<index>1</index><after>a</after>", "<index>1</index><before/>",
	} {
		if got, err := rsm.Parse(element(t, set(in))); !errors.Is(err, &stanza.Err{Condition: stanza.BadRequest}) {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
}

func TestAResultIsWritten(t *testing.T) {
	for want, r := range map[string]rsm.Result{
		"<first index='0'>a&lt;</first><last>b</last><count>800</count>": {First: "a<", Last: "b", Count: 800},
		"<first>a</first><last>a</last>":                                 {First: "a", Last: "a", FirstIndex: -1, Count: -1},
		"<count>0</count>":                                               {},
	} {
		if got := string(r.Append(nil)); got != set(want) {
			t.Errorf("got %s, want %s", got, set(want))
		}
	}
}

func TestPages(t *testing.T) {
	ids := strings.Split("bdfhj", "")
	for _, c := range []struct{ in, want, first string }{
		{"", "bdf", "0"}, // at most 3
		{"<max>2</max>", "bd", "0"},
		{"<max>9</max>", "bdf", "0"},
		{"<max>0</max>", "", ""},
		{"<max>2</max><after>d</after>", "fh", "2"},
		{"<max>2</max><after>e</after>", "fh", "2"}, // gone since
		{"<max>2</max><after>j</after>", "", ""},
		{"<max>2</max><after>a</after>", "bd", "0"},
		{"<max>2</max><before/>", "hj", "3"},
		{"<before/>", "fhj", "2"},
		{"<max>2</max><before>f</before>", "bd", "0"},
		{"<max>2</max><before>i</before>", "fh", "2"},
		{"<max>2</max><before>a</before>", "", ""},
		{"<max>0</max><before/>", "", ""},
		{"<max>2</max><index>1</index>", "df", "1"},
		{"<max>2</max><index>4</index>", "j", "4"},
		{"<max>2</max><index>5</index>", "", ""},
		{"<max>2</max><index>4000000000</index>", "", ""},
		{"<max>9</max><after>b</after><before>h</before>", "df", "1"},
		{"<max>1</max><after>b</after><before>h</before>", "f", "2"},
		{"<after>h</after><before>b</before>", "", ""},
	} {
		q, err := rsm.Parse(element(t, set(c.in)))
		if err != nil {
			t.Fatal(err)
		}
		lo, hi, r := q.Page(ids, 3)
		got := strings.Join(ids[lo:hi], "")
		first := ""
		if got != "" {
			first = fmt.Sprint(r.FirstIndex)
			if r.First != got[:1] || r.Last != got[len(got)-1:] {
				t.Errorf("%s: %+v", c.in, r)
			}
		} else if r.First != "" || r.Last != "" {
			t.Errorf("%s: an empty page has %+v", c.in, r)
		}
		if got != c.want || first != c.first || r.Count != len(ids) {
			t.Errorf("%s: got %q at %s of %d, want %q at %s", c.in, got, first, r.Count, c.want, c.first)
		}
	}
	if _, _, r := rsm.Whole().Page(nil, 3); r != (rsm.Result{}) {
		t.Errorf("an empty set: %+v", r)
	}
}

// FuzzParse: a request for any page of a small set gives one that is no larger than asked and lies inside.
func FuzzParse(f *testing.F) {
	f.Add([]byte(set("<max>10</max><after>b</after>")))
	f.Add([]byte(set("<max>2</max><index>1</index>")))
	f.Add([]byte(set("<before/>")))
	ids := strings.Split("bdfhj", "")
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := markup.ParseElement(in)
		if err != nil {
			return
		}
		q, err := rsm.Parse(e)
		if err != nil {
			return
		}
		lo, hi, r := q.Page(ids, 3)
		if lo < 0 || hi < lo || hi > len(ids) || hi-lo > 3 || q.Max >= 0 && hi-lo > q.Max {
			t.Fatalf("%s: %d to %d", in, lo, hi)
		}
		element(t, string(r.Append(nil)))
	})
}

func BenchmarkPage(b *testing.B) {
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("room%05d@chat.field.net", i)
	}
	q := rsm.Request{Max: 50, After: ids[5000], Index: -1}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		_, _, r := q.Page(ids, 100)
		buf = r.Append(buf[:0])
	}
}
