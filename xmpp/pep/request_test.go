package pep_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/pep"
)

const (
	alice = "alice/desk"
	bob   = "bob/phone"
	dora  = "dora/pad"
)

// everybody is a stage with a client of each, who want nothing.
func everybody(t testing.TB, o pep.Options) *stage {
	s := newStage(t, o)
	s.online(alice, bob, dora)
	return s
}

func publish(node, item string) string {
	return "set [pubsub><publish node='" + node + "'>" + item + "</publish></pubsub>"
}

func options(fields ...string) string {
	return "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>" +
		"<value>http://jabber.org/protocol/pubsub#publish-options</value></field>" + values(fields) + "</x></publish-options>"
}

func config(fields ...string) string {
	return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>" +
		"<value>http://jabber.org/protocol/pubsub#node_config</value></field>" + values(fields) + "</x>"
}

// values are fields of a form: "access_model=open".
func values(fields []string) (b string) {
	for _, f := range fields {
		name, v, _ := strings.Cut(f, "=")
		b += "<field var='pubsub#" + name + "'>"
		for v := range strings.SplitSeq(v, ",") {
			b += "<value>" + v + "</value>"
		}
		b += "</field>"
	}
	return b
}

func with(request, more string) string {
	return strings.Replace(request, "</pubsub>", more+"</pubsub>", 1)
}

func TestPublish(t *testing.T) {
	everybody(t, pep.Options{Payload: 200}).run(t, []question{
		{"without a node", alice, "set [pubsub><publish><item/></publish></pubsub>", "! modify bad-request nodeid-required"},
		{"a node with too long a name", alice, publish(strings.Repeat("n", 1024), "<item>[tune]</item>"), "! modify not-acceptable: the name of a node may have at most 1023 bytes"},
		{"an item with too long an id", alice, publish("n", "<item id='"+strings.Repeat("i", 1024)+"'>[tune]</item>"), "! modify not-acceptable: the id of an item may have at most 1023 bytes"},
		{"no item", alice, publish("n", ""), "! modify bad-request item-required"},
		{"no payload", alice, publish("n", "<item/>"), "! modify bad-request payload-required"},
		{"two payloads", alice, publish("n", "<item>[tune][tune]</item>"), "! modify bad-request invalid-payload"},
		{"two items", alice, publish("n", "<item>[tune]</item><item>[tune]</item>"), "! modify bad-request: one item is published at a time"},
		{"too much", alice, publish("n", "<item><a xmlns='a'>"+strings.Repeat("x", 200)+"</a></item>"), "! modify not-acceptable payload-too-big: a payload may have at most 200 bytes"},
		{"by a contact", bob, publish("n", "<item>[tune]</item>"), "! auth forbidden"},
		{"by a stranger", dora, publish("n", "<item>[tune]</item>"), "! cancel service-unavailable"},
		{"nothing of it has made a node", alice, "get [pubsub><items node='n'/></pubsub>", "! cancel item-not-found"},
		{"with an id", alice, publish("n", "<item id='i1'>[tune]</item>"), "[pubsub><publish node='n'/></pubsub>"},
		{"without", alice, publish("n", "<item>[song]</item>"), "[pubsub><publish node='n'><item id='current'/></publish></pubsub>"},
		{"the node keeps one", alice, "get [pubsub><items node='n'/></pubsub>", "[pubsub><items node='n'><item id='current'>[song]</item></items></pubsub>"},
		{"nothing that is known", alice, "set [pubsub><dance/></pubsub>", "! modify bad-request: nothing is asked for"},
		{"a stranger asks for nothing", dora, "set [pubsub><dance/></pubsub>", "! cancel service-unavailable"},
		{"an action of the owner elsewhere", alice, "set [pubsub><delete node='n'/></pubsub>", "! modify bad-request: nothing is asked for"},
	})
}

func TestPublishOptions(t *testing.T) {
	pub := publish("n", "<item>[tune]</item>")
	made := "[pubsub><publish node='n'><item id='current'/></publish></pubsub>"
	everybody(t, pep.Options{}).run(t, []question{
		{"no form", alice, with(pub, "<publish-options/>"), "! modify bad-request: a data form is missing"},
		{"another form", alice, with(pub, "<publish-options>"+config()+"</publish-options>"), "! modify bad-request: the form is not of the type http://jabber.org/protocol/pubsub#publish-options"},
		{"an unknown field", alice, with(pub, options("colour=red")), "! cancel conflict precondition-not-met: a field is not known here"},
		{"a value that cannot be", alice, with(pub, options("access_model=authorize")), "! modify not-acceptable unsupported-access-model"},
		{"nothing of it has made a node", alice, "get [pubsub><items node='n'/></pubsub>", "! cancel item-not-found"},
		{"they make the node", alice, with(publish("n", "<item id='a'>[tune]</item>"), options("access_model=open", "max_items=max", "persist_items=1", "send_last_published_item=never")), "[pubsub><publish node='n'/></pubsub>"},
		{"it is open", dora, "get [pubsub><items node='n'/></pubsub>", "[pubsub><items node='n'><item id='a'>[tune]</item></items></pubsub>"},
		{"met", alice, with(publish("n", "<item id='b'>[tune]</item>"), options("access_model=open", "persist_items=true", "publish_model=publishers", "max_items=max")), "[pubsub><publish node='n'/></pubsub>"},
		{"not met", alice, with(pub, options("access_model=presence")), "! cancel conflict precondition-not-met"},
		{"not met in one of two", alice, with(pub, options("access_model=open", "max_items=1")), "! cancel conflict precondition-not-met"},
		{"never met", alice, with(pub, options("publish_model=open")), "! modify not-acceptable: pubsub#publish_model: this value is not possible here"},
		{"nothing was published", alice, "get [pubsub><items node='n' max_items='1'/></pubsub>", "[pubsub><items node='n'><item id='b'>[tune]</item></items></pubsub>"},
		{"the default is met", alice, with(strings.Replace(pub, "'n'", "'m'", 1), options("access_model=presence", "max_items=1", "notify_delete=1")), strings.Replace(made, "'n'", "'m'", 1)},
	})
}

func TestItems(t *testing.T) {
	s := everybody(t, pep.Options{})
	s.ask(alice, with(publish("n", "<item id='a'><x xmlns='x'>a</x></item>"), options("max_items=5")))
	for _, id := range []string{"b", "c", "d", "e", "f", "b"} { // f pushes a out, b is renewed
		s.ask(alice, publish("n", "<item id='"+id+"'><x xmlns='x'>"+id+"</x></item>"))
	}
	items := func(ids string) string {
		b := "[pubsub><items node='n'"
		if ids == "" {
			return b + "/>"
		}
		b += ">"
		for _, id := range ids {
			b += fmt.Sprintf("<item id='%c'><x xmlns='x'>%c</x></item>", id, id)
		}
		return b + "</items>"
	}
	page := func(ids string, set string) string {
		return items(ids) + "<set xmlns='http://jabber.org/protocol/rsm'>" + set + "</set></pubsub>"
	}
	set := func(inner string) string {
		return "get [pubsub><items node='n'/><set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set></pubsub>"
	}
	s.run(t, []question{
		{"all, oldest first", alice, "get [pubsub><items node='n'/></pubsub>", items("cdefb") + "</pubsub>"},
		{"a contact", bob, "get [pubsub><items node='n'/></pubsub>", items("cdefb") + "</pubsub>"},
		{"a stranger", dora, "get [pubsub><items node='n'/></pubsub>", "! cancel service-unavailable"},
		{"the newest two", alice, "get [pubsub><items node='n' max_items='2'/></pubsub>", items("fb") + "</pubsub>"},
		{"more than there are", alice, "get [pubsub><items node='n' max_items='9'/></pubsub>", items("cdefb") + "</pubsub>"},
		{"none", alice, "get [pubsub><items node='n' max_items='0'/></pubsub>", "! modify bad-request: max_items is a positive number"},
		{"many", alice, "get [pubsub><items node='n' max_items='x'/></pubsub>", "! modify bad-request: max_items is a positive number"},
		{"by id", alice, "get [pubsub><items node='n'><item id='e'/><item id='nope'/><item id='c'/><item id='e'/></items></pubsub>", items("ec") + "</pubsub>"},
		{"by an id that is not there", alice, "get [pubsub><items node='n'><item id='a'/></items></pubsub>", items("") + "</pubsub>"},
		{"by no id", alice, "get [pubsub><items node='n'><item/></items></pubsub>", "! modify bad-request: an item is asked for by its id, and at most 100 are"},
		{"the first page", alice, set("<max>2</max>"), page("cd", "<first index='0'>c</first><last>d</last><count>5</count>")},
		{"the next", alice, set("<max>2</max><after>d</after>"), page("ef", "<first index='2'>e</first><last>f</last><count>5</count>")},
		{"the last", alice, set("<max>2</max><before/>"), page("fb", "<first index='3'>f</first><last>b</last><count>5</count>")},
		{"the one before", alice, set("<max>2</max><before>f</before>"), page("de", "<first index='1'>d</first><last>e</last><count>5</count>")},
		{"by index", alice, set("<max>2</max><index>4</index>"), page("b", "<first index='4'>b</first><last>b</last><count>5</count>")},
		{"the count", alice, set("<max>0</max>"), page("", "<count>5</count>")},
		{"after what is gone", alice, set("<after>a</after>"), "! cancel item-not-found: the item before or after the page is not there"},
		{"a number that is none", alice, set("<max>x</max>"), "! modify bad-request: max: not a number"},
		{"no node", alice, "get [pubsub><items/></pubsub>", "! modify bad-request nodeid-required"},
		{"no such node", alice, "get [pubsub><items node='m'/></pubsub>", "! cancel item-not-found"},
		{"no such node, a contact", bob, "get [pubsub><items node='m'/></pubsub>", "! cancel item-not-found"},
		{"no such node, a stranger", dora, "get [pubsub><items node='m'/></pubsub>", "! cancel service-unavailable"},
	})
}

func TestALongAnswerIsCut(t *testing.T) {
	s := everybody(t, pep.Options{})
	big := func(id string) string {
		return "<item id='" + id + "'><x xmlns='x'>" + strings.Repeat(id, 60<<10) + "</x></item>"
	}
	s.ask(alice, with(publish("n", big("a")), options("max_items=max")))
	for _, id := range []string{"b", "c", "d", "e"} {
		s.ask(alice, publish("n", big(id)))
	}
	want := func(set string, ids ...string) string {
		b := "[pubsub><items node='n'>"
		for _, id := range ids {
			b += big(id)
		}
		return b + "</items><set xmlns='http://jabber.org/protocol/rsm'>" + set + "</set></pubsub>"
	}
	for ask, answer := range map[string]string{
		"get [pubsub><items node='n'/></pubsub>": want("<first index='2'>c</first><last>e</last><count>5</count>", "c", "d", "e"),
		"get [pubsub><items node='n'/><set xmlns='http://jabber.org/protocol/rsm'><max>9</max></set></pubsub>": want("<first index='0'>a</first><last>c</last><count>5</count>", "a", "b", "c"),
	} {
		if got := s.ask(alice, ask); got != short.Replace(answer) {
			t.Errorf("%s: %d octets, want %d", ask, len(got), len(answer))
		}
	}
}

func TestAccessModels(t *testing.T) {
	s := everybody(t, pep.Options{})
	get := func(node string) string { return "get [pubsub><items node='" + node + "'/></pubsub>" }
	for node, o := range map[string]string{
		"open": options("access_model=open"), "presence": options("access_model=presence"), "closed": options("access_model=whitelist"),
		"friends": options("access_model=roster", "roster_groups_allowed=Enemies,Friends"), "enemies": options("access_model=roster", "roster_groups_allowed=Enemies"),
	} {
		s.ask(alice, with(publish(node, "<item>[tune]</item>"), o))
	}
	yes := func(node string) string {
		return "[pubsub><items node='" + node + "'><item id='current'>[tune]</item></items></pubsub>"
	}
	s.run(t, []question{
		{"open, contact", bob, get("open"), yes("open")},
		{"open, stranger", dora, get("open"), yes("open")},
		{"presence, contact", bob, get("presence"), yes("presence")},
		{"presence, stranger", dora, get("presence"), "! cancel service-unavailable"},
		{"roster, in the group", bob, get("friends"), yes("friends")},
		{"roster, not in the group", bob, get("enemies"), "! auth not-authorized not-in-roster-group"},
		{"roster, stranger", dora, get("friends"), "! cancel service-unavailable"},
		{"whitelist, contact", bob, get("closed"), "! cancel not-allowed closed-node"},
		{"whitelist, stranger", dora, get("closed"), "! cancel service-unavailable"},
		{"whitelist, owner", alice, get("closed"), yes("closed")},
	})
	// Someone that alice has shown herself to knows that she is there, and gets the reason.
	s.Send(alice, "<presence to='dora@hq.net/pad'/>", false)
	s.run(t, []question{{"presence, who got directed presence", dora, get("presence"), "! auth not-authorized presence-subscription-required"}})
}

func TestRetract(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk n", "bob/phone n", dora)
	s.ask(alice, with(publish("n", "<item id='a'>[tune]</item>"), options("max_items=3")))
	s.ask(alice, publish("n", "<item id='b'>[tune]</item>"))
	s.ask(alice, publish("n", "<item id='c'>[tune]</item>"))
	s.ask(alice, with(publish("transient", "<item>[tune]</item>"), options("persist_items=0")))
	retract := func(node, attrs, item string) string {
		return "set [pubsub><retract node='" + node + "'" + attrs + ">" + item + "</retract></pubsub>"
	}
	s.run(t, []question{
		{"no node", alice, "set [pubsub><retract><item id='a'/></retract></pubsub>", "! modify bad-request nodeid-required"},
		{"no such node", alice, retract("m", "", "<item id='a'/>"), "! cancel item-not-found"},
		{"no item", alice, retract("n", "", ""), "! modify bad-request item-required"},
		{"no id", alice, retract("n", "", "<item/>"), "! modify bad-request item-required"},
		{"no such item", alice, retract("n", "", "<item id='x'/>"), "! cancel item-not-found"},
		{"a node that keeps nothing", alice, retract("transient", "", "<item id='a'/>"), "! cancel feature-not-implemented unsupported persistent-items"},
		{"items of a node that keeps nothing", alice, "get [pubsub><items node='transient'/></pubsub>", "! cancel feature-not-implemented unsupported persistent-items"},
		{"a contact", bob, retract("n", "", "<item id='a'/>"), "! auth forbidden"},
		{"a stranger", dora, retract("n", "", "<item id='a'/>"), "! cancel service-unavailable"},
	})
	s.run(t, []question{{"in silence", alice, retract("n", "", "<item id='a'/>"), "done"}})
	wantEvents(t, bob, s.events(bob))
	s.run(t, []question{{"with notice", alice, retract("n", " notify='1'", "<item id='b'/>"), "done"}})
	wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='headline' id='*'>[event><items node='n'><retract id='b'/></items></event></message>`)
	s.run(t, []question{
		{"the node wants it", alice, "set [owner><configure node='n'>" + config("notify_retract=1") + "</configure></pubsub>", "done"},
		{"with notice of the node", alice, retract("n", "", "<item id='c'/>"), "done"},
	})
	wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='headline' id='*'>[event><items node='n'><retract id='c'/></items></event></message>`)
	s.run(t, []question{{"empty", alice, "get [pubsub><items node='n'/></pubsub>", "[pubsub><items node='n'/></pubsub>"}})
}

func TestPurgeAndDelete(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk n", "bob/phone n", dora)
	s.ask(alice, publish("n", "<item id='a'>[tune]</item>"))
	s.ask(alice, with(publish("transient", "<item>[tune]</item>"), options("persist_items=0")))
	for _, verb := range []string{"purge", "delete"} {
		s.run(t, []question{
			{verb + ", no node", alice, "set [owner><" + verb + "/></pubsub>", "! modify bad-request nodeid-required"},
			{verb + ", no such node", alice, "set [owner><" + verb + " node='m'/></pubsub>", "! cancel item-not-found"},
			{verb + ", contact", bob, "set [owner><" + verb + " node='n'/></pubsub>", "! auth forbidden"},
			{verb + ", stranger", dora, "set [owner><" + verb + " node='n'/></pubsub>", "! cancel service-unavailable"},
			{verb, alice, "set [owner><" + verb + " node='n'/></pubsub>", "done"},
		})
		wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='headline' id='*'>[event><`+verb+` node='n'/></event></message>`)
	}
	s.run(t, []question{
		{"purge what keeps nothing", alice, "set [owner><purge node='transient'/></pubsub>", "! cancel feature-not-implemented unsupported persistent-items"},
		{"gone", alice, "get [pubsub><items node='n'/></pubsub>", "! cancel item-not-found"},
	})
}

func TestCreateAndConfigure(t *testing.T) {
	s := newStage(t, pep.Options{})
	s.online("alice/desk n", "bob/phone n", dora)
	configure := func(form string) string { return "set [owner><configure node='n'>" + form + "</configure></pubsub>" }
	s.run(t, []question{
		{"create", alice, "set [pubsub><create node='n'/><configure>" + config("title=Tunes", "type=urn:tune", "max_items=2", "x=ignored") + "</configure></pubsub>", "done"},
		{"again", alice, "set [pubsub><create node='n'/></pubsub>", "! cancel conflict"},
		{"contact", bob, "set [pubsub><create node='m'/></pubsub>", "! auth forbidden"},
		{"stranger", dora, "set [pubsub><create node='m'/></pubsub>", "! cancel service-unavailable"},
		{"with an empty configuration", alice, "set [pubsub><create node='m'/><configure/></pubsub>", "done"},
		{"named twice", alice, "set [pubsub><create node='o'/><configure node='o'>" + config() + "</configure></pubsub>", "! modify bad-request: the node is named by &lt;create/&gt;"},
		{"access that is not had", alice, "set [pubsub><create node='o'/><configure>" + config("access_model=authorize") + "</configure></pubsub>", "! modify not-acceptable unsupported-access-model"},
		{"another form", alice, "set [pubsub><create node='o'/><configure><x xmlns='jabber:x:data' type='submit'/></configure></pubsub>", "! modify bad-request: the form is not of the type http://jabber.org/protocol/pubsub#node_config"},
		{"of another type", alice, publish("n", "<item><a xmlns='urn:b'/></item>"), "! modify bad-request invalid-payload: the node is for urn:tune"},
		{"the form", alice, "get [owner><configure node='n'/></pubsub>", "[owner><configure node='n'>" + blank("Tunes", "urn:tune", "2") + "</configure></pubsub>"},
		{"the default", alice, "get [owner><default/></pubsub>", "[owner><default>" + blank("", "", "1") + "</default></pubsub>"},
		{"the form, contact", bob, "get [owner><configure node='n'/></pubsub>", "! auth forbidden"},
		{"the form of no node", alice, "get [owner><configure/></pubsub>", "! modify bad-request nodeid-required"},
		{"the form of no such node", alice, "get [owner><configure node='o'/></pubsub>", "! cancel item-not-found"},
		{"set, contact", bob, configure(config()), "! auth forbidden"},
		{"set without a form", alice, configure(""), "! modify bad-request: a data form is missing"},
		{"cancel", alice, configure("<x xmlns='jabber:x:data' type='cancel'/>"), "done"},
		{"a bad number", alice, configure(config("max_items=0")), "! modify not-acceptable: pubsub#max_items: this value is not possible here"},
		{"too large a number", alice, configure(config("max_items=1001")), "! modify not-acceptable: pubsub#max_items: this value is not possible here"},
		{"a bad choice", alice, configure(config("send_last_published_item=often")), "! modify not-acceptable: pubsub#send_last_published_item: this value is not possible here"},
		{"a bad boolean", alice, configure(config("persist_items=perhaps")), "! modify not-acceptable: pubsub#persist_items: this value is not possible here"},
		{"what cannot be changed", alice, configure(config("purge_offline=1")), "! modify not-acceptable: pubsub#purge_offline: this value is not possible here"},
		{"what is so anyway", alice, configure(config("purge_offline=false", "item_expire=max")), "done"},
		{"one", alice, publish("n", "<item id='a'>[tune]</item>"), "[pubsub><publish node='n'/></pubsub>"},
		{"two", alice, publish("n", "<item id='b'>[song]</item>"), "[pubsub><publish node='n'/></pubsub>"},
		{"fewer", alice, configure(config("max_items=1", "notify_config=1", "deliver_payloads=0")), "done"},
	})
	wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='headline' id='*'>[event><configuration node='n'/></event></message>`)
	s.run(t, []question{
		{"one is left", alice, "get [pubsub><items node='n'/></pubsub>", "[pubsub><items node='n'><item id='b'>[song]</item></items></pubsub>"},
		{"only the id is told", alice, publish("n", "<item id='c'>[song]</item>"), "[pubsub><publish node='n'/></pubsub>"},
	})
	wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='headline' id='*'>[event><items node='n'><item id='c'/></items></event></message>`)
	s.run(t, []question{
		{"without a payload", alice, publish("n", "<item id='d'/>"), "[pubsub><publish node='n'/></pubsub>"},
		{"an event and nothing else", alice, configure(config("persist_items=0", "notification_type=normal")), "done"},
		{"with an item", alice, publish("n", "<item id='d'/>"), "! modify bad-request item-forbidden"},
		{"without", alice, publish("n", ""), "[pubsub><publish node='n'/></pubsub>"},
	})
	wantEvents(t, bob, s.events(bob), `<message from='alice@hq.net' type='normal' id='*'>[event><items node='n'/></event></message>`)
	s.run(t, []question{
		{"in silence", alice, configure(config("deliver_notifications=0", "notify_config=0")), "done"},
		{"nobody hears", alice, publish("n", ""), "[pubsub><publish node='n'/></pubsub>"},
	})
	wantEvents(t, bob, s.events(bob))
	if got := s.ask(alice, "set [pubsub><create/></pubsub>"); !strings.HasPrefix(got, short.Replace("[pubsub><create node='")) || len(got) != len(short.Replace("[pubsub><create node=''/></pubsub>"))+26 {
		t.Errorf("an instant node: %s", got)
	}
}

// blank is the form of a node with the default configuration but for these.
func blank(title, typ, items string) string {
	f := func(name, kind, label, rest string) string {
		b := "<field var='pubsub#" + name + "' type='" + kind + "' label='" + label + "'"
		if rest == "" {
			return b + "/>"
		}
		return b + ">" + rest + "</field>"
	}
	v := func(s string) string {
		if s == "" {
			return ""
		}
		return "<value>" + s + "</value>"
	}
	o := func(list ...string) (b string) {
		for _, s := range list {
			b += "<option>" + v(s) + "</option>"
		}
		return b
	}
	return "<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value></field>" +
		f("title", "text-single", "A name for people", v(title)) +
		f("description", "text-single", "What the node is for", "") +
		f("type", "text-single", "Namespace of the payloads", v(typ)) +
		f("access_model", "list-single", "Who may subscribe and read", v("presence")+o("presence", "open", "roster", "whitelist")) +
		f("roster_groups_allowed", "list-multi", "Roster groups that may, with access_model roster", "") +
		f("persist_items", "boolean", "Keep items", v("1")) +
		f("max_items", "text-single", "How many items are kept; max: as many as the server lets", v(items)) +
		f("max_payload_size", "text-single", "Octets of the largest payload; max: as many as the server lets", v("max")) +
		f("send_last_published_item", "list-single", "When to send the last item by itself", v("on_sub_and_presence")+o("never", "on_sub", "on_sub_and_presence")) +
		f("deliver_notifications", "boolean", "Tell of events", v("1")) +
		f("deliver_payloads", "boolean", "Tell the payload, not the id only", v("1")) +
		f("notification_type", "list-single", "Type of the messages that tell of events", v("headline")+o("headline", "normal")) +
		f("notify_retract", "boolean", "Tell when an item is removed", v("0")) +
		f("notify_delete", "boolean", "Tell when the node is deleted", v("1")) +
		f("notify_config", "boolean", "Tell when the configuration changes", v("0")) + "</x>"
}

func TestLists(t *testing.T) {
	s := everybody(t, pep.Options{Subscribers: 1})
	s.ask(alice, with(publish("open", "<item>[tune]</item>"), options("access_model=open")))
	s.ask(alice, publish("n", "<item>[tune]</item>"))
	sub := func(verb, node, j string) string {
		return "set [pubsub><" + verb + " node='" + node + "' jid='" + j + "'/></pubsub>"
	}
	s.run(t, []question{
		{"own subscriptions", alice, "get [pubsub><subscriptions/></pubsub>", "[pubsub><subscriptions/></pubsub>"},
		{"own affiliations", alice, "get [pubsub><affiliations/></pubsub>", "[pubsub><affiliations><affiliation node='n' affiliation='owner'/><affiliation node='open' affiliation='owner'/></affiliations></pubsub>"},
		{"own affiliation with one", alice, "get [pubsub><affiliations node='n'/></pubsub>", "[pubsub><affiliations node='n'><affiliation node='n' affiliation='owner'/></affiliations></pubsub>"},
		{"a contact's affiliations", bob, "get [pubsub><affiliations/></pubsub>", "[pubsub><affiliations/></pubsub>"},
		{"a stranger's", dora, "get [pubsub><affiliations/></pubsub>", "! cancel service-unavailable"},
		{"a stranger's subscriptions", dora, "get [pubsub><subscriptions/></pubsub>", "! cancel service-unavailable"},
		{"owners", alice, "get [owner><affiliations node='n'/></pubsub>", "[owner><affiliations node='n'><affiliation jid='alice@hq.net' affiliation='owner'/></affiliations></pubsub>"},
		{"owners, contact", bob, "get [owner><affiliations node='n'/></pubsub>", "! auth forbidden"},
		{"changing owners", alice, "set [owner><affiliations node='n'/></pubsub>", "! cancel feature-not-implemented unsupported modify-affiliations"},
		{"subscribers", alice, "get [owner><subscriptions node='n'/></pubsub>", "[owner><subscriptions node='n'/></pubsub>"},
		{"changing subscribers", alice, "set [owner><subscriptions node='n'/></pubsub>", "! cancel feature-not-implemented unsupported manage-subscriptions"},
		{"options", alice, "get [pubsub><options node='n'/></pubsub>", "! cancel feature-not-implemented unsupported subscription-options"},
		{"default options", alice, "get [pubsub><default/></pubsub>", "! cancel feature-not-implemented unsupported retrieve-default-sub"},
		{"someone else", bob, sub("subscribe", "open", "dora@hq.net"), "! modify bad-request invalid-jid"},
		{"nobody", bob, sub("subscribe", "open", "@"), "! modify bad-request invalid-jid"},
		{"a node that is not open", dora, sub("subscribe", "n", "dora@hq.net"), "! cancel service-unavailable"},
		{"no such node", bob, sub("subscribe", "m", "bob@hq.net"), "! cancel item-not-found"},
		{"subscribe", dora, sub("subscribe", "open", "dora@hq.net"), "[pubsub><subscription node='open' jid='dora@hq.net' subscription='subscribed'/></pubsub>"},
		{"one too many", bob, sub("subscribe", "open", "bob@hq.net"), "! wait policy-violation too-many-subscriptions"},
		{"again", dora, sub("subscribe", "open", "dora@hq.net"), "[pubsub><subscription node='open' jid='dora@hq.net' subscription='subscribed'/></pubsub>"},
		{"subscribers now", alice, "get [owner><subscriptions node='open'/></pubsub>", "[owner><subscriptions node='open'><subscription jid='dora@hq.net' subscription='subscribed'/></subscriptions></pubsub>"},
	})
	wantEvents(t, dora, s.events(dora))
	s.ask(dora, sub("subscribe", "open", "dora@hq.net"))
	s.Drain()
	s.Send(alice, short.Replace("<iq type='set' id='q'>"+publish("open", "<item>[song]</item>")[4:]+"</iq>"), false)
	wantEvents(t, dora, s.events(dora), `<message from='alice@hq.net' type='headline' id='*'>[event><items node='open'><item id='current'>[song]</item></items></event></message>`)
	s.run(t, []question{
		{"who never did", bob, sub("unsubscribe", "open", "bob@hq.net"), "! cancel unexpected-request not-subscribed"},
		{"unsubscribe", dora, sub("unsubscribe", "open", "dora@hq.net"), "done"},
		{"twice", dora, sub("unsubscribe", "open", "dora@hq.net"), "! cancel service-unavailable"},
	})
}

// XEP-0163 §7.1: who may no longer see the account is no subscriber any more.
func TestASubscriptionEndsWithTheRight(t *testing.T) {
	s := everybody(t, pep.Options{})
	s.ask(alice, publish("n", "<item>[tune]</item>"))
	s.ask(bob, "set [pubsub><subscribe node='n' jid='bob@hq.net/phone'/></pubsub>")
	s.run(t, []question{{"bob's", bob, "get [pubsub><subscriptions/></pubsub>", "[pubsub><subscriptions><subscription node='n' jid='bob@hq.net/phone' subscription='subscribed'/></subscriptions></pubsub>"}})
	s.Send(alice, "<presence type='unsubscribed' to='bob@hq.net'/>", false)
	s.ask(alice, publish("n", "<item>[song]</item>"))
	wantEvents(t, bob, s.events(bob))
	s.run(t, []question{{"none", alice, "get [owner><subscriptions node='n'/></pubsub>", "[owner><subscriptions node='n'/></pubsub>"}})
}

func TestLimits(t *testing.T) {
	s := everybody(t, pep.Options{Nodes: 2, Items: 3, Bytes: 2700})
	item := func(id string, n int) string {
		return "<item id='" + id + "'><x xmlns='x'>" + strings.Repeat("x", n) + "</x></item>"
	}
	s.run(t, []question{
		{"one node", alice, with(publish("n", item("a", 10)), options("max_items=max")), "[pubsub><publish node='n'/></pubsub>"},
		{"two", alice, publish("m", item("a", 10)), "[pubsub><publish node='m'/></pubsub>"},
		{"three", alice, publish("o", item("a", 10)), "! wait resource-constraint: there is no room for more nodes"},
		{"three, created", alice, "set [pubsub><create node='o'/></pubsub>", "! wait resource-constraint: there is no room for more nodes"},
		{"octets", alice, publish("n", item("b", 1500)), "! wait resource-constraint: there is no room for more items"},
		{"b", alice, publish("n", item("b", 1)), "[pubsub><publish node='n'/></pubsub>"},
		{"c", alice, publish("n", item("c", 1)), "[pubsub><publish node='n'/></pubsub>"},
		{"d pushes a out", alice, publish("n", item("d", 1)), "[pubsub><publish node='n'/></pubsub>"},
		{"what is left", alice, "get [pubsub><items node='n'/></pubsub>", "[pubsub><items node='n'>" + item("b", 1) + item("c", 1) + item("d", 1) + "</items></pubsub>"},
	})
}

// An item costs the flash more than its payload: names, two keys and a record. Many small ones are bounded too.
func TestSmallItemsAreBoundedAsWell(t *testing.T) {
	s := everybody(t, pep.Options{Bytes: 8 << 10})
	refused := 0
	for i := range 100 {
		got := s.ask(alice, with(publish("n", fmt.Sprintf("<item id='%d'><x xmlns='x'/></item>", i)), options("max_items=max")))
		if strings.Contains(got, "resource-constraint") {
			refused++
		}
	}
	if refused != 85 {
		t.Errorf("%d of 100 items were refused", refused)
	}
}

func TestOneUserDoesNotTakeAllPlacesOfSubscribers(t *testing.T) {
	s := everybody(t, pep.Options{})
	s.ask(alice, with(publish("n", "<item>[tune]</item>"), options("access_model=open")))
	taken := 0
	for i := range 30 {
		if got := s.ask(dora, fmt.Sprintf("set [pubsub><subscribe node='n' jid='dora@hq.net/%d'/></pubsub>", i)); strings.Contains(got, "subscribed") {
			taken++
		}
	}
	if got := s.ask(bob, "set [pubsub><subscribe node='n' jid='bob@hq.net'/></pubsub>"); taken != 10 || !strings.Contains(got, "subscribed") {
		t.Errorf("one took %d places, another got %s", taken, got)
	}
}

// Who has filled its account can still change what is there.
func TestAFullAccountTakesWhatReplacesSomething(t *testing.T) {
	s := everybody(t, pep.Options{Bytes: 8 << 10})
	item := func(id string, n int) string {
		return "<item id='" + id + "'><x xmlns='x'>" + strings.Repeat("x", n) + "</x></item>"
	}
	s.run(t, []question{
		{"nearly full", alice, with(publish("n", item("a", 6000)), options("max_items=max")), "[pubsub><publish node='n'/></pubsub>"},
		{"one more", alice, publish("n", item("b", 4000)), "! wait resource-constraint: there is no room for more items"},
		{"in its place", alice, publish("n", item("a", 4000)), "[pubsub><publish node='n'/></pubsub>"},
		{"a larger one in its place", alice, publish("n", item("a", 9000)), "! wait resource-constraint: there is no room for more items"},
		{"the one item", alice, publish("m", item("a", 2000)), "[pubsub><publish node='m'/></pubsub>"},
		{"another in the place of the only one", alice, publish("m", item("b", 2500)), "[pubsub><publish node='m'/></pubsub>"},
	})
}

func TestDisco(t *testing.T) {
	s := everybody(t, pep.Options{})
	s.ask(alice, with(publish("n", "<item id='a'>[tune]</item>"), options("title=Tunes")))
	s.ask(alice, with(publish("closed", "<item>[tune]</item>"), options("access_model=whitelist")))
	const info, items = "<query xmlns='http://jabber.org/protocol/disco#info'", "<query xmlns='http://jabber.org/protocol/disco#items'"
	s.run(t, []question{
		{"nodes", alice, "get " + items + "/>", items + "><item jid='alice@hq.net' node='closed'/><item jid='alice@hq.net' node='n' name='Tunes'/></query>"},
		{"nodes, contact", bob, "get " + items + "/>", items + "><item jid='alice@hq.net' node='n' name='Tunes'/></query>"},
		{"nodes, stranger", dora, "get " + items + "/>", "! cancel service-unavailable"},
		{"items", bob, "get " + items + " node='n'/>", items + " node='n'><item jid='alice@hq.net' name='a'/></query>"},
		{"items of a closed node", bob, "get " + items + " node='closed'/>", "! cancel not-allowed closed-node"},
		{"no such node", bob, "get " + items + " node='m'/>", "! cancel item-not-found"},
		{"info on no such node", bob, "get " + info + " node='m'/>", "! cancel item-not-found"},
	})
	got := s.ask(bob, "get "+info+" node='n'/>")
	for _, want := range []string{
		info + " node='n'><identity category='pubsub' type='leaf'/><feature var='http://jabber.org/protocol/pubsub'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#meta-data</value></field><field var='pubsub#title'><value>Tunes</value></field>",
		"<field var='pubsub#access_model'><value>presence</value></field>", "<field var='pubsub#owner'><value>alice@hq.net</value></field>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	got = s.ask(alice, "get "+info+"/>")
	for _, want := range []string{
		"<identity category='pubsub' type='pep'/>", "<feature var='http://jabber.org/protocol/pubsub#publish-options'/>",
		"<feature var='http://jabber.org/protocol/pubsub#config-node-max'/>", "<feature var='urn:xmpp:bookmarks:1#compat'/>",
		"<feature var='urn:xmpp:bookmarks:1#compat-pep'/>", "<feature var='urn:xmpp:bookmarks-conversion:0'/>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

func TestNodesGoWithTheAccount(t *testing.T) {
	s := everybody(t, pep.Options{})
	s.ask(alice, publish("n", "<item>[tune]</item>"))
	if err := s.DB.Update(func(tx *store.Tx) error { return tx.DeleteAccount("alice@hq.net") }); err != nil {
		t.Fatal(err)
	}
	s.Account("alice")
	s.run(t, []question{{"an account made anew", alice, "get [pubsub><items node='n'/></pubsub>", "! cancel item-not-found"}})
}
