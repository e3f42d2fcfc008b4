// Package foresight tells for all that waits in the queues when it will be at its peer: it feeds what the links do to a
// forecast.Model for each way to a peer, and asks it.
package foresight

import (
	"context"
	"sync"
	"time"

	"longwire/links"
	"longwire/links/forecast"
	"longwire/store"
)

// A Way is by which link an entry will go, as things are.
type Way struct {
	Link    string
	Express bool // it goes with the next turn, whatever else waits
	Outlook forecast.Outlook
}

// Env is what a Keeper works with.
type Env struct {
	DB   *store.DB
	Rate func(link string) int                    // bit/s, as configured; 0 or nil: not known
	Ways func(peer string) func(*store.Entry) Way // for one list of a peer's entries; nil: by the link that was up last
}

// A Keeper has the models. Event, Forecasts and SetPeers may be called by any goroutine.
type Keeper struct {
	env   Env
	begun time.Time // what all spans count from

	mu      sync.Mutex // guards what follows
	models  map[key]*forecast.Model
	latest  map[string]string // by peer: the link that was up last
	wanted  []string
	changed chan struct{}
}

type key struct{ peer, link string }

// New makes a Keeper.
func New(env Env) *Keeper {
	return &Keeper{env: env, begun: time.Now(), models: make(map[key]*forecast.Model), latest: make(map[string]string),
		changed: make(chan struct{}, 1)}
}

// at is a moment as the models count.
func (k *Keeper) at(t time.Time) time.Duration { return t.Sub(k.begun) }

// Event takes in what a link tells. It is brief.
func (k *Keeper) Event(e links.Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	now := k.at(e.At)
	switch e.Kind {
	case links.EventUp:
		k.mu.Lock()
		k.latest[e.Peer] = e.Link
		k.mu.Unlock()
		k.model(e.Peer, e.Link).Up(now)
	case links.EventDown:
		k.model(e.Peer, e.Link).Down(false, now)
	case links.EventSent:
		queued := now - max(0, e.At.Round(0).Sub(e.Queued)) // by the clock on the wall, which the flash knows alone
		k.model(e.Peer, e.Link).Sent(e.Entry, e.Folded, queued, now)
	case links.EventOnFarNode, links.EventConfirmed:
		k.model(e.Peer, e.Link).Arrived(e.Entry, e.Kind == links.EventConfirmed, now)
		if e.Kind == links.EventConfirmed {
			k.elsewhere(e)
		}
	case links.EventReceived, links.EventDuplicate:
		k.model(e.Peer, e.Link).Heard(now)
	}
}

// elsewhere tells the models of the peer's other links, which may have sent it before, that nothing comes of that any more.
func (k *Keeper) elsewhere(e links.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for at, m := range k.models {
		if at.peer == e.Peer && at.link != e.Link {
			m.Gone(e.Entry)
		}
	}
}

// model is that of a link to a peer.
func (k *Keeper) model(peer, link string) *forecast.Model {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.models[key{peer, link}]
	if m == nil {
		rate := 0
		if k.env.Rate != nil {
			rate = k.env.Rate(link)
		}
		m = forecast.New(rate)
		k.models[key{peer, link}] = m
	}
	return m
}

// ways is by which link each entry will go.
func (k *Keeper) ways(peer string) func(*store.Entry) Way {
	if k.env.Ways != nil {
		return k.env.Ways(peer)
	}
	k.mu.Lock()
	link, ok := k.latest[peer]
	k.mu.Unlock()
	if !ok {
		return func(*store.Entry) Way {
			return Way{Outlook: forecast.Outlook{Silent: true, Why: "no link has been up yet"}}
		}
	}
	return func(*store.Entry) Way { return Way{Link: link} }
}

// Forecasts tells for each entry of a peer's queue, in sending order (store.Queue.List), when it will be there.
func (k *Keeper) Forecasts(peer string, entries []store.Entry) []forecast.Forecast {
	return k.each(peer, entries, func(m *forecast.Model, _ *store.Entry, w forecast.Work, o forecast.Outlook, now time.Duration) forecast.Forecast {
		return m.Estimate(w, o, now)
	})
}

type ask func(*forecast.Model, *store.Entry, forecast.Work, forecast.Outlook, time.Duration) forecast.Forecast

// each asks for every entry with what is before it on its link.
func (k *Keeper) each(peer string, entries []store.Entry, f ask) []forecast.Forecast {
	all := make([]forecast.Forecast, len(entries))
	clock := time.Now()
	now := k.at(clock)
	ahead := make(map[string]int)
	if len(entries) == 0 {
		return all
	}
	wayOf := k.ways(peer)
	for i := range entries {
		e := &entries[i]
		way := wayOf(e)
		if way.Link == "" {
			all[i] = forecast.Forecast{Why: way.Outlook.Why}
			continue
		}
		m := k.model(peer, way.Link)
		aloft, there := m.Where(e.ID)
		if there {
			continue // nothing is ahead of it, nor is it ahead of anything
		}
		w := forecast.Work{Entry: e.ID, Ahead: ahead[way.Link], Own: len(e.Stanza), Turn: way.Express}
		held := e.NotBefore.Sub(clock)
		if e.Session == "" && held > 0 {
			way.Outlook.Windows = after(way.Outlook.Windows, held)
		} else if !aloft {
			ahead[way.Link] += w.Own
		}
		all[i] = f(m, e, w, way.Outlook, now)
	}
	return all
}

// after leaves of the windows what comes after a hold.
func after(ws []forecast.Window, held time.Duration) []forecast.Window {
	if ws == nil {
		return []forecast.Window{{From: held, To: forecast.Never}}
	}
	var left []forecast.Window
	for _, w := range ws {
		if w.To > held {
			left = append(left, forecast.Window{From: max(w.From, held), To: w.To})
		}
	}
	if left == nil {
		left = []forecast.Window{}
	}
	return left
}

// SetPeers says whose queues to look at from here on.
func (k *Keeper) SetPeers(names []string) {
	k.mu.Lock()
	k.wanted = names
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// Run keeps the models' words for what is newly queued, so that they learn how good those were, until ctx is done.
func (k *Keeper) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	running := make(map[string]context.CancelFunc)
	for {
		k.mu.Lock()
		wanted := make(map[string]bool, len(k.wanted))
		for _, name := range k.wanted {
			wanted[name] = true
		}
		k.mu.Unlock()
		for name, stop := range running {
			if !wanted[name] {
				stop()
				delete(running, name)
			}
		}
		for name := range wanted {
			if running[name] == nil {
				one, stop := context.WithCancel(ctx)
				running[name] = stop
				tasks.Go(func() { defer stop(); k.follow(one, name) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-k.changed:
		}
	}
}

// How often, and how long a queue, is looked at for what is new.
const (
	lookEvery  = time.Second
	lookAtMost = 256 // entries: what is behind so many waits long enough to be learned from others
)

// follow gives the models' word for what is put into a queue.
func (k *Keeper) follow(ctx context.Context, peer string) {
	q := k.env.DB.Queue(peer)
	wake, stop := q.Watch()
	defer stop()
	var last uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		if s := q.Stats(); s.Entries-s.Sent > 0 && s.Entries <= lookAtMost {
			last = k.promise(peer, q, last)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// promise gives the word for all entries after last, and tells which is the last now. An entry that was queued a while ago gets none: what is said of
// it should have been said then.
func (k *Keeper) promise(peer string, q *store.Queue, last uint64) uint64 {
	entries, err := q.List()
	if err != nil {
		return last // the store's fault is told elsewhere
	}
	newest := last
	k.each(peer, entries, func(m *forecast.Model, e *store.Entry, w forecast.Work, o forecast.Outlook, now time.Duration) forecast.Forecast {
		newest = max(newest, e.ID)
		if e.ID <= last || e.Session != "" || time.Since(e.Queued) > 2*lookEvery {
			return forecast.Forecast{}
		}
		return m.Promise(e.ID, w, o, now)
	})
	return newest
}
