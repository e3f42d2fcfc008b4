package steer_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/linktest"
	"longwire/links/plan"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/links/steer"
	"longwire/store"
)

const (
	satcom = "SatCom"
	hf     = "HF"
)

var failover = plan.Failover{After: time.Minute, BackAfter: 2 * time.Minute, BackMax: 10 * time.Minute}

// world is two nodes, with SatCom (the first of its links dials) and HF between them.
type world struct {
	t    testing.TB
	sat  *linktest.Fake
	air  *sistest.Air
	a, b *node
}

// node is one end with all of custody: store, helm, a pump and a mapping.
type node struct {
	*linktest.Node
	w     *world
	name  string
	other string
	sat   *linktest.Fake
	radio *sistest.Node
	me    sis.Address
	far   sis.Address
	dial  bool
	idle  time.Duration
	plan  plan.Peer

	foreign bool // no common numbering: XEP-0198 as it stands, and RCOP

	helm *steer.Helm

	numbering string // as steady saw it first

	mu       sync.Mutex
	conns    []io.Closer
	carriers []links.Event
	sent     map[string]int // by link
}

var (
	here  = sis.MakeAddress(1, 1, 0, 1)
	there = sis.MakeAddress(1, 1, 0, 2)
)

func newWorld(t testing.TB, o sistest.Options) *world {
	w := &world{t: t, air: sistest.NewAir(o)}
	x, y := linktest.NewFake(600 * time.Millisecond)
	w.sat = x
	w.a = w.node("headquarters.net", "field.net", here, there, x)
	w.b = w.node("field.net", "headquarters.net", there, here, y)
	w.a.dial = true
	return w
}

func (w *world) node(name, other string, me, far sis.Address, sat *linktest.Fake) *node {
	return &node{Node: linktest.NewNode(w.t, name, other), w: w, name: name, other: other, sat: sat, radio: w.air.Node(me, sis.ServerConfig{}),
		me: me, far: far, sent: map[string]int{},
		plan: plan.Peer{Links: []plan.Link{{Name: satcom}, {Name: hf, Least: 10 * time.Minute, Express: true}}, Failover: failover}}
}

// start runs the node's links until Stop or Crash.
func (n *node) start() {
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(n.w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", n.name)
	}
	desks := custody.NewDesks(n.DB)
	n.helm = steer.New(steer.Env{DB: n.DB, Log: log, Trace: n.note})
	n.helm.Apply([]steer.Config{{Peer: n.other, Plan: n.plan}})
	pump := links.NewPump(links.Config{Link: satcom, Peer: n.other, ZeroRTT: !n.foreign, Dial: n.dial, IdleClose: n.idle, BackoffMax: time.Minute,
		LocalDomain: n.name, PeerDomain: n.other}, n.sat, links.Env{DB: n.DB, In: n.Inbound(), Desk: desks.Desk(n.other), Way: n.helm.Way(satcom, n.other),
		Trace: n.note, Log: log})
	radio := s5066.NewManager(s5066.Env{DB: n.DB, In: n.Inbound(), Log: log, Trace: n.note, Desks: desks, Way: n.helm.Way,
		Dial: map[string]s5066.Dialer{"tcp": n.dialRadio}})
	mapping := s5066.Longwire
	if n.foreign {
		mapping = s5066.RCOP
	}
	if err := radio.Apply([]s5066.Config{{Name: hf, Server: s5066.Server{Address: "localhost:5066"}, SAP: 6, LocalAddress: n.me, Compress: true,
		Peers: []s5066.PeerConfig{{Peer: n.other, RemoteAddress: n.far, Mapping: mapping, Domains: []string{n.other}, LocalDomains: []string{n.name}}}}}); err != nil {
		n.w.t.Fatal(err)
	}
	n.StartRunner(func(ctx context.Context) error {
		var all sync.WaitGroup
		all.Go(func() { _ = n.helm.Run(ctx) })
		all.Go(func() { _ = radio.Run(ctx) })
		err := pump.Run(ctx)
		all.Wait()
		return err
	})
}

func (n *node) dialRadio(ctx context.Context, _ s5066.Server) (io.ReadWriteCloser, error) {
	c, err := n.radio.Dial(ctx)
	if err == nil {
		n.mu.Lock()
		n.conns = append(n.conns, c)
		n.mu.Unlock()
	}
	return c, err
}

// cut ends everything that the node has open.
func (n *node) cut() {
	n.sat.Cut()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}

func (n *node) note(e links.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e.Kind {
	case links.EventCarrier:
		n.carriers = append(n.carriers, e)
	case links.EventSent:
		n.sent[e.Link]++
	}
}

// carrier is the link that was chosen last.
func (n *node) carrier() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.carriers) == 0 {
		return ""
	}
	return n.carriers[len(n.carriers)-1].Link
}

// carrierSince is when that was.
func (n *node) carrierSince() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.carriers[len(n.carriers)-1].At
}

func (n *node) sentBy(link string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent[link]
}

// steady fails when the node has begun its numbers anew: only one with an old record does, as it doubles what is under way.
func (n *node) steady() {
	n.w.t.Helper()
	c := n.Custody(n.other)
	if n.numbering != "" && c.OutID != n.numbering {
		n.w.t.Errorf("%s: numbering %s instead of %s", n.name, c.OutID, n.numbering)
	}
	if n.numbering != "" || c.Acked > 0 {
		n.numbering = c.OutID
	}
}

// say queues message k of a sender, of a class.
func (n *node) say(sender string, k int, class store.Class) {
	from, to := sender+"@"+n.name+"/desk", "user@"+n.other
	body := fmt.Sprintf("%s %d", sender, k)
	xml := "<message from='" + from + "' to='" + to + "' type='chat' id='" + sender + fmt.Sprint(k) + "'><body>" + body + "</body></message>"
	n.Put(store.Entry{Class: class, Kind: store.KindChat, From: from, To: to, Queued: time.Now(), Stanza: []byte(xml)})
}

// until waits for a condition.
func (w *world) until(within time.Duration, what string, cond func() bool) {
	w.t.Helper()
	for end := time.Now().Add(within); !cond(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s\na: %s\nb: %s", within, what, w.a.state(), w.b.state())
		}
	}
}

func (n *node) state() string {
	_, c, _ := n.helm.Explain(n.other)
	return fmt.Sprintf("%d wait, carrier %d, %+v", n.Waiting(), c.Carrier, c.Links)
}
