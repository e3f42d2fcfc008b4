package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// Parts of the keys of bucketFates.
const (
	fatesByAge   = "f"
	fatesOf      = "a"
	fatesByEntry = "e"
	fatesDue     = "d"
)

type fateRecord struct {
	head
	Peer     string    `cbor:"1,keyasint"`
	Entry    uint64    `cbor:"2,keyasint"`
	From     string    `cbor:"3,keyasint"`
	To       string    `cbor:"4,keyasint,omitempty"`
	StanzaID string    `cbor:"5,keyasint,omitempty"`
	State    FateState `cbor:"6,keyasint"`
	Why      string    `cbor:"7,keyasint,omitempty"`
	Kind     Kind      `cbor:"8,keyasint,omitempty"`
	Class    Class     `cbor:"9,keyasint,omitempty"`
	Bytes    int       `cbor:"10,keyasint,omitempty"`
	Queued   int64     `cbor:"11,keyasint,omitempty"`
	Changed  int64     `cbor:"12,keyasint,omitempty"`
	Wants    bool      `cbor:"13,keyasint,omitempty"` // a receipt
	Due      bool      `cbor:"14,keyasint,omitempty"`
	Place    uint64    `cbor:"15,keyasint"` // among the account's
}

func (r fateRecord) fate() Fate {
	return Fate{
		Peer: r.Peer, Entry: r.Entry, From: r.From, To: r.To, StanzaID: r.StanzaID, State: r.State, Why: r.Why,
		Kind: r.Kind, Class: r.Class, Bytes: r.Bytes, Queued: fromNanos(r.Queued), Changed: fromNanos(r.Changed),
		WantsReceipt: r.Wants, ReceiptDue: r.Due,
	}
}

func queuedFate(peer string, e Entry) Fate {
	return Fate{
		Peer: peer, Entry: e.ID, From: e.From, To: e.To, StanzaID: e.StanzaID, State: FateQueued, Kind: e.Kind, Class: e.Class,
		Bytes: len(e.Stanza), Queued: e.Queued, Changed: e.Queued, OnWay: e.Session != "", WantsReceipt: e.Receipt,
	}
}

// placeKey ends in a digest of the stanza's id, so that one is found without reading all.
func (r fateRecord) placeKey() []byte {
	k := binary.BigEndian.AppendUint64(prefix(fatesOf, accountOf(r.From)), r.Place)
	return binary.BigEndian.AppendUint32(k, sum32(r.StanzaID))
}

func sum32(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

func entryName(peer string, id uint64) string { return fmt.Sprint(id, " ", peer) }

// backwards calls fn for the keys with a prefix, the last first, until it wants no more. fn must not write.
func (tx *Tx) backwards(b bucketID, prefix []byte, fn func(k, v []byte) (more bool, err error)) error {
	tx.inside = true
	in := tx.bucket(b)
	if in == nil {
		tx.inside = false
		return nil
	}
	c := in.Cursor()
	end := bytes.Clone(prefix)
	end[len(end)-1]++ // a zero byte ends the prefix
	var v []byte
	k, _ := c.Seek(end)
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	for bytes.HasPrefix(k, prefix) {
		tx.inside = false
		if more, err := fn(k, v); err != nil || !more {
			return err
		}
		tx.inside = true
		k, v = c.Prev()
	}
	tx.inside = false
	return nil
}

// lastNumber is the number of the last key with a prefix, which has that many bytes behind it; 0: there is none.
func (tx *Tx) lastNumber(b bucketID, prefix []byte, behind int) (n uint64) {
	_ = tx.backwards(b, prefix, func(k, _ []byte) (bool, error) {
		if len(k) == len(prefix)+8+behind {
			n = tail64(k[:len(k)-behind])
		}
		return false, nil
	})
	return n
}
