package store_test

import (
	"errors"
	"reflect"
	"testing"

	"longwire/store"
)

func room(jid string) store.Room {
	return store.Room{JID: jid, Created: day, Name: "Ops", Persistent: true, Broadcast: []string{}, Contacts: []string{"a@field.net"}, Secret: []byte{1},
		Subject: []byte("<subject/>"), SubjectAt: day, Fed: store.RoomFed{Enabled: true, Mode: "pp"}}
}

func TestRooms(t *testing.T) {
	db := open(t, store.Options{})
	a, b := room("a@rooms.field.net"), room("b@rooms.field.net")
	b.Broadcast, b.MemberList = nil, []string{"moderator"}
	update(t, db, func(tx *store.Tx) error {
		_, err := tx.Room(a.JID)
		if !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(tx.PutRoom(b), tx.PutRoom(a))
	})
	b.Name = "Other"
	update(t, db, func(tx *store.Tx) error { return tx.PutRoom(b) })
	view(t, db, func(tx *store.Tx) error {
		var all []store.Room
		err := tx.Rooms(func(r store.Room) error { all = append(all, r); return nil })
		if want := []store.Room{a, b}; !reflect.DeepEqual(all, want) {
			t.Errorf("%+v\n want %+v", all, want)
		}
		one, err2 := tx.Room(b.JID)
		if !reflect.DeepEqual(one, b) {
			t.Errorf("%+v", one)
		}
		return errors.Join(err, err2)
	})
}

func TestMembersWithoutAnythingAreForgotten(t *testing.T) {
	db := open(t, store.Options{})
	const ops = "ops@rooms.field.net"
	put := func(jid, affiliation, nick string) error {
		return db.Update(func(tx *store.Tx) error {
			return tx.PutRoomMember(ops, store.RoomMember{JID: jid, Affiliation: affiliation, Nick: nick})
		})
	}
	err := errors.Join(put("a@field.net", "owner", ""), put("b@field.net", "member", "bee"), put("c@field.net", "none", "sea"), put("d@field.net", "none", ""),
		put("b@field.net", "outcast", "bee"), put("a@field.net", "none", ""), put("a@field.net", "none", ""))
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *store.Tx) error { // another room's
		return tx.PutRoomMember("ops@rooms.field.nets", store.RoomMember{JID: "x", Affiliation: "owner"})
	})
	view(t, db, func(tx *store.Tx) error {
		var all []store.RoomMember
		err := tx.RoomMembers(ops, func(m store.RoomMember) error { all = append(all, m); return nil })
		want := []store.RoomMember{{JID: "b@field.net", Affiliation: "outcast", Nick: "bee"}, {JID: "c@field.net", Affiliation: "none", Nick: "sea"}}
		if !reflect.DeepEqual(all, want) {
			t.Errorf("%+v", all)
		}
		return err
	})
}

func TestDeleteRoomLeavesNothingOfIt(t *testing.T) {
	db := open(t, store.Options{})
	fill := func(tx *store.Tx, jid string) error {
		return errors.Join(tx.PutRoom(room(jid)), tx.PutRoomMember(jid, store.RoomMember{JID: "a", Affiliation: "owner"}),
			tx.PutBlob(jid, store.BlobVCard, "", []byte("v")), store.Plant(tx, "fed", jid+"\x00peer"), store.Plant(tx, "pubsub", jid+"\x00node"),
			tx.ArchivePut(jid, line(db), store.ArchiveLimits{}))
	}
	var alone, after map[string]int
	update(t, db, func(tx *store.Tx) error { return fill(tx, "a@rooms.field.net") })
	view(t, db, func(tx *store.Tx) error { alone = store.Keys(tx); return nil })
	update(t, db, func(tx *store.Tx) error { return fill(tx, "b@rooms.field.net") })
	update(t, db, func(tx *store.Tx) error { return tx.DeleteRoom("b@rooms.field.net") })
	view(t, db, func(tx *store.Tx) error {
		if s := tx.ArchiveStats("b@rooms.field.net"); s != (store.ArchiveStats{}) {
			t.Errorf("an archive is left: %+v", s)
		}
		return nil
	})
	sweep(t, db)
	view(t, db, func(tx *store.Tx) error { after = store.Keys(tx); return nil })
	if !reflect.DeepEqual(alone, after) {
		t.Errorf("%v, want %v", after, alone)
	}
	if err := db.Update(func(tx *store.Tx) error { return tx.DeleteRoom("b@rooms.field.net") }); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
