package muc_test

import (
	"regexp"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/router"
)

// The plays of this package are those of presence/plays with a room service, chat.hq.net. They write the room's part of
// a presence short: [none participant] is the occupant-id and <x><item affiliation='none' role='participant'/></x>;
// what contains an @ is the jid, =Bob the nick, a number a status code. {stanza-id} is the one by ops.
var short = regexp.MustCompile(`\[([^\]<>]+)\]`)

const occupantID = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>"

func expand(script string) string {
	script = strings.NewReplacer(
		"{id}", occupantID,
		"{stanza-id}", "<stanza-id xmlns='urn:xmpp:sid:0' by='ops@chat.hq.net' id='*'/>",
		"{muc}", "<x xmlns='http://jabber.org/protocol/muc'/>",
		"{no subject}", "<message from='ops@chat.hq.net' type='groupchat'><subject/></message>",
		"{delay}", "<delay xmlns='urn:xmpp:delay' from='ops@chat.hq.net' stamp='*'/>",
	).Replace(script)
	return short.ReplaceAllStringFunc(script, func(s string) string {
		f := strings.Fields(s[1 : len(s)-1])
		item, codes := "<item affiliation='"+f[0]+"' role='"+f[1]+"'", ""
		for _, w := range f[2:] {
			switch {
			case strings.Contains(w, "@"):
				item += " jid='" + w + "'"
			case strings.HasPrefix(w, "="):
				item += " nick='" + w[1:] + "'"
			default:
				codes += "<status code='" + w + "'/>"
			}
		}
		return occupantID + "<x xmlns='http://jabber.org/protocol/muc#user'>" + item + "/>" + codes + "</x>"
	})
}

// stage is a node with a room service.
type stage struct {
	*plays.Stage
	muc    *muc.Service
	inside []string // clients that entered by enter
}

func newStage(t testing.TB, o muc.Options) *stage {
	t.Helper()
	s := &stage{Stage: plays.New(t)}
	s.Account("carol")
	s.muc = muc.New(s.Host, s.Router, o)
	if err := s.muc.SetDomains([]string{"chat.hq.net"}); err != nil {
		t.Fatal(err)
	}
	if err := s.muc.Load(); err != nil {
		t.Fatal(err)
	}
	return s
}

// room makes the room ops.
func (s *stage) room(cfg store.Room, members ...store.RoomMember) {
	cfg.JID, cfg.Persistent = "ops@chat.hq.net", true
	var t router.Turn
	err := s.DB.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		_, err := s.muc.Open(&t, cfg, members)
		return err
	})
	if err != nil {
		panic(err)
	}
	t.Done()
}

func (s *stage) play(script string) { s.Play(expand(script)) }
