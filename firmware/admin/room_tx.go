package admin

import (
	"crypto/rand"
	"time"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
)

// RoomTx changes rooms within one transaction of the store: those of a running node, so that all who are in them are told, or records
// that nobody uses.
type RoomTx interface {
	Create(r store.Room, members []store.RoomMember) error
	Configure(room jid.JID, change func(*store.Room)) error
	SetMember(room jid.JID, m store.RoomMember) error
	Destroy(room, alternate jid.JID, reason string) error
}

// AtRest changes the rooms of a node that does not run, or not yet.
func AtRest(tx *store.Tx) RoomTx { return atRest{tx} }

type atRest struct{ tx *store.Tx }

func (w atRest) Create(r store.Room, members []store.RoomMember) error {
	if len(r.Secret) == 0 {
		r.Secret = make([]byte, 32)
		rand.Read(r.Secret)
	}
	if err := w.tx.PutRoom(r); err != nil {
		return err
	}
	for _, m := range members {
		if err := w.tx.PutRoomMember(r.JID, m); err != nil {
			return err
		}
	}
	return nil
}

func (w atRest) Configure(room jid.JID, change func(*store.Room)) error {
	r, err := w.tx.Room(room.String())
	if err != nil {
		return err
	}
	change(&r)
	return w.tx.PutRoom(r)
}

func (w atRest) SetMember(room jid.JID, m store.RoomMember) error {
	return w.tx.PutRoomMember(room.String(), m)
}

// Destroy leaves a sign to the alternative, if there is one, as a running node does.
func (w atRest) Destroy(room, alternate jid.JID, reason string) error {
	r, err := w.tx.Room(room.String())
	if err != nil {
		return err
	}
	if err := w.tx.DeleteRoom(room.String()); err != nil || alternate.IsZero() {
		return err
	}
	return w.tx.PutRoom(store.Room{JID: r.JID, Created: r.Created, Gone: true, Alternate: alternate.String(), Reason: reason})
}

// updateRooms runs f in one transaction. f may run more than once.
func (a *Admin) updateRooms(f func(*store.Tx, RoomTx) error) error {
	if a.node != nil {
		return a.node.UpdateRooms(f)
	}
	return a.update(func(tx *store.Tx) error { return f(tx, atRest{tx}) })
}

// NewRoom is a room as the config's defaults have it, apart from what it is for.
func NewRoom(c *config.Config, address string) store.Room {
	d := c.RoomService.Defaults
	return store.Room{
		JID: address, Created: time.Now(), Persistent: true,
		Hidden: d.Hidden, MembersOnly: d.MembersOnly, Moderated: d.Moderated, NonAnonymous: d.NonAnonymous,
		ChangeSubject: d.ChangeSubject, NoArchive: !d.Archive, History: historyOf(d.History),
	}
}
