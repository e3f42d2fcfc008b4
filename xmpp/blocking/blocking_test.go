package blocking_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/blocking"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
)

const (
	tent = "alice@field.net/tent"
	jeep = "alice@field.net/jeep"
	bob  = "bob@field.net/x"
)

func get() string { return "<iq type='get' id='1'><blocklist xmlns='urn:xmpp:blocking'/></iq>" }

func set(verb string, jids ...string) string {
	b := "<iq type='set' id='2'><" + verb + " xmlns='urn:xmpp:blocking'>"
	for _, j := range jids {
		b += "<item jid='" + j + "'/>"
	}
	return b + "</" + verb + "></iq>"
}

func listed(jids ...string) string {
	b := "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'><blocklist xmlns='urn:xmpp:blocking'"
	if jids == nil {
		return b + "/></iq>"
	}
	b += ">"
	for _, j := range jids {
		b += "<item jid='" + j + "'/>"
	}
	return b + "</blocklist></iq>"
}

const done = "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='2'/>"

func TestBlockListIsKept(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent)
	st.Login(bob)
	blocking.New(st.Host, nil)
	fail := func(kind, condition, text string) string {
		return servicetest.Error("alice@field.net", tent, "2", kind, stanza.Condition(condition), text)
	}
	many := make([]string, blocking.MaxItems+1)
	for i := range many {
		many[i] = fmt.Sprintf("spam%d@far.example", i)
	}
	// A client that has the list also gets pushes; here it asks last, so that each question has one answer.
	st.Run(t, []servicetest.Case{
		{"block two, one twice", tent, set("block", "Romeo@Montague.net", "evil.example", "romeo@montague.net"), done},
		{"block one that is there", tent, set("block", "evil.example", "a@b/c d"), done},
		{"unblock one, and one that is not there", tent, set("unblock", "a@b/c d", "x@y"), done},
		{"nobody named", tent, set("block"), fail("modify", "bad-request", "name whom to block")},
		{"no jid", tent, "<iq type='set' id='2'><block xmlns='urn:xmpp:blocking'><item/></block></iq>", fail("modify", "bad-request", "")},
		{"no item", tent, "<iq type='set' id='2'><unblock xmlns='urn:xmpp:blocking'><thing jid='a@b'/></unblock></iq>", fail("modify", "bad-request", "")},
		{"bad address spoils all", tent, set("block", "new@b", "@b"), fail("modify", "jid-malformed", "")},
		{"oneself", tent, set("block", "alice@field.net"), fail("modify", "not-acceptable", "an account cannot block itself")},
		{"too many at once", tent, set("block", many...), fail("wait", "resource-constraint", "at most 1000 addresses in one request")},
		{"too many in all", tent, set("block", many[:blocking.MaxItems]...), fail("wait", "resource-constraint", "at most 1000 addresses can be blocked")},
		{"another's list", bob, strings.Replace(get(), "id=", "to='alice@field.net' id=", 1),
			servicetest.Error("alice@field.net", bob, "1", "auth", "forbidden", "")},
		{"another's blocking", bob, strings.Replace(set("block", "x@y"), "id=", "to='alice@field.net' id=", 1),
			servicetest.Error("alice@field.net", bob, "2", "auth", "forbidden", "")},
		{"the list", tent, get(), listed("evil.example", "romeo@montague.net")},
	})
	// A new service on the same store knows it too.
	other := blocking.New(anotherHost{st.Host}, nil)
	if ok, err := other.Blocked(new(router.Turn), jid.MustParse("alice@field.net"), jid.MustParse("romeo@montague.net/garden")); !ok || err != nil {
		t.Errorf("after a restart: %v, %v", ok, err)
	}
	st.Send(tent, set("unblock"))
	st.Received(tent)
	if got := st.Ask(tent, get()); got != listed() {
		t.Errorf("after unblocking all: %s", got)
	}
}

// anotherHost takes the registrations of a second service that only reads.
type anotherHost struct{ *local.Host }

func (anotherHost) HandleIQ(string, string, string, local.Scope, local.IQHandler) {}

// XEP-0191 §3.3: only those resources hear of a change that asked for the list.
func TestPushes(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent)
	st.Login(jeep)
	blocking.New(st.Host, nil)
	st.Ask(jeep, get())
	id := regexp.MustCompile(` id='b[A-Z0-9]{12}'`)
	for _, c := range []struct{ ask, push string }{
		{set("block", "x@y", "z"), "<block xmlns='urn:xmpp:blocking'><item jid='x@y'/><item jid='z'/></block>"},
		{set("unblock", "z"), "<unblock xmlns='urn:xmpp:blocking'><item jid='z'/></unblock>"},
		{set("unblock"), "<unblock xmlns='urn:xmpp:blocking'/>"},
	} {
		if got := st.Ask(tent, c.ask); got != done {
			t.Errorf("%s: %s", c.ask, got)
		}
		want := []string{"<iq from='alice@field.net' to='alice@field.net/jeep' type='set'>" + c.push + "</iq>"}
		got := st.Received(jeep)
		for i := range got {
			got[i] = id.ReplaceAllString(got[i], "")
		}
		if !slices.Equal(got, want) {
			t.Errorf("pushed %q, want %q", got, want)
		}
	}
}

// XEP-0191 §2.
func TestMatching(t *testing.T) {
	for _, c := range []struct {
		item    string
		matches string
		not     string
	}{
		{"u@d/r", "u@d/r", "u@d u@d/s d/r d"},
		{"u@d", "u@d u@d/r", "v@d d d/r u@e u@sub.d"},
		{"d/r", "d/r", "d u@d/r d/s"},
		{"d", "d d/r u@d u@d/r", "e u@e sub.d u@sub.d"},
	} {
		st := servicetest.New(t)
		st.Login(tent)
		b := blocking.New(st.Host, nil)
		st.Ask(tent, set("block", c.item))
		for _, who := range strings.Fields(c.matches) {
			check(t, b, who, true)
		}
		for _, who := range strings.Fields(c.not) {
			check(t, b, who, false)
		}
	}
}

func check(t *testing.T, b *blocking.Service, who string, want bool) {
	t.Helper()
	for _, account := range []string{"alice@field.net", tent} {
		got, err := b.Blocked(new(router.Turn), jid.MustParse(account), jid.MustParse(who))
		if err != nil || got != want {
			t.Errorf("%s blocks %s: %v, %v", account, who, got, err)
		}
	}
}

// Nobody can lock themselves out, not even by blocking the own domain.
func TestOwnAccountIsNeverBlocked(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent)
	b := blocking.New(st.Host, nil)
	st.Block = b
	st.Ask(tent, set("block", "field.net"))
	check(t, b, jeep, false)
	check(t, b, "alice@field.net", false)
	check(t, b, "bob@field.net", true)
	if got := st.Ask(tent, get()); got != listed("field.net") {
		t.Errorf("the list: %s", got)
	}
}

func TestContactsAreTold(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent).Directed().Add(jid.MustParse("room@chat.g/alice"))
	st.Update(func(tx *store.Tx) error {
		if _, err := tx.PutRosterItem("alice@field.net", store.RosterItem{Contact: "to@f", To: true, InRoster: true}); err != nil {
			return err
		}
		for contact, from := range map[string]bool{"sub@d": true, "two@d": true, "not@d": false, "sub@e": true} {
			if _, err := tx.PutRosterItem("alice@field.net", store.RosterItem{Contact: contact, From: from, InRoster: true}); err != nil {
				return err
			}
		}
		return nil
	})
	var told []string
	var b *blocking.Service
	b = blocking.New(st.Host, func(tn *router.Turn, account, contact jid.JID, blocked bool) error {
		if tn.Tx == nil || account.String() != "alice@field.net" {
			t.Errorf("called for %s without a transaction", account)
		}
		// Within the Turn the new list is in force already, so that unavailable can be the last thing they hear.
		if now, err := b.Blocked(tn, account, contact); err != nil || now != blocked {
			t.Errorf("in the Turn, %s is blocked: %v, %v", contact, now, err)
		}
		told = append(told, fmt.Sprint(contact, " ", blocked))
		return nil
	})
	for _, c := range []struct {
		verb  string
		items string
		want  string
	}{
		{"block", "sub@d", "sub@d true"},
		{"block", "sub@d", ""},
		{"block", "not@d stranger@d", ""},
		{"block", "d", "two@d true"},
		{"unblock", "sub@d", ""}, // still blocked by domain
		{"unblock", "d", "sub@d false,two@d false"},
		{"block", "sub@d/r other@x/r", "sub@d/r true"},
		{"block", "sub@d", "sub@d true"},
		{"block", "e", "sub@e true"},
		{"block", "f", "to@f true"},
		{"block", "room@chat.g", "room@chat.g/alice true"},
		{"unblock", "", "room@chat.g/alice false,sub@d false,sub@e false,to@f false"},
	} {
		told = nil
		st.Ask(tent, set(c.verb, strings.Fields(c.items)...))
		slices.Sort(told)
		if got := strings.Join(told, ","); got != c.want {
			t.Errorf("%s %q: told %q, want %q", c.verb, c.items, got, c.want)
		}
	}
}

// A reader that looked before a change must not leave its view behind in the cache.
func TestCacheFollowsChanges(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent)
	b := blocking.New(st.Host, nil)
	alice, x := jid.MustParse("alice@field.net"), jid.MustParse("x@y")
	slow := new(router.Turn)
	err := st.DB.Update(func(tx *store.Tx) error {
		slow.Reset(tx)
		_, err := b.Blocked(slow, alice, x) // plans to remember an empty list
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	st.Ask(tent, set("block", "x@y"))
	slow.Done()
	check(t, b, "x@y", true)
	st.Ask(tent, set("unblock", "x@y"))
	check(t, b, "x@y", false)
}

// The cache may hold any number of questions, and keeps answering right.
func TestCacheIsBounded(t *testing.T) {
	st := servicetest.New(t)
	st.Login(tent)
	b := blocking.New(st.Host, nil)
	st.Ask(tent, set("block", "x@y"))
	x := jid.MustParse("x@y")
	for i := range 60_000 {
		if ok, err := b.Blocked(new(router.Turn), jid.MustParse(fmt.Sprintf("u%d@field.net", i)), x); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	check(t, b, "x@y", true)
}

func BenchmarkBlocked(b *testing.B) {
	st := servicetest.New(b)
	st.Login(tent)
	s := blocking.New(st.Host, nil)
	st.Ask(tent, set("block", "x@y", "evil.example"))
	alice, from, t := jid.MustParse("alice@field.net"), jid.MustParse("bob@headquarters.net/desk"), new(router.Turn)
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := s.Blocked(t, alice, from); ok {
			b.Fatal("blocked")
		}
	}
}
