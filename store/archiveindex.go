package store

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"strings"
)

// Kinds of keys of bucketArchiveIndex, behind the archive's number.
const (
	indexWith   = 'w'
	indexFrom   = 'f'
	indexKey    = 'k'
	indexOrigin = 'o'
)

// bareOf is a JID without its resource.
func bareOf(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}

func indexPrefix(num uint64, kind byte) []byte {
	k := make([]byte, 0, 48)
	return append(binary.BigEndian.AppendUint64(k, num), kind)
}

// withPrefix and fromPrefix name a side by a digest: two that share it are told apart by the entries.
func withPrefix(num uint64, with string) []byte { return digestPrefix(num, indexWith, bareOf(with)) }

func fromPrefix(num uint64, nick string) []byte { return digestPrefix(num, indexFrom, nick) }

func digestPrefix(num uint64, kind byte, name string) []byte {
	h := fnv.New64a()
	h.Write([]byte(name))
	return binary.BigEndian.AppendUint64(indexPrefix(num, kind), h.Sum64())
}

func keyKey(num uint64, key [16]byte) []byte { return append(indexPrefix(num, indexKey), key[:]...) }

func originPrefix(num uint64, origin string) []byte {
	return append(append(indexPrefix(num, indexOrigin), origin...), 0)
}

// indexEntry makes the entry findable.
func (tx *Tx) indexEntry(num uint64, e ArchiveEntry) error {
	id := be64(e.ID)
	if e.With != "" {
		if err := tx.putNew(bucketArchiveIndex, key64(withPrefix(num, e.With), e.ID), nil); err != nil {
			return err
		}
	}
	if e.From != "" {
		if err := tx.putNew(bucketArchiveIndex, key64(fromPrefix(num, e.From), e.ID), nil); err != nil {
			return err
		}
	}
	if e.Key != [16]byte{} {
		if err := tx.put(bucketArchiveIndex, keyKey(num, e.Key), id); err != nil {
			return err
		}
	}
	if e.Origin != "" {
		return tx.put(bucketArchiveIndex, key64(originPrefix(num, e.Origin), e.Seq), id)
	}
	return nil
}

// unindexEntry is its reverse. What leads to another entry by now stays.
func (tx *Tx) unindexEntry(num uint64, e ArchiveEntry) error {
	if e.With != "" {
		if err := tx.deleteKnown(bucketArchiveIndex, key64(withPrefix(num, e.With), e.ID), nil); err != nil {
			return err
		}
	}
	if e.From != "" {
		if err := tx.deleteKnown(bucketArchiveIndex, key64(fromPrefix(num, e.From), e.ID), nil); err != nil {
			return err
		}
	}
	var keys [][]byte
	if e.Key != [16]byte{} {
		keys = append(keys, keyKey(num, e.Key))
	}
	if e.Origin != "" {
		keys = append(keys, key64(originPrefix(num, e.Origin), e.Seq))
	}
	for _, k := range keys {
		if !bytes.Equal(tx.get(bucketArchiveIndex, k), be64(e.ID)) {
			continue
		}
		if err := tx.delete(bucketArchiveIndex, k); err != nil {
			return err
		}
	}
	return nil
}

// walk calls fn for the keys of prefix and a number between after and before, both excluded, 0 being an open end. fn may
// write, and must not keep v.
func (tx *Tx) walk(b bucketID, prefix []byte, after, before uint64, backward bool, fn func(n uint64, v []byte) (more bool, err error)) error {
	tx.inside = true
	in := tx.bucket(b)
	tx.inside = false
	if in == nil || after+1 == 0 {
		return nil
	}
	if before == 0 {
		before--
	}
	c := walker{tx: tx, c: in.Cursor(), prefix: prefix, backward: backward}
	first := after + 1
	if backward {
		first = before
	}
	for n, v, ok := c.from(first, backward); ok && n > after && n < before; n, v, ok = c.next(n) {
		c.writes = tx.writes
		if more, err := fn(n, v); err != nil || !more {
			return err
		}
	}
	return nil
}
