package store

import "time"

// FedCount is how far a room has the lines of an origin: all up to N.
type FedCount struct {
	Origin string
	N      uint64 // 0: the origin is forgotten, and with it all that are older
	At     time.Time
	After  string // the origin of the same node before, and the last number there; of package lines; "": none
	Own    bool   // our node's newest
}

// FedSync is what a room and a peer's room of our kind have told each other.
type FedSync struct {
	Peer    string
	Asked   bool     // it was asked what it has, and did not say so yet
	Behind  bool     // it gets no lines until it says what it has
	Held    uint64   // the archive's last id when that began
	Met     bool     // it has said so once
	Waiting uint8    // what the digest in the queue asks and answers; of package fmuc
	Want    string   // the lines that its answer wants
	Known   bool     // Told holds
	Told    string   // whom it will believe to be here when all in the queue has arrived
	Had     []string // whom it may believe to be here without the digest in the queue
}

const (
	fedCount = "n"
	fedSync  = "s"
)

// PutFedCount adds or replaces how far the room has an origin's lines.
func (tx *Tx) PutFedCount(room string, c FedCount) error {
	if err := checkNames(room, c.Origin); err != nil {
		return err
	}
	return tx.putFed(append(prefix(room, fedCount), c.Origin...), fedCountRecord{v1, c.N, nanos(c.At), c.After, c.Own})
}

// DeleteFedCount forgets an origin.
func (tx *Tx) DeleteFedCount(room, origin string) error {
	return tx.deleteFed(append(prefix(room, fedCount), origin...))
}

// FedCounts calls fn for each origin whose lines the room has.
func (tx *Tx) FedCounts(room string, fn func(FedCount) error) error {
	p := prefix(room, fedCount)
	return eachRecord(tx, bucketFed, p, p, func(k []byte, rec fedCountRecord) error {
		return fn(FedCount{string(k[len(p):]), rec.N, fromNanos(rec.At), rec.After, rec.Own})
	})
}

// PutFedSync adds or replaces what was told to and by a peer.
func (tx *Tx) PutFedSync(room string, s FedSync) error {
	if err := checkNames(room, s.Peer); err != nil {
		return err
	}
	return tx.putFed(append(prefix(room, fedSync), s.Peer...), fedSyncRecordOf(s))
}

// FedSync is what was told to and by a peer; the zero value if nothing was.
func (tx *Tx) FedSync(room, peer string) (FedSync, error) {
	rec, err := loadOrNew(tx, bucketFed, append(prefix(room, fedSync), peer...), fedSyncRecord{head: v1, Peer: peer})
	return rec.sync(), err
}
