package admin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
)

// Room is a room as operators see it. A list leaves out what belongs to one room only: people, members, settings.
type Room struct {
	JID        string          `json:"jid"`
	Title      string          `json:"title,omitempty"`
	Subject    string          `json:"subject,omitempty"`
	Created    time.Time       `json:"created,omitzero"`
	Declared   string          `json:"declared,omitempty"` // "by the config"
	Gone       bool            `json:"gone,omitempty"`     // destroyed; only its address is kept, to tell people where to go
	Alternate  string          `json:"alternate,omitempty"`
	Locked     bool            `json:"locked,omitempty"` // made, and not configured yet by who made it
	Occupants  int             `json:"occupants"`        // of all nodes; 0 on a stopped node
	Here       int             `json:"here"`             // of them, who entered by this node
	Archive    RoomArchive     `json:"archive"`
	Federation *RoomFederation `json:"federation,omitempty"`

	Nodes    []RoomNode     `json:"nodes,omitempty"`
	Members  []RoomMember   `json:"members,omitempty"`
	Settings map[string]any `json:"settings,omitempty"` // by the words that 'room configure' takes
}

// RoomArchive is how much a room remembers.
type RoomArchive struct {
	Lines  int       `json:"lines"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
}

// RoomNode is who entered by one node.
type RoomNode struct {
	Room  string   `json:"room"` // that node's
	Nicks []string `json:"nicks"`
}

// RoomMember is a standing with a room that lasts.
type RoomMember struct {
	JID         string `json:"jid"` // a user, or a domain
	Affiliation string `json:"affiliation"`
	Nick        string `json:"nick,omitempty"` // reserved
	Reason      string `json:"reason,omitempty"`
	Declared    bool   `json:"declared,omitempty"`
}

// RoomFederation is what a room has to do with rooms of other nodes.
type RoomFederation struct {
	With    string    `json:"with,omitempty"` // the room that it joins
	Mode    string    `json:"mode,omitempty"`
	Accept  []string  `json:"accept,omitempty"`
	History string    `json:"history,omitempty"`
	LastN   int       `json:"last_n,omitempty"`
	Watch   bool      `json:"watch,omitempty"`
	Off     bool      `json:"off,omitempty"` // by the node's switch
	Peers   []FarRoom `json:"peers"`
}

// FarRoom is the room of another node that ours is, or was, one with.
type FarRoom struct {
	Room     string    `json:"room"`
	Side     string    `json:"side"`  // "up": ours joined it; "down": it joined ours
	State    string    `json:"state"` // "idle", "joining", "joined", "detached", "refused", …
	Since    time.Time `json:"since,omitzero"`
	Fault    string    `json:"fault,omitempty"`    // in words
	LastLine time.Time `json:"last_line,omitzero"` // when one of it came last
	Longwire bool      `json:"longwire,omitempty"` // else it speaks the standard only
	Waiting  int       `json:"waiting"`            // stanzas of this room that are queued for it
	Reach    bool      `json:"reachable"`          // what is sent gets there soon

	Counters fmuc.Counters `json:"counters"` // since the node started
}

// Side is a FarRoom's: up for the one that ours joins.
func Side(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// Joined is the State of a far room that is one with ours now.
var Joined = fmuc.Joined.String()

// RoomState is what only the running program knows of a room.
type RoomState struct {
	Nodes []RoomNode // ours first
	Peers []FarRoom
}

// room reads "ops" or "ops@chat.field.net" as one of our rooms; a bare name lives at our first rooms domain.
func (a *Admin) room(name string) (jid.JID, error) {
	domains := a.cfg().RoomService.Domains
	if len(domains) == 0 {
		return jid.JID{}, misuse("this node has no rooms; name a domain for them below [rooms] in the config and reload")
	}
	return ours(name, domains, addressWords{"a room's address", "ops", "this node's rooms; they are at"})
}

// noRoom puts store.ErrNotFound into words.
func noRoom(j jid.JID, err error) error {
	if w := (*worded)(nil); !errors.As(err, &w) && errors.Is(err, store.ErrNotFound) {
		return &worded{fmt.Sprintf("admin: there is no room %s; 'room list' shows all, 'room create' makes one", j), store.ErrNotFound}
	}
	return err
}

// Rooms lists all rooms by address.
func (a *Admin) Rooms() ([]Room, error) {
	rooms := []Room{}
	states := a.roomStates()
	err := a.read(func(db *store.DB) error {
		return db.View(func(tx *store.Tx) error {
			rooms = rooms[:0]
			return tx.Rooms(func(r store.Room) error {
				rooms = append(rooms, a.roomOf(tx, r, states[r.JID]))
				return nil
			})
		})
	})
	for i := range rooms {
		rooms[i].Nodes = nil
	}
	return rooms, err
}

// Room tells all about one room.
func (a *Admin) Room(name string) (Room, error) {
	j, err := a.room(name)
	if err != nil {
		return Room{}, err
	}
	var room Room
	state := a.roomStates()[j.String()]
	found := store.ErrNotFound
	err = a.read(func(db *store.DB) error {
		found = db.View(func(tx *store.Tx) error {
			r, err := tx.Room(j.String())
			if err != nil {
				return err
			}
			room = a.roomOf(tx, r, state)
			room.Settings = settingsOf(&r)
			return tx.RoomMembers(r.JID, func(m store.RoomMember) error {
				room.Members = append(room.Members, RoomMember(m))
				return nil
			})
		})
		if found == nil && room.Federation != nil {
			return a.queued(db, &room)
		}
		return nil
	})
	slices.SortStableFunc(room.Members, func(a, b RoomMember) int {
		return cmp.Compare(slices.Index(Affiliations, a.Affiliation), slices.Index(Affiliations, b.Affiliation))
	})
	return room, noRoom(j, cmp.Or(err, found))
}

func (a *Admin) roomStates() map[string]RoomState {
	if a.node == nil {
		return nil
	}
	return a.node.RoomStates()
}

// roomOf puts together what the store and the running program know.
func (a *Admin) roomOf(tx *store.Tx, r store.Room, s RoomState) Room {
	room := Room{
		JID: r.JID, Title: r.Name, Subject: subjectText(r.Subject), Created: r.Created, Nodes: s.Nodes,
		Gone: r.Gone, Alternate: r.Alternate, Locked: r.Locked,
	}
	if r.Declared {
		room.Declared = "by the config"
	}
	for _, n := range s.Nodes {
		room.Occupants += len(n.Nicks)
		if n.Room == r.JID {
			room.Here += len(n.Nicks)
		}
	}
	st := tx.ArchiveStats(r.JID)
	room.Archive = RoomArchive{Lines: st.Entries, Bytes: st.Bytes}
	if st.Entries > 0 {
		room.Archive.Oldest, room.Archive.Newest = time.Unix(0, int64(st.First)), time.Unix(0, int64(st.Last))
	}
	if f := r.Fed; f.Enabled {
		room.Federation = &RoomFederation{With: f.Node, Accept: f.Allow, LastN: f.LastN, Peers: s.Peers, Off: !a.cfg().RoomService.Federation.Enabled}
		if f.Node != "" {
			room.Federation.Mode, room.Federation.History, room.Federation.Watch = f.Mode, f.History, f.Watch
		}
		a.remembered(tx, room.JID, room.Federation)
	}
	return room
}

// remembered adds what is on flash of the far rooms: all of it, if the node does not run.
func (a *Admin) remembered(tx *store.Tx, room string, f *RoomFederation) {
	find := func(far string) int {
		return slices.IndexFunc(f.Peers, func(p FarRoom) bool { return p.Room == far })
	}
	f.Peers = slices.Clone(f.Peers)
	// What cannot be read is not there; the node says so when it meets it.
	_ = tx.FedPeers(room, func(p store.FedPeer) error {
		if i := find(p.Peer); i >= 0 {
			f.Peers[i].LastLine = p.Seen
		} else if a.node == nil {
			f.Peers = append(f.Peers, FarRoom{Room: p.Peer, Side: Side(p.Up), State: fmuc.State(p.State).String(), Since: p.Since, LastLine: p.Seen, Longwire: p.Longwire})
		}
		return nil
	})
	if f.With != "" && find(f.With) < 0 {
		f.Peers = slices.Insert(f.Peers, 0, FarRoom{Room: f.With, Side: Side(true), State: fmuc.Idle.String()})
	}
	if f.Peers == nil {
		f.Peers = []FarRoom{}
	}
	for i := range f.Peers {
		if p := &f.Peers[i]; p.Fault == "" && !a.reaches(p.Room) {
			p.Fault = "no peer has the domain " + domainOf(p.Room) + " for rooms; add it to the domains of the [[peer]]"
		}
	}
}

// reaches tells whether a far room's domain is a peer's, and one of rooms.
func (a *Admin) reaches(room string) bool { return a.cfg().RoomsOf(domainOf(room)) != nil }

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// queued counts what of a room waits for each of its far rooms.
func (a *Admin) queued(db *store.DB, room *Room) error {
	for i := range room.Federation.Peers {
		far := &room.Federation.Peers[i]
		j, err := jid.Parse(far.Room)
		if err != nil {
			continue
		}
		for _, p := range a.cfg().Peers {
			if !slices.Contains(p.Domains, j.Domain()) {
				continue
			}
			list, err := db.Queue(p.Name).List()
			if err != nil {
				return err
			}
			for _, e := range list {
				if bareText(e.From) == room.JID && bareText(e.To) == far.Room {
					far.Waiting++
				}
			}
		}
	}
	return nil
}

func bareText(address string) string { bare, _, _ := strings.Cut(address, "/"); return bare }
