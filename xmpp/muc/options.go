package muc

import (
	"time"

	"longwire/store"
)

// Options are the settings of a Service. Zero fields mean the defaults.
type Options struct {
	Create           string // who may create rooms: "anyone", "local" (the default), "nobody"
	MaxRooms         int    // rooms of the service; default 1000
	MaxRoomsPerUser  int    // rooms that one user has made; default 20
	MaxJoinedPerUser int    // places in rooms that one user's clients have at a time; default 500
	MaxOccupants     int    // of a room, without those of other nodes, whatever its configuration says; default 500
	MaxSessions      int    // clients behind one nick, and nicks of one user in a room; default 10
	MaxNick          int    // octets of a nick; default 256
	MaxPresence      int    // octets of a presence's children; default 4096, so that a full room finds place in a client's outbox
	MaxSubject       int    // octets of a subject; default 4096
	Name             string // of the service, for people; default "Rooms"
	Version          string // of the program; "": it is not told
	LockNicks        bool   // who has registered a nick uses no other

	Default store.Room          // what a new room begins with
	Archive store.ArchiveLimits // of each room
	// Constrained tells whether a domain is behind a bad link: its users stay in a room although the node gave up on a
	// stanza for them. nil: none is.
	Constrained func(domain string) bool
}

func (o Options) withDefaults() Options {
	def := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	if o.Create == "" {
		o.Create = "local"
	}
	if o.Name == "" {
		o.Name = "Rooms"
	}
	def(&o.MaxRooms, 1000)
	def(&o.MaxRoomsPerUser, 20)
	def(&o.MaxJoinedPerUser, 500)
	def(&o.MaxOccupants, 500)
	def(&o.MaxSessions, 10)
	def(&o.MaxNick, 256)
	def(&o.MaxPresence, 4096)
	def(&o.MaxSubject, 4096)
	if o.Archive == (store.ArchiveLimits{}) {
		o.Archive = store.ArchiveLimits{Entries: 50_000, Bytes: 64 << 20, Age: 365 * 24 * time.Hour}
	}
	return o
}
