package links

import (
	"time"

	"longwire/store"
)

// A Sieve is what folding does with a peer's entries when a link takes them (links/fold: that package has the rules, links have the words
// for what is queued). Its fields may be nil: then all goes as it was queued. They are called under the locks of a link, and may commit.
type Sieve struct {
	// Fresh judges entries that are about to get their numbers, in their order, and returns those to be sent, with the bytes to send. The
	// others have left the queue.
	Fresh func(peer, link string, now time.Time, entries []store.Entry) ([]store.Entry, error)
	// Again gives an entry that has its number the bytes that Fresh gave it, or would give it on this link.
	Again func(peer, link string, e store.Entry) store.Entry
}

// Sift calls Fresh.
func (s Sieve) Sift(peer, link string, now time.Time, entries []store.Entry) ([]store.Entry, error) {
	if s.Fresh == nil || len(entries) == 0 {
		return entries, nil
	}
	return s.Fresh(peer, link, now, entries)
}

// Dress calls Again.
func (s Sieve) Dress(peer, link string, e store.Entry) store.Entry {
	if s.Again == nil {
		return e
	}
	return s.Again(peer, link, e)
}
