package s5066_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/linktest"
	"longwire/links/pair"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/store"
)

var (
	hqPair   = pair.PrivateKey{1: 1}
	kitPair  = pair.PrivateKey{1: 2}
	kitToken = pair.Token{3}
)

// pairs plays a test with a headquarters (a) that has invited a kit (b), whose address it is not told, with each mapping.
func pairs(t *testing.T, o sistest.Options, f func(r *rig)) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, o, func(r *rig) {
				p := &r.a.config.Peers[0]
				p.Mapping, p.RemoteAddress = mapping, 0
				p.Pairing = &s5066.Pairing{Token: kitToken, Key: hqPair}
				p = &r.b.config.Peers[0]
				p.Mapping = mapping
				p.Pairing = &s5066.Pairing{Token: kitToken, Key: kitPair, Headquarters: hqPair.Public(), AtOnce: true}
				f(r)
			})
		})
	}
}

func (e *end) pairing() s5066.PairingStatus { return *e.status().Pairing }

// sees waits until an end sees its pairing so.
func (e *end) sees(state string) s5066.PairingStatus {
	e.t.Helper()
	for end := time.Now().Add(12 * time.Hour); time.Now().Before(end); time.Sleep(time.Second) {
		if s := e.pairing(); s.State == state {
			return s
		}
	}
	e.t.Fatalf("never %s: %+v, %+v", state, e.pairing(), e.status())
	return s5066.PairingStatus{}
}

func (e *end) record() (p store.Pairing) {
	e.t.Helper()
	err := e.DB.View(func(tx *store.Tx) (err error) { p, err = tx.Pairing(e.Peer()); return err })
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

// ear notes what an end hears.
type ear struct {
	mu    sync.Mutex
	heard []sis.UnidataIndication
}

func (e *end) listen() *ear {
	l := &ear{}
	e.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
		l.mu.Lock()
		defer l.mu.Unlock()
		u.UPDU = bytes.Clone(u.UPDU)
		l.heard = append(l.heard, u)
		return []sis.UnidataIndication{u}
	}
	return l
}

func (l *ear) all() []sis.UnidataIndication {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

func TestFirstContactIsOneTransmission(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		hq, kit := r.a.listen(), r.b.listen()
		r.b.Send("first")
		began := time.Now()
		r.start()
		r.arrived(r.b, r.a, []string{"first"})
		took := time.Since(began)
		if n, m := r.b.air.Sent(), r.a.air.Sent(); n != 1 || m != 1 {
			t.Errorf("%d transmissions of the kit, %d of headquarters", n, m)
		}
		u, v := hq.all()[0].UPDU, kit.all()[0].UPDU
		t.Logf("%s: the kit sends %d bytes, %d of them its hello: %.1f s of air at 75 bit/s, %.1f s at 300; headquarters answers with %d: %.1f s, %.1f s; done after %v at 300 bit/s",
			r.a.config.Peers[0].Mapping, len(u), pair.HelloSize, air(u, 75), air(u, 300), len(v), air(v, 75), air(v, 300), took)
		for _, e := range []*end{r.a, r.b} {
			if s := e.sees("paired"); s.Key != kitPair.Public().Short() || s.Heard.IsZero() || s.Refused != 0 {
				t.Errorf("%+v", s)
			}
		}
		if s := r.a.status(); s.State != links.Up || s.Remote != addresses[1].String() {
			t.Errorf("%+v", s)
		}
		r.a.Send("welcome")
		r.arrived(r.a, r.b, []string{"welcome"})
		r.b.Send("second")
		r.arrived(r.b, r.a, []string{"first", "second"})

		// Nothing of it is left on the air.
		n := len(hq.all())
		for _, u := range hq.all()[1:] {
			if pair.Is(u.UPDU) {
				t.Errorf("introduced again: %x", u.UPDU)
			}
		}
		time.Sleep(72 * time.Hour)
		if got := len(hq.all()); got != n {
			t.Errorf("%d U_PDUs on an idle link", got-n)
		}
	})
}

func air(b []byte, rate int) float64 { return float64(len(b)*8) / float64(rate) }

func TestAKitIntroducesItselfAtOnceAndOnce(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.start()
		r.a.sees("paired")
		r.b.sees("paired")
		time.Sleep(72 * time.Hour)
		if n, m := r.b.air.Sent(), r.a.air.Sent(); n != 1 || m != 1 {
			t.Errorf("%d transmissions of the kit, %d of headquarters", n, m)
		}
		r.b.Stop()
		r.a.Stop()
		r.start()
		time.Sleep(time.Hour)
		if n, m := r.b.air.Sent(), r.a.air.Sent(); n != 1 || m != 1 {
			t.Errorf("after a restart: %d transmissions of the kit, %d of headquarters", n, m)
		}
		r.a.Send("there you are")
		r.arrived(r.a, r.b, []string{"there you are"})
	})
}

func TestAKitMayWaitForItsFirstMessage(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.b.config.Peers[0].Pairing.AtOnce = false
		r.start()
		time.Sleep(24 * time.Hour)
		if n := r.b.air.Sent(); n != 0 || r.b.pairing().State != "introducing" || r.a.pairing().State != "invited" {
			t.Errorf("%d transmissions, %+v, %+v", n, r.b.pairing(), r.a.pairing())
		}
		r.b.Send("first")
		r.arrived(r.b, r.a, []string{"first"})
		if n := r.b.air.Sent(); n != 1 {
			t.Errorf("%d transmissions", n)
		}
	})
}

// What is for an invited kit waits, and goes with the answer.
func TestNothingGoesToAnInvitedKit(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.a.config.Peers[0].RemoteAddress = addresses[1]
		r.a.Send("are you there?")
		r.a.Start()
		time.Sleep(24 * time.Hour)
		if s := r.a.status(); r.a.air.Sent() != 0 || s.State != s5066.Invited || s.Pairing.Words != "invited, not heard yet" {
			t.Errorf("%d transmissions, %+v", r.a.air.Sent(), s)
		}
		r.b.Start()
		r.arrived(r.a, r.b, []string{"are you there?"})
		if n, m := r.b.air.Sent(), r.a.air.Sent(); m > 2 || n > 2 { // rcop: the answer may just be gone; longwire: the kit's mark
			t.Errorf("%d transmissions of the kit, %d of headquarters", n, m)
		}
	})
}

// Without the token nothing is learned and nothing changes, and the kit does not call for ever.
func TestWithoutTheTokenNothingChanges(t *testing.T) {
	for name, change := range map[string]func(*s5066.Pairing){
		"another token":        func(p *s5066.Pairing) { p.Token = pair.Token{9} },
		"another headquarters": func(p *s5066.Pairing) { p.Headquarters = pair.PrivateKey{1: 9}.Public() },
	} {
		t.Run(name, func(t *testing.T) {
			pairs(t, hf, func(r *rig) {
				change(r.b.config.Peers[0].Pairing)
				r.a.Send("secret")
				r.start()
				time.Sleep(7 * 24 * time.Hour)
				s := r.a.status()
				if s.Pairing.State != "invited" || len(r.a.record().Key) > 0 || r.a.air.Sent() != 0 || s.Remote != "" {
					t.Errorf("%d transmissions of headquarters, %+v, %+v", r.a.air.Sent(), s, r.a.record())
				}
				if s.Pairing.Refused+s.Strays.Pairing != uint64(r.b.air.Sent()) {
					t.Errorf("refused %d, of nobody %d, heard %d", s.Pairing.Refused, s.Strays.Pairing, r.b.air.Sent())
				}
				if n := r.b.air.Sent(); n < 4 || n > 8 {
					t.Errorf("%d transmissions of the kit in a week", n)
				}
				if s := r.b.pairing(); s.State != "introducing" {
					t.Errorf("%+v", s)
				}
				// The right one may come later.
				r.b.Stop()
				r.b.config.Peers[0].Pairing.Token, r.b.config.Peers[0].Pairing.Headquarters = kitToken, hqPair.Public()
				r.b.Start()
				r.arrived(r.a, r.b, []string{"secret"})
			})
		})
	}
}

// The kit was quicker than the operator at headquarters.
func TestAKitBeforeItsInvitation(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		invitation := r.a.config.Peers[0]
		r.a.config.Peers = []s5066.PeerConfig{{Peer: "third.net", RemoteAddress: addresses[2], Domains: []string{"third.net"}, LocalDomains: []string{"headquarters.net"}}}
		r.b.Send("hello?")
		r.start()
		time.Sleep(4 * time.Hour)
		before := r.b.air.Sent()
		if s := r.a.status(); s.Strays.Pairing != uint64(before) || before < 3 || before > 8 {
			t.Errorf("%d heard, %d sent", s.Strays.Pairing, before)
		}
		if n := r.b.Waiting(); n != 1 {
			t.Errorf("%d wait at the kit", n)
		}
		r.a.config.Peers = append(r.a.config.Peers, invitation)
		if err := r.a.m.Apply([]s5066.Config{r.a.config}); err != nil {
			t.Fatal(err)
		}
		r.arrived(r.b, r.a, []string{"hello?"})
		if n := r.b.air.Sent() - before; n != 1 {
			t.Errorf("%d transmissions more", n)
		}
	})
}

// The answer is lost, as may be behind the far SIS server. The hello comes again, and what was behind it is taken once.
func TestLostAnswer(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		lost := 0
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if lost < 2 {
				lost++
				return nil
			}
			return []sis.UnidataIndication{u}
		}
		r.b.Send("once")
		r.start()
		r.arrived(r.b, r.a, []string{"once"})
		r.b.sees("paired")
		if n := r.b.air.Sent(); n > 3 {
			t.Errorf("%d transmissions of the kit", n)
		}
		if c := r.a.record().Counter; c != 3 {
			t.Errorf("counter %d", c)
		}
	})
}

// What was heard once has no effect when it is heard again, from wherever.
func TestReplays(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		hq := r.a.listen()
		kit := r.b.listen()
		r.b.Send("first")
		r.start()
		r.arrived(r.b, r.a, []string{"first"})
		r.a.sees("paired")
		r.b.Stop()
		r.b.config.LocalAddress = addresses[2] // as if it had been moved: it introduces itself again
		r.b.Start()
		time.Sleep(time.Hour)
		before, n, m := r.a.record(), r.a.air.Sent(), r.b.air.Sent()
		if before.Counter != 2 {
			t.Fatalf("counter %d", before.Counter)
		}
		for _, u := range hq.all() {
			for _, from := range []sis.Address{u.Source, addresses[3]} {
				u.Source = from
				if err := r.a.tap().say(u); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
			}
		}
		for _, u := range kit.all() {
			if err := r.b.tap().say(u); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
		}
		after := r.a.record()
		after.Heard = before.Heard
		if fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("before %+v\nafter  %+v", before, after)
		}
		// The last hello again, from the kit's address, is answered again: the answer may have been lost.
		if got := r.a.air.Sent() - n; got > 2 {
			t.Errorf("%d transmissions of headquarters", got)
		}
		if got := r.b.air.Sent() - m; got != 0 {
			t.Errorf("%d transmissions of the kit", got)
		}
		if got := r.a.Received(); !slices.Equal(got, []string{"first"}) {
			t.Errorf("got %q", got)
		}
		r.a.Send("still here?")
		r.arrived(r.a, r.b, []string{"still here?"})
	})
}

// The first kit is the one. Both sides tell of the other.
func TestTwoKitsWithOneToken(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		other := r.end(2, "field.net", 0, "headquarters.net")
		defer other.Stop()
		p := r.b.config.Peers[0]
		pp := *p.Pairing
		pp.Key = pair.PrivateKey{1: 7}
		p.Pairing = &pp
		other.config.Peers[0] = p
		r.b.Send("first")
		r.start()
		r.arrived(r.b, r.a, []string{"first"})
		before := r.a.air.Sent()
		other.Send("me too")
		other.Start()
		s := other.sees("refused")
		if s.Words != "refused: another kit uses this token" || s.Until.IsZero() {
			t.Errorf("%+v", s)
		}
		hq := r.a.pairing()
		if hq.State != "paired" || hq.Refused != 1 || hq.RivalKey != pp.Key.Public().Short() || hq.RivalAt.IsZero() || r.a.status().Remote != addresses[1].String() {
			t.Errorf("%+v", hq)
		}
		if n := r.a.air.Sent() - before; n != 1 {
			t.Errorf("%d transmissions of headquarters for the other", n)
		}
		r.a.Send("for the first")
		r.arrived(r.a, r.b, []string{"for the first"})
		if got := other.Waiting(); got != 1 || len(r.a.Received()) != 1 {
			t.Errorf("%d wait at the other, headquarters has %q", got, r.a.Received())
		}
		other.Stop()
		at := other.air.Sent()
		other.Start()
		time.Sleep(7 * 24 * time.Hour)
		if n := other.air.Sent() - at; n > 12 {
			t.Errorf("%d transmissions of the other in a week", n)
		}
		// It is taken when the first is forgotten.
		if err := r.a.m.Forget("field.net", true); err != nil {
			t.Fatal(err)
		}
		r.b.Stop()
		other.Stop()
		other.Start()
		r.arrived(other, r.a, []string{"first", "me too"})
	})
}

// backup is a copy of an end's flash.
func (e *end) backup() []byte {
	e.t.Helper()
	var copied []byte
	e.Reopen(func(path string) {
		var err error
		if copied, err = os.ReadFile(path); err != nil {
			e.t.Fatal(err)
		}
	})
	return copied
}

func (e *end) restore(copied []byte) {
	e.t.Helper()
	e.Reopen(func(path string) {
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			e.t.Fatal(err)
		}
	})
}

// Headquarters has lost all it knew of the kit, but for the kit's address in the configuration: it asks, once, and the kit answers.
func TestHeadquartersRestoredFromABackup(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.a.config.Peers[0].RemoteAddress = addresses[1]
		old := r.a.backup()
		r.b.Send("before")
		r.start()
		r.arrived(r.b, r.a, []string{"before"})
		r.b.sees("paired")
		r.a.restore(old)
		r.a.Start()
		n, m := r.a.air.Sent(), r.b.air.Sent()
		r.b.Send("after")
		r.a.sees("paired")
		if r.a.config.Peers[0].Mapping == s5066.RCOP {
			// Without numbers of its own, what headquarters' server has confirmed is gone. What comes next is not.
			r.b.Send("more")
			r.arrived(r.b, r.a, []string{"more"})
			return
		}
		r.arrived(r.b, r.a, []string{"after"})
		t.Logf("%d transmissions of headquarters, %d of the kit", r.a.air.Sent()-n, r.b.air.Sent()-m)
		if n, m := r.a.air.Sent()-n, r.b.air.Sent()-m; n > 4 || m > 4 {
			t.Errorf("%d transmissions of headquarters, %d of the kit", n, m)
		}
	})
}

// The same where it does not know the kit's address either: the kit begins to doubt.
func TestKitDoubtsASilentHeadquarters(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		old := r.a.backup()
		r.b.Send("before")
		r.start()
		r.arrived(r.b, r.a, []string{"before"})
		r.b.sees("paired")
		r.a.restore(old)
		r.a.Start()
		for i := range 30 {
			r.b.Send(fmt.Sprint("after ", i))
			time.Sleep(time.Hour)
		}
		r.a.sees("paired")
		for end := time.Now().Add(time.Hour); time.Now().Before(end) && r.b.Waiting() > 0; time.Sleep(time.Minute) {
		}
		if got := r.a.Received(); r.b.Waiting() > 0 || !slices.Contains(got, "after 29") {
			t.Errorf("%d wait; headquarters has %q", r.b.Waiting(), got)
		}
	})
}

// A kit that was reset has another key: its token is spent. With a new one it is welcome, and what still has the old one is not.
func TestKitWasReset(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		fresh := r.b.backup()
		r.b.Send("before")
		r.start()
		r.arrived(r.b, r.a, []string{"before"})
		old := r.b.backup()
		r.b.restore(fresh)
		p := r.b.config.Peers[0].Pairing
		p.Key = pair.PrivateKey{1: 8}
		r.b.Start()
		r.b.sees("refused")

		r.b.Stop()
		r.a.Stop()
		q := r.a.config.Peers[0].Pairing
		p.Token, q.Token = pair.Token{8}, pair.Token{8}
		r.a.Start()
		if s := r.a.pairing(); s.State != "invited" {
			t.Errorf("%+v", s)
		}
		r.b.Send("after")
		r.b.Start()
		r.arrived(r.b, r.a, []string{"before", "after"})
		r.a.Send("welcome back")
		r.arrived(r.a, r.b, []string{"welcome back"})

		// The old one, from where it was: its server confirms, and that is all.
		r.b.restore(old)
		p.Token, p.Key = kitToken, kitPair
		before := r.a.air.Sent()
		r.b.Start()
		time.Sleep(time.Hour)
		if n := r.a.air.Sent() - before; n > 0 {
			t.Errorf("%d transmissions of headquarters", n)
		}
	})
}

func TestForget(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.start()
		r.a.sees("paired")
		if err := r.a.m.Forget("field.net", false); err != nil {
			t.Fatal(err)
		}
		r.a.Send("not for you")
		r.b.Send("still there?")
		time.Sleep(time.Hour)
		if s := r.a.status(); s.Pairing.State != "withdrawn" || s.State != s5066.Invited || len(r.a.Received()) != 0 || len(r.b.Received()) != 0 {
			t.Errorf("%+v; %q, %q", s, r.a.Received(), r.b.Received())
		}
		r.b.Stop()
		r.b.config.LocalAddress = addresses[2] // so that it introduces itself again
		r.b.Start()
		if s := r.b.sees("refused"); s.Words != "refused: headquarters has taken this kit back" {
			t.Errorf("%+v", s)
		}
		r.a.Stop()
		r.a.Start()
		if s := r.a.pairing(); s.State != "withdrawn" {
			t.Errorf("after a restart: %+v", s)
		}
		// A second thought.
		if err := r.a.m.Forget("field.net", true); err != nil {
			t.Fatal(err)
		}
		r.b.Stop()
		r.b.Start()
		r.a.sees("paired")
		r.arrived(r.a, r.b, []string{"not for you"})
		if err := r.a.m.Forget("nobody.net", true); err == nil {
			t.Error("forgot nobody")
		}
		if err := r.b.m.Forget("headquarters.net", true); err == nil {
			t.Error("forgot its headquarters")
		}
	})
}

// A dead band, radio silence and a SIS server that is not there: the kit tries now and then, and not for ever.
func TestKitCallsInVain(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.b.config.EMCON = true
		r.start()
		time.Sleep(24 * time.Hour)
		if n := r.b.air.Sent(); n != 0 {
			t.Errorf("%d transmissions under radio silence", n)
		}
		r.air.Cut(addresses[0], addresses[1], true)
		r.b.config.EMCON = false
		if err := r.b.m.Apply([]s5066.Config{r.b.config}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		if n := r.b.air.Sent(); n < 4 || n > 9 {
			t.Errorf("%d transmissions into a dead band", n)
		}
		r.air.Cut(addresses[0], addresses[1], false)
		r.b.Send("first")
		r.arrived(r.b, r.a, []string{"first"})
	})
}

// The address that headquarters has for the kit is wrong, and even another invited kit's: the kit's hello tells the right one, and the other peers of the link are
// not disturbed.
func TestAddressIsLearned(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		p := r.a.config.Peers[0]
		p.RemoteAddress = addresses[2]
		q := p
		q.Peer, q.Domains, q.RemoteAddress = "two.net", []string{"two.net"}, addresses[1]
		q.Pairing = &s5066.Pairing{Token: pair.Token{4}, Key: hqPair}
		friend := s5066.PeerConfig{Peer: "friend.net", RemoteAddress: addresses[3], Mapping: p.Mapping, Domains: []string{"friend.net"}, LocalDomains: []string{"headquarters.net"}}
		r.a.config.Peers = []s5066.PeerConfig{p, q, friend}
		two := r.end(2, "two.net", 0, "headquarters.net")
		defer two.Stop()
		mine := *r.b.config.Peers[0].Pairing
		two.config.Peers[0] = r.b.config.Peers[0]
		mine.Token, mine.Key = pair.Token{4}, pair.PrivateKey{1: 4}
		two.config.Peers[0].Pairing, two.config.Peers[0].LocalDomains = &mine, []string{"two.net"}
		r.start()
		of := func(peer string) s5066.Status {
			all := r.a.m.Status()
			return all[slices.IndexFunc(all, func(s s5066.Status) bool { return s.Peer == peer })]
		}
		until := func(what string, ok func() bool) {
			t.Helper()
			for end := time.Now().Add(time.Hour); !ok(); time.Sleep(time.Second) {
				if time.Now().After(end) {
					t.Fatalf("never %s: %+v", what, r.a.m.Status())
				}
			}
		}
		until("learned", func() bool { return of("field.net").Remote == addresses[1].String() })
		if s := of("two.net"); s.Remote != "" || s.Pairing.State != "invited" {
			t.Errorf("%+v", s)
		}
		two.Start()
		until("learned", func() bool { return of("two.net").Remote == addresses[2].String() })
		until("paired", func() bool {
			return of("field.net").Pairing.State == "paired" && of("two.net").Pairing.State == "paired"
		})
		if s := of("friend.net"); s.Contacts != 1 || s.Pairing != nil {
			t.Errorf("%+v", s)
		}
		r.a.Stop()
		r.a.Start()
		if f, w := of("field.net").Remote, of("two.net").Remote; f != addresses[1].String() || w != addresses[2].String() {
			t.Errorf("after a restart: %s, %s", f, w)
		}
		r.a.Send("one")
		r.a.SendTo("two.net", "two")
		until("delivered", func() bool {
			return slices.Equal(r.b.Received(), []string{"one"}) && slices.Equal(two.Received(), []string{"two"})
		})
		// The operator changes his mind: the configuration counts again.
		r.a.Stop()
		r.a.config.Peers[0].RemoteAddress = addresses[3]
		r.a.config.Peers = r.a.config.Peers[:2]
		r.a.Start()
		if f := of("field.net").Remote; f != addresses[3].String() {
			t.Errorf("after a change of the configuration: %s", f)
		}
	})
}

// A kit from an address that is another peer's is refused, and told.
func TestAddressOfAnotherPeer(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		friend := s5066.PeerConfig{Peer: "friend.net", RemoteAddress: addresses[1], Domains: []string{"friend.net"}, LocalDomains: []string{"headquarters.net"}}
		r.a.config.Peers = append(r.a.config.Peers, friend)
		r.start()
		if s := r.b.sees("refused"); !strings.Contains(s.Words, "as another peer's") {
			t.Errorf("%+v", s)
		}
		all := r.a.m.Status()
		if s := all[0]; s.Peer != "field.net" || s.Pairing.State != "invited" || !strings.Contains(s.Pairing.Words, "friend.net") || all[1].Remote != addresses[1].String() {
			t.Errorf("%+v", all)
		}
	})
}

// A node at the kit's address that does not introduce itself is asked who it is, now and then, and not heard.
func TestAStrangerAtTheKitsAddress(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.a.config.Peers[0].RemoteAddress = addresses[1]
		r.b.config.Peers[0].Pairing = nil
		r.start()
		for range 60 {
			r.b.Send("hear me")
			time.Sleep(time.Hour)
		}
		s := r.a.status()
		if n := r.a.air.Sent(); n < 2 || n > 10 || len(r.a.Received()) > 0 || s.Drops.Closed == 0 || s.Pairing.State != "invited" {
			t.Errorf("%d questions, %q, %+v", n, r.a.Received(), s)
		}
	})
}

// Power fails at any time before, while and after a kit introduces itself, on either side: in the end they are paired, and what was sent came once.
func TestPowerCutsWhilePairing(t *testing.T) {
	for step := range 12 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			pairs(t, hf, func(r *rig) {
				r.a.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication { return []sis.UnidataIndication{u} }
				r.b.mangle = r.a.mangle
				r.b.Send("first")
				r.a.Send("from headquarters")
				r.start()
				time.Sleep(time.Duration(step) * time.Second)
				for _, e := range []*end{r.a, r.b} {
					e.Crash(e.cut)
				}
				r.start()
				r.arrived(r.b, r.a, []string{"first"})
				r.arrived(r.a, r.b, []string{"from headquarters"})
				r.a.sees("paired")
				r.b.sees("paired")
				// Neither side has used a counter twice.
				if a, b := r.a.record(), r.b.record(); a.Counter != b.Counter || b.Answered != b.Counter {
					t.Errorf("%+v\n%+v", a, b)
				}
			})
		})
	}
}

// The kit hears headquarters' time, once for each answer.
func TestHeadquartersTellsTheTime(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		var told atomic.Int64
		r.b.clock = func(at time.Time) {
			if off := time.Since(at); off < 0 || off > time.Minute {
				t.Errorf("%v away", off)
			}
			told.Add(1)
		}
		r.start()
		r.b.sees("paired")
		time.Sleep(time.Hour)
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestOnlyOnePeerHasAToken(t *testing.T) {
	n := linktest.NewNode(t, "headquarters.net", "field.net")
	m := s5066.NewManager(s5066.Env{DB: n.DB})
	p := s5066.PeerConfig{Peer: "a", Pairing: &s5066.Pairing{Token: kitToken, Key: hqPair}}
	q := p
	q.Peer = "b"
	c := s5066.Config{Name: "x", Server: s5066.Server{Address: "localhost:5066"}, SAP: 6, LocalAddress: addresses[0], Peers: []s5066.PeerConfig{p, q}}
	if err := m.Check([]s5066.Config{c}); err == nil || !strings.Contains(err.Error(), "peers a and b have the same token") {
		t.Error(err)
	}
	q.Pairing = &s5066.Pairing{Token: pair.Token{1}, Key: kitPair, Headquarters: hqPair.Public()}
	c.Peers = []s5066.PeerConfig{p, q}
	if err := m.Check([]s5066.Config{c}); err == nil || !strings.Contains(err.Error(), "address of peer b is missing") {
		t.Error(err)
	}
}

// Between nodes that may not answer each other's servers nothing is confirmed on the way: hello and answer go blindly, with repeats.
func TestPairingWithoutARQ(t *testing.T) {
	play(t, hf, func(r *rig) {
		for _, e := range []*end{r.a, r.b} {
			p := &e.config.Peers[0]
			p.Delivery, p.Repeats = s5066.DeliveryNoARQ, 2
		}
		r.a.config.Peers[0].Pairing = &s5066.Pairing{Token: kitToken, Key: hqPair}
		r.b.config.Peers[0].Pairing = &s5066.Pairing{Token: kitToken, Key: kitPair, Headquarters: hqPair.Public(), AtOnce: true}
		r.air.Set(func(o *sistest.Options) { o.Loss = 0.3 })
		r.b.Send("first")
		r.start()
		r.arrived(r.b, r.a, []string{"first"})
		r.a.Send("welcome")
		r.arrived(r.a, r.b, []string{"welcome"})
		r.a.sees("paired")
		r.b.sees("paired")
	})
}

// What does not fit one U_PDU begins in the first and goes on when headquarters has answered.
func TestLongFirstMessage(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.b.air = r.air.Node(addresses[1], sis.ServerConfig{MTU: 512})
		want := []string{noise(3000), "short"}
		r.b.Send(want...)
		r.start()
		r.arrived(r.b, r.a, want)
		r.b.sees("paired")
		if c := r.a.record().Counter; c != 1 {
			t.Errorf("%d introductions", c)
		}
	})
}

// A kit that has its key and not its counter, as from a backup, comes to the counters that headquarters has not heard yet.
func TestKitHasLostItsRecord(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		r.start()
		r.b.sees("paired")
		r.b.Stop()
		err := r.b.DB.Update(func(tx *store.Tx) error { return tx.DeletePairing(r.b.Peer()) })
		if err != nil {
			t.Fatal(err)
		}
		// Its counter begins anew. Headquarters has answered the first already; the second is news.
		r.b.Send("again")
		r.b.Start()
		r.arrived(r.b, r.a, []string{"again"})
		r.b.sees("paired")
	})
}

// A clock that was years ahead for a while must not make a kit look heard for years.
func TestHeardInTheFutureIsForgotten(t *testing.T) {
	pairs(t, hf, func(r *rig) {
		hq := r.a.listen()
		r.start()
		r.a.sees("paired")
		r.a.Stop()
		rec := r.a.record()
		rec.Heard = time.Now().AddDate(10, 0, 0)
		if err := r.a.DB.Update(func(tx *store.Tx) error { return tx.PutPairing(r.a.Peer(), rec) }); err != nil {
			t.Fatal(err)
		}
		r.a.Start()
		time.Sleep(time.Minute)
		// Nothing was heard of the kit yet, whatever a stranger says.
		for _, u := range hq.all() {
			u.Source = addresses[3]
			u.UPDU = slices.Clone(u.UPDU)
			u.UPDU[len(u.UPDU)-1] ^= 1
			if !pair.Is(u.UPDU) {
				continue
			}
			if err := r.a.tap().say(u); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if got := r.a.record().Heard; !got.Equal(rec.Heard) {
			t.Errorf("noted as heard at %v", got)
		}
		r.b.Send("now")
		r.arrived(r.b, r.a, []string{"now"})
		time.Sleep(time.Minute)
		if at := r.a.record().Heard; at.After(time.Now()) {
			t.Errorf("noted as heard %v from now", time.Until(at))
		}
		if at := r.a.pairing().Heard; at.After(time.Now()) {
			t.Errorf("told as heard %v from now", time.Until(at))
		}
	})
}
