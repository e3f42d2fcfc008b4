package muc_test

import (
	"regexp"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
)

// More of the short hand of plays, for requests to ops and what comes of them.
var requests = strings.NewReplacer(
	"{admin get}", "<iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/muc#admin'>",
	"{admin set}", "<iq type='set' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/muc#admin'>",
	"{admin list}", "<iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'>",
	"{owner set}", "<iq type='set' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/muc#owner'>",
	"{owner get}", "<iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='http://jabber.org/protocol/muc#owner'>",
	"{register get}", "<iq type='get' id='1' to='ops@chat.hq.net'><query xmlns='jabber:iq:register'>",
	"{register set}", "<iq type='set' id='1' to='ops@chat.hq.net'><query xmlns='jabber:iq:register'>",
	"{register}", "<iq from='ops@chat.hq.net' type='result' id='1'><query xmlns='jabber:iq:register'>",
	"{/}", "</query></iq>",
	"{done}", "<iq from='ops@chat.hq.net' type='result' id='1'/>",
	"{to ops}", "<message to='ops@chat.hq.net' id='1'>",
	"{from ops}", "<message from='ops@chat.hq.net' id='1'>",
	"{by ops}", "<message from='ops@chat.hq.net'>",
	"{status}", "<message from='ops@chat.hq.net' type='groupchat'><x xmlns='http://jabber.org/protocol/muc#user'>",
	"{user}", "<x xmlns='http://jabber.org/protocol/muc#user'>",
	"{submit}", "<x xmlns='jabber:x:data' type='submit'>",
)

var (
	refusals   = regexp.MustCompile(`\{(refused|returned) (\w+) ([\w-]+)(?:: ([^}]*))?\}`)
	formFields = regexp.MustCompile(`\{([\w#-]+)=([^}]*)\}`)
	statuses   = regexp.MustCompile(`\{(\d\d\d)\}`)
)

const nsErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"

// act plays with the short hand.
func (s *stage) act(script string) {
	script = requests.Replace(script)
	script = refusals.ReplaceAllStringFunc(script, func(m string) string {
		f := refusals.FindStringSubmatch(m)
		kind := map[string]string{"refused": "iq", "returned": "message"}[f[1]]
		out := "<" + kind + " from='ops@chat.hq.net' type='error' id='1'><error type='" + f[2] + "'><" + f[3] + " xmlns='" + nsErrors + "'/>"
		if f[4] != "" {
			out += "<text xmlns='" + nsErrors + "' xml:lang='en'>" + f[4] + "</text>"
		}
		return out + "</error></" + kind + ">"
	})
	script = formFields.ReplaceAllStringFunc(script, func(m string) string {
		f := formFields.FindStringSubmatch(m)
		out := "<field var='" + f[1] + "'>"
		for v := range strings.SplitSeq(f[2], "|") {
			if v != "" {
				out += "<value>" + v + "</value>"
			}
		}
		return out + "</field>"
	})
	s.play(statuses.ReplaceAllString(script, "<status code='$1'/>"))
}

// enter takes clients ("bob/phone") into ops, by the nick that begins like their names; what all get by that is not
// looked at.
func (s *stage) enter(clients ...string) {
	for _, who := range clients {
		s.Play(who + " connects")
	}
	for _, who := range clients {
		name, _, _ := strings.Cut(who, "/")
		s.Send(who, "<presence to='ops@chat.hq.net/"+strings.ToUpper(name[:1])+name[1:]+"'><x xmlns='http://jabber.org/protocol/muc'/></presence>", false)
		s.inside = append(s.inside, who)
	}
	for _, who := range s.inside {
		s.Client(who).Got()
	}
}

// quiet does something of which nobody looks at what comes of it.
func (s *stage) quiet(who, xml string) {
	s.Send(who, requests.Replace(xml), false)
	for _, who := range s.inside {
		s.Client(who).Got()
	}
}

// opsWith makes the room ops with alice as its owner inside, and others as named.
func opsWith(t testing.TB, cfg store.Room, members []store.RoomMember, clients ...string) *stage {
	t.Helper()
	s := newStage(t, muc.Options{})
	s.room(cfg, append(members, owned)...)
	s.enter(append([]string{"alice/desk"}, clients...)...)
	return s
}

func jidOf(name string) jid.JID { return jid.MustParse(name + "@hq.net") }

func standing(name, affiliation string) store.RoomMember {
	return store.RoomMember{JID: name + "@hq.net", Affiliation: affiliation}
}
