package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/stanza"
)

// get answers with the roster, or with what has changed in it; from then on the resource gets pushes.
//
// What is sent is read after the commit, while no push can come between, so that the client's picture never goes back.
func (s *Service) get(q *local.Request) error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "") // RFC 6121 §2.1.5
	}
	r := q.Resource
	if r == nil {
		return nil // it is gone again
	}
	known, versioned := clientVer(q)
	q.Turn.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.SetInterested() // RFC 6121 §2.2
		a, err := s.read(q.Account, known, versioned)
		if err != nil {
			logFailure(q.Account, err)
			r.Send(q.Stanza.ErrorReply(stanza.Fail(stanza.InternalServerError, "")))
			return
		}
		r.Send(q.Stanza.Result(a.result))
		for _, p := range a.pushes {
			r.Send(s.pushed(p.item, p.ver))
		}
	})
	return nil
}

// clientVer is the version that the client has in store. RFC 6121 §2.6.2: an empty one means none yet.
func clientVer(q *local.Request) (ver uint64, ok bool) {
	ver, err := strconv.ParseUint(q.Payload.Attr("ver"), 10, 64)
	return ver, err == nil
}

// answer is the result's child, nil for none, and the pushes behind it.
type answer struct {
	result []byte
	pushes []change
}

type change struct {
	item []byte
	ver  uint64
}

// pushCost is about what a push costs beyond its item.
const pushCost = 130

func (s *Service) read(account jid.JID, known uint64, versioned bool) (a answer, err error) {
	err = s.host.DB().View(func(tx *store.Tx) error {
		ver, err := tx.RosterVer(account.String())
		if err != nil {
			return fmt.Errorf("roster: reading the version of %s: %w", account, err)
		}
		if versioned && known == ver {
			return nil // RFC 6121 §2.6.3: an empty result says that nothing has changed
		}
		items, err := all(tx, account)
		if err != nil {
			return err
		}
		var full []byte
		for _, it := range items {
			if it.InRoster {
				full = appendItem(full, it)
			}
		}
		if versioned && known < ver {
			changes, ok, err := since(tx, account, known)
			if err != nil {
				return err
			}
			if ok && cost(changes) <= len(full) {
				a.pushes = changes
				return nil
			}
		}
		a.result = query(full, ver)
		return nil
	})
	return a, err
}

// since lists what changed after a version, in such an order that a client that gets only some of it and asks again
// from the last version it saw misses nothing. ok is false when the store no longer knows all of it.
func since(tx *store.Tx, account jid.JID, known uint64) (cs []change, ok bool, err error) {
	changed, removed, ok, err := tx.RosterSince(account.String(), known)
	if err != nil {
		return nil, false, fmt.Errorf("roster: reading the changes of %s: %w", account, err)
	}
	for _, contact := range removed {
		// Removals come first and under the version that the client has, as theirs are not known one by one.
		cs = append(cs, change{appendRemoved(nil, contact), known})
	}
	slices.SortFunc(changed, func(a, b store.RosterItem) int { return cmp.Compare(a.Ver, b.Ver) })
	for _, it := range changed {
		if it.InRoster {
			cs = append(cs, change{appendItem(nil, it), it.Ver}) // RFC 6121 §2.6.3: in the order of the changes
		}
	}
	return cs, ok, nil
}

func cost(cs []change) (n int) {
	for _, c := range cs {
		n += len(c.item) + pushCost
	}
	return n
}
