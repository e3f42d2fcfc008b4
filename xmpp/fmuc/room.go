package fmuc

import (
	"maps"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
)

// A room is what federation knows of one room of ours.
type room struct {
	s     *Service
	jid   jid.JID
	peers []*peer
	ring  ring
	held  []held              // a replica's lines that have not come back yet
	waits map[jid.JID]string  // clients at the door, by full JID, and their nicks
	tries int                 // joins in a row that were lost
	owed  map[*peer][]parting // whom a digest is owed that waits for the end of a crowd; nil: none waits

	numbers numbering
}

// A peer is a room of a peer that is federated with ours: the one that we join, or one that has joined us.
type peer struct {
	batch int // how many lines are sent again at a time; 0: maxBatch
	room  *room
	jid   jid.JID
	rec   store.FedPeer
	occ   map[string]*store.FedOccupant // learned from it, by nick there
	real  map[jid.JID]string            // nick there, by real JID
	told  map[string]jid.JID            // real JIDs of those it was told of, by nick here
	seen  time.Time                     // stamp of its newest line; rec.Seen follows at times
	// again holds those who were here before the peer joined anew, and have not been named since.
	again   map[string]bool
	kinship kinship
}

func (p *peer) state() State { return State(p.rec.State) }

// open tells whether stanzas may go to the peer.
func (p *peer) open() bool { return p.state().Open() }

// alias is the nick that somebody of the peer's has here.
func alias(o *store.FedOccupant) string {
	if o.Alias != "" {
		return o.Alias
	}
	return o.Nick
}

// room finds what is known of a room, nil if it is not federated and never was.
func (s *Service) room(t *router.Turn, mr *muc.Room) (*room, error) {
	if r := s.rooms[mr.JID()]; r != nil {
		return r, nil
	}
	r := &room{s: s, jid: mr.JID(), waits: make(map[jid.JID]string)}
	if err := r.load(t.Tx); err != nil {
		return nil, err
	}
	if len(r.peers) == 0 && !s.on(mr.Next(t)) {
		return nil, nil
	}
	s.rooms[r.jid] = r
	return r, nil
}

// on tells whether a room may federate.
func (s *Service) on(st *muc.State) bool {
	return st != nil && s.options.Load().Enabled && st.Config.Fed.Enabled && !st.Config.Gone
}

// load reads the room's records.
func (r *room) load(tx *store.Tx) error {
	name := r.jid.String()
	if err := r.loadNumbers(tx); err != nil {
		return err
	}
	return tx.FedPeers(name, func(rec store.FedPeer) error {
		j, err := jid.Parse(rec.Peer)
		if err != nil {
			return nil // it cannot be spoken to
		}
		p := r.fresh(j, rec)
		err = tx.FedOccupants(name, rec.Peer, func(o store.FedOccupant) error {
			p.index(&o)
			return nil
		})
		if err != nil {
			return err
		}
		err = tx.FedTold(name, rec.Peer, func(o store.FedTold) error {
			real, _ := jid.Parse(o.Real)
			p.told[o.Nick] = real
			return nil
		})
		r.peers = append(r.peers, p)
		if err != nil {
			return err
		}
		return p.loadKin(tx)
	})
}

func (r *room) fresh(j jid.JID, rec store.FedPeer) *peer {
	return &peer{
		room: r, jid: j, rec: rec, seen: rec.Seen,
		occ: make(map[string]*store.FedOccupant), real: make(map[jid.JID]string), told: make(map[string]jid.JID),
	}
}

func (p *peer) index(o *store.FedOccupant) {
	p.occ[o.Nick] = o
	if real, err := jid.Parse(o.Real); err == nil {
		p.real[real] = o.Nick
	}
}

func (p *peer) unindex(o *store.FedOccupant) {
	delete(p.occ, o.Nick)
	if real, err := jid.Parse(o.Real); err == nil && p.real[real] == o.Nick {
		delete(p.real, real)
	}
}

// find is the peer with that address, nil if there is none.
func (r *room) find(j jid.JID) *peer {
	for _, p := range r.peers {
		if p.jid == j {
			return p
		}
	}
	return nil
}

// up is the room that ours joins, nil if none is known.
func (r *room) up() *peer {
	for _, p := range r.peers {
		if p.rec.Up {
			return p
		}
	}
	return nil
}

// add begins with a peer.
func (r *room) add(t *router.Turn, rec store.FedPeer) (*peer, error) {
	j, err := jid.Parse(rec.Peer)
	if err != nil {
		return nil, err
	}
	p := r.fresh(j, rec)
	old := r.peers
	r.peers = append(old[:len(old):len(old)], p)
	t.Tx.OnUndo(func() { r.peers = old })
	return p, p.put(t, func(*store.FedPeer) {})
}

// put changes the peer's record.
func (p *peer) put(t *router.Turn, f func(*store.FedPeer)) error {
	old := p.rec
	f(&p.rec)
	t.Tx.OnUndo(func() { p.rec = old })
	joined, key := p.state() == Joined, pair{p.room.jid, p.jid}
	t.After(func() { p.room.s.noteJoined(key, joined) })
	return t.Tx.PutFedPeer(p.room.jid.String(), p.rec)
}

// step moves the state.
func (p *peer) step(t *router.Turn, e Event) error {
	next := p.state().Next(e)
	if next == p.state() {
		return nil
	}
	return p.put(t, func(rec *store.FedPeer) { rec.State, rec.Since = uint8(next), time.Now() })
}

// forget ends all that is known of the peer.
func (p *peer) forget(t *router.Turn) error {
	r := p.room
	old := r.peers
	r.peers = nil
	for _, o := range old {
		if o != p {
			r.peers = append(r.peers, o)
		}
	}
	t.Tx.OnUndo(func() { r.peers = old })
	key := pair{r.jid, p.jid}
	t.After(func() { r.s.noteJoined(key, false) })
	return t.Tx.DeleteFedPeer(r.jid.String(), p.rec.Peer)
}

// learn notes an occupant of the peer's, new or changed.
func (p *peer) learn(t *router.Turn, o store.FedOccupant) error {
	old := p.occ[o.Nick]
	if old != nil {
		p.unindex(old)
	}
	n := &o
	p.index(n)
	t.Tx.OnUndo(func() {
		p.unindex(n)
		if old != nil {
			p.index(old)
		}
	})
	return t.Tx.PutFedOccupant(p.room.jid.String(), p.rec.Peer, o)
}

// unlearn forgets an occupant of the peer's.
func (p *peer) unlearn(t *router.Turn, nick string) error {
	old := p.occ[nick]
	if old == nil {
		return nil
	}
	p.unindex(old)
	t.Tx.OnUndo(func() { p.index(old) })
	return t.Tx.DeleteFedOccupant(p.room.jid.String(), p.rec.Peer, nick)
}

// noteTold notes whom the peer was told of.
func (p *peer) noteTold(t *router.Turn, nick string, real jid.JID) error {
	old, had := p.told[nick]
	if had && old == real {
		return nil
	}
	p.told[nick] = real
	p.undoTold(t, nick, old, had)
	return t.Tx.PutFedTold(p.room.jid.String(), p.rec.Peer, store.FedTold{Nick: nick, Real: real.String()})
}

// noteUntold notes that the peer knows that somebody is gone; false when it never knew of it.
func (p *peer) noteUntold(t *router.Turn, nick string) (knew bool, err error) {
	old, had := p.told[nick]
	if !had {
		return false, nil
	}
	delete(p.told, nick)
	p.undoTold(t, nick, old, had)
	return true, t.Tx.DeleteFedTold(p.room.jid.String(), p.rec.Peer, nick)
}

func (p *peer) undoTold(t *router.Turn, nick string, old jid.JID, had bool) {
	t.Tx.OnUndo(func() {
		if had {
			p.told[nick] = old
		} else {
			delete(p.told, nick)
		}
	})
}

// toldNicks are the nicks of those whom the peer was told of, sorted.
func (p *peer) toldNicks() []string { return slices.Sorted(maps.Keys(p.told)) }
