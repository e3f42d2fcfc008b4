package store_test

import (
	"reflect"
	"testing"

	"longwire/store"
)

func TestFederatedLinesOutliveTheProgram(t *testing.T) {
	db := open(t, store.Options{})
	const room, peer = "ops@chat.field.net", "ops@chat.headquarters.net"
	a, b := store.FedCount{Origin: "C7VKMPUa", N: 12, At: day}, store.FedCount{Origin: "C7WFu4K7", N: 1 << 40, At: day, After: "C7VKMPUac", Own: true}
	s := store.FedSync{Peer: peer, Asked: true, Behind: true, Held: 7, Met: true, Waiting: 1, Want: "C7VKMPUa5k", Known: true, Told: "=", Had: []string{"=Bob"}}
	update(t, db, func(tx *store.Tx) error {
		for _, err := range []error{
			tx.PutFedPeer(room, store.FedPeer{Peer: peer}), tx.PutFedCount(room, b), tx.PutFedCount(room, a), tx.PutFedCount("x"+room, b), tx.PutFedSync(room, s),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	read := func() (counts []store.FedCount, sync store.FedSync) {
		view(t, db, func(tx *store.Tx) (err error) {
			if err := tx.FedCounts(room, func(c store.FedCount) error { counts = append(counts, c); return nil }); err != nil {
				return err
			}
			sync, err = tx.FedSync(room, peer)
			return err
		})
		return counts, sync
	}
	if counts, sync := read(); !reflect.DeepEqual(counts, []store.FedCount{a, b}) || !reflect.DeepEqual(sync, s) {
		t.Errorf("%+v, %+v", counts, sync)
	}
	update(t, db, func(tx *store.Tx) error {
		if err := tx.DeleteFedCount(room, a.Origin); err != nil {
			return err
		}
		return tx.DeleteFedPeer(room, peer)
	})
	if counts, sync := read(); !reflect.DeepEqual(counts, []store.FedCount{b}) || !reflect.DeepEqual(sync, store.FedSync{Peer: peer}) {
		t.Errorf("afterwards: %+v, %+v", counts, sync)
	}
}
