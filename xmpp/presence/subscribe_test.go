package presence_test

import (
	"testing"

	"longwire/store"
	"longwire/xmpp/presence/plays"
)

func TestAliceAndBobBecomeContacts(t *testing.T) {
	plays.New(t).Play(`
		alice/desk connects
		alice/desk sends <iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
		alice/desk gets  <iq from='alice@hq.net' type='result' id='r1'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		bob/phone connects
		bob/phone sends <iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
		bob/phone gets  <iq from='bob@hq.net' type='result' id='r1'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		bob/phone sends <presence><show>away</show></presence>
		bob/phone gets  <presence from='bob@hq.net/phone'><show>away</show></presence>

		# alice asks; both addresses become bare, whatever she wrote
		alice/desk sends <presence type='subscribe' id='s1' to='bob@hq.net/phone'><status>Hi, alice here</status></presence>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='bob@hq.net' subscription='none' ask='subscribe'/></query></iq>
		bob/phone  gets  <presence type='subscribe' id='s1' from='alice@hq.net'><status>Hi, alice here</status></presence>
		# a mere request does not show in bob's roster
		bob/phone  gets  nothing

		bob/phone  sends <presence type='subscribed' to='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='alice@hq.net' subscription='from'/></query></iq>
		alice/desk gets  <presence type='subscribed' from='bob@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@hq.net' subscription='to'/></query></iq>
		alice/desk gets  <presence from='bob@hq.net/phone'><show>away</show></presence>

		bob/phone  sends <presence type='subscribe' to='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='alice@hq.net' subscription='from' ask='subscribe'/></query></iq>
		alice/desk gets  <presence type='subscribe' from='bob@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='bob@hq.net' subscription='to'/></query></iq>
		alice/desk sends <presence type='subscribed' to='bob@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='4'><item jid='bob@hq.net' subscription='both'/></query></iq>
		bob/phone  gets  <presence type='subscribed' from='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='4'><item jid='alice@hq.net' subscription='both'/></query></iq>
		bob/phone  gets  <presence from='alice@hq.net/desk'/>

		# alice no longer wants to see bob; he sees her still
		alice/desk sends <presence type='unsubscribe' to='bob@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='5'><item jid='bob@hq.net' subscription='from'/></query></iq>
		alice/desk gets  <presence type='unavailable' from='bob@hq.net/phone'/>
		bob/phone  gets  <presence type='unsubscribe' from='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='5'><item jid='alice@hq.net' subscription='to'/></query></iq>

		# and she no longer lets him see her
		alice/desk sends <presence type='unsubscribed' to='bob@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='6'><item jid='bob@hq.net' subscription='none'/></query></iq>
		bob/phone  gets  <presence type='unavailable' from='alice@hq.net/desk'/>
		bob/phone  gets  <presence type='unsubscribed' from='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='6'><item jid='alice@hq.net' subscription='none'/></query></iq>
	`)
}

func TestRequestWaitsUntilItIsAnswered(t *testing.T) {
	s := plays.New(t)
	s.Play(`
		alice/desk connects
		alice/desk sends <presence type='subscribe' to='bob@hq.net' xml:lang='en'><status>Hi</status><x xmlns='urn:example:card'><n>A &amp; B</n></x></presence>
		# asking twice changes nothing
		alice/desk sends <presence type='subscribe' to='bob@hq.net'><status>Hello?</status></presence>

		bob/phone connects
		bob/phone gets  nothing
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone gets  <presence type='subscribe' from='alice@hq.net' xml:lang='en'><status>Hi</status><x xmlns='urn:example:card'><n>A &amp; B</n></x></presence>
		bob/phone sends <presence><show>dnd</show></presence>
		bob/phone gets  <presence from='bob@hq.net/phone'><show>dnd</show></presence>
		bob/phone hangs up

		bob/desk connects
		bob/desk sends <presence/>
		bob/desk gets  <presence from='bob@hq.net/desk'/>
		bob/desk gets  <presence type='subscribe' from='alice@hq.net' xml:lang='en'><status>Hi</status><x xmlns='urn:example:card'><n>A &amp; B</n></x></presence>
		bob/desk sends <presence type='unsubscribed' to='alice@hq.net'/>
		bob/desk hangs up

		bob/desk connects
		bob/desk sends <presence/>
		bob/desk gets  <presence from='bob@hq.net/desk'/>
		# the stranger left no trace in bob's roster
		bob/desk sends <iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
		bob/desk gets  <iq from='bob@hq.net' type='result' id='r1'><query xmlns='jabber:iq:roster' ver='2'/></iq>
	`)
}

func TestContactAcrossTheLink(t *testing.T) {
	plays.New(t).Play(`
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk sends <presence type='subscribe' to='carol@far.net'/>
		far.net    gets  <presence type='subscribe' from='alice@hq.net' to='carol@far.net'/>
		far.net    sends <presence type='subscribed' from='carol@far.net' to='alice@hq.net'/>
		alice/desk gets  <presence type='subscribed' from='carol@far.net'/>
		far.net    sends <presence from='carol@far.net/x' to='alice@hq.net'/>
		alice/desk gets  <presence from='carol@far.net/x'/>

		far.net    sends <presence type='subscribe' from='carol@far.net' to='alice@hq.net'/>
		alice/desk gets  <presence type='subscribe' from='carol@far.net'/>
		alice/desk sends <presence type='subscribed' to='carol@far.net'/>
		far.net    gets  <presence type='subscribed' from='alice@hq.net' to='carol@far.net'/>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'/>

		alice/desk sends <presence><status>tea</status></presence>
		alice/desk gets  <presence from='alice@hq.net/desk'><status>tea</status></presence>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'><status>tea</status></presence>

		far.net    sends <presence type='probe' from='carol@far.net/y' to='alice@hq.net'/>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net/y'><status>tea</status></presence>

		far.net    sends <presence type='unsubscribe' from='carol@far.net' to='alice@hq.net'/>
		alice/desk gets  <presence type='unsubscribe' from='carol@far.net'/>
		far.net    gets  <presence type='unavailable' from='alice@hq.net/desk' to='carol@far.net'/>

		# a probe from across the link by someone who may not see alice costs no air time
		far.net    sends <presence type='probe' from='carol@far.net/y' to='alice@hq.net'/>
		far.net    gets  nothing

		far.net    sends <presence type='unsubscribed' from='carol@far.net' to='alice@hq.net'/>
		alice/desk gets  <presence type='unsubscribed' from='carol@far.net'/>
		# repeated, it is nothing new
		far.net    sends <presence type='unsubscribed' from='carol@far.net' to='alice@hq.net'/>
		far.net    sends <presence type='subscribed' from='carol@far.net' to='alice@hq.net'/>
		far.net    sends <presence type='unsubscribe' from='carol@far.net' to='alice@hq.net'/>
	`)
}

func TestApprovedInAdvance(t *testing.T) {
	plays.New(t).Play(`
		bob/phone connects
		bob/phone sends <iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
		bob/phone gets  <iq from='bob@hq.net' type='result' id='r1'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		bob/phone sends <presence type='subscribed' to='alice@hq.net'/>
		bob/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='alice@hq.net' subscription='none' approved='true'/></query></iq>

		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk sends <presence type='subscribe' id='a' to='bob@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='alice@hq.net' subscription='from' approved='true'/></query></iq>
		alice/desk gets  <presence type='subscribed' id='a' from='bob@hq.net'/>
		alice/desk gets  <presence from='bob@hq.net/phone'/>

		# approval and subscription end together
		bob/phone  sends <presence type='unsubscribed' to='alice@hq.net'/>
		bob/phone  gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='alice@hq.net' subscription='none'/></query></iq>
		alice/desk gets  <presence type='unavailable' from='bob@hq.net/phone'/>
		alice/desk gets  <presence type='unsubscribed' from='bob@hq.net'/>
	`)
}

func TestApprovalCanBeTakenBack(t *testing.T) {
	plays.New(t).Play(`
		bob/phone connects
		bob/phone sends <iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
		bob/phone gets  <iq from='bob@hq.net' type='result' id='r1'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		bob/phone sends <presence type='subscribed' to='carol@far.net'/>
		bob/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='carol@far.net' subscription='none' approved='true'/></query></iq>
		# twice is once
		bob/phone sends <presence type='subscribed' to='carol@far.net'/>
		bob/phone sends <presence type='unsubscribed' to='carol@far.net'/>
		bob/phone gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='carol@far.net' subscription='none'/></query></iq>
		# nobody was told, as nobody had asked
		far.net   gets  nothing
	`)
}

func TestSubscribedAlreadyIsAnsweredByTheServer(t *testing.T) {
	s := plays.New(t)
	s.Item("alice", store.RosterItem{Contact: "carol@far.net", From: true, InRoster: true})
	s.Play(`
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'/>
		far.net    sends <presence type='subscribe' id='again' from='carol@far.net' to='alice@hq.net'/>
		far.net    gets  <presence type='subscribed' id='again' from='alice@hq.net' to='carol@far.net'/>
		far.net    gets  <presence from='alice@hq.net/desk' to='carol@far.net'/>
	`)
}

func TestNobodyIsTheirOwnContact(t *testing.T) {
	plays.New(t).Play(`
		alice/desk connects
		alice/desk sends <presence/>
		alice/desk gets  <presence from='alice@hq.net/desk'/>
		alice/desk sends <presence type='subscribe' to='alice@hq.net'/>
		alice/desk sends <presence type='subscribed' to='alice@hq.net/desk'/>
		alice/desk sends <presence type='unsubscribe' to='alice@hq.net'/>
		alice/desk sends <presence type='unsubscribed' to='alice@hq.net'/>
	`)
}

func TestSubscriptionToFullJIDOfAbsentClient(t *testing.T) {
	s := plays.New(t)
	s.Item("bob", store.RosterItem{Contact: "carol@far.net", To: true, InRoster: true})
	s.Play(`
		bob/phone connects
		bob/phone sends <presence/>
		bob/phone gets  <presence from='bob@hq.net/phone'/>
		far.net   gets  <presence type='probe' from='bob@hq.net/phone' to='carol@far.net'/>
		# a request counts for the account; the rest is for that client, which is not there
		far.net   sends <presence type='subscribe' from='carol@far.net/x' to='bob@hq.net/gone'/>
		bob/phone gets  <presence type='subscribe' from='carol@far.net'/>
		far.net   sends <presence type='unsubscribed' from='carol@far.net' to='bob@hq.net/gone'/>
		far.net   sends <presence type='unsubscribe' from='carol@far.net' to='bob@hq.net/gone'/>
		# there it counts
		far.net   sends <presence type='unsubscribe' from='carol@far.net' to='bob@hq.net/phone'/>
		bob/phone gets  <presence type='unsubscribe' from='carol@far.net'/>
	`)
}

func TestSubscriptionToNobody(t *testing.T) {
	plays.New(t).Play(`
		alice/desk connects
		alice/desk sends <iq type='get' id='r'><query xmlns='jabber:iq:roster' ver=''/></iq>
		alice/desk gets  <iq from='alice@hq.net' type='result' id='r'><query xmlns='jabber:iq:roster' ver='0'/></iq>
		# neither an account that does not exist, nor the server, nor a domain that nobody knows answers
		alice/desk sends <presence type='subscribe' to='nobody@hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='1'><item jid='nobody@hq.net' subscription='none' ask='subscribe'/></query></iq>
		alice/desk sends <presence type='subscribe' to='hq.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='2'><item jid='hq.net' subscription='none' ask='subscribe'/></query></iq>
		alice/desk sends <presence type='subscribe' to='x@nowhere.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='3'><item jid='x@nowhere.net' subscription='none' ask='subscribe'/></query></iq>
		alice/desk sends <presence type='unsubscribe' to='x@nowhere.net'/>
		alice/desk gets  <iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='4'><item jid='x@nowhere.net' subscription='none'/></query></iq>
	`)
}
