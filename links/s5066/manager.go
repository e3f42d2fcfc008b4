package s5066

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
)

// Env is what the links work with. Trace, Log and Dial may be nil.
type Env struct {
	DB    *store.DB
	In    links.Inbound
	Sieve links.Sieve
	Trace func(links.Event)
	Log   *slog.Logger
	// Desks are those of the node, for peers that other links reach too; nil: no others do. Way is that of a link to a peer; nil: each link carries everything.
	Desks *custody.Desks
	Way   func(link, peer string) links.Way
	// Dial opens carriers, by Server.Network. For tcp there is one already.
	Dial map[string]Dialer
	// Time is told of headquarters' time when headquarters has answered us, who are its kit. It must not wait. nil: nobody wants to know.
	Time func(headquarters time.Time)
}

// A Manager runs the configured links, and changes them while they run. Any number of goroutines may use it.
type Manager struct {
	env Env

	applying sync.Mutex // one Apply at a time; also held while links end

	mu      sync.Mutex // guards what follows
	ctx     context.Context
	running map[string]*runner         // by link
	meters  map[[2]string]*meter.Meter // by link and peer
	silent  map[string]bool            // links that SetEMCON has switched to receiving
	quiet   map[string]bool            // and those that SetQuiet has
	tasks   sync.WaitGroup
}

// runner is one link.
type runner struct {
	c      Config
	bind   *bind
	cancel context.CancelFunc
	ended  chan struct{} // nil until it was started
}

// NewManager makes a Manager without links.
func NewManager(env Env) *Manager {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Trace == nil {
		env.Trace = func(links.Event) {}
	}
	if env.Desks == nil {
		env.Desks = custody.NewDesks(env.DB)
	}
	if env.Way == nil {
		env.Way = func(string, string) links.Way { return links.Alone{} }
	}
	dial := map[string]Dialer{"tcp": dialTCP}
	maps.Copy(dial, env.Dial)
	env.Dial = dial
	return &Manager{env: env, running: map[string]*runner{}, meters: map[[2]string]*meter.Meter{}, silent: map[string]bool{}, quiet: map[string]bool{}}
}

// Check tells what is wrong with a configuration, without changing anything.
func (m *Manager) Check(configs []Config) error {
	if err := Check(configs); err != nil {
		return err
	}
	for _, c := range configs {
		if c = c.orDefault(); m.env.Dial[c.Server.Network] == nil {
			return fmt.Errorf("s5066: link %q: this build cannot reach a SIS server by %s", c.Name, c.Server.Network)
		}
	}
	return nil
}

// Apply makes the links those of configs. Links that are the same but for EMCON go on undisturbed; a changed one is ended and begun
// anew. On an error nothing has changed. It may be called before Run and while it runs.
func (m *Manager) Apply(configs []Config) error {
	m.applying.Lock()
	defer m.applying.Unlock()
	if err := m.Check(configs); err != nil {
		return err
	}
	configs = slices.Clone(configs)
	for i, c := range configs {
		configs[i] = c.orDefault()
	}
	m.endOthers(configs)
	var retuned []*runner
	defer func() {
		for _, r := range retuned {
			r.bind.retune(r.c)
		}
	}()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range configs {
		r := m.running[c.Name]
		if r == nil {
			r = m.newRunner(c)
			m.running[c.Name] = r
		}
		r.c.EMCON, r.c.Peers = c.EMCON, c.Peers
		retuned = append(retuned, r)
		r.bind.setEMCON(c.EMCON || m.silent[c.Name] || m.quiet[c.Name])
		if r.ended == nil { // silent from the start
			m.startLocked(r)
		}
	}
	return nil
}

// endOthers ends the links that are not among configs as they are, and waits for them: their queues are about to be others'.
func (m *Manager) endOthers(configs []Config) {
	m.mu.Lock()
	var ending []*runner
	for name, r := range m.running {
		keep := slices.ContainsFunc(configs, func(c Config) bool { return c.Name == name && c.same(r.c) })
		if !keep {
			ending = append(ending, r)
			delete(m.running, name)
		}
	}
	m.mu.Unlock()
	ending = slices.DeleteFunc(ending, func(r *runner) bool { return r.ended == nil })
	for _, r := range ending {
		r.cancel()
	}
	for _, r := range ending {
		<-r.ended
	}
}

func (m *Manager) newRunner(c Config) *runner {
	log := m.env.Log.With("link", c.Name)
	open, server := m.env.Dial[c.Server.Network], c.Server
	dial := func(ctx context.Context) (io.ReadWriteCloser, error) { return open(ctx, server) }
	b := newBind(c, dial, log)
	for _, pc := range c.Peers {
		key := [2]string{c.Name, pc.Peer}
		if m.meters[key] == nil {
			m.meters[key] = new(meter.Meter)
		}
		p := &port{bind: b, link: c, c: pc, queue: m.env.DB.Queue(pc.Peer), db: m.env.DB, desk: m.env.Desks.Desk(pc.Peer), way: m.env.Way(c.Name, pc.Peer), in: m.env.In, sieve: m.env.Sieve, meter: m.meters[key],
			trace: m.env.Trace, log: log.With("peer", pc.Peer)}
		p.m = newMapping(p)
		if pc.Pairing != nil {
			p.pair = newPairing(p, m.env.Time)
		}
		b.ports = append(b.ports, p)
	}
	b.place()
	return &runner{c: c, bind: b}
}

// startLocked starts a link, if the Manager runs.
func (m *Manager) startLocked(r *runner) {
	if m.ctx == nil || m.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(m.ctx)
	r.cancel, r.ended = cancel, make(chan struct{})
	m.tasks.Go(func() {
		defer close(r.ended)
		defer cancel()
		r.bind.run(ctx)
	})
}

// Run runs the links until ctx is done, and returns when nothing of them is left.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	m.ctx = ctx
	for _, r := range m.running {
		m.startLocked(r)
	}
	m.mu.Unlock()
	<-ctx.Done()
	m.applying.Lock()
	defer m.applying.Unlock()
	m.tasks.Wait()
	return nil
}

// SetEMCON makes a link receive only, or send again. What was handed to the SIS server is taken back as far as that is possible. It holds until it is
// called again, also over Apply, and beside EMCON of the configuration: both must be off before anything is sent.
func (m *Manager) SetEMCON(link string, on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.silent, link)
	if on { // of a link, too, that is just between two configurations
		m.silent[link] = true
	}
	r := m.running[link]
	if r == nil {
		return fmt.Errorf("s5066: there is no link %q", link)
	}
	r.bind.setEMCON(on || r.c.EMCON || m.quiet[link])
	return nil
}

// SetQuiet is the same for other reasons, as a transmit window, beside SetEMCON: a link sends when all of them let it. It may be called before there is such a link.
func (m *Manager) SetQuiet(link string, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.quiet, link)
	if on {
		m.quiet[link] = true
	}
	if r := m.running[link]; r != nil {
		r.bind.setEMCON(on || r.c.EMCON || m.silent[link])
	}
}

// Up tells whether the peer can be sent to, as far as is known.
func (m *Manager) Up(peer string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.running {
		for _, p := range r.bind.ports {
			if p.c.Peer == peer && r.bind.status(p).State == links.Up {
				return true
			}
		}
	}
	return false
}

// Status tells of all links and their peers, by name.
func (m *Manager) Status() (all []Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.running {
		for _, p := range r.bind.ports {
			all = append(all, r.bind.status(p))
		}
	}
	slices.SortFunc(all, func(a, b Status) int {
		if c := strings.Compare(a.Link, b.Link); c != 0 {
			return c
		}
		return strings.Compare(a.Peer, b.Peer)
	})
	return all
}

// ErrNoKit means a peer that is not a kit of ours on a running link.
var ErrNoKit = errors.New("s5066: no such kit")

// Forget closes a kit again: nothing is taken from it and nothing sent to it until it, or another, introduces itself, with a new token, or, with again, with the one that
// it has used. What is for it waits.
func (m *Manager) Forget(peer string, again bool) error {
	m.mu.Lock()
	var p *port
	for _, r := range m.running {
		for _, q := range r.bind.ports {
			if q.c.Peer == peer && q.pair != nil && !q.c.Pairing.kit() {
				p = q
			}
		}
	}
	m.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%w: %s", ErrNoKit, peer)
	}
	return p.pair.forget(again)
}
