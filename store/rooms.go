package store

import (
	"fmt"
	"time"
)

// Room is what a chat room is, apart from its members and its archive.
type Room struct {
	JID                     string // bare
	Created                 time.Time
	Creator                 string // the user who made it, as a bare JID; "": the operator
	Name, Description, Lang string

	// Persistent rooms stay when the last occupant leaves. Hidden ones are not listed.
	Persistent, Hidden, MembersOnly, Moderated, NonAnonymous bool

	Password      string   // "": none
	ChangeSubject bool     // participants may change the subject
	MembersInvite bool     // members may invite into a members-only room
	AllowPM       string   // who may send private messages: "" anyone, "participants", "moderators", "none"
	MaxUsers      int      // 0: the service's limit
	Broadcast     []string // roles whose presence is broadcast; nil: all
	MemberList    []string // roles that may ask for the member list; nil: all
	NoArchive     bool
	History       int // lines sent at a join; 0: the default, -1: none
	Contacts      []string

	Subject   []byte // the <subject/> children as markup; nil: never set
	SubjectBy string // nick
	SubjectAt time.Time

	Secret   []byte // key of the occupant ids (XEP-0421)
	Declared bool   // by the configuration
	Locked   bool   // created and not configured yet

	Gone      bool // a tombstone: the room was destroyed
	Alternate string
	Reason    string

	Fed RoomFed
}

// RoomFed is how a room is federated (XEP-0289).
type RoomFed struct {
	Enabled bool
	Node    string   // the room that this one joins; "": it is joined by others only
	Mode    string   // "pp", "pr"
	Allow   []string // domains that may join this room
	History string   // "since", "none", or a count
	Watch   bool     // be joined although nobody is here
	LastN   int      // at most so many missed lines are fetched; 0: all
}

// RoomMember is what a room knows of one address for longer than a visit.
type RoomMember struct {
	JID         string // bare, or a domain
	Affiliation string // "owner", "admin", "member", "outcast", "none"
	Nick        string // reserved for it; "": none
	Reason      string
	Declared    bool // by the configuration
}

// Room is the room called jid; ErrNotFound if there is none.
func (tx *Tx) Room(jid string) (Room, error) {
	rec, err := load[roomRecord](tx, bucketRooms, []byte(jid))
	return rec.room(), err
}

// PutRoom adds or replaces the room.
func (tx *Tx) PutRoom(r Room) error {
	if err := checkNames(r.JID); err != nil {
		return err
	}
	key := []byte(r.JID)
	if tx.get(bucketRooms, key) == nil {
		if err := tx.room(); err != nil {
			return err
		}
	}
	return tx.putRecord(bucketRooms, key, roomRecordOf(r))
}

// DeleteRoom deletes the room with everything that belongs to it: members, archive, blobs, federation; ErrNotFound.
func (tx *Tx) DeleteRoom(jid string) error {
	if tx.get(bucketRooms, []byte(jid)) == nil {
		return fmt.Errorf("store: deleting room %s: %w", jid, ErrNotFound)
	}
	if err := tx.delete(bucketRooms, []byte(jid)); err != nil {
		return err
	}
	for _, b := range []bucketID{bucketMembers, bucketBlobs, bucketFed, bucketPubsub} {
		if err := tx.deleteAll(b, prefix(jid)); err != nil {
			return err
		}
	}
	return tx.deleteArchive(jid)
}

// Rooms calls fn for each room, ordered by JID.
func (tx *Tx) Rooms(fn func(Room) error) error {
	return eachRecord(tx, bucketRooms, nil, nil, func(_ []byte, rec roomRecord) error {
		return fn(rec.room())
	})
}

// PutRoomMember adds or replaces what the room knows of m.JID. With neither an affiliation nor a nick that is nothing, and
// it is deleted.
func (tx *Tx) PutRoomMember(room string, m RoomMember) error {
	if err := checkNames(room, m.JID); err != nil {
		return err
	}
	key := append(prefix(room), m.JID...)
	if (m.Affiliation == "" || m.Affiliation == "none") && m.Nick == "" {
		if tx.get(bucketMembers, key) == nil {
			return nil
		}
		return tx.delete(bucketMembers, key)
	}
	if tx.full && tx.get(bucketMembers, key) == nil {
		return tx.room()
	}
	return tx.putRecord(bucketMembers, key, roomMemberRecordOf(m))
}

// RoomMembers calls fn for each member of the room, ordered by JID.
func (tx *Tx) RoomMembers(room string, fn func(RoomMember) error) error {
	p := prefix(room)
	return eachRecord(tx, bucketMembers, p, p, func(_ []byte, rec roomMemberRecord) error {
		return fn(rec.member())
	})
}
