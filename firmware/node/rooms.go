package node

import (
	"fmt"
	"math"
	"slices"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/disco"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// roomOptions translates [rooms] and [archive.rooms].
func (n *Node) roomOptions(cfg *config.Config) muc.Options {
	r, d := cfg.RoomService, cfg.RoomService.Defaults
	fresh := admin.NewRoom(cfg, "")
	fresh.Persistent = d.Persistent
	return muc.Options{
		Create: r.Create, MaxRooms: r.MaxRooms, MaxRoomsPerUser: r.MaxRoomsPerUser, MaxOccupants: r.MaxOccupants,
		Default: fresh, Name: roomService, Version: n.o.Version,
		Archive: archiveLimits(cfg.Archive.Rooms),
		// What a peer's user cannot be told now waits, and is no reason to take them for gone.
		Constrained: func(domain string) bool { return n.peers.Find(domain) != nil },
	}
}

// roomService is what people read when they look for rooms.
const roomService = "Rooms"

// archiveLimits: 0 is no limit to operators, and the default to others.
func archiveLimits(l config.ArchiveLimits) store.ArchiveLimits {
	lim := store.ArchiveLimits{Entries: l.MaxMessages, Bytes: int64(l.MaxSize), Age: l.MaxAge}
	if lim.Entries == 0 {
		lim.Entries = math.MaxInt
	}
	return lim
}

// archiveOptions translates [archive].
func (n *Node) archiveOptions(cfg *config.Config) archive.Options {
	a := cfg.Archive
	return archive.Options{
		Accounts: archiveLimits(config.ArchiveLimits{MaxMessages: a.MaxMessages, MaxSize: a.MaxSize, MaxAge: a.MaxAge}),
		Rooms:    archiveLimits(a.Rooms),
		Off:      !a.Accounts,
		Log:      n.log,
	}
}

// services are what else this node offers to people who look around. XEP-0030 §4.1.
func (n *Node) services(domain string) (list []disco.Item) {
	list = n.attendants(domain)
	for _, d := range n.Config().RoomService.Domains {
		if j, err := jid.Parse(d); err == nil {
			list = append(list, disco.Item{JID: j, Name: roomService})
		}
	}
	return list
}

// moveRooms makes the rooms answer for the domains of a configuration. Those that they lose go first, as they may be accounts' from now on.
func (n *Node) moveRooms(cfg *config.Config) error {
	if err := n.rooms.SetDomains(cfg.RoomService.Domains); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}

// yieldRooms lets go of the rooms domains that a configuration does not have.
func (n *Node) yieldRooms(old, cfg *config.Config) error {
	return n.rooms.SetDomains(slices.DeleteFunc(slices.Clone(old.RoomService.Domains), func(d string) bool {
		return !slices.Contains(cfg.RoomService.Domains, d)
	}))
}

// liveRooms changes the rooms of this node within a Turn.
type liveRooms struct {
	s *muc.Service
	t *router.Turn
}

func (w liveRooms) Create(r store.Room, members []store.RoomMember) error {
	_, err := w.s.Create(w.t, r, members)
	return err
}

// in finds a room, and lets f change it.
func (w liveRooms) in(room jid.JID, f func(*muc.Room) error) error {
	r := w.s.Room(room)
	if r == nil {
		return store.ErrNotFound
	}
	return f(r)
}

func (w liveRooms) Configure(room jid.JID, change func(*store.Room)) error {
	return w.in(room, func(r *muc.Room) error { return w.s.Configure(w.t, r, change) })
}

func (w liveRooms) SetMember(room jid.JID, m store.RoomMember) error {
	return w.in(room, func(r *muc.Room) error { return w.s.SetMember(w.t, r, m) })
}

func (w liveRooms) Destroy(room, alternate jid.JID, reason string) error {
	return w.in(room, func(r *muc.Room) error { return w.s.Destroy(w.t, r, alternate, reason) })
}

// UpdateRooms runs f on the rooms in one transaction. What it causes is seen in the order of the store.
func (n *Node) UpdateRooms(f func(*store.Tx, admin.RoomTx) error) error {
	return n.turn(func(t *router.Turn) error { return f(t.Tx, liveRooms{n.rooms, t}) })
}

// RoomStates tells who is in each room.
func (n *Node) RoomStates() map[string]admin.RoomState {
	all := make(map[string]admin.RoomState)
	for _, r := range n.rooms.Rooms() {
		s := r.State()
		if s == nil {
			continue
		}
		state := admin.RoomState{Nodes: nodesOf(r.JID(), s)}
		if s.Config.Fed.Enabled {
			state.Peers = n.farRooms(r.JID())
		}
		all[r.JID().String()] = state
	}
	return all
}

func (n *Node) farRooms(room jid.JID) (list []admin.FarRoom) {
	peers, err := n.federation.Status(room)
	if err != nil {
		n.log.Warn("how a room's federation goes is not known", "room", room, "err", err)
	}
	for _, p := range peers {
		list = append(list, admin.FarRoom{
			Room: p.Peer.String(), Side: admin.Side(p.Up), State: p.State.String(), Since: p.Since, Longwire: p.Longwire, Reach: p.Reachable, Counters: p.Counters,
		})
	}
	return list
}

// nodesOf sorts a room's occupants by the nodes where they entered, ours first.
func nodesOf(room jid.JID, s *muc.State) (nodes []admin.RoomNode) {
	for _, o := range s.Occupants() {
		if o.Hidden {
			continue
		}
		at := room.String()
		if !o.Ours() {
			at = o.Node.String()
		}
		i := slices.IndexFunc(nodes, func(n admin.RoomNode) bool { return n.Room == at })
		if i < 0 {
			i = len(nodes)
			nodes = append(nodes, admin.RoomNode{Room: at})
		}
		nodes[i].Nicks = append(nodes[i].Nicks, o.Nick)
	}
	slices.SortStableFunc(nodes, func(a, b admin.RoomNode) int {
		return rank(a.Room != room.String()) - rank(b.Room != room.String())
	})
	return nodes
}

func rank(later bool) int {
	if later {
		return 1
	}
	return 0
}

// declareRooms makes rooms and bookmarks those of a configuration.
func (n *Node) declareRooms(cfg *config.Config) error {
	if err := admin.DeclareRooms(n.db, cfg, n.UpdateRooms); err != nil {
		return err
	}
	return n.bookmarkAll(cfg)
}

// openRooms brings the rooms to life at the start: those that the configuration declares, then all that are in the store.
func (n *Node) openRooms(cfg *config.Config) error {
	if err := n.unlessFull(admin.DeclareRooms(n.db, cfg, nil)); err != nil {
		return err
	}
	// First the domains: a watched room joins its far room as soon as it is loaded, and must be known by then.
	if err := n.moveRooms(cfg); err != nil {
		return err
	}
	if err := n.rooms.Load(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return n.unlessFull(n.bookmarkAll(cfg))
}
