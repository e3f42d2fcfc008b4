package archive

import (
	"errors"
	"math"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/rsm"
	"longwire/xmpp/stanza"
)

// Bounds of one page. Its bytes are bounded as a client's stream takes so much at once and no more.
const (
	defaultPage  = 50
	maxPage      = 100
	maxPageBytes = 256 << 10

	// What a query may look at for a page or a count: it runs among the store's operations, and all that is written waits
	// for it.
	maxLooked      = 5000
	maxLookedBytes = 8 << 20
)

// A Source is an archive as one asker may see it.
type Source struct {
	Name jid.JID // bare, of the account or the room

	// Room marks the archive of a room; RealJIDs tells whether the asker may know who its occupants are.
	Room, RealJIDs bool

	// Rewrite gives the message as the asker gets it; ok is false for one that he may not see. nil: as it is stored. It must
	// not change e.Stanza in place.
	Rewrite func(e store.ArchiveEntry) (message []byte, ok bool)
}

// page is what a query finds.
type page struct {
	entries []store.ArchiveEntry // oldest first
	more    bool                 // beyond the page, on its way
	set     rsm.Result
}

// find reads a page.
func (src *Source) find(tx *store.Tx, q Query) (p page, err error) {
	name := src.Name.String()
	if err := src.knows(tx, q); err != nil {
		return p, err
	}
	match, err := src.match(q)
	if err != nil {
		return p, err
	}
	p.set = rsm.Result{FirstIndex: -1, Count: -1}
	after, before := max(q.After, q.PageAfter), least(q.Before, q.PageBefore)
	stats := tx.ArchiveStats(name)
	if q.Max == 0 {
		// XEP-0059 §2.7: only the number is wanted.
		p.set.Count, err = src.count(tx, q, match, stats)
		p.more = p.set.Count != 0
		return p, err
	}
	most, size := defaultPage, 0
	if q.Max > 0 {
		most = min(q.Max, maxPage)
	}
	var seen looked
	err = src.scan(tx, q, stats, after, before, q.Backward, func(e store.ArchiveEntry) (bool, error) {
		switch {
		case !match(e):
			p.more = seen.enough(e)
			return !p.more, nil
		case len(p.entries) == most || size > 0 && size+len(e.Stanza) > maxPageBytes:
			p.more = true
			return false, nil
		}
		p.entries = append(p.entries, e)
		size += len(e.Stanza)
		return true, nil
	})
	if err != nil {
		return p, err
	}
	if q.Backward {
		slices.Reverse(p.entries)
	}
	p.describe(q, stats)
	if p.more && len(p.entries) == 0 {
		// Choice: a page that was cut short before it held anything tells how far it came, so that the next begins there.
		p.set.First, p.set.Last = FormatID(seen.id), FormatID(seen.id)
	}
	return p, nil
}

// looked is what a query has looked at.
type looked struct {
	entries, bytes int
	id             uint64
}

// enough counts an entry, and tells whether it shall be the last.
func (l *looked) enough(e store.ArchiveEntry) bool {
	l.entries, l.bytes, l.id = l.entries+1, l.bytes+len(e.Stanza), e.ID
	return l.entries >= maxLooked || l.bytes >= maxLookedBytes
}

// describe fills in the result set, its optional parts as far as they cost nothing. XEP-0059 §2.2, §2.6.
func (p *page) describe(q Query, stats store.ArchiveStats) {
	n := len(p.entries)
	if n > 0 {
		p.set.First, p.set.Last = FormatID(p.entries[0].ID), FormatID(p.entries[n-1].ID)
	}
	first, last := q.PageAfter == 0, q.PageBefore == 0 // the page begins where the set does, or ends where it does
	switch {
	case q.unfiltered():
		p.set.Count = stats.Entries
	case first && last && !p.more:
		p.set.Count = n
	}
	// XEP-0059 §2.6: the index may be left out. Peer: slixmpp pages backwards until it sees the index of a page that ends where the set does,
	// which the first one is.
	if n > 0 && first && !q.Backward {
		p.set.FirstIndex = 0
	}
}

// unfiltered tells whether the set is the whole archive.
func (q *Query) unfiltered() bool {
	return q.Start.IsZero() && q.End.IsZero() && q.With.IsZero() && q.After == 0 && q.Before == 0 && !q.IDsOnly
}

// knows refuses a query that names an id which is not there. XEP-0313, Limiting results by id, Requesting pages.
func (src *Source) knows(tx *store.Tx, q Query) error {
	for _, c := range []struct {
		where string
		ids   []uint64
	}{{"after-id", []uint64{q.After}}, {"before-id", []uint64{q.Before}}, {"ids", q.IDs}, {"after", []uint64{q.PageAfter}}, {"before", []uint64{q.PageBefore}}} {
		for _, id := range c.ids {
			if id == 0 {
				continue
			}
			_, err := tx.ArchiveGet(src.Name.String(), id)
			if errors.Is(err, store.ErrNotFound) {
				return notFound(c.where)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// match is the part of the query that no order of the store answers.
func (src *Source) match(q Query) (func(store.ArchiveEntry) bool, error) {
	with, err := src.matchWith(q.With)
	if err != nil {
		return nil, err
	}
	return func(e store.ArchiveEntry) bool {
		at := e.Stamp.Truncate(time.Millisecond) // as it is shown
		return (q.Start.IsZero() || !at.Before(q.Start)) && (q.End.IsZero() || !at.After(q.End)) && with(e)
	}, nil
}

func (src *Source) matchWith(with jid.JID) (func(store.ArchiveEntry) bool, error) {
	switch {
	case with.IsZero():
		return func(store.ArchiveEntry) bool { return true }, nil
	case src.Room && with.Bare() == src.Name:
		// XEP-0313, Filtering by JID: the publisher is known to everyone by the address in the room.
		nick := with.Resource()
		return func(e store.ArchiveEntry) bool { return nick == "" || e.From == nick }, nil
	case src.Room && !src.RealJIDs:
		return nil, stanza.Fail(stanza.Forbidden, "with: who is who is not told here")
	case with.Resource() == "":
		return func(e store.ArchiveEntry) bool { return bareIs(e.With, with.String()) }, nil
	}
	return func(e store.ArchiveEntry) bool { return e.With == with.String() }, nil
}

// bareIs tells whether full is bare, or bare with a resource.
func bareIs(full, bare string) bool {
	return len(full) >= len(bare) && full[:len(bare)] == bare && (len(full) == len(bare) || full[len(bare)] == '/')
}

// scan walks through the least of the archive that holds all that the query may find.
func (src *Source) scan(tx *store.Tx, q Query, stats store.ArchiveStats, after, before uint64, backward bool, fn func(store.ArchiveEntry) (bool, error)) error {
	name := src.Name.String()
	if q.IDsOnly {
		return src.scanIDs(tx, q.IDs, after, before, backward, fn)
	}
	// An id is a time, and its entry's stamp is not far from it.
	if !q.Start.IsZero() {
		after = max(after, nanos(q.Start.Add(-stats.Early-time.Millisecond)))
	}
	if !q.End.IsZero() {
		before = least(before, max(1, nanos(q.End.Add(stats.Late+2*time.Millisecond))))
	}
	if nick := q.With.Resource(); src.Room && nick != "" && q.With.Bare() == src.Name {
		return tx.ArchiveScanFrom(name, nick, after, before, backward, fn)
	}
	if !q.With.IsZero() && !(src.Room && q.With == src.Name) {
		return tx.ArchiveScanWith(name, q.With.String(), after, before, backward, fn)
	}
	return tx.ArchiveScan(name, after, before, backward, fn)
}

func (src *Source) scanIDs(tx *store.Tx, ids []uint64, after, before uint64, backward bool, fn func(store.ArchiveEntry) (bool, error)) error {
	ids = slices.Clone(ids)
	if backward {
		slices.Reverse(ids)
	}
	for _, id := range ids {
		if id <= after || before != 0 && id >= before {
			continue
		}
		e, err := tx.ArchiveGet(src.Name.String(), id)
		if err != nil {
			return err
		}
		if more, err := fn(e); err != nil || !more {
			return err
		}
	}
	return nil
}

// count is how many entries the query finds on all pages, -1 when that takes too long.
func (src *Source) count(tx *store.Tx, q Query, match func(store.ArchiveEntry) bool, stats store.ArchiveStats) (n int, err error) {
	if q.unfiltered() {
		return stats.Entries, nil
	}
	var seen looked
	err = src.scan(tx, q, stats, q.After, q.Before, false, func(e store.ArchiveEntry) (bool, error) {
		if seen.enough(e) {
			n = -1
			return false, nil
		}
		if match(e) {
			n++
		}
		return true, nil
	})
	return n, err
}

// least is the lower of two bounds, of which 0 is none.
func least(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// nanos is a time as a bound of ids.
func nanos(t time.Time) uint64 {
	switch sec := t.Unix(); {
	case sec < 0:
		return 0
	case sec >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return uint64(t.UnixNano())
}
