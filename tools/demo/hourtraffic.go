package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A said stanza is one that a client gave to its node.
type said struct {
	at   time.Duration
	from int // side
	xml  string
	text int // characters that a person wrote
}

const hourUsers = 10 // on each side

var hourNames = [2][hourUsers]string{
	{"alice", "carol", "erik", "grace", "ivan", "karin", "mike", "olga", "quentin", "sara"},
	{"bob", "dave", "frida", "henrik", "julia", "lars", "nina", "pavel", "rosa", "tom"},
}

var hourClients = []string{"gajim.4KQ2ZT0P", "Conversations.x7Rt", "dino.5be1ab22", "phone"}

// Messages of about 40 characters. %d is a number, so that none comes twice.
var hourTexts = []string{
	"Convoy %d left the bridge, all well so far", "Need an answer on item %d before we leave", "Generator %d is down again, parts tomorrow", "Weather is clearing from the west, %d km",
	"Radio check at %d, loud and clear here", "Please send the list for vehicle %d today", "Boat %d is in, two crew need a doctor", "We have fuel for %d more hours at most",
	"ok, will do that after the brief at %d", "Road %d is blocked by a tree at the mill", "Can you take %d more people on the ferry?", "Grid %d, approach from the south side",
	"who has the keys for store %d right now", "Pump %d runs again, water by the evening", "nothing heard from post %d since noon", "Spare antenna %d goes with the next truck",
	"Thanks, %d boxes have arrived in good shape", "The doctor asks for %d units of blood", "no change here, next report at %d", "Call me on channel %d when you are back",
}

func uuid(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.Uint32()&0xFFFF, r.Uint32()&0xFFF, r.Uint32()&0x3FFF|0x8000, r.Uint64()&(1<<48-1))
}

// An address is one of a user's client.
func hourAddress(side, i int, client bool) string {
	a := hourNames[side][i] + "@" + []string{"headquarters.net", "field.net"}[side]
	if client {
		a += "/" + hourClients[(i+side)%len(hourClients)]
	}
	return a
}

// busyHour is what clients say in an hour: six messages each to somebody on the other side, as clients decorate them, with chat states, receipts and markers;
// five lines each in a room that both sides have; and four changes of presence, which go to two contacts each.
func busyHour(seed uint64) (all []said) {
	r := rand.New(rand.NewPCG(seed, 20))
	add := func(at time.Duration, from, text int, format string, args ...any) {
		all = append(all, said{at, from, fmt.Sprintf(format, args...), text})
	}
	line := func() (string, int) {
		s := fmt.Sprintf(hourTexts[r.IntN(len(hourTexts))], 100+r.IntN(1900))
		return s, len(s)
	}
	for side := range 2 {
		for i := range hourUsers {
			me, other := hourAddress(side, i, true), (i+3)%hourUsers
			for range 6 {
				at := time.Duration(r.Int64N(int64(time.Hour)))
				to, body, id := hourAddress(1-side, (i+r.IntN(2))%hourUsers, false), "", uuid(r)
				text := 0
				body, text = line()
				add(at-10*time.Second, side, 0, "<message from='%s' to='%s' type='chat' id='%s'><composing xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>", me, to, uuid(r))
				add(at, side, text, "<message from='%s' to='%s' type='chat' id='%s'><body>%s</body><origin-id xmlns='urn:xmpp:sid:0' id='%s'/><request xmlns='urn:xmpp:receipts'/>"+
					"<markable xmlns='urn:xmpp:chat-markers:0'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>", me, to, id, body, id)
				add(at+90*time.Second, 1-side, 0, "<message from='%s/%s' to='%s' type='chat' id='%s'><received xmlns='urn:xmpp:receipts' id='%s'/><store xmlns='urn:xmpp:hints'/></message>", to, hourClients[0], me, uuid(r), id)
				add(at+150*time.Second, 1-side, 0, "<message from='%s/%s' to='%s' type='chat' id='%s'><displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/><store xmlns='urn:xmpp:hints'/></message>", to, hourClients[0], me, uuid(r), id)
			}
			for range 5 {
				id := uuid(r)
				body, text := line()
				add(time.Duration(r.Int64N(int64(time.Hour))), side, text, "<message from='ops@chat.%s/%s' to='ops@chat.%s' type='groupchat' id='%s'><body>%s</body><fmuc xmlns='http://isode.com/protocol/fmuc' from='%s'/><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>",
					[]string{"headquarters.net", "field.net"}[side], hourNames[side][i], []string{"headquarters.net", "field.net"}[1-side], id, body, me, id)
			}
			for range 4 {
				at, show := time.Duration(r.Int64N(int64(time.Hour))), []string{"", "<show>away</show>", "<show>dnd</show><status>in a meeting</status>", "<show>xa</show>"}[r.IntN(4)]
				for _, to := range []int{i, other} {
					add(at, side, 0, "<presence from='%s' to='%s'>%s<priority>50</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='3kgHxJbQGRYLWC5Lfg5NDXMJbbw='/>"+
						"<idle xmlns='urn:xmpp:idle:1' since='2026-11-30T10:%02d:%02dZ'/></presence>", me, hourAddress(1-side, to, false), show, r.IntN(60), r.IntN(60))
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(a.at, b.at) })
	return all
}
