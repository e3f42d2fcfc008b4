package vitals_test

import (
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
	"longwire/xmpp/vitals"
)

const (
	alice = "alice@field.net/tent"
	bob   = "bob@field.net/jeep"
	hq    = "hank@headquarters.net/desk"
)

func TestVitals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := servicetest.New(t)
		tent := st.Login(alice)
		st.Login(bob)
		st.Trust("alice@field.net", "hank@headquarters.net")
		vitals.New(st.Host, "1.2 <dev>")
		fail := servicetest.Error
		const (
			pong    = "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'/>"
			last    = "<iq type='get' id='1' to='alice@field.net'><query xmlns='jabber:iq:last'/></iq>"
			seconds = "<iq from='alice@field.net' to='hank@headquarters.net/desk' type='result' id='1'><query xmlns='jabber:iq:last' seconds="
		)
		logout := time.Now()
		st.Update(func(tx *store.Tx) error {
			return tx.PutAccount(store.Account{JID: "alice@field.net", Created: logout.Add(-time.Hour), LastSeen: logout, LastStatus: "Heading <home>"})
		})
		time.Sleep(903*time.Second + time.Millisecond)
		st.Run(t, []servicetest.Case{
			{"ping the server", alice, "<iq type='get' id='1' to='field.net'><ping xmlns='urn:xmpp:ping'/></iq>", pong},
			{"ping from afar", hq, "<iq type='get' id='1' to='field.net'><ping xmlns='urn:xmpp:ping'/></iq>",
				"<iq from='field.net' to='hank@headquarters.net/desk' type='result' id='1'/>"},
			{"ping the own account", alice, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
				"<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'/>"},
			{"ping another's account", bob, "<iq type='get' id='1' to='alice@field.net'><ping xmlns='urn:xmpp:ping'/></iq>",
				fail("alice@field.net", bob, "1", "cancel", "service-unavailable", "")},
			{"version", alice, "<iq type='get' id='1' to='field.net'><query xmlns='jabber:iq:version'/></iq>",
				"<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='jabber:iq:version'><name>Longwire</name><version>1.2 &lt;dev&gt;</version></query></iq>"},
			{"version cannot be set", alice, "<iq type='set' id='1' to='field.net'><query xmlns='jabber:iq:version'/></iq>",
				fail("field.net", alice, "1", "cancel", "service-unavailable", "")},
			{"time", alice, "<iq type='get' id='1' to='field.net'><time xmlns='urn:xmpp:time'/></iq>",
				"<iq from='field.net' to='alice@field.net/tent' type='result' id='1'><time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2000-01-01T00:15:03Z</utc></time></iq>"},
			{"uptime", hq, "<iq type='get' id='1' to='field.net'><query xmlns='jabber:iq:last'/></iq>",
				"<iq from='field.net' to='hank@headquarters.net/desk' type='result' id='1'><query xmlns='jabber:iq:last' seconds='903'/></iq>"},
			{"last seen by a subscriber", hq, last, seconds + "'903'>Heading &lt;home&gt;</query></iq>"},
			{"last seen by a stranger", bob, last, fail("alice@field.net", bob, "1", "auth", "forbidden", "")},
			{"last seen of nobody", hq, "<iq type='get' id='1' to='zoe@field.net'><query xmlns='jabber:iq:last'/></iq>",
				fail("zoe@field.net", hq, "1", "cancel", "service-unavailable", "")},
		})

		tent.SetPresence(&stanza.Stanza{Kind: stanza.Presence}, 0)
		if got, want := st.Ask(hq, last), seconds+"'0'/></iq>"; got != want {
			t.Errorf("online: got %s, want %s", got, want)
		}
		tent.SetPresence(nil, 0)
		st.Update(func(tx *store.Tx) error {
			return tx.PutAccount(store.Account{JID: "alice@field.net", Created: time.Now().Add(-time.Minute)})
		})
		if got, want := st.Ask(hq, last), seconds+"'60'/></iq>"; got != want {
			t.Errorf("never logged in: got %s, want %s", got, want)
		}
	})
}
