package s5066

import (
	"testing"
	"time"

	"longwire/links/s5066/frame"
	"longwire/store"
)

// While all that waits is held, nobody looks before it is due.
func TestHeldStanzasAreLookedForWhenDue(t *testing.T) {
	w := lone(t)
	now := time.Now()
	put := func(e store.Entry) {
		e.Kind, e.From, e.To, e.Queued, e.Stanza = store.KindChat, "a@x/1", "b@y", now, []byte("<message/>")
		err := w.p.db.Update(func(tx *store.Tx) error {
			_, _, err := w.p.queue.Put(tx, e, store.QueueLimits{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func() (action, time.Time) {
		w.turn.Lock()
		defer w.turn.Unlock()
		return w.plan(time.Now().Add(time.Second)) // what comes together has gone together
	}
	put(store.Entry{NotBefore: now.Add(20 * time.Minute)})
	put(store.Entry{NotBefore: now.Add(10 * time.Minute)})
	if u := w.compose(2048); u != nil {
		t.Fatal("what is held was sent")
	}
	if a, at := look(); a != idle || at.Sub(now).Round(time.Second) != 10*time.Minute {
		t.Errorf("action %d, next look after %v", a, at.Sub(now))
	}
	put(store.Entry{})
	w.gather()
	a, _ := look()
	w.out.quiet = time.Time{}
	if a != sendData || w.compose(2048) == nil {
		t.Errorf("action %d where something came that is not held", a)
	}
}

// A peer that goes back to a program without an express lane gets what is unconfirmed there in the ordinary one.
func TestExpressIsLeftForAnEarlierProgram(t *testing.T) {
	w := lone(t)
	hear := func(name string) {
		w.step(func() {
			if err := w.understood(t.Context(), frame.Header{Names: true, Out: name}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	hear("peeraa.Abc0")
	err := w.p.db.Update(func(tx *store.Tx) error {
		_, _, err := w.p.queue.Put(tx, store.Entry{Kind: store.KindChat, Class: store.ClassFlash, From: "a@x/1", To: "b@y", Queued: time.Now(),
			Stanza: []byte("<message/>")}, store.QueueLimits{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	u := w.lanes.compose(2048)
	if u == nil || !frame.Express(u.updu) {
		t.Fatalf("%+v", u)
	}
	u.sent(1, time.Now())
	hear("peeraa.xyz0")
	u = w.lanes.compose(2048)
	if u == nil {
		t.Fatal("nothing is sent")
	}
	if f, err := frame.Parse(u.updu); err != nil || f.Peek().Data != frame.Stanzas {
		t.Errorf("the peer cannot read % X: %v", u.updu, err)
	}
	if got, err := w.p.queue.Unconfirmed(w.book.State().OutID); err != nil || len(got) != 1 || got[0].Was == "" {
		t.Errorf("%+v, %v", got, err)
	}
}
