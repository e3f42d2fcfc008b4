package s5066_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/linktest"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// rig is two nodes, each with a SIS server, on one air.
type rig struct {
	t    testing.TB
	air  *sistest.Air
	a, b *end
}

// end is one node.
type end struct {
	*linktest.Node
	t      testing.TB
	air    *sistest.Node
	config s5066.Config
	m      *s5066.Manager
	log    *slog.Logger // nil: none, or with -v all
	clock  func(time.Time)
	way    links.Way // nil: this link is the only one

	mangle func(sis.UnidataIndication) []sis.UnidataIndication // what the client hears of the peer; set before Start

	mu      sync.Mutex
	counted int // of events, by batches
	events  []links.Event
	taps    []*tap
}

var addresses = []sis.Address{sis.MakeAddress(1, 1, 0, 1), sis.MakeAddress(1, 1, 0, 2), sis.MakeAddress(1, 1, 0, 3), sis.MakeAddress(1, 1, 0, 4)}

// play runs a test with a rig in a bubble of its own time.
func play(t *testing.T, o sistest.Options, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, air: sistest.NewAir(o)}
		defer r.air.Close()
		r.a = r.end(0, "headquarters.net", 1, "field.net")
		r.b = r.end(1, "field.net", 0, "headquarters.net")
		defer r.a.Stop()
		defer r.b.Stop()
		f(r)
	})
}

func (r *rig) end(me int, name string, peer int, other string) *end {
	e := &end{Node: linktest.NewNode(r.t, name, other), t: r.t, air: r.air.Node(addresses[me], sis.ServerConfig{})}
	e.config = s5066.Config{Name: "5066 link", Server: s5066.Server{Address: "localhost:5066"}, SAP: 6, LocalAddress: addresses[me], Compress: true,
		Peers: []s5066.PeerConfig{{Peer: other, RemoteAddress: addresses[peer], Mapping: s5066.Longwire, Domains: []string{other}, LocalDomains: []string{name}}}}
	return e
}

func (e *end) Start() {
	e.t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(e.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", e.config.LocalAddress)
	}
	if e.log != nil {
		log = e.log
	}
	e.m = s5066.NewManager(s5066.Env{DB: e.DB, In: e.Inbound(), Log: log, Time: e.clock,
		Trace: func(ev links.Event) {
			e.mu.Lock()
			e.events = append(e.events, ev)
			e.mu.Unlock()
		},
		Way: func(string, string) links.Way {
			if e.way == nil {
				return links.Alone{}
			}
			return e.way
		},
		Dial: map[string]s5066.Dialer{"tcp": e.dial}})
	if err := e.m.Apply([]s5066.Config{e.config}); err != nil {
		e.t.Fatal(err)
	}
	e.StartRunner(e.m.Run)
}

// dial is the client's way to its SIS server.
func (e *end) dial(ctx context.Context, _ s5066.Server) (io.ReadWriteCloser, error) {
	conn, err := e.air.Dial(ctx)
	if err != nil || e.mangle == nil {
		return conn, err
	}
	t := newTap(conn, e.mangle)
	e.mu.Lock()
	e.taps = append(e.taps, t)
	e.mu.Unlock()
	return t, nil
}

// tap is the present carrier.
func (e *end) tap() *tap {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.taps[len(e.taps)-1]
}

// cut breaks the carrier between client and SIS server.
func (e *end) cut() {
	e.mu.Lock()
	taps := e.taps
	e.mu.Unlock()
	for _, t := range taps {
		t.Close()
	}
}

func (e *end) status() s5066.Status { return e.m.Status()[0] }

func (r *rig) start() {
	r.a.Start()
	r.b.Start()
}

func bodies(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s %d", prefix, i))
	}
	return out
}

// arrived waits until to has what from sent, and from knows.
func (r *rig) arrived(from, to *end, want []string) {
	r.t.Helper()
	for end := time.Now().Add(72 * time.Hour); time.Now().Before(end); time.Sleep(30 * time.Second) {
		if len(to.Received()) >= len(want) && from.Waiting() == 0 {
			break
		}
	}
	got := to.Received()
	if !slices.Equal(got, want) {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		clip := func(s []string) string { return strings.Join(s[min(i, len(s)):min(i+6, len(s))], ", ") }
		r.t.Fatalf("got %d stanzas, want %d: from %d on got %q; want %q\nsender %+v\nreceiver %+v", len(got), len(want), i, clip(got), clip(want), from.status(), to.status())
	}
	if n := from.Waiting(); n > 0 {
		r.t.Fatalf("%d stanzas are not confirmed: %+v", n, from.status())
	}
}
