package delivery_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

var alice = jid.MustParse("alice@field.net/tent")

func open(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func update(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, db *store.DB, id string, change ...func(*store.Entry)) (n uint64) {
	t.Helper()
	e := store.Entry{Kind: store.KindChat, From: alice.String(), To: "bob@headquarters.net/desk", StanzaID: id, Queued: time.Now(), Track: true, Receipt: true,
		Stanza: []byte("<message><body>x</body></message>")}
	for _, f := range change {
		f(&e)
	}
	update(t, db, func(tx *store.Tx) (err error) {
		n, _, err = db.Queue("hq").Put(tx, e, store.QueueLimits{})
		return err
	})
	return n
}

func expect(t *testing.T, truth *delivery.Truth, entry uint64, want delivery.State) delivery.Message {
	t.Helper()
	m, err := truth.State("hq", entry)
	if err != nil || m.State != want {
		t.Errorf("entry %d is %q, %v; want %q", entry, m.State, err, want)
	}
	return m
}

func TestAMessageComesByAllStates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := open(t, path)
	truth := delivery.New(delivery.Env{DB: db})
	one, two := put(t, db, "1"), put(t, db, "2")
	if m := expect(t, truth, two, delivery.Queued); m.Position != 2 {
		t.Errorf("position %d", m.Position)
	}
	update(t, db, func(tx *store.Tx) error { return db.Queue("hq").Number(tx, "s", 1, []uint64{one}) })
	expect(t, truth, one, delivery.WithLink)
	if m := expect(t, truth, two, delivery.Queued); m.Position != 1 {
		t.Errorf("position %d", m.Position)
	}
	truth.Sent("hq", "HF", one)
	expect(t, truth, one, delivery.OnAir)
	truth.Down("hq", "SatCom")
	expect(t, truth, one, delivery.OnAir)
	truth.Down("hq", "HF")
	expect(t, truth, one, delivery.WithLink)
	truth.Sent("hq", "HF", one)
	truth.OnFarNode("hq", "HF", one)
	truth.Down("hq", "HF")
	expect(t, truth, one, delivery.AtRadio)

	// After a restart nothing is said that is not known any more.
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	truth = delivery.New(delivery.Env{DB: db})
	expect(t, truth, one, delivery.WithLink)
	update(t, db, func(tx *store.Tx) error { _, err := db.Queue("hq").Confirm(tx, "s", 1); return err })
	expect(t, truth, one, delivery.AtPeer)
	truth.Sent("hq", "HF", one) // the link is late to tell
	expect(t, truth, one, delivery.AtPeer)
	update(t, db, func(tx *store.Tx) error {
		_, err := tx.FateDelivered(alice.String(), "bob@headquarters.net/phone", "1")
		return err
	})
	expect(t, truth, one, delivery.Delivered)
	all, err := truth.OfAccount(alice, 0)
	if err != nil || len(all) != 2 || all[0].StanzaID != "2" || all[1].State != delivery.Delivered {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := truth.State("hq", 99); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func TestAReceiptThatOvertakesTheConfirmationIsBelieved(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "store.db"))
	truth := delivery.New(delivery.Env{DB: db})
	one := put(t, db, "1")
	update(t, db, func(tx *store.Tx) error { return db.Queue("hq").Number(tx, "s", 1, []uint64{one}) })
	truth.Sent("hq", "HF", one)
	update(t, db, func(tx *store.Tx) error {
		_, err := tx.FateDelivered(alice.String(), "bob@headquarters.net", "1")
		return err
	})
	expect(t, truth, one, delivery.Delivered)
	list, err := truth.Queue("hq")
	if err != nil || len(list) != 1 || list[0].State != delivery.Delivered {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestWhatIsHeldHasNoPlaceInLine(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "store.db"))
	truth := delivery.New(delivery.Env{DB: db, Waits: func(string) func(*store.Entry) string {
		return func(e *store.Entry) string { return "because of " + e.StanzaID }
	}})
	held := put(t, db, "1", func(e *store.Entry) { e.NotBefore = time.Now().Add(time.Hour) })
	next := put(t, db, "2")
	if m := expect(t, truth, held, delivery.Queued); m.Position != 0 || m.NotBefore.IsZero() || m.Why != "because of 1" {
		t.Errorf("%+v", m)
	}
	if m := expect(t, truth, next, delivery.Queued); m.Position != 1 || !m.NotBefore.IsZero() {
		t.Errorf("%+v", m)
	}
}

func TestOnlyTheSenderTakesAMessageBack(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "store.db"))
	truth := delivery.New(delivery.Env{DB: db, Cancel: func(_ jid.JID, peer string, ids ...uint64) (gone []store.Entry, err error) {
		err = db.Update(func(tx *store.Tx) (err error) {
			gone, err = db.Queue(peer).DoneAs(tx, store.Because{State: store.FateCancelled}, ids...)
			return err
		})
		return gone, err
	}})
	one, two := put(t, db, "1"), put(t, db, "2")
	if _, err := truth.Cancel(jid.MustParse("eve@field.net"), "hq", one); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	expect(t, truth, one, delivery.Queued)
	if m, err := truth.Cancel(alice, "hq", one); err != nil || m.State != delivery.Cancelled {
		t.Errorf("%q, %v", m.State, err)
	}
	update(t, db, func(tx *store.Tx) error { return db.Queue("hq").Number(tx, "s", 1, []uint64{two}) })
	if m, err := truth.Cancel(alice, "hq", two); err != nil || m.State != delivery.WithLink {
		t.Errorf("what a link has is %q, %v", m.State, err)
	}
}

// inbox is a domain's Sink that keeps what it gets.
type inbox struct{ got chan *stanza.Stanza }

func (b inbox) Accept(t *router.Turn, s *stanza.Stanza) error {
	t.After(func() { b.got <- s })
	return nil
}

func TestReceiptsOfTheHopAreGivenOnceAndMarked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := open(t, path)
	one, two := put(t, db, "1"), put(t, db, "2", func(e *store.Entry) { e.Receipt = false })
	update(t, db, func(tx *store.Tx) error {
		return errors.Join(db.Queue("hq").Number(tx, "s", 1, []uint64{one, two}), func() error { _, err := db.Queue("hq").Confirm(tx, "s", 2); return err }())
	})
	// The node dies between the confirmation and the receipt.
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for life := range 2 {
		db = open(t, path)
		r, box := new(router.Router), inbox{make(chan *stanza.Stanza, 9)}
		if _, err := r.Bind("field.net", box); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		over := make(chan error)
		go func() { over <- delivery.New(delivery.Env{DB: db}).Receipts(ctx, r, slog.New(slog.DiscardHandler)) }()
		if life == 0 {
			want := "<message from='bob@headquarters.net' to='alice@field.net/tent' type='chat' id='hop-hq-1'><received xmlns='urn:xmpp:receipts' id='1'/>" +
				"<hop xmlns='urn:x-longwire:delivery:0' at='peer-node' peer='hq'/><store xmlns='urn:xmpp:hints'/></message>"
			select {
			case s := <-box.got:
				if got := string(s.Bytes()); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("no receipt")
			}
		}
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		if len(box.got) != 0 {
			t.Errorf("one more: %s", (<-box.got).Bytes())
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// broken is a Sink that cannot write for one account.
type broken struct{ inbox }

func (b broken) Accept(t *router.Turn, s *stanza.Stanza) error {
	if s.To.Local() == "alice" {
		return errors.New("damaged")
	}
	return b.inbox.Accept(t, s)
}

func TestAReceiptThatCannotBeGivenHoldsUpNoOthers(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "store.db"))
	var ids []uint64
	for _, who := range []string{"alice", "carol", "alice", "dan"} {
		ids = append(ids, put(t, db, who, func(e *store.Entry) { e.From = who + "@field.net/tent" }))
	}
	q := db.Queue("hq")
	update(t, db, func(tx *store.Tx) error {
		if err := q.Number(tx, "s", 1, ids); err != nil {
			return err
		}
		_, err := q.Confirm(tx, "s", uint32(len(ids)))
		return err
	})
	r, box := new(router.Router), inbox{make(chan *stanza.Stanza, 9)}
	if _, err := r.Bind("field.net", broken{box}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- delivery.New(delivery.Env{DB: db}).Receipts(ctx, r, slog.New(slog.DiscardHandler)) }()
	for _, who := range []string{"carol", "dan"} {
		select {
		case s := <-box.got:
			if s.To.Local() != who {
				t.Errorf("to %s, want %s", s.To, who)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("no receipt for " + who)
		}
	}
	stop()
	<-over
	if len(box.got) != 0 {
		t.Error("one more")
	}
	if err := db.View(func(tx *store.Tx) error {
		due, err := tx.ReceiptsDue(9)
		if len(due) != 2 {
			t.Errorf("due: %+v", due)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
