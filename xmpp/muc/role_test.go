package muc_test

import (
	"testing"

	"longwire/store"
)

func TestAKickIsToldToTheVictimThenTheModeratorThenTheOthers(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone", "carol/pc")
	var order []string
	for _, who := range []string{"alice/desk", "bob/phone", "carol/pc"} {
		s.Client(who).ID = func(string) { order = append(order, who) }
	}
	s.act(`
	alice/desk sends {admin set}<item nick='Bob' role='none'><reason>Off &amp; out</reason></item>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Off &amp; out</reason></item>{110}{307}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Off &amp; out</reason></item>{307}</x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none'><actor nick='Alice'/><reason>Off &amp; out</reason></item>{307}</x></presence>
	`)
	if len(order) != 4 || order[0] != "bob/phone" || order[1] != "alice/desk" {
		t.Errorf("they heard it in the order %v", order)
	}
	// He may come back.
	s.act(`
	bob/phone  sends <presence to='ops@chat.hq.net/Bob'>{muc}</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>[none participant]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone 110 170]</presence>
	bob/phone  gets  {no subject}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>[none participant bob@hq.net/phone]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none participant]</presence>
	`)
}

func TestAKickTakesAllClientsOfANick(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone", "bob/pad")
	s.act(`
	alice/desk sends {admin set}<item nick='Bob' role='none'/>{/}
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}{307}</x></presence>
	bob/pad    gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}{307}</x></presence>
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob' type='unavailable'>{id}{user}<item affiliation='none' role='none' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{307}</x></presence>
	`)
}

func TestWhoMayNotKick(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone", "carol/pc")
	s.act(`
	carol/pc   sends {admin set}<item nick='Bob' role='none'/>{/}
	carol/pc   gets  {refused auth forbidden}
	carol/pc   sends {admin set}<item nick='Nobody' role='none'/>{/}
	carol/pc   gets  {refused auth forbidden}
	bob/phone  sends {admin set}<item nick='Alice' role='none'/>{/}
	bob/phone  gets  {refused cancel not-allowed: the occupant stands higher than you}
	bob/phone  sends {admin set}<item nick='Bob' role='none'/>{/}
	bob/phone  gets  {refused cancel conflict: you cannot kick yourself}
	bob/phone  sends {admin set}<item nick='Nobody' role='none'/>{/}
	bob/phone  gets  {refused cancel item-not-found: Nobody is not in the room}
	bob/phone  sends {admin set}<item nick='Carol' role='king'/>{/}
	bob/phone  gets  {refused modify bad-request: there is no role king}
	bob/phone  sends {admin set}<item role='none'/>{/}
	bob/phone  gets  {refused modify bad-request: a role belongs to a nick}
	bob/phone  sends {admin set}<item nick='Carol' role='none' affiliation='outcast'/>{/}
	bob/phone  gets  {refused modify bad-request: an item has either an affiliation or a role}
	bob/phone  sends {admin set}<item nick='Carol'/>{/}
	bob/phone  gets  {refused modify bad-request: an item has either an affiliation or a role}
	bob/phone  sends {admin set}{/}
	bob/phone  gets  {refused modify bad-request: an item is missing}
	`)
}

func TestVoiceIsGrantedAndRevoked(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, nil, "bob/phone")
	s.act(`
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat' id='1'><body>Hi</body></message>
	bob/phone  gets  {returned auth forbidden: visitors do not speak}
	alice/desk sends {admin set}<item nick='Bob' role='participant'><reason>Worthy</reason></item>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Worthy</reason></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/><reason>Worthy</reason></item>{110}</x></presence>
	alice/desk sends {admin set}<item nick='Bob' role='participant'/>{/}
	alice/desk gets  {done}
	alice/desk sends {admin set}<item nick='Bob' role='visitor'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='visitor' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='visitor' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	`)
}

func TestVoiceOfThoseWhoStandHigherStays(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone", "carol/pc")
	s.quiet("alice/desk", "{admin set}<item nick='Carol' role='moderator'/>{/}")
	s.act(`
	carol/pc   sends {admin set}<item nick='Bob' role='visitor'/>{/}
	carol/pc   gets  {refused cancel not-allowed: admins and owners are moderators}
	bob/phone  sends {admin set}<item nick='Alice' role='participant'/>{/}
	bob/phone  gets  {refused cancel not-allowed: admins and owners are moderators}
	carol/pc   sends {admin set}<item nick='Carol' role='participant'/>{/}
	carol/pc   gets  {refused auth forbidden: only an admin or owner unmakes moderators}
	`)
}

func TestModeratorsAreMadeAndUnmadeByAdmins(t *testing.T) {
	s := opsWith(t, store.Room{}, []store.RoomMember{standing("bob", "admin")}, "bob/phone", "carol/pc")
	s.act(`
	bob/phone  sends {admin set}<item nick='Carol' role='moderator'/>{/}
	bob/phone  gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='moderator' jid='carol@hq.net/pc'><actor nick='Bob'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='moderator' jid='carol@hq.net/pc'><actor nick='Bob'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='moderator' jid='carol@hq.net/pc'><actor nick='Bob'/></item>{110}</x></presence>
	# A moderator learns who the others are (XEP-0045 §8).
	carol/pc   gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[admin moderator bob@hq.net/phone]</presence>
	carol/pc   sends {admin get}<item role='moderator'/>{/}
	carol/pc   gets  {refused auth forbidden}
	bob/phone  sends {admin get}<item role='moderator'/>{/}
	bob/phone  gets  {admin list}<item affiliation='owner' jid='alice@hq.net/desk' nick='Alice' role='moderator'/><item affiliation='admin' jid='bob@hq.net/phone' nick='Bob' role='moderator'/><item affiliation='none' jid='carol@hq.net/pc' nick='Carol' role='moderator'/>{/}
	bob/phone  sends {admin set}<item nick='Carol' role='participant'/>{/}
	bob/phone  gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='participant' jid='carol@hq.net/pc'><actor nick='Bob'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='participant' jid='carol@hq.net/pc'><actor nick='Bob'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='none' role='participant' jid='carol@hq.net/pc'><actor nick='Bob'/></item>{110}</x></presence>
	`)
}

func TestTheVoiceListIsChangedWholeOrNotAtAll(t *testing.T) {
	s := opsWith(t, store.Room{Moderated: true}, []store.RoomMember{standing("carol", "member")}, "bob/phone", "carol/pc")
	s.act(`
	alice/desk sends {admin get}<item role='participant'/>{/}
	alice/desk gets  {admin list}<item affiliation='member' jid='carol@hq.net/pc' nick='Carol' role='participant'/>{/}
	carol/pc   sends {admin get}<item role='visitor'/>{/}
	carol/pc   gets  {refused auth forbidden}
	alice/desk sends {admin set}<item nick='Bob' role='participant'/><item nick='Alice' role='visitor'/><item nick='Carol' role='visitor'/>{/}
	alice/desk gets  {refused cancel not-allowed: admins and owners are moderators}
	alice/desk sends {admin set}<item nick='Bob' role='participant'/><item nick='Carol' role='visitor'/>{/}
	alice/desk gets  {done}
	alice/desk gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item></x></presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='visitor' jid='carol@hq.net/pc'><actor nick='Alice'/></item></x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant' jid='bob@hq.net/phone'><actor nick='Alice'/></item>{110}</x></presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='visitor'><actor nick='Alice'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>{id}{user}<item affiliation='none' role='participant'><actor nick='Alice'/></item></x></presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>{id}{user}<item affiliation='member' role='visitor' jid='carol@hq.net/pc'><actor nick='Alice'/></item>{110}</x></presence>
	`)
}
