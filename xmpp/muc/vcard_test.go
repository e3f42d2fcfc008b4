package muc_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
)

func sha(s string) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestARoomHasAnAvatar(t *testing.T) {
	s := opsWith(t, store.Room{}, nil, "bob/phone")
	card := "<vCard xmlns='vcard-temp'><FN>Ops</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>\nYSBw\naWN0dXJl </BINVAL></PHOTO></vCard>"
	face := "<presence from='ops@chat.hq.net'><x xmlns='vcard-temp:x:update'><photo>" + sha("a picture") + "</photo></x></presence>"
	line := strings.ReplaceAll(card, "\n", "&#10;")
	s.act(`
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	bob/phone  gets  {refused cancel item-not-found}
	bob/phone  sends <iq type='set' id='1' to='ops@chat.hq.net'>` + line + `</iq>
	bob/phone  gets  {refused auth forbidden: only owners set the room&apos;s card}
	alice/desk sends <iq type='set' id='1' to='ops@chat.hq.net'>` + line + `</iq>
	alice/desk gets  {done}
	alice/desk gets  {status}{104}</x></message>
	alice/desk gets  ` + face + `
	bob/phone  gets  {status}{104}</x></message>
	bob/phone  gets  ` + face + `
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	bob/phone  gets  <iq from='ops@chat.hq.net' type='result' id='1'>` + line + `</iq>
	carol/pc   connects
	carol/pc   sends <presence to='ops@chat.hq.net/Carol'>{muc}</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Bob'>[none participant]</presence>
	carol/pc   gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@hq.net/pc 110 170]</presence>
	carol/pc   gets  {no subject}
	carol/pc   gets  ` + face + `
	alice/desk gets  <presence from='ops@chat.hq.net/Carol'>[none participant carol@hq.net/pc]</presence>
	bob/phone  gets  <presence from='ops@chat.hq.net/Carol'>[none participant]</presence>
	`)
	hash := "<field var='muc#roominfo_avatarhash' type='text-multi' label='Avatar'><value>" + sha("a picture") + "</value></field>"
	s.Send("bob/phone", discoInfo("ops@chat.hq.net", ""), true)
	if got := strings.Join(s.Client("bob/phone").Got(), ""); !strings.Contains(got, hash) {
		t.Errorf("bob reads %s", got)
	}
	// It is still there after a start, and goes with the empty card.
	if err := s.muc.SetDomains(nil); err != nil {
		t.Fatal(err)
	}
	s.muc = muc.New(s.Host, s.Router, muc.Options{})
	if err := errors.Join(s.muc.Load(), s.muc.SetDomains([]string{"chat.hq.net"})); err != nil {
		t.Fatal(err)
	}
	s.act(`
	alice/desk sends <presence to='ops@chat.hq.net/Alice'>{muc}</presence>
	alice/desk gets  <presence from='ops@chat.hq.net/Alice'>[owner moderator alice@hq.net/desk 110 170]</presence>
	alice/desk gets  {no subject}
	alice/desk gets  ` + face + `
	alice/desk sends <iq type='set' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	alice/desk gets  {done}
	alice/desk gets  {status}{104}</x></message>
	alice/desk gets  <presence from='ops@chat.hq.net'><x xmlns='vcard-temp:x:update'><photo/></x></presence>
	alice/desk sends <iq type='get' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	alice/desk gets  {refused cancel item-not-found}
	`)
}

func TestCardsThatAreRefused(t *testing.T) {
	s := opsWith(t, store.Room{MembersOnly: true}, nil)
	s.act(`
	alice/desk sends <iq type='set' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>` + strings.Repeat("A", 64<<10) + `</BINVAL></PHOTO></vCard></iq>
	alice/desk gets  {refused modify policy-violation: a vCard may have at most 65536 bytes}
	alice/desk sends <iq type='set' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>!</BINVAL></PHOTO></vCard></iq>
	alice/desk gets  {refused modify bad-request: the photo is not in base64}
	bob/phone  connects
	bob/phone  sends <iq type='get' id='1' to='ops@chat.hq.net'><vCard xmlns='vcard-temp'/></iq>
	bob/phone  gets  {refused auth forbidden}
	`)
}
