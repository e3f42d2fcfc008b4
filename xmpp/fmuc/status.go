package fmuc

import (
	"slices"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// Counters are what happened between a room and one of a peer's since the start.
type Counters struct {
	Joins      int // asked for, or accepted
	Resyncs    int // federations that broke, or that the peer began anew
	Rejects    int // by them, or by us
	LateEchoes int // of a replica: lines that came back when nobody waited any more
	Duplicates int // lines that were here already
	Loops      int // occupants that are here by another way
	Kicks      int // of ours, by moderators there
	Digests    int // that were queued for a peer of our kind
	Gaps       int // lines that came before one that was missing
	Behind     int // times that lines did not get there
	Healed     int // lines that were sent later
}

// PeerStatus is the state of a room's federation with one of a peer's.
type PeerStatus struct {
	Peer      jid.JID
	Up        bool // ours joins it; else it has joined ours
	State     State
	Since     time.Time
	Echo      bool // it is a replica of ours
	Longwire  bool
	Occupants int // that it brings
	Told      int // that it was told of
	Reachable bool
	Counters
}

// Status tells how a room is federated, as committed last; the room that ours joins comes first.
func (s *Service) Status(room jid.JID) (all []PeerStatus, err error) {
	err = s.host.DB().View(func(tx *store.Tx) error {
		all = nil
		return tx.FedPeers(room.String(), func(p store.FedPeer) error {
			j, err := jid.Parse(p.Peer)
			if err != nil {
				return nil
			}
			st := PeerStatus{
				Peer: j, Up: p.Up, State: State(p.State), Since: p.Since, Echo: p.Echo, Longwire: p.Longwire,
				Reachable: s.reachable(j.Domain()), Counters: s.counters(pair{room, j}),
			}
			if err := tx.FedOccupants(room.String(), p.Peer, func(store.FedOccupant) error { st.Occupants++; return nil }); err != nil {
				return err
			}
			if err := tx.FedTold(room.String(), p.Peer, func(store.FedTold) error { st.Told++; return nil }); err != nil {
				return err
			}
			all = append(all, st)
			return nil
		})
	})
	slices.SortFunc(all, func(a, b PeerStatus) int {
		switch {
		case a.Up && !b.Up:
			return -1
		case b.Up && !a.Up:
			return 1
		}
		return strings.Compare(a.Peer.String(), b.Peer.String())
	})
	return all, err
}

// maxCounted bounds the memory of counters, as strangers may ask to join.
const maxCounted = 4096

// count changes the counters once the Turn is committed.
func (s *Service) count(t *router.Turn, p pair, f func(*Counters)) {
	t.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.counts[p]
		if c == nil {
			if len(s.counts) >= maxCounted {
				return
			}
			c = new(Counters)
			s.counts[p] = c
		}
		f(c)
	})
}

func (s *Service) counters(p pair) Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.counts[p]; c != nil {
		return *c
	}
	return Counters{}
}
