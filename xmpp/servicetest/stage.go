// Package servicetest puts one IQ service on a real Host, router and store, so that its tests can say who asks what and
// what comes back, in XML.
package servicetest

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Far is the domain of a peer whose users ask from afar; Domain is the Host's.
const (
	Far    = "headquarters.net"
	Domain = "field.net"
)

// A Stage is the Host of Domain with the accounts alice, bob and carol. It implements local.Presence, and blocks nobody
// unless Block says so.
type Stage struct {
	tb     testing.TB
	Host   *local.Host
	DB     *store.DB
	Router *router.Router
	Block  local.Blocker

	mu      sync.Mutex // guards what follows
	trusted map[[2]jid.JID]bool
	got     map[jid.JID][]string
	ends    map[jid.JID]string
}

// New sets the stage.
func New(tb testing.TB) *Stage {
	tb.Helper()
	db, err := store.Open(filepath.Join(tb.TempDir(), "store.db"), store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	s := &Stage{
		tb: tb, DB: db, Router: new(router.Router),
		trusted: make(map[[2]jid.JID]bool), got: make(map[jid.JID][]string), ends: make(map[jid.JID]string),
	}
	s.Host = local.New(db, s.Router)
	s.Host.Use(s, blocker{s})
	if err := s.Host.SetDomains([]string{Domain}); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Router.Bind(Far, far{s}); err != nil {
		tb.Fatal(err)
	}
	s.Update(func(tx *store.Tx) error {
		for _, name := range []string{"alice", "bob", "carol"} {
			if err := tx.PutAccount(store.Account{JID: name + "@" + Domain}); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

// Update changes the store.
func (s *Stage) Update(f func(*store.Tx) error) {
	s.tb.Helper()
	if err := s.DB.Update(f); err != nil {
		s.tb.Fatal(err)
	}
}

// View reads the store.
func (s *Stage) View(f func(*store.Tx) error) {
	s.tb.Helper()
	if err := s.DB.View(f); err != nil {
		s.tb.Fatal(err)
	}
}

// Trust lets other see account's presence.
func (s *Stage) Trust(account, other string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted[[2]jid.JID{jid.MustParse(account), jid.MustParse(other)}] = true
}

// Login binds a client.
func (s *Stage) Login(full string) *local.Resource {
	s.tb.Helper()
	j := jid.MustParse(full)
	r := local.NewResource(j, outbox{s, j})
	if _, ok := s.Host.Bind(r, 10); !ok {
		s.tb.Fatalf("cannot bind %s", full)
	}
	return r
}

// Send routes a stanza, the quick way first and in a transaction when that is asked for. from is stamped; an iq without
// to goes to from's account.
func (s *Stage) Send(from, xml string) {
	s.tb.Helper()
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		s.tb.Fatalf("parsing %s: %v", xml, err)
	}
	st.From = jid.MustParse(from)
	if st.To.IsZero() {
		st.To = st.From.Bare()
	}
	t := new(router.Turn)
	err = s.Router.Route(t, st)
	if errors.Is(err, router.ErrNeedTx) {
		err = s.DB.Update(func(tx *store.Tx) error {
			t.Reset(tx)
			return s.Router.Route(t, st)
		})
	}
	if err != nil {
		s.tb.Fatalf("routing %s: %v", xml, err)
	}
	t.Done()
}

// Received takes what has come for an address since the last call.
func (s *Stage) Received(full string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := jid.MustParse(full)
	got := s.got[j]
	delete(s.got, j)
	return got
}

// Ask sends a stanza and returns the one answer to it.
func (s *Stage) Ask(from, xml string) string {
	s.tb.Helper()
	s.Received(from)
	s.Send(from, xml)
	got := s.Received(from)
	if len(got) != 1 {
		s.tb.Fatalf("%s got %d answers to %s: %q", from, len(got), xml, got)
	}
	return got[0]
}

// A Case is one question: what it shows, who asks, the stanza, the exact answer.
type Case [4]string

// Run asks each question in turn. It makes no subtests, so that it works in a synctest bubble.
func (s *Stage) Run(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		if got := s.Ask(c[1], c[2]); got != c[3] {
			t.Errorf("%s: %s asked %s\n got %s\nwant %s", c[0], c[1], c[2], got, c[3])
		}
	}
}

// Error is the iq that refuses the question id: condition of the given type, with a text or "".
func Error(from, to, id, kind string, condition stanza.Condition, text string) string {
	s := &stanza.Stanza{Kind: stanza.IQ, From: jid.MustParse(from), To: jid.MustParse(to), ID: id, Type: stanza.Error}
	s.SetInner((&stanza.Err{Condition: condition, Type: kind, Text: text}).Append(nil))
	return string(s.Bytes())
}

// Ended is the stream error that closed a client's stream, "" while it is open.
func (s *Stage) Ended(full string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ends[jid.MustParse(full)]
}

func (s *Stage) note(to jid.JID, st *stanza.Stanza) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[to] = append(s.got[to], string(st.AppendTo(nil, to)))
}

type outbox struct {
	s *Stage
	j jid.JID
}

func (o outbox) Send(st *stanza.Stanza, _ uint64) { o.s.note(o.j, st) }
func (o outbox) Addr() string                     { return "192.0.2.1:50000" }
func (o outbox) End(condition, _ string) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.ends[o.j] = condition
}

type far struct{ s *Stage }

func (f far) Accept(t *router.Turn, st *stanza.Stanza) error {
	t.After(func() { f.s.note(st.To, st) })
	return nil
}

type blocker struct{ s *Stage }

func (b blocker) Blocked(t *router.Turn, account, other jid.JID) (bool, error) {
	if b.s.Block == nil {
		return false, nil
	}
	return b.s.Block.Blocked(t, account, other)
}

// FromClient, ToAccount and Gone are of no interest to these tests.
func (s *Stage) FromClient(*router.Turn, *local.Resource, *stanza.Stanza) error { return nil }
func (s *Stage) ToAccount(*router.Turn, *stanza.Stanza) error                   { return nil }
func (s *Stage) Gone(*router.Turn, *local.Resource, string) error               { return nil }

// Trusted knows those whom Trust named, and everybody themselves.
func (s *Stage) Trusted(_ *router.Turn, account, other jid.JID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return account == other.Bare() || s.trusted[[2]jid.JID{account, other.Bare()}], nil
}
