package fold_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"longwire/links/fold"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// parts are children that clients send, and some that nobody does.
var parts = []string{
	body, html, omemo, rich, lean, caps, muc, user, signed, `<active` + chats, `<markable xmlns='urn:xmpp:chat-markers:0'/>`,
	`<subject>s</subject>`, `<thread>1</thread>`, `<thread/>`, `<status/>`, `<request xmlns='urn:xmpp:receipts'/>`, `<received xmlns='urn:xmpp:receipts' id='1'/>`,
	`<origin-id xmlns='urn:xmpp:sid:0' id='1'/>`, `<no-copy xmlns='urn:xmpp:hints'/>`, `<store xmlns='urn:xmpp:hints'/>`,
	`<delay xmlns='urn:xmpp:delay' stamp='2031-05-04T11:00:00Z'/>`, `<delay xmlns='urn:xmpp:delay' stamp='2031-05-04T12:00:00Z'/>`,
	`<reply xmlns='urn:xmpp:reply:0' id='m0'/>`, `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>x</reaction></reactions>`,
	`<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>`, `<q xmlns='urn:q'/>`, `<p:q xmlns:p='urn:q' p:a='1'><p:r/>text<r xmlns=''/></p:q>`,
	`<q xmlns='urn:q'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>x</body><active` + chats + `</message></forwarded><active` + chats + `<r><s/></r></q>`,
	`<securitylabel xmlns='urn:xmpp:sec-label:0'><displaymarking>R</displaymarking></securitylabel>`, `<error type='cancel'/>`,
	`<x xmlns='jabber:x:encrypted'>hQ==</x>`, ` `, `&amp;text`,
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// anyStanza makes up a stanza.
func anyStanza(t testing.TB, r *rand.Rand) *stanza.Stanza {
	kids := strings.Builder{}
	for range r.IntN(7) {
		kids.WriteString(pick(r, parts))
	}
	if r.IntN(10) == 0 {
		kids.WriteString(fmuc)
	}
	kind, types := "message", []string{"", "chat", "groupchat", "headline", "error"}
	if r.IntN(3) == 0 {
		kind, types = "presence", []string{"", "unavailable", "", "unavailable", "probe", "subscribe", "unsubscribed", "error", "odd"}
	}
	typ := pick(r, types)
	if typ != "" {
		typ = " type='" + typ + "'"
	}
	return read(t, fmt.Sprintf(`<%s from='a@field.net/x' to='%s'%s id='1' xml:lang='en'>%s</%s>`, kind, pick(r, []string{"b@hq.net", "r@chat.hq.net/n"}), typ, kids.String(), kind))
}

// anyFolder makes up a policy that is not refused.
func anyFolder(r *rand.Rand) *fold.Folder {
	for {
		p, _ := fold.Preset(pick(r, fold.Classes()))
		if r.IntN(2) == 0 {
			p.Rules = nil
		}
		for range r.IntN(4) {
			rule := fold.Rule{Names: []string{pick(r, []string{"*", "q", "r", "s", "active", "status", "thread", "html", "reply", "x"})},
				Space: pick(r, []string{"*", "", "urn:q", "http://jabber.org/protocol/chatstates", "urn:xmpp:reply:0", "urn:none"}),
				Scope: fold.Scope(r.IntN(3)), Action: fold.Action(r.IntN(4)), If: fold.Condition(r.IntN(4)), Deep: r.IntN(3) == 0}
			p.Rules = append([]fold.Rule{rule}, p.Rules...)
		}
		p.Presence = fold.PresenceMode(r.IntN(5))
		if r.IntN(2) == 0 {
			p.Rooms = []string{"chat.hq.net"}
		}
		p.NoSubscriptions = r.IntN(4) == 0
		if f, err := fold.New(p, r.IntN(2) == 0); err == nil {
			return f
		}
	}
}

// tags are the opening tags of markup, as written.
func tags(t testing.TB, b []byte) (all [][]byte) {
	t.Helper()
	s := markup.NewScanner()
	defer s.Free()
	s.Reset("", []markup.Binding{{}})
	for {
		tag, err := s.Next(b, true)
		switch {
		case err == markup.ErrMore && s.Done(b):
			return all
		case err != nil:
			t.Fatalf("%s: %v", b, err)
		case tag.Kind != markup.EndTag:
			all = append(all, b[tag.Start:tag.End])
		}
	}
}

// checkFold is what must hold for any stanza and any policy.
func checkFold(t testing.TB, f *fold.Folder, s *stanza.Stanza) {
	t.Helper()
	was := s.Bytes()
	r := f.Fold(now, s)
	if !bytes.Equal(was, s.Bytes()) {
		t.Fatalf("%s: was changed to %s", was, s.Bytes())
	}
	whole := s.Kind == stanza.IQ || s.IsError() || fold.Federated(s)
	if r.Stanza == nil {
		checkGone(t, s, r, whole)
		return
	}
	if r.Reason != fold.Crosses || r.Refuse != nil || whole && r.Stanza != s {
		t.Fatalf("%s: %+v", was, r)
	}
	// Well-formed, and what it says it is.
	out := r.Stanza.Bytes()
	again, err := stream.ParseStanza(out)
	if err != nil {
		t.Fatalf("%s: %s: %v", was, out, err)
	}
	if string(again.Bytes()) != string(out) || len(again.Children) != len(r.Stanza.Children) {
		t.Fatalf("%s: %s is not %s", was, out, again.Bytes())
	}
	if len(was)-len(out) != r.Saved {
		t.Fatalf("%s: %s: saved %d bytes", was, out, r.Saved)
	}
	// The envelope is untouched.
	if r.Stanza.From != s.From || r.Stanza.To != s.To || r.Stanza.ID != s.ID || r.Stanza.Type != s.Type || r.Stanza.Lang != s.Lang {
		t.Fatalf("%s: %s", was, out)
	}
	checkSubset(t, s, r)
	// Once is enough.
	if twice := f.Fold(now, r.Stanza); twice.Stanza != r.Stanza {
		t.Fatalf("%s:\nonce %s,\ntwice %s", was, out, inner(twice))
	}
}

// checkGone is about stanzas that do not cross.
func checkGone(t testing.TB, s *stanza.Stanza, r fold.Result, whole bool) {
	t.Helper()
	if whole || r.Reason == fold.Crosses || r.Saved != len(s.Bytes()) {
		t.Fatalf("%s: %+v", s.Bytes(), r)
	}
	if r.Refuse != nil {
		return // its sender is told
	}
	for _, c := range s.Children {
		why := fold.Protected(c.Name)
		signedPresence := s.Kind == stanza.Presence && (c.Name.Space != "http://jabber.org/protocol/muc" && c.Name.Space != "http://jabber.org/protocol/muc#user" || s.Type != "" && s.Type != "unavailable")
		if why != "" && !signedPresence && !(r.Reason == fold.NoRoom) {
			t.Fatalf("%s: dropped (%s), though of <%s/> %s", s.Bytes(), r.Reason, c.Name.Local, why)
		}
	}
}

// checkSubset tells that nothing came in but a derived body, and that what is protected is there as it was.
func checkSubset(t testing.TB, s *stanza.Stanza, r fold.Result) {
	t.Helper()
	before := tags(t, s.Inner)
	derived := len(kept(s, "body")) == 0 && len(kept(r.Stanza, "body")) == 1 && s.Has("http://jabber.org/protocol/xhtml-im", "html")
	var after [][]byte
	for _, c := range r.Stanza.Children {
		if !derived || c.Name != (markup.Name{Local: "body"}) {
			after = append(after, tags(t, r.Stanza.Raw(c))...)
		}
	}
	for _, tag := range after {
		for len(before) > 0 && !bytes.Equal(before[0], tag) {
			before = before[1:]
		}
		if len(before) == 0 {
			t.Fatalf("%s: where does %s come from? %s", s.Inner, tag, r.Stanza.Inner)
		}
		before = before[1:]
	}
	guard := func(s *stanza.Stanza) (all []byte) {
		for _, c := range s.Children {
			if fold.Protected(c.Name) != "" {
				all = append(all, s.Raw(c)...)
			}
		}
		return all
	}
	want := guard(s)
	if got := guard(r.Stanza); !bytes.Equal(got, want) && !(len(kept(s, "body")) == 0 && bytes.Contains(got, []byte("<body>"))) {
		t.Fatalf("%s: %s, protected is %s", s.Inner, r.Stanza.Inner, want)
	}
}

func kept(s *stanza.Stanza, local string) (all []stanza.Child) {
	for _, c := range s.Children {
		if c.Name == (markup.Name{Local: local}) {
			all = append(all, c)
		}
	}
	return all
}

func TestFoldingOfAnything(t *testing.T) {
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 0))
		checkFold(t, anyFolder(r), anyStanza(t, r))
	}
}

// TestLinkClassesAreInOrder tells that no slower class passes more.
func TestLinkClassesAreInOrder(t *testing.T) {
	for seed := range uint64(cases / 5) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := anyStanza(t, r)
		last := len(s.Bytes())
		for _, class := range fold.Classes() {
			size := 0
			if r := preset(t, class).Fold(now, s); r.Stanza != nil {
				size = len(r.Stanza.Bytes())
			}
			if size > last {
				t.Fatalf("%s: %s passes more than the class before it", s.Bytes(), class)
			}
			last = size
		}
	}
}

// FuzzFold folds what a stranger sends by rules that a stranger names.
func FuzzFold(f *testing.F) {
	f.Add([]byte(body+html+omemo), "q", "urn:q", uint8(0), uint8(0))
	f.Add([]byte(html), "*", "*", uint8(1), uint8(4))
	f.Add([]byte(parts[len(parts)-6]+`<thread/>`), "active", "*", uint8(16), uint8(2))
	f.Add([]byte(rich+signed), "*", "", uint8(2), uint8(3))
	f.Add([]byte(muc+user), "x", "jabber:x:delay", uint8(32), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, name, space string, how, mode uint8) {
		kind := "message"
		if how&4 != 0 {
			kind = "presence"
		}
		s, err := stream.ParseStanza(fmt.Appendf(nil, "<%s from='a@b.c' to='d@e.f'>%s</%s>", kind, in, kind))
		if err != nil {
			return
		}
		p, _ := fold.Preset(fold.Classes()[how>>6])
		p.Presence = fold.PresenceMode(mode % 5)
		p.Rules = append([]fold.Rule{{Names: []string{name}, Space: space, Scope: fold.Scope(how & 3), Deep: how&16 != 0, Action: fold.Action(how >> 5 & 1 * 2)}}, p.Rules...)
		folder, err := fold.New(p, false)
		if err != nil {
			return
		}
		checkFold(t, folder, s)
	})
}
