package proxy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/proxy"
)

const (
	there = "<presence from='carol@field.net'><status>reached by HF</status></presence>"
	away  = "<presence type='unavailable' from='carol@field.net'><status>no link to field.net</status></presence>"
	// Of what happens on the link, users see no more than this.
	aChange = 2*time.Minute + 30*time.Second
)

func online(who string) string {
	name, _, _ := cut(who)
	return who + " connects\n" + who + " sends <presence/>\n" + who + " gets <presence from='" + name + "@hq.net/" + who[len(name)+1:] + "'/>\n"
}

func cut(who string) (name, resource string, ok bool) {
	for i := range who {
		if who[i] == '/' {
			return who[:i], who[i+1:], true
		}
	}
	return who, "", false
}

// bubble plays with a service that runs, in a bubble of time.
func bubble(t *testing.T, p proxy.Peer, f func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, p)
		defer r.DB.Close()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- r.svc.Run(ctx) }()
		synctest.Wait()
		f(r)
		cancel()
		<-done
	})
}

// after lets time pass.
func (r *rig) after(d time.Duration) { time.Sleep(d); synctest.Wait() }

// uncrossed forgets what crossed.
func (r *rig) uncrossed() { r.crossed = nil }

func TestContactsAreShownAsTheLinkIs(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Item("alice", store.RosterItem{Contact: "dan@field.net", From: true, InRoster: true}) // sees alice, is not seen
		r.Play(online("alice/desk") + "alice/desk gets " + there)
		r.uncrossed() // her presence, which folding drops
		r.after(time.Hour)
		r.Play("alice/desk gets nothing")
		r.set(state{Silent: true})
		r.after(time.Minute)
		r.Play("alice/desk gets " + away)
		r.set(state{Usable: true, By: "HF", Silent: true})
		r.after(aChange)
		r.Play("alice/desk gets " + there)
		// Who comes later sees the same, and the others nothing new.
		r.Play("alice/pad connects\nalice/pad sends <presence/>\nalice/desk gets <presence from='alice@hq.net/pad'/>\n" +
			"alice/pad gets <presence from='alice@hq.net/desk'/>\nalice/pad gets <presence from='alice@hq.net/pad'/>\nalice/pad gets " + there)
		r.uncrossed()
		// A client that asks by itself is answered too, and may only ask for whom it may see.
		r.Play(`alice/pad quickly sends <presence type='probe' to='carol@field.net'/>
			alice/pad gets ` + there + `
			alice/pad quickly sends <presence type='probe' to='dan@field.net'/>
			alice/pad gets nothing`)
		r.crosses()
	})
}

// What comes and goes is no news each time.
func TestAFlappingLinkIsCalmlyShown(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Play(online("alice/desk") + "alice/desk gets " + there)
		r.after(time.Hour)
		for range 100 { // 10 s down, 10 s up
			r.set(state{Silent: true})
			r.svc.Changed()
			r.after(10 * time.Second)
			r.set(state{Usable: true, By: "HF", Silent: true})
			r.svc.Changed()
			r.after(10 * time.Second)
		}
		r.Play("alice/desk gets nothing")
		n := 0
		r.Client("alice/desk").ID = func(string) { n++ }
		for range 60 { // a minute each
			r.set(state{Silent: true})
			r.after(time.Minute)
			r.set(state{Usable: true, By: "HF", Silent: true})
			r.after(time.Minute)
		}
		r.Drain()
		if n > 120 {
			t.Errorf("two hours of flapping made %d presences", n)
		}
	})
}

func TestRealPresenceGoesBefore(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Play(online("alice/desk") + "alice/desk gets " + there)
		const real = "<presence from='carol@field.net/phone'><show>away</show></presence>"
		r.hears("<presence from='carol@field.net/phone' to='alice@hq.net'><show>away</show></presence>")
		r.Play("alice/desk gets <presence type='unavailable' from='carol@field.net'/>\nalice/desk gets " + real)
		// Nothing that the link does counts any more, and who comes sees what came.
		r.set(state{Silent: true})
		r.after(aChange)
		r.Play("alice/desk gets " + real) // shown again, as it was
		r.uncrossed()
		r.hears("<presence type='unavailable' from='carol@field.net/phone' to='alice@hq.net'/>")
		r.Play(`alice/desk gets <presence type='unavailable' from='carol@field.net/phone'/>
			alice/desk quickly sends <presence type='probe' to='carol@field.net'/>
			alice/desk gets <presence type='unavailable' from='carol@field.net'/>`)
		r.crosses()
	})
}

// Presence that came over a better link is not believed when it ends, as nobody tells any more.
func TestPresenceIsForgottenWhereItNoLongerCrosses(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.set(state{Usable: true, By: "SatCom"})
		r.after(aChange)
		r.Play(online("alice/desk") + "alice/desk gets <presence from='carol@field.net'><status>reached by SatCom</status></presence>")
		r.uncrossed()
		r.hears("<presence from='carol@field.net/phone' to='alice@hq.net'/>")
		r.Drain()
		r.set(state{Usable: true, By: "HF", Silent: true})
		r.after(aChange)
		r.Play("alice/desk gets <presence type='unavailable' from='carol@field.net/phone'/>\nalice/desk gets " + there)
		// Back on the better link nobody is asked; she is shown as the link is until she says something.
		r.set(state{Usable: true, By: "SatCom"})
		r.after(aChange)
		r.Play("alice/desk gets <presence from='carol@field.net'><status>reached by SatCom</status></presence>")
		r.crosses()
		r.hears("<presence from='carol@field.net/phone' to='alice@hq.net'/>")
		r.Play("alice/desk gets <presence type='unavailable' from='carol@field.net'/>\nalice/desk gets <presence from='carol@field.net/phone'/>")
	})
}

func TestSubscriptionsAcrossTheLinkShowTheContact(t *testing.T) {
	bubble(t, field, func(r *rig) {
		const push = "<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='%d'><item jid='dan@field.net' subscription='%s'/></query></iq>"
		r.Play(online("bob/x") + "bob/x sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='0'/></iq>\n" +
			"bob/x gets <iq type='result' id='r' from='bob@hq.net'/>\nbob/x sends <presence type='subscribe' to='dan@field.net'/>\n" +
			"bob/x gets <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='dan@field.net' subscription='none' ask='subscribe'/></query></iq>")
		r.crosses("<presence from='bob@hq.net' to='dan@field.net' type='subscribe'/>")
		r.hears("<presence type='subscribed' from='dan@field.net' to='bob@hq.net'/>")
		dan := "<presence from='dan@field.net'><status>reached by HF</status></presence>"
		r.Play("bob/x gets <presence type='subscribed' from='dan@field.net'/>\nbob/x gets " + fmt.Sprintf(push, 2, "to") + "\nbob/x gets " + dan)
		r.hears("<presence type='unsubscribed' from='dan@field.net' to='bob@hq.net'/>")
		r.Drain()
		r.Play("bob/x sends <presence type='unsubscribe' to='dan@field.net'/>\nbob/x gets <presence type='unavailable' from='dan@field.net'/>")
	})
}

func TestSyntheticPresenceCanBeSwitched(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Play(online("alice/desk") + "alice/desk gets " + there)
		off := field
		off.Synthetic = proxy.Off
		r.svc.SetPeers([]proxy.Peer{off})
		r.after(time.Second)
		r.Play("alice/desk gets <presence type='unavailable' from='carol@field.net'/>")
		on := field
		on.Synthetic = proxy.On
		r.set(state{Usable: true, By: "SatCom"})
		r.svc.SetPeers([]proxy.Peer{on})
		r.after(aChange)
		r.Drain()
		r.uncrossed()
		// Where presence crosses, so does the question for it.
		r.Play(`alice/desk sends <presence type='probe' to='carol@field.net'/>
			alice/desk gets <presence from='carol@field.net'><status>reached by SatCom</status></presence>`)
		r.crosses("<presence from='alice@hq.net/desk' to='carol@field.net' type='probe'/>")
	})
}

// A contact of a peer that is configured no more is not shown for ever as the link was, and is shown again when it comes back.
func TestContactsOfAPeerThatIsGoneAreTakenBack(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Item("alice", store.RosterItem{Contact: "dan@field.net", To: true, InRoster: true})
		r.Play(online("alice/desk") + "alice/desk gets " + there + "\nalice/desk gets <presence from='dan@field.net'><status>reached by HF</status></presence>")
		r.hears("<presence from='dan@field.net/tent' to='alice@hq.net'/>")
		r.Drain()
		r.svc.SetPeers(nil)
		r.after(time.Second)
		r.Play(`alice/desk gets <presence type='unavailable' from='carol@field.net'/>
			alice/desk gets <presence type='unavailable' from='dan@field.net/tent'/>`)
		r.after(aChange)
		r.svc.SetPeers([]proxy.Peer{field})
		r.after(time.Second)
		r.Play("alice/desk gets " + there + "\nalice/desk gets <presence from='dan@field.net'><status>reached by HF</status></presence>")
		r.uncrossed()
	})
}

// Whoever has a lot to say of itself is there all the same.
func TestALongPresenceIsPresence(t *testing.T) {
	r := newRig(t, field)
	for i := range 2 {
		r.hears(fmt.Sprintf("<presence from='carol@field.net/r%d' to='alice@hq.net'><status>%s</status></presence>", i, strings.Repeat("x", 5000)))
	}
	if n := r.svc.Clients("alice@hq.net", "carol@field.net"); n != 2 {
		t.Errorf("%d clients are remembered", n)
	}
}

// Blocked contacts are not shown: XEP-0191 §3.
func TestABlockedContactIsNotShown(t *testing.T) {
	bubble(t, field, func(r *rig) {
		r.Block("alice", "carol@field.net")
		r.Play(online("alice/desk") + "alice/desk gets nothing")
		r.set(state{By: "HF", Silent: true})
		r.after(aChange)
		r.Play("alice/desk gets nothing")
		r.uncrossed()
	})
}

// Far presence fills no memory.
func TestFacesAreBounded(t *testing.T) {
	r := newRig(t, field)
	for i := range 100 {
		r.hears(fmt.Sprintf("<presence from='carol@field.net/r%d' to='alice@hq.net'/>", i))
	}
	if n := r.svc.Clients("alice@hq.net", "carol@field.net"); n != 8 {
		t.Errorf("%d clients of one contact are remembered", n)
	}
	for i := range 300 {
		contact := fmt.Sprintf("c%d@field.net", i)
		r.Item("alice", store.RosterItem{Contact: contact, To: true, InRoster: true})
		for n := range 8 {
			r.hears(fmt.Sprintf("<presence from='%s/%d' to='alice@hq.net'><status>%s</status></presence>", contact, n, strings.Repeat("x", 4000)))
		}
	}
	if n := r.svc.FacesSize(); n > 4<<20 || n < 3<<20 {
		t.Errorf("%d bytes of far presence are remembered", n)
	}
}

func TestARoomThatCannotBeEnteredPointsToTheOneThatCan(t *testing.T) {
	r := newRig(t, field)
	join := "alice/desk quickly sends <presence id='j' to='ops@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>\n"
	r.Play("alice/desk connects\n" + join + "alice/desk gets <presence type='error' id='j' from='ops@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc'/><error type='cancel'><service-unavailable " + stanzas +
		"/><text " + stanzas + " xml:lang='en'>presence does not cross the link to this room; use hqroom@rooms.net, which acts as one with this room</text></error></presence>")
	if r.Client("alice/desk").Resource.Directed().Has(mustParse("ops@chat.field.net/al")) {
		t.Error("a farewell would be sent to a room that was not entered")
	}
	r.crosses()
	enter := field
	enter.Enter = []string{"chat.field.net"}
	r.svc.SetPeers([]proxy.Peer{enter})
	r.Play("alice/desk sends <presence id='j' to='ops@chat.field.net/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	r.crosses("<presence from='alice@hq.net/desk' to='ops@chat.field.net/al' id='j'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
}
