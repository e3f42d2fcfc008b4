package muc_test

import (
	"errors"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// verdicts are how the tables below are written.
var verdicts = map[string]stanza.Condition{
	"+": "", "f": stanza.Forbidden, "n": stanza.NotAllowed, "c": stanza.Conflict,
}

func checkVerdict(t *testing.T, what, want string, err error) {
	t.Helper()
	var got stanza.Condition
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		got = refusal.Condition
	}
	if w, ok := verdicts[want]; !ok || got != w {
		t.Errorf("%s: got %q, want %q", what, got, w)
	}
}

// who is "member/visitor" in words.
func who(t *testing.T, s string) (muc.Affiliation, muc.Role) {
	t.Helper()
	a, r, _ := strings.Cut(s, "/")
	aff, ok := muc.ParseAffiliation(a)
	role, ok2 := muc.ParseRole(r)
	if !ok || !ok2 {
		t.Fatalf("who is %s?", s)
	}
	return aff, role
}

// Roles: XEP-0045 §5.1.2, §5.1.3, §8.2 to §8.4, §9.6, §9.7. Each row is an actor, each column a target. The rows of those
// who are no moderators are not written: all of them are forbidden.
var roleTargets = strings.Fields("none/visitor none/participant none/moderator member/visitor member/participant member/moderator admin/moderator owner/moderator")

var roleTables = map[string]string{
	"none": `
		none/moderator    + + n n n n n n
		member/moderator  + + n + + n n n
		admin/moderator   + + + + + + + n
		owner/moderator   + + + + + + + +`,
	"visitor": `
		none/moderator    + n f + n f n n
		member/moderator  + + f + n f n n
		admin/moderator   + + + + + + n n
		owner/moderator   + + + + + + n n`,
	"participant": `
		none/moderator    + + f + + f n n
		member/moderator  + + f + + f n n
		admin/moderator   + + + + + + n n
		owner/moderator   + + + + + + n n`,
	"moderator": `
		none/moderator    f f + f f + + +
		member/moderator  f f + f f + + +
		admin/moderator   + + + + + + + +
		owner/moderator   + + + + + + + +`,
}

func TestWhoMayChangeRoles(t *testing.T) {
	cells := 0
	for action, table := range roleTables {
		to, _ := muc.ParseRole(action)
		for line := range strings.Lines(strings.TrimSpace(table)) {
			f := strings.Fields(line)
			a, r := who(t, f[0])
			for i, target := range roleTargets {
				ta, tr := who(t, target)
				checkVerdict(t, f[0]+" makes "+target+" "+action, f[1+i], muc.MayRole(r, a, tr, ta, to, false))
				cells++
			}
		}
		for _, a := range []string{"none", "member", "admin", "owner"} {
			for _, r := range []string{"none", "visitor", "participant"} {
				aa, ar := who(t, a+"/"+r)
				for _, target := range roleTargets {
					ta, tr := who(t, target)
					checkVerdict(t, a+"/"+r+" makes "+target+" "+action, "f", muc.MayRole(ar, aa, tr, ta, to, false))
					cells++
				}
			}
			aa, ar := who(t, a+"/moderator")
			if action == "none" {
				checkVerdict(t, a+" kicks itself", "c", muc.MayRole(ar, aa, ar, aa, to, true))
			}
		}
	}
	if cells != 4*16*8 {
		t.Errorf("%d pairs were tried", cells)
	}
}

// Affiliations: XEP-0045 §5.2.2, §5.2.3, §9.1 to §9.5, §10.3 to §10.8. Each row is an actor and what it makes of the
// targets, which are the columns.
const affiliationTable = `
	                outcast none member admin owner
	none outcast    f f f f f
	none none       f f f f f
	none member     f f f f f
	none admin      f f f f f
	none owner      f f f f f
	member outcast  f f f f f
	member none     f f f f f
	member member   f f f f f
	member admin    f f f f f
	member owner    f f f f f
	admin outcast   + + + n n
	admin none      + + + f f
	admin member    + + + f f
	admin admin     f f f f f
	admin owner     f f f f f
	owner outcast   + + + + +
	owner none      + + + + +
	owner member    + + + + +
	owner admin     + + + + +
	owner owner     + + + + +`

func TestWhoMayChangeAffiliations(t *testing.T) {
	var targets []string
	for line := range strings.Lines(strings.TrimSpace(affiliationTable)) {
		f := strings.Fields(line)
		if targets == nil {
			targets = f
			continue
		}
		actor, _ := muc.ParseAffiliation(f[0])
		to, _ := muc.ParseAffiliation(f[1])
		for i, target := range targets {
			from, _ := muc.ParseAffiliation(target)
			checkVerdict(t, f[0]+" makes "+target+" "+f[1], f[2+i], muc.MayAffiliate(actor, from, to, false))
		}
		if f[1] == "outcast" {
			want := map[bool]string{true: "c", false: "f"}[actor >= muc.Admin]
			checkVerdict(t, f[0]+" bans itself", want, muc.MayAffiliate(actor, actor, to, true))
		}
	}
}

// tableRoom is a room with one of each standing, by whose nicks they are called: "admin-moderator".
func tableRoom(t *testing.T) (*stage, *muc.Room) {
	t.Helper()
	s := newStage(t, muc.Options{})
	var members []store.RoomMember
	var names []string
	for _, a := range []string{"none", "member", "admin", "owner"} {
		for _, r := range []string{"visitor", "participant", "moderator"} {
			for _, double := range []string{"", "2"} {
				name := a + "-" + r + double
				names = append(names, name)
				members = append(members, standing(name, a))
				s.Account(name)
				s.Play(name + "/x connects")
			}
		}
	}
	s.room(store.Room{NonAnonymous: true}, append(members, standing("banned", "outcast"), standing("banned2", "outcast"))...)
	room := s.muc.Rooms()[0]
	for _, name := range names {
		s.Send(name+"/x", "<presence to='ops@chat.hq.net/"+name+"'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
	}
	for _, name := range names {
		_, role, _ := strings.Cut(strings.TrimSuffix(name, "2"), "-")
		s.op(t, func(t *router.Turn) error { return muc.Cast(t, room, name, role) })
	}
	return s, room
}

// ask has one of a table's room ask for something, and checks the verdict and that a refusal changed nothing.
func (s *stage) ask(t *testing.T, r *muc.Room, name, item, want string) {
	t.Helper()
	before := r.State()
	s.Client(name + "/x").Got()
	s.Send(name+"/x", "<iq type='set' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/muc#admin'>"+item+"</query></iq>", false)
	answer := ""
	for _, x := range s.Client(name + "/x").Got() {
		if strings.HasPrefix(x, "<iq ") {
			answer = x
		}
	}
	expect := "<iq from='ops@chat.hq.net' type='result' id='1'/>"
	if c := verdicts[want]; c != "" {
		kind := map[string]string{"f": "auth", "n": "cancel", "c": "cancel"}[want]
		expect = "<iq from='ops@chat.hq.net' type='error' id='1'><error type='" + kind + "'><" + string(c) + " "
		if r.State() != before {
			t.Errorf("%s asked for %s, which changed the room", name, item)
		}
	}
	if !strings.HasPrefix(answer, expect) {
		t.Errorf("%s asked for %s\n got %s\nwant %s", name, item, answer, expect)
	}
	if r.State() != before {
		s.op(t, func(t *router.Turn) error { muc.Reset(t, r, before); return nil })
	}
}

func TestTheTablesHoldOnTheWire(t *testing.T) {
	s, r := tableRoom(t)
	for action, table := range roleTables {
		for line := range strings.Lines(strings.TrimSpace(table)) {
			f := strings.Fields(line)
			actor := strings.Replace(f[0], "/", "-", 1)
			for i, target := range roleTargets {
				s.ask(t, r, actor, "<item nick='"+strings.Replace(target, "/", "-", 1)+"2' role='"+action+"'/>", f[1+i])
			}
			if action == "none" {
				s.ask(t, r, actor, "<item nick='"+actor+"' role='none'/>", "c")
			}
		}
		for _, actor := range []string{"none-visitor", "member-participant", "admin-participant", "owner-visitor"} {
			s.ask(t, r, actor, "<item nick='none-visitor2' role='"+action+"'/>", "f")
		}
	}
	targets := strings.Fields("banned2 none-participant2 member-participant2 admin-moderator2 owner-moderator2")
	for i, line := range strings.Split(strings.TrimSpace(affiliationTable), "\n") {
		if f := strings.Fields(line); i > 0 {
			for k, target := range targets {
				s.ask(t, r, f[0]+"-moderator", "<item jid='"+target+"@hq.net' affiliation='"+f[1]+"'/>", f[2+k])
			}
		}
	}
}
