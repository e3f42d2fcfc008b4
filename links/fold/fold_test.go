package fold_test

import (
	"strings"
	"testing"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

var now = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, text string) *stanza.Stanza {
	t.Helper()
	s, err := stream.ParseStanza([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func message(t testing.TB, inner string) *stanza.Stanza {
	t.Helper()
	return read(t, `<message from='anna@field.net/phone' to='ben@headquarters.net' type='chat' id='m1'>`+inner+`</message>`)
}

func presence(t testing.TB, typ, inner string) *stanza.Stanza {
	t.Helper()
	if typ != "" {
		typ = " type='" + typ + "'"
	}
	return read(t, `<presence from='anna@field.net/phone' to='ben@headquarters.net'`+typ+`>`+inner+`</presence>`)
}

func folder(t testing.TB, p fold.Policy) *fold.Folder {
	t.Helper()
	f, err := fold.New(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func preset(t testing.TB, class string) *fold.Folder {
	t.Helper()
	p, ok := fold.Preset(class)
	if !ok {
		t.Fatalf("no class %q", class)
	}
	return folder(t, p)
}

// inner shows what is left of a stanza: "-" when it does not cross.
func inner(r fold.Result) string {
	if r.Stanza == nil {
		return "- " + string(r.Reason)
	}
	return string(r.Stanza.Inner)
}

const (
	body  = `<body>ETA 1430Z</body>`
	chats = ` xmlns='http://jabber.org/protocol/chatstates'/>`
	mark  = ` xmlns='urn:xmpp:chat-markers:0' id='m0'/>`
	omemo = `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='7'><key rid='8'>Zm9v</key><iv>YmFy</iv></header><payload>YmF6</payload></encrypted>`
	html  = `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>ETA <strong>1430Z</strong></p></body></html>`
)

// TestRowsOfMessages goes through the rules of presets one by one. same: nothing is taken.
func TestRowsOfMessages(t *testing.T) {
	const same, none, gone = "same", "- empty", "- rule"
	for _, c := range []struct {
		row                    string
		in                     string
		satcom, hf2400, hf300  string
		hf75                   string // "": as hf300
		satcomCuts, hf2400Cuts []int
	}{
		{row: "1 typing", in: body + `<active` + chats, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{1}, hf2400Cuts: []int{1}},
		{row: "1 typing alone", in: `<composing` + chats + `<no-store xmlns='urn:xmpp:hints'/>`, satcom: none, hf2400: none, hf300: none, satcomCuts: []int{1, 7}, hf2400Cuts: []int{1, 7}},
		{row: "1 gone, in a thread", in: `<thread>e0ffe42b</thread><gone` + chats, satcom: none, hf2400: none, hf300: none, satcomCuts: []int{10, 1}, hf2400Cuts: []int{10, 1}},
		{row: "1 the five and no more", in: `<paused` + chats + `<inactive` + chats + `<snoring` + chats, satcom: `<snoring` + chats, hf2400: `<snoring` + chats, hf300: none, satcomCuts: []int{1, 1}, hf2400Cuts: []int{1, 1}},
		{row: "2 html", in: body + html, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{2}, hf2400Cuts: []int{2}},
		{row: "2 html without body", in: html + `<active` + chats, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{2, 1}, hf2400Cuts: []int{2, 1}},
		{row: "3 legacy events", in: body + `<x xmlns='jabber:x:event'><composing/></x>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{3}, hf2400Cuts: []int{3}},
		{row: "4 markable", in: body + `<markable xmlns='urn:xmpp:chat-markers:0'/>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{4}, hf2400Cuts: []int{4}},
		{row: "4 displayed", in: `<displayed` + mark + `<store xmlns='urn:xmpp:hints'/>`, satcom: none, hf2400: none, hf300: none, satcomCuts: []int{4}, hf2400Cuts: []int{4}},
		{row: "5 request", in: body + `<request xmlns='urn:xmpp:receipts'/>`, satcom: same, hf2400: body, hf300: body, hf2400Cuts: []int{5}},
		{row: "5 received", in: `<received xmlns='urn:xmpp:receipts' id='m0'/>`, satcom: same, hf2400: none, hf300: none, hf2400Cuts: []int{5}},
		{row: "6 ids", in: body + `<origin-id xmlns='urn:xmpp:sid:0' id='m1'/><stanza-id xmlns='urn:xmpp:sid:0' by='anna@field.net' id='q7'/>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{6, 6}, hf2400Cuts: []int{6, 6}},
		{row: "7 hints", in: body + `<no-copy xmlns='urn:xmpp:hints'/><store xmlns='urn:xmpp:hints'/>`, satcom: body + `<store xmlns='urn:xmpp:hints'/>`, hf2400: body + `<store xmlns='urn:xmpp:hints'/>`, hf300: body + `<store xmlns='urn:xmpp:hints'/>`, satcomCuts: []int{7}, hf2400Cuts: []int{7}},
		{row: "8 occupant-id", in: body + `<occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72603d'/>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{8}, hf2400Cuts: []int{8}},
		{row: "9 fresh delay", in: body + `<delay xmlns='urn:xmpp:delay' from='field.net' stamp='2031-05-04T11:59:01Z'/>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{9}, hf2400Cuts: []int{9}},
		{row: "9 old delay", in: body + `<delay xmlns='urn:xmpp:delay' stamp='2031-05-04T11:58:59.000Z'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "9 old delay in another zone", in: body + `<delay xmlns='urn:xmpp:delay' stamp='2031-05-04T13:58:59+02:00'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "9 legacy", in: body + `<x xmlns='jabber:x:delay' stamp='20310504T11:59:30'/>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{9}, hf2400Cuts: []int{9}},
		{row: "9 old legacy", in: body + `<x xmlns='jabber:x:delay' stamp='20310503T11:59:30'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "9 unreadable", in: body + `<delay xmlns='urn:xmpp:delay' stamp='yesterday'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "10 thread", in: body + `<thread>e0ffe42b28561960c6b12b944a092794b9683a38</thread>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{10}, hf2400Cuts: []int{10}},
		{row: "10 thread with reply", in: body + `<thread>e0ff</thread><reply xmlns='urn:xmpp:reply:0' id='m0' to='ben@headquarters.net'/>`, satcom: same, hf2400: same, hf300: same, hf75: body},
		{row: "11 nick", in: body + `<nick xmlns='http://jabber.org/protocol/nick'>Anna</nick>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{11}, hf2400Cuts: []int{11}},
		{row: "15 signed", in: body + `<x xmlns='jabber:x:signed'>iQ==</x>`, satcom: same, hf2400: same, hf300: same},
		{row: "15 encrypted", in: `<body>This message is encrypted.</body><x xmlns='jabber:x:encrypted'>hQ==</x>`, satcom: same, hf2400: same, hf300: same},
		{row: "16 and 17 omemo", in: omemo + `<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/><body>I sent you an OMEMO encrypted message</body><store xmlns='urn:xmpp:hints'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "16 omemo without body", in: omemo + `<active` + chats, satcom: omemo, hf2400: omemo, hf300: omemo, satcomCuts: []int{1}, hf2400Cuts: []int{1}},
		{row: "18 event", in: `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mood'><item id='1'/></items></event>`, satcom: gone, hf2400: gone, hf300: gone},
		{row: "18 event with words", in: body + `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='x'/></event>`, satcom: body, hf2400: body, hf300: body, satcomCuts: []int{18}, hf2400Cuts: []int{18}},
		{row: "19 reactions", in: `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction></reactions><store xmlns='urn:xmpp:hints'/>`, satcom: same, hf2400: gone, hf300: gone},
		{row: "19 reactions with words", in: `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction></reactions><body>👍</body>`, satcom: same, hf2400: `<body>👍</body>`, hf300: `<body>👍</body>`, hf2400Cuts: []int{19}},
		{row: "21 fmuc passes whole", in: body + `<fmuc xmlns='http://isode.com/protocol/fmuc' from='anna@field.net/phone'/><active` + chats, satcom: same, hf2400: same, hf300: same},
		{row: "21 our lines pass whole", in: `<s xmlns='urn:x-longwire:fmuc:0' n='C7VKMPUa5k'/><active` + chats, satcom: same, hf2400: same, hf300: same},
		{row: "22 invitation", in: `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='ben@headquarters.net'><reason>Join us</reason></invite></x>`, satcom: same, hf2400: same, hf300: same},
		{row: "22 direct invitation", in: `<x xmlns='jabber:x:conference' jid='ops@chat.field.net'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "23 correction", in: `<body>ETA 1530Z</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "23 retraction", in: `<retract xmlns='urn:xmpp:message-retract:1' id='m0'/><store xmlns='urn:xmpp:hints'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "24 label", in: body + `<securitylabel xmlns='urn:xmpp:sec-label:0'><displaymarking>RESTRICTED</displaymarking><label/></securitylabel>`, satcom: same, hf2400: same, hf300: same},
		{row: "25 attention", in: `<attention xmlns='urn:xmpp:attention:0'/>`, satcom: same, hf2400: same, hf300: same},
		{row: "26 contacts", in: `<x xmlns='http://jabber.org/protocol/rosterx'><item action='add' jid='c@field.net'/></x>`, satcom: same, hf2400: same, hf300: same},
		{row: "26 precedence", in: body + `<headers xmlns='http://jabber.org/protocol/shim'><header name='Urgency'>high</header></headers>`, satcom: same, hf2400: same, hf300: same},
		{row: "25 unknown", in: body + `<thing xmlns='urn:example:thing'/>`, satcom: same, hf2400: same, hf300: body},
		{row: "25 file", in: `<body>https://share.field.net/a.jpg</body><x xmlns='jabber:x:oob'><url>https://share.field.net/a.jpg</url></x>`, satcom: same, hf2400: same, hf300: same},
		{row: "subject alone", in: `<subject>Watch change</subject><thread>1</thread>`, satcom: `<subject>Watch change</subject>`, hf2400: `<subject>Watch change</subject>`, hf300: `<subject>Watch change</subject>`, satcomCuts: []int{10}, hf2400Cuts: []int{10}},
		{row: "an empty subject is one", in: `<subject/><active` + chats, satcom: `<subject/>`, hf2400: `<subject/>`, hf300: `<subject/>`, satcomCuts: []int{1}, hf2400Cuts: []int{1}},
		{row: "nothing to begin with", in: `<thing xmlns='urn:example:thing'/>`, satcom: same, hf2400: same, hf300: none},
	} {
		hf75 := c.hf75
		if hf75 == "" {
			hf75 = c.hf300
		}
		for class, want := range map[string]string{"satcom": c.satcom, "hf-2400": c.hf2400, "hf-300": c.hf300, "hf-75": hf75} {
			in := message(t, c.in)
			r := preset(t, class).Fold(now, in)
			if want == same {
				if r.Stanza != in || r.Cuts != nil {
					t.Errorf("row %s, %s: touched: %s", c.row, class, inner(r))
				}
				continue
			}
			if got := inner(r); got != want {
				t.Errorf("row %s, %s:\n%s, want\n%s", c.row, class, got, want)
			}
			if cuts := map[string][]int{"satcom": c.satcomCuts, "hf-2400": c.hf2400Cuts}[class]; cuts != nil {
				checkCuts(t, c.row+", "+class, r, cuts)
			}
		}
	}
}

// TestWhatClientsSend has messages as four clients write them.
func TestWhatClientsSend(t *testing.T) {
	for in, want := range map[string]string{
		// Dino
		`<message from='anna@field.net/dino.1f2e' id='0b6c8a5e-5f0e-4d43-9d6b-0a4f3c1d2e11' to='ben@headquarters.net' type='chat'><body>Bridge is clear</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id id='0b6c8a5e-5f0e-4d43-9d6b-0a4f3c1d2e11' xmlns='urn:xmpp:sid:0'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>`: `<body>Bridge is clear</body>`,
		// Conversations: a receipt that is a marker too
		`<message from='ben@headquarters.net/Conversations.aB3d' id='5d1c' to='anna@field.net/dino.1f2e' type='chat'><received id='0b6c' xmlns='urn:xmpp:receipts'/><received id='0b6c' xmlns='urn:xmpp:chat-markers:0'/></message>`: "- empty",
		// Gajim: in an ordinary room, as the room passes it on
		`<message from='ops@chat.field.net/Anna' id='9c' to='ben@headquarters.net/gajim.Q1' type='groupchat' xml:lang='en'><body>At the ford</body><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id id='9c' xmlns='urn:xmpp:sid:0'/><occupant-id id='c2FtcGxl' xmlns='urn:xmpp:occupant-id:0'/><stanza-id by='ops@chat.field.net' id='k1' xmlns='urn:xmpp:sid:0'/></message>`: `<body>At the ford</body>`,
		// Pidgin
		`<message from='anna@field.net/pidgin' to='ben@headquarters.net' type='chat' id='purple1'><active xmlns='http://jabber.org/protocol/chatstates'/><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p><em>Now</em></p></body></html><body>Now</body></message>`: `<body>Now</body>`,
	} {
		if got := inner(preset(t, "hf-300").Fold(now, read(t, in))); got != want {
			t.Errorf("%s:\n%s, want\n%s", in, got, want)
		}
	}
}

func checkCuts(t *testing.T, what string, r fold.Result, want []int) {
	t.Helper()
	if len(r.Cuts) != len(want) {
		t.Errorf("%s: cuts %v, want those of %v", what, r.Cuts, want)
		return
	}
	for i, c := range r.Cuts {
		if c.Rule != want[i] || c.Bytes == 0 {
			t.Errorf("%s: cuts %v, want those of %v", what, r.Cuts, want)
		}
	}
}

func TestErrorsAndQueriesPassWhole(t *testing.T) {
	for _, text := range []string{
		`<message from='a@field.net' to='b@hq.net' type='error' id='1'><composing` + chats + `<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		`<message from='a@field.net' to='b@hq.net' type='error' id='1'><thread>1</thread></message>`,
		`<presence from='chat.field.net' to='b@hq.net' type='error'><c xmlns='http://jabber.org/protocol/caps'/><error type='cancel'/></presence>`,
		`<iq from='a@field.net' to='b@hq.net' type='get' id='1'><query xmlns='jabber:iq:last'/></iq>`,
	} {
		s := read(t, text)
		for _, class := range fold.Classes() {
			if r := preset(t, class).Fold(now, s); r.Stanza != s {
				t.Errorf("%s: %s: %s", class, text, inner(r))
			}
		}
	}
}

func TestAttributesAreNeverTouched(t *testing.T) {
	s := read(t, `<message from='anna@field.net/p' to='ben@hq.net/q' type='groupchat' id='a-long-random-id' xml:lang='nb' extra='1'><body>x</body><active`+chats+`</message>`)
	r := preset(t, "hf-75").Fold(now, s)
	if got, want := string(r.Stanza.Bytes()), strings.Replace(string(s.Bytes()), `<active`+chats, "", 1); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

func TestZeroPolicyFoldsNothing(t *testing.T) {
	f := folder(t, fold.Policy{Rules: []fold.Rule{{Names: []string{"active"}, Space: "http://jabber.org/protocol/chatstates"}}})
	for _, s := range []*stanza.Stanza{message(t, `<active`+chats), presence(t, "", `<show>away</show>`), presence(t, "probe", "")} {
		if r := f.Fold(now, s); r.Stanza != s {
			t.Errorf("%s: %s", s.Bytes(), inner(r))
		}
	}
}

func TestRules(t *testing.T) {
	const x = `<x xmlns='urn:a'><y>1<z/></y><y xmlns='urn:b'/></x>`
	any := []string{fold.Any}
	for _, c := range []struct {
		name  string
		rules []fold.Rule
		in    string
		want  string
	}{
		{"any of a namespace", []fold.Rule{{Names: any, Space: "urn:a"}}, body + x, body},
		{"any namespace of a name", []fold.Rule{{Names: []string{"v"}, Space: fold.Any}}, body + `<v xmlns='urn:a'/><v xmlns='urn:c'/>`, body},
		{"the first rule decides", []fold.Rule{{Names: any, Space: "urn:a", Action: fold.Keep}, {Names: any, Space: fold.Any}}, body + x + `<x xmlns='urn:c'/>`, body + x},
		{"only children", []fold.Rule{{Names: []string{"y"}, Space: "urn:a"}}, body + x, body + x},
		{"deep", []fold.Rule{{Names: []string{"y"}, Space: "urn:a", Deep: true}}, body + x, body + `<x xmlns='urn:a'><y xmlns='urn:b'/></x>`},
		{"deep takes the outermost", []fold.Rule{{Names: any, Space: "urn:a", Deep: true}}, body + `<w xmlns='urn:w'>` + x + x + `</w>`, body + `<w xmlns='urn:w'></w>`},
		{"deep in deep", []fold.Rule{{Names: []string{"z"}, Space: "urn:a", Deep: true}}, body + x + x, body + strings.ReplaceAll(x+x, `<z/>`, ``)},
		{"deep never in what is forwarded", []fold.Rule{{Names: []string{"active", "v"}, Space: fold.Any, Deep: true}},
			`<w xmlns='urn:w'><v/><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><active` + chats + `</message></forwarded></w>`,
			`<w xmlns='urn:w'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><active` + chats + `</message></forwarded></w>`},
		{"deep never in what is encrypted", []fold.Rule{{Names: []string{"iv", "header"}, Space: fold.Any, Deep: true}}, omemo, omemo},
		{"deep never in labels, within", []fold.Rule{{Names: []string{"label"}, Space: fold.Any, Deep: true}},
			`<w xmlns='urn:w'><securitylabel xmlns='urn:xmpp:sec-label:0'><label/></securitylabel><label/></w>`, `<w xmlns='urn:w'><securitylabel xmlns='urn:xmpp:sec-label:0'><label/></securitylabel></w>`},
		{"deep never in what is forwarded, at the top", []fold.Rule{{Names: []string{"v"}, Space: fold.Any, Deep: true}},
			`<forwarded xmlns='urn:xmpp:forward:0'><v/></forwarded><x xmlns='http://jabber.org/protocol/muc#user'><v xmlns='urn:v'/></x>`,
			`<forwarded xmlns='urn:xmpp:forward:0'><v/></forwarded><x xmlns='http://jabber.org/protocol/muc#user'><v xmlns='urn:v'/></x>`},
		{"deep never what is protected", []fold.Rule{{Names: []string{"w"}, Space: "urn:w", Action: fold.Keep}, {Names: any, Space: fold.Any, Deep: true}},
			`<w xmlns='urn:w'><v/><body xmlns='jabber:client'>x</body>` + omemo + `</w>`, `<w xmlns='urn:w'><body xmlns='jabber:client'>x</body>` + omemo + `</w>`},
		{"a body that names its namespace is one", []fold.Rule{{Names: []string{"html"}, Space: "http://jabber.org/protocol/xhtml-im"}},
			`<body xmlns='jabber:client'>x</body>` + html, `<body xmlns='jabber:client'>x</body>`},
		{"what deep rules empty is empty", []fold.Rule{{Names: []string{"y"}, Space: fold.Any, Deep: true}, {Names: []string{"x"}, Space: "urn:a", If: fold.OnlyIfEmpty}}, body + x, body},
		{"prefixes", []fold.Rule{{Names: []string{"x"}, Space: "urn:a"}}, body + `<p:x xmlns:p='urn:a'/><x xmlns='urn:b'/>`, body + `<x xmlns='urn:b'/>`},
		{"anything", []fold.Rule{{Names: any, Space: fold.Any}}, body + x + `<subject>s</subject>` + omemo + html, body + `<subject>s</subject>` + omemo},
		{"client namespace by any name", []fold.Rule{{Names: []string{"thread"}, Space: "jabber:client"}}, body + `<thread>1</thread>`, body},
		{"a reply that does not stay", []fold.Rule{{Names: []string{"thread"}, If: fold.UnlessReply}, {Names: any, Space: "urn:xmpp:reply:0"}},
			body + `<thread>1</thread><reply xmlns='urn:xmpp:reply:0' id='m0'/>`, body},
		{"a reply that is asked for itself", []fold.Rule{{Names: any, Space: fold.Any, If: fold.UnlessReply}},
			body + `<thread>1</thread><reply xmlns='urn:xmpp:reply:0' id='m0'/>`, body + `<thread>1</thread><reply xmlns='urn:xmpp:reply:0' id='m0'/>`},
		{"drop", []fold.Rule{{Names: []string{"x"}, Space: "urn:a", Scope: fold.Messages, Action: fold.Drop}}, x + `<q xmlns='urn:q'/>`, "- rule"},
		{"drop leaves what is written", []fold.Rule{{Names: []string{"x"}, Space: "urn:a", Scope: fold.Messages, Action: fold.Drop}}, body + x, body},
		{"drop leaves what is written with formats", []fold.Rule{{Names: []string{"x"}, Space: "urn:a", Scope: fold.Messages, Action: fold.Drop}, {Names: any, Space: "http://jabber.org/protocol/xhtml-im"}}, x + html, "<body>ETA 1430Z</body>"},
		{"refuse", []fold.Rule{{Names: []string{"encrypted"}, Space: "eu.siacs.conversations.axolotl", Scope: fold.Messages, Action: fold.Refuse}}, omemo + body, "- rule"},
	} {
		f := folder(t, fold.Policy{Messages: fold.MessagesStrip, Rules: c.rules})
		r := f.Fold(now, message(t, c.in))
		if got := inner(r); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
		if (r.Refuse != nil) != (c.name == "refuse" || c.name == "drop") {
			t.Errorf("%s: refused: %v", c.name, r.Refuse)
		}
	}
}

// Whoever said something learns that it does not cross; what programs say by themselves ends without a word.
func TestNothingThatWasSaidIsDroppedSilently(t *testing.T) {
	f := preset(t, "hf-300")
	for in, told := range map[string]bool{
		`<composing` + chats: false,
		`<received xmlns='urn:xmpp:receipts' id='m0'/><store xmlns='urn:xmpp:hints'/>`:       false,
		`<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/><thread>1</thread>`:             false,
		`<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>`:   false,
		`<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>x</reaction></reactions>`: true,
		`<propose xmlns='urn:xmpp:jingle-message:0' id='c'/><store xmlns='urn:xmpp:hints'/>`: true,
		`<x xmlns='urn:example:unknown'>words</x><active` + chats:                            true,
	} {
		r := f.Fold(now, message(t, in))
		if r.Stanza != nil || (r.Refuse != nil) != told {
			t.Errorf("%s: %s, refused: %v, want %v", in, inner(r), r.Refuse, told)
		}
	}
}

// A room takes the error for what it passed on as the end of the occupant that it was for.
func TestNothingThatARoomPassesOnIsRefused(t *testing.T) {
	f := preset(t, "hf-300")
	s := message(t, `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>x</reaction></reactions>`)
	s.Type, s.From, s.To = "groupchat", jid.MustParse("ops@chat.field.net/Ann"), jid.MustParse("ben@headquarters.net/desk")
	if r := f.Fold(now, s); r.Stanza != nil || r.Refuse != nil {
		t.Errorf("%+v", r)
	}
	s.To = jid.MustParse("ops@chat.headquarters.net")
	if r := f.Fold(now, s); r.Stanza != nil || r.Refuse == nil {
		t.Errorf("%+v", r)
	}
}

func TestOwnRulesAreNumberedFrom101(t *testing.T) {
	f := folder(t, fold.Policy{Messages: fold.MessagesStrip, Rules: []fold.Rule{
		{Names: []string{"a"}, Space: "urn:a"}, {Number: 3, Names: []string{"b"}, Space: "urn:a"}, {Names: []string{"c"}, Space: "urn:a"},
	}})
	r := f.Fold(now, message(t, body+`<a xmlns='urn:a'/><b xmlns='urn:a'/><c xmlns='urn:a'/>`))
	checkCuts(t, "own rules", r, []int{101, 3, 102})
	for i, want := range []string{"101: strip a of urn:a", "3: strip b of urn:a", "102: strip c of urn:a"} {
		if got := f.Rules()[i].String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestBodyOfHTML(t *testing.T) {
	const open, end = `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>`, `</body></html>`
	for in, want := range map[string]string{
		"plain":                              "plain",
		" a \n<b>b</b>c <i> d</i> ":          "a bc d",
		"<p>one</p><p>two<br/>three</p>four": "one\ntwo\nthree\nfour",
		"<ul><li>x</li><li>y</li></ul>":      "x\ny",
		"see <a href='http://field.net/?a=1&amp;b'>the map</a>.":                       "see the map (http://field.net/?a=1&amp;b).",
		"<a href='http://field.net/'>http://field.net/</a>":                            "http://field.net/",
		"<a href='xmpp:ben@hq.net'>ben@hq.net</a> <a href='http://x/'/>":               "ben@hq.net http://x/",
		"<img alt='a map' src='cid:1'/> <em>&lt;&amp;&gt;</em> &apos;<![CDATA[<]]>":    "a map &lt;&amp;&gt; &apos;&lt;",
		"one" + `</body><body xml:lang='de' xmlns='http://www.w3.org/1999/xhtml'>eins`: "one",
	} {
		if got := inner(preset(t, "satcom").Fold(now, message(t, open+in+end))); got != "<body>"+want+"</body>" {
			t.Errorf("%s:\n%s, want\n%s", in, got, want)
		}
	}
	if got := inner(preset(t, "satcom").Fold(now, message(t, open+"<p> <br/></p>"+end))); got != "- empty" {
		t.Errorf("html without text: %s", got)
	}
	// It stands where the html stood, with what was beside it.
	if got := inner(preset(t, "satcom").Fold(now, message(t, `<subject>s</subject>`+open+"x"+end+`<q xmlns='urn:q'/>`))); got != `<subject>s</subject><body>x</body><q xmlns='urn:q'/>` {
		t.Error(got)
	}
}
