package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/links"
	"longwire/links/fold"
	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// What messages are made of. Those that nobody waits for are quiet.
var (
	quietParts = []string{
		"<active xmlns='http://jabber.org/protocol/chatstates'/>", "<request xmlns='urn:xmpp:receipts'/>", "<received xmlns='urn:xmpp:receipts' id='x'/>",
		"<markable xmlns='urn:xmpp:chat-markers:0'/>", "<origin-id xmlns='urn:xmpp:sid:0' id='0f0f'/>", "<no-store xmlns='urn:xmpp:hints'/>",
		"<thread>t1</thread>", "<nick xmlns='http://jabber.org/protocol/nick'>Ann</nick>", "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>",
		"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/>", "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>",
	}
	saidParts = []string{
		"<body>Convoy &amp; <![CDATA[left]]></body>", "<body xml:lang='de'>Kolonne</body>", "<subject>s</subject>",
		"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>", "<x xmlns='jabber:x:signed'>sig</x>",
		"<securitylabel xmlns='urn:xmpp:sec-label:0'><label/></securitylabel>", "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'/></x>",
		"<reactions xmlns='urn:xmpp:reactions:0' id='m'><reaction>+</reaction></reactions>", "<replace xmlns='urn:xmpp:message-correct:0' id='m'/>",
		"<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>By <b>road</b></body></html>",
		"<p:thing xmlns:p='urn:example:unknown'><p:active/></p:thing>", "<fmuc xmlns='http://isode.com/protocol/fmuc' from='a@b/c'/>",
	}
	pathClasses = append(fold.Classes(), "")
)

// pathOf is folding for a peer that is reached by two links.
func pathOf(t *testing.T, classes [2]string, f config.Fold) (*Node, *folds) {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg := &config.Config{Data: t.TempDir(), Links: []config.Link{{Name: "a", Class: classes[0]}, {Name: "b", Class: classes[1]}},
		Peers: []config.Peer{{Name: "p", Links: []string{"a", "b"}, Fold: f, FoldIn: config.Fold{Preset: config.FoldNone}}}}
	log := slog.New(slog.DiscardHandler)
	n := &Node{log: log, record: newRecord(cfg, db, log), peers: s2s.New(s2s.Env{DB: db, Router: new(router.Router)})}
	all, err := n.newFolds(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.folding.peers.Store(&all)
	return n, all["p"]
}

// protected are the children of a stanza that are never folded, as they stand in it.
func protected(s *stanza.Stanza) (all []string) {
	for _, c := range s.Children {
		if fold.Protected(c.Name) != "" {
			all = append(all, string(s.Raw(c)))
		}
	}
	return all
}

// Whatever the policies of a peer's links: what crosses has what is never folded, byte for byte; what was said crosses or is refused; and what
// has been folded is not folded further, nor otherwise when it is sent again.
func TestWhatIsSaidCrossesOrIsRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 5))
	for range 200 {
		classes := [2]string{pathClasses[r.IntN(len(pathClasses))], pathClasses[r.IntN(len(pathClasses))]}
		f := config.Fold{Preset: config.FoldAuto, Subscriptions: true}
		if r.IntN(3) == 0 {
			f.Rules = []config.FoldRule{{Names: []string{"*"}, Namespace: "*", Action: "strip", Scope: "message"}}
			if r.IntN(2) == 0 {
				f.Rules[0].Names, f.Rules[0].Action = []string{"active", "thing", "reactions"}, "drop"
			}
		}
		n, p := pathOf(t, classes, f)
		for i := range 50 {
			var inner []byte
			said := false
			for range 1 + r.IntN(5) {
				if r.IntN(2) == 0 {
					inner = append(inner, quietParts[r.IntN(len(quietParts))]...)
				} else {
					inner = append(inner, saidParts[r.IntN(len(saidParts))]...)
					said = true
				}
			}
			types := []string{"chat", "groupchat", "headline", "", "error"}
			text := fmt.Sprintf("<message from='ann@field.net/x' to='ben@headquarters.net' id='m%d' type='%s' xml:lang='en' other='1'>%s</message>", i, types[r.IntN(len(types))], inner)
			onPath(t, n, p, uint64(i+1), text, said)
		}
	}
}

func onPath(t *testing.T, n *Node, p *folds, id uint64, text string, said bool) {
	t.Helper()
	s, err := stream.ParseStanza([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	once := s
	if p.out != nil {
		f := p.accept(now, s)
		if once = f.Stanza; once == nil {
			if f.Refuse == nil && said {
				t.Errorf("dropped in silence: %s", text)
			}
			if len(protected(s)) > 0 {
				t.Errorf("%s: what is never folded: %s", f.Reason, text)
			}
			return
		}
	}
	for _, link := range []string{"a", "b"} {
		e := store.Entry{ID: id, Kind: store.KindChat, Queued: now, Stanza: once.Bytes()}
		sent, err := n.sift("p", link, now, []store.Entry{e})
		if err != nil || len(sent) == 0 {
			if len(protected(s)) > 0 || err != nil {
				t.Errorf("not sent by %s: %s: %v", link, text, err)
			}
			continue
		}
		arrived, err := stream.ParseStanza(links.Stamped(sent[0], now))
		if err != nil {
			t.Fatalf("%s became %s: %v", text, sent[0].Stanza, err)
		}
		if arrived.ID != s.ID || arrived.Type != s.Type || arrived.From != s.From || arrived.To != s.To || arrived.Lang != s.Lang || !slices.Equal(arrived.Extra, s.Extra) {
			t.Errorf("%s became %s", text, sent[0].Stanza)
		}
		was, is := protected(s), protected(arrived)
		if s.Has("http://jabber.org/protocol/xhtml-im", "html") { // whose text may have taken its place
			is = slices.DeleteFunc(is, func(raw string) bool { return raw == "<body>By road</body>" })
		}
		if !slices.Equal(was, is) {
			t.Errorf("%s became %s", text, sent[0].Stanza)
		}
		again, err := n.sift("p", link, now, []store.Entry{sent[0]})
		if err != nil || len(again) != 1 || !bytes.Equal(again[0].Stanza, sent[0].Stanza) {
			t.Errorf("folded further: %s", sent[0].Stanza)
		}
		d := n.dress("p", link, e)
		if !bytes.Equal(d.Stanza, sent[0].Stanza) {
			t.Errorf("sent again as %s, was %s", d.Stanza, sent[0].Stanza)
		}
		for _, less := range []store.Entry{sent[0], d} {
			if event := (links.Event{}).Of(less); event.Raw != len(e.Stanza) {
				t.Errorf("%d bytes before folding are told, they were %d", event.Raw, len(e.Stanza))
			}
		}
	}
}
