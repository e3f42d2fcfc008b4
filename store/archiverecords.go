package store

import "time"

type archiveRecord struct {
	head
	Num     uint64 `cbor:"1,keyasint"` // what the keys of its entries begin with; another one after it was deleted
	Entries int    `cbor:"2,keyasint,omitempty"`
	Bytes   int64  `cbor:"3,keyasint,omitempty"`
	Last    uint64 `cbor:"4,keyasint,omitempty"`
	Late    int64  `cbor:"5,keyasint,omitempty"` // ns; see ArchiveStats
	Early   int64  `cbor:"6,keyasint,omitempty"`
}

type archiveEntryRecord struct {
	head
	Shift    int64  `cbor:"1,keyasint,omitempty"` // its stamp is so many ns behind the id's time
	With     string `cbor:"2,keyasint,omitempty"`
	From     string `cbor:"3,keyasint,omitempty"`
	StanzaID string `cbor:"4,keyasint,omitempty"`
	Stanza   []byte `cbor:"5,keyasint"`
	Origin   string `cbor:"6,keyasint,omitempty"`
	Seq      uint64 `cbor:"7,keyasint,omitempty"`
	Key      []byte `cbor:"8,keyasint,omitempty"` // 16 bytes
}

// entryMarks is the part of archiveEntryRecord that tells how old it is and what finds it.
type entryMarks struct {
	head
	Shift  int64  `cbor:"1,keyasint,omitempty"`
	With   string `cbor:"2,keyasint,omitempty"`
	From   string `cbor:"3,keyasint,omitempty"`
	Origin string `cbor:"6,keyasint,omitempty"`
	Seq    uint64 `cbor:"7,keyasint,omitempty"`
	Key    []byte `cbor:"8,keyasint,omitempty"`
}

func (r entryMarks) entry(id uint64) ArchiveEntry {
	e := ArchiveEntry{ID: id, With: r.With, From: r.From, Origin: r.Origin, Seq: r.Seq}
	copy(e.Key[:], r.Key)
	return e
}

func archiveEntryRecordOf(e ArchiveEntry) archiveEntryRecord {
	if e.Stamp.IsZero() {
		e.Stamp = time.Unix(0, int64(e.ID))
	}
	rec := archiveEntryRecord{
		head: v1, Shift: e.Stamp.UnixNano() - int64(e.ID), With: e.With, From: e.From, StanzaID: e.StanzaID, Stanza: e.Stanza,
		Origin: e.Origin, Seq: e.Seq,
	}
	if e.Key != [16]byte{} {
		rec.Key = e.Key[:]
	}
	return rec
}

func (r archiveEntryRecord) entry(id uint64) ArchiveEntry {
	e := ArchiveEntry{
		ID: id, Stamp: time.Unix(0, int64(id)+r.Shift).UTC(), With: r.With, From: r.From, StanzaID: r.StanzaID, Stanza: r.Stanza,
		Origin: r.Origin, Seq: r.Seq,
	}
	copy(e.Key[:], r.Key)
	return e
}
