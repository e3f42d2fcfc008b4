package truthday_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/foresight"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// side is one node without its doors: one user's client is in it.
type side struct {
	t      testing.TB
	domain string
	peer   string
	db     *store.DB
	router *router.Router
	host   *local.Host
	peers  *s2s.Peers
	links  *s5066.Manager
	truth  *delivery.Truth
	keeper *foresight.Keeper
	client *client

	mu        sync.Mutex // guards what follows
	took      map[string]time.Time
	confirmed map[uint64]bool      // entries of whose confirmation the links have told
	known     map[uint64]time.Time // when it was first known here that an entry is over there
}

// newSide makes the node of a domain whose only peer is another, with its user.
func newSide(t testing.TB, domain, peer, user string, lifetime time.Duration, fold func(time.Time, *stanza.Stanza) s2s.Folded) *side {
	s := &side{t: t, domain: domain, peer: peer, router: new(router.Router), took: make(map[string]time.Time), confirmed: make(map[uint64]bool), known: make(map[uint64]time.Time)}
	var err error
	if s.db, err = store.Open(filepath.Join(t.TempDir(), domain+".db"), store.Options{FatesMax: 10_000}); err != nil {
		t.Fatal(err)
	}
	s.host = local.New(s.db, s.router)
	s.host.Use(nobody{}, nobody{})
	s.peers = s2s.New(s2s.Env{DB: s.db, Router: s.router, Track: func(_, _ jid.JID) bool { return true }})
	err = errors.Join(
		s.host.SetDomains([]string{domain}),
		s.peers.Apply([]s2s.Config{{Name: peer, Domains: []string{peer}, Lifetimes: s2s.Lifetimes{Message: lifetime}, Hooks: s2s.Hooks{Fold: fold}}}),
		s.db.Update(func(tx *store.Tx) error { return tx.PutAccount(store.Account{JID: user + "@" + domain}) }))
	if err != nil {
		t.Fatal(err)
	}
	s.keeper = foresight.New(foresight.Env{DB: s.db})
	s.keeper.SetPeers([]string{peer})
	s.truth = delivery.New(delivery.Env{DB: s.db, Forecasts: s.forecasts, Cancel: func(account jid.JID, _ string, ids ...uint64) ([]store.Entry, error) {
		return s.peers.Peer(peer).CancelOf(account, ids...)
	}})
	s.client = &client{side: s, full: jid.MustParse(user + "@" + domain + "/c"), got: make(map[string]time.Time), receipts: make(map[string]string), errs: make(map[string]string)}
	r := local.NewResource(s.client.full, s.client)
	s.host.Bind(r, 1)
	r.SetPresence(&stanza.Stanza{Kind: stanza.Presence, From: s.client.full}, 0)
	if err := s.db.Update(func(tx *store.Tx) error {
		t := new(router.Turn)
		t.Reset(tx)
		defer t.Done()
		return s.host.FlushSpool(t, r)
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// forecasts is what firmware/node makes of the keeper.
func (s *side) forecasts(peer string, entries []store.Entry) []delivery.Forecast {
	var all []delivery.Forecast
	for _, f := range s.keeper.Forecasts(peer, entries) {
		all = append(all, delivery.Forecast{Known: f.Known, Why: f.Why, About: f.About, Most: f.Most, Words: f.String()})
	}
	return all
}

// run runs the node until ctx is done.
func (s *side) run(ctx context.Context, me, other sis.Address, dial func(context.Context, s5066.Server) (io.ReadWriteCloser, error)) {
	s.links = s5066.NewManager(s5066.Env{DB: s.db, In: s.inbound, Trace: s.trace, Log: slog.New(slog.DiscardHandler), Dial: map[string]s5066.Dialer{"tcp": dial}})
	err := s.links.Apply([]s5066.Config{{Name: "HF", Server: s5066.Server{Address: "radio:5066"}, SAP: 6, LocalAddress: me, Compress: true,
		Peers: []s5066.PeerConfig{{Peer: s.peer, RemoteAddress: other, Mapping: s5066.Longwire, Domains: []string{s.peer}, LocalDomains: []string{s.domain}}}}})
	if err != nil {
		s.t.Error(err)
		return
	}
	var tasks sync.WaitGroup
	for _, f := range []func(context.Context) error{s.links.Run, s.peers.Run, s.keeper.Run,
		func(ctx context.Context) error { return s.truth.Receipts(ctx, s.router, slog.New(slog.DiscardHandler)) }} {
		tasks.Go(func() {
			if err := f(ctx); err != nil {
				s.t.Error(err)
			}
		})
	}
	tasks.Wait()
}

// trace is what firmware/node does with what the links tell.
func (s *side) trace(e links.Event) {
	s.keeper.Event(e)
	if e.Kind == links.EventOnFarNode || e.Kind == links.EventConfirmed {
		s.mu.Lock()
		if _, ok := s.known[e.Entry]; !ok {
			s.known[e.Entry] = e.At
		}
		s.mu.Unlock()
	}
	switch e.Kind {
	case links.EventSent:
		s.truth.Sent(e.Peer, e.Link, e.Entry)
	case links.EventOnFarNode:
		s.truth.OnFarNode(e.Peer, e.Link, e.Entry)
	case links.EventConfirmed:
		s.truth.Confirmed(e.Peer, e.Entry)
		s.mu.Lock()
		s.confirmed[e.Entry] = true
		s.mu.Unlock()
	case links.EventDown:
		s.truth.Down(e.Peer, e.Link)
	}
}

// inbound is firmware/node's, and notes what was committed.
func (s *side) inbound(peer string, st *stanza.Stanza, mark func(*store.Tx) error, done func(error)) {
	t := new(router.Turn)
	s.db.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		if err := mark(tx); err != nil {
			return err
		}
		return s.peers.Peer(peer).Deliver(t, st)
	}, func(err error) {
		if err == nil {
			if st.Kind == stanza.Message && st.Has("", "body") && !st.IsError() {
				s.mu.Lock()
				if _, twice := s.took[st.ID]; twice {
					s.t.Errorf("%s was taken twice", st.ID)
				}
				s.took[st.ID] = time.Now()
				s.mu.Unlock()
			}
			t.Done()
		}
		done(err)
	})
}

// tookAt is when the node took a message.
func (s *side) tookAt(id string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.took[id]
	return at, ok
}

// knewAt is when it was known here that an entry is over there.
func (s *side) knewAt(entry uint64) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.known[entry]
	return at, ok
}

func (s *side) isConfirmed(entry uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed[entry]
}

// say routes a stanza of the user's.
func (s *side) say(st *stanza.Stanza) error {
	t := new(router.Turn)
	err := s.db.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		return s.router.Route(t, st)
	})
	if err == nil {
		t.Done()
	}
	return err
}

// client is a user's: it says that it has what it got, if that asks for it.
type client struct {
	side *side
	full jid.JID

	mu       sync.Mutex // guards what follows
	got      map[string]time.Time
	receipts map[string]string // id → who gave it: "client" or "hop"
	errs     map[string]string
}

// Send takes a stanza. It is called by the committer, and must not wait for it.
func (c *client) Send(st *stanza.Stanza, spool uint64) {
	c.mu.Lock()
	received, isReceipt := st.Child("urn:xmpp:receipts", "received")
	switch {
	case st.IsError():
		c.errs[st.ID] = string(st.Inner)
	case isReceipt:
		e, _ := st.Element(received)
		who := "client"
		if st.Has(delivery.NS, "hop") {
			who = "hop"
		}
		if was := c.receipts[e.Attr("id")]; was != "" {
			c.side.t.Errorf("two receipts for %s: by %s, by %s", e.Attr("id"), was, who)
		}
		c.receipts[e.Attr("id")] = who
	case st.Has("", "body"):
		c.got[st.ID] = time.Now()
	}
	c.mu.Unlock()
	if spool != 0 {
		c.side.db.Submit(func(tx *store.Tx) error { return tx.SpoolDelete(c.full.Bare().String(), spool) }, func(error) {
			c.side.host.Settled(c.full.Bare(), spool)
		})
	}
	if st.Has("urn:xmpp:receipts", "request") && !st.IsError() {
		back := &stanza.Stanza{Kind: stanza.Message, From: c.full, To: st.From, Type: stanza.Chat, ID: "r-" + st.ID}
		back.SetInner(fmt.Appendf(nil, "<received xmlns='urn:xmpp:receipts' id='%s'/>", st.ID))
		go func() {
			if err := c.side.say(back); err != nil && !errors.Is(err, store.ErrClosed) {
				c.side.t.Error(err)
			}
		}()
	}
}

func (c *client) End(string, string) {}
func (c *client) Addr() string       { return "here" }

func (c *client) knows(id string) (got bool, receipt, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, got = c.got[id]
	return got, c.receipts[id], c.errs[id]
}

// nobody is the presence and the block list of users who have neither.
type nobody struct{}

func (nobody) FromClient(*router.Turn, *local.Resource, *stanza.Stanza) error { return nil }
func (nobody) ToAccount(*router.Turn, *stanza.Stanza) error                   { return nil }
func (nobody) Gone(*router.Turn, *local.Resource, string) error               { return nil }
func (nobody) Trusted(*router.Turn, jid.JID, jid.JID) (bool, error)           { return true, nil }
func (nobody) Blocked(*router.Turn, jid.JID, jid.JID) (bool, error)           { return false, nil }
