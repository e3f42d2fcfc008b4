package proxy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"longwire/xmpp/proxy"
)

// questions are what clients ask, in the words of the README.
var questions = []struct{ name, typ, inner string }{
	{"`disco#info` (XEP-0030)", "get", info},
	{"`disco#items`", "get", items},
	{"ping (XEP-0199, 0410)", "get", ping},
	{"version (XEP-0092)", "get", "<query xmlns='jabber:iq:version'/>"},
	{"time (XEP-0202)", "get", "<time xmlns='urn:xmpp:time'/>"},
	{"last activity (XEP-0012)", "get", "<query xmlns='jabber:iq:last'/>"},
	{"card (XEP-0054)", "get", vcard},
	{"card (XEP-0292)", "get", "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>"},
	{"avatar, nick, keys, bookmarks (XEP-0163)", "get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'/></pubsub>"},
	{"archive (XEP-0313)", "set", "<query xmlns='urn:xmpp:mam:2'/>"},
	{"private storage (XEP-0049)", "get", "<query xmlns='jabber:iq:private'/>"},
	{"block list (XEP-0191)", "get", "<blocklist xmlns='urn:xmpp:blocking'/>"},
	{"registration (XEP-0077)", "get", "<query xmlns='jabber:iq:register'/>"},
	{"search (XEP-0055)", "get", "<query xmlns='jabber:iq:search'/>"},
	{"upload (XEP-0363)", "get", "<request xmlns='urn:xmpp:http:upload:0'/>"},
	{"bytestreams (XEP-0065, 0047, 0095)", "set", "<query xmlns='http://jabber.org/protocol/bytestreams'/>"},
	{"calls and files (XEP-0166)", "set", "<jingle xmlns='urn:xmpp:jingle:1'/>"},
	{"contacts that are sent (XEP-0144)", "set", "<x xmlns='http://jabber.org/protocol/rosterx'/>"},
	{"lists of a room (XEP-0045 §9)", "get", "<query xmlns='http://jabber.org/protocol/muc#admin'/>"},
	{"a change to them, or a kick", "set", "<query xmlns='http://jabber.org/protocol/muc#admin'/>"},
	{"how a room is set up (XEP-0045 §10)", "get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>"},
	{"anything else", "get", "<query xmlns='urn:example:else'/>"},
}

// entities are who is asked.
var entities = []struct{ name, to string }{
	{"domain", "field.net"}, {"rooms domain", "chat.field.net"}, {"federated room", "ops@chat.field.net"}, {"other room", "map@chat.field.net"},
	{"own nick in a room", "map@chat.field.net/al"}, {"contact", "carol@field.net"}, {"other account", "eve@field.net"},
	{"client with known caps", "carol@field.net/phone"}, {"other client", "carol@field.net/pad"},
}

// outcome asks, and puts what came of it into a word.
func (r *rig) outcome(typ, to, inner string) string {
	r.t.Helper()
	r.crossed = nil
	r.Send("alice/desk", fmt.Sprintf("<iq type='%s' id='q' to='%s'>%s</iq>", typ, to, inner), false)
	if len(r.crossed) > 0 {
		return "crosses"
	}
	got := r.Got("alice/desk")
	if len(got) == 0 {
		return "no answer"
	}
	for _, c := range []struct{ sign, word string }{
		{"type='result'", "answered"}, {"service-unavailable", "refused"}, {"remote-server-timeout", "no link"},
	} {
		if strings.Contains(got[0], c.sign) {
			return c.word
		}
	}
	return got[0]
}

// stage has all the entities.
func withEntities(t *testing.T, p proxy.Policy) *rig {
	peer := field
	peer.Policy = p
	r := newRig(t, peer)
	r.info["v1"] = "<identity category='client' type='phone'/>"
	r.Play("alice/desk connects")
	r.Client("alice/desk").Resource.Directed().Add(mustParse("map@chat.field.net/al"))
	r.hears("<presence to='alice@hq.net' from='carol@field.net/phone'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:c' ver='v1'/></presence>")
	r.Drain()
	return r
}

// answersTable is who is asked what and what comes of it, over HF.
func answersTable(t *testing.T) string {
	r := withEntities(t, proxy.Policy{Local: true})
	var b strings.Builder
	b.WriteString("| question |")
	for _, e := range entities {
		b.WriteString(" " + e.name + " |")
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(entities)+1) + "\n")
	for _, q := range questions {
		b.WriteString("| " + q.name + " |")
		for _, e := range entities {
			r.set(state{Usable: true, By: "HF", Silent: true})
			up := r.outcome(q.typ, e.to, q.inner)
			r.set(state{Silent: true})
			if down := r.outcome(q.typ, e.to, q.inner); down != up {
				up += ", or " + down
			}
			b.WriteString(" " + up + " |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// modesTable is which questions cross in which mode.
func modesTable(t *testing.T) string {
	modes := []struct {
		name string
		p    proxy.Policy
	}{
		{"local, HF", proxy.Policy{Local: true}}, {"local, SatCom", proxy.Policy{Local: true, Rest: true}},
		{"local, `pubsub = true`", proxy.Policy{Local: true, Pubsub: true}}, {"cross", proxy.Policy{}},
	}
	var rigs []*rig
	var b strings.Builder
	b.WriteString("| question |")
	for _, m := range modes {
		b.WriteString(" " + m.name + " |")
		rigs = append(rigs, withEntities(t, m.p))
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(modes)+1) + "\n")
	for _, q := range questions {
		to := "carol@field.net"
		if strings.Contains(q.inner, "muc#") {
			to = "map@chat.field.net"
		}
		b.WriteString("| " + q.name + " |")
		for _, r := range rigs {
			b.WriteString(" " + r.outcome(q.typ, to, q.inner) + " |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTheReadmeTellsTheTruth(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{answersTable(t), modesTable(t)} {
		if !strings.Contains(string(readme), table) {
			t.Errorf("README.md does not have the table\n%s", table)
		}
	}
}
