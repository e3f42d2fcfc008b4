package pep_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/pep"
	"longwire/xmpp/router"
)

const (
	avatarData = "urn:xmpp:avatar:data"
	avatarMeta = "urn:xmpp:avatar:metadata"
)

type image struct{ data, id, b64 string }

func newImage(text string) image {
	data := "\x89PNG\r\n\x1a\n" + text
	return image{data, fmt.Sprintf("%x", sha1.Sum([]byte(data))), base64.StdEncoding.EncodeToString([]byte(data))}
}

func (i image) dataItem() string {
	return item(i.id, "<data xmlns='urn:xmpp:avatar:data'>"+i.b64+"</data>")
}

func (i image) metaItem() string {
	return item(i.id, fmt.Sprintf("<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='%d' id='%s' type='image/png'/></metadata>", len(i.data), i.id))
}

func (i image) photo() string {
	return "<PHOTO xmlns='vcard-temp'><TYPE>image/png</TYPE><BINVAL>" + i.b64 + "</BINVAL></PHOTO>"
}

func card(inner string) string { return "<vCard xmlns='vcard-temp'>" + inner + "</vCard>" }

const getCard = "get <vCard xmlns='vcard-temp'/>"

// XEP-0398 §3.1.
func TestAnAvatarIsThePhotoOfTheCard(t *testing.T) {
	s := everybody(t, pep.Options{})
	one, two := newImage("one"), newImage("two")
	wrapped := one.b64[:8] + "\n " + one.b64[8:]
	s.run(t, []question{
		{"no card", alice, getCard, "! cancel item-not-found"},
		{"data", alice, publish(avatarData, strings.Replace(one.dataItem(), one.b64, wrapped, 1)), "[pubsub><publish node='" + avatarData + "'/></pubsub>"},
		{"no avatar yet", alice, getCard, "! cancel item-not-found"},
		{"metadata", alice, publish(avatarMeta, one.metaItem()), "[pubsub><publish node='" + avatarMeta + "'/></pubsub>"},
		{"a card of it", alice, getCard, card(one.photo())},
		{"for a contact", bob, getCard, card(one.photo())},
		{"for a stranger", dora, getCard, "! cancel service-unavailable"},
		{"a card", alice, "set " + card("<FN>Alice</FN>"), "done"},
		{"with the photo", alice, getCard, card("<FN>Alice</FN>" + one.photo())},
		{"without", dora, getCard, card("<FN>Alice</FN>")},
		{"elsewhere", alice, publish(avatarMeta, item("x", "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='x' url='http://x'/><info id='"+one.id+"' type='image/png' bytes='1'/></metadata>")), "[pubsub><publish node='" + avatarMeta + "'/></pubsub>"},
		{"the one that is here", alice, getCard, card("<FN>Alice</FN>" + one.photo())},
		{"of another hash", alice, publish(avatarData, strings.Replace(one.dataItem(), one.b64, two.b64, 1)), "[pubsub><publish node='" + avatarData + "'/></pubsub>"},
		{"is none", alice, getCard, card("<FN>Alice</FN>")},
		{"disabled", alice, publish(avatarMeta, item("", "<metadata xmlns='urn:xmpp:avatar:metadata'/>")), "[pubsub><publish node='" + avatarMeta + "'><item id='current'/></publish></pubsub>"},
		{"no photo", alice, getCard, card("<FN>Alice</FN>")},
	})
}

// XEP-0398 §3.2.
func TestThePhotoOfACardIsTheAvatar(t *testing.T) {
	s := newStage(t, pep.Options{Payload: 2000})
	s.online("alice/desk "+avatarMeta, "bob/phone "+avatarMeta, dora)
	one, two := newImage("one"), newImage("two")
	photo := func(i image) string { return "<PHOTO><TYPE>image/gif</TYPE><BINVAL>\n" + i.b64 + "\n</BINVAL></PHOTO>" }
	get := func(node string) string { return "get [pubsub><items node='" + node + "'/></pubsub>" }
	s.run(t, []question{{"a card", alice, "set " + card("<FN>Alice</FN>"+photo(one)+"<N/>"), "done"}})
	wantEvents(t, bob, s.events(bob), told(avatarMeta, one.metaItem()))
	s.run(t, []question{
		{"data", dora, get(avatarData), "[pubsub><items node='" + avatarData + "'>" + one.dataItem() + "</items></pubsub>"},
		{"metadata", dora, get(avatarMeta), "[pubsub><items node='" + avatarMeta + "'>" + one.metaItem() + "</items></pubsub>"},
		{"the card", dora, getCard, card("<FN>Alice</FN><N/>" + one.photo())},
		{"the same again", alice, "set " + card(photo(one)), "done"},
	})
	wantEvents(t, bob, s.events(bob))
	s.run(t, []question{{"another", alice, "set " + card(photo(two)), "done"}})
	wantEvents(t, bob, s.events(bob), told(avatarMeta, two.metaItem()))
	s.run(t, []question{
		{"the card", alice, getCard, card(two.photo())},
		{"one without a photo leaves it", alice, "set " + card("<FN>A</FN>"), "done"},
		{"the card", alice, getCard, card("<FN>A</FN>" + two.photo())},
		{"one that is no image", alice, "set " + card("<PHOTO><BINVAL>!</BINVAL></PHOTO>"), "done"},
		{"changes nothing", alice, getCard, card(two.photo())},
	})
	s.run(t, []question{{"no image", alice, "set " + card("<PHOTO><BINVAL/></PHOTO>"), "done"}})
	wantEvents(t, bob, s.events(bob), told(avatarMeta, item("current", "<metadata xmlns='urn:xmpp:avatar:metadata'/>")))
	s.run(t, []question{
		{"metadata", dora, get(avatarMeta), "[pubsub><items node='" + avatarMeta + "'><item id='current'><metadata xmlns='urn:xmpp:avatar:metadata'/></item></items></pubsub>"},
		{"no photo", alice, getCard, card("")},
	})
	huge := newImage(strings.Repeat("x", 3000))
	other := newStage(t, pep.Options{Payload: 2000})
	other.online(alice)
	other.run(t, []question{
		{"one that is too large for an avatar", alice, "set " + card(photo(huge)), "done"},
		{"stays in the card", alice, getCard, card(photo(huge))},
		{"and makes no node", alice, get(avatarData), "! cancel item-not-found"},
	})
}

// A card of before keeps its photo until there is an avatar.
func TestACardOfBefore(t *testing.T) {
	s := everybody(t, pep.Options{})
	one, two := newImage("one"), newImage("two")
	was := card("<FN>Alice</FN><PHOTO><BINVAL>" + one.b64 + "</BINVAL></PHOTO>")
	if err := s.DB.Update(func(tx *store.Tx) error { return tx.PutBlob("alice@hq.net", store.BlobVCard, "", []byte(was)) }); err != nil {
		t.Fatal(err)
	}
	s.run(t, []question{{"as it was", dora, getCard, was}})
	s.ask(alice, publish(avatarData, two.dataItem()))
	s.ask(alice, publish(avatarMeta, two.metaItem()))
	s.run(t, []question{{"with the avatar", alice, getCard, card("<FN>Alice</FN>" + two.photo())}})
}

// XEP-0398 §4.
func TestPresenceShowsTheAvatar(t *testing.T) {
	one := newImage("one")
	x := "<x xmlns='vcard-temp:x:update'><photo>" + one.id + "</photo></x>"
	for _, open := range []bool{true, false} {
		s := newStage(t, pep.Options{Near: func(domain string) bool { return domain == "rooms.net" }})
		s.Item("alice", store.RosterItem{Contact: "carol@far.net", From: true, InRoster: true})
		s.online(alice, bob)
		access, room := "presence", ""
		if open {
			access, room = "open", x
		}
		s.ask(alice, with(publish(avatarData, one.dataItem()), options("access_model="+access)))
		s.ask(alice, with(publish(avatarMeta, one.metaItem()), options("access_model="+access)))
		s.Drain()
		s.Play(`
			alice/desk sends <presence><show>away</show></presence>
			alice/desk gets  <presence from='alice@hq.net/desk'><show>away</show>` + x + `</presence>
			bob/phone  gets  <presence from='alice@hq.net/desk'><show>away</show>` + x + `</presence>
			far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'><show>away</show></presence>

			# whoever comes later sees it too, and it is asked for across the link without
			bob/pad    connects
			bob/pad    sends <presence/>
			bob/phone  gets  <presence from='bob@hq.net/pad'/>
			bob/pad    gets  <presence from='bob@hq.net/phone'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:play' ver='5rmn0FzA5p88QvLQoLSAYUehLJQ='/></presence>
			bob/pad    gets  <presence from='bob@hq.net/pad'/>
			alice/desk gets  <presence from='bob@hq.net/pad'/>
			bob/pad    gets  <presence from='alice@hq.net/desk'><show>away</show>` + x + `</presence>
			far.net    sends <presence type='probe' from='carol@far.net' to='alice@hq.net'/>
			far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'><show>away</show></presence>
			alice/pad  connects
			alice/pad  sends <presence><x xmlns='vcard-temp:x:update'/></presence>
			alice/desk gets  <presence from='alice@hq.net/pad'>` + x + `</presence>
			alice/pad  gets  <presence from='alice@hq.net/desk'><show>away</show>` + x + `</presence>
			alice/pad  gets  <presence from='alice@hq.net/pad'>` + x + `</presence>
			bob/phone  gets  <presence from='alice@hq.net/pad'>` + x + `</presence>
			bob/pad    gets  <presence from='alice@hq.net/pad'>` + x + `</presence>
			alice/pad  gets  <presence from='bob@hq.net/phone'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:play' ver='5rmn0FzA5p88QvLQoLSAYUehLJQ='/></presence>
			alice/pad  gets  <presence from='bob@hq.net/pad'/>
			far.net    gets  <presence from='alice@hq.net/pad' to='carol@far.net'><x xmlns='vcard-temp:x:update'/></presence>

			# what a client says of its photo stays; so does what has no photo to show
			alice/desk sends <presence><x xmlns='vcard-temp:x:update'><photo/></x></presence>
			alice/desk gets  <presence from='alice@hq.net/desk'><x xmlns='vcard-temp:x:update'><photo/></x></presence>
			alice/pad  gets  <presence from='alice@hq.net/desk'><x xmlns='vcard-temp:x:update'><photo/></x></presence>
			bob/phone  gets  <presence from='alice@hq.net/desk'><x xmlns='vcard-temp:x:update'><photo/></x></presence>
			bob/pad    gets  <presence from='alice@hq.net/desk'><x xmlns='vcard-temp:x:update'><photo/></x></presence>
			far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'><x xmlns='vcard-temp:x:update'><photo/></x></presence>

			# a room on this node is shown an avatar that is open; nobody across the link is
			alice/desk sends <presence to='ops@rooms.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
			rooms.net  gets  <presence from='alice@hq.net/desk' to='ops@rooms.net/al'><x xmlns='http://jabber.org/protocol/muc'/>` + room + `</presence>
			alice/desk sends <presence to='ops@far.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
			far.net    gets  <presence from='alice@hq.net/desk' to='ops@far.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>
			alice/pad  sends <presence type='unavailable'/>
			alice/pad  gets  <presence type='unavailable' from='alice@hq.net/pad'/>
			alice/desk gets  <presence type='unavailable' from='alice@hq.net/pad'/>
			bob/phone  gets  <presence type='unavailable' from='alice@hq.net/pad'/>
			bob/pad    gets  <presence type='unavailable' from='alice@hq.net/pad'/>
			far.net    gets  <presence type='unavailable' from='alice@hq.net/pad' to='carol@far.net'/>
		`)
	}
}

// XEP-0153 §4.1: a new image is told of by presence; to no far contact.
func TestANewAvatarRenewsPresence(t *testing.T) {
	one := newImage("one")
	x := "<x xmlns='vcard-temp:x:update'><photo>" + one.id + "</photo></x>"
	s := newStage(t, pep.Options{})
	s.Item("alice", store.RosterItem{Contact: "carol@far.net", From: true, InRoster: true})
	s.online(alice, "alice/pad", bob)
	s.ask(alice, publish(avatarData, one.dataItem()))
	for _, c := range []struct{ metadata, photo string }{
		{one.metaItem(), x}, {item(one.id, "<metadata xmlns='urn:xmpp:avatar:metadata'/>"), "<x xmlns='vcard-temp:x:update'><photo/></x>"},
	} {
		s.Drain()
		s.Send(alice, short.Replace("<iq type='set' id='q'>"+publish(avatarMeta, c.metadata)[4:]+"</iq>"), false)
		s.Play(`
			alice/desk gets  <presence from='alice@hq.net/desk'>{caps}` + c.photo + `</presence>
			alice/desk gets  <presence from='alice@hq.net/pad'>{caps}` + c.photo + `</presence>
			alice/desk gets  <iq from='alice@hq.net' type='result' id='q'>[pubsub><publish node='` + avatarMeta + `'/></pubsub></iq>
			alice/pad  gets  <presence from='alice@hq.net/desk'>{caps}` + c.photo + `</presence>
			alice/pad  gets  <presence from='alice@hq.net/pad'>{caps}` + c.photo + `</presence>
			bob/phone  gets  <presence from='alice@hq.net/desk'>{caps}` + c.photo + `</presence>
			bob/phone  gets  <presence from='alice@hq.net/pad'>{caps}` + c.photo + `</presence>
		`)
	}
}

// What each available presence costs more.
func BenchmarkDress(b *testing.B) {
	one := newImage(strings.Repeat("x", 8<<10))
	for _, has := range []bool{false, true} {
		b.Run(fmt.Sprintf("avatar=%v", has), func(b *testing.B) {
			s := newStage(b, pep.Options{})
			s.online(alice)
			if has {
				s.ask(alice, publish(avatarData, one.dataItem()))
				s.ask(alice, publish(avatarMeta, one.metaItem()))
			}
			p := s.Client(alice).Resource.Presence()
			b.ReportAllocs()
			for b.Loop() {
				if d, err := s.pep.Dress(new(router.Turn), p); err != nil || (d != p) != has {
					b.Fatal(err)
				}
			}
		})
	}
}
