package vcard_test

import (
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/vcard"
)

const (
	alice = "alice@field.net/tent"
	bob   = "bob@field.net/jeep"
	eve   = "eve@headquarters.net/x"
)

func TestVCard(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	st.Login(bob)
	vcard.New(st.Host, nil)
	fail := servicetest.Error
	const (
		get   = "<iq type='get' id='1'><vCard xmlns='vcard-temp'/></iq>"
		getA  = "<iq type='get' id='1' to='alice@field.net'><vCard xmlns='vcard-temp'/></iq>"
		card  = "<vCard xmlns='vcard-temp'><FN>Alice &amp; Co</FN><N><GIVEN>Alice</GIVEN></N></vCard>"
		card2 = "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>"
	)
	big := "<vCard xmlns='vcard-temp'><PHOTO>" + strings.Repeat("A", vcard.MaxBytes) + "</PHOTO></vCard>"
	st.Run(t, []servicetest.Case{
		{"own that does not exist", alice, get, fail("alice@field.net", alice, "1", "cancel", "item-not-found", "")},
		{"other's that does not exist", bob, getA, fail("alice@field.net", bob, "1", "cancel", "service-unavailable", "")},
		{"no account looks the same", bob, strings.Replace(getA, "alice", "zoe", 1), fail("zoe@field.net", bob, "1", "cancel", "service-unavailable", "")},
		{"set", alice, "<iq type='set' id='2'>" + card + "</iq>", "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='2'/>"},
		{"own", alice, get, "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'>" + card + "</iq>"},
		{"other's", bob, getA, "<iq from='alice@field.net' to='bob@field.net/jeep' type='result' id='1'>" + card + "</iq>"},
		{"from afar", eve, getA, "<iq from='alice@field.net' to='eve@headquarters.net/x' type='result' id='1'>" + card + "</iq>"},
		{"set another's", bob, "<iq type='set' id='3' to='alice@field.net'>" + card2 + "</iq>", fail("alice@field.net", bob, "3", "auth", "forbidden", "")},
		{"too large", alice, "<iq type='set' id='4'>" + big + "</iq>", fail("alice@field.net", alice, "4", "modify", "policy-violation", "a vCard may have at most 65536 bytes")},
		{"still the first", alice, get, "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'>" + card + "</iq>"},
		{"replace", alice, "<iq type='set' id='5'>" + card2 + "</iq>", "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='5'/>"},
		{"replaced", alice, get, "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'>" + card2 + "</iq>"},
		{"server without a card", alice, strings.Replace(getA, "alice@", "", 1), fail("field.net", alice, "1", "cancel", "service-unavailable", "")},
	})
	st.View(func(tx *store.Tx) error {
		b, err := tx.Blob("alice@field.net", store.BlobVCard, "")
		if string(b) != card2 {
			t.Errorf("store holds %q", b)
		}
		return err
	})
}

func TestServerCard(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	vcard.New(st.Host, []byte("<vCard xmlns='vcard-temp'><FN>Field kit</FN></vCard>"))
	got := st.Ask(alice, "<iq type='get' id='1' to='field.net'><vCard xmlns='vcard-temp'/></iq>")
	want := "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><vCard xmlns='vcard-temp'><FN>Field kit</FN></vCard></iq>"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
