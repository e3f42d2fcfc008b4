package store

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"
)

// Credential is what SCRAM stores for one hash (RFC 5802 §3): never the password.
type Credential struct {
	Hash       string // "SHA-1" or "SHA-256"
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
}

// Account is one local user.
type Account struct {
	JID         string // bare, normalised
	Credentials []Credential
	Created     time.Time
	Disabled    bool
	LastSeen    time.Time // end of the last session; zero: never
	LastStatus  string    // status text of the last unavailable presence

	// Declared tells what the configuration has to do with it. Of an account that it declares, Credentials and Disabled are
	// what is in force.
	Declared Declared
	Shut     bool         // of a declared one: an operator's command has disabled it, whatever the configuration says
	Own      []Credential // of a declared one that was made by hand before: what it had, and gets back when it is left out
}

// Declared is what the configuration has to do with an account.
type Declared uint8

// An account is made by hand, or declared by the configuration, or was so and is left out now.
const (
	ByHand Declared = iota
	ByConfig
	LeftOut
)

// Account is the account called jid; ErrNotFound if there is none.
func (tx *Tx) Account(jid string) (Account, error) {
	rec, err := load[accountRecord](tx, bucketAccounts, []byte(jid))
	return rec.account(), err
}

// PutAccount adds or replaces the account.
func (tx *Tx) PutAccount(a Account) error {
	if err := checkNames(a.JID); err != nil {
		return err
	}
	key := []byte(a.JID)
	if tx.get(bucketAccounts, key) == nil {
		if err := tx.room(); err != nil {
			return err
		}
		// An older program that deleted an account of this name knew of no archive, and of no personal eventing.
		if err := tx.deleteArchive(a.JID); err != nil {
			return err
		}
		if err := tx.deleteAll(bucketPubsub, prefix(a.JID)); err != nil {
			return err
		}
	}
	return tx.putRecord(bucketAccounts, key, accountRecordOf(a))
}

// DeleteAccount deletes the account with everything that belongs to it: roster, blobs, spool, archive, personal eventing,
// sessions, what became of its stanzas; ErrNotFound.
// What it has sent and waits for a peer is sent all the same, but nobody is told any more what becomes of it.
// Only the counters of its roster and spool stay, so that an account that gets the same name later never gives a number twice.
func (tx *Tx) DeleteAccount(jid string) error {
	if tx.get(bucketAccounts, []byte(jid)) == nil {
		return fmt.Errorf("store: deleting account %s: %w", jid, ErrNotFound)
	}
	if err := tx.delete(bucketAccounts, []byte(jid)); err != nil {
		return err
	}
	for _, b := range []bucketID{bucketRoster, bucketTombs, bucketBlobs, bucketSpool, bucketPubsub} {
		if err := tx.deleteAll(b, prefix(jid)); err != nil {
			return err
		}
	}
	if err := tx.deleteArchive(jid); err != nil {
		return err
	}
	if err := tx.trimFates(jid, 0); err != nil {
		return err
	}
	if err := tx.untrack(jid); err != nil {
		return err
	}
	if err := tx.resetRoster(jid); err != nil {
		return err
	}
	if err := tx.resetSpool(jid); err != nil {
		return err
	}
	return tx.deleteSMOf(jid)
}

// Accounts calls fn for each account, ordered by JID.
func (tx *Tx) Accounts(fn func(Account) error) error {
	return eachRecord(tx, bucketAccounts, nil, nil, func(_ []byte, rec accountRecord) error {
		return fn(rec.account())
	})
}

// AccountExists is cheaper than Account: it does not read the record.
func (tx *Tx) AccountExists(jid string) (bool, error) {
	return tx.get(bucketAccounts, []byte(jid)) != nil, nil
}

// Secret is n random bytes made at the first call, the same ever after; in a View of a store that has none: ErrNotFound.
func (tx *Tx) Secret(name string, n int) ([]byte, error) {
	if err := checkNames(name); err != nil {
		return nil, err
	}
	key := []byte(name)
	if v := tx.get(bucketSecrets, key); v != nil {
		rec, err := read[secretRecord](bucketSecrets, key, v)
		return rec.Secret, err
	}
	if !tx.writable {
		return nil, fmt.Errorf("store: secret %s: %w", name, ErrNotFound)
	}
	if err := tx.room(); err != nil {
		return nil, err
	}
	secret := make([]byte, n)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("store: making secret %s: %w", name, err)
	}
	return bytes.Clone(secret), tx.putRecord(bucketSecrets, key, secretRecord{v1, secret})
}

func accountRecordOf(a Account) accountRecord {
	return accountRecord{
		head: v1, JID: a.JID, Created: nanos(a.Created), Disabled: a.Disabled,
		LastSeen: nanos(a.LastSeen), LastStatus: a.LastStatus,
		Declared: a.Declared, Shut: a.Shut,
		Credentials: convert(a.Credentials, func(c Credential) credentialRecord { return credentialRecord(c) }),
		Own:         convert(a.Own, func(c Credential) credentialRecord { return credentialRecord(c) }),
	}
}

func (r accountRecord) account() Account {
	return Account{
		JID: r.JID, Created: fromNanos(r.Created), Disabled: r.Disabled,
		LastSeen: fromNanos(r.LastSeen), LastStatus: r.LastStatus,
		Declared: r.Declared, Shut: r.Shut,
		Credentials: convert(r.Credentials, func(c credentialRecord) Credential { return Credential(c) }),
		Own:         convert(r.Own, func(c credentialRecord) Credential { return Credential(c) }),
	}
}

func convert[A, B any](from []A, f func(A) B) (to []B) {
	for _, x := range from {
		to = append(to, f(x))
	}
	return to
}
