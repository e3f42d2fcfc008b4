package private_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/private"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
)

const (
	alice = "alice@field.net/tent"
	bob   = "bob@field.net/jeep"
)

func ask(typ, inner string) string {
	return "<iq type='" + typ + "' id='1'><query xmlns='jabber:iq:private'>" + inner + "</query></iq>"
}

func TestPrivate(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	st.Login(bob)
	private.New(st.Host)
	const (
		prefs = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>"
		marks = "<storage xmlns='storage:bookmarks'><conference jid='r@chat.field.net' name='a &lt; b'/></storage>"
	)
	done := "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'/>"
	result := func(inner string) string {
		return "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='jabber:iq:private'>" + inner + "</query></iq>"
	}
	fail := func(kind, condition, text string) string {
		return servicetest.Error("alice@field.net", alice, "1", kind, stanza.Condition(condition), text)
	}
	st.Run(t, []servicetest.Case{
		{"never stored", alice, ask("get", "<exodus xmlns='exodus:prefs'/>"), result("<exodus xmlns='exodus:prefs'/>")},
		{"set two", alice, ask("set", prefs+marks), done},
		{"get the one", alice, ask("get", "<exodus xmlns='exodus:prefs'/>"), result(prefs)},
		{"get the other", alice, ask("get", "<storage xmlns='storage:bookmarks'/>"), result(marks)},
		{"same name, other namespace", alice, ask("get", "<storage xmlns='storage:rosternotes'/>"), result("<storage xmlns='storage:rosternotes'/>")},
		{"same namespace, other name", alice, ask("get", "<store xmlns='storage:bookmarks'/>"), result("<store xmlns='storage:bookmarks'/>")},
		{"replace", alice, ask("set", "<exodus xmlns='exodus:prefs'/>"), done},
		{"replaced", alice, ask("get", "<exodus xmlns='exodus:prefs'/>"), result("<exodus xmlns='exodus:prefs'/>")},
		{"get nothing", alice, ask("get", ""), fail("modify", "not-acceptable", "")},
		{"set nothing", alice, ask("set", ""), fail("modify", "not-acceptable", "")},
		{"get two", alice, ask("get", "<a xmlns='a'/><b xmlns='b'/>"), fail("modify", "not-acceptable", "ask for one element at a time")},
		{"no namespace of its own", alice, ask("set", "<exodus/>"), fail("modify", "not-acceptable", "the element needs a namespace of its own")},
		{"no namespace at all", alice, ask("set", "<exodus xmlns=''/>"), fail("modify", "not-acceptable", "the element needs a namespace of its own")},
		{"namespace too long", alice, ask("get", "<a xmlns='"+strings.Repeat("n", 512)+"'/>"), fail("modify", "not-acceptable", "the element's name is too long")},
		{"too large", alice, ask("set", "<a xmlns='a'>"+strings.Repeat("x", private.MaxBytes)+"</a>"), fail("modify", "policy-violation", "an element may have at most 65536 bytes")},
		{"get from another", bob, strings.Replace(ask("get", prefs), "id=", "to='alice@field.net' id=", 1),
			servicetest.Error("alice@field.net", bob, "1", "auth", "forbidden", "")},
		{"set to another", bob, strings.Replace(ask("set", prefs), "id=", "to='alice@field.net' id=", 1),
			servicetest.Error("alice@field.net", bob, "1", "auth", "forbidden", "")},
	})
}

// keeper keeps what is not bad.
type keeper struct{ raw []byte }

func (k *keeper) Name() markup.Name                                 { return markup.Name{Space: "storage:bookmarks", Local: "storage"} }
func (k *keeper) Get(*router.Turn, jid.JID) (raw []byte, err error) { return k.raw, nil }

func (k *keeper) Set(t *router.Turn, _ jid.JID, e *markup.Element) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if len(e.Children) > 0 && e.Children[0].Name.Local == "bad" {
		return stanza.Fail(stanza.ResourceConstraint, "too many bookmarks")
	}
	k.raw = e.Raw
	return nil
}

// A set is made whole or not at all.
func TestARefusedSetChangesNothing(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	private.New(st.Host).Keep(&keeper{})
	const (
		good = "<storage xmlns='storage:bookmarks'><conference/></storage>"
		bad  = "<storage xmlns='storage:bookmarks'><bad/></storage>"
		note = "<note xmlns='notes'>1</note>"
	)
	reply := func(inner string) string {
		return "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'><query xmlns='jabber:iq:private'>" + inner + "</query></iq>"
	}
	once := servicetest.Error("alice@field.net", alice, "1", "modify", "not-acceptable", "one element at a time, of those that are kept in another form")
	full := servicetest.Error("alice@field.net", alice, "1", "wait", "resource-constraint", "too many bookmarks")
	st.Run(t, []servicetest.Case{
		{"the second is refused", alice, ask("set", note+good+bad), once},
		{"the only one is refused", alice, ask("set", note+bad), full},
		{"no bookmarks", alice, ask("get", "<storage xmlns='storage:bookmarks'/>"), reply("<storage xmlns='storage:bookmarks'/>")},
		{"no note", alice, ask("get", "<note xmlns='notes'/>"), reply("<note xmlns='notes'/>")},
		{"with something else", alice, ask("set", note+good), "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'/>"},
		{"both are kept", alice, ask("get", "<storage xmlns='storage:bookmarks'/>"), reply(good)},
		{"both are kept", alice, ask("get", "<note xmlns='notes'/>"), reply(note)},
	})
}

func TestPrivateCountIsBounded(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	private.New(st.Host)
	done := "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'/>"
	for i := range private.MaxCount {
		if got := st.Ask(alice, ask("set", fmt.Sprintf("<a xmlns='n%d'/>", i))); got != done {
			t.Fatalf("element %d: %s", i, got)
		}
	}
	full := servicetest.Error("alice@field.net", alice, "1", "wait", "resource-constraint", "at most 64 elements are kept")
	st.Run(t, []servicetest.Case{
		{"one more", alice, ask("set", "<a xmlns='more'/>"), full},
		{"replacing is no more", alice, ask("set", "<a xmlns='n3'>new</a>"), done},
	})
}
