package fold_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"longwire/links/fold"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// A peer is a queue's end: what is offered is given out, and told by its id.
type peer struct {
	t *testing.T
	f *fold.Folder
	m fold.Memory
	n uint64
}

func newPeer(t *testing.T, mode fold.PresenceMode) *peer {
	p, _ := fold.Preset("satcom")
	p.Presence = mode
	return &peer{t: t, f: folder(t, p)}
}

// item folds a stanza as it is queued: "to: inner", "to: unavailable" …
func (p *peer) item(word string) fold.Item {
	p.t.Helper()
	to, what, _ := strings.Cut(word, ": ")
	s := presence(p.t, "", "")
	switch what {
	case "unavailable", "subscribed":
		s.Type = what
	case "message":
		s = message(p.t, body)
	default:
		s = presence(p.t, "", what)
	}
	s.To = jid.MustParse(to)
	s.ID = fmt.Sprint("id", p.n)
	p.n++
	r := p.f.Fold(now, s)
	if r.Stanza == nil {
		p.t.Fatalf("%s: %s", word, r.Reason)
	}
	return fold.Item{ID: p.n, Queued: now, Stanza: r.Stanza}
}

// offer takes a batch out of the queue, and says what became of it: ids that are sent, then why the others are not.
func (p *peer) offer(words ...string) string {
	p.t.Helper()
	var batch []fold.Item
	for _, w := range words {
		batch = append(batch, p.item(w))
	}
	return p.again(batch...)
}

func (p *peer) again(batch ...fold.Item) string {
	send, done := p.m.Filter(p.f, batch)
	var out []string
	for _, it := range send {
		out = append(out, fmt.Sprint(it.ID))
	}
	for _, d := range done {
		out = append(out, fmt.Sprintf("%d %s", d.ID, d.Reason))
	}
	return strings.Join(out, ", ")
}

func (p *peer) expect(got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%q, want %q", got, want)
	}
}

func TestOnlyNewsIsSent(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	p.expect(p.offer("ben@hq.net: "+rich), "1")
	p.m.Confirmed(1)
	p.expect(p.offer("ben@hq.net: "+lean), "2 told") // the same, less what is stripped and its id
	p.expect(p.offer("eve@hq.net: "+lean), "3")      // to somebody else
	p.expect(p.offer("ben@hq.net: "), "4")
	p.m.Confirmed(4)
	p.expect(p.offer("ben@hq.net: unavailable"), "5")
	p.m.Confirmed(5)
	p.expect(p.offer("ben@hq.net: unavailable"), "6 told")
	p.expect(p.offer("ben@hq.net: "), "7")
}

func TestWhatWasNotConfirmedIsNotKnown(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	p.expect(p.offer("ben@hq.net: "), "1")
	p.m.Confirmed(1)
	first := p.item("ben@hq.net: unavailable")
	p.expect(p.again(first), "2")
	// The contact is lost, and the entry sent again.
	p.expect(p.again(first), "2")
	// Nor does the peer count as knowing what it knew before.
	p.expect(p.offer("ben@hq.net: "), "3")
	p.m.Confirmed(2) // a newer one is under way
	p.expect(p.offer("ben@hq.net: unavailable"), "4")
	p.m.Confirmed(3, 4, 99)
	p.expect(p.offer("ben@hq.net: unavailable"), "5 told")
}

func TestTheNewestOfABatchIsSent(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	p.expect(p.offer("ben@hq.net: ", "eve@hq.net: ", "ben@hq.net: message", "ben@hq.net: unavailable", "ben@hq.net: "+lean),
		"2, 3, 5, 1 replaced, 4 replaced")
	p.m.Confirmed(2, 3, 5)
	p.expect(p.offer("ben@hq.net: unavailable", "ben@hq.net: "+lean), "6 replaced, 7 told") // a client that came back
}

func TestMinimalSendsEdges(t *testing.T) {
	p := newPeer(t, fold.PresenceMinimal)
	p.expect(p.offer("ben@hq.net: "+rich), "1")
	p.m.Confirmed(1)
	p.expect(p.offer("ben@hq.net: <show>dnd</show><q xmlns='urn:q'/>"), "2 told")
	p.expect(p.offer("ben@hq.net: unavailable"), "3")
	p.m.Confirmed(3)
	p.expect(p.offer("ben@hq.net: unavailable"), "4 told")
	p.expect(p.offer("ben@hq.net: "+lean), "5")
}

func TestRoomsAreNeverTold(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	for range 2 { // he enters, changes his nick, leaves
		p.expect(p.offer("ops@chat.hq.net/a: "+muc), fmt.Sprint(p.n))
		p.m.Confirmed(p.n)
		p.expect(p.offer("ops@chat.hq.net/b: "), fmt.Sprint(p.n))
		p.m.Confirmed(p.n)
		p.expect(p.offer("ops@chat.hq.net/a: "), fmt.Sprint(p.n))
		p.m.Confirmed(p.n)
		p.expect(p.offer("ops@chat.hq.net/a: unavailable"), fmt.Sprint(p.n))
		p.m.Confirmed(p.n)
	}
	p.expect(p.offer("ops@chat.hq.net/a: "+muc, "ops@chat.hq.net/a: "+muc+fmuc, "ops@chat.hq.net/a: "+user), "9, 10, 11")
	// What stands before he enters is not the same as what stands behind it.
	p.expect(p.offer("ops@chat.hq.net/a: unavailable", "ops@chat.hq.net/a: "+muc, "ops@chat.hq.net/a: unavailable"), "12, 13, 14")
}

func TestASubscriptionMakesPresenceNews(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	p.offer("ben@hq.net: ")
	p.m.Confirmed(1)
	p.expect(p.offer("ben@hq.net: subscribed", "ben@hq.net: "), "2, 3")
}

func TestForget(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	p.offer("ben@hq.net: ", "eve@hq.net: ")
	p.m.Confirmed(1, 2)
	p.m.Forget(jid.MustParse("ben@hq.net/desk"))
	p.expect(p.offer("ben@hq.net: ", "eve@hq.net: "), "3, 4 told")
	p.m.Confirmed(3)
	p.m.Forget(jid.JID{})
	p.expect(p.offer("ben@hq.net: ", "eve@hq.net: "), "5, 6")
	p.m.Forget(jid.JID{})
	p.m.Confirmed(5, 6) // of before
	p.expect(p.offer("ben@hq.net: ", "eve@hq.net: "), "7, 8")
}

func TestNewRulesJudgeWhatIsQueued(t *testing.T) {
	old := folder(t, fold.Policy{})
	batch := []fold.Item{
		{ID: 1, Stanza: message(t, body+`<active`+chats)}, {ID: 2, Stanza: message(t, `<active`+chats)},
		{ID: 3, Stanza: presence(t, "", "")}, {ID: 4, Stanza: presence(t, "", muc)}, {ID: 5, Stanza: presence(t, "", fmuc)},
	}
	var m fold.Memory
	if send, done := m.Filter(old, batch); len(send) != 5 || done != nil {
		t.Fatal(send, done)
	}
	send, done := m.Filter(preset(t, "hf-300"), batch)
	if len(send) != 2 || string(send[0].Stanza.Inner) != body || send[1].ID != 5 {
		t.Errorf("%+v", send)
	}
	for i, want := range []fold.Done{{ID: 2, Reason: fold.Empty}, {ID: 3, Reason: fold.NotPassed}, {ID: 4, Reason: fold.NoRoom}} {
		if i >= len(done) || done[i].ID != want.ID || done[i].Reason != want.Reason || done[i].Saved == 0 || (done[i].Refuse != nil) != (want.ID == 4) {
			t.Fatalf("%+v", done)
		}
	}
}

func TestAMemoryIsBounded(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	s := presence(t, "", "")
	for i := range uint64(20_000) {
		n := s.Copy()
		n.To = jid.MustParse(fmt.Sprintf("u%d@hq.net", i))
		p.m.Filter(p.f, []fold.Item{{ID: i, Stanza: n}})
		if i%2 == 0 {
			p.m.Confirmed(i)
		}
	}
	if pairs, flight := p.m.Size(); pairs > 8192 || flight > 4096 {
		t.Errorf("%d, %d", pairs, flight)
	}
}

func TestLinksOfAPeerShareAMemory(t *testing.T) {
	p := newPeer(t, fold.PresenceCoalesce)
	s := presence(t, "", lean)
	var links sync.WaitGroup
	for link := range uint64(3) {
		links.Go(func() {
			for i := range uint64(200) {
				id := link<<32 | i
				p.m.Filter(p.f, []fold.Item{{ID: id, Stanza: s}})
				p.m.Confirmed(id)
				p.m.Forget(s.To)
			}
		})
	}
	links.Wait()
	if pairs, _ := p.m.Size(); pairs > 1 {
		t.Errorf("%d pairs", pairs)
	}
}

func TestTally(t *testing.T) {
	f := preset(t, "hf-300")
	var sum fold.Tally
	before, after := 0, 0
	for _, s := range []*stanza.Stanza{
		message(t, body+`<active`+chats+`<request xmlns='urn:xmpp:receipts'/>`), message(t, `<active`+chats), message(t, body),
		presence(t, "", rich), presence(t, "subscribe", `<nick xmlns='http://jabber.org/protocol/nick'>A</nick>`), message(t, html),
		message(t, `<reactions xmlns='urn:xmpp:reactions:0' id='m0'/>`),
	} {
		r := f.Fold(now, s)
		sum.Add(s, r)
		before += len(s.Bytes())
		if r.Stanza != nil {
			after += len(r.Stanza.Bytes())
		}
	}
	if sum.Before != (fold.Count{Times: 7, Bytes: before}) || sum.After != (fold.Count{Times: 4, Bytes: after}) {
		t.Errorf("%+v, want %d to %d bytes", sum, before, after)
	}
	if sum.Dropped[fold.Empty].Times != 1 || sum.Dropped[fold.NotPassed].Times != 1 || sum.Dropped[fold.ByRule].Times != 1 {
		t.Errorf("%+v", sum.Dropped)
	}
	if sum.Rules[1] != (fold.Count{Times: 2, Bytes: 2 * len(`<active`+chats)}) || sum.Rules[19].Times != 1 || sum.Rules[11].Times != 1 || sum.Rules[2].Bytes != len(html) {
		t.Errorf("%+v", sum.Rules)
	}
	sum.Done(fold.Done{ID: 1, Reason: fold.Told, Saved: 10})
	if sum.After != (fold.Count{Times: 3, Bytes: after - 10}) || sum.Dropped[fold.Told] != (fold.Count{Times: 1, Bytes: 10}) {
		t.Errorf("%+v", sum)
	}
}

func BenchmarkMemory(b *testing.B) {
	f, s := preset(b, "satcom"), presence(b, "", lean)
	var m fold.Memory
	batch := make([]fold.Item, 1)
	b.ReportAllocs()
	for b.Loop() {
		batch[0] = fold.Item{ID: 1, Stanza: s}
		m.Filter(f, batch[:1])
		m.Confirmed(1)
	}
}
