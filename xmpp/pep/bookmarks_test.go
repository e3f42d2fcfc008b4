package pep_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/pep"
	"longwire/xmpp/router"
)

const (
	native = "urn:xmpp:bookmarks:1"
	legacy = "storage:bookmarks"
)

// Shorthands of what clients of each kind write.
func conference(attrs, inner string) string {
	b := "<conference xmlns='urn:xmpp:bookmarks:1'" + attrs
	if inner == "" {
		return b + "/>"
	}
	return b + ">" + inner + "</conference>"
}

func old(room, attrs, inner string) string {
	b := "<conference jid='" + room + "'" + attrs
	if inner == "" {
		return b + "/>"
	}
	return b + ">" + inner + "</conference>"
}

func storage(inner ...string) string {
	if len(inner) == 0 {
		return "<storage xmlns='storage:bookmarks'/>"
	}
	return "<storage xmlns='storage:bookmarks'>" + strings.Join(inner, "") + "</storage>"
}

func query(inner string) string { return "<query xmlns='jabber:iq:private'>" + inner + "</query>" }

// views checks that all three views of alice's bookmarks say the same.
func (s *stage) views(t *testing.T, when string, items, list string) {
	t.Helper()
	s.run(t, []question{
		{when + ", XEP-0402", alice, "get [pubsub><items node='" + native + "'/></pubsub>", "[pubsub><items node='" + native + "'>" + items + "</items></pubsub>"},
		{when + ", XEP-0048 on PEP", alice, "get [pubsub><items node='" + legacy + "'/></pubsub>", "[pubsub><items node='" + legacy + "'><item id='current'>" + list + "</item></items></pubsub>"},
		{when + ", by id", alice, "get [pubsub><items node='" + legacy + "'><item id='current'/></items></pubsub>", "[pubsub><items node='" + legacy + "'><item id='current'>" + list + "</item></items></pubsub>"},
		{when + ", XEP-0049", alice, "get " + query(storage()), query(list)},
	})
}

func item(id, payload string) string { return "<item id='" + id + "'>" + payload + "</item>" }

func told(node, inner string) string {
	return "<message from='alice@hq.net' type='headline' id='*'>[event><items node='" + node + "'>" + inner + "</items></event></message>"
}

func TestBookmarksHaveOneTruth(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk", "alice/new "+native, "alice/mid "+legacy, "bob/phone "+native+" "+legacy)
	hear := func(when, news, list string) {
		t.Helper()
		var want []string
		if news != "" {
			want = append(want, news)
		}
		wantEvents(t, when+": alice/new", s.events("alice/new"), want...)
		wantEvents(t, when+": alice/mid", s.events("alice/mid"), told(legacy, item("current", list)))
		wantEvents(t, when+": bob/phone", s.events("bob/phone"))
	}
	s.run(t, []question{
		{"none yet", alice, "get [pubsub><items node='" + native + "'/></pubsub>", "! cancel item-not-found"},
		{"none yet, legacy", alice, "get [pubsub><items node='" + legacy + "'/></pubsub>", "! cancel item-not-found"},
		{"none yet, private", alice, "get " + query(storage()), query(storage())},
	})

	// By XEP-0402, with what other clients know nothing of.
	ops := conference(" name='Ops' autojoin='1'", "<nick>Al</nick><extensions><x xmlns='urn:x'/></extensions>")
	s.run(t, []question{{"XEP-0402", alice, with(publish(native, item("ops@rooms.hq.net", ops)),
		options("persist_items=true", "max_items=max", "send_last_published_item=never", "access_model=whitelist")), "[pubsub><publish node='" + native + "'/></pubsub>"}})
	list := storage(old("ops@rooms.hq.net", " name='Ops' autojoin='true'", "<nick>Al</nick>"))
	hear("XEP-0402", told(native, item("ops@rooms.hq.net", ops)), list)
	s.views(t, "XEP-0402", item("ops@rooms.hq.net", ops), list)

	// By private XML: one more room, a URL, and the first one as it is.
	url := "<url xmlns='storage:bookmarks' name='Home' url='http://hq.net/'/>"
	tea := old("Tea@rooms.hq.net", "", "<nick>Al</nick><password>pw</password>")
	s.run(t, []question{{"XEP-0049", alice, "set " + query(storage(old("ops@rooms.hq.net", " name='Ops' autojoin='true'", "<nick>Al</nick>"), tea, "<url name='Home' url='http://hq.net/'/>", "<conference name='nowhere'/>", old("ops@rooms.hq.net", "", ""))), "done"}})
	teaItem := item("tea@rooms.hq.net", conference("", "<nick>Al</nick><password>pw</password>"))
	list = storage(old("ops@rooms.hq.net", " name='Ops' autojoin='true'", "<nick>Al</nick>"), strings.Replace(tea, "Tea", "tea", 1), url)
	hear("XEP-0049", told(native, teaItem), list)
	s.views(t, "XEP-0049", item("ops@rooms.hq.net", ops)+teaItem, list)

	// By XEP-0048 on PEP: one is changed, and keeps its extensions; the other goes, and so does the URL.
	ops = conference(" name='Ops &amp; more'", "<nick>Al</nick><extensions xmlns='urn:xmpp:bookmarks:1'><x xmlns='urn:x'/></extensions>")
	list = storage(old("ops@rooms.hq.net", " name='Ops &amp; more'", "<nick>Al</nick>"))
	s.Drain()
	s.Send(alice, short.Replace("<iq type='set' id='q'>"+publish(legacy, item("current", list))[4:]+"</iq>"), false)
	wantEvents(t, "alice/new", s.events("alice/new"), told(native, "<retract id='tea@rooms.hq.net'/>"), told(native, item("ops@rooms.hq.net", ops)))
	wantEvents(t, "alice/mid", s.events("alice/mid"), told(legacy, item("current", list)))
	s.views(t, "XEP-0048", item("ops@rooms.hq.net", ops), list)

	// The same again is no news for those of XEP-0402.
	s.Drain()
	s.Send(alice, short.Replace("<iq type='set' id='q'>"+publish(legacy, item("current", list))[4:]+"</iq>"), false)
	hear("again", "", list)

	// A retraction empties the list.
	s.run(t, []question{{"retract", alice, "set [pubsub><retract node='" + native + "' notify='true'><item id='ops@rooms.hq.net'/></retract></pubsub>", "done"}})
	hear("retract", told(native, "<retract id='ops@rooms.hq.net'/>"), storage())
	s.run(t, []question{
		{"none, XEP-0402", alice, "get [pubsub><items node='" + native + "'/></pubsub>", "[pubsub><items node='" + native + "'/></pubsub>"},
		{"none, XEP-0048", alice, "get [pubsub><items node='" + legacy + "'/></pubsub>", "[pubsub><items node='" + legacy + "'/></pubsub>"},
		{"none, XEP-0049", alice, "get " + query(storage()), query(storage())},
	})
}

func TestBookmarksStayPrivateAndWhole(t *testing.T) {
	s := everybody(t, pep.Options{})
	ok := publish(native, item("a@b", conference("", "")))
	notThis := "! modify not-acceptable: pubsub#access_model, persist_items, max_items, send_last_published_item: this value is not possible here"
	s.run(t, []question{
		{"shown to contacts", alice, with(ok, options("access_model=presence")), "! cancel conflict precondition-not-met"},
		{"one only", alice, with(ok, options("max_items=1")), "! cancel conflict precondition-not-met"},
		{"made so", alice, "set [pubsub><create node='" + native + "'/><configure>" + config("access_model=open") + "</configure></pubsub>", notThis},
		{"publish", alice, ok, "[pubsub><publish node='" + native + "'/></pubsub>"},
		{"shown later", alice, "set [owner><configure node='" + native + "'>" + config("access_model=presence") + "</configure></pubsub>", notThis},
		{"legacy, shown later", alice, "set [owner><configure node='" + legacy + "'>" + config("access_model=presence") + "</configure></pubsub>", notThis},
		{"legacy, titled", alice, "set [owner><configure node='" + legacy + "'>" + config("title=Rooms") + "</configure></pubsub>", "done"},
		{"not kept later", alice, "set [owner><configure node='" + native + "'>" + config("persist_items=0") + "</configure></pubsub>", notThis},
		{"a contact", bob, "get [pubsub><items node='" + native + "'/></pubsub>", "! cancel not-allowed closed-node"},
		{"a contact, legacy", bob, "get [pubsub><items node='" + legacy + "'/></pubsub>", "! cancel not-allowed closed-node"},
		{"a contact, private", bob, "get " + query(storage()), "! auth forbidden"},
		{"no room", alice, publish(native, item("@", conference("", ""))), "! modify bad-request: the id of a bookmark is the JID of its room"},
		{"an occupant", alice, publish(native, item("a@b/c", conference("", ""))), "! modify bad-request: the id of a bookmark is the JID of its room"},
		{"no bookmark", alice, publish(native, item("a@b", "<conference xmlns='storage:bookmarks'/>")), "! modify bad-request invalid-payload: a bookmark is a conference"},
		{"no storage", alice, publish(legacy, item("current", conference("", ""))), "! modify bad-request invalid-payload: bookmarks are a storage"},
		{"delete a view", alice, "set [owner><delete node='" + legacy + "'/></pubsub>", "! cancel not-allowed: these are the bookmarks of urn:xmpp:bookmarks:1; publish an empty list to delete all"},
		{"purge a view", alice, "set [owner><purge node='" + legacy + "'/></pubsub>", "! cancel not-allowed: these are the bookmarks of urn:xmpp:bookmarks:1; publish an empty list to delete all"},
		{"retract of a view", alice, "set [pubsub><retract node='" + legacy + "'><item id='current'/></retract></pubsub>", "! cancel not-allowed: these are the bookmarks of urn:xmpp:bookmarks:1; publish an empty list to delete all"},
	})
	s.views(t, "after all that", item("a@b", conference("", "")), storage(old("a@b", "", "")))
}

// Bookmarks that private XML kept before there was personal eventing are there at the first look, whoever looks.
func TestBookmarksOfBeforeAreAdopted(t *testing.T) {
	blob := []byte(storage(old("ops@rooms.hq.net", " autojoin='1'", ""), "<url url='http://hq.net/'/>"))
	list := storage(old("ops@rooms.hq.net", " autojoin='true'", ""), "<url xmlns='storage:bookmarks' url='http://hq.net/'/>")
	ops := item("ops@rooms.hq.net", conference(" autojoin='true'", ""))
	for name, first := range map[string]question{
		"XEP-0402": {"", alice, "get [pubsub><items node='" + native + "'/></pubsub>", "[pubsub><items node='" + native + "'>" + ops + "</items></pubsub>"},
		"XEP-0048": {"", alice, "get [pubsub><items node='" + legacy + "'/></pubsub>", "[pubsub><items node='" + legacy + "'>" + item("current", list) + "</items></pubsub>"},
		"XEP-0049": {"", alice, "get " + query(storage()), query(list)},
		"publish":  {"", alice, publish(native, item("ops@rooms.hq.net", conference(" autojoin='true'", ""))), "[pubsub><publish node='" + native + "'/></pubsub>"},
		"replace":  {"", alice, "set " + query(list), "done"},
	} {
		s := everybody(t, pep.Options{})
		if err := s.DB.Update(func(tx *store.Tx) error {
			return tx.PutBlob("alice@hq.net", store.BlobPrivate, "storage storage:bookmarks", blob)
		}); err != nil {
			t.Fatal(err)
		}
		first.name = "first by " + name
		s.run(t, []question{first})
		s.views(t, "first by "+name, ops, list)
	}
}

// XEP-0411 §4: a client of XEP-0048 on PEP is told of bookmarks that were there before, when it comes.
func TestBookmarksOfBeforeAreToldOf(t *testing.T) {
	s := newStage(t, pep.Options{})
	blob := []byte(storage(old("ops@rooms.hq.net", " autojoin='1'", "")))
	if err := s.DB.Update(func(tx *store.Tx) error {
		return tx.PutBlob("alice@hq.net", store.BlobPrivate, "storage storage:bookmarks", blob)
	}); err != nil {
		t.Fatal(err)
	}
	late := strings.Replace(told(legacy, item("current", storage(old("ops@rooms.hq.net", " autojoin='true'", "")))), "</message>", "[late]</message>", 1)
	for _, who := range []string{"alice/mid", "alice/again"} {
		s.comes(who + " " + legacy + " " + native)
		wantEvents(t, who, s.events(who), late)
		s.ask(who, "get [pubsub><items node='"+native+"'/></pubsub>") // adopts it
	}
	s.comes("bob/phone " + legacy)
	wantEvents(t, bob, s.events(bob))
}

func TestDeclaredBookmarks(t *testing.T) {
	account, room := jid.MustParse("alice@hq.net"), jid.MustParse("ops@rooms.hq.net")
	one, two := pep.Bookmark{Name: "Ops", Autojoin: true}, pep.Bookmark{Name: "Ops 2", Autojoin: true}
	const itemOne, itemTwo = "<item id='ops@rooms.hq.net'><conference xmlns='urn:xmpp:bookmarks:1' name='Ops' autojoin='true'/></item>",
		"<item id='ops@rooms.hq.net'><conference xmlns='urn:xmpp:bookmarks:1' name='Ops 2' autojoin='true'/></item>"
	mine := item("ops@rooms.hq.net", conference("", "<nick>Al</nick>"))
	publishMine := publish(native, mine)
	retract := "set [pubsub><retract node='" + native + "'><item id='ops@rooms.hq.net'/></retract></pubsub>"
	for name, c := range map[string]struct {
		do    []any  // a Bookmark to declare, nil to take it back, or what alice asks
		items string // what is left
	}{
		"declared":                          {[]any{one}, itemOne},
		"declared twice":                    {[]any{one, one}, itemOne},
		"declared otherwise":                {[]any{one, two}, itemTwo},
		"taken back":                        {[]any{one, nil}, ""},
		"never declared":                    {[]any{publishMine, nil}, mine},
		"the user's before":                 {[]any{publishMine, one, two, nil}, mine},
		"changed by the user":               {[]any{one, publishMine, one, two, nil}, mine},
		"removed by the user":               {[]any{one, retract, one, two}, ""},
		"removed, and taken back":           {[]any{one, retract, nil}, ""},
		"taken back and declared once more": {[]any{one, retract, nil, one}, itemOne},
		"written again by a new client":     {[]any{one, publish(native, item("ops@rooms.hq.net", conference(" autojoin='1' name='Ops'", "<extensions/>"))), nil}, ""},
		"written again by an old client":    {[]any{one, "set " + query(storage(old("ops@rooms.hq.net", " name='Ops' autojoin='1'", ""))), two}, itemTwo},
	} {
		s := newStage(t, pep.Options{})
		s.online(alice, "alice/new "+native)
		for _, step := range c.do {
			if ask, ok := step.(string); ok {
				if got := s.ask(alice, ask); strings.HasPrefix(got, "<error") {
					t.Errorf("%s: %s: %s", name, ask, got)
				}
				continue
			}
			var turn router.Turn
			err := s.DB.Update(func(tx *store.Tx) error {
				turn.Reset(tx)
				if b, ok := step.(pep.Bookmark); ok {
					return s.pep.Bookmark(&turn, account, room, b)
				}
				return s.pep.Unbookmark(&turn, account, room)
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			turn.Done()
		}
		want := "[pubsub><items node='" + native + "'>" + c.items + "</items></pubsub>"
		if c.items == "" {
			want = "[pubsub><items node='" + native + "'/></pubsub>"
		}
		s.run(t, []question{{name, alice, "get [pubsub><items node='" + native + "'/></pubsub>", want}})
		rooms, err := s.pep.Declared(new(router.Turn), account)
		if last := c.do[len(c.do)-1]; err != nil || slices.Equal(rooms, []jid.JID{room}) != (last != nil) || last == nil && rooms != nil {
			t.Errorf("%s: declared are %v, %v", name, rooms, err)
		}
	}
	s := newStage(t, pep.Options{})
	if err := s.pep.Bookmark(new(router.Turn), account, room, one); !errors.Is(err, router.ErrNeedTx) {
		t.Error(err)
	}
}

func TestTooManyBookmarks(t *testing.T) {
	s := everybody(t, pep.Options{Items: 3})
	var list []string
	for i := range 4 {
		list = append(list, old(fmt.Sprintf("r%d@b", i), "", ""))
	}
	s.run(t, []question{
		{"three", alice, "set " + query(storage(list[:3]...)), "done"},
		{"four", alice, "set " + query(storage(list...)), "! wait resource-constraint: too many bookmarks"},
		{"three are left", alice, "get " + query(storage()), query(storage(list[:3]...))},
	})
}

func FuzzBookmarks(f *testing.F) {
	for _, s := range []string{
		"", old("a@b", " name='x' autojoin='1'", "<nick>n</nick>") + "<url url='u'/>",
		old("a@b", "", "") + old("A@b", "", "<password> </password>"), conference("", "") + "text", "<a:x xmlns:a='a' a:b='c'/>",
	} {
		f.Add(s)
	}
	s := everybody(f, pep.Options{})
	f.Fuzz(func(t *testing.T, payload string) {
		st, ok := s.TryParse("<iq type='set' id='q'>" + query(storage(payload)) + "</iq>")
		if !ok || st.Payload() == nil || len(st.Payload().Children) != 1 {
			return
		}
		s.On(t)
		s.Drain()
		s.Route(alice, st)
		s.Drain()
		// Whatever was written: what is read is written back without a change.
		first := s.ask(alice, "get "+query(storage()))
		if got := s.ask(alice, "set "+first); got != "done" {
			t.Fatalf("%q\nis read as %q,\nwhich is refused: %s", payload, first, got)
		}
		if second := s.ask(alice, "get "+query(storage())); second != first {
			t.Fatalf("%q\nis read as %q,\nwritten back it is %q", payload, first, second)
		}
	})
}
