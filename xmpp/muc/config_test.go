package muc_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
)

const configForm = "{FORM_TYPE=http://jabber.org/protocol/muc#roomconfig}"

func roles(values ...string) string {
	out := ""
	for _, v := range values {
		out += "<value>" + v + "</value>"
	}
	return out + "<option label='Moderators'><value>moderator</value></option><option label='Participants'><value>participant</value></option><option label='Visitors'><value>visitor</value></option></field>"
}

func TestTheConfigurationFormSaysHowTheRoomIs(t *testing.T) {
	s := newStage(t, muc.Options{MaxOccupants: 60})
	s.room(store.Room{
		Name: "Ops & plans", Description: "Who does what", Lang: "en", Hidden: true, MembersOnly: true, Password: "s<3", MembersInvite: true,
		AllowPM: "participants", MaxUsers: 25, Broadcast: []string{"moderator", "participant"}, MemberList: []string{"none"}, NoArchive: true, History: -1,
	}, owned, standing("bob", "admin"))
	s.Play("alice/desk connects")
	s.Play("bob/phone connects")
	form := "<iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>" +
		"<title>Configuration of ops</title><instructions>Fields that are left out stay as they are.</instructions>" +
		"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roomconfig</value></field>" +
		"<field var='muc#roomconfig_roomname' type='text-single' label='Name'><value>Ops &amp; plans</value></field>" +
		"<field var='muc#roomconfig_roomdesc' type='text-single' label='Description'><value>Who does what</value></field>" +
		"<field var='muc#roomconfig_lang' type='text-single' label='Language'><value>en</value></field>" +
		"<field var='muc#roomconfig_persistentroom' type='boolean' label='Keep the room when nobody is in it'><value>1</value></field>" +
		"<field var='muc#roomconfig_publicroom' type='boolean' label='List the room'><value>0</value></field>" +
		"<field var='muc#roomconfig_membersonly' type='boolean' label='Only members may enter'><value>1</value></field>" +
		"<field var='muc#roomconfig_moderatedroom' type='boolean' label='Only those with voice may speak'><value>0</value></field>" +
		"<field var='muc#roomconfig_whois' type='list-single' label='Who may see real addresses'><value>moderators</value>" +
		"<option label='Moderators'><value>moderators</value></option><option label='Anyone inside'><value>anyone</value></option></field>" +
		"<field var='muc#roomconfig_changesubject' type='boolean' label='Participants may change the subject'><value>0</value></field>" +
		"<field var='muc#roomconfig_allowinvites' type='boolean' label='Members may invite others'><value>1</value></field>" +
		"<field var='muc#roomconfig_allowpm' type='list-single' label='Who may send private messages'><value>participants</value>" +
		"<option label='Anyone'><value>anyone</value></option><option label='Those with voice'><value>participants</value></option>" +
		"<option label='Moderators'><value>moderators</value></option><option label='Nobody'><value>none</value></option></field>" +
		"<field var='muc#roomconfig_maxusers' type='list-single' label='Most occupants'><value>25</value><option><value>10</value></option><option><value>20</value></option>" +
		"<option><value>30</value></option><option><value>50</value></option><option label='No limit of its own'><value>none</value></option></field>" +
		"<field var='muc#roomconfig_presencebroadcast' type='list-multi' label='Roles whose presence is shown'>" + roles("moderator", "participant") +
		"<field var='muc#roomconfig_getmemberlist' type='list-multi' label='Roles that may ask for the list of members'>" + roles() +
		"<field var='muc#roomconfig_enablelogging' type='boolean' label='Keep an archive that those inside may read'><value>0</value></field>" +
		"<field var='muc#maxhistoryfetch' type='text-single' label='Lines of history for those who enter'><value>0</value></field>" +
		"<field var='muc#roomconfig_passwordprotectedroom' type='boolean' label='A password is needed to enter'><value>1</value></field>" +
		"<field var='muc#roomconfig_roomsecret' type='text-private' label='The password'><value>s&lt;3</value></field>" +
		"<field var='muc#roomconfig_roomadmins' type='jid-multi' label='Admins, all of them'><value>bob@hq.net</value></field>" +
		"<field var='muc#roomconfig_roomowners' type='jid-multi' label='Owners, all of them'><value>alice@hq.net</value></field></x></query></iq>"
	s.act(`
	alice/desk sends {owner get}{/}
	alice/desk gets  ` + form + `
	bob/phone  sends {owner get}{/}
	bob/phone  gets  {refused auth forbidden}
	bob/phone  sends {owner set}{submit}</x>{/}
	bob/phone  gets  {refused auth forbidden}
	`)
}

func TestWhatIsSubmittedIsKept(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	s.act(`
	alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_roomname=Ops}{muc#roomconfig_roomdesc=One|Two}{muc#roomconfig_lang=en}{muc#roomconfig_persistentroom=0}{muc#roomconfig_publicroom=0}{muc#roomconfig_membersonly=true}{muc#roomconfig_moderatedroom=1}{muc#roomconfig_whois=anyone}{muc#roomconfig_changesubject=1}{muc#roomconfig_allowinvites=1}{muc#roomconfig_allowpm=moderators}{muc#roomconfig_maxusers=30}{muc#roomconfig_presencebroadcast=moderator|participant}{muc#roomconfig_getmemberlist=}{muc#roomconfig_enablelogging=0}{muc#maxhistoryfetch=50}{muc#roomconfig_passwordprotectedroom=1}{muc#roomconfig_roomsecret=x}{muc#roomconfig_roomadmins=bob@hq.net/phone}{muc#roomconfig_unheard=of}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {by ops}{user}<item affiliation='admin' jid='bob@hq.net' role='none'/></x><no-store xmlns='urn:xmpp:hints'/></message>
	alice/desk gets  {status}{171}{172}{104}</x></message>
	`)
	r := s.muc.Rooms()[0]
	c := r.State().Config
	c.Secret, c.Created = nil, c.Created.Truncate(0)
	want := store.Room{
		JID: "ops@chat.hq.net", Created: c.Created, Name: "Ops", Description: "One\nTwo", Lang: "en", Hidden: true, MembersOnly: true, Moderated: true,
		NonAnonymous: true, ChangeSubject: true, MembersInvite: true, AllowPM: "moderators", MaxUsers: 30, Broadcast: []string{"moderator", "participant"},
		MemberList: []string{"none"}, NoArchive: true, History: 50, Password: "x",
	}
	if fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", want) {
		t.Errorf("\n got %+v\nwant %+v", c, want)
	}
	err := s.DB.View(func(tx *store.Tx) error {
		kept, err := tx.Room("ops@chat.hq.net")
		kept.Secret, kept.Created = nil, c.Created
		if fmt.Sprintf("%+v", kept) != fmt.Sprintf("%+v", want) {
			t.Errorf("\nkept %+v\nwant %+v", kept, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnEmptyFormAndOneThatChangesNothingTellNobody(t *testing.T) {
	s := opsWith(t, store.Room{Name: "Ops"}, nil)
	s.act(`
	alice/desk sends {owner set}{submit}</x>{/}
	alice/desk gets  {done}
	alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_roomname=Ops}</x>{/}
	alice/desk gets  {done}
	alice/desk sends {owner set}<x xmlns='jabber:x:data' type='cancel'/>{/}
	alice/desk gets  {done}
	alice/desk sends {owner set}{submit}{muc#roomconfig_enablelogging=0}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {status}{171}</x></message>
	alice/desk sends {owner set}{submit}{muc#roomconfig_enablelogging=1}{muc#roomconfig_whois=anyone}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {status}{170}{172}</x></message>
	alice/desk sends {owner set}{submit}{muc#roomconfig_whois=moderators}{muc#roomconfig_maxusers=10}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  {status}{173}{104}</x></message>
	`)
}

func TestBadValuesAreRefusedByName(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	before := fmt.Sprintf("%+v", s.muc.Rooms()[0].State().Config)
	for field, text := range map[string]string{
		"{muc#roomconfig_membersonly=maybe}":                           "muc#roomconfig_membersonly: neither true nor false",
		"{muc#roomconfig_membersonly=1|0}":                             "muc#roomconfig_membersonly: neither true nor false",
		"{muc#roomconfig_whois=nobody}":                                "muc#roomconfig_whois: none of the choices",
		"{muc#roomconfig_allowpm=owners}":                              "muc#roomconfig_allowpm: none of the choices",
		"{muc#roomconfig_allowpm=anyone|none}":                         "muc#roomconfig_allowpm: none of the choices",
		"{muc#roomconfig_maxusers=0}":                                  "muc#roomconfig_maxusers: a number, at least 1 and at most 500, or none",
		"{muc#roomconfig_maxusers=501}":                                "muc#roomconfig_maxusers: a number, at least 1 and at most 500, or none",
		"{muc#roomconfig_presencebroadcast=owner}":                     "muc#roomconfig_presencebroadcast: only moderator, participant and visitor",
		"{muc#roomconfig_getmemberlist=member}":                        "muc#roomconfig_getmemberlist: only moderator, participant and visitor",
		"{muc#maxhistoryfetch=-1}":                                     "muc#maxhistoryfetch: a number from 0 to 200",
		"{muc#maxhistoryfetch=201}":                                    "muc#maxhistoryfetch: a number from 0 to 200",
		"{muc#maxhistoryfetch=all}":                                    "muc#maxhistoryfetch: a number from 0 to 200",
		"{muc#roomconfig_passwordprotectedroom=1}":                     "muc#roomconfig_roomsecret: a password is needed",
		"{muc#roomconfig_passwordprotectedroom=x}":                     "muc#roomconfig_passwordprotectedroom: neither true nor false",
		"{muc#roomconfig_roomname=" + strings.Repeat("é", 201) + "}":   "muc#roomconfig_roomname: at most 200 characters",
		"{muc#roomconfig_roomname=One|Two}":                            "muc#roomconfig_roomname: one line",
		"{muc#roomconfig_roomdesc=" + strings.Repeat("x", 2001) + "}":  "muc#roomconfig_roomdesc: at most 2000 characters",
		"{muc#roomconfig_roomsecret=" + strings.Repeat("x", 201) + "}": "muc#roomconfig_roomsecret: at most 200 characters",
		"{muc#roomconfig_roomadmins=a@b@c}":                            "muc#roomconfig_roomadmins: &quot;a@b@c&quot; is no address of a user",
		"{muc#roomconfig_roomadmins=hq.net}":                           "muc#roomconfig_roomadmins: &quot;hq.net&quot; is no address of a user",
		"{muc#roomconfig_roomowners=@}":                                "muc#roomconfig_roomowners: &quot;@&quot; is no address of a user",
	} {
		// What comes before it in the form does not happen either.
		s.act(`
		alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_lang=xx}` + field + `</x>{/}
		alice/desk gets  {refused modify not-acceptable: ` + text + `}
		`)
	}
	if after := fmt.Sprintf("%+v", s.muc.Rooms()[0].State().Config); after != before {
		t.Errorf("the room became %s", after)
	}
}

func TestHostileFormsAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string][2]string{
		"no form":      {"", "modify bad-request: a data form is missing"},
		"a result":     {"<x xmlns='jabber:x:data' type='result'/>", "modify bad-request: the form is not a room&apos;s configuration, filled in"},
		"no type":      {"<x xmlns='jabber:x:data'/>", "modify bad-request: a data form of no known type"},
		"another form": {"{submit}{FORM_TYPE=urn:x}</x>", "modify bad-request: the form is not a room&apos;s configuration, filled in"},
		"twice":        {"{submit}{muc#roomconfig_lang=a}{muc#roomconfig_lang=b}</x>", "modify bad-request: muc#roomconfig_lang: given twice"},
		"many fields":  {"{submit}" + many(101, "{f%d=1}") + "</x>", "modify policy-violation: a form may have at most 100 fields"},
		"many values":  {"{submit}<field var='muc#roomconfig_roomadmins'>" + many(1001, "<value>u%d@hq.net</value>") + "</field></x>", "modify policy-violation: a form may have at most 1000 values"},
		"giant":        {"{submit}{muc#roomconfig_roomdesc=" + strings.Repeat("x", 70_000) + "}</x>", "modify policy-violation: a form may have at most 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s.act("alice/desk sends {owner set}" + c[0] + "{/}\nalice/desk gets {refused " + c[1] + "}")
		})
	}
}

func TestAPasswordComesAndGoes(t *testing.T) {
	s := opsWith(t, store.Room{}, nil)
	for _, c := range [][2]string{
		{"{muc#roomconfig_roomsecret=one}", "one"}, // it comes alone
		{"{muc#roomconfig_passwordprotectedroom=1}", "one"},
		{"{muc#roomconfig_roomsecret=two}{muc#roomconfig_passwordprotectedroom=1}", "two"},
		{"{muc#roomconfig_lang=en}", "two"},
		{"{muc#roomconfig_roomsecret=three}{muc#roomconfig_passwordprotectedroom=0}", ""},
		{"{muc#roomconfig_roomsecret=}", ""},
	} {
		s.quiet("alice/desk", "{owner set}{submit}"+formFields.ReplaceAllString(c[0], "<field var='$1'><value>$2</value></field>")+"</x>{/}")
		if got := s.muc.Rooms()[0].State().Config.Password; got != c[1] {
			t.Errorf("%s makes the password %q", c[0], got)
		}
	}
}

func TestARoomThatBecomesMembersOnlySendsOthersAway(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("carol", "member")}, "bob/phone", "carol/pc")
	s.act(`
	alice/desk sends {owner set}{submit}` + configForm + `{muc#roomconfig_membersonly=1}</x>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}{322}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{322}</x></presence>
	alice/desk gets  {status}{104}</x></message>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none'><actor nick='Alice'/></item>{322}</x></presence>
	carol/pc   gets  {status}{104}</x></message>
	bob/phone  sends <presence to='ops@chat.hq.net/Bob' id='1'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='error' id='1'>{muc}<error type='auth' by='ops@chat.hq.net'><registration-required xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
	`)
}

func TestModerationGivesAndTakesVoice(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("carol", "member")}, "bob/phone", "carol/pc")
	for _, c := range [][2]string{{"1", "visitor"}, {"0", "participant"}} {
		s.act(`
		alice/desk sends {owner set}{submit}{muc#roomconfig_moderatedroom=` + c[0] + `}</x>{/}
		alice/desk gets  {done}
		alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none ` + c[1] + ` bob@hq.net/phone]</presence>
		alice/desk gets  {status}{104}</x></message>
		bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none ` + c[1] + ` bob@hq.net/phone 110]</presence>
		bob/phone  gets  {status}{104}</x></message>
		carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none ` + c[1] + `]</presence>
		carol/pc   gets  {status}{104}</x></message>
		`)
	}
}

func TestRolesThatAreNoLongerShownTakeTheirLeave(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, nil, "bob/phone", "carol/pc")
	s.act(`
	alice/desk sends {owner set}{submit}{muc#roomconfig_presencebroadcast=moderator|participant}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none bob@hq.net/phone]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[none none carol@hq.net/pc]</presence>
	alice/desk gets  {status}{104}</x></message>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol' type='unavailable'>[none none]</presence>
	bob/phone  gets  {status}{104}</x></message>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>[none none]</presence>
	carol/pc   gets  {status}{104}</x></message>
	alice/desk sends {owner set}{submit}{muc#roomconfig_presencebroadcast=moderator|participant|visitor}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none visitor bob@hq.net/phone]</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none visitor carol@hq.net/pc]</presence>
	alice/desk gets  {status}{104}</x></message>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>[none visitor]</presence>
	bob/phone  gets  {status}{104}</x></message>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none visitor]</presence>
	carol/pc   gets  {status}{104}</x></message>
	`)
}

func TestTheListsOfTheFormAreWhole(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin"), standing("carol", "member")}, "bob/phone", "carol/pc")
	s.act(`
	alice/desk sends {owner set}{submit}{muc#roomconfig_roomadmins=carol@hq.net}</x>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='admin' role='moderator' jid='carol@hq.net/pc'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='admin' role='moderator'><actor nick='Alice'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='admin' role='moderator' jid='carol@hq.net/pc'><actor nick='Alice'/></item>{110}</x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	alice/desk sends {owner set}{submit}{muc#roomconfig_roomowners=}</x>{/}
	alice/desk gets  {refused cancel conflict: muc#roomconfig_roomowners: a room has an owner}
	`)
	// An owner that is no longer named is an admin, unless the admins are named without it.
	s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_roomowners'><value>carol@hq.net</value></field></x>{/}")
	st := s.muc.Rooms()[0].State()
	if a := st.Members[jidOf("alice")].Affiliation; a != "admin" {
		t.Errorf("alice is %s", a)
	}
	if a := st.Members[jidOf("carol")].Affiliation; a != "owner" {
		t.Errorf("carol is %s", a)
	}
	s.quiet("carol/pc", "{owner set}{submit}<field var='muc#roomconfig_roomowners'><value>bob@hq.net</value></field><field var='muc#roomconfig_roomadmins'/><field var='muc#roomconfig_membersonly'><value>1</value></field></x>{/}")
	st = s.muc.Rooms()[0].State()
	for name, want := range map[string]string{"alice": "member", "bob": "owner", "carol": "member"} {
		if a := st.Members[jidOf(name)].Affiliation; a != want || st.Occupant(strings.ToUpper(name[:1])+name[1:]) == nil {
			t.Errorf("%s is %s", name, a)
		}
	}
}

func TestTheFormAsItCameIsNoChange(t *testing.T) {
	for _, cfg := range []store.Room{
		{}, {History: -1, NoArchive: true, AllowPM: "none"}, {History: 20, MaxUsers: 25, Broadcast: []string{"none"}, MemberList: []string{"moderator"}, Hidden: true},
		{Name: "a < b", Description: "One\nTwo", MembersOnly: true, Moderated: true, NonAnonymous: true, ChangeSubject: true, MembersInvite: true, Lang: "en"},
	} {
		s := opsWith(t, cfg, []store.RoomMember{standing("bob", "admin"), standing("carol", "owner")})
		before := fmt.Sprintf("%+v", s.muc.Rooms()[0].State().Config)
		s.Send("alice/desk", requests.Replace("{owner get}{/}"), true)
		got := strings.Join(s.Client("alice/desk").Got(), "")
		_, form, _ := strings.Cut(got, "type='form'>")
		form, _, _ = strings.Cut(form, "</query>")
		s.act("alice/desk sends {owner set}<x xmlns='jabber:x:data' type='submit'>" + strings.ReplaceAll(form, "\n", "&#10;") + "{/}\nalice/desk gets {done}")
		if after := fmt.Sprintf("%+v", s.muc.Rooms()[0].State().Config); after != before {
			t.Errorf("%s became %s", before, after)
		}
	}
}

// Rooms that the operator declares, and those that are one with a room elsewhere, do not end when nobody is in them, whatever
// their owner says.
func TestSomeRoomsAlwaysStay(t *testing.T) {
	for name, c := range map[string]store.Room{
		"declared":  {Declared: true},
		"federated": {Fed: store.RoomFed{Enabled: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := opsWith(t, c, nil)
			s.quiet("alice/desk", "{owner set}{submit}<field var='muc#roomconfig_persistentroom'><value>0</value></field></x>{/}")
			s.quiet("alice/desk", "<presence type='unavailable' to='ops@chat.hq.net/Alice'/>")
			if s.muc.Room(jid.MustParse("ops@chat.hq.net")) == nil {
				t.Error("the room is gone")
			}
		})
	}
}
