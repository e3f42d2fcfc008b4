// Package store is everything the node keeps on flash: one bbolt file of CBOR records, each with a version.
package store

import (
	"errors"
	"time"
)

// Decisions callers take on errors.
var (
	ErrNotFound = errors.New("store: not found")
	ErrExists   = errors.New("store: exists already")
	ErrQuota    = errors.New("store: quota exceeded")
	ErrLocked   = errors.New("store: file is locked by another process")
	ErrReadOnly = errors.New("store: file or folder is read-only")
	ErrFull     = errors.New("store: no space left on the device")
	ErrCorrupt  = errors.New("store: file is damaged")
	ErrNewer    = errors.New("store: file was written by a newer version")
	ErrClosed   = errors.New("store: closed")
)

// Health tells whether commits reach the flash.
type Health struct {
	Err   error // nil: healthy; else wraps ErrFull, ErrReadOnly, ErrCorrupt or another commit error
	Since time.Time
}

// Options of Open; zero values are the defaults.
type Options struct {
	LockWait  time.Duration // how long to wait for another process's lock; default 1 s
	ReadOnly  bool
	SlowSync  time.Duration // test aid: each commit takes at least this long
	MaxBytes  int64         // bound of the file; a commit that would pass it fails with ErrFull; 0: none
	OnHealth  func(Health)  // called when the health changes, from the committer
	SpoolMax  int           // spool entries per account; default 500
	SpoolSize int64         // spool bytes per account; default 2 MiB
}

// DB is the open store. Its committer goroutine gathers what was submitted meanwhile into one bbolt transaction (group
// commit), so that a slow flash bounds the commits a second, not the messages a second.
type DB struct{ db }

// Open opens or creates the file and migrates it.
func Open(path string, o Options) (*DB, error) { panic("todo") }

// Close commits what was submitted and closes the file.
func (db *DB) Close() error { panic("todo") }

// Submit queues op for the next commit. Ops run one after the other, in the order of the calls, on one goroutine, each
// seeing the effects of those before. done is called after the commit, in the same order, with nil or the error. An op that returns
// an error has no effect, and done gets that error; the others of its batch are not disturbed (the batch is run again without it, so an
// op may run more than once: it must plan world-visible effects only, and start afresh each time). When the commit fails, every done of the batch
// gets the error. Submit itself never waits for the flash, but for room when 4096 ops are queued.
func (db *DB) Submit(op func(*Tx) error, done func(error)) { panic("todo") }

// Update is Submit and waits.
func (db *DB) Update(op func(*Tx) error) error { panic("todo") }

// View runs a read-only function on the last committed state; concurrent.
func (db *DB) View(op func(*Tx) error) error { panic("todo") }

// Health is the state of the last commit.
func (db *DB) Health() Health { panic("todo") }

// Probe tries one small commit, so that a node that was full or read-only finds out when it is healed.
func (db *DB) Probe() error { panic("todo") }

// Size is the file's length and the bytes free inside it.
func (db *DB) Size() (file, free int64) { panic("todo") }

// Tx is one transaction. Methods that write panic in a View.
type Tx struct{ tx }

// ---- accounts ----------------------------------------------------------------------------------------------------

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
}

func (tx *Tx) Account(jid string) (Account, error)     { panic("todo") } // ErrNotFound
func (tx *Tx) PutAccount(a Account) error              { panic("todo") }
func (tx *Tx) DeleteAccount(jid string) error          { panic("todo") } // with everything that belongs to it; ErrNotFound
func (tx *Tx) Accounts(fn func(Account) error) error   { panic("todo") } // ordered by JID
func (tx *Tx) AccountExists(jid string) (bool, error)  { panic("todo") } // cheaper than Account
func (tx *Tx) Secret(name string, n int) ([]byte, error) { panic("todo") } // n random bytes made at the first call, the same ever after; in a View of a store that has none: ErrNotFound

// ---- roster ------------------------------------------------------------------------------------------------------

// RosterItem is one contact of an account, with the state of RFC 6121 appendix A.
type RosterItem struct {
	Contact  string // bare JID
	Name     string
	Groups   []string
	To       bool // we are subscribed to the contact
	From     bool // the contact is subscribed to us
	PendOut  bool // our subscribe is unanswered (ask='subscribe')
	PendIn   bool // the contact's subscribe is unanswered
	Approved bool // pre-approved (RFC 6121 §3.4)
	InRoster bool // the user put it there, or a state other than pure Pending In did; false: not shown (RFC 6121 §3.1.3)
	Request  []byte // the stored subscribe stanza while PendIn
	Ver      uint64 // roster version of its last change
}

func (tx *Tx) RosterItem(account, contact string) (RosterItem, error)              { panic("todo") } // ErrNotFound
func (tx *Tx) PutRosterItem(account string, it RosterItem) (ver uint64, err error) { panic("todo") } // gives the item and the roster a new version
func (tx *Tx) DeleteRosterItem(account, contact string) (ver uint64, err error)    { panic("todo") } // leaves a tombstone for versioning (at most 100 kept; RosterFloor tells)
func (tx *Tx) Roster(account string, fn func(RosterItem) error) error              { panic("todo") }
func (tx *Tx) RosterVer(account string) (uint64, error)                            { panic("todo") }

// RosterSince gives what changed after ver; ok is false when tombstones that old are gone and the whole roster must be sent.
func (tx *Tx) RosterSince(account string, ver uint64) (changed []RosterItem, removed []string, ok bool, err error) {
	panic("todo")
}

// ---- blobs: vCards, private XML, block lists, whatever is one value under a name ---------------------------------

// Kinds of blobs of an account.
const (
	BlobVCard   = "vcard"
	BlobPrivate = "private" // name: namespace and element
	BlobBlock   = "block"   // name: the blocked JID
)

func (tx *Tx) Blob(account, kind, name string) ([]byte, error)                                  { panic("todo") } // ErrNotFound
func (tx *Tx) PutBlob(account, kind, name string, v []byte) error                               { panic("todo") } // nil v deletes
func (tx *Tx) Blobs(account, kind string, fn func(name string, v []byte) error) error           { panic("todo") }

// ---- spool: messages a local account has not confirmed yet (offline or in a session) -----------------------------

// SpoolEntry is one message for an account.
type SpoolEntry struct {
	ID       uint64 // set by SpoolPut; rises with each entry of the account
	Stanza   []byte
	Received time.Time
}

// SpoolPut appends. ErrQuota when the account's spool is full; hard ignores the quota (what a peer already handed over must land).
func (tx *Tx) SpoolPut(account string, e SpoolEntry, hard bool) (id uint64, err error) { panic("todo") }
func (tx *Tx) SpoolDelete(account string, id uint64) error                             { panic("todo") } // no error when gone already
func (tx *Tx) SpoolHas(account string, id uint64) bool                                 { panic("todo") }
func (tx *Tx) Spool(account string, after uint64, fn func(SpoolEntry) error) error      { panic("todo") } // oldest first
func (tx *Tx) SpoolCount(account string) (entries int, bytes int64)                     { panic("todo") }

// ---- client stream management (XEP-0198) -------------------------------------------------------------------------

// SMSession is what must outlive a crash of a client's stream: how far each side's count has got.
type SMSession struct {
	ID       string
	Account  string
	Resource string
	H        uint32 // stanzas of the client that we took responsibility for
	Ended    bool   // over; kept for <failed h=''/> only
	Changed  time.Time
}

func (tx *Tx) SM(id string) (SMSession, error) { panic("todo") } // ErrNotFound
func (tx *Tx) PutSM(s SMSession) error         { panic("todo") }
func (tx *Tx) DeleteSM(id string) error        { panic("todo") }
func (tx *Tx) PurgeSM(before time.Time) error  { panic("todo") } // forgets sessions, and their assignments, not changed since

// SMAssign notes that spool entry went out as number seq of that session. It is committed before the stanza is written.
func (tx *Tx) SMAssign(id string, seq uint32, spool uint64) error { panic("todo") }

// SMAcked deletes from the account's spool what was assigned to numbers up to and including h (modulo 2^32), and the assignments.
func (tx *Tx) SMAcked(id, account string, h uint32) error { panic("todo") }

// ---- peers: queue out, mark in (style of custody: see queue.go) ---------------------------------------------------

// Class orders what waits for a peer; the lower goes first and is dropped last.
type Class uint8

// Classes, most urgent first.
const (
	ClassChat      Class = 2 // chat, normal, headline, errors, subscriptions
	ClassGroupchat Class = 3
	ClassIQ        Class = 4
	ClassPresence  Class = 6
	ClassReceipt   Class = 7 // receipts, markers
	ClassState     Class = 8 // nothing but a chat state
)

// Entry is one stanza that waits for a peer's confirmation. The store keeps stanzas, never wire bytes.
type Entry struct {
	ID       uint64 // custody number: rises with each entry of the peer; set by Put
	Class    Class
	From, To string // full JIDs as in the stanza
	StanzaID string // id attribute, for people
	Coalesce bool   // an unsent entry with the same From and To and Coalesce is replaced (presence)
	Queued   time.Time
	Expires  time.Time // zero: never
	Stanza   []byte
	Session  string // the link session that numbered it; "": not sent yet
	Seq      uint32 // its number there
}

// QueueLimits bound one peer's queue. Zero fields: 10 000 entries, 8 MiB.
type QueueLimits struct {
	Entries int
	Bytes   int64
}

// QueueStats is a peer queue's depth.
type QueueStats struct {
	Entries, Sent int
	Bytes         int64
	Oldest        time.Time
}

// Queue is one peer's durable queue; any number of goroutines. Get it from DB.Queue.
type Queue struct{ queue }

// Queue returns the queue of the peer called name, made at first use.
func (db *DB) Queue(name string) *Queue { panic("todo") }

// Queues lists the peers that have one.
func (db *DB) Queues() ([]string, error) { panic("todo") }

// Put appends e in tx. When the queue is over its limits it drops less urgent unsent entries (higher Class first, oldest first within the class) and returns them, so that
// the caller can bounce them; ErrQuota when nothing less urgent is left to drop. replaced counts coalesced entries.
func (q *Queue) Put(tx *Tx, e Entry, lim QueueLimits) (id uint64, dropped []Entry, err error) { panic("todo") }

// Wake gets a token after commits that put something; it has room for one.
func (q *Queue) Wake() <-chan struct{} { panic("todo") }

// Next returns unsent entries, by class, then age, at most n of them and about maxBytes in all (at least one). Two entries with the same From and To never swap places.
func (q *Queue) Next(n, maxBytes int) ([]Entry, error) { panic("todo") }

// Number notes in tx that entries were given numbers of a link session; it is committed before the first byte of them is sent.
func (q *Queue) Number(tx *Tx, session string, first uint32, ids []uint64) error { panic("todo") }

// Unconfirmed returns the numbered entries of a session, by number.
func (q *Queue) Unconfirmed(session string) ([]Entry, error) { panic("todo") }

// Confirm deletes in tx the entries of the session numbered up to and including h (modulo 2^32) and returns them.
func (q *Queue) Confirm(tx *Tx, session string, h uint32) ([]Entry, error) { panic("todo") }

// Done deletes entries by id in tx, whatever their state; unknown ids are no error. It returns those deleted.
func (q *Queue) Done(tx *Tx, ids ...uint64) ([]Entry, error) { panic("todo") }

// Requeue makes the session's entries unsent again, in their places.
func (q *Queue) Requeue(tx *Tx, session string) error { panic("todo") }

// Expired returns unsent entries whose time is over, and when the next one's will be (zero: none).
func (q *Queue) Expired(now time.Time) (over []Entry, next time.Time, err error) { panic("todo") }

// List returns all entries in sending order, numbered ones first.
func (q *Queue) List() ([]Entry, error) { panic("todo") }

// Stats is the depth as of the last commit.
func (q *Queue) Stats() QueueStats { panic("todo") }

// Custody is what a peer link's stream management must remember for good (XEP-0198 with persistent counters): our
// outbound stream to the peer and the mark of the peer's stream to us. One per peer and role.
type Custody struct {
	OutID     string // name of our outbound numbering, made by us
	Sent      uint32 // last number given
	Acked     uint32 // last number the peer confirmed
	Confirmed bool   // the peer has answered in this numbering
	InID      string // the peer's name for its stream to us
	Mark      uint32 // last number taken from the peer
	Changed   time.Time
}

// Custody returns the record called key (peer name, or peer name and role); the zero record if there is none.
func (tx *Tx) Custody(key string) (Custody, error) { panic("todo") }
func (tx *Tx) PutCustody(key string, c Custody) error { panic("todo") }

type db struct{}
type tx struct{}
type queue struct{}
