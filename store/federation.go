package store

import (
	"time"
)

// FedPeer is what a room knows of another room that it is federated with (XEP-0289).
type FedPeer struct {
	Peer     string // the other room's bare JID
	Up       bool   // we join it; else it joins us
	State    uint8  // of package fmuc
	Echo     bool   // it waits for the echo of its lines: it is the replica
	Longwire bool   // it knows our extension
	Lefts    int    // how many <left/> it has still to say to farewells of ours; if it joins us, ours to it
	Asked    string // real JID of whom the present join named; "": it is answered
	Since    time.Time
	Seen     time.Time // stamp of its newest line that we have
	Missed   uint64    // archive id of our first line that it did not get; 0: none
}

// FedOccupant is an occupant that a room has learned from a peer's room.
type FedOccupant struct {
	Nick              string // there
	Real              string // full JID
	Affiliation, Role string // there; cosmetic here
	Show              []byte // <show/> and <status/> as markup
	Alias             string // nick here; "": the same
}

// FedTold is an occupant that a peer's room has been told of by us.
type FedTold struct {
	Nick string // here
	Real string // full JID
}

// Tags of the parts of a key in bucketFed.
const (
	fedPeer     = "p"
	fedOccupant = "o"
	fedTold     = "t"
)

// PutFedPeer adds or replaces what the room knows of p.Peer.
func (tx *Tx) PutFedPeer(room string, p FedPeer) error {
	if err := checkNames(room, p.Peer); err != nil {
		return err
	}
	return tx.putFed(append(prefix(room, fedPeer), p.Peer...), fedPeerRecordOf(p))
}

// DeleteFedPeer forgets a peer, with its occupants and what it was told.
func (tx *Tx) DeleteFedPeer(room, peer string) error {
	if err := checkNames(room, peer); err != nil {
		return err
	}
	for _, tag := range []string{fedOccupant, fedTold} {
		if err := tx.deleteAll(bucketFed, prefix(room, tag, peer)); err != nil {
			return err
		}
	}
	if err := tx.deleteFed(append(prefix(room, fedSync), peer...)); err != nil {
		return err
	}
	return tx.deleteFed(append(prefix(room, fedPeer), peer...))
}

// FedPeers calls fn for each peer of the room, ordered by JID.
func (tx *Tx) FedPeers(room string, fn func(FedPeer) error) error {
	p := prefix(room, fedPeer)
	return eachRecord(tx, bucketFed, p, p, func(_ []byte, rec fedPeerRecord) error { return fn(rec.peer()) })
}

// PutFedOccupant adds or replaces an occupant learned from a peer.
func (tx *Tx) PutFedOccupant(room, peer string, o FedOccupant) error {
	if err := checkNames(room, peer, o.Nick); err != nil {
		return err
	}
	return tx.putFed(append(prefix(room, fedOccupant, peer), o.Nick...), fedOccupantRecordOf(o))
}

// DeleteFedOccupant forgets one.
func (tx *Tx) DeleteFedOccupant(room, peer, nick string) error {
	return tx.deleteFed(append(prefix(room, fedOccupant, peer), nick...))
}

// FedOccupants calls fn for each occupant learned from a peer, ordered by nick.
func (tx *Tx) FedOccupants(room, peer string, fn func(FedOccupant) error) error {
	p := prefix(room, fedOccupant, peer)
	return eachRecord(tx, bucketFed, p, p, func(_ []byte, rec fedOccupantRecord) error { return fn(rec.occupant()) })
}

// PutFedTold notes that a peer was told of an occupant.
func (tx *Tx) PutFedTold(room, peer string, t FedTold) error {
	if err := checkNames(room, peer, t.Nick); err != nil {
		return err
	}
	return tx.putFed(append(prefix(room, fedTold, peer), t.Nick...), fedToldRecord{v1, t.Nick, t.Real})
}

// DeleteFedTold notes that a peer was told that an occupant is gone.
func (tx *Tx) DeleteFedTold(room, peer, nick string) error {
	return tx.deleteFed(append(prefix(room, fedTold, peer), nick...))
}

// FedTold calls fn for each occupant that a peer was told of, ordered by nick.
func (tx *Tx) FedTold(room, peer string, fn func(FedTold) error) error {
	p := prefix(room, fedTold, peer)
	return eachRecord(tx, bucketFed, p, p, func(_ []byte, rec fedToldRecord) error { return fn(FedTold{rec.Nick, rec.Real}) })
}

// putFed adds or replaces a record; a full flash takes no new one.
func (tx *Tx) putFed(key []byte, rec interface{ version() uint8 }) error {
	if tx.full && tx.get(bucketFed, key) == nil {
		return tx.room()
	}
	return tx.putRecord(bucketFed, key, rec)
}

func (tx *Tx) deleteFed(key []byte) error {
	if tx.get(bucketFed, key) == nil {
		return nil
	}
	return tx.delete(bucketFed, key)
}
