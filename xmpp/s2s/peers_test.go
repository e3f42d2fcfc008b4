package s2s_test

import (
	"strings"
	"testing"
	"time"

	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

func TestApplyNamesAllFaultsAndChangesNothing(t *testing.T) {
	r := newRig(t, hq)
	err := r.peers.Apply([]s2s.Config{
		{Name: "a", Domains: []string{"a.example", "not a domain", "x@y"}},
		{Domains: []string{"b.example"}},
		{Name: "a", Domains: []string{"A.example."}},
		{Name: "c", Domains: []string{"field.net"}, MaxStanza: 100, Lifetimes: s2s.Lifetimes{IQ: -time.Second}},
		{Name: "d", LocalDomains: []string{"/"}},
	})
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{
		`peer "a": jid: "not a domain"`, `peer "a": "x@y" is not a domain`, `s2s: a peer needs a name`,
		`two peers are called "a"`, `domain a.example belongs to peer "a" and to peer "a"`,
		`domain field.net of peer "c" is one of our own`, `peer "c": largest stanza is 100 bytes, must be 10000 or more`,
		`peer "c": iq lifetime is negative`, `peer "d" has no domain`, `peer "d": local domain: jid: "/"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	r.route(say("m1", "1"))
	equal(t, "the old peer", r.queued(), []string{say("m1", "1")})
	if r.router.Sink("a.example") != nil || len(r.peers.All()) != 1 {
		t.Error("half applied")
	}
}

func TestDomainChangesHands(t *testing.T) {
	r := newRig(t, hq)
	r.route(say("m1", "1"))
	peer, sink := r.peer(), r.router.Sink("headquarters.net")
	if err := r.peers.Apply([]s2s.Config{
		{Name: "hq", Domains: []string{"chat.headquarters.net"}},
		{Name: "new", Domains: []string{"headquarters.net", "third.net"}},
	}); err != nil {
		t.Fatal(err)
	}
	if r.peer() != peer || r.router.Sink("headquarters.net") != sink {
		t.Error("the domain was unknown for a moment")
	}
	r.route(say("m2", "2"), strings.Replace(say("m3", "3"), "headquarters.net", "third.net", 1))
	equal(t, "old queue", r.queued(), []string{say("m1", "1")})
	if es, err := r.peers.Find("third.net").Queue().List(); err != nil || len(es) != 2 {
		t.Errorf("new queue: %d entries, %v", len(es), err)
	}
	if v := r.deliver(message("x", "x")); v == nil || v.Condition != "invalid-from" {
		t.Errorf("from the domain it lost: %v", v)
	}
	if r.peers.Find("nowhere.example") != nil {
		t.Error("found a peer for a domain that nobody has")
	}
	if got := r.peers.Find("headquarters.net").Domains(); strings.Join(got, " ") != "headquarters.net third.net" {
		t.Errorf("domains %v", got)
	}
}

func TestApplyUnbindsWhatIsGone(t *testing.T) {
	r := newRig(t, hq)
	if err := r.peers.Apply([]s2s.Config{{Name: "hq", Domains: []string{"headquarters.net"}}}); err != nil {
		t.Fatal(err)
	}
	if r.router.Sink("chat.headquarters.net") != nil {
		t.Error("still bound")
	}
	r.route("<iq from='" + alice + "' to='chat.headquarters.net' type='get' id='1'><x xmlns='x'/></iq>")
	s := strings.Replace(failed("iq", "1", "cancel", string(stanza.RemoteServerNotFound), ""), bob, "chat.headquarters.net", 1)
	equal(t, "answer", r.received(), []string{s})
	if all := r.peers.All(); len(all) != 1 {
		t.Errorf("%d peers", len(all))
	}
}
