package admin

import (
	"slices"
	"time"

	"longwire/firmware/config"
	"longwire/store"
)

// Status is a node at a glance.
type Status struct {
	Running bool     `json:"running"`
	Config  string   `json:"config,omitempty"` // file; "": embedded defaults
	Data    string   `json:"data"`
	Domains []string `json:"domains"`
	Live
	Accounts int         `json:"accounts"`
	Clients  int         `json:"clients"` // connected or about to resume
	Online   int         `json:"online"`  // accounts with a client
	Rooms    RoomCount   `json:"rooms"`
	Store    StoreStatus `json:"store"`
	Peers    []Peer      `json:"peers"`
	All      []Link      `json:"links"`
}

// RoomCount is how many rooms there are, and how many people are in them.
type RoomCount struct {
	Domains   []string `json:"domains"` // where rooms live
	Rooms     int      `json:"rooms"`
	Federated int      `json:"federated"`
	Joined    int      `json:"joined"`    // of them, with a room of another node now
	Occupants int      `json:"occupants"` // of all nodes
}

func (n *RoomCount) count(r store.Room, s RoomState) {
	if r.Gone {
		return
	}
	n.Rooms++
	if r.Fed.Enabled {
		n.Federated++
	}
	if slices.ContainsFunc(s.Peers, func(p FarRoom) bool { return p.State == Joined }) {
		n.Joined++
	}
	for _, node := range s.Nodes {
		n.Occupants += len(node.Nicks)
	}
}

// StoreStatus is the database file.
type StoreStatus struct {
	Format uint64    `json:"format,omitempty"` // version of the file's layout
	Bytes  int64     `json:"bytes"`
	Free   int64     `json:"free"`            // of them, inside the file
	Fault  string    `json:"fault,omitempty"` // why commits fail; "": they do not
	Since  time.Time `json:"since,omitzero"`
}

// Peer is a remote node, its links and what waits for it.
type Peer struct {
	Name    string      `json:"name"`
	Domains []string    `json:"domains"`
	Link    LinkState   `json:"link"`             // the one that carries, or the first
	Others  []LinkState `json:"others,omitempty"` // as the config has them
	Waiting int         `json:"waiting"`          // entries that the peer has not confirmed
	Sent    int         `json:"sent"`             // of them, on their way
	Bytes   int64       `json:"bytes"`
	Oldest  time.Time   `json:"oldest,omitzero"`
	Gone    bool        `json:"gone,omitempty"`   // no longer in the config, but entries wait
	Folded  *Folded     `json:"folded,omitempty"` // nil: the node is not running
}

// States are all links of the peer.
func (p Peer) States() []LinkState { return append([]LinkState{p.Link}, p.Others...) }

// radio is what is known of the link by HF; nil: there is none.
func (p Peer) radio() *S5066 {
	for _, s := range p.States() {
		if s.S5066 != nil {
			return s.S5066
		}
	}
	return nil
}

// Status looks at everything once.
func (a *Admin) Status() (Status, error) {
	c := a.cfg()
	s := Status{Running: a.node != nil, Config: c.File, Data: c.Data, Domains: c.Domains, Rooms: RoomCount{Domains: c.RoomService.Domains}}
	if a.node != nil {
		s.Live = a.node.Live()
		s.Online = len(s.Sessions)
		for _, n := range s.Sessions {
			s.Clients += n
		}
	}
	rooms := a.roomStates()
	err := a.read(func(db *store.DB) error {
		s.Store.Format = db.Format()
		s.Store.Bytes, s.Store.Free = db.Size()
		if h := db.Health(); h.Err != nil {
			s.Store.Fault, s.Store.Since = h.Err.Error(), h.Since
		}
		err := db.View(func(tx *store.Tx) error {
			s.Accounts, s.Rooms = 0, RoomCount{Domains: s.Rooms.Domains}
			if err := tx.Accounts(func(store.Account) error { s.Accounts++; return nil }); err != nil {
				return err
			}
			return tx.Rooms(func(r store.Room) error { s.Rooms.count(r, rooms[r.JID]); return nil })
		})
		if err != nil {
			return err
		}
		if s.Peers, err = peers(c, db, s.Links); err != nil {
			return err
		}
		return db.View(func(tx *store.Tx) (err error) { s.All, err = linkTable(c, tx, s.Peers); return err })
	})
	if s.Peers == nil {
		s.Peers = configured(c, s.Links)
	}
	withFolded(s.Peers, s.Folded)
	if s.All == nil && err == nil { // a node that was never started
		s.All, err = linkTable(c, nil, s.Peers)
	}
	return s, err
}

// Peers lists the peers of the config, then those that only have a queue.
func (a *Admin) Peers() ([]Peer, error) {
	s, err := a.Status()
	return s.Peers, err
}

func configured(c *config.Config, links []LinkState) []Peer {
	list := []Peer{}
	for _, p := range c.Peers {
		peer := Peer{Name: p.Name, Domains: p.Domains, Link: LinkState{State: "stopped"}}
		if len(p.Links) > 0 {
			peer.Link.Link, peer.Link.Peer = p.Links[0], p.Name
			if l := c.Link(p.Links[0]); l != nil {
				peer.Link.Type = l.Type
			}
		}
		for _, name := range p.Links {
			for _, l := range links {
				if l.Link != name || l.Peer != "" && l.Peer != p.Name {
					continue
				}
				switch {
				case peer.Link.State == "stopped":
					peer.Link = l
				case l.Carries && !peer.Link.Carries:
					peer.Link, peer.Others = l, append(peer.Others, peer.Link)
				default:
					peer.Others = append(peer.Others, l)
				}
			}
		}
		list = append(list, peer)
	}
	return list
}

func peers(c *config.Config, db *store.DB, links []LinkState) ([]Peer, error) {
	list := configured(c, links)
	names, err := db.Queues()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		st := db.Queue(name).Stats()
		i := slices.IndexFunc(list, func(p Peer) bool { return p.Name == name })
		if i < 0 {
			if st.Entries == 0 {
				continue
			}
			list = append(list, Peer{Name: name, Domains: []string{}, Gone: true, Link: LinkState{State: "none"}})
			i = len(list) - 1
		}
		p := &list[i]
		p.Waiting, p.Sent, p.Bytes, p.Oldest = st.Entries, st.Sent, st.Bytes, st.Oldest
	}
	return list, nil
}
