package s5066

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/pair"
	"longwire/links/sis"
	"longwire/store"
)

var (
	insideHQ    = pair.PrivateKey{1: 1}
	insideKit   = pair.PrivateKey{1: 2}
	insideToken = pair.Token{3}
)

// introduce makes a lone mapping one behind a pairing, and its bind.
func introduce(t testing.TB, c Pairing) (*longwire, *bind) {
	t.Helper()
	w := lone(t)
	p := w.p
	p.c.Pairing = &c
	p.link.LocalAddress = sis.MakeAddress(1, 1, 0, 1)
	b := newBind(p.link, nil, slog.New(slog.DiscardHandler))
	p.bind, p.m = b, w
	p.pair = newPairing(p, nil)
	b.ports = append(b.ports, p)
	b.place()
	return w, b
}

func session(t testing.TB) pair.Session {
	t.Helper()
	s, err := pair.AtKit(insideToken, insideKit, insideHQ.Public())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A counter that cannot be put on flash is not sent, what was to go behind it is not lost, and the store is left in peace for a while.
func TestHelloNeedsTheStore(t *testing.T) {
	w, _ := introduce(t, Pairing{Token: insideToken, Key: insideKit, Headquarters: insideHQ.Public()})
	g := w.p.pair
	err := w.p.db.Update(func(tx *store.Tx) error {
		_, _, err := w.p.queue.Put(tx, store.Entry{Kind: store.KindChat, From: "a@b", To: "c@d", Queued: time.Now(), Stanza: message(1)}, store.QueueLimits{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	composed := false
	u, err := g.dress(2048, func(mtu int) *upload {
		composed = true
		u := w.compose(mtu)
		if u == nil || len(u.updu) > 2048-pair.HelloSize {
			t.Fatal("nothing composed, or too much")
		}
		w.p.db.Close()
		return u
	}, false)
	if u != nil || !errors.Is(err, errNotSent) || !composed {
		t.Fatalf("%+v, %v", u, err)
	}
	if w.out.leaving != nil || w.out.next != 1 || g.kit.state != due || g.rec.Counter != 0 {
		t.Errorf("leaving %+v, next %d, state %d, counter %d", w.out.leaving, w.out.next, g.kit.state, g.rec.Counter)
	}
	if g.mayLocked(time.Now()) || !g.mayLocked(time.Now().Add(retryStore)) {
		t.Error("tried again at once, or never")
	}
}

// A token is not used for ever: the counter does not come round.
func TestCountersEnd(t *testing.T) {
	w, _ := introduce(t, Pairing{Token: insideToken, Key: insideKit, Headquarters: insideHQ.Public(), AtOnce: true})
	g := w.p.pair
	g.rec.Counter = 65534
	u, err := g.dress(2048, w.compose, true)
	if err != nil || u == nil {
		t.Fatal(err)
	}
	u.sent(1, time.Now())
	g.mu.Lock()
	g.dueLocked(0)
	g.mu.Unlock()
	if u, err := g.dress(2048, w.compose, true); u != nil || !errors.Is(err, errClosed) {
		t.Errorf("%+v, %v", u, err)
	}
	var s Status
	if g.report(&s); s.Pairing.Words != tooOften {
		t.Errorf("%+v", s.Pairing)
	}
}

// A kit of which nothing came for a day, and nothing went to: nobody is in doubt.
func TestSilenceIsNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := introduce(t, Pairing{Token: insideToken, Key: insideKit, Headquarters: insideHQ.Public()})
		defer w.p.db.Close()
		g := w.p.pair
		g.kit.state = paired
		time.Sleep(3 * doubtAfter)
		if u, err := g.dress(2048, func(int) *upload { return g.bare() }, false); err != nil || pair.Is(u.updu) {
			t.Errorf("%+v, %v", u, err)
		}
		g.fate(7, fate{kind: confirmed})
		if u, err := g.dress(2048, func(int) *upload { return g.bare() }, false); err != nil || !pair.Is(u.updu) {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// Whatever comes from whomever: without the token nothing is learned, nothing is taken and nothing panics.
func FuzzIntroduction(f *testing.F) {
	s := session(f)
	hello := s.Hello(1, []byte{1, 2, 3})
	f.Add(hello[:len(hello)-1], uint32(sis.MakeAddress(1, 1, 0, 2)), false)
	f.Add(s.Answer(1, pair.Paired, time.Unix(2e9, 0), nil), uint32(sis.MakeAddress(1, 1, 0, 2)), true)
	f.Add(insideToken.Question(time.Unix(2e9, 0)), uint32(1), true)
	f.Add([]byte{}, uint32(0), false)
	hq, hqBind := introduce(f, Pairing{Token: insideToken, Key: insideHQ})
	kit, kitBind := introduce(f, Pairing{Token: insideToken, Key: insideKit, Headquarters: insideHQ.Public()})
	before := [2]string{fmt.Sprintf("%+v", hq.p.pair.rec), fmt.Sprintf("%+v", kit.p.pair.rec)}
	f.Fuzz(func(t *testing.T, updu []byte, from uint32, atKit bool) {
		if m, err := pair.Parse(updu); err == nil && (s.Verify(m) || insideToken.Verify(m)) {
			return // it knows the token
		}
		w, b, was := hq, hqBind, before[0]
		if atKit {
			w, b, was = kit, kitBind, before[1]
		}
		g := w.p.pair
		b.indication(sis.UnidataIndication{Source: sis.Address(from).Canonical(), SourceSAP: 6, DestinationSAP: 6, UPDU: updu})
		for g.digest() {
		}
		if is := fmt.Sprintf("%+v", g.rec); is != was || g.open || g.kit.state == paired {
			t.Errorf("%s became %s", was, is)
		}
		if _, ok := w.box.take(); ok {
			t.Error("data of a stranger was taken")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.hq.answer != nil || len(g.hq.mail) > 0 || w.p.remote().Size() > 0 {
			t.Error("a stranger is answered") // no address is known from which a kit could be missed
		}
	})
}

// A hello that did not get to headquarters' server costs no counter and no commit, as there may be thousands of them before a band opens. One that
// did, and was not answered, is followed by another.
func TestAHelloThatDidNotGetThereIsTheSame(t *testing.T) {
	w, _ := introduce(t, Pairing{Token: insideToken, Key: insideKit, Headquarters: insideHQ.Public(), AtOnce: true})
	g, s := w.p.pair, session(t)
	next := func(ticket sis.Ticket) uint16 {
		t.Helper()
		u, err := g.dress(2048, w.compose, true)
		if err != nil || u == nil {
			t.Fatal(err)
		}
		m, err := pair.Parse(u.updu)
		if err != nil || !s.Verify(m) {
			t.Fatalf("%+v, %v", m, err)
		}
		u.sent(ticket, time.Now())
		return m.Counter
	}
	for n := range sis.Ticket(20) {
		if c := next(n + 1); c != 1 {
			t.Fatalf("counter %d", c)
		}
		if !g.fate(n+1, fate{kind: rejected, reason: sis.RejectNoResponse}) {
			t.Error("the mapping was told of what is not its own")
		}
	}
	next(99)
	g.fate(99, fate{kind: confirmed})
	if wait := time.Until(g.kit.until); wait > introFirst {
		t.Errorf("waits for %v", wait)
	}
	g.mu.Lock()
	g.dueLocked(0) // time is up
	g.mu.Unlock()
	if c := next(100); c != 2 {
		t.Errorf("counter %d", c)
	}
}
