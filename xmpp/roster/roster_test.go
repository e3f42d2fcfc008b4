package roster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/roster"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

func TestAddingChangingRemoving(t *testing.T) {
	plays.New(t).Play(`
		alice/desk  connects
		alice/phone connects
		alice/pad   connects
		alice/desk  quickly sends <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
		alice/desk  gets <iq type='result' id='r' from='alice@hq.net'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		alice/phone quickly sends <iq type='get' id='r' to='alice@hq.net'><query xmlns='jabber:iq:roster'/></iq>
		alice/phone gets <iq type='result' id='r' from='alice@hq.net'><query xmlns='jabber:iq:roster' ver='0'/></iq>

		# both that asked for the roster hear of the change; pad did not. What the client says of the state is ignored
		alice/desk  sends <iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='Bob@HQ.net' name="Bob's &lt;place&gt;" subscription='both' ask='subscribe' approved='true'><group>Ops</group><group>A&amp;B</group><note xmlns='urn:example:n'/></item></query></iq>
		alice/desk  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='bob@hq.net' name='Bob&apos;s &lt;place&gt;' subscription='none'><group>Ops</group><group>A&amp;B</group></item></query></iq>
		alice/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='bob@hq.net' name='Bob&apos;s &lt;place&gt;' subscription='none'><group>Ops</group><group>A&amp;B</group></item></query></iq>
		alice/desk  gets  <iq type='result' id='1' from='alice@hq.net'/>

		# name and groups are replaced, not added to
		alice/phone sends <iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='bob@hq.net'><group>Map</group></item></query></iq>
		alice/desk  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@hq.net' subscription='none'><group>Map</group></item></query></iq>
		alice/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@hq.net' subscription='none'><group>Map</group></item></query></iq>
		alice/phone gets  <iq type='result' id='2' from='alice@hq.net'/>

		alice/pad   quickly sends <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
		alice/pad   gets  <iq type='result' id='r' from='alice@hq.net'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@hq.net' subscription='none'><group>Map</group></item></query></iq>

		alice/pad   sends <iq type='set' id='3'><query xmlns='jabber:iq:roster'><item jid='bob@hq.net' subscription='remove'/></query></iq>
		alice/desk  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='bob@hq.net' subscription='remove'/></query></iq>
		alice/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='bob@hq.net' subscription='remove'/></query></iq>
		alice/pad   gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='bob@hq.net' subscription='remove'/></query></iq>
		alice/pad   gets  <iq type='result' id='3' from='alice@hq.net'/>
		# no subscription, nobody to tell
	`)
}

func TestRemovingEndsSubscriptions(t *testing.T) {
	const remove = `<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='carol@far.net' subscription='remove'/></query></iq>`
	const (
		gone         = `<presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'/>`
		unsubscribe  = `<presence type='unsubscribe' from='alice@hq.net' to='carol@far.net'/>`
		unsubscribed = `<presence type='unsubscribed' from='alice@hq.net' to='carol@far.net'/>`
	)
	for _, c := range []struct {
		name string
		it   store.RosterItem
		told []string
	}{
		{"none", store.RosterItem{}, nil},
		{"to", store.RosterItem{To: true}, []string{unsubscribe}},
		{"from", store.RosterItem{From: true}, []string{gone, unsubscribed}},
		{"both", store.RosterItem{To: true, From: true}, []string{gone, unsubscribed, unsubscribe}},
		{"pending out", store.RosterItem{PendOut: true}, []string{unsubscribe}},
		{"pending in", store.RosterItem{PendIn: true}, []string{unsubscribed}},
		{"to and pending in", store.RosterItem{To: true, PendIn: true}, []string{unsubscribed, unsubscribe}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plays.New(t)
			s.Play(`
				alice/desk connects
				alice/desk sends <presence/>
				alice/desk gets <presence from='alice@hq.net/desk'/>
			`)
			c.it.Contact, c.it.InRoster = "carol@far.net", true
			s.Item("alice", c.it)
			script := "alice/desk sends " + remove + "\n"
			for _, x := range c.told {
				script += "far.net gets " + x + "\n"
			}
			s.Play(script + "alice/desk gets <iq type='result' id='x' from='alice@hq.net'/>")
		})
	}
}

func TestRemovingALocalContactTellsIt(t *testing.T) {
	s := plays.New(t)
	s.Item("alice", store.RosterItem{Contact: "bob@hq.net", To: true, From: true, InRoster: true})
	s.Item("bob", store.RosterItem{Contact: "alice@hq.net", To: true, From: true, InRoster: true, Name: "Al"})
	s.Play(`
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk gets  <presence type='unavailable' from='bob@hq.net'/>
		bob/phone connects
		bob/phone sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>
		bob/phone gets  <iq type='result' id='r' from='bob@hq.net'/>
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence from='alice@hq.net/desk'/>
		alice/desk gets <presence from='bob@hq.net/phone'/>

		alice/desk sends <iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='bob@hq.net' subscription='remove'/></query></iq>
		bob/phone gets  <presence type='unavailable' from='alice@hq.net/desk'/>
		bob/phone gets  <presence type='unsubscribed' from='alice@hq.net'/>
		bob/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='alice@hq.net' name='Al' subscription='from'/></query></iq>
		bob/phone gets  <presence type='unsubscribe' from='alice@hq.net'/>
		bob/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='alice@hq.net' name='Al' subscription='none'/></query></iq>
		alice/desk gets <presence type='unavailable' from='bob@hq.net/phone'/>
		alice/desk gets <iq type='result' id='x' from='alice@hq.net'/>
	`)
}

func TestBadSets(t *testing.T) {
	item := func(inside string) string {
		return `<query xmlns='jabber:iq:roster'><item jid='bob@hq.net'>` + inside + `</item></query>`
	}
	long := strings.Repeat("x", 1024)
	manyGroups := ""
	for i := range 51 {
		manyGroups += fmt.Sprintf("<group>%d</group>", i)
	}
	for _, c := range []struct{ name, query, kind, condition, text string }{
		{"no item", `<query xmlns='jabber:iq:roster'/>`, "modify", "bad-request", "a roster set holds exactly one item"},
		{"two items", `<query xmlns='jabber:iq:roster'><item jid='a@x.net'/><item jid='b@x.net'/></query>`, "modify", "bad-request", "a roster set holds exactly one item"},
		{"something else", `<query xmlns='jabber:iq:roster'><entry jid='a@x.net'/></query>`, "modify", "bad-request", "a roster set holds exactly one item"},
		{"foreign item", `<query xmlns='jabber:iq:roster'><item xmlns='urn:example:i' jid='a@x.net'/></query>`, "modify", "bad-request", "a roster set holds exactly one item"},
		{"no jid", `<query xmlns='jabber:iq:roster'><item name='x'/></query>`, "modify", "bad-request", "an item needs a jid"},
		{"empty jid", `<query xmlns='jabber:iq:roster'><item jid=''/></query>`, "modify", "bad-request", "an item needs a jid"},
		{"malformed jid", `<query xmlns='jabber:iq:roster'><item jid='a@b@c'/></query>`, "modify", "jid-malformed", ""},
		{"full jid", `<query xmlns='jabber:iq:roster'><item jid='a@x.net/r'/></query>`, "modify", "bad-request", "a contact's jid has no resource"},
		{"oneself", `<query xmlns='jabber:iq:roster'><item jid='alice@hq.net'/></query>`, "cancel", "not-allowed", "an account is not its own contact"},
		{"long name", `<query xmlns='jabber:iq:roster'><item jid='a@x.net' name='` + long + `'/></query>`, "modify", "not-acceptable", "the name is too long"},
		{"empty group", item(`<group/>`), "modify", "not-acceptable", "a group needs a name"},
		{"long group", item(`<group>` + long + `</group>`), "modify", "not-acceptable", "a group's name is too long"},
		{"same group twice", item(`<group>A</group><group>A</group>`), "modify", "bad-request", "a group is named twice"},
		{"too many groups", item(manyGroups), "modify", "not-acceptable", "the contact is in too many groups"},
		{"removing whom nobody knows", `<query xmlns='jabber:iq:roster'><item jid='a@x.net' subscription='remove'/></query>`, "cancel", "item-not-found", ""},
		{"removing who merely asks", `<query xmlns='jabber:iq:roster'><item jid='carol@far.net' subscription='remove'/></query>`, "cancel", "item-not-found", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plays.New(t)
			s.Item("alice", store.RosterItem{Contact: "carol@far.net", PendIn: true})
			s.Play(`
				alice/desk connects
				alice/desk sends <iq type='set' id='x'>` + c.query + `</iq>
				alice/desk gets  <iq type='error' id='x' from='alice@hq.net'>` + failure(c.kind, c.condition, c.text) + `</iq>
			`)
		})
	}
}

func failure(kind, condition, text string) string {
	const ns = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
	x := "<error type='" + kind + "'><" + condition + " " + ns + "/>"
	if text != "" {
		x += "<text " + ns + " xml:lang='en'>" + strings.ReplaceAll(text, "'", "&apos;") + "</text>"
	}
	return x + "</error>"
}

func TestNamesUpToTheLimit(t *testing.T) {
	s, long := plays.New(t), strings.Repeat("é", 511)+"x" // 1023 octets
	s.Play(`
		alice/desk connects
		alice/desk sends <iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='bob@hq.net' name='` + long + `'><group>` + long + `</group></item></query></iq>
		alice/desk gets  <iq type='result' id='1' from='alice@hq.net'/>
	`)
}

func TestOthersRosters(t *testing.T) {
	for _, typ := range []string{"get", "set"} {
		plays.New(t).Play(`
			alice/desk connects
			alice/desk sends <iq type='` + typ + `' id='x' to='bob@hq.net'><query xmlns='jabber:iq:roster'><item jid='eve@hq.net'/></query></iq>
			alice/desk gets  <iq type='error' id='x' from='bob@hq.net'>` + failure("auth", "forbidden", "") + `</iq>
			far.net    sends <iq type='` + typ + `' id='x' from='carol@far.net/x' to='bob@hq.net'><query xmlns='jabber:iq:roster'><item jid='eve@hq.net'/></query></iq>
			far.net    gets  <iq type='error' id='x' from='bob@hq.net' to='carol@far.net/x'>` + failure("auth", "forbidden", "") + `</iq>
		`)
	}
}

func TestAFullRosterTakesNoMore(t *testing.T) {
	s := plays.New(t)
	err := s.DB.Update(func(tx *store.Tx) error {
		for i := range roster.MaxItems {
			if _, err := tx.PutRosterItem("alice@hq.net", store.RosterItem{Contact: fmt.Sprintf("c%d@x.net", i), InRoster: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	full := failure("wait", "resource-constraint", "the roster is full")
	s.Play(`
		alice/desk connects
		alice/desk sends <iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='bob@hq.net'/></query></iq>
		alice/desk gets  <iq type='error' id='1' from='alice@hq.net'>` + full + `</iq>
		alice/desk sends <presence type='subscribe' id='2' to='bob@hq.net'/>
		alice/desk gets  <presence type='error' id='2' from='bob@hq.net'>` + full + `</presence>
		alice/desk sends <presence type='subscribed' id='3' to='bob@hq.net'/>
		alice/desk gets  <presence type='error' id='3' from='bob@hq.net'>` + full + `</presence>
		# who is in it can be changed, and others may still ask
		alice/desk sends <iq type='set' id='4'><query xmlns='jabber:iq:roster'><item jid='c0@x.net' name='C'/></query></iq>
		alice/desk gets  <iq type='result' id='4' from='alice@hq.net'/>
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		far.net    sends <presence type='subscribe' from='carol@far.net' to='alice@hq.net'/>
		alice/desk gets  <presence type='subscribe' from='carol@far.net'/>
	`)
}

func TestAFloodOfRequestsIsBounded(t *testing.T) {
	s := plays.New(t)
	for i := range roster.MaxPending + 5 {
		s.Play(fmt.Sprintf(`far.net sends <presence type='subscribe' from='c%03d@far.net' to='alice@hq.net'/>`, i))
	}
	s.Play(`alice/desk connects`)
	s.Send("alice/desk", "<presence/>", false)
	if n := len(s.Client("alice/desk").Got()) - 1; n != roster.MaxPending {
		t.Errorf("%d requests were kept, want %d", n, roster.MaxPending)
	}
}

func TestVersions(t *testing.T) {
	stage := func(t *testing.T) *plays.Stage {
		s := plays.New(t)
		for i := range 10 { // versions 1 to 10
			s.Item("alice", store.RosterItem{
				Contact: fmt.Sprintf("c%d@x.net", i), InRoster: true, Name: strings.Repeat("n", 100), Groups: []string{"G"},
			})
		}
		s.Play(`alice/desk connects`)
		return s
	}
	get := func(ver string) string {
		return `alice/desk quickly sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='` + ver + `'/></iq>` + "\n"
	}
	const empty = `alice/desk gets <iq type='result' id='r' from='alice@hq.net'/>` + "\n"
	whole := func(t *testing.T, s *plays.Stage, ver string, items int) {
		t.Helper()
		got := s.Client("alice/desk").Got()
		if len(got) != 1 || strings.Count(got[0], "<item ") != items || !strings.Contains(got[0], "ver='"+ver+"'") {
			t.Errorf("got %q, want the whole roster of %d items, version %s", got, items, ver)
		}
	}
	t.Run("unchanged", func(t *testing.T) {
		stage(t).Play(get("10") + empty)
	})
	for _, ver := range []string{"", "v10", "-1", "11", "99999999999999999999999"} {
		t.Run("unknown "+ver, func(t *testing.T) {
			s := stage(t)
			s.Send("alice/desk", `<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='`+ver+`'/></iq>`, true)
			whole(t, s, "10", 10)
		})
	}
	t.Run("much has changed", func(t *testing.T) {
		s := stage(t)
		s.Send("alice/desk", `<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>`, true)
		whole(t, s, "10", 10)
	})
	t.Run("a little has changed", func(t *testing.T) {
		s := stage(t)
		s.Item("alice", store.RosterItem{Contact: "c7@x.net", InRoster: true})           // 11
		s.Item("alice", store.RosterItem{Contact: "asks@x.net", PendIn: true})           // 12, hidden
		s.Item("alice", store.RosterItem{Contact: "c2@x.net", InRoster: true, To: true}) // 13
		s.Play(`alice/desk sends <iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='c4@x.net' subscription='remove'/></query></iq>
			alice/desk gets <iq type='result' id='x' from='alice@hq.net'/>
			` + get("10") + empty + `
			# what is gone comes first, and does not move the client's version on
			alice/desk gets <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='10'><item jid='c4@x.net' subscription='remove'/></query></iq>
			alice/desk gets <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='11'><item jid='c7@x.net' subscription='none'/></query></iq>
			alice/desk gets <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='13'><item jid='c2@x.net' subscription='to'/></query></iq>
		`)
	})
	t.Run("only what is hidden has changed", func(t *testing.T) {
		s := stage(t)
		s.Item("alice", store.RosterItem{Contact: "asks@x.net", PendIn: true})
		s.Play(get("10") + empty)
	})
	t.Run("removals were forgotten", func(t *testing.T) {
		s := stage(t)
		err := s.DB.Update(func(tx *store.Tx) error {
			for i := range 300 {
				contact := fmt.Sprintf("d%d@x.net", i)
				if _, err := tx.PutRosterItem("alice@hq.net", store.RosterItem{Contact: contact, InRoster: true}); err != nil {
					return err
				}
				if _, err := tx.DeleteRosterItem("alice@hq.net", contact); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Send("alice/desk", `<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='10'/></iq>`, true)
		whole(t, s, "610", 10)
	})
}

func TestPushIDsAreUnique(t *testing.T) {
	s := plays.New(t)
	raw := make(map[string]bool)
	s.Play(`alice/desk connects
		alice/desk sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		alice/desk gets <iq type='result' id='r' from='alice@hq.net'/>`)
	c := s.Client("alice/desk")
	c.ID = func(x string) { raw[x] = true }
	for i := range 5 {
		s.Send("alice/desk", fmt.Sprintf(`<presence type='subscribe' to='c%d@x.net'/>`, i), false)
	}
	if len(raw) != 5 {
		t.Errorf("5 pushes had %d ids", len(raw))
	}
}

func TestWritingNeedsATransaction(t *testing.T) {
	s := plays.New(t)
	var turn router.Turn
	alice := jid.MustParse("alice@hq.net")
	if err := s.Roster.Put(&turn, alice, store.RosterItem{Contact: "bob@hq.net"}); !errors.Is(err, router.ErrNeedTx) {
		t.Errorf("Put: %v, want %v", err, router.ErrNeedTx)
	}
	if err := s.Roster.Delete(&turn, alice, store.RosterItem{Contact: "bob@hq.net"}); !errors.Is(err, router.ErrNeedTx) {
		t.Errorf("Delete: %v, want %v", err, router.ErrNeedTx)
	}
}

func parse(xml string) ([]byte, error) {
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		return nil, err
	}
	return st.Bytes(), nil
}

func FuzzSet(f *testing.F) {
	for _, x := range []string{
		"<item jid='bob@hq.net' name='B'><group>A</group></item>", "<item jid='bob@hq.net' subscription='remove'/>", "<item/>",
		"<item jid='b@c@d'/>", "", "<item jid='a.b' name='&#x9;'><group> </group></item><item/>",
	} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, inside string) {
		st, err := parse("<iq type='set' id='x'><query xmlns='jabber:iq:roster'>" + inside + "</query></iq>")
		if err != nil {
			t.Skip()
		}
		s := plays.New(t)
		s.Play(`alice/desk connects
			alice/desk sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='0'/></iq>
			alice/desk gets <iq type='result' id='r' from='alice@hq.net'/>`)
		s.Send("alice/desk", string(st), false)
		got := s.Client("alice/desk").Got()
		if len(got) == 0 || len(got) > 2 {
			t.Fatalf("answered with %q", got)
		}
		for _, x := range got {
			if _, err := parse(x); err != nil {
				t.Errorf("answered with %q: %v", x, err)
			}
		}
	})
}
