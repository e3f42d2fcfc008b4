package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"longwire/store"
)

func items(tx *store.Tx, node string, backward bool) (ids []string, err error) {
	err = tx.PubsubItems("a", node, backward, func(it store.PubsubItem) (bool, error) {
		ids = append(ids, it.ID+string(it.Payload))
		return true, nil
	})
	return ids, err
}

// A node behaves like a list of (id, payload) with the newest last, whatever is done to it.
func TestPubsubNodesAreLists(t *testing.T) {
	db := open(t, store.Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	type item struct{ id, payload string }
	model := map[string][]item{}
	for step := range 600 {
		node, id := fmt.Sprintf("n%d", rng.IntN(3)), fmt.Sprintf("i%d", rng.IntN(5))
		list, there := model[node]
		at := slices.IndexFunc(list, func(it item) bool { return it.id == id })
		var err, want error
		update(t, db, func(tx *store.Tx) error {
			switch op := rng.IntN(10); {
			case op < 2:
				err = tx.PutPubsubNode("a", store.PubsubNode{Node: node, Config: store.PubsubConfig{Title: fmt.Sprint(step)}})
				model[node] = list
			case op < 7:
				payload := fmt.Sprint(rng.IntN(2000))
				if err = tx.PutPubsubItem("a", node, store.PubsubItem{ID: id, Payload: []byte(payload)}); !there {
					want = store.ErrNotFound
					break
				}
				if at >= 0 {
					list = slices.Delete(slices.Clone(list), at, at+1)
				}
				model[node] = append(list, item{id, payload})
			case op < 8:
				if err = tx.DeletePubsubItem("a", node, id); at < 0 {
					want = store.ErrNotFound
				} else {
					model[node] = slices.Delete(slices.Clone(list), at, at+1)
				}
			case op < 9:
				if err = tx.PurgePubsubNode("a", node); !there {
					want = store.ErrNotFound
				} else {
					model[node] = nil
				}
			default:
				if err = tx.DeletePubsubNode("a", node); !there {
					want = store.ErrNotFound
				}
				delete(model, node)
			}
			return nil
		})
		if !errors.Is(err, want) {
			t.Fatalf("step %d: %v, want %v", step, err, want)
		}
		err = db.View(func(tx *store.Tx) error {
			total := store.PubsubStats{Nodes: len(model)}
			for node, list := range model {
				var ids []string
				bytes := 0
				for _, it := range list {
					ids = append(ids, it.id+it.payload)
					bytes += len(it.payload)
				}
				total.Items += len(list)
				total.Bytes += int64(bytes)
				got, err := items(tx, node, false)
				back, err2 := items(tx, node, true)
				slices.Reverse(back)
				n, err3 := tx.PubsubNode("a", node)
				if !slices.Equal(got, ids) || !slices.Equal(back, ids) || n.Items != len(ids) || n.Bytes != int64(bytes) {
					t.Fatalf("step %d: %s holds %q, backward %q, %+v; want %q", step, node, got, back, n, ids)
				}
				if err := errors.Join(err, err2, err3); err != nil {
					return err
				}
			}
			got, err := tx.PubsubStats("a")
			if got != total {
				t.Fatalf("step %d: %+v, want %+v", step, got, total)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPubsubSubscribers(t *testing.T) {
	db := open(t, store.Options{})
	update(t, db, func(tx *store.Tx) error {
		err := errors.Join(tx.PutPubsubNode("a", store.PubsubNode{Node: "n"}), tx.PutPubsubNode("a", store.PubsubNode{Node: "nn"}))
		for _, j := range []string{"c@x", "b@x/r", "c@x"} {
			err = errors.Join(err, tx.PutPubsubSubscriber("a", "n", j, time.Now()))
		}
		jids, err2 := tx.PubsubSubscribers("a", "n")
		other, err3 := tx.PubsubSubscribers("a", "nn")
		if !slices.Equal(jids, []string{"b@x/r", "c@x"}) || other != nil {
			t.Error(jids, other)
		}
		if err := tx.DeletePubsubSubscriber("a", "n", "x@x"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		err4 := tx.DeletePubsubSubscriber("a", "n", "c@x")
		err5 := tx.DeletePubsubNode("a", "n")
		jids, err6 := tx.PubsubSubscribers("a", "n")
		if jids != nil {
			t.Error(jids)
		}
		return errors.Join(err, err2, err3, err4, err5, err6)
	})
}

func TestPubsubGoesWithTheAccount(t *testing.T) {
	db := open(t, store.Options{})
	fill := func(tx *store.Tx) error {
		return errors.Join(tx.PutAccount(store.Account{JID: "a"}), tx.PutPubsubNode("a", store.PubsubNode{Node: "n"}),
			tx.PutPubsubItem("a", "n", store.PubsubItem{ID: "x"}), tx.PutPubsubSubscriber("a", "n", "b@x", time.Now()))
	}
	update(t, db, fill)
	update(t, db, func(tx *store.Tx) error { return tx.DeleteAccount("a") })
	update(t, db, func(tx *store.Tx) error {
		if n := store.Keys(tx)["pubsub"]; n != 0 {
			t.Errorf("%d keys are left", n)
		}
		return nil
	})
}
