package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"longwire/store"
)

func TestFederationOutlivesTheProgram(t *testing.T) {
	db := open(t, store.Options{})
	at := time.Date(2026, 7, 23, 10, 15, 0, 0, time.UTC)
	const room, other = "ops@chat.field.net", "ops@chat.field.network"
	hq := store.FedPeer{Peer: "ops@chat.headquarters.net", Up: true, State: 2, Lefts: 1, Since: at, Seen: at.Add(time.Second), Missed: 7}
	ship := store.FedPeer{Peer: "ops@chat.ship.net", Echo: true, Longwire: true}
	bob := store.FedOccupant{Nick: "Bob", Real: "bob@headquarters.net/x", Affiliation: "none", Role: "participant", Show: []byte("<show>away</show>"), Alias: "Bob (headquarters)"}
	carol := store.FedOccupant{Nick: "Carol"}
	told := store.FedTold{Nick: "Dave", Real: "dave@field.net/y"}
	update(t, db, func(tx *store.Tx) error {
		for _, err := range []error{
			tx.PutFedPeer(room, hq), tx.PutFedPeer(room, ship), tx.PutFedPeer(other, hq),
			tx.PutFedOccupant(room, hq.Peer, carol), tx.PutFedOccupant(room, hq.Peer, bob), tx.PutFedOccupant(other, hq.Peer, bob),
			tx.PutFedTold(room, hq.Peer, told), tx.PutFedTold(room, ship.Peer, told),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	read := func(room string) (all []any) {
		view(t, db, func(tx *store.Tx) error {
			return tx.FedPeers(room, func(p store.FedPeer) error {
				all = append(all, p)
				if err := tx.FedOccupants(room, p.Peer, func(o store.FedOccupant) error { all = append(all, o); return nil }); err != nil {
					return err
				}
				return tx.FedTold(room, p.Peer, func(o store.FedTold) error { all = append(all, o); return nil })
			})
		})
		return all
	}
	if got, want := read(room), []any{hq, bob, carol, told, ship, told}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	update(t, db, func(tx *store.Tx) error {
		if err := tx.DeleteFedOccupant(room, hq.Peer, "Carol"); err != nil {
			return err
		}
		if err := tx.DeleteFedOccupant(room, hq.Peer, "nobody"); err != nil {
			return err
		}
		if err := tx.DeleteFedTold(room, hq.Peer, "Dave"); err != nil {
			return err
		}
		return tx.DeleteFedPeer(room, ship.Peer)
	})
	if got, want := read(room), []any{hq, bob}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	update(t, db, func(tx *store.Tx) error { return tx.DeleteFedPeer(room, hq.Peer) })
	if got := fmt.Sprint(read(room), read(other)); got != fmt.Sprint([]any(nil), []any{hq, bob}) {
		t.Error(got)
	}
	for _, bad := range []string{"", "a\x00b"} {
		if err := db.Update(func(tx *store.Tx) error { return tx.PutFedPeer(room, store.FedPeer{Peer: bad}) }); err == nil {
			t.Errorf("a peer called %q was taken", bad)
		}
	}
}
