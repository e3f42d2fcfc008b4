package ip

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
)

// Env is what the links work with. Trace and Log may be nil.
type Env struct {
	DB    *store.DB
	In    links.Inbound
	Sieve links.Sieve
	Trace func(links.Event)
	Log   *slog.Logger

	// Desks are those of the node, for peers that other links reach too; nil: no others do. Way is that of a link to a peer; nil: each link carries everything.
	Desks *custody.Desks
	Way   func(link, peer string) links.Way
}

// A Manager runs the configured links, and changes them while they run. Any number of goroutines may use it.
type Manager struct {
	env     Env
	writers sync.Pool // compressors that no connection uses

	applying sync.Mutex // one Apply at a time; also held while links end

	mu      sync.Mutex // guards what follows
	ctx     context.Context
	doors   map[string]*door
	running map[string]*runner // by link name
	meters  map[string]*meter.Meter
	tasks   sync.WaitGroup
}

// runner is one link and its pump.
type runner struct {
	link   *link
	pump   *links.Pump
	cancel context.CancelFunc
	ended  chan struct{} // nil until it was started
}

// Status of a link, with what it has carried since the node started.
type Status struct {
	links.Status
	meter.Counts
	Refused uint64 // connections to its port that were no peer's
	Codec   CodecStatus
}

// NewManager makes a Manager without links.
func NewManager(env Env) *Manager {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Desks == nil {
		env.Desks = custody.NewDesks(env.DB)
	}
	if env.Way == nil {
		env.Way = func(string, string) links.Way { return links.Alone{} }
	}
	return &Manager{env: env, doors: map[string]*door{}, running: map[string]*runner{}, meters: map[string]*meter.Meter{}}
}

// Check tells what is wrong with a configuration, without changing anything.
func (m *Manager) Check(configs []Config) error { return Check(configs) }

// Apply makes the links those of configs. Links that are the same go on undisturbed; a changed one is ended with goodbye and begun
// anew. On an error nothing has changed. It may be called before Run and while it runs.
func (m *Manager) Apply(configs []Config) error {
	m.applying.Lock()
	defer m.applying.Unlock()
	if err := Check(configs); err != nil {
		return err
	}
	configs = slices.Clone(configs)
	opened, err := m.openDoors(configs)
	if err != nil {
		for _, d := range opened {
			d.ln.Close()
		}
		return err
	}
	m.endOthers(configs)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range opened {
		m.doors[d.addr] = d
		m.openLocked(d)
	}
	at := map[string][]*link{}
	for _, c := range configs {
		c = c.orDefault()
		r := m.running[c.Name]
		if r == nil {
			r = m.newRunner(c)
			m.running[c.Name] = r
			m.startLocked(r)
		}
		if c.Listen {
			at[c.local()] = append(at[c.local()], r.link)
		}
	}
	for addr, d := range m.doors {
		if d.set(at[addr]); at[addr] == nil {
			d.ln.Close()
			delete(m.doors, addr)
		}
	}
	return nil
}

// openDoors opens the listeners that are new.
func (m *Manager) openDoors(configs []Config) (opened []*door, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have := map[string]bool{}
	for addr := range m.doors {
		have[addr] = true
	}
	for _, c := range configs {
		c = c.orDefault()
		if !c.Listen || have[c.local()] {
			continue
		}
		d, err := openDoor(c.local(), m.env.Log)
		if err != nil {
			return opened, err
		}
		have[c.local()] = true
		opened = append(opened, d)
	}
	return opened, nil
}

// endOthers ends the links that are not among configs as they are, and waits for them: their queues are about to be others'.
func (m *Manager) endOthers(configs []Config) {
	m.mu.Lock()
	var ending []*runner
	for name, r := range m.running {
		keep := slices.ContainsFunc(configs, func(c Config) bool { return c.Name == name && c.orDefault().same(r.link.c) })
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
	log := m.env.Log.With("link", c.Name, "peer", c.Peer)
	trace := m.env.Trace
	if trace == nil {
		trace = func(links.Event) {}
	}
	l := newLink(c, &m.writers, log, codecTeller(log, trace, c.Name, c.Peer))
	if m.meters[c.Name] == nil {
		m.meters[c.Name] = new(meter.Meter)
	}
	r := &runner{link: l}
	r.pump = links.NewPump(c.pump(), l, links.Env{DB: m.env.DB, In: m.env.In, Sieve: m.env.Sieve, Trace: m.env.Trace, Meter: m.meters[c.Name], Log: m.env.Log,
		Desk: m.env.Desks.Desk(c.Peer), Way: m.env.Way(c.Name, c.Peer)})
	return r
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
		if err := r.pump.Run(ctx); err != nil {
			m.env.Log.Error("link ended", "link", r.link.c.Name, "err", err)
		}
	})
}

func (m *Manager) openLocked(d *door) {
	if m.ctx != nil && m.ctx.Err() == nil {
		ctx := m.ctx
		m.tasks.Go(func() { d.run(ctx) })
	}
}

// Run runs the links until ctx is done, and returns when all of them have said goodbye, or a few seconds have passed.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	m.ctx = ctx
	for _, d := range m.doors {
		m.openLocked(d)
	}
	for _, r := range m.running {
		m.startLocked(r)
	}
	m.mu.Unlock()
	<-ctx.Done()
	m.applying.Lock()
	defer m.applying.Unlock()
	m.mu.Lock()
	for addr, d := range m.doors {
		d.ln.Close()
		delete(m.doors, addr)
	}
	m.mu.Unlock()
	m.tasks.Wait()
	return nil
}

// Up tells whether the peer has contact.
func (m *Manager) Up(peer string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.running {
		if r.link.c.Peer == peer && r.pump.Status().State == links.Up {
			return true
		}
	}
	return false
}

// Status tells of all links, by name.
func (m *Manager) Status() (all []Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.running {
		s := Status{Status: r.pump.Status(), Counts: m.meters[r.link.c.Name].Counts(), Codec: r.link.agreed.Status()}
		if d := m.doors[r.link.c.local()]; d != nil && r.link.c.Listen {
			s.Refused = d.refused.Load()
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int {
		if a.Link < b.Link {
			return -1
		}
		return 1
	})
	return all
}
