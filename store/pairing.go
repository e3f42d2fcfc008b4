package store

import (
	"errors"
	"fmt"
	"time"
)

// Pairing is what is remembered of the pairing with a peer (package links/pair), at headquarters or at the kit. One per peer.
type Pairing struct {
	Invitation [4]byte   // name of the token; with another one the rest means nothing
	Key        []byte    // the peer's public key: at headquarters that of the kit, once it was heard
	Counter    uint32    // of the last hello: at headquarters the last one taken, at the kit the last one made
	Address    string    // at headquarters, where the kit was heard; at the kit, its own when it introduced itself
	Configured string    // at headquarters, the kit's address in the configuration at that time
	First      time.Time // when the kit was heard first, or introduced itself first
	Paired     time.Time // when each knew of the other; zero: not yet
	Heard      time.Time // when the peer was heard last, to within a quarter of an hour

	// At headquarters.
	Withdrawn    bool   // an operator has taken the invitation back
	Rival        []byte // public key of the last one that was refused, and the counter of its hello
	RivalCounter uint32
	RivalAt      time.Time // zero: that was the kit itself, before an operator forgot it
	Refused      uint32    // how often

	// At the kit.
	Answered uint32    // counter of the last hello that was answered
	Status   uint8     // what the answer was
	Told     time.Time // headquarters' time when it was last heard to tell it
}

// Pairing returns that with a peer; the zero value if there is none.
func (tx *Tx) Pairing(peer string) (Pairing, error) {
	rec, err := load[pairingRecord](tx, bucketMeta, pairingKey(peer))
	if errors.Is(err, ErrNotFound) {
		return Pairing{}, nil
	}
	if err == nil && len(rec.Invitation) != 4 {
		err = damaged(bucketMeta, pairingKey(peer), fmt.Errorf("invitation of %d bytes", len(rec.Invitation)))
	}
	if err != nil {
		return Pairing{}, err
	}
	return rec.pairing(), nil
}

// PutPairing stores it. It works on a full flash too: a kit must be able to say who it is.
func (tx *Tx) PutPairing(peer string, p Pairing) error {
	if err := checkNames(peer); err != nil {
		return fmt.Errorf("store: pairing: %w", err)
	}
	return tx.putRecord(bucketMeta, pairingKey(peer), pairingRecordOf(p))
}

// DeletePairing forgets it.
func (tx *Tx) DeletePairing(peer string) error { return tx.delete(bucketMeta, pairingKey(peer)) }

func pairingKey(peer string) []byte { return append(prefix(keyPairing), peer...) }

func pairingRecordOf(p Pairing) pairingRecord {
	return pairingRecord{
		head: v1, Invitation: p.Invitation[:], Key: p.Key, Counter: p.Counter, Address: p.Address, Configured: p.Configured,
		First: nanos(p.First), Paired: nanos(p.Paired), Heard: nanos(p.Heard), Withdrawn: p.Withdrawn,
		Rival: p.Rival, RivalCounter: p.RivalCounter, RivalAt: nanos(p.RivalAt), Refused: p.Refused,
		Answered: p.Answered, Status: p.Status, Told: nanos(p.Told),
	}
}

func (r pairingRecord) pairing() Pairing {
	return Pairing{
		Invitation: [4]byte(r.Invitation), Key: r.Key, Counter: r.Counter, Address: r.Address, Configured: r.Configured,
		First: fromNanos(r.First), Paired: fromNanos(r.Paired), Heard: fromNanos(r.Heard), Withdrawn: r.Withdrawn,
		Rival: r.Rival, RivalCounter: r.RivalCounter, RivalAt: fromNanos(r.RivalAt), Refused: r.Refused,
		Answered: r.Answered, Status: r.Status, Told: fromNanos(r.Told),
	}
}
