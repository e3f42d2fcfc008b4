package archive_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A play is a stage whose accounts have archives.
type play struct {
	*servicetest.Stage
	t   testing.TB
	svc *archive.Service
}

func newPlay(t testing.TB, o archive.Options) *play {
	t.Helper()
	s := servicetest.New(t)
	p := &play{s, t, archive.New(s.Host, o)}
	s.Host.UseArchiver(p.svc)
	s.Host.ServeCarbons()
	return p
}

// online logs a client in that takes messages.
func (p *play) online(full string) *local.Resource {
	p.t.Helper()
	r := p.Login(full)
	turn := new(router.Turn)
	err := p.DB.Update(func(tx *store.Tx) error {
		turn.Reset(tx)
		turn.After(func() { r.SetPresence(&stanza.Stanza{Kind: stanza.Presence, From: r.JID()}, 0) })
		return p.Host.FlushSpool(turn, r)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	turn.Done()
	return r
}

// say is what a client's session does with a message: the quick way, when that is allowed and possible.
func (p *play) say(quick bool, from, xml string) {
	p.t.Helper()
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		p.t.Fatal(err)
	}
	st.From = jid.MustParse(from)
	route := func(t *router.Turn) error {
		st := st
		if r := p.Host.Resource(st.From); r != nil {
			var err error
			if st, err = p.Host.Sent(t, r, st); err != nil {
				return err
			}
		}
		return p.Router.Route(t, st)
	}
	t := new(router.Turn)
	if err = router.ErrNeedTx; quick {
		err = route(t)
	}
	if errors.Is(err, router.ErrNeedTx) {
		err = p.DB.Update(func(tx *store.Tx) error { t.Reset(tx); return route(t) })
	}
	if err != nil {
		p.t.Fatal(err)
	}
	t.Done()
}

// archived is what an account's archive holds: with whom, and the body.
func (p *play) archived(account string) (all []string) {
	p.t.Helper()
	p.flush()
	p.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(account, 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			_, rest, _ := strings.Cut(string(e.Stanza), "<body>")
			body, _, _ := strings.Cut(rest, "<")
			all = append(all, e.With+" "+body)
			if strings.Contains(string(e.Stanza), "urn:xmpp:sid:0") {
				p.t.Errorf("the archive of %s keeps its own id: %s", account, e.Stanza)
			}
			return true, nil
		})
	})
	return all
}

// ids are those in an account's archive, as they are written.
func (p *play) ids(account string) (ids []string) {
	p.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(account, 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			ids = append(ids, archive.FormatID(e.ID))
			return true, nil
		})
	})
	return ids
}

var stanzaID = regexp.MustCompile(`<stanza-id xmlns='urn:xmpp:sid:0' by='([^']*)' id='([^']*)'/>`)

// stanzaIDs are the by and id of each in a message.
func stanzaIDs(message string) (all []string) {
	for _, m := range stanzaID.FindAllStringSubmatch(message, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestBothSidesKeepWhatIsSaid(t *testing.T) {
	for _, quick := range []bool{true, false} {
		p := newPlay(t, archive.Options{})
		p.online("alice@field.net/desk")
		p.online("bob@field.net/phone")
		p.say(quick, "alice@field.net/desk", "<message to='bob@field.net' type='chat' id='1'><body>one</body></message>")
		p.say(quick, "bob@field.net/phone", "<message to='alice@field.net/desk' id='2'><body>two</body></message>")
		p.say(quick, "alice@field.net/desk", "<message to='dora@headquarters.net' type='chat' id='3'><body>three</body></message>")
		p.say(quick, "dora@headquarters.net/x", "<message to='alice@field.net' type='chat' id='4'><body>four</body></message>")
		same(t, "alice's", p.archived("alice@field.net"), []string{"bob@field.net one", "bob@field.net/phone two", "dora@headquarters.net three", "dora@headquarters.net/x four"})
		same(t, "bob's", p.archived("bob@field.net"), []string{"alice@field.net/desk one", "alice@field.net/desk two"})
		// Who has the archive hears the number; nobody else does.
		mine := p.ids("alice@field.net")
		got := p.Received("alice@field.net/desk")
		same(t, "what alice gets", slices.Concat(stanzaIDs(got[0]), stanzaIDs(got[1])), []string{"alice@field.net " + mine[1], "alice@field.net " + mine[3]})
		same(t, "what bob gets", stanzaIDs(p.Received("bob@field.net/phone")[0]), []string{"bob@field.net " + p.ids("bob@field.net")[0]})
		same(t, "what dora gets", stanzaIDs(p.Received("dora@headquarters.net")[0]), nil)
	}
}

func TestAMessageToOneselfIsKeptOnce(t *testing.T) {
	for _, quick := range []bool{true, false} {
		p := newPlay(t, archive.Options{})
		p.online("alice@field.net/desk")
		p.online("alice@field.net/phone").SetCarbons(true)
		p.say(quick, "alice@field.net/desk", "<message to='alice@field.net' type='chat'><body>note</body></message>")
		same(t, "alice's", p.archived("alice@field.net"), []string{"alice@field.net/desk note"})
		for _, c := range []string{"desk", "phone"} {
			got := p.Received("alice@field.net/" + c)
			if len(got) != 1 || len(stanzaIDs(got[0])) != 1 {
				t.Errorf("%s: %q", c, got)
			}
		}
		got := p.Query("alice@field.net/desk", query(form(field("with", "alice@field.net"))))
		if len(got) != 2 {
			t.Errorf("with oneself: %q", got)
		}
	}
}

// Query asks for an account's own archive; the last of the answers is the iq.
func (p *play) Query(full, inner string) []string {
	p.t.Helper()
	p.Received(full)
	p.Send(full, "<iq type='set' id='q'>"+inner+"</iq>")
	return p.Received(full)
}

func TestNobodyElseGivesOurIDs(t *testing.T) {
	const forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@field.net' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='ops@rooms.field.net' id='true'/>"
	p := newPlay(t, archive.Options{})
	p.online("bob@field.net/phone")
	p.online("alice@field.net/desk")
	p.say(true, "dora@headquarters.net/x", "<message to='bob@field.net' type='chat'><body>x</body>"+forged+"</message>")
	p.say(true, "dora@headquarters.net/x", "<message to='bob@field.net' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>"+forged+"</message>")
	got := p.Received("bob@field.net/phone")
	same(t, "archived", stanzaIDs(got[0]), []string{"ops@rooms.field.net true", "bob@field.net " + p.onlyID("bob@field.net")})
	same(t, "not archived", stanzaIDs(got[1]), []string{"ops@rooms.field.net true"})
	p.say(true, "bob@field.net/phone", "<message to='alice@field.net' type='chat'><body>x</body>"+strings.ReplaceAll(forged, "ops@rooms", "ops@room")+"</message>")
	same(t, "what bob sends", stanzaIDs(p.Received("alice@field.net/desk")[0]), []string{"ops@room.field.net true", "alice@field.net " + p.onlyID("alice@field.net")})
}

// flush waits until all is archived that was said.
func (p *play) flush() {
	p.t.Helper()
	p.svc.Flush()
	p.Update(func(*store.Tx) error { return nil })
}

func (p *play) onlyID(account string) string {
	p.t.Helper()
	p.flush()
	ids := p.ids(account)
	if len(ids) != 1 {
		p.t.Fatalf("%s has %d entries", account, len(ids))
	}
	return ids[0]
}

func TestWhatWaitedHasItsID(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.say(true, "dora@headquarters.net/x", "<message to='bob@field.net' type='chat'><body>x</body></message>")
	same(t, "bob's", p.archived("bob@field.net"), []string{"dora@headquarters.net/x x"})
	p.online("bob@field.net/phone")
	got := p.Received("bob@field.net/phone")
	if len(got) != 1 || !strings.Contains(got[0], "<delay ") {
		t.Fatalf("%q", got)
	}
	same(t, "the late message", stanzaIDs(got[0]), []string{"bob@field.net " + p.onlyID("bob@field.net")})
}

func TestCarbonsHaveTheIDToo(t *testing.T) {
	for _, quick := range []bool{true, false} {
		p := newPlay(t, archive.Options{})
		p.online("alice@field.net/desk")
		p.online("alice@field.net/phone").SetCarbons(true)
		p.say(quick, "alice@field.net/desk", "<message to='dora@headquarters.net' type='chat'><body>out</body></message>")
		p.say(quick, "dora@headquarters.net/x", "<message to='alice@field.net/desk' type='chat'><body>in</body></message>")
		p.archived("alice@field.net")
		ids := p.ids("alice@field.net")
		got := p.Received("alice@field.net/phone")
		if len(ids) != 2 || len(got) != 2 {
			t.Fatalf("%d entries, %q", len(ids), got)
		}
		same(t, "sent", stanzaIDs(got[0]), []string{"alice@field.net " + ids[0]})
		same(t, "received", stanzaIDs(got[1]), []string{"alice@field.net " + ids[1]})
	}
}

func TestWhatIsWorthAnArchive(t *testing.T) {
	for _, c := range []struct {
		name, typ, inner string
		in, out          bool
	}{
		{"a body", "chat", "<body>x</body>", true, true},
		{"a body, normal", "", "<body>x</body>", true, true},
		{"a body, unknown type", "greeting", "<body>x</body>", true, true},
		{"a subject", "", "<subject>x</subject>", true, true},
		{"a headline", "headline", "<body>x</body>", false, false},
		{"a line of a room", "groupchat", "<body>x</body>", false, false},
		{"an error", "error", "<body>x</body><error type='cancel'/>", false, false},
		{"nothing", "chat", "", false, false},
		{"a chat state", "chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false, false},
		{"a thread", "chat", "<thread>1</thread>", false, false},
		{"a receipt", "chat", "<received xmlns='urn:xmpp:receipts' id='1'/>", true, true},
		{"a marker", "chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true, true},
		{"a reaction", "chat", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", true, true},
		{"encrypted", "chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", true, true},
		{"a direct invitation", "", "<x xmlns='jabber:x:conference' jid='ops@rooms.field.net'/>", true, true},
		{"an invitation by the room", "", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='x@y'/></x>", true, false},
		{"an event", "headline", "<event xmlns='http://jabber.org/protocol/pubsub#event'/>", false, false},
		{"an event of no type", "", "<event xmlns='http://jabber.org/protocol/pubsub#event'/>", false, false},
		{"no-store", "chat", "<body>x</body><no-store xmlns='urn:xmpp:hints'/>", false, false},
		{"no-permanent-store", "chat", "<no-permanent-store xmlns='urn:xmpp:hints'/><body>x</body>", false, false},
		{"store", "chat", "<x xmlns='urn:x'/><store xmlns='urn:xmpp:hints'/>", true, true},
		{"store, of a chat state", "chat", "<gone xmlns='http://jabber.org/protocol/chatstates'/><store xmlns='urn:xmpp:hints'/>", true, true},
		{"what an archive found", "", "<result xmlns='urn:xmpp:mam:2' id='1'/><body>x</body>", false, false},
		{"a carbon copy", "chat", "<received xmlns='urn:xmpp:carbons:2'/><body>x</body>", false, false},
		{"without carbons", "chat", "<private xmlns='urn:xmpp:carbons:2'/><body>x</body>", true, true},
	} {
		st, err := stream.ParseStanza([]byte("<message from='dora@headquarters.net/x' to='alice@field.net' type='" + c.typ + "'>" + c.inner + "</message>"))
		if err != nil {
			t.Fatal(err)
		}
		if got := archive.Worth(alice, st); got != c.in {
			t.Errorf("%s, received: %v", c.name, got)
		}
		if got := archive.Worth(jid.MustParse("dora@headquarters.net"), st); got != c.out {
			t.Errorf("%s, sent: %v", c.name, got)
		}
	}
}

// What is refused is not in the archive of who refused it.
func TestWhatIsRefusedIsNotKept(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("bob@field.net/phone")
	p.Block = blockAll{}
	p.say(true, "dora@headquarters.net/x", "<message to='bob@field.net' type='chat'><body>blocked</body></message>")
	p.Block = nil
	p.say(true, "dora@headquarters.net/x", "<message to='bob@field.net/gone'><body>no such client</body></message>")
	p.say(true, "dora@headquarters.net/x", "<message to='nobody@field.net' type='chat'><body>no such account</body></message>")
	same(t, "bob's", p.archived("bob@field.net"), nil)
	same(t, "nobody's", p.archived("nobody@field.net"), nil)
}

type blockAll struct{}

func (blockAll) Blocked(*router.Turn, jid.JID, jid.JID) (bool, error) { return true, nil }

// A room sends a private message to each client that is there under the nick.
func TestPrivateMessagesOfARoomAreKeptOnce(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	p.online("alice@field.net/phone")
	say := func(id string) {
		for _, c := range []string{"desk", "phone"} {
			p.say(false, "ops@rooms.headquarters.net/bob", "<message to='alice@field.net/"+c+"' type='chat' id='"+id+"'><body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>")
		}
	}
	say("1")
	id := p.onlyID("alice@field.net")
	for _, c := range []string{"desk", "phone"} {
		same(t, c, stanzaIDs(p.Received("alice@field.net/" + c)[0]), []string{"alice@field.net " + id})
	}
	say("2")
	same(t, "alice's", p.archived("alice@field.net"), []string{"ops@rooms.headquarters.net/bob psst", "ops@rooms.headquarters.net/bob psst"})
}

func TestWhoMayAsk(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	p.online("bob@field.net/phone")
	const far = "dora@headquarters.net/x"
	for _, inner := range []string{query(), "<prefs xmlns='urn:xmpp:mam:2' default='never'/>"} {
		p.Run(p.t.(*testing.T), []servicetest.Case{
			{"another account", "bob@field.net/phone", "<iq type='set' id='1' to='alice@field.net'>" + inner + "</iq>",
				servicetest.Error("alice@field.net", "bob@field.net/phone", "1", "auth", stanza.Forbidden, "")},
			{"from afar", far, "<iq type='set' id='2' to='alice@field.net'>" + inner + "</iq>",
				servicetest.Error("alice@field.net", far, "2", "cancel", stanza.ServiceUnavailable, "")},
			{"no account", "bob@field.net/phone", "<iq type='set' id='3' to='nobody@field.net'>" + inner + "</iq>",
				servicetest.Error("nobody@field.net", "bob@field.net/phone", "3", "cancel", stanza.ServiceUnavailable, "")},
			{"the server", "bob@field.net/phone", "<iq type='set' id='4' to='field.net'>" + inner + "</iq>",
				servicetest.Error("field.net", "bob@field.net/phone", "4", "cancel", stanza.ServiceUnavailable, "")},
		})
	}
	p.Run(p.t.(*testing.T), []servicetest.Case{
		{"unknown field", "alice@field.net/desk", "<iq type='set' id='5'>" + query(form(field("x", "y"))) + "</iq>",
			servicetest.Error("alice@field.net", "alice@field.net/desk", "5", "cancel", stanza.FeatureNotImplemented, "x: no such field")},
		{"unknown id", "alice@field.net/desk", "<iq type='set' id='6'>" + query(set("<before>x</before>")) + "</iq>",
			servicetest.Error("alice@field.net", "alice@field.net/desk", "6", "cancel", stanza.ItemNotFound, "before: no such id in this archive")},
		{"bad set", "alice@field.net/desk", "<iq type='set' id='7'>" + query(set("<max>x</max>")) + "</iq>",
			servicetest.Error("alice@field.net", "alice@field.net/desk", "7", "modify", stanza.BadRequest, "max: not a number")},
		{"empty archive", "alice@field.net/desk", "<iq type='get' id='8'><metadata xmlns='urn:xmpp:mam:2'/></iq>",
			"<iq from='alice@field.net' to='alice@field.net/desk' type='result' id='8'><metadata xmlns='urn:xmpp:mam:2'/></iq>"},
	})
	for _, f := range []string{archive.NS, archive.NSExtended, archive.NSGroupchat, archive.NSStanzaID} {
		if !slices.Contains(p.Host.Features(local.ForAccount), f) {
			t.Errorf("%s is not announced", f)
		}
	}
	if !slices.Contains(p.Host.Features(local.ForServer), archive.NS) {
		t.Error("the server does not tell that its accounts have archives")
	}
}

// The results come first, and what a client was told a moment ago is there.
func TestAQueryFindsWhatWasJustSaid(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	last := ""
	for i := range 20 {
		p.say(true, "dora@headquarters.net/x", fmt.Sprintf("<message to='alice@field.net' type='chat'><body>%d</body></message>", i))
		q := query()
		if last != "" {
			q = query(set("<after>" + last + "</after>"))
		}
		told := stanzaIDs(p.Received("alice@field.net/desk")[0])
		got := p.Query("alice@field.net/desk", q)
		if len(got) != 2 || !strings.Contains(got[0], fmt.Sprintf("<body>%d</body>", i)) || !strings.HasPrefix(got[1], "<iq ") || !strings.Contains(got[1], "complete='true'") {
			t.Fatalf("%q", got)
		}
		last = strings.TrimPrefix(told[0], "alice@field.net ")
		if !strings.Contains(got[0], "id='"+last+"'") {
			t.Errorf("told %s, found %s", last, got[0])
		}
	}
}

func TestPreferences(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	ask := func(typ, inner string) string {
		return p.Ask("alice@field.net/desk", "<iq type='"+typ+"' id='p'>"+inner+"</iq>")
	}
	result := func(inner string) string {
		return "<iq from='alice@field.net' to='alice@field.net/desk' type='result' id='p'>" + inner + "</iq>"
	}
	const get = "<prefs xmlns='urn:xmpp:mam:2'/>"
	if got, want := ask("get", get), result("<prefs xmlns='urn:xmpp:mam:2' default='always'><always/><never/></prefs>"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range []struct {
		inner     string
		condition stanza.Condition
		kind      string
		text      string
	}{
		{get, stanza.BadRequest, "modify", "default: neither always nor never nor roster"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>", stanza.BadRequest, "modify", "default: neither always nor never nor roster"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>@</jid></always></prefs>", stanza.JIDMalformed, "modify", "always: not an address"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='never'><never>" + many(archive.MaxPrefs+1) + "</never></prefs>", stanza.ResourceConstraint, "wait", "at most 1000 addresses"},
	} {
		if got, want := ask("set", c.inner), servicetest.Error("alice@field.net", "alice@field.net/desk", "p", c.kind, c.condition, c.text); got != want {
			t.Errorf("%.80s:\n got %s\nwant %s", c.inner, got, want)
		}
	}
	p.Update(func(tx *store.Tx) error {
		_, err := tx.PutRosterItem("alice@field.net", store.RosterItem{Contact: "friend@headquarters.net", InRoster: true})
		_, err2 := tx.PutRosterItem("alice@field.net", store.RosterItem{Contact: "stranger@headquarters.net", PendIn: true})
		return errors.Join(err, err2)
	})
	said := 0
	for _, c := range []struct {
		prefs string
		want  string // who is kept
	}{
		{"<prefs xmlns='urn:xmpp:mam:2' default='always'><always/><never><jid>dora@headquarters.net</jid><jid>friend@headquarters.net/a</jid></never></prefs>", "alice friend/b stranger"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>dora@headquarters.net</jid><jid>friend@headquarters.net/a</jid></always><never/></prefs>", "dora friend/a"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>dora@headquarters.net</jid></always><never/></prefs>", "alice dora friend/a friend/b"},
		{"<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>dora@headquarters.net</jid></always><never><jid>dora@headquarters.net</jid></never></prefs>", ""},
	} {
		if got, want := ask("set", c.prefs), result(c.prefs); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got, want := ask("get", get), result(c.prefs); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for _, quick := range []bool{true, false} {
			before := len(p.archived("alice@field.net"))
			for _, from := range []string{"alice@field.net/desk", "dora@headquarters.net/x", "friend@headquarters.net/a", "friend@headquarters.net/b", "stranger@headquarters.net/x"} {
				said++
				p.say(quick, from, fmt.Sprintf("<message to='alice@field.net' type='chat'><body>%d</body></message>", said))
			}
			p.Received("alice@field.net/desk")
			var kept []string
			for _, e := range p.archived("alice@field.net")[before:] {
				from, _, _ := strings.Cut(e, " ")
				name, _, _ := strings.Cut(from, "@")
				if _, res, _ := strings.Cut(from, "/"); len(res) == 1 && res != "x" {
					name += "/" + res
				}
				kept = append(kept, name)
			}
			if got := strings.Join(kept, " "); got != c.want {
				t.Errorf("quick %v, %s: kept %q, want %q", quick, c.prefs, got, c.want)
			}
		}
	}
	if p.View(func(tx *store.Tx) error { _, err := tx.Blob("alice@field.net", store.BlobArchive, "prefs"); return err }); t.Failed() {
		t.Error("not durable")
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<jid>u%d@field.net</jid>", i)
	}
	return b.String()
}

func TestNothingIsAddedWhenSwitchedOff(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	say := func() {
		p.say(true, "dora@headquarters.net/x", "<message to='alice@field.net' type='chat'><body>x</body></message>")
	}
	say()
	p.svc.SetOptions(archive.Options{Off: true})
	say()
	if got := p.Received("alice@field.net/desk"); len(got) != 2 || stanzaIDs(got[1]) != nil {
		t.Errorf("%q", got)
	}
	if got := p.Query("alice@field.net/desk", query()); len(got) != 2 {
		t.Errorf("what there was: %q", got)
	}
}

func TestAccountsArchiveStaysWithinItsLimits(t *testing.T) {
	p := newPlay(t, archive.Options{Accounts: store.ArchiveLimits{Entries: 3}})
	p.online("alice@field.net/desk")
	for i := range 6 {
		p.say(i%2 == 0, "dora@headquarters.net/x", fmt.Sprintf("<message to='alice@field.net' type='chat'><body>%d</body></message>", i))
		p.archived("alice@field.net")
	}
	same(t, "alice's", p.archived("alice@field.net"), []string{"dora@headquarters.net/x 3", "dora@headquarters.net/x 4", "dora@headquarters.net/x 5"})
	p.Update(func(tx *store.Tx) error { return tx.DeleteAccount("alice@field.net") })
	same(t, "of a deleted account", p.archived("alice@field.net"), nil)
}

// A flash that is full keeps nobody from talking.
func TestMessagesGoOnWhenTheFlashIsFull(t *testing.T) {
	p := newPlay(t, archive.Options{})
	p.online("alice@field.net/desk")
	p.DB.SetLimits(store.Options{MaxBytes: 512 << 10, SpoolMax: 10000, SpoolSize: 1 << 30})
	for i, failed := 0, 0; failed < 5; i++ {
		err := p.DB.Update(func(tx *store.Tx) error {
			return tx.PutBlob("bob@field.net", store.BlobPrivate, fmt.Sprint(i), make([]byte, 3000))
		})
		if errors.Is(err, store.ErrFull) {
			failed++
		} else if err != nil || i > 1000 {
			t.Fatal(i, err)
		}
	}
	for i := range 100 {
		p.say(true, "dora@headquarters.net/x", fmt.Sprintf("<message to='alice@field.net' type='chat'><body>%d</body></message>", i))
	}
	p.flush()
	if p.DB.Health().Err == nil {
		t.Fatal("not full")
	}
	if got := p.Received("alice@field.net/desk"); len(got) != 100 {
		t.Errorf("%d messages came", len(got))
	}
}

// What the quick way brings is gathered for a moment, whatever else happens.
func TestTheQuickWayIsArchivedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, archive.Options{})
		p.online("alice@field.net/desk")
		say := func(n int) {
			for i := range n {
				p.say(true, "dora@headquarters.net/x", fmt.Sprintf("<message to='alice@field.net' type='chat'><body>%d</body></message>", i))
			}
		}
		say(3)
		if n := p.entries("alice@field.net"); n != 0 {
			t.Errorf("%d at once", n)
		}
		time.Sleep(time.Second)
		if n := p.entries("alice@field.net"); n != 3 {
			t.Errorf("%d after a second", n)
		}
		say(300)
		synctest.Wait()
		if n := p.entries("alice@field.net"); n < 256 {
			t.Errorf("%d of many, at once", n)
		}
		time.Sleep(time.Second)
		if n := p.entries("alice@field.net"); n != 303 {
			t.Errorf("%d of many, after a second", n)
		}
	})
}

// A commit that fails takes nothing out of what waits: it is tried again, for a while.
func TestWhatCouldNotBeCommittedIsTriedAgain(t *testing.T) {
	for broken, want := range map[time.Duration]int{0: 3, 20 * time.Second: 3, 10 * time.Minute: 1} {
		t.Run(broken.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlay(t, archive.Options{})
				p.online("alice@field.net/desk")
				began := time.Now()
				archive.FailFlushes(p.svc, func() error {
					if time.Since(began) < broken {
						return errors.New("flash is on fire")
					}
					return nil
				})
				say := func() {
					p.say(true, "dora@headquarters.net/x", "<message to='alice@field.net' type='chat'><body>Hi</body></message>")
				}
				say()
				say()
				time.Sleep(15 * time.Minute)
				if broken > time.Minute {
					p.say(true, "dora@headquarters.net/x", "<message to='alice@field.net' type='chat'><body>Now</body></message>")
				} else {
					say()
				}
				time.Sleep(time.Minute)
				if n := p.entries("alice@field.net"); n != want {
					t.Errorf("%d archived, want %d", n, want)
				}
			})
		})
	}
}

// A board without a clock of its own begins in the past: then the ids go on, and the times are what the clock says. What the
// flash kept waiting was said when it was said.
func TestTimesAreWhenItWasSaid(t *testing.T) {
	p := newPlay(t, archive.Options{})
	st, err := stream.ParseStanza([]byte("<message><body>x</body></message>"))
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range map[time.Duration]time.Duration{48 * time.Hour: 0, -10 * time.Minute: -10 * time.Minute} {
		now := time.Now()
		k := local.Kept{Account: alice, Other: ops, Number: uint64(now.Add(off).UnixNano()), Stanza: st}
		p.Update(func(tx *store.Tx) error { return p.svc.Keep(tx, k) })
		p.flush()
		p.View(func(tx *store.Tx) error {
			e, err := tx.ArchiveGet("alice@field.net", k.Number)
			if d := e.Stamp.Sub(now.Add(want)); d.Abs() > 10*time.Second {
				t.Errorf("%s off: %s", off, e.Stamp)
			}
			return err
		})
	}
}
