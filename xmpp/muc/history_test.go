package muc_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// bodies lists what somebody who enters with that <history/> is told of the past.
func (s *stage) bodies(t *testing.T, history string) string {
	t.Helper()
	c := s.Client("carol/pad")
	s.Send("carol/pad", "<presence to='ops@chat.hq.net/Carol'><x xmlns='http://jabber.org/protocol/muc'>"+history+"</x></presence>", false)
	var all []string
	for _, x := range c.Got() {
		st, err := stream.ParseStanza([]byte(strings.ReplaceAll(x, "stamp='*'", "stamp='2026-01-01T00:00:00Z'")))
		if err != nil {
			t.Fatal(err)
		}
		if b, ok := st.Child("", "body"); ok {
			if !st.Has("urn:xmpp:delay", "delay") {
				t.Errorf("without a delay: %s", x)
			}
			all = append(all, st.Text(b))
		}
	}
	s.Send("carol/pad", "<presence to='ops@chat.hq.net/Carol' type='unavailable'/>", false)
	c.Got()
	return strings.Join(all, " ")
}

func TestHistoryIsTheSmallestSetThatMeetsAll(t *testing.T) {
	for _, archived := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, muc.Options{})
			s.room(store.Room{NoArchive: !archived, History: 5}, owned)
			s.play("alice/desk connects\ncarol/pad connects")
			s.Send("alice/desk", "<presence to='ops@chat.hq.net/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
			start := time.Now()
			for i := 1; i <= 7; i++ {
				s.Send("alice/desk", fmt.Sprintf("<message to='ops@chat.hq.net' type='groupchat'><body>%d</body></message>", i), false)
				s.Send("alice/desk", "<message to='ops@chat.hq.net' type='groupchat'><subject>s</subject></message>", false)
				time.Sleep(time.Minute)
			}
			s.Client("alice/desk").Got()
			one := len(s.line(t, archived))
			for _, c := range [][2]string{
				{"", "3 4 5 6 7"},
				{"<history/>", "3 4 5 6 7"},
				{"<history maxstanzas='2'/>", "6 7"},
				{"<history maxstanzas='100'/>", "3 4 5 6 7"},
				{"<history maxstanzas='0'/>", ""},
				{"<history maxchars='0'/>", ""},
				{fmt.Sprintf("<history maxchars='%d'/>", 2*one), "6 7"},
				{fmt.Sprintf("<history maxchars='%d'/>", 2*one-1), "7"},
				{"<history seconds='181'/>", "5 6 7"},
				{"<history seconds='0'/>", ""},
				{"<history since='" + start.Add(5*time.Minute).UTC().Format(time.RFC3339) + "'/>", "6 7"},
				{"<history since='" + start.Add(5*time.Minute).UTC().Format(time.RFC3339) + "' maxstanzas='1' seconds='1000'/>", "7"},
			} {
				if got := s.bodies(t, c[0]); got != c[1] {
					t.Errorf("archived %v, %s: told %q, want %q", archived, c[0], got, c[1])
				}
			}
			s.Client("alice/desk").Got()
		})
	}
}

// line is one line of the history as it is on the wire, addressed to nobody.
func (s *stage) line(t *testing.T, archived bool) string {
	t.Helper()
	l := "<message from='ops@chat.hq.net/Alice' type='groupchat'><body>1</body><occupant-id xmlns='urn:xmpp:occupant-id:0' id='" +
		muc.IDOf(s.muc.Room(jid.MustParse("ops@chat.hq.net")).State().Occupant("Alice")) + "'/>"
	if archived {
		l += "<stanza-id xmlns='urn:xmpp:sid:0' by='ops@chat.hq.net' id='0000000000000'/>"
	}
	return l + "<delay xmlns='urn:xmpp:delay' from='ops@chat.hq.net' stamp='2026-01-01T00:00:00.000Z'/></message>"
}

// op runs f as a Turn.
func (s *stage) op(t testing.TB, f func(*router.Turn) error) {
	t.Helper()
	var turn router.Turn
	if err := s.DB.Update(func(tx *store.Tx) error { turn.Reset(tx); return f(&turn) }); err != nil {
		t.Fatal(err)
	}
	turn.Done()
}

func TestLateLinesStandWhereTheyWereSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, muc.Options{})
		s.room(store.Room{}, owned)
		r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
		post := func(body string, ago time.Duration) {
			st := &stanza.Stanza{Kind: stanza.Message, Type: stanza.Groupchat}
			st.SetInner([]byte("<body>" + body + "</body>"))
			s.op(t, func(turn *router.Turn) error {
				_, err := r.Post(turn, muc.Line{Nick: "Far", Real: jid.MustParse("far@far.net"), Stanza: st, Stamp: time.Now().Add(-ago), Late: ago > 0})
				return err
			})
		}
		s.play("carol/pad connects")
		post("second", time.Hour)
		post("third", 0)
		post("first", 2*time.Hour)
		if got := s.bodies(t, ""); got != "first second third" {
			t.Error(got)
		}
	})
}

func TestHistoryOutlivesTheNode(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice)
	s.Send("alice/desk", "<message to='ops@chat.hq.net' type='groupchat'><body>kept</body></message>", false)
	s.Client("alice/desk").Got()
	if err := s.muc.SetDomains(nil); err != nil {
		t.Fatal(err)
	}
	again := &stage{Stage: s.Stage, muc: muc.New(s.Host, s.Router, muc.Options{})}
	if err := again.muc.SetDomains([]string{"chat.hq.net"}); err != nil {
		t.Fatal(err)
	}
	if err := again.muc.Load(); err != nil {
		t.Fatal(err)
	}
	r := again.muc.Room(jid.MustParse("ops@chat.hq.net"))
	if n := len(r.State().Occupants()); n != 0 || r.State().Affiliation(jid.MustParse("alice@hq.net")) != muc.Owner {
		t.Errorf("%d occupants", n)
	}
	again.play("carol/pad connects")
	if got := again.bodies(t, ""); got != "kept" {
		t.Error(got)
	}
}

const mam = `<iq to='ops@chat.hq.net' type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='f'/></iq>`

func TestArchiveIsForThoseWhoMayEnter(t *testing.T) {
	for _, c := range []struct {
		name string
		room store.Room
		bob  string
		want string
	}{
		{"open", store.Room{}, "none", ""},
		{"banned", store.Room{}, "outcast", failed("auth", "forbidden", "the archive is for those who may enter")},
		{"members only", store.Room{MembersOnly: true}, "none", failed("auth", "forbidden", "the archive is for those who may enter")},
		{"a member", store.Room{MembersOnly: true, Password: "p"}, "member", ""},
		{"password", store.Room{Password: "p"}, "none", failed("auth", "forbidden", "the archive is for those who may enter")},
		{"no archive", store.Room{NoArchive: true}, "owner", failed("cancel", "service-unavailable", "")},
	} {
		s := newStage(t, muc.Options{})
		s.room(c.room, owned, store.RoomMember{JID: "bob@hq.net", Affiliation: c.bob})
		want := "<iq from='ops@chat.hq.net' type='error' id='q'>" + c.want + "</iq>"
		if c.want == "" {
			want = "<iq from='ops@chat.hq.net' type='result' id='q'><fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set></fin></iq>"
		}
		s.Play("bob/phone connects")
		s.Send("bob/phone", mam, false)
		if got := s.Client("bob/phone").Got(); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s\nwant %s", c.name, got, want)
		}
	}
}

func TestArchiveTellsAddressesOnlyToThoseWhoMayKnowThem(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	s.Send("bob/phone", "<message to='ops@chat.hq.net' type='groupchat' id='1'><body>Hi</body></message>", false)
	s.Client("alice/desk").Got()
	s.Client("bob/phone").Got()
	results := func(who string) string {
		s.Send(who, mam, false)
		return s.Client(who).Got()[0]
	}
	const line = "<message xmlns='jabber:client' from='ops@chat.hq.net/Bob' type='groupchat' id='1'><body>Hi</body>" + occupantID
	if got := results("bob/phone"); !strings.Contains(got, line+"</message>") {
		t.Error(got)
	}
	if got := results("alice/desk"); !strings.Contains(got, line+"<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' jid='bob@hq.net'/></x></message>") {
		t.Error(got)
	}
}

// A client's outbox holds 4 MiB: a room whose history is more could not be entered.
func TestHistoryIsBoundedInSize(t *testing.T) {
	for _, archived := range []bool{true, false} {
		s := newStage(t, muc.Options{})
		s.room(store.Room{NoArchive: !archived, History: 100}, owned)
		s.play("alice/desk connects\ncarol/pad connects")
		s.Send("alice/desk", "<presence to='ops@chat.hq.net/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
		for i := range 30 {
			s.Send("alice/desk", fmt.Sprintf("<message to='ops@chat.hq.net' type='groupchat'><body>%02d%s</body></message>", i, strings.Repeat("x", 100<<10)), false)
		}
		s.Send("alice/desk", "<message to='ops@chat.hq.net' type='groupchat'><body>last</body></message>", false)
		s.Client("alice/desk").Got()
		got := s.bodies(t, "")
		if len(got) > 512<<10 || !strings.HasPrefix(got, "28") || !strings.HasSuffix(got, " last") {
			t.Errorf("archived %v: %d octets of history: %.10s … %.10s", archived, len(got), got, got[max(0, len(got)-10):])
		}
		s.Client("alice/desk").Got()
	}
}
