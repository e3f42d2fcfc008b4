package admin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/sasl"
)

// node is a Node with a real store and nothing else.
type node struct {
	mu       sync.Mutex
	cfg      *config.Config
	db       *store.DB
	live     admin.Live
	rooms    map[string]admin.RoomState
	did      []string
	refusing error
	tell     func(links.Event) // of Watch
}

func (n *node) Watch(f func(links.Event)) (stop func()) {
	n.tell = f
	return func() {}
}

var _ admin.Node = (*node)(nil)

func (n *node) note(s string)                      { n.mu.Lock(); n.did = append(n.did, s); n.mu.Unlock() }
func (n *node) Config() *config.Config             { return n.cfg }
func (n *node) Store() *store.DB                   { return n.db }
func (n *node) Live() admin.Live                   { return n.live }
func (n *node) Truth() *delivery.Truth             { return delivery.New(delivery.Env{DB: n.db}) }
func (n *node) Reloading() (done func())           { n.note("reloading"); return func() { n.note("reloaded") } }
func (n *node) EndSessions(j jid.JID, text string) { n.note("end " + j.String() + ": " + text) }

func (n *node) SetEMCON(link string, on bool) error {
	n.note(fmt.Sprint("emcon ", link, " ", on))
	return n.db.Update(func(tx *store.Tx) error {
		return tx.PutLinkSwitch(link, store.LinkSwitch{EMCON: on, Changed: time.Now()})
	})
}

func (n *node) UpdateRooms(f func(*store.Tx, admin.RoomTx) error) error {
	n.note("rooms")
	return n.db.Update(func(tx *store.Tx) error { return f(tx, admin.AtRest(tx)) })
}

func (n *node) RoomStates() map[string]admin.RoomState { return n.rooms }

func (n *node) Ledger() *meter.Ledger { return meter.NewLedger(time.Now()) }
func (n *node) AccountMade(j jid.JID) { n.note("made " + j.String()) }

func (n *node) Explain(string) (admin.Explanation, bool) { return admin.Explanation{}, false }

func (n *node) ForgetKit(peer string, again bool) error {
	n.note(fmt.Sprint("forget ", peer, " ", again))
	return nil
}

func (n *node) Reload(c *config.Config) error {
	if n.refusing == nil {
		n.cfg = c
	}
	return n.refusing
}

func (n *node) RemoveAccount(j jid.JID) error {
	n.note("remove " + j.String())
	return n.db.Update(func(tx *store.Tx) error {
		if err := tx.DeleteAccount(j.String()); err != nil {
			return err
		}
		return admin.Forsake(tx, admin.AtRest(tx), j)
	})
}

func (n *node) Cancel(peer string, ids []uint64) (gone []store.Entry, err error) {
	err = n.db.Update(func(tx *store.Tx) (err error) { gone, err = n.db.Queue(peer).Done(tx, ids...); return err })
	return gone, err
}

const doc = `
domains = ["headquarters.net", "second.net"]
data = "data"
[[link]]
name = "IP link hq-2-field"
remote_address = "127.0.0.1"
[[peer]]
name = "field"
domains = ["field.net", "chat.field.net"]
links = ["IP link hq-2-field"]
`

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "longwire.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t *testing.T) *node {
	t.Helper()
	n := &node{cfg: load(t, doc)}
	if err := os.MkdirAll(n.cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.db, err = store.Open(n.cfg.StorePath(), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.db.Close() })
	return n
}

// Every action on users works on a running and on a stopped node.
func both(t *testing.T, f func(t *testing.T, a *admin.Admin)) {
	t.Run("running", func(t *testing.T) { f(t, admin.Running(start(t))) })
	t.Run("stopped", func(t *testing.T) { f(t, admin.Stopped(load(t, doc))) })
}

func TestUsersComeChangeAndGo(t *testing.T) {
	both(t, func(t *testing.T, a *admin.Admin) {
		list := func(want string) {
			t.Helper()
			users, err := a.Users()
			var got []string
			for _, u := range users {
				s := u.JID
				if u.Disabled {
					s += " disabled"
				}
				got = append(got, s)
			}
			if err != nil || strings.Join(got, ", ") != want {
				t.Errorf("users: %v, %v; want %s", got, err, want)
			}
		}
		did := func(j string, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		list("")
		did(a.AddUser("Alice", "secret"))
		did(a.AddUser("bob@second.net", "secret"))
		list("alice@headquarters.net, bob@second.net")
		if _, err := a.AddUser("alice@headquarters.net", "x"); !errors.Is(err, store.ErrExists) {
			t.Errorf("added twice: %v", err)
		}
		did(a.SetDisabled("alice", true))
		list("alice@headquarters.net disabled, bob@second.net")
		did(a.SetDisabled("alice", false))
		did(a.SetPassword("alice", "other"))
		did(a.RemoveUser("bob@second.net"))
		list("alice@headquarters.net")
		for _, f := range []func() (string, error){
			func() (string, error) { return a.RemoveUser("bob@second.net") },
			func() (string, error) { return a.SetPassword("carol", "x") },
			func() (string, error) { return a.SetDisabled("carol", true) },
		} {
			if _, err := f(); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "there is no user") {
				t.Errorf("unknown user: %v", err)
			}
		}
	})
}

func TestNonsenseIsMisuse(t *testing.T) {
	both(t, func(t *testing.T, a *admin.Admin) {
		for _, name := range []string{"", "@", "a b", "alice@elsewhere.net", "alice@headquarters.net/phone", "headquarters.net/x", strings.Repeat("x", 2000)} {
			if _, err := a.AddUser(name, "secret"); !errors.Is(err, admin.ErrMisuse) {
				t.Errorf("%.20q: %v", name, err)
			}
		}
		for _, password := range []string{"", "a\x00b", "\u0627\u0041"} {
			if _, err := a.AddUser("alice", password); !errors.Is(err, admin.ErrMisuse) {
				t.Errorf("password %q: %v", password, err)
			}
		}
		if _, err := a.Queue("nobody.net"); !errors.Is(err, admin.ErrMisuse) && err != nil {
			t.Errorf("queue of nobody: %v", err)
		}
	})
}

func TestPasswordsAreKeptForEveryHashAndNeverInClear(t *testing.T) {
	n := start(t)
	if _, err := admin.Running(n).AddUser("alice", "correct horse"); err != nil {
		t.Fatal(err)
	}
	var acc store.Account
	if err := n.db.View(func(tx *store.Tx) (err error) { acc, err = tx.Account("alice@headquarters.net"); return err }); err != nil {
		t.Fatal(err)
	}
	hashes := map[string]bool{}
	for _, c := range acc.Credentials {
		hashes[c.Hash] = sasl.Credential(c).Verify("correct horse") && !sasl.Credential(c).Verify("wrong horse")
	}
	if len(hashes) != 2 || !hashes["SHA-1"] || !hashes["SHA-256"] {
		t.Errorf("hashes: %v", hashes)
	}
	if acc.Created.IsZero() {
		t.Error("no date")
	}
	raw, err := os.ReadFile(n.cfg.StorePath())
	if err != nil || strings.Contains(string(raw), "correct horse") {
		t.Errorf("the password is in the file (%v)", err)
	}
}

func TestShuttingOutAndRemovingEndSessions(t *testing.T) {
	n := start(t)
	a := admin.Running(n)
	if _, err := a.AddUser("alice", "x"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func() (string, error){
		func() (string, error) { return a.SetDisabled("alice", true) },
		func() (string, error) { return a.SetDisabled("alice", false) },
		func() (string, error) { return a.RemoveUser("alice") },
	} {
		if _, err := f(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"made alice@headquarters.net", "end alice@headquarters.net: the account was disabled", "remove alice@headquarters.net"}
	if !slices.Equal(n.did, want) {
		t.Errorf("did %v", n.did)
	}
}

// fill puts messages for the peer into its queue.
func fill(t *testing.T, db *store.DB, peer string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		err := db.Update(func(tx *store.Tx) error {
			_, _, err := db.Queue(peer).Put(tx, store.Entry{Kind: store.KindChat, From: "alice@headquarters.net/phone", To: "bob@field.net", StanzaID: id,
				Queued: time.Now(), Expires: time.Now().Add(time.Hour), Stanza: []byte("<message><body>secret</body></message>")}, store.QueueLimits{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func ids(list []admin.Queued) string {
	var s []string
	for _, q := range list {
		s = append(s, q.Stanza+" "+q.State)
	}
	return strings.Join(s, ", ")
}

func TestQueueIsListedAndCancelled(t *testing.T) {
	n := start(t)
	a := admin.Running(n)
	fill(t, n.db, "field", "m1", "m2", "m3", "m4")
	fill(t, n.db, "left.net", "old")
	list, err := a.Queue("chat.field.net")
	if err != nil || ids(list) != "m1 queued, m2 queued, m3 queued, m4 queued" {
		t.Fatalf("%s, %v", ids(list), err)
	}
	if q := list[0]; q.Peer != "field" || q.Kind != "message" || q.Precedence != "routine" || q.Position != 1 || list[3].Position != 4 || q.From != "alice@headquarters.net/phone" || q.Bytes != 38 || q.Expires.IsZero() {
		t.Errorf("%+v", q)
	}
	if all, err := a.Queue(""); err != nil || len(all) != 5 {
		t.Errorf("all: %s, %v", ids(all), err)
	}
	if old, err := a.Queue("left.net"); err != nil || ids(old) != "old queued" {
		t.Errorf("a peer that left the config: %s, %v", ids(old), err)
	}
	if err := n.db.Update(func(tx *store.Tx) error {
		return n.db.Queue("field").Number(tx, "s", 1, []uint64{list[0].ID})
	}); err != nil {
		t.Fatal(err)
	}
	if gone, err := a.Cancel("field", []uint64{list[2].ID, 999}); err != nil || ids(gone) != "m3 cancelled" {
		t.Errorf("cancelled %s, %v", ids(gone), err)
	}
	if gone, err := a.Cancel("field.net", nil); err != nil || ids(gone) != "m2 cancelled, m4 cancelled" {
		t.Errorf("cancelled all: %s, %v", ids(gone), err)
	}
	if rest, err := a.Queue("field"); err != nil || ids(rest) != "m1 with the link" {
		t.Errorf("rest: %s, %v", ids(rest), err)
	}
	for _, peer := range []string{"", "nobody.net"} {
		if _, err := a.Cancel(peer, nil); !errors.Is(err, admin.ErrMisuse) {
			t.Errorf("cancel for %q: %v", peer, err)
		}
	}
}

func TestStatusJoinsConfigStoreAndLinks(t *testing.T) {
	n := start(t)
	fill(t, n.db, "field", "m1", "m2")
	fill(t, n.db, "left.net", "old")
	n.live = admin.Live{Version: "v9", Started: time.Now(), Sessions: map[string]int{"alice@headquarters.net": 2, "bob@second.net": 1},
		Links: []admin.LinkState{{Link: "IP link hq-2-field", State: "up", Remote: "127.0.0.1:65510"}}}
	a := admin.Running(n)
	if _, err := a.AddUser("alice", "x"); err != nil {
		t.Fatal(err)
	}
	s, err := a.Status()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Running || s.Version != "v9" || s.Accounts != 1 || s.Online != 2 || s.Clients != 3 || s.Store.Bytes == 0 || s.Store.Fault != "" {
		t.Errorf("%+v", s)
	}
	if len(s.Peers) != 2 {
		t.Fatalf("peers %+v", s.Peers)
	}
	if p := s.Peers[0]; p.Name != "field" || p.Link.State != "up" || p.Waiting != 2 || p.Oldest.IsZero() || p.Gone {
		t.Errorf("%+v", p)
	}
	if p := s.Peers[1]; p.Name != "left.net" || !p.Gone || p.Waiting != 1 {
		t.Errorf("%+v", p)
	}
	users, err := a.Users()
	if err != nil || len(users) != 1 || users[0].Online != 2 {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestNodeThatNeverRanHasAnEmptyStatus(t *testing.T) {
	c := load(t, doc)
	s, err := admin.Stopped(c).Status()
	if err != nil || s.Running || s.Accounts != 0 || len(s.Peers) != 1 || s.Peers[0].Link.State != "stopped" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := os.Stat(c.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made the folder: %v", err)
	}
}

func TestWhatNeedsARunningNodeSaysSo(t *testing.T) {
	a := admin.Stopped(load(t, doc))
	_, _, _, reload := a.Reload()
	_, cancel := a.Cancel("field", nil)
	watch := a.WatchQueue(t.Context(), "", nil)
	for _, err := range []error{reload, cancel, watch} {
		if !errors.Is(err, admin.ErrNotRunning) {
			t.Error(err)
		}
	}
}

func TestStoreInUseIsToldApart(t *testing.T) {
	n := start(t)
	_, err := admin.Stopped(n.cfg).AddUser("alice", "x")
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "does not answer on") {
		t.Error(err)
	}
}

func TestWatchingShowsEachStep(t *testing.T) {
	n := start(t)
	fill(t, n.db, "field", "m1")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []string
	err := admin.Running(n).WatchQueue(ctx, "field", func(e admin.QueueEvent) error {
		got = append(got, e.What+" "+e.Stanza)
		q := n.db.Queue("field")
		var step func(tx *store.Tx) error
		switch len(got) {
		case 1:
			step = func(tx *store.Tx) error { return q.Number(tx, "s", 1, []uint64{e.ID}) }
			defer n.tell(links.Event{Kind: links.EventSent, Peer: "field", Link: "one", Entry: e.ID, Wire: 40, Batch: 1})
		case 2:
			if e.Wire != 40 || e.Link != "one" {
				t.Errorf("sent without its cost: %+v", e)
			}
			step = func(tx *store.Tx) error { return q.Requeue(tx, "s") }
		case 3:
			step = func(tx *store.Tx) error { _, err := q.Done(tx, e.ID); return err }
		case 4:
			n.tell(links.Event{Kind: links.EventDown, Peer: "field", Link: "one", Reason: "connection lost"})
			return nil
		default:
			if e.Reason != "connection lost" {
				t.Errorf("%+v", e)
			}
			cancel()
			return nil
		}
		return n.db.Update(step)
	})
	if err != nil || !slices.Equal(got, []string{"queued m1", "sent m1", "back m1", "gone m1", "down "}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWatchingEndsWithItsReader(t *testing.T) {
	n := start(t)
	fill(t, n.db, "field", "m1")
	hungUp := errors.New("hung up")
	if err := admin.Running(n).WatchQueue(t.Context(), "", func(admin.QueueEvent) error { return hungUp }); err != hungUp {
		t.Error(err)
	}
}

func TestReloadIsAppliedOrRefusedWhole(t *testing.T) {
	n := start(t)
	a := admin.Running(n)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(n.cfg.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(doc + "[log]\nlevel = \"debug\"\n")
	_, changed, _, err := a.Reload()
	if err != nil || !slices.Equal(changed, []string{"log.level"}) || n.cfg.Log.Level != "debug" {
		t.Errorf("%v, %v", changed, err)
	}
	for _, c := range []struct{ text, want string }{
		{doc + "[log]\nlevel = \"loud\"\n", `"loud" is unknown`},
		{strings.Replace(doc, `"data"`, `"elsewhere"`, 1), "longwire.toml:3: data: a running node cannot change this"},
	} {
		write(c.text)
		before := n.cfg
		var f config.Faults
		if _, _, _, err := a.Reload(); !errors.As(err, &f) || !strings.Contains(err.Error(), c.want) || n.cfg != before {
			t.Errorf("%v", err)
		}
	}
	write(doc)
	n.refusing = errors.New("port in use")
	if _, _, _, err := a.Reload(); err != n.refusing {
		t.Error(err)
	}
	// The service manager hears of the end of every reload, whatever came of it.
	if want := strings.Repeat("reloading reloaded ", 4); strings.Join(n.did, " ")+" " != want {
		t.Errorf("told %v", n.did)
	}
}

func TestPlaceForDataIsTried(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	for data, want := range map[string]string{filepath.Join(dir, "new", "deep"): "", dir: "", file: "is not a folder", filepath.Join(file, "x"): "not a directory"} {
		c.Data = data
		err := admin.CheckPlace(c)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", data, err, want)
		}
	}
	if os.Geteuid() == 0 {
		return // root may write anywhere
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	c.Data = filepath.Join(dir, "data")
	if err := admin.CheckPlace(c); err == nil || !strings.Contains(err.Error(), "may not write") {
		t.Error(err)
	}
}

func TestStoreMadeByRootBelongsToTheFoldersOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	c := load(t, doc)
	if err := os.Mkdir(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(c.Data, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Stopped(c).AddUser("alice", "x"); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(c.StorePath())
	if err != nil {
		t.Fatal(err)
	}
	if s := st.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 5678 {
		t.Errorf("belongs to %d:%d", s.Uid, s.Gid)
	}
}
