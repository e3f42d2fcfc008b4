package fold_test

import (
	"testing"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/stanza"
)

const (
	caps   = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='lQ+d='/>`
	rich   = `<show>away</show><status>lunch</status><priority>5</priority>` + caps + `<x xmlns='vcard-temp:x:update'><photo>ab</photo></x><idle xmlns='urn:xmpp:idle:1' since='2031-05-04T11:00:00Z'/>`
	lean   = `<show>away</show><status>lunch</status>`
	muc    = `<x xmlns='http://jabber.org/protocol/muc'/>`
	user   = `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/></x>`
	fmuc   = `<fmuc xmlns='http://isode.com/protocol/fmuc' from='anna@field.net/phone'/>`
	signed = `<x xmlns='jabber:x:signed'>iQ==</x>`
)

// In TestModesOfPresence "same" is untouched, "+" is passed less what rules strip and held for the window.
func TestModesOfPresence(t *testing.T) {
	const same = "same"
	for _, c := range []struct {
		name, typ, in                   string
		coalesce, minimal, all, matched string
	}{
		{"available", "", rich, "+" + lean, "", "- presence", "- presence"},
		{"available, nothing told", "", "", "+", same, "- presence", "- presence"},
		{"old delay", "", `<delay xmlns='urn:xmpp:delay' stamp='2031-05-03T11:00:00Z'/>`, "+", "", "- presence", "- presence"},
		{"empty status", "", `<status/>`, "+", "", "- presence", "- presence"},
		{"unavailable", "unavailable", `<status>bye</status>`, "+<status>bye</status>", "", "- presence", "- presence"},
		{"probe", "probe", "", same, same, "- probe", "- probe"},
		{"subscribe", "subscribe", `<nick xmlns='http://jabber.org/protocol/nick'>Anna</nick>`, "", "", "", "- subscription"},
		{"subscribed", "subscribed", "", same, same, same, "- subscription"},
		{"unsubscribe", "unsubscribe", "", same, same, same, "- subscription"},
		{"unsubscribed", "unsubscribed", "", same, same, same, "- subscription"},
		{"error", "error", caps, same, same, same, same},
		{"no such type", "invisible", caps, "", "", "- presence", "- presence"},
		{"federated join", "", muc + fmuc + caps, same, same, same, same},
		{"federated leave", "unavailable", fmuc, same, same, same, same},
		{"federated show", "", fmuc + lean, same, same, same, same},
		{"join", "", muc + caps, muc, muc, "- room", "- room"},
		{"a room's word", "", user + `<show>away</show>` + caps, user + `<show>away</show>`, user + `<show>away</show>`, user + `<show>away</show>`, user + `<show>away</show>` + caps},
		{"a room's farewell", "unavailable", user, same, same, same, same},
		{"signed", "", `<status>lunch</status>` + signed + `<show>away</show>`, same, `<status>lunch</status>` + signed, "- presence", "- presence"},
	} {
		for mode, want := range map[fold.PresenceMode]string{fold.PresenceCoalesce: c.coalesce, fold.PresenceMinimal: c.minimal, fold.PresenceAll: c.all, fold.PresenceMatched: c.matched} {
			p, _ := fold.Preset("satcom")
			p.Presence = mode
			if mode == fold.PresenceMatched {
				p.Rules = nil
			}
			in := presence(t, c.typ, c.in)
			r := folder(t, p).Fold(now, in)
			got := inner(r)
			if r.Hold != 0 {
				got = "+" + got
			}
			if want == same {
				if r.Stanza != in {
					t.Errorf("%s, %s: touched: %s", c.name, mode, got)
				}
				continue
			}
			if got != want {
				t.Errorf("%s, %s:\n%s, want\n%s", c.name, mode, got, want)
			}
			if r.Stanza == nil && (r.Refuse != nil) != (c.name == "join" || c.typ == "subscribe") {
				t.Errorf("%s, %s: refused: %v", c.name, mode, r.Refuse)
			}
		}
	}
}

func TestWhoCannotEnterIsTold(t *testing.T) {
	s := read(t, `<presence from='anna@field.net/phone' to='ops@chat.headquarters.net/Anna' id='j1'>`+muc+`</presence>`)
	r := preset(t, "hf-300").Fold(now, s)
	if r.Stanza != nil || r.Refuse == nil || r.Refuse.Condition != stanza.ServiceUnavailable || r.Refuse.Text == "" {
		t.Fatalf("%+v", r)
	}
	if back := s.ErrorReply(r.Refuse); back.To != s.From || back.ID != "j1" {
		t.Errorf("%s", back.Bytes())
	}
}

func TestPermittedRooms(t *testing.T) {
	p, _ := fold.Preset("hf-300")
	p.Rooms = []string{"Chat.Headquarters.net"}
	f := folder(t, p)
	for in, want := range map[string]string{
		`<presence from='anna@field.net/phone' to='ops@chat.headquarters.net/Anna'>` + muc + caps + `</presence>`: muc,
		`<presence from='anna@field.net/phone' to='ops@chat.headquarters.net/Ann'/>`:                              "",
		`<presence from='anna@field.net/phone' to='ops@chat.headquarters.net/Ann' type='unavailable'/>`:           "",
		`<presence from='ops@chat.headquarters.net/Ben' to='anna@field.net/phone'>` + user + `</presence>`:        user,
		`<presence from='anna@field.net/phone' to='ops@chat.elsewhere.net/Anna' type='unavailable'/>`:             "- presence",
		`<presence from='anna@field.net/phone' to='ops@chat.elsewhere.net/Anna'>` + muc + `</presence>`:           "- room",
	} {
		if got := inner(f.Fold(now, read(t, in))); got != want {
			t.Errorf("%s:\n%s, want %s", in, got, want)
		}
	}
	p.Presence = fold.PresenceCoalesce
	if r := folder(t, p).Fold(now, read(t, `<presence from='anna@field.net/phone' to='ops@chat.headquarters.net/Ann' type='unavailable'/>`)); r.Hold != 0 {
		t.Error("leaving a room is held back")
	}
}

func TestSubscriptionsCanBeSwitchedOff(t *testing.T) {
	p, _ := fold.Preset("hf-300")
	p.NoSubscriptions = true
	f := folder(t, p)
	for typ, refused := range map[string]bool{"subscribe": true, "subscribed": false, "unsubscribe": false, "unsubscribed": false} {
		r := f.Fold(now, presence(t, typ, ""))
		if r.Stanza != nil || r.Reason != fold.NoSubscribing || (r.Refuse != nil) != refused {
			t.Errorf("%s: %+v", typ, r)
		}
	}
}

func TestMatchedElementsDoNotPass(t *testing.T) {
	p := fold.Policy{Presence: fold.PresenceMatched, Rules: []fold.Rule{{Names: []string{"c"}, Space: "http://jabber.org/protocol/caps", Scope: fold.Presences}}}
	if got := inner(folder(t, p).Fold(now, presence(t, "", lean+caps))); got != lean {
		t.Errorf("%s", got)
	}
	// A rule for messages is none for presence.
	p.Rules[0].Scope = fold.Messages
	if got := inner(folder(t, p).Fold(now, presence(t, "", lean+caps))); got != "- presence" {
		t.Errorf("%s", got)
	}
}

func TestWindow(t *testing.T) {
	p, _ := fold.Preset("satcom")
	for w, want := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Minute: time.Minute} {
		p.Window = w
		if r := folder(t, p).Fold(now, presence(t, "", "")); r.Hold != want {
			t.Errorf("window %s: held for %s", w, r.Hold)
		}
	}
}
