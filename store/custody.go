package store

import (
	"errors"
	"time"
)

// Custody is what a peer link's stream management must remember for good (XEP-0198 with persistent counters): our
// outbound stream to the peer and the mark of the peer's stream to us. One per peer and role.
type Custody struct {
	OutID     string // name of our outbound numbering, made by us
	Sent      uint32 // last number given
	Acked     uint32 // last number the peer confirmed
	Confirmed bool   // the peer has answered in this numbering
	InID      string // the peer's name for its stream to us
	Mark      uint32 // last number taken from the peer, as all before it,
	Beyond    uint64 // and some behind it: bit i is number Mark+1+i
	Changed   time.Time
}

// Custody returns the record called key (peer name, or peer name and role); the zero record if there is none.
func (tx *Tx) Custody(key string) (Custody, error) {
	rec, err := load[custodyRecord](tx, bucketCustody, []byte(key))
	if errors.Is(err, ErrNotFound) {
		return Custody{}, nil
	}
	return rec.custody(), err
}

// PutCustody stores the record called key. It works on a full flash too: without it nothing could leave.
func (tx *Tx) PutCustody(key string, c Custody) error {
	if err := checkNames(key); err != nil {
		return err
	}
	return tx.putRecord(bucketCustody, []byte(key), custodyRecordOf(c))
}

func custodyRecordOf(c Custody) custodyRecord {
	return custodyRecord{
		head: v1, OutID: c.OutID, Sent: c.Sent, Acked: c.Acked, Confirmed: c.Confirmed,
		InID: c.InID, Mark: c.Mark, Beyond: c.Beyond, Changed: nanos(c.Changed),
	}
}

func (r custodyRecord) custody() Custody {
	return Custody{
		OutID: r.OutID, Sent: r.Sent, Acked: r.Acked, Confirmed: r.Confirmed,
		InID: r.InID, Mark: r.Mark, Beyond: r.Beyond, Changed: fromNanos(r.Changed),
	}
}
