// Package fmuctest is a world of whole nodes with federated rooms, and of links between them that can be cut: each node
// has its store, its rooms and its peers' durable queues, and what a queue holds crosses only when the test says so.
package fmuctest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A World is the nodes and links of one test. It is used by one goroutine, best in a synctest bubble.
type World struct {
	TB testing.TB
	// Standard takes from all that crosses what only nodes of our kind say to each other, so that each takes the others
	// for servers of another make.
	Standard bool
	// Terse lets stanzas cross in the form of xmpp/terse.
	Terse bool

	Nodes []*Node
	Links []*Link
}

// New makes an empty World.
func New(tb testing.TB) *World { return &World{TB: tb} }

// A Node serves NAME.net and the rooms of chat.NAME.net.
type Node struct {
	World *World
	Name  string
	// Peer holds the settings for the peers by name; those that are not in it have the usual ones.
	Peer map[string]fmuc.Peer
	// Options are those of fmuc; Peer and Reachable are filled in.
	Options fmuc.Options
	// Lifetimes are how long stanzas wait for the links.
	Lifetimes s2s.Lifetimes
	// QueueLimits bound the queue of each peer.
	QueueLimits store.QueueLimits

	// Played marks a node that is not started, and whose stanzas the test writes itself.
	Played bool

	DB     *store.DB
	Router *router.Router
	Host   *local.Host
	MUC    *muc.Service
	FMUC   *fmuc.Service
	Peers  *s2s.Peers

	path    string
	running atomic.Bool // the nodes ask each other for it on goroutines of their own
	stop    func()
	clients []*Client
}

// Node adds a node, with the accounts that Login asks for. Call Start when its rooms are made.
func (w *World) Node(name string) *Node {
	n := &Node{World: w, Name: name, path: filepath.Join(w.TB.TempDir(), name+".db"), Peer: make(map[string]fmuc.Peer)}
	n.Options.Enabled = true
	n.Options.Log = slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		n.Options.Log = slog.New(slog.NewTextHandler(w.TB.Output(), nil)).With("node", name)
	}
	w.Nodes = append(w.Nodes, n)
	n.open()
	w.TB.Cleanup(n.Stop)
	return n
}

// Domain is the node's domain.
func (n *Node) Domain() string { return n.Name + ".net" }

// Ops is the node's room of that name.
func (n *Node) Room(name string) jid.JID { return jid.MustParse(name + "@chat." + n.Domain()) }

// MakeRoom puts a room into the store; it is there from the next Start on.
func (n *Node) MakeRoom(name string, fed store.RoomFed, more ...func(*store.Room)) {
	n.World.TB.Helper()
	fed.Enabled = true
	c := store.Room{JID: n.Room(name).String(), Persistent: true, Secret: []byte("0123456789abcdef0123456789abcdef"), Fed: fed}
	for _, f := range more {
		f(&c)
	}
	n.Update(func(t *router.Turn) error { return t.Tx.PutRoom(c) })
}

func (n *Node) open() {
	db, err := store.Open(n.path, store.Options{})
	if err != nil {
		n.World.TB.Fatal(err)
	}
	n.DB = db
}

// Start builds the services on the store and connects the node with those that it has links to.
func (n *Node) Start() {
	tb := n.World.TB
	tb.Helper()
	n.Router = new(router.Router)
	n.Host = local.New(n.DB, n.Router)
	n.Host.Use(quiet{}, quiet{})
	must(tb, n.Host.SetDomains([]string{n.Domain()}))
	n.MUC = muc.New(n.Host, n.Router, muc.Options{})
	must(tb, n.MUC.SetDomains([]string{"chat." + n.Domain()}))
	n.Peers = s2s.New(s2s.Env{DB: n.DB, Router: n.Router, Room: func(domain string) bool { return strings.HasPrefix(domain, "chat.") }})
	n.connect()
	o := n.Options
	o.Peer, o.Reachable, o.Queue = n.peer, n.reachable, n.queue
	n.FMUC = fmuc.New(n.Host, n.MUC, o)
	n.MUC.Use(n.FMUC)
	must(tb, n.MUC.Load())
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.FMUC.Run(ctx) })
	wg.Go(func() { _ = n.Peers.Run(ctx) })
	n.stop = func() { cancel(); wg.Wait() }
	n.running.Store(true)
}

// connect applies the peers that the links make.
func (n *Node) connect() {
	var all []s2s.Config
	for _, l := range n.World.Links {
		if far := l.far(n); far != nil {
			all = append(all, s2s.Config{
				Name: far.Name, Domains: []string{far.Domain(), "chat." + far.Domain()}, Lifetimes: n.Lifetimes, Queue: n.QueueLimits, Terse: n.World.Terse,
				Dedup: true, // as with links that cannot resume without a round trip, which is the default
			})
		}
	}
	must(n.World.TB, n.Peers.Apply(all))
}

// link finds the link to the node that has a domain.
func (n *Node) link(domain string) (*Link, *Node) {
	for _, l := range n.World.Links {
		if far := l.far(n); far != nil && "chat."+far.Domain() == domain {
			return l, far
		}
	}
	return nil, nil
}

func (n *Node) peer(domain string) (fmuc.Peer, bool) {
	_, far := n.link(domain)
	if far == nil {
		return fmuc.Peer{}, false
	}
	p, ok := n.Peer[far.Name]
	if !ok {
		p = fmuc.Peer{HonourKicks: true}
	}
	return p, true
}

func (n *Node) reachable(domain string) bool {
	l, far := n.link(domain)
	return l != nil && (far.Played || far.Running()) && l.Up()
}

// queue is where stanzas for a domain wait.
func (n *Node) queue(domain string) *store.Queue {
	if p := n.Peers.Find(domain); p != nil {
		return p.Queue()
	}
	return nil
}

// Running tells whether the node is started.
func (n *Node) Running() bool { return n.running.Load() }

// Stop ends the node as a power cut does: nobody is told.
func (n *Node) Stop() {
	if n.stop != nil {
		n.running.Store(false)
		n.stop()
		n.stop = nil
	}
	if n.DB != nil {
		must(n.World.TB, n.DB.Close())
		n.DB = nil
	}
	n.clients = nil
}

// Backup keeps a copy of the node's store, and returns what brings it back: the node then starts as it was.
func (n *Node) Backup() (restore func()) {
	tb := n.World.TB
	tb.Helper()
	n.Stop()
	copy, err := os.ReadFile(n.path)
	must(tb, err)
	n.open()
	n.Start()
	return func() {
		tb.Helper()
		n.Stop()
		must(tb, os.WriteFile(n.path, copy, 0o600))
		n.open()
		n.Start()
	}
}

// Restart is Stop and Start. All clients are gone.
func (n *Node) Restart() {
	n.Stop()
	n.open()
	n.Start()
}

// Update runs f as a Turn of its own.
func (n *Node) Update(f func(*router.Turn) error) {
	n.World.TB.Helper()
	t := new(router.Turn)
	must(n.World.TB, n.DB.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}))
	t.Done()
}

// Route brings a stanza that is written in XML into the node.
func (n *Node) Route(xml string) {
	n.World.TB.Helper()
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		n.World.TB.Fatalf("%s: %v", xml, err)
	}
	n.Update(func(t *router.Turn) error { return n.Router.Route(t, st) })
}

func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

// quiet is the presence engine and the blocker of a node where nobody has contacts.
type quiet struct{}

func (quiet) FromClient(*router.Turn, *local.Resource, *stanza.Stanza) error { return nil }
func (quiet) ToAccount(*router.Turn, *stanza.Stanza) error                   { return nil }
func (quiet) Gone(*router.Turn, *local.Resource, string) error               { return nil }
func (quiet) Trusted(*router.Turn, jid.JID, jid.JID) (bool, error)           { return true, nil }
func (quiet) Blocked(*router.Turn, jid.JID, jid.JID) (bool, error)           { return false, nil }
