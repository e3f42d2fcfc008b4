package archive_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A shelf is an archive of n messages, one an hour since noon, with three others in turn. The ids it tells are 1, 2, 3 … so that
// a test reads well; the real ones are under them.
type shelf struct {
	tb  testing.TB
	db  *store.DB
	src archive.Source
	ids []uint64
}

var (
	alice = jid.MustParse("alice@field.net")
	ops   = jid.MustParse("ops@rooms.field.net")
	noon  = time.Date(2026, 7, 23, 12, 0, 0, 0, time.UTC)
)

func newShelf(tb testing.TB, name jid.JID, n int) *shelf {
	tb.Helper()
	db, err := store.Open(filepath.Join(tb.TempDir(), "store.db"), store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	s := &shelf{tb: tb, db: db, src: archive.Source{Name: name, Room: name == ops}}
	with := []string{"bob@headquarters.net/desk", "carol@field.net", "bob@headquarters.net/phone"}
	s.update(func(tx *store.Tx) error {
		for i := range n {
			e := store.ArchiveEntry{ID: uint64(noon.Add(time.Duration(i) * time.Hour).UnixNano()), With: with[i%3]}
			e.Stanza = fmt.Appendf(nil, "<message from='x' id='m%d'><body>%d</body></message>", i+1, i+1)
			if s.src.Room {
				e.From, _, _ = strings.Cut(e.With, "@")
			}
			s.ids = append(s.ids, e.ID)
			if err := tx.ArchivePut(name.String(), e, store.ArchiveLimits{}); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func (s *shelf) update(f func(*store.Tx) error) {
	s.tb.Helper()
	if err := s.db.Update(f); err != nil {
		s.tb.Fatal(err)
	}
}

// id is how the n-th message is called on the wire.
func (s *shelf) id(n int) string { return archive.FormatID(s.ids[n-1]) }

// ask sends the request; '#3' in it stands for the third id.
func (s *shelf) ask(typ, xml string) ([]*stanza.Stanza, string, error) {
	s.tb.Helper()
	for n := len(s.ids); n > 0; n-- {
		xml = strings.ReplaceAll(xml, fmt.Sprintf("#%d<", n), s.id(n)+"<")
	}
	st, err := stream.ParseStanza([]byte("<iq id='1' type='" + typ + "'>" + xml + "</iq>"))
	if err != nil {
		s.tb.Fatalf("%s: %v", xml, err)
	}
	st.From, st.To = jid.MustParse("alice@field.net/desk"), s.src.Name
	var results []*stanza.Stanza
	var inner []byte
	err = s.db.View(func(tx *store.Tx) (err error) {
		results, inner, err = s.src.Answer(tx, st)
		return err
	})
	text := string(inner)
	for n := len(s.ids); n > 0; n-- {
		text = strings.ReplaceAll(text, s.id(n), fmt.Sprint("#", n))
	}
	return results, text, err
}

// numbers are the messages in results.
func numbers(tb testing.TB, results []*stanza.Stanza) (ns []int) {
	tb.Helper()
	for _, r := range results {
		var n int
		_, rest, _ := strings.Cut(string(r.Inner), "<body>")
		if _, err := fmt.Sscanf(rest, "%d<", &n); err != nil {
			tb.Fatalf("%s: %v", r.Inner, err)
		}
		ns = append(ns, n)
	}
	return ns
}

func field(name string, values ...string) string {
	s := "<field var='" + name + "'>"
	for _, v := range values {
		s += "<value>" + v + "</value>"
	}
	return s + "</field>"
}

func form(fields ...string) string {
	return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>" + strings.Join(fields, "") + "</x>"
}

func set(children ...string) string {
	return "<set xmlns='http://jabber.org/protocol/rsm'>" + strings.Join(children, "") + "</set>"
}

func query(children ...string) string {
	return "<query xmlns='urn:xmpp:mam:2'>" + strings.Join(children, "") + "</query>"
}

func upTo(from, to int) (ns []int) {
	for n := from; n <= to; n++ {
		ns = append(ns, n)
	}
	return ns
}

func TestQueriesFindWhatTheyAskFor(t *testing.T) {
	account, room := newShelf(t, alice, 12), newShelf(t, ops, 12)
	knower := newShelf(t, ops, 12)
	knower.src.RealJIDs = true
	fin := func(complete bool, set string) string {
		if complete {
			return "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>" + set + "</set></fin>"
		}
		return "<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>" + set + "</set></fin>"
	}
	ends := func(first, last int, rest string) string {
		if strings.HasPrefix(rest, "index") {
			index, count, _ := strings.Cut(rest, " ")
			return fmt.Sprintf("<first %s>#%d</first><last>#%d</last>%s", index, first, last, count)
		}
		return fmt.Sprintf("<first>#%d</first><last>#%d</last>%s", first, last, rest)
	}
	const max5 = "<max>5</max>"
	for _, c := range []struct {
		name string
		s    *shelf
		q    string
		want []int
		fin  string
	}{
		{"everything", account, query(), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},
		{"empty form", account, query(form()), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},
		{"first page", account, query(set(max5)), upTo(1, 5), fin(false, ends(1, 5, "index='0' <count>12</count>"))},
		{"next page", account, query(set(max5, "<after>#5</after>")), upTo(6, 10), fin(false, ends(6, 10, "<count>12</count>"))},
		{"the rest", account, query(set(max5, "<after>#10</after>")), upTo(11, 12), fin(true, ends(11, 12, "<count>12</count>"))},
		{"exactly the rest", account, query(set("<max>2</max><after>#10</after>")), upTo(11, 12), fin(true, ends(11, 12, "<count>12</count>"))},
		{"nothing is left", account, query(set(max5, "<after>#12</after>")), nil, fin(true, "<count>12</count>")},
		{"last page", account, query(set(max5, "<before/>")), upTo(8, 12), fin(false, ends(8, 12, "<count>12</count>"))},
		{"page before", account, query(set(max5, "<before>#8</before>")), upTo(3, 7), fin(false, ends(3, 7, "<count>12</count>"))},
		{"back at the start", account, query(set(max5, "<before>#3</before>")), upTo(1, 2), fin(true, ends(1, 2, "<count>12</count>"))},
		{"between two", account, query(set("<after>#3</after><before>#6</before>")), upTo(4, 5), fin(true, ends(4, 5, "<count>12</count>"))},
		{"flipped", account, query(set(max5), "<flip-page/>"), []int{5, 4, 3, 2, 1}, fin(false, ends(1, 5, "index='0' <count>12</count>"))},
		{"flipped last page", account, query("<flip-page/>", set("<max>2</max><before/>")), []int{12, 11}, fin(false, ends(11, 12, "<count>12</count>"))},
		{"number only", account, query(set("<max>0</max>")), nil, fin(false, "<count>12</count>")},
		{"number of a filter", account, query(form(field("with", "carol@field.net")), set("<max>0</max>")), nil, fin(false, "<count>4</count>")},

		{"start", account, query(form(field("start", "2026-07-23T20:00:00Z"))), upTo(9, 12), fin(true, ends(9, 12, "index='0' <count>4</count>"))},
		{"start between two", account, query(form(field("start", "2026-07-23T20:00:00.001Z"))), upTo(10, 12), fin(true, ends(10, 12, "index='0' <count>3</count>"))},
		{"end", account, query(form(field("end", "2026-07-23T14:00:00Z"))), upTo(1, 3), fin(true, ends(1, 3, "index='0' <count>3</count>"))},
		{"end between two", account, query(form(field("end", "2026-07-23T13:59:59.999Z"))), upTo(1, 2), fin(true, ends(1, 2, "index='0' <count>2</count>"))},
		{"another zone", account, query(form(field("start", "2026-07-23T15:00:00+02:00"), field("end", "2026-07-23T16:00:00+02:00"))), upTo(2, 3), fin(true, ends(2, 3, "index='0' <count>2</count>"))},
		{"long ago", account, query(form(field("start", "0001-01-01T00:00:00Z"), field("end", "9999-12-31T23:59:59Z"))), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},
		{"before all", account, query(form(field("end", "0001-01-01T00:00:00Z"))), nil, fin(true, "<count>0</count>")},
		{"after all", account, query(form(field("start", "9999-01-01T00:00:00Z"))), nil, fin(true, "<count>0</count>")},
		{"start, page by page", account, query(form(field("start", "2026-07-23T20:00:00Z")), set("<max>2</max><after>#10</after>")), upTo(11, 12), fin(true, ends(11, 12, ""))},
		{"start, from the end", account, query(form(field("start", "2026-07-23T20:00:00Z")), set("<max>3</max><before/>")), upTo(10, 12), fin(false, ends(10, 12, ""))},
		{"field without a value", account, query(form(field("start"), field("with"), field("ids"))), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},

		{"with a bare address", account, query(form(field("with", "Bob@headquarters.net"))), []int{1, 3, 4, 6, 7, 9, 10, 12}, fin(true, ends(1, 12, "index='0' <count>8</count>"))},
		{"with a full address", account, query(form(field("with", "bob@headquarters.net/phone"))), []int{3, 6, 9, 12}, fin(true, ends(3, 12, "index='0' <count>4</count>"))},
		{"with nobody known", account, query(form(field("with", "dave@field.net"))), nil, fin(true, "<count>0</count>")},
		{"with a domain", account, query(form(field("with", "headquarters.net"))), nil, fin(true, "<count>0</count>")},
		{"with, last page", account, query(form(field("with", "carol@field.net")), set("<max>3</max><before/>")), []int{5, 8, 11}, fin(false, ends(5, 11, ""))},
		{"with, in time", account, query(form(field("with", "carol@field.net"), field("end", "2026-07-23T17:00:00Z"))), []int{2, 5}, fin(true, ends(2, 5, "index='0' <count>2</count>"))},

		{"after-id", account, query(form(field("after-id", "#9"))), upTo(10, 12), fin(true, ends(10, 12, "index='0' <count>3</count>"))},
		{"before-id", account, query(form(field("before-id", "#3"))), upTo(1, 2), fin(true, ends(1, 2, "index='0' <count>2</count>"))},
		{"between ids, backwards", account, query(form(field("after-id", "#3"), field("before-id", "#9")), set("<max>2</max><before/>")), upTo(7, 8), fin(false, ends(7, 8, ""))},
		{"ids", account, query(form(field("ids", "#9", "#2", "#9"))), []int{2, 9}, fin(true, ends(2, 9, "index='0' <count>2</count>"))},
		{"ids, page by page", account, query(form(field("ids", "#9", "#2", "#4")), set("<max>1</max><after>#2</after>")), []int{4}, fin(false, ends(4, 4, ""))},
		{"ids, from the end", account, query(form(field("ids", "#9", "#2", "#4")), set("<max>2</max><before/>")), []int{4, 9}, fin(false, ends(4, 9, ""))},
		{"ids with", account, query(form(field("ids", "#9", "#2"), field("with", "carol@field.net"))), []int{2}, fin(true, ends(2, 2, "index='0' <count>1</count>"))},
		{"without lines of rooms", account, query(form(field("include-groupchat", "false"))), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},

		{"room", room, query(), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},
		{"room, with an occupant", room, query(form(field("with", "ops@rooms.field.net/carol"))), []int{2, 5, 8, 11}, fin(true, ends(2, 11, "index='0' <count>4</count>"))},
		{"room, with itself", room, query(form(field("with", "ops@rooms.field.net"))), upTo(1, 12), fin(true, ends(1, 12, "index='0' <count>12</count>"))},
		{"room, with a real address", knower, query(form(field("with", "carol@field.net"))), []int{2, 5, 8, 11}, fin(true, ends(2, 11, "index='0' <count>4</count>"))},
	} {
		results, fin, err := c.s.ask("set", c.q)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := numbers(t, results); !slices.Equal(got, c.want) {
			t.Errorf("%s: found %v, want %v", c.name, got, c.want)
		}
		if fin != c.fin {
			t.Errorf("%s:\n got %s\nwant %s", c.name, fin, c.fin)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	account, room := newShelf(t, alice, 3), newShelf(t, ops, 3)
	wrongForm := strings.Replace(form(), ">urn:xmpp:mam:2<", ">urn:xmpp:mam:1<", 1)
	many := make([]string, archive.MaxIDs+1)
	for i := range many {
		many[i] = "#1"
	}
	gone := archive.FormatID(7)
	for _, c := range []struct {
		name string
		s    *shelf
		q    string
		want stanza.Condition
		text string
	}{
		{"unknown field", account, query(form(field("withtext", "x"))), stanza.FeatureNotImplemented, "withtext"},
		{"unknown field without a value", account, query(form(field("withtext"))), stanza.FeatureNotImplemented, "withtext"},
		{"field of accounts in a room", room, query(form(field("include-groupchat", "true"))), stanza.FeatureNotImplemented, "include-groupchat"},
		{"form of another kind", account, query(wrongForm), stanza.BadRequest, "FORM_TYPE"},
		{"form without a kind", account, query("<x xmlns='jabber:x:data' type='submit'/>"), stanza.BadRequest, "FORM_TYPE"},
		{"form of no type", account, query("<x xmlns='jabber:x:data'/>"), stanza.BadRequest, ""},
		{"cancelled form", account, query(strings.Replace(form(), "submit", "cancel", 1)), stanza.BadRequest, "submit"},
		{"start is no time", account, query(form(field("start", "yesterday"))), stanza.BadRequest, "start"},
		{"start without a zone", account, query(form(field("start", "2026-07-23T12:00:00"))), stanza.BadRequest, "start"},
		{"end is empty", account, query(form(field("end", ""))), stanza.BadRequest, "end"},
		{"two starts", account, query(form(field("start", "2026-07-23T12:00:00Z", "2026-07-23T12:00:00Z"))), stanza.BadRequest, "start"},
		{"with nobody", account, query(form(field("with", "@field.net"))), stanza.BadRequest, "with"},
		{"with a real address in a room", room, query(form(field("with", "carol@field.net"))), stanza.Forbidden, "with"},
		{"neither true nor false", account, query(form(field("include-groupchat", "maybe"))), stanza.BadRequest, "include-groupchat"},
		{"after-id that never was", account, query(form(field("after-id", gone))), stanza.ItemNotFound, "after-id"},
		{"before-id that is none", account, query(form(field("before-id", "2026-07-23"))), stanza.ItemNotFound, "before-id"},
		{"one of the ids", account, query(form(field("ids", "#1", gone))), stanza.ItemNotFound, "ids"},
		{"too many ids", account, query(form(field("ids", many...))), stanza.PolicyViolation, "ids"},
		{"after what never was", account, query(set("<after>" + gone + "</after>")), stanza.ItemNotFound, "after"},
		{"before what is none", account, query(set("<before>x</before>")), stanza.ItemNotFound, "before"},
		{"id in capitals", account, query(set("<before>" + strings.ToUpper(account.id(1)) + "</before>")), stanza.ItemNotFound, "before"},
		{"max is no number", account, query(set("<max>many</max>")), stanza.BadRequest, "max"},
		{"max is negative", account, query(set("<max>-1</max>")), stanza.BadRequest, "max"},
		{"by index", account, query(set("<max>1</max><index>1</index>")), stanza.FeatureNotImplemented, "index"},
		{"node", account, "<query xmlns='urn:xmpp:mam:2' node='x'/>", stanza.FeatureNotImplemented, "node"},
		{"long queryid", account, "<query xmlns='urn:xmpp:mam:2' queryid='" + strings.Repeat("x", 2000) + "'/>", stanza.BadRequest, "queryid"},
		{"something else", account, "<purge xmlns='urn:xmpp:mam:2'/>", stanza.ServiceUnavailable, ""},
	} {
		_, _, err := c.s.ask("set", c.q)
		var refusal *stanza.Err
		if !errors.As(err, &refusal) || refusal.Condition != c.want || !strings.Contains(refusal.Text, c.text) {
			t.Errorf("%s: %v, want %s, %q", c.name, err, c.want, c.text)
		}
	}
}

func TestResultsAsTheyAreSent(t *testing.T) {
	s := newShelf(t, alice, 1)
	results, _, err := s.ask("set", "<query xmlns='urn:xmpp:mam:2' queryid='f&apos;27'/>")
	if err != nil || len(results) != 1 {
		t.Fatal(results, err)
	}
	want := "<message from='alice@field.net' to='alice@field.net/desk'><result xmlns='urn:xmpp:mam:2' queryid='f&apos;27' id='" + s.id(1) + "'>" +
		"<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-07-23T12:00:00.000Z'/>" +
		"<message xmlns='jabber:client' from='x' id='m1'><body>1</body></message></forwarded></result></message>"
	if got := string(results[0].Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	s.src.Rewrite = func(e store.ArchiveEntry) ([]byte, bool) { return []byte("<message id='other'/>"), e.ID == s.ids[0] }
	results, _, err = s.ask("set", query())
	if err != nil || len(results) != 1 || !strings.Contains(string(results[0].Inner), "<message xmlns='jabber:client' id='other'/>") || strings.Contains(string(results[0].Inner), "queryid") {
		t.Error(results, err)
	}
}

func TestFormAndMetadata(t *testing.T) {
	s, empty := newShelf(t, alice, 3), newShelf(t, ops, 0)
	_, got, err := s.ask("get", "<metadata xmlns='urn:xmpp:mam:2'/>")
	if want := "<metadata xmlns='urn:xmpp:mam:2'><start id='#1' timestamp='2026-07-23T12:00:00.000Z'/><end id='#3' timestamp='2026-07-23T14:00:00.000Z'/></metadata>"; got != want || err != nil {
		t.Errorf("got  %s\nwant %s, %v", got, want, err)
	}
	if _, got, err = empty.ask("get", "<metadata xmlns='urn:xmpp:mam:2'/>"); got != "<metadata xmlns='urn:xmpp:mam:2'/>" || err != nil {
		t.Error(got, err)
	}
	for s, more := range map[*shelf]bool{s: true, empty: false} {
		_, got, err := s.ask("get", query())
		if err != nil || strings.Contains(got, "include-groupchat") != more || strings.Contains(got, "required") {
			t.Error(got, err)
		}
		for _, f := range []string{"var='with' type='jid-single'", "var='start' type='text-single'", "var='end' type='text-single'",
			"var='before-id'", "var='after-id'", "var='ids' type='list-multi'><validate"} {
			if !strings.Contains(got, f) {
				t.Errorf("no %s in %s", f, got)
			}
		}
		if _, err := markup.ParseElement([]byte(got)); err != nil {
			t.Error(err)
		}
	}
}

// Lines that come late are found by when they were said, and paged by when they came.
func TestLateLinesAreFoundByTheirTime(t *testing.T) {
	s := newShelf(t, alice, 3)
	s.update(func(tx *store.Tx) error {
		id := uint64(noon.Add(10 * time.Hour).UnixNano())
		s.ids = append(s.ids, id)
		return tx.ArchivePut(alice.String(), store.ArchiveEntry{ID: id, Stamp: noon.Add(90 * time.Minute), Stanza: []byte("<message><body>4</body></message>")}, store.ArchiveLimits{})
	})
	for q, want := range map[string][]int{
		query(set("<after>#2</after>")): {3, 4},
		query(form(field("start", "2026-07-23T13:15:00Z"), field("end", "2026-07-23T13:45:00Z"))): {4},
		query(form(field("end", "2026-07-23T13:30:00Z"))):                                         {1, 2, 4},
		query(form(field("start", "2026-07-23T13:31:00Z"))):                                       {3},
	} {
		results, _, err := s.ask("set", q)
		if got := numbers(t, results); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v, %v", q, got, want, err)
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	s := newShelf(t, alice, 130)
	for q, want := range map[string]int{query(): 50, query(set("<max>99</max>")): 99, query(set("<max>4000000000</max>")): 100} {
		results, fin, err := s.ask("set", q)
		if err != nil || len(results) != want || strings.Contains(fin, "complete") {
			t.Errorf("%s: %d results, %s, %v", q, len(results), fin, err)
		}
	}
	s.update(func(tx *store.Tx) error {
		for range 10 {
			e := store.ArchiveEntry{ID: s.db.ArchiveID(), With: "big@field.net", Stanza: []byte("<message><body>7" + strings.Repeat("x", 60<<10) + "</body></message>")}
			if err := tx.ArchivePut(alice.String(), e, store.ArchiveLimits{}); err != nil {
				return err
			}
		}
		return nil
	})
	for q, want := range map[string]int{query(set("<before/>")): 4, query(form(field("with", "big@field.net"))): 4} {
		results, fin, err := s.ask("set", q)
		if err != nil || len(results) != want || strings.Contains(fin, "complete") {
			t.Errorf("%s: %d results, %s, %v", q, len(results), fin, err)
		}
	}
}

func TestIDsSortAsTheyAreWritten(t *testing.T) {
	ids := []uint64{1, 31, 32, 1 << 40, 1785000000000000000, 1785000000000000001, 1<<64 - 1}
	for i, id := range ids {
		s := archive.FormatID(id)
		if got, ok := archive.ParseID(s); !ok || got != id || len(s) != 13 {
			t.Errorf("%d: %s, %d", id, s, got)
		}
		if i > 0 && archive.FormatID(ids[i-1]) >= s {
			t.Errorf("%s is not above the one before", s)
		}
	}
	for _, s := range []string{"", "0", "0000000000000", "0000000000001x", "000000000000w", "00000000000+1", "zzzzzzzzzzzzz", "000000000000A", "-000000000001"} {
		if id, ok := archive.ParseID(s); ok {
			t.Errorf("%q is %d", s, id)
		}
	}
}

func TestOnlyTheArchiveGivesItsIDs(t *testing.T) {
	st, err := stream.ParseStanza([]byte("<message><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='Alice@field.net' id='forged'/>" +
		"<stanza-id xmlns='urn:xmpp:sid:0' by='ops@rooms.field.net' id='true'/><stanza-id xmlns='urn:xmpp:sid:0' by='alice@field.net' id='again'/><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>"))
	if err != nil {
		t.Fatal(err)
	}
	got := archive.WithoutStanzaID(st, alice).With(archive.StanzaID(alice, 1))
	want := "<message><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='ops@rooms.field.net' id='true'/><origin-id xmlns='urn:xmpp:sid:0' id='o'/>" +
		"<stanza-id xmlns='urn:xmpp:sid:0' by='alice@field.net' id='0000000000001'/></message>"
	if string(got.Bytes()) != want {
		t.Errorf("%s", got.Bytes())
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{query(), query(form(field("with", "x"), field("ids", "0000000000001"))), query(set("<max>3</max><before/>"), "<flip-page/>"), query(form(field("start", "2026-07-23T12:00:00Z")))} {
		f.Add(q)
	}
	s := newShelf(f, alice, 5)
	f.Fuzz(func(t *testing.T, xml string) {
		e, err := markup.ParseElement([]byte(xml))
		if err != nil {
			return
		}
		_, err = archive.ParseQuery(e, true)
		var refusal *stanza.Err
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v", err)
		}
		iq, err := stream.ParseStanza([]byte("<iq type='set' id='1'>" + xml + "</iq>"))
		if err != nil {
			return
		}
		err = s.db.View(func(tx *store.Tx) error {
			results, inner, err := s.src.Answer(tx, iq)
			if err == nil {
				if _, err := markup.ParseElement(inner); err != nil || len(results) > 5 {
					t.Fatalf("%s: %v", inner, err)
				}
			}
			return err
		})
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v", err)
		}
	})
}

// What a query looks at in one operation is bounded, as all writing waits for it; who goes on from page to page finds all.
func TestAQueryThatFindsLittleIsAnsweredInParts(t *testing.T) {
	s := newShelf(t, alice, 1)
	s.update(func(tx *store.Tx) error {
		var all []store.ArchiveEntry
		for i := range 12_000 {
			e := store.ArchiveEntry{ID: s.ids[0] + uint64(i+1), With: "bob@headquarters.net/desk", Stanza: []byte("<message><body>x</body></message>")}
			if i == 500 || i == 11_000 {
				e.With = "bob@headquarters.net/rare"
			}
			all = append(all, e)
		}
		_, err := tx.ArchivePutAll(alice.String(), all, store.ArchiveLimits{})
		return err
	})
	for _, c := range []struct{ name, page, next, again string }{
		{"forward", "<max>10</max>", "last", "after"}, {"backward", "<max>10</max><before/>", "first", "before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, pages, page := 0, 0, c.page
			for ; pages < 10; pages++ {
				results, fin, err := s.ask("set", query(form(field("with", "bob@headquarters.net/rare"))+set(page)))
				if err != nil {
					t.Fatal(err)
				}
				found += len(results)
				if strings.Contains(fin, "complete='true'") {
					break
				}
				m := regexp.MustCompile("<" + c.next + "[^>]*>([^<]+)<").FindStringSubmatch(fin)
				if m == nil {
					t.Fatalf("nowhere to go on: %s", fin)
				}
				page = "<max>10</max><" + c.again + ">" + m[1] + "</" + c.again + ">"
			}
			if found != 2 || pages < 2 || pages > 4 {
				t.Errorf("%d found on %d pages", found, pages+1)
			}
		})
	}
}
