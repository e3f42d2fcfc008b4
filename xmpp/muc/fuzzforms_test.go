package muc_test

import (
	"reflect"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
)

// FuzzRequests: nothing that a stranger sends to a room makes its readers panic, and a configuration that was taken from
// a form is the same when it is written into one and taken again.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		"{admin set}<item nick='Bob' role='none'><reason>x</reason></item><item jid='a@b/c' affiliation='owner' nick=''/>{/}",
		"{user}<invite to='a@b'><reason>r</reason><continue thread='t'/></invite><decline to='@'/></x>",
		"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>aGk=</BINVAL></PHOTO><PHOTO><EXTVAL>x</EXTVAL></PHOTO></vCard>",
		"{register set}{submit}" + registration + "<field var='muc#register_roomnick'><value>n</value></field></x>{/}",
		"{submit}<field var='muc#roomconfig_presencebroadcast'/><field var='muc#roomconfig_maxusers'><value>none</value></field>" +
			"<field var='muc#maxhistoryfetch'><value>0</value></field><field var='muc#roomconfig_whois'><value>anyone</value></field></x>",
		"{submit}<field var='muc#roomconfig_getmemberlist'><value>visitor</value><value>moderator</value><value>visitor</value></field>" +
			"<field var='muc#roomconfig_roomdesc'><value>a</value><value/></field><field var='muc#roomconfig_publicroom'><value> 1 </value></field></x>",
	} {
		s = requests.Replace(s)
		if _, inner, ok := strings.Cut(s, "to='ops@chat.hq.net'>"); ok {
			s = strings.TrimSuffix(inner, "</iq>")
		}
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := markup.ParseElement(in)
		if err != nil {
			return
		}
		muc.ReadAll(e)
		form, err := forms.Parse(e)
		if err != nil {
			return
		}
		var once, twice store.Room
		again, err := muc.Submit(&once, form)
		if err != nil {
			return
		}
		if _, err := muc.Submit(&twice, again); err != nil || !reflect.DeepEqual(once, twice) {
			t.Fatalf("%s makes %+v, and that %+v, %v", in, once, twice, err)
		}
	})
}
