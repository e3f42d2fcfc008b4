package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The file is a set of flat buckets; a key is made of parts that end in a zero byte (names, which hold none) or have a
// fixed length (big-endian numbers, so that keys sort as the numbers do).
//
//	meta      "format"                       formatRecord: the version of this drawing
//	          "repeat" 0 peer 0 'd' digest8  num8: a message of the peer that came
//	          "repeat" 0 peer 0 'n' num8     digest8 time8: the same by age
//	          "probe"                        probeRecord
//	          "link" 0 name                  linkRecord
//	          "seen" 0 key                   seenRecord
//	          "pair" 0 peer                  pairingRecord
//	secrets   name                           secretRecord
//	accounts  jid                            accountRecord
//	rosters   account                        rosterRecord: version counter
//	roster    account 0 contact              rosterItemRecord
//	tombs     account 0 ver8                 contact that was removed (text)
//	blobs     account 0 kind 0 name          blobRecord
//	spools    account                        spoolRecord: counters
//	spool     account 0 id8                  spoolEntryRecord
//	sm        session                        smRecord
//	smsent    session 0 seq4                 spool id8
//	queue     peer 0 'm'                     queueRecord: counters
//	          peer 0 'b' id8                 entryRecord (body)
//	          peer 0 'o' class1 id8          pair16 size4: unsent, in order
//	          peer 0 'p' pair16 id8          nothing: unsent, by From and To
//	          peer 0 'c' pair16 id8          nothing, or 1 if it was sent before: unsent and may be coalesced
//	          peer 0 'x' expires8 id8        nothing: unsent and will expire
//	          peer 0 'h' until8 id8          nothing: unsent and held until then; none in files of earlier versions
//	          peer 0 's' session 0 seq4      id8: numbered
//	          peer 0 't' id8                 seq4 session: numbered
//	custody   key                            custodyRecord
//	reserve   n                              padding that a full disk gives back (full.go)
//
// The buckets from here on came later and are made when something is first put in them (migrate.go):
//
//	rooms     room                           roomRecord
//	members   room 0 jid                     roomMemberRecord
//	archives  name                           archiveRecord: the number that its keys begin with, counters
//	          0 num8                         nothing: a deleted archive, which ArchiveSweep takes apart
//	archive   num8 id8                       archiveEntryRecord
//	archidx   num8 'w' with8 id8             nothing: entries by digest of the other's bare JID
//	          num8 'f' from8 id8             nothing: entries by digest of the nick
//	          num8 'k' key16                 id8
//	          num8 'o' origin 0 seq8         id8
//	fed       room 0 'p' 0 peer              fedPeerRecord
//	          room 0 'o' 0 peer 0 nick       fedOccupantRecord: learned from the peer
//	          room 0 't' 0 peer 0 nick       fedToldRecord: the peer was told of it
//	          room 0 'n' 0 origin            fedCountRecord: the origin's lines that we have
//	          room 0 's' 0 peer              fedSyncRecord
//	pubsub    account 0 'm' 0                pubsubRecord: counters
//	          account 0 'n' 0 node           pubsubNodeRecord
//	          account 0 'i' 0 node 0 num8    pubsubItemRecord, oldest first
//	          account 0 'd' 0 node 0 id      num8
//	          account 0 's' 0 node 0 jid     pubsubSubRecord: subscribers by their own request
//	fates     'f' 0 num8                     fateRecord: what became of an entry, oldest first
//	          'a' 0 account 0 place8 id4     num8: by sender, oldest first, with a digest of the stanza's id
//	          'e' 0 peer 0 id8               num8
//	          'd' 0 num8                     nothing: its sender wants a receipt and had none
//	shortids  peer 0 'm' 0                   shortCountRecord: counters
//	          peer 0 'n' 0 num8              shortIDRecord
//	          peer 0 'd' 0 digest16          num8
const (
	bucketMeta bucketID = iota
	bucketSecrets
	bucketAccounts
	bucketRosters
	bucketRoster
	bucketTombs
	bucketBlobs
	bucketSpools
	bucketSpool
	bucketSM
	bucketSMSent
	bucketQueue
	bucketCustody
	bucketReserve
	bucketRooms
	bucketMembers
	bucketArchives
	bucketArchive
	bucketArchiveIndex
	bucketFed
	bucketPubsub
	bucketArchiveLog
	bucketFates
	bucketShortIDs
	bucketCount
)

type bucketID uint8

// Keys of bucketMeta.
const (
	keyFormat  = "format"
	keyProbe   = "probe"
	keyLink    = "link"
	keySeen    = "seen"
	keyPairing = "pair"
	keyRepeat  = "repeat"
)

var bucketNames = [bucketCount]string{
	"meta", "secrets", "accounts", "rosters", "roster", "tombs", "blobs", "spools", "spool", "sm", "smsent", "queue", "custody", "reserve",
	"rooms", "members", "archives", "archive", "archidx", "fed", "pubsub", "archlog",
	"fates", "shortids",
}

func (b bucketID) String() string { return bucketNames[b] }

// pageSize of a file that we create, whatever the system's is, so that a card moves between boards.
const pageSize = 4096

// maxName bounds one part of a key: three times 1023 bytes and two separators is the longest JID (RFC 7622 §3.1).
const maxName = 3071

// checkNames refuses what would break the keys' grammar.
func checkNames(names ...string) error {
	for _, n := range names {
		if n == "" || len(n) > maxName || strings.IndexByte(n, 0) >= 0 {
			return fmt.Errorf("store: %.80q is no name for a key", n)
		}
	}
	return nil
}

// prefix is the names, each with its zero byte, with room for what a key has behind them.
func prefix(names ...string) []byte {
	n := 32
	for _, s := range names {
		n += len(s) + 1
	}
	k := make([]byte, 0, n)
	for _, s := range names {
		k = append(k, s...)
		k = append(k, 0)
	}
	return k
}

// key64 is prefix and number in a slice of its own.
func key64(prefix []byte, n uint64) []byte {
	k := make([]byte, len(prefix), len(prefix)+8)
	copy(k, prefix)
	return binary.BigEndian.AppendUint64(k, n)
}

func key32(prefix []byte, n uint32) []byte {
	k := make([]byte, len(prefix), len(prefix)+4)
	copy(k, prefix)
	return binary.BigEndian.AppendUint32(k, n)
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// tail64 is the number that ends a key.
func tail64(k []byte) uint64 { return binary.BigEndian.Uint64(k[len(k)-8:]) }

func tail32(k []byte) uint32 { return binary.BigEndian.Uint32(k[len(k)-4:]) }

// damaged says which record cannot be read. One that a newer program wrote is not damaged.
func damaged(b bucketID, key []byte, why error) error {
	if errors.Is(why, ErrNewer) {
		return fmt.Errorf("store: record %.100q in %s: %w", bytes.ToValidUTF8(key, []byte("?")), b, why)
	}
	return fmt.Errorf("store: record %.100q in %s: %w: %w", bytes.ToValidUTF8(key, []byte("?")), b, ErrCorrupt, why)
}
