package custody_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"longwire/links/custody"
	"longwire/store"
)

// A taker is what a node has of a peer: two books, and what it took, by the sender's own count.
type taker struct {
	t                 *testing.T
	db                *store.DB
	desk              *custody.Desk
	ordinary, express *custody.Book
	took              map[int]int
}

func newTaker(t *testing.T) *taker {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	k := &taker{t: t, db: db, desk: custody.NewDesks(db).Desk("p"), took: map[int]int{}}
	k.ordinary, k.express = k.book("p"), k.book(custody.Express("p"))
	k.stream(k.ordinary, "ord", 0)
	return k
}

func (k *taker) book(key string) *custody.Book {
	k.t.Helper()
	b, err := k.desk.Book(key)
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// stream is the peer's introduction: its stream has this name, and is taken up to mark, as links/s5066 and links/ip do it.
func (k *taker) stream(b *custody.Book, name string, mark uint32) {
	k.t.Helper()
	err := b.Update(func(_ *store.Tx, c *store.Custody) error {
		if c.InID != name {
			c.InID, c.Mark, c.Beyond = name, mark, 0
		}
		custody.Advance(c, mark)
		return nil
	})
	if err == nil {
		err = b.Settle()
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// take is stanza what, with number n of the stream called name; ref is empty or what it was on the express lane.
func (k *taker) take(b *custody.Book, name string, n uint32, ref custody.Ref, what int) {
	k.t.Helper()
	if err := b.Mend(); err != nil {
		k.t.Fatal(err)
	}
	at, id := b.Admit(b.Epoch(), n, nil)
	if at != custody.Next || id != name {
		return
	}
	mark := func(tx *store.Tx) error { return b.Mark(tx, id, n) }
	known := false
	if ref.Name != "" {
		var err error
		if known, err = b.Knows(ref); err != nil {
			k.t.Fatal(err)
		}
		if !known {
			mark = func(tx *store.Tx) error { return b.MarkOnce(tx, id, n, ref) }
		}
	}
	err := k.db.Update(mark)
	b.Marked(n, err)
	if err == nil && !known {
		k.took[what]++
	}
	if err != nil && !errors.Is(err, custody.ErrStale) {
		k.t.Fatal(err)
	}
}

func TestTakenOverStanzasAreTakenOnce(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		k := newTaker(t)
		known := rnd.IntN(3) > 0 // a part was taken on the express lane before
		if known {
			k.stream(k.express, "fast", 0)
		}
		const most = 6
		came := uint32(0)
		express := func() { // what the express lane brings, perhaps late
			if !known && rnd.IntN(2) == 0 {
				k.stream(k.express, "fast", came)
				known = true
			}
			if !known {
				return
			}
			if n := came + 1 + uint32(rnd.IntN(2)); n <= most {
				k.take(k.express, "fast", n, custody.Ref{}, int(n))
				if c := k.express.State(); c.Mark >= n {
					came = max(came, n)
				}
			}
		}
		for range rnd.IntN(5) {
			express()
		}
		// The link goes; another takes over what was not confirmed.
		confirmed := uint32(rnd.IntN(int(came) + 1))
		number := uint32(0)
		for n := confirmed + 1; n <= most; n++ {
			number++
			for range 1 + rnd.IntN(2) { // and again, as it was not stored or not confirmed
				k.take(k.ordinary, "ord", number, custody.Ref{Name: "fast", Seq: n}, int(n))
			}
			for range rnd.IntN(3) {
				express()
			}
			if at, _ := k.ordinary.Admit(k.ordinary.Epoch(), number, nil); at != custody.Known {
				if err := k.ordinary.Settle(); err != nil { // it comes again
					t.Fatal(err)
				}
				number--
				n--
			}
		}
		for n := 1; n <= most; n++ {
			if k.took[n] != 1 {
				t.Fatalf("seed %d: stanza %d was taken %d times: %v", seed, n, k.took[n], k.took)
			}
		}
	}
}
