package s5066

import (
	"testing"
	"time"

	"longwire/links/s5066/frame"
	"longwire/store"
)

// While a run that the peer can read is on its way, a complaint is about what was before it; when it has come, the complaint is about it.
func TestComplaintAboutWhatWasBefore(t *testing.T) {
	w := lone(t)
	err := w.p.db.Update(func(tx *store.Tx) error {
		for n := range 3 {
			_, _, err := w.p.queue.Put(tx, store.Entry{Kind: store.KindChat, From: "a@b", To: "c@d", Queued: time.Now(), Stanza: message(n)}, store.QueueLimits{})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	u := w.compose(2048)
	if u == nil {
		t.Fatal("nothing composed")
	}
	u.sent(1, time.Now())
	complain := func() uint32 {
		b, err := frame.Append(nil, frame.Header{Names: true, Out: "abcdef.new0", In: w.name(), Again: true})
		if err != nil {
			t.Fatal(err)
		}
		w.turn.Lock()
		defer w.turn.Unlock()
		w.digest(time.Now())
		w.take(t.Context(), b)
		return w.out.next
	}
	if next := complain(); next != 4 {
		t.Errorf("while it is on its way: goes back to %d", next)
	}
	w.fate(1, fate{kind: confirmed})
	if next := complain(); next != 1 {
		t.Errorf("when it has come: goes on with %d", next)
	}
}
