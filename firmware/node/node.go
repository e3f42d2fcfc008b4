// Package node builds a node from its configuration and introduces the parts to each other: the store, the XMPP side,
// the links. It holds no protocol of its own.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/identity"
	"longwire/firmware/supervise"
	"longwire/links"
	"longwire/links/custody"
	"longwire/links/fold"
	"longwire/links/foresight"
	"longwire/links/ip"
	"longwire/links/s5066"
	"longwire/links/steer"
	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/attendant"
	"longwire/xmpp/blocking"
	"longwire/xmpp/c2s"
	"longwire/xmpp/delivery"
	"longwire/xmpp/disco"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/muc"
	"longwire/xmpp/pep"
	"longwire/xmpp/presence"
	"longwire/xmpp/private"
	"longwire/xmpp/proxy"
	"longwire/xmpp/register"
	"longwire/xmpp/roster"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/sasl"
	"longwire/xmpp/stanza"
	"longwire/xmpp/vcard"
	"longwire/xmpp/vitals"
)

// Options of New; zero values are the defaults.
type Options struct {
	Version   string
	Log       *supervise.Log
	Notify    *supervise.Notify
	Inherited map[string][]net.Listener // of socket activation: "clients", "direct-tls"
}

// A Node is one running Longwire. reload guards changes of the configuration; mu guards cfg and doors for readers.
type Node struct {
	o       Options
	log     *slog.Logger
	started time.Time
	group   *supervise.Group

	id         atomic.Pointer[identity.Identity]
	db         *store.DB
	router     *router.Router
	host       *local.Host
	rosters    *roster.Service
	presence   *presence.Engine
	clients    *c2s.Server
	disco      *disco.Service
	pep        *pep.Service
	reg        *register.Service
	archives   *archive.Service
	rooms      *muc.Service
	federation *fmuc.Service
	contacts   contacts
	folding    folding
	folded     func(peer string, inbound bool, s *stanza.Stanza, r fold.Result) // of each stanza, once it is committed; nil: nobody counts
	peers      *s2s.Peers
	proxy      *proxy.Service
	ip         *ip.Manager
	s5066      *s5066.Manager
	desks      *custody.Desks
	helm       *steer.Helm
	kinds      []kind
	record     *record
	linked     *config.Config // what the links were made of; guarded by reload

	clock   hqClock
	methods methods

	truth     *delivery.Truth
	foresight *foresight.Keeper
	attendant *attendant.Attendant

	watch    sync.Mutex // guards watchers
	watched  int
	watchers map[int]func(links.Event)

	kept       atomic.Bool // the store may have to be read by an older program, and keeps its format
	hushed     sync.Map    // links that were silenced by command and that the store does not know of yet
	undeclared atomic.Bool // the store could not be written when something that cfg declares was to be made

	reload sync.Mutex
	mu     sync.Mutex
	cfg    *config.Config
	doors  map[door]*openDoor
}

var _ admin.Node = (*Node)(nil)

// New opens the store and builds the node; nothing listens yet.
func New(cfg *config.Config, o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = supervise.NewLog(os.Stderr)
	}
	if o.Notify == nil {
		o.Notify = &supervise.Notify{}
	}
	n := &Node{o: o, log: o.Log.Logger(), started: time.Now(), cfg: cfg, doors: make(map[door]*openDoor)}
	if err := o.Log.Set(cfg.Log.Level, cfg.Log.Format); err != nil {
		return nil, err
	}
	n.group = supervise.New(supervise.Options{Log: n.log})
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("node: making the data folder %s: %w; give the user that runs longwire a folder it may write to (data = …)", cfg.Data, err)
	}
	so := storeOptions(cfg, n.log)
	so.Keep = n.keepFormat()
	db, err := store.Open(cfg.StorePath(), so)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	n.db = db
	if err := n.build(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return n, nil
}

func storeOptions(cfg *config.Config, log *slog.Logger) store.Options {
	return store.Options{
		SlowSync:  cfg.Store.SlowSync,
		MaxBytes:  int64(cfg.Store.MaxSize),
		SpoolMax:  cfg.Clients.OfflineMessages,
		SpoolSize: int64(cfg.Clients.OfflineBytes),
		FatesMax:  cfg.Delivery.Max,
		FatesKeep: cfg.Delivery.Keep,
		OnHealth: func(h store.Health) {
			if h.Err != nil {
				log.Error("the store cannot be written; nothing new is accepted until it can", "err", h.Err)
				return
			}
			log.Info("the store can be written again")
		},
	}
}

// build makes the XMPP side and the links.
func (n *Node) build() error {
	cfg := n.cfg
	id, err := loadIdentity(cfg)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	n.setIdentity(id)
	n.router = new(router.Router)
	n.host = local.New(n.db, n.router)
	n.rosters = roster.New(n.host)
	engine := presence.New(n.host, n.rosters)
	n.presence = engine
	engine.Passes(n.presencePasses)
	n.host.Use(engine, blocking.New(n.host, engine.OnBlocking))
	n.host.ServeCarbons()
	n.archives = archive.New(n.host, n.archiveOptions(cfg))
	n.host.UseArchiver(n.archives)
	n.host.Feature(local.ForServer, "msgoffline", "urn:xmpp:delay") // XEP-0160 §6
	n.disco = disco.New(n.host, disco.Options{Items: n.services})
	n.pep = pep.New(n.host, n.rosters, pep.Options{
		Near:  func(domain string) bool { return slices.Contains(n.Config().OurDomains(), domain) },
		Peers: n.publishesTo,
		Renew: engine.Renew,
	})
	vcard.New(n.host, nil).Use(n.pep)
	engine.Watch(n.pep)
	n.disco.Use(n.pep)
	private.New(n.host).Keep(n.pep.Storage())
	vitals.New(n.host, n.o.Version)
	n.reg = register.New(n.host, register.Options{
		Open:     cfg.Clients.Register,
		Derive:   derive,
		Reserved: n.host.Contact,
		Made:     func(t *router.Turn, account jid.JID) error { return n.bookmark(t, n.Config(), account) },
		Leaving:  n.leaving,
		// On the committer; ending a stream waits for what it is writing, which may wait for a commit.
		Left: func(account jid.JID) { go n.EndSessions(account, "the account was removed") },
	})
	if err := n.host.SetDomains(cfg.Domains); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if n.clients, err = c2s.New(n.host, n.router, engine, n.log, n.clientConfig(cfg)); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	n.record = newRecord(cfg, n.db, n.log)
	n.record.silent, n.record.states, n.folded = n.silentLinks, n.linkFigures, n.record.folded
	n.record.carrier = func(peer string) string { link, _ := n.helm.Carrier(peer); return link }
	n.peers = s2s.New(s2s.Env{DB: n.db, Router: n.router, LinkUp: n.prompt, Tell: n.tell, Track: n.tracks, Room: n.hasRooms, Log: n.log})
	n.rooms = muc.New(n.host, n.router, n.roomOptions(cfg))
	n.federation = fmuc.New(n.host, n.rooms, n.federationOptions(cfg))
	n.rooms.Use(n.federation)
	n.makeProxy()
	n.makeTruth()
	n.makeLinks()
	if err := n.connect(cfg); err != nil {
		return err
	}
	if err := n.declareFirst(cfg); err != nil {
		return err
	}
	if err := n.attend(cfg); err != nil {
		return err
	}
	return n.openRooms(cfg)
}

// prompt tells whether a chat state would reach a peer while it means something. Choice: over HF never, as a transmission for it alone costs
// more air than the message that it announces.
func (n *Node) prompt(peer string) bool { return n.carries(peer, config.LinkIP) }

// publishesTo tells whether what our users publish may be asked for from a domain across a link.
func (n *Node) publishesTo(domain string) bool {
	return slices.ContainsFunc(n.Config().Peers, func(p config.Peer) bool { return p.Pubsub && slices.Contains(p.Domains, domain) })
}

// leaving ends what binds an account to its contacts and to rooms before it is removed. XEP-0077 §3.2.
func (n *Node) leaving(t *router.Turn, account jid.JID) error {
	items, err := n.rosters.Items(t, account)
	if err != nil {
		return err
	}
	for _, it := range items {
		contact, err := jid.Parse(it.Contact)
		if err != nil {
			continue
		}
		if err := n.presence.Dropped(t, account, contact, it); err != nil {
			return err
		}
	}
	return admin.Forsake(t.Tx, liveRooms{n.rooms, t}, account)
}

// derive makes what the store keeps of a password, for every hash that clients may ask for.
func derive(password string) (all []store.Credential, err error) {
	for _, hash := range sasl.Hashes() {
		c, err := sasl.NewCredential(hash, password, nil, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, store.Credential(c))
	}
	return all, nil
}

func (n *Node) identity() *identity.Identity { return n.id.Load() }

func (n *Node) setIdentity(id *identity.Identity) { n.id.Store(id) }

func loadIdentity(cfg *config.Config) (*identity.Identity, error) {
	if cfg.TLS.Cert != "" {
		return identity.LoadFiles(cfg.TLS.Cert, cfg.TLS.Key, cfg.Domains, time.Now())
	}
	return identity.Load(filepath.Join(cfg.Data, "tls"), cfg.Domains, time.Now())
}

// clientConfig translates the operator's words into c2s's.
func (n *Node) clientConfig(cfg *config.Config) c2s.Config {
	c, id := cfg.Clients, n.identity().Current()
	out := c2s.Config{
		Domains: cfg.Domains, RequireTLS: c.RequireTLS,
		TLS: id.StartTLS, DirectTLS: id.Direct, Leaf: id.Leaf.Raw,
		MaxStanza: int(c.MaxStanza), MaxEarly: int(c.MaxStanzaUnauthenticated),
		StreamsPerAddress: c.StreamsPerAddress, StreamsPerAccount: c.StreamsPerAccount,
		OutboxStanzas: c.OutboxStanzas, OutboxBytes: int(c.OutboxBytes),
		ResumeMax: c.ResumeMax, Idle: c.Idle, IdleAnswer: c.IdleAnswer, EarlyTime: c.LoginTime,
		FailuresPerMinute: c.FailuresPerMinute,
		Caps:              n.disco.Caps(),
	}
	if c.Register {
		out.Stranger = n.reg.Stranger
	}
	return out
}

// Run serves until ctx is done, then says goodbye to clients and peers and closes the store.
func (n *Node) Run(ctx context.Context) error {
	defer func() {
		n.archives.Flush() // what clients said last
		n.db.Close()
	}()
	cfg := n.Config()
	tasks := []supervise.Task{
		{Name: "peers", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.peers.Run(ctx) }},
		{Name: "links", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.runLinks(ctx) }},
		{Name: "proxy", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.proxy.Run(ctx) }},
		{Name: "archives", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.archives.Run(ctx) }},
		{Name: "forecasts", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.foresight.Run(ctx) }},
		{Name: "receipts", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.truth.Receipts(ctx, n.router, n.log) }},
		{Name: "attendant", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.attendant.Run(ctx) }},
		{Name: "federation", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.federation.Run(ctx) }},
		{Name: "record", Stage: 2, Run: func(ctx context.Context, ready func()) error { ready(); return n.record.run(ctx) }},
		{Name: "codec", Stage: 2, Run: n.prime},
		{Name: "streams", Stage: 1, Run: n.streams},
		{Name: "store", Stage: 2, Run: n.watchStore},
		{Name: "store format", Stage: 2, Run: n.watchFormat},
		{Name: "certificate", Run: n.renew},
		n.control(cfg.Control),
	}
	for d, ln := range n.inherited() {
		n.doors[d] = &openDoor{ln: ln}
		tasks = append(tasks, n.serve(d, ln))
	}
	for _, d := range wanted(cfg) {
		if n.doors[d] != nil {
			continue
		}
		ln, err := d.listen()
		if err != nil {
			n.closeDoors()
			return err
		}
		n.doors[d] = &openDoor{ln: ln}
		tasks = append(tasks, n.serve(d, ln))
	}
	go n.o.Notify.Watchdog(ctx, n.healthy)
	defer n.o.Notify.Stopping()
	return n.group.Run(ctx, n.announce, tasks...)
}
