package s5066

import (
	"fmt"
	"testing"
	"time"

	"longwire/links/s5066/frame"
	"longwire/store"
)

func message(n int) []byte {
	return fmt.Appendf(nil, "<message from='a@b' to='c@d'><body>%d</body></message>", n)
}

// A word of an earlier life that comes late does not make us deaf to the present one.
func TestLateWordOfAnEarlierLife(t *testing.T) {
	w := lone(t)
	w.turn.Lock()
	defer w.turn.Unlock()
	take := func(h frame.Header, enc *frame.Encoder, texts ...[]byte) {
		t.Helper()
		b, err := frame.Append(nil, h)
		if enc != nil {
			b, _, err = enc.Encode(nil, h, texts, 2048)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.take(t.Context(), b)
		w.book.Drain()
	}
	var enc frame.Encoder
	enc.Start(1)
	take(frame.Header{Names: true, Out: "abcdef.new0"}, &enc, message(1))
	take(frame.Header{Names: true, Out: "abcdef.old0"}, nil)
	take(frame.Header{Out: "abcdef.new0", In: w.name()}, &enc, message(2)) // cannot be read, and is complained of
	if a := w.out.again; a == nil || a.In != "abcdef.new0" {
		t.Fatalf("complains %+v", a)
	}
	// So the peer begins anew, and need not introduce itself, as we know its name.
	enc.Start(2)
	take(frame.Header{Out: "abcdef.new0", In: w.name()}, &enc, message(2))
	if c := w.book.State(); c.Mark != 2 {
		t.Errorf("taken up to %d", c.Mark)
	}
}

// Answers to a peer that is heard and does not hear fill no window that others wait behind.
func TestAnswersHaveAWindow(t *testing.T) {
	w := lone(t)
	w.turn.Lock()
	defer w.turn.Unlock()
	w.question = true
	for range 2 * window {
		if a, _ := w.plan(time.Now()); a != sendAnswer {
			t.Fatal("an answer is not sent")
		}
		w.out.flights = append(w.out.flights, flight{kind: sendAnswer})
	}
	w.out.again = &frame.Header{Names: true, Again: true}
	if a, _ := w.plan(time.Now()); a != idle {
		t.Errorf("action %d with %d under way", a, len(w.out.flights))
	}
}

// A store that fails is not asked without pause.
func TestStoreThatFailsIsNotAskedWithoutPause(t *testing.T) {
	w := lone(t)
	w.p.db.Close()
	w.question = true
	if u := w.compose(2048); u != nil {
		t.Fatal("sent without a name")
	}
	w.turn.Lock()
	defer w.turn.Unlock()
	if a, at := w.plan(time.Now()); a != idle || time.Until(at) > time.Minute {
		t.Errorf("action %d, next at %v", a, at)
	}
}

// What is composed and waits for the server is as good as sent: it does not expire meanwhile.
func TestReleaseLeavesWhatIsLeaving(t *testing.T) {
	w := lone(t)
	err := w.p.db.Update(func(tx *store.Tx) error {
		_, _, err := w.p.queue.Put(tx, store.Entry{Kind: store.KindChat, From: "a@b", To: "c@d", Queued: time.Now(), Expires: time.Now().Add(time.Minute),
			Stanza: message(1)}, store.QueueLimits{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.compose(2048) == nil {
		t.Fatal("nothing composed")
	}
	w.turn.Lock()
	defer w.turn.Unlock()
	if err := w.release(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := w.p.queue.Stats().Sent; n != 1 {
		t.Errorf("%d numbered, want 1", n)
	}
}
