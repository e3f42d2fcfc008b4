package custody_test

import (
	"testing"

	"longwire/links/custody"
	"longwire/store"
)

// expressed queues a message and has it numbered on the express lane.
func (k *taker) expressed() store.Entry {
	k.t.Helper()
	q := k.db.Queue("p")
	e := store.Entry{Kind: store.KindChat, Class: store.ClassFlash, From: "a@x", To: "b@y", Stanza: []byte("<message/>")}
	err := k.db.Update(func(tx *store.Tx) (err error) {
		e.ID, _, err = q.Put(tx, e, store.QueueLimits{})
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	all := []store.Entry{e}
	if err := k.express.Number(all); err != nil {
		k.t.Fatal(err)
	}
	return all[0]
}

// handedOver checks that whoever takes finds the entry unsent, with the number that it had.
func (k *taker) handedOver(who any, u *custody.User, e store.Entry) {
	k.t.Helper()
	k.desk.Turn.Lock()
	defer k.desk.Turn.Unlock()
	if ok, err := k.desk.Take(who, u); !ok || err != nil {
		k.t.Fatal(ok, err)
	}
	got, err := k.db.Queue("p").Next(9, 1<<20)
	if err != nil {
		k.t.Fatal(err)
	}
	if len(got) != 1 || got[0].Was != e.Session || got[0].WasSeq != e.Seq {
		k.t.Fatalf("%+v, want the one that was %s %d", got, e.Session, e.Seq)
	}
}

// The peer may have taken what has a number of the express lane, also when no link is there any more that has one.
func TestExpressOfNoLinkIsHandedOver(t *testing.T) {
	k := newTaker(t)
	e := k.expressed()
	u := &custody.User{Numbering: "p", Keys: []string{"p"}}
	k.desk.Use(u)
	k.handedOver("ip", u, e)
}

// A link that leaves something on the express lane makes the one that carries take that.
func TestWhoLeavesTheExpressLaneLeavesItToTheCarrier(t *testing.T) {
	k := newTaker(t)
	ip, hf := &custody.User{Numbering: "p", Keys: []string{"p"}}, &custody.User{Numbering: "p", Keys: []string{"p", custody.Express("p")}}
	k.desk.Use(ip)
	leave := k.desk.Use(hf)
	k.desk.Turn.Lock()
	if ok, err := k.desk.Take("ip", ip); !ok || err != nil {
		t.Fatal(ok, err)
	}
	k.desk.TakeExpress("hf")
	k.desk.Turn.Unlock()
	e := k.expressed()
	woken := 0
	defer k.desk.Listen("ip", func(took bool) {
		if !took {
			woken++
		}
	})()
	leave("ordinary", "hf")
	k.desk.Turn.Lock()
	if k.desk.Carries("ip") || woken == 0 || !k.desk.HoldsExpress("another") {
		t.Errorf("it carries %v, was woken %d times", k.desk.Carries("ip"), woken)
	}
	k.desk.Turn.Unlock()
	k.handedOver("ip", ip, e)
}
