package store

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Records are CBOR maps with small integers as keys; key 0 is the version of the record's type. A program that meets a
// key it does not know ignores it, so that adding one leaves the version as it is; the version rises only when an older
// program could no longer read the record rightly, and the older program then says so (ErrNewer).
// Such a record is only written into a file whose format allows it (migrate.go), by putRecord.
// A key is never used again for something else. testdata holds each record's bytes.

// head is key 0 of every record.
type head struct {
	V uint8 `cbor:"0,keyasint"`
}

func (h head) version() uint8 { return h.V }

var v1 = head{V: 1}

type formatRecord struct {
	head
	Format  uint64 `cbor:"1,keyasint"`
	Created int64  `cbor:"2,keyasint,omitempty"` // ns since 1970, as all times; absent: the zero time
}

type probeRecord struct {
	head
	At int64 `cbor:"1,keyasint,omitempty"`
}

type secretRecord struct {
	head
	Secret []byte `cbor:"1,keyasint"`
}

type accountRecord struct {
	head
	JID         string             `cbor:"1,keyasint"`
	Credentials []credentialRecord `cbor:"2,keyasint,omitempty"`
	Created     int64              `cbor:"3,keyasint,omitempty"`
	Disabled    bool               `cbor:"4,keyasint,omitempty"`
	LastSeen    int64              `cbor:"5,keyasint,omitempty"`
	LastStatus  string             `cbor:"6,keyasint,omitempty"`
	Declared    Declared           `cbor:"7,keyasint,omitempty"`
	Shut        bool               `cbor:"8,keyasint,omitempty"`
	Own         []credentialRecord `cbor:"9,keyasint,omitempty"`
}

// credentialRecord is part of accountRecord and shares its version.
type credentialRecord struct {
	Hash       string `cbor:"1,keyasint"`
	Salt       []byte `cbor:"2,keyasint"`
	Iterations int    `cbor:"3,keyasint"`
	StoredKey  []byte `cbor:"4,keyasint"`
	ServerKey  []byte `cbor:"5,keyasint"`
}

type rosterRecord struct {
	head
	Ver   uint64 `cbor:"1,keyasint,omitempty"`
	Floor uint64 `cbor:"2,keyasint,omitempty"` // removals up to this version are forgotten
	Tombs int    `cbor:"3,keyasint,omitempty"` // removals that are remembered
}

type rosterItemRecord struct {
	head
	Contact  string   `cbor:"1,keyasint"`
	Name     string   `cbor:"2,keyasint,omitempty"`
	Groups   []string `cbor:"3,keyasint,omitempty"`
	To       bool     `cbor:"4,keyasint,omitempty"`
	From     bool     `cbor:"5,keyasint,omitempty"`
	PendOut  bool     `cbor:"6,keyasint,omitempty"`
	PendIn   bool     `cbor:"7,keyasint,omitempty"`
	Approved bool     `cbor:"8,keyasint,omitempty"`
	InRoster bool     `cbor:"9,keyasint,omitempty"`
	Request  []byte   `cbor:"10,keyasint,omitempty"`
	Ver      uint64   `cbor:"11,keyasint"`
}

type blobRecord struct {
	head
	Value []byte `cbor:"1,keyasint"`
}

type spoolRecord struct {
	head
	Last    uint64 `cbor:"1,keyasint,omitempty"` // last id given
	Entries int    `cbor:"2,keyasint,omitempty"`
	Bytes   int64  `cbor:"3,keyasint,omitempty"`
}

type spoolEntryRecord struct {
	head
	Stanza   []byte `cbor:"1,keyasint"`
	Received int64  `cbor:"2,keyasint,omitempty"`
}

type smRecord struct {
	head
	Account  string `cbor:"1,keyasint"`
	Resource string `cbor:"2,keyasint,omitempty"`
	H        uint32 `cbor:"3,keyasint,omitempty"`
	Ended    bool   `cbor:"4,keyasint,omitempty"`
	Changed  int64  `cbor:"5,keyasint,omitempty"`
}

type queueRecord struct {
	head
	Last    uint64 `cbor:"1,keyasint,omitempty"` // last id given
	Entries int    `cbor:"2,keyasint,omitempty"`
	Sent    int    `cbor:"3,keyasint,omitempty"`
	Bytes   int64  `cbor:"4,keyasint,omitempty"`
}

type entryRecord struct {
	head
	Class    Class  `cbor:"1,keyasint"`
	From     string `cbor:"2,keyasint,omitempty"`
	To       string `cbor:"3,keyasint,omitempty"`
	StanzaID string `cbor:"4,keyasint,omitempty"`
	Coalesce bool   `cbor:"5,keyasint,omitempty"`
	Queued   int64  `cbor:"6,keyasint,omitempty"`
	Expires  int64  `cbor:"7,keyasint,omitempty"`
	Stanza   []byte `cbor:"8,keyasint"`

	Kind      Kind   `cbor:"9,keyasint,omitempty"` // absent: Class holds it
	NotBefore int64  `cbor:"10,keyasint,omitempty"`
	Track     bool   `cbor:"11,keyasint,omitempty"`
	Receipt   bool   `cbor:"12,keyasint,omitempty"`
	Saved     int    `cbor:"13,keyasint,omitempty"`
	Ending    Ending `cbor:"14,keyasint,omitempty"`
	HeldFor   string `cbor:"15,keyasint,omitempty"`

	Was    string `cbor:"20,keyasint,omitempty"`
	WasSeq uint32 `cbor:"21,keyasint,omitempty"`
}

type custodyRecord struct {
	head
	OutID     string `cbor:"1,keyasint,omitempty"`
	Sent      uint32 `cbor:"2,keyasint,omitempty"`
	Acked     uint32 `cbor:"3,keyasint,omitempty"`
	Confirmed bool   `cbor:"4,keyasint,omitempty"`
	InID      string `cbor:"5,keyasint,omitempty"`
	Mark      uint32 `cbor:"6,keyasint,omitempty"`
	Changed   int64  `cbor:"7,keyasint,omitempty"`
	Beyond    uint64 `cbor:"8,keyasint,omitempty"`
}

type linkRecord struct {
	head
	EMCON   bool  `cbor:"1,keyasint,omitempty"`
	Changed int64 `cbor:"2,keyasint,omitempty"`
}

type shortCountRecord struct {
	head
	Next  uint64 `cbor:"1,keyasint,omitempty"`
	Count int    `cbor:"2,keyasint,omitempty"`
	Zero  int64  `cbor:"3,keyasint,omitempty"` // Unix nanoseconds; see shortCounts
}

type shortIDRecord struct {
	head
	ID       string `cbor:"1,keyasint,omitempty"`
	Digest   []byte `cbor:"2,keyasint,omitempty"`
	Resource string `cbor:"3,keyasint,omitempty"`
}

type pairingRecord struct {
	head
	Invitation   []byte `cbor:"1,keyasint"`
	Key          []byte `cbor:"2,keyasint,omitempty"`
	Counter      uint32 `cbor:"3,keyasint,omitempty"`
	Address      string `cbor:"4,keyasint,omitempty"`
	Configured   string `cbor:"5,keyasint,omitempty"`
	First        int64  `cbor:"6,keyasint,omitempty"`
	Paired       int64  `cbor:"7,keyasint,omitempty"`
	Heard        int64  `cbor:"8,keyasint,omitempty"`
	Withdrawn    bool   `cbor:"9,keyasint,omitempty"`
	Rival        []byte `cbor:"10,keyasint,omitempty"`
	RivalCounter uint32 `cbor:"11,keyasint,omitempty"`
	RivalAt      int64  `cbor:"12,keyasint,omitempty"`
	Refused      uint32 `cbor:"13,keyasint,omitempty"`
	Answered     uint32 `cbor:"14,keyasint,omitempty"`
	Status       uint8  `cbor:"15,keyasint,omitempty"`
	Told         int64  `cbor:"16,keyasint,omitempty"`
}

type seenRecord struct {
	head
	Ring []byte `cbor:"1,keyasint,omitempty"` // two digests of 8 bytes for each stanza, oldest first
}

// The modes are fixed by constants: an error here is a mistake in this file.
var (
	encMode = must(cbor.EncOptions{
		Sort:          cbor.SortCoreDeterministic,
		IndefLength:   cbor.IndefLengthForbidden,
		NilContainers: cbor.NilContainerAsEmpty,
	}.EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  8,
		MaxArrayElements: 1 << 16,
		MaxMapPairs:      1 << 10,
		UTF8:             cbor.UTF8DecodeInvalid, // what was put must come back
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("store: cbor options: " + err.Error())
	}
	return v
}

// encode cannot fail: the record types hold nothing that CBOR lacks.
func encode(record any) []byte { return must(encMode.Marshal(record)) }

// decode reads a record; what it holds is copied out of b.
func decode[T interface{ version() uint8 }](b []byte) (rec T, err error) {
	if err = decMode.Unmarshal(b, &rec); err != nil {
		return rec, err
	}
	switch v := rec.version(); {
	case v == 0:
		return rec, fmt.Errorf("record without version")
	case v > maxVersion():
		return rec, fmt.Errorf("%w: record version %d, this program reads up to %d", ErrNewer, v, maxVersion())
	}
	return rec, nil
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// entryAge is the part of entryRecord that tells how long it waits.
type entryAge struct {
	head
	Queued int64 `cbor:"6,keyasint,omitempty"`
}
