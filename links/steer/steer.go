// Package steer runs the choice of links (links/plan): one course for each peer of the node, for as long as the node runs. Links come and go; each has a Way,
// by which it learns what it may carry and tells how it does.
package steer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/plan"
	"longwire/store"
)

// Env is what it works with. All but DB may be nil.
type Env struct {
	DB    *store.DB
	Trace func(links.Event)
	Log   *slog.Logger
	// Quiet is told when a link must not transmit at all, or may again: a transmit window, emission control, a link that only receives. It must not wait for a
	// link, and is told of a link again only when that has changed.
	Quiet func(link string, on bool)
}

// Config is one peer.
type Config struct {
	Peer string // its name
	Plan plan.Peer
}

// A Helm has all peers of a node. Any number of goroutines may use it.
type Helm struct {
	env Env

	mu      sync.Mutex // guards what follows
	ctx     context.Context
	courses map[string]*course
	tasks   sync.WaitGroup

	telling sync.Mutex      // held while Env.Quiet is told, so that it hears of changes in order
	quiet   map[string]bool // links, as it was told last; under telling
}

// New makes a Helm without peers.
func New(env Env) *Helm {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Trace == nil {
		env.Trace = func(links.Event) {}
	}
	if env.Quiet == nil {
		env.Quiet = func(string, bool) {}
	}
	return &Helm{env: env, courses: map[string]*course{}, quiet: map[string]bool{}}
}

// Apply makes the peers those of configs. What is known of a link that stays is kept. It may be called before Run and while it runs.
func (h *Helm) Apply(configs []Config) {
	h.mu.Lock()
	named := map[string]bool{}
	for _, c := range configs {
		named[c.Peer] = true
		h.courseLocked(c.Peer).configure(c.Plan)
	}
	for name, c := range h.courses {
		if !named[name] {
			c.configure(plan.Peer{})
		}
	}
	h.mu.Unlock()
	h.hush()
}

// courseLocked is that of a peer, made at first use.
func (h *Helm) courseLocked(peer string) *course {
	c := h.courses[peer]
	if c == nil {
		c = newCourse(h, peer)
		h.courses[peer] = c
		h.startLocked(c)
	}
	return c
}

func (h *Helm) startLocked(c *course) {
	if h.ctx != nil && h.ctx.Err() == nil {
		ctx := h.ctx
		h.tasks.Go(func() { c.run(ctx) })
	}
}

// Way is that of a link to a peer. It may be asked for before the peer is configured.
func (h *Helm) Way(link, peer string) links.Way {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &way{h.courseLocked(peer), link}
}

// Run steers until ctx is done.
func (h *Helm) Run(ctx context.Context) error {
	h.mu.Lock()
	h.ctx = ctx
	for _, c := range h.courses {
		h.startLocked(c)
	}
	h.mu.Unlock()
	<-ctx.Done()
	h.tasks.Wait()
	return nil
}

// hush tells which links must not transmit.
func (h *Helm) hush() {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.mu.Lock()
	now, quiet := time.Now(), map[string]bool{}
	for _, c := range h.courses {
		c.silences(now, quiet)
	}
	h.mu.Unlock()
	for link, on := range quiet {
		if h.quiet[link] != on {
			h.env.Quiet(link, on)
		}
	}
	h.quiet = quiet
}

// Quiet tells whether a link must not transmit at all, for those that begin silent.
func (h *Helm) Quiet(link string) bool {
	h.telling.Lock()
	defer h.telling.Unlock()
	return h.quiet[link]
}

// Explain tells what was chosen for a peer, and why. False: there is no such peer.
func (h *Helm) Explain(peer string) (plan.Peer, plan.Choice, bool) {
	h.mu.Lock()
	c := h.courses[peer]
	h.mu.Unlock()
	if c == nil {
		return plan.Peer{}, plan.Choice{}, false
	}
	return c.explain()
}

// Carrier is the link that carries what is for a peer, and whether it is up; empty while none does.
func (h *Helm) Carrier(peer string) (link string, up bool) {
	h.mu.Lock()
	c := h.courses[peer]
	h.mu.Unlock()
	if c == nil {
		return "", false
	}
	return c.carrier()
}
