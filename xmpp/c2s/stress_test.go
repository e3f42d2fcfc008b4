package c2s_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/c2s"
)

// Accounts of the storm. Those with stream management have their connections cut; the others stay connected, as nobody
// can tell what a client without counts has received.
var (
	managedApps = []string{"alice", "bob", "dave"}
	plainApps   = []string{"carol"}
	forgetful   = "erin" // receives, and often comes back without resuming
)

// storm is a world of clients that talk at random over connections that break at random.
type storm struct {
	*rig
	seed    uint64
	letters int         // that each client writes
	crashed bool        // the node will crash
	calm    atomic.Bool // no more cuts
	quit    chan struct{}
	apps    sync.WaitGroup

	mu     sync.Mutex
	addr   string          // where the node listens
	sent   map[string]bool // "alice>bob 12" was written
	got    map[string]int  // how often it came
	excuse map[string]bool // may come twice: its first reader forgot that it had it
	last   map[string]int  // "alice>bob": the newest that came
	faults []string
}

func TestRandomCutsLoseAndDoubleNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*c2s.Config)
		crashes int
	}{
		{"resumed", func(*c2s.Config) {}, 0},
		{"often expired", func(c *c2s.Config) { c.ResumeMax = 15 * time.Millisecond }, 0},
		{"node crashes", func(*c2s.Config) {}, 4},
		{"all at once", func(c *c2s.Config) { c.ResumeMax = 40 * time.Millisecond }, 3},
	} {
		t.Run(c.name, func(t *testing.T) { runStorm(t, c.crashes, c.change) })
	}
}

func runStorm(t *testing.T, crashes int, change func(*c2s.Config)) {
	seed := rand.Uint64()
	if v := os.Getenv("STORM_SEED"); v != "" {
		seed, _ = strconv.ParseUint(v, 10, 64)
	}
	t.Logf("STORM_SEED=%d", seed)
	s := &storm{
		rig: newArchiveRig(t, change), seed: seed, letters: 60, quit: make(chan struct{}), crashed: crashes > 0,
		sent: map[string]bool{}, got: map[string]int{}, excuse: map[string]bool{}, last: map[string]int{},
	}
	if !testing.Short() {
		s.letters = 250
	}
	if n, err := strconv.Atoi(os.Getenv("STORM_LETTERS")); err == nil {
		s.letters = n
	}
	s.addr = s.plain
	defer func() { close(s.quit); s.apps.Wait() }()
	for i, user := range slices.Concat(managedApps, plainApps, []string{forgetful}) {
		a := &app{storm: s, user: user, rnd: rand.New(rand.NewPCG(seed, uint64(i))), forgets: user == forgetful,
			plain: slices.Contains(plainApps, user)}
		s.apps.Go(a.run)
	}
	rnd := rand.New(rand.NewPCG(seed, 99))
	for range crashes {
		time.Sleep(time.Duration(100+rnd.IntN(300)) * time.Millisecond)
		s.mu.Lock()
		s.crash()
		s.addr = s.plain
		s.mu.Unlock()
	}
	s.settle()
}

// settle waits until everything that must come has come.
func (s *storm) settle() {
	s.tb.Helper()
	want := s.letters * (len(managedApps) + len(plainApps))
	deadline := time.Now().Add(60 * time.Second)
	var missing []string
	for time.Now().Before(deadline) {
		s.mu.Lock()
		written, faults := len(s.sent), slices.Clone(s.faults)
		missing = missing[:0]
		for id := range maps.Keys(s.sent) {
			// What a client without stream management sends or is sent, a crash may lose.
			if s.got[id] == 0 && !(s.crashed && touchesPlain(id)) {
				missing = append(missing, id)
			}
		}
		s.mu.Unlock()
		if len(faults) > 0 {
			break
		}
		if written == want {
			s.calm.Store(true)
			if len(missing) == 0 {
				break
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // for what might come twice
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults[:min(len(s.faults), 10)] {
		s.tb.Error(f)
	}
	slices.Sort(missing)
	if len(missing) > 0 || len(s.sent) < want {
		s.tb.Errorf("%d of %d written; %d never came: %.20q", len(s.sent), want, len(missing), missing)
	}
	s.archived()
}

// archived checks that both sides of each letter have it in their archives, once and in order.
func (s *storm) archived() {
	s.tb.Helper()
	for range 10 { // it settles some at a time
		s.archive.Flush()
		if err := s.db.Update(func(*store.Tx) error { return nil }); err != nil {
			s.tb.Fatal(err)
		}
	}
	kept := map[string]int{} // "alice: alice bob 12"
	for _, user := range slices.Concat(managedApps, plainApps, []string{forgetful}) {
		last := map[string]int{}
		if err := s.db.View(func(tx *store.Tx) error {
			return tx.ArchiveScan(user+"@field.net", 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
				var from, to string
				var n int
				fmt.Sscanf(e.StanzaID, "%s %s %d", &from, &to, &n)
				kept[user+": "+e.StanzaID]++
				if pair := from + " " + to; n < last[pair] && !(s.crashed && touchesPlain(e.StanzaID)) {
					s.tb.Errorf("%s has %q behind %d", user, e.StanzaID, last[pair])
				} else {
					last[pair] = n
				}
				return true, nil
			})
		}); err != nil {
			s.tb.Fatal(err)
		}
	}
	for id := range s.sent {
		var from, to string
		fmt.Sscanf(id, "%s %s", &from, &to)
		for _, user := range []string{from, to} {
			// What goes by a client without counts, a crash may keep out or make come again.
			if n := kept[user+": "+id]; n != 1 && !(s.crashed && touchesPlain(id)) {
				s.tb.Errorf("%s is %d times in the archive of %s", id, n, user)
				return
			}
		}
	}
}

func touchesPlain(id string) bool {
	var from, to string
	fmt.Sscanf(id, "%s %s", &from, &to)
	return slices.ContainsFunc(plainApps, func(p string) bool { return p == from || p == to })
}

func (s *storm) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// wrote notes a letter before it is sent.
func (s *storm) wrote(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[id] = true
}

// arrived notes a letter that a client got: in order, and once.
func (s *storm) arrived(to, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var from, dest string
	var n int
	if _, err := fmt.Sscanf(id, "%s %s %d", &from, &dest, &n); err != nil || dest != to || !s.sent[id] {
		s.faults = append(s.faults, fmt.Sprintf("%s got %q, which nobody wrote to it", to, id))
		return
	}
	s.got[id]++
	if s.got[id] > 1 {
		if !s.excuse[id] && !(s.crashed && slices.Contains(plainApps, to)) {
			s.faults = append(s.faults, id+" came twice")
		}
		return
	}
	pair := from + ">" + to
	if n < s.last[pair] && to != forgetful {
		s.faults = append(s.faults, fmt.Sprintf("%s came after %d", id, s.last[pair]))
	}
	s.last[pair] = max(n, s.last[pair])
}

// forgot excuses second copies of what a client had not provably confirmed.
func (s *storm) forgot(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.excuse[id] = true
	}
}

func (s *storm) where() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}
