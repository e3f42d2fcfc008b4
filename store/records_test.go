package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// go test -run Golden -golden writes testdata anew. A released file of it is never changed: a new format gets files of its own.
var writeGolden = flag.Bool("golden", false, "write testdata")

var goldenTime = time.Date(2026, 7, 23, 10, 15, 0, 123456789, time.UTC)

// goldenRecords has one of each record type, each field set to something that is not zero. A key that a later release
// adds comes with a record of its own, since what is in testdata stays.
var goldenRecords = []struct {
	name   string
	record any
	decode func([]byte) (any, error)
}{
	{"format", formatRecord{v1, 1, goldenTime.UnixNano()}, decoder[formatRecord]},
	{"probe", probeRecord{v1, goldenTime.UnixNano()}, decoder[probeRecord]},
	{"secret", secretRecord{v1, []byte{1, 2, 3}}, decoder[secretRecord]},
	{"account", accountRecordOf(goldenAccount), decoder[accountRecord]},
	{"account-declared", accountRecordOf(goldenDeclared), decoder[accountRecord]},
	{"roster", rosterRecord{v1, 101, 7, 100}, decoder[rosterRecord]},
	{"rosteritem", rosterItemRecordOf(goldenItem), decoder[rosterItemRecord]},
	{"blob", blobRecord{v1, []byte("<vCard/>")}, decoder[blobRecord]},
	{"spool", spoolRecord{v1, 9, 2, 600}, decoder[spoolRecord]},
	{"spoolentry", spoolEntryRecord{v1, []byte("<message/>"), goldenTime.UnixNano()}, decoder[spoolEntryRecord]},
	{"sm", smRecord{v1, "a@field.net", "phone", 4294967295, true, goldenTime.UnixNano()}, decoder[smRecord]},
	{"queue", queueRecord{v1, 1 << 40, 10000, 12, 8 << 20}, decoder[queueRecord]},
	{"entry", withoutKind(goldenEntry), decoder[entryRecord]},
	{"entry-kind", entryRecordOf(goldenUrgent), decoder[entryRecord]},
	{"fate", fateRecord{v1, "headquarters.net", 1 << 33, "a@field.net/phone", "b@headquarters.net", "id1", FateExpired, "not sent before 14:00 UTC",
		KindChat, ClassFlash, 600, goldenTime.UnixNano(), goldenTime.UnixNano() + 1, true, true, 7}, decoder[fateRecord]},
	{"custody", custodyRecordOf(goldenCustody), decoder[custodyRecord]},
	{"entry-was", entryRecordOf(goldenTaken), decoder[entryRecord]},
	{"entry-held", entryRecordOf(goldenKept), decoder[entryRecord]},
	{"custody-beyond", custodyRecordOf(goldenBeyond), decoder[custodyRecord]},
	{"link", linkRecord{v1, true, goldenTime.UnixNano()}, decoder[linkRecord]},
	{"seen", seenRecord{v1, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}, decoder[seenRecord]},
	{"pairing", pairingRecordOf(goldenPairing), decoder[pairingRecord]},
	{"shortcount", shortCountRecord{v1, 1 << 40, 10000, 0}, decoder[shortCountRecord]},
	{"shortid", shortIDRecord{v1, "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c", []byte{1, 2, 3, 4}, ""}, decoder[shortIDRecord]},
	{"shortcount-zero", shortCountRecord{v1, 1 << 40, 10000, goldenTime.UnixNano()}, decoder[shortCountRecord]},
	{"shortid-resource", shortIDRecord{v1, "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c", []byte{1, 2, 3, 4}, "phone"}, decoder[shortIDRecord]},
	{"room", roomRecordOf(goldenRoom), decoder[roomRecord]},
	{"room-creator", roomRecordOf(goldenMade), decoder[roomRecord]},
	{"roommember", roomMemberRecordOf(goldenMember), decoder[roomMemberRecord]},
	{"archive", archiveRecord{v1, 1785000000000000000, 10000, 6 << 20, 1785000000000000001, 3600e9, 5}, decoder[archiveRecord]},
	{"archiveentry", archiveEntryRecordOf(goldenArchived), decoder[archiveEntryRecord]},
	{"fedpeer", fedPeerRecordOf(goldenFedPeer), decoder[fedPeerRecord]},
	{"fedoccupant", fedOccupantRecordOf(goldenFedOccupant), decoder[fedOccupantRecord]},
	{"fedtold", fedToldRecord{v1, "Bob", "bob@field.net/Swift"}, decoder[fedToldRecord]},
	{"pubsub", pubsubRecord{v1, 9, 2, 3, 600}, decoder[pubsubRecord]},
	{"pubsubnode", pubsubNodeRecordOf(goldenNode), decoder[pubsubNodeRecord]},
	{"pubsubitem", pubsubItemRecord{v1, "current", "a@field.net/phone", goldenTime.UnixNano(), []byte("<nick xmlns='n'>A</nick>")}, decoder[pubsubItemRecord]},
	{"pubsubsub", pubsubSubRecord{v1, goldenTime.UnixNano()}, decoder[pubsubSubRecord]},
	{"fedcount", fedCountRecord{v1, 4711, goldenTime.UnixNano(), "C7VKMPUa5k", true}, decoder[fedCountRecord]},
	{"fedsync", fedSyncRecord{v1, "ops@rooms.headquarters.net", true, true, true, 3, true, "=Bob", []string{"=", "=Bob\nCarl"}, "C7VKMPUa5k", 1785000000000000000}, decoder[fedSyncRecord]},
}

var (
	goldenAccount = Account{
		JID: "a@field.net", Created: goldenTime, Disabled: true, LastSeen: goldenTime.Add(1), LastStatus: "gone",
		Credentials: []Credential{{"SHA-1", []byte{1}, 10000, []byte{2}, []byte{3}}, {"SHA-256", []byte{4}, 10001, []byte{5}, []byte{6}}},
	}
	goldenDeclared = func() Account {
		a := goldenAccount
		a.Declared, a.Shut, a.Own = LeftOut, true, []Credential{{"SHA-1", []byte{7}, 10002, []byte{8}, []byte{9}}}
		return a
	}()
	goldenItem = RosterItem{
		Contact: "b@headquarters.net", Name: "Bée", Groups: []string{"x", "y"}, To: true, From: true, PendOut: true,
		PendIn: true, Approved: true, InRoster: true, Request: []byte("<presence/>"), Ver: 3,
	}
	goldenUrgent = Entry{
		Kind: KindGroupchat, Class: ClassFlash, From: "a@field.net/phone", To: "ops@rooms.headquarters.net", StanzaID: "id3",
		Queued: goldenTime, Expires: goldenTime.Add(time.Hour), NotBefore: goldenTime.Add(time.Minute), Track: true, Receipt: true, Saved: 17, Ending: EndDrop,
		Stanza: []byte("<message/>"),
	}
	goldenTaken = func() Entry {
		e := goldenUrgent
		e.Was, e.WasSeq = "abcdef", 7
		return e
	}()
	goldenKept = func() Entry {
		e := goldenUrgent
		e.HeldFor = "no air"
		return e
	}()
	goldenBeyond = Custody{OutID: "o", Sent: 5, Acked: 4, Confirmed: true, InID: "i", Mark: 3, Beyond: 1<<63 | 2, Changed: goldenTime}
	goldenEntry  = Entry{
		ID: 1, Kind: KindPresence, Class: ClassPresence, From: "a@field.net/phone", To: "b@headquarters.net", StanzaID: "id1", Coalesce: true,
		Queued: goldenTime, Expires: goldenTime.Add(time.Hour), Stanza: []byte("<presence/>"),
	}
	goldenPairing = Pairing{
		Invitation: [4]byte{1, 2, 3, 4}, Key: []byte{5}, Counter: 65535, Address: "1.1.0.2", Configured: "1.1.0.3",
		First: goldenTime, Paired: goldenTime.Add(1), Heard: goldenTime.Add(2), Withdrawn: true,
		Rival: []byte{6}, RivalCounter: 7, RivalAt: goldenTime.Add(3), Refused: 8, Answered: 9, Status: 1, Told: goldenTime.Add(4),
	}
	goldenRoom = Room{
		JID: "ops@rooms.field.net", Created: goldenTime, Name: "Ops", Description: "Operations", Lang: "en",
		Persistent: true, Hidden: true, MembersOnly: true, Moderated: true, NonAnonymous: true, Password: "pw",
		ChangeSubject: true, MembersInvite: true, AllowPM: "moderators", MaxUsers: 30,
		Broadcast: []string{"moderator"}, MemberList: []string{}, NoArchive: true, History: -1, Contacts: []string{"a@field.net"},
		Subject: []byte("<subject>s</subject>"), SubjectBy: "a", SubjectAt: goldenTime.Add(1), Secret: []byte{1, 2},
		Declared: true, Locked: true, Gone: true, Alternate: "b@rooms.field.net", Reason: "moved",
		Fed: RoomFed{Enabled: true, Node: "ops@rooms.headquarters.net", Mode: "pr", Allow: []string{"ship.net"}, History: "since", Watch: true, LastN: 50},
	}
	goldenMade = func() Room {
		r := goldenRoom
		r.Creator = "a@field.net"
		return r
	}()
	goldenMember   = RoomMember{JID: "a@field.net", Affiliation: "owner", Nick: "a", Reason: "made it", Declared: true}
	goldenArchived = ArchiveEntry{
		ID: 1785000000000000001, Stamp: goldenTime, With: "b@headquarters.net/x", From: "Bée", StanzaID: "id1", Stanza: []byte("<message/>"),
		Origin: "AbC-_9", Seq: 7, Key: [16]byte{15: 1},
	}
	goldenFedPeer = FedPeer{
		Peer: "ops@rooms.headquarters.net", Up: true, State: 2, Echo: true, Longwire: true, Lefts: 1, Asked: "b@field.net/x",
		Since: goldenTime, Seen: goldenTime.Add(1), Missed: 1785000000000000001,
	}
	goldenFedOccupant = FedOccupant{
		Nick: "Bée", Real: "b@headquarters.net/x", Affiliation: "owner", Role: "moderator", Show: []byte("<show>away</show>"), Alias: "Bée (headquarters)",
	}
	goldenNode = PubsubNode{
		Created: goldenTime, Items: 3, Bytes: 600,
		Config: PubsubConfig{
			Access: "roster", Groups: []string{"x", "y"}, SendLast: "never", MaxItems: 10, MaxBytes: 1028, Transient: true, Silent: true,
			NoPayload: true, NotifyRetract: true, NotifyDelete: true, NotifyConfig: true, Normal: true,
			Title: "Tunes", Description: "What I hear", Type: "http://jabber.org/protocol/tune",
		},
	}
	goldenCustody = Custody{OutID: "o", Sent: 5, Acked: 4, Confirmed: true, InID: "i", Mark: 3, Changed: goldenTime}
)

func decoder[T interface{ version() uint8 }](b []byte) (any, error) { return decode[T](b) }

func TestGoldenRecords(t *testing.T) {
	path := filepath.Join("testdata", "records-v1.txt")
	if *writeGolden {
		var b strings.Builder
		for _, g := range goldenRecords {
			fmt.Fprintf(&b, "%s %x\n", g.name, encode(g.record))
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	golden := map[string][]byte{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if golden[name], err = hex.DecodeString(text); err != nil {
			t.Fatal(err)
		}
	}
	if len(golden) != len(goldenRecords) {
		t.Errorf("%d golden records for %d types", len(golden), len(goldenRecords))
	}
	shown := map[string]bool{}
	for _, g := range goldenRecords {
		if got := encode(g.record); !bytes.Equal(got, golden[g.name]) {
			t.Errorf("%s is now\n%x, was\n%x", g.name, got, golden[g.name])
		}
		if got, err := g.decode(golden[g.name]); err != nil || !reflect.DeepEqual(got, g.record) {
			t.Errorf("%s reads as %+v, %v", g.name, got, err)
		}
		v := reflect.ValueOf(g.record)
		for _, f := range reflect.VisibleFields(v.Type()) {
			if key := v.Type().Name() + "." + f.Name; !v.FieldByIndex(f.Index).IsZero() {
				shown[key] = true
			} else if !shown[key] {
				shown[key] = false
			}
		}
	}
	for key, yes := range shown {
		if !yes {
			t.Errorf("%s is zero everywhere and so not in the golden bytes", key)
		}
	}
}

// An older program reads what a newer one wrote with more keys, and says so when the version is above its own.
func TestRecordsOfANewerProgram(t *testing.T) {
	for _, g := range goldenRecords {
		var m map[int]any
		if err := cbor.Unmarshal(encode(g.record), &m); err != nil {
			t.Fatal(err)
		}
		m[99] = map[string]any{"new": []int{1, 2, 3}}
		if got, err := g.decode(must(cbor.Marshal(m))); err != nil || !reflect.DeepEqual(got, g.record) {
			t.Errorf("%s with a new key: %+v, %v", g.name, got, err)
		}
		m[0] = 2
		if _, err := g.decode(must(cbor.Marshal(m))); !errors.Is(err, ErrNewer) {
			t.Errorf("%s of version 2: %v", g.name, err)
		}
		delete(m, 0)
		if _, err := g.decode(must(cbor.Marshal(m))); err == nil {
			t.Errorf("%s without a version was read", g.name)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for i, g := range goldenRecords {
		f.Add(uint8(i), encode(g.record))
		f.Add(uint8(i), encode(map[int]any{0: 1, 1: int64(1) << 40, 2: -5, 3: "x", 8: []byte{}, 30: nil}))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		g := goldenRecords[int(which)%len(goldenRecords)]
		first, err := g.decode(data)
		if err != nil {
			return
		}
		bytes1 := encode(first)
		second, err := g.decode(bytes1)
		if err != nil {
			t.Fatalf("%s: own encoding %x: %v", g.name, bytes1, err)
		}
		if bytes2 := encode(second); !bytes.Equal(bytes1, bytes2) {
			t.Fatalf("%s: %x became %x", g.name, bytes1, bytes2)
		}
	})
}

// fillGolden is what the golden file holds.
func fillGolden(db *DB) error {
	q := db.Queue("headquarters.net")
	return db.Update(func(tx *Tx) error {
		secret := tx.put(bucketSecrets, []byte("salt"), encode(secretRecord{v1, []byte("0123456789abcdef")}))
		_, err1 := tx.PutRosterItem("a@field.net", RosterItem{Contact: "gone@field.net"})
		_, err2 := tx.PutRosterItem("a@field.net", goldenItem)
		_, err3 := tx.DeleteRosterItem("a@field.net", "gone@field.net")
		spool1, err4 := tx.SpoolPut("a@field.net", SpoolEntry{Stanza: []byte("<message id='1'/>"), Received: goldenTime}, false)
		_, err5 := tx.SpoolPut("a@field.net", SpoolEntry{Stanza: []byte("<message id='2'/>"), Received: goldenTime}, false)
		chat := goldenEntry
		chat.Kind, chat.Class, chat.Coalesce, chat.StanzaID = KindChat, 0, false, "id2"
		id1, _, err6 := q.Put(tx, chat, QueueLimits{})
		_, _, err7 := q.Put(tx, goldenEntry, QueueLimits{})
		return errors.Join(secret, tx.PutAccount(goldenAccount), err1, err2, err3, err4, err5, err6, err7,
			tx.PutBlob("a@field.net", BlobVCard, "", []byte("<vCard/>")), tx.PutBlob("a@field.net", BlobBlock, "x@y", []byte("1")),
			tx.PutSM(SMSession{ID: "sm", Account: "a@field.net", Resource: "phone", H: 5, Changed: goldenTime}),
			tx.SMAssign("sm", 4294967295, spool1), q.Number(tx, "link1", 7, []uint64{id1}),
			tx.PutCustody("headquarters.net", goldenCustody))
	})
}

// withoutKind is what versions wrote that knew no kinds.
func withoutKind(e Entry) entryRecord {
	r := entryRecordOf(e)
	r.Class, r.Kind = Class(e.Kind), 0
	return r
}

// A database that version 1 wrote is read by every later program.
func TestGoldenDatabase(t *testing.T) {
	golden := filepath.Join("testdata", "v1.db.gz")
	path := filepath.Join(t.TempDir(), "store.db")
	if *writeGolden {
		db := must(Open(path, Options{MaxBytes: 256 << 10}))
		if err := errors.Join(fillGolden(db), db.Close()); err != nil {
			t.Fatal(err)
		}
		if err := packGolden(path, golden); err != nil {
			t.Fatal(err)
		}
	}
	unpackGolden(t, golden, path)
	for _, o := range []Options{{ReadOnly: true}, {}} {
		db, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, db)
		if !o.ReadOnly {
			if err := fillGolden(db); err != nil {
				t.Error("writing on:", err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func packGolden(path, golden string) error {
	var b bytes.Buffer
	z := must(gzip.NewWriterLevel(&b, gzip.BestCompression))
	_, err := z.Write(must(os.ReadFile(path)))
	return errors.Join(err, z.Close(), os.WriteFile(golden, b.Bytes(), 0o644))
}

func unpackGolden(t *testing.T, golden, path string) {
	t.Helper()
	data := must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(must(os.ReadFile(golden)))))))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkGolden(t *testing.T, db *DB) {
	t.Helper()
	same := func(what string, got, want any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v, %v", what, got, want, err)
		}
	}
	err := db.View(func(tx *Tx) error {
		secret, err := tx.Secret("salt", 16)
		same("secret", string(secret), "0123456789abcdef", err)
		a, err := tx.Account("a@field.net")
		same("account", a, goldenAccount, err)
		item := goldenItem
		item.Ver = 2
		it, err := tx.RosterItem("a@field.net", "b@headquarters.net")
		same("roster item", it, item, err)
		changed, removed, ok, err := tx.RosterSince("a@field.net", 1)
		same("roster changes", []any{changed, removed, ok}, []any{[]RosterItem{item}, []string{"gone@field.net"}, true}, err)
		var spool []SpoolEntry
		err = tx.Spool("a@field.net", 0, func(e SpoolEntry) error { spool = append(spool, e); return nil })
		same("spool", spool, []SpoolEntry{{1, []byte("<message id='1'/>"), goldenTime}, {2, []byte("<message id='2'/>"), goldenTime}}, err)
		n, size := tx.SpoolCount("a@field.net")
		same("spool count", []any{n, size}, []any{2, int64(34)}, nil)
		blob, err := tx.Blob("a@field.net", BlobVCard, "")
		same("vcard", string(blob), "<vCard/>", err)
		err = tx.Blobs("a@field.net", BlobBlock, func(name string, v []byte) error { same("block", name+string(v), "x@y1", nil); return nil })
		same("blocks", nil, nil, err)
		sm, err := tx.SM("sm")
		same("sm", sm, SMSession{ID: "sm", Account: "a@field.net", Resource: "phone", H: 5, Changed: goldenTime}, err)
		c, err := tx.Custody("headquarters.net")
		same("custody", c, goldenCustody, err)
		return nil
	})
	same("view", nil, nil, err)

	q := db.Queue("headquarters.net")
	chat, presence := goldenEntry, goldenEntry
	chat.Kind, chat.Class, chat.Coalesce, chat.StanzaID, chat.Session, chat.Seq = KindChat, ClassRoutine, false, "id2", "link1", 7
	chat.old, presence.old = true, true // the file is of a version that knew no kinds
	presence.ID = 2
	all, err := q.List()
	same("queue", all, []Entry{chat, presence}, err)
	sent, err := q.Unconfirmed("link1")
	same("unconfirmed", sent, []Entry{chat}, err)
	unsent, err := q.Next(9, 999)
	same("next", unsent, []Entry{presence}, err)
	over, _, err := q.Expired(goldenTime.Add(2 * time.Hour))
	same("expired", over, []Entry{presence}, err)
	same("stats", q.Stats(), QueueStats{2, 1, 22, goldenTime}, nil)
	names, err := db.Queues()
	same("queues", names, []string{"headquarters.net"}, err)
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := must(Open(path, Options{}))
	err := db.Update(func(tx *Tx) error {
		return tx.put(bucketMeta, []byte(keyFormat), encode(formatRecord{head: v1, Format: Newest + 2}))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before := must(os.ReadFile(path))
	for _, o := range []Options{{}, {ReadOnly: true}} {
		_, err = Open(path, o)
		if !errors.Is(err, ErrNewer) || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "format 3") || !strings.Contains(err.Error(), "up to 1") {
			t.Error(err)
		}
	}
	if !bytes.Equal(before, must(os.ReadFile(path))) {
		t.Error("the file was changed")
	}
}

func TestTheTableSaysWhatTheConstantsSay(t *testing.T) {
	if newest() != Newest {
		t.Errorf("the table leads to format %d, Newest is %d", newest(), Newest)
	}
	for n := uint64(1); n <= Newest; n++ {
		if f := formats[n]; f.works != (n >= Oldest) || f.buckets > bucketCount || f.migrate == nil {
			t.Errorf("format %d: %+v", n, f)
		}
	}
	for b := range bucketCount {
		if b.String() == "" {
			t.Errorf("bucket %d has no name", b)
		}
	}
}

// What is written as a record is judged by putRecord first.
func TestRecordsAreWrittenInOnePlace(t *testing.T) {
	files := must(filepath.Glob("*.go"))
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "migrate.go" {
			continue
		}
		for n, line := range strings.Split(string(must(os.ReadFile(name))), "\n") {
			if strings.Contains(line, ".put(") && strings.Contains(line, "encode(") {
				t.Errorf("%s:%d: use putRecord", name, n+1)
			}
		}
	}
}
