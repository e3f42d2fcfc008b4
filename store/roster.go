package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// RosterItem is one contact of an account, with the state of RFC 6121 appendix A.
type RosterItem struct {
	Contact  string // bare JID
	Name     string
	Groups   []string
	To       bool   // we are subscribed to the contact
	From     bool   // the contact is subscribed to us
	PendOut  bool   // our subscribe is unanswered (ask='subscribe')
	PendIn   bool   // the contact's subscribe is unanswered
	Approved bool   // pre-approved (RFC 6121 §3.4)
	InRoster bool   // the user put it there, or a state other than pure Pending In did; false: not shown (RFC 6121 §3.1.3)
	Request  []byte // the stored subscribe stanza while PendIn
	Ver      uint64 // roster version of its last change
}

// maxTombs is how many removals per account are remembered for RosterSince.
const maxTombs = 100

// RosterItem is one contact of the account; ErrNotFound.
func (tx *Tx) RosterItem(account, contact string) (RosterItem, error) {
	rec, err := load[rosterItemRecord](tx, bucketRoster, append(prefix(account), contact...))
	return rec.item(), err
}

// PutRosterItem adds or replaces the contact and gives the item and the roster a new version.
func (tx *Tx) PutRosterItem(account string, it RosterItem) (ver uint64, err error) {
	if err := checkNames(account, it.Contact); err != nil {
		return 0, err
	}
	key := append(prefix(account), it.Contact...)
	if tx.full && tx.get(bucketRoster, key) == nil {
		return 0, tx.room()
	}
	r, err := tx.roster(account)
	if err != nil {
		return 0, err
	}
	r.Ver++
	it.Ver = r.Ver
	if err := tx.putRecord(bucketRoster, key, rosterItemRecordOf(it)); err != nil {
		return 0, err
	}
	return r.Ver, tx.putRoster(account, r)
}

// DeleteRosterItem deletes the contact, ErrNotFound if there is none. It leaves a tombstone for RosterSince; the oldest goes when there are more than 100.
func (tx *Tx) DeleteRosterItem(account, contact string) (ver uint64, err error) {
	key := append(prefix(account), contact...)
	if tx.get(bucketRoster, key) == nil {
		return 0, fmt.Errorf("store: deleting %s from the roster of %s: %w", contact, account, ErrNotFound)
	}
	r, err := tx.roster(account)
	if err != nil {
		return 0, err
	}
	if err := tx.delete(bucketRoster, key); err != nil {
		return 0, err
	}
	r.Ver++
	r.Tombs++
	if err := tx.put(bucketTombs, key64(prefix(account), r.Ver), []byte(contact)); err != nil {
		return 0, err
	}
	if r.Tombs > maxTombs {
		if err := tx.dropOldestTomb(account, &r); err != nil {
			return 0, err
		}
	}
	return r.Ver, tx.putRoster(account, r)
}

func (tx *Tx) dropOldestTomb(account string, r *rosterRecord) error {
	var oldest []byte
	p := prefix(account)
	err := tx.scan(bucketTombs, p, p, func(k, _ []byte) error {
		oldest = slices.Clone(k)
		return errStop
	})
	if err != nil || oldest == nil {
		return err
	}
	r.Tombs--
	r.Floor = tail64(oldest)
	return tx.delete(bucketTombs, oldest)
}

// Roster calls fn for each contact of the account, ordered by JID.
func (tx *Tx) Roster(account string, fn func(RosterItem) error) error {
	p := prefix(account)
	return eachRecord(tx, bucketRoster, p, p, func(_ []byte, rec rosterItemRecord) error {
		return fn(rec.item())
	})
}

// RosterVer is the version of the roster's last change; 0 when there was none.
func (tx *Tx) RosterVer(account string) (uint64, error) {
	r, err := tx.roster(account)
	return r.Ver, err
}

// RosterSince gives what changed after ver, oldest change first; ok is false when tombstones that old are gone, or ver
// is none that we gave, and the whole roster must be sent.
func (tx *Tx) RosterSince(account string, ver uint64) (changed []RosterItem, removed []string, ok bool, err error) {
	r, err := tx.roster(account)
	if err != nil || ver < r.Floor || ver > r.Ver {
		return nil, nil, false, err
	}
	if ver == r.Ver {
		return nil, nil, true, nil
	}
	err = tx.Roster(account, func(it RosterItem) error {
		if it.Ver > ver {
			changed = append(changed, it)
		}
		return nil
	})
	if err != nil {
		return nil, nil, false, err
	}
	slices.SortFunc(changed, func(a, b RosterItem) int { return cmp.Compare(a.Ver, b.Ver) })
	removed, err = tx.removedSince(account, ver)
	return changed, removed, err == nil, err
}

// removedSince lists the contacts removed after ver that have not come back.
func (tx *Tx) removedSince(account string, ver uint64) (removed []string, err error) {
	p := prefix(account)
	err = tx.scan(bucketTombs, key64(p, ver+1), p, func(_, v []byte) error {
		removed = append(removed, string(v))
		return nil
	})
	seen := map[string]bool{}
	removed = slices.DeleteFunc(removed, func(contact string) bool {
		again := seen[contact]
		seen[contact] = true
		return again || tx.get(bucketRoster, append(prefix(account), contact...)) != nil
	})
	return removed, err
}

func (tx *Tx) roster(account string) (rosterRecord, error) {
	return loadOrNew(tx, bucketRosters, []byte(account), rosterRecord{head: v1})
}

func (tx *Tx) putRoster(account string, r rosterRecord) error {
	return tx.putRecord(bucketRosters, []byte(account), r)
}

// resetRoster forgets all versions so far, but goes on counting from them.
func (tx *Tx) resetRoster(account string) error {
	r, err := tx.roster(account)
	if errors.Is(err, ErrCorrupt) {
		// Nothing else needs the record.
		return tx.delete(bucketRosters, []byte(account))
	}
	if err != nil || r.Ver == 0 {
		return err
	}
	return tx.putRoster(account, rosterRecord{head: v1, Ver: r.Ver + 1, Floor: r.Ver + 1})
}

func rosterItemRecordOf(it RosterItem) rosterItemRecord {
	return rosterItemRecord{
		head: v1, Contact: it.Contact, Name: it.Name, Groups: it.Groups, To: it.To, From: it.From, PendOut: it.PendOut,
		PendIn: it.PendIn, Approved: it.Approved, InRoster: it.InRoster, Request: it.Request, Ver: it.Ver,
	}
}

func (r rosterItemRecord) item() RosterItem {
	return RosterItem{
		Contact: r.Contact, Name: r.Name, Groups: r.Groups, To: r.To, From: r.From, PendOut: r.PendOut,
		PendIn: r.PendIn, Approved: r.Approved, InRoster: r.InRoster, Request: r.Request, Ver: r.Ver,
	}
}
