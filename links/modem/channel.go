package modem

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// ChannelConfig is what a Channel is made of. Zero fields mean the default.
type ChannelConfig struct {
	Clock                    // Epoch: when the Channel was made
	Seed       uint64        // of all that is random; 0 draws one, which Stats tells
	Turnaround time.Duration // from the end of a signal a station hears to the beginning of its own; default 2 s, negative none
	KeyUp      time.Duration // from Send to the signal; default a quarter of Turnaround, at most 500 ms
	Detect     time.Duration // until a receiver notices that a signal began or ended; default 200 ms

	Burst Burst
	Fade  Fade
	Blank float64 // of the blocks that are lost: they are not delivered at all. The others are delivered as noise.
	Shift bool    // the bits of a reception begin anywhere in a byte

	MaxStations int // names ever; default 256
	// Observe is called when a signal is over, by the goroutine that sent it; so it may be called by several at once.
	Observe func(Signal)
}

// Burst is the two-state model of Gilbert and Elliott: a path is good or bad, and each state has its rate of bit errors behind the decoder.
type Burst struct {
	Good, Bad             time.Duration // mean times; Bad 0: always good
	GoodErrors, BadErrors float64
}

// Fade is the time in which a path carries nothing. Every and Length are means; Every 0: never.
//
// Choice: an interleaver bridges a fade of a quarter of its block; a longer one takes the whole block with it. A fade of half the
// preamble hides the signal.
type Fade struct{ Every, Length time.Duration }

// A Signal is what was on the air once.
type Signal struct {
	From       string
	Start, End time.Time // radio time
	Waveform   Waveform
	Data       []byte // as the sender gave it, lowest bits first; not to be changed
	Bits       int    // of Data that were sent
	Collided   bool   // another signal spoiled a part of it for somebody, or it did so to another
	Broken     bool   // it ended early
}

// How far behind the present a remote station's clock reading of its Send may be, in real time.
const maxLate = 100 * time.Millisecond

// maxAir is the longest signal.
const maxAir = 15 * time.Minute

// A Channel is the air between stations: half duplex, with collisions. It starts no goroutine and has no timer: what a receiver
// hears is worked out when it looks, from the radio times at which signals began. So it does not matter when goroutines wake.
//
// mu guards all that is below it, also in stations, signals and receptions.
type Channel struct {
	cfg ChannelConfig

	mu         sync.Mutex
	stations   map[string]*station
	order      []*station
	apart      map[[2]*station]bool // the second does not hear the first
	paths      map[[2]*station]*path
	signals    []*signal // on the air, or not long ago
	down       bool
	collisions int
}

// NewChannel makes a Channel without stations.
func NewChannel(cfg ChannelConfig) *Channel {
	if cfg.Epoch.IsZero() {
		cfg.Epoch = time.Now()
	}
	for cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
		*d = max(0, *d)
	}
	def(&cfg.Turnaround, 2*time.Second)
	def(&cfg.KeyUp, min(cfg.Turnaround/4, 500*time.Millisecond))
	def(&cfg.Detect, 200*time.Millisecond)
	if cfg.MaxStations <= 0 {
		cfg.MaxStations = 256
	}
	return &Channel{cfg: cfg, stations: map[string]*station{}, apart: map[[2]*station]bool{}, paths: map[[2]*station]*path{}}
}

// Clock is the radio time of all stations.
func (c *Channel) Clock() Clock { return c.cfg.Clock }

// Station is the Modem of a station. A name that is in use gives the Modem that uses it. There must be no more names than
// ChannelConfig.MaxStations.
func (c *Channel) Station(name string) Modem {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.stationLocked(name)
	if err != nil {
		panic(err)
	}
	if s.user == nil {
		s.openLocked()
	}
	return s.user
}

// Join is Station for a name that must not be in use.
func (c *Channel) Join(name string) (Modem, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.stationLocked(name)
	if err != nil {
		return nil, err
	}
	if s.user != nil {
		return nil, fmt.Errorf("modem: station %q is on this channel already", name)
	}
	s.openLocked()
	return s.user, nil
}

// stationLocked finds a station by its name. It lives as long as the Channel, whoever uses it.
func (c *Channel) stationLocked(name string) (*station, error) {
	if s := c.stations[name]; s != nil {
		return s, nil
	}
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if len(c.order) >= c.cfg.MaxStations {
		return nil, fmt.Errorf("modem: station %q: the channel has %d already", name, len(c.order))
	}
	s := &station{c: c, name: name, wake: make(chan struct{}, 1)}
	c.stations[name] = s
	c.order = append(c.order, s)
	return s, nil
}

// CheckName tells whether a station can have this name.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("modem: station name %q has not 1 to %d bytes of text", name, maxName)
	}
	return nil
}

// SetAudible tells whether to hears the signals of from that begin from now on. At first all hear each other.
func (c *Channel) SetAudible(from, to string, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, err := c.stationLocked(from)
	if err != nil {
		return err
	}
	t, err := c.stationLocked(to)
	if err != nil {
		return err
	}
	c.apart[[2]*station{f, t}] = !on
	return nil
}

// SetDown begins or ends an outage: nobody hears anything. Signals that began before its end are never heard again.
func (c *Channel) SetDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if c.down = down; !down {
		return
	}
	for _, s := range c.order {
		s.advanceLocked(now)
		s.deafenLocked(now)
		s.receptions = nil
		s.poke()
	}
	for _, g := range c.signals {
		g.to = nil
	}
}

// keyLocked puts a signal on the air.
func (c *Channel) keyLocked(s *station, stamp time.Time, bits []byte, w Waveform) *signal {
	s.advanceLocked(stamp)
	g := &signal{from: s, number: s.sent, w: w, bits: bits, keyed: stamp, start: stamp.Add(c.cfg.KeyUp)}
	s.sent++
	if soonest := s.lastHeardLocked(stamp).Add(c.cfg.Turnaround); soonest.After(g.start) {
		g.start = soonest
	}
	g.end = g.start.Add(w.Air(8 * len(bits)))
	s.signal, s.busy = g, g.end
	s.deafenLocked(stamp)
	for _, r := range s.receptions {
		r.restart(g.end)
	}
	s.poke()
	gone := stamp.Add(-time.Duration(float64(2*maxLate) * max(1, c.cfg.Scale)))
	c.signals = slices.DeleteFunc(c.signals, func(o *signal) bool { return !o.end.After(gone) })
	for _, o := range c.signals {
		if o.from != s && g.meets(o) {
			g.others, o.others = append(g.others, o), append(o.others, g)
		}
	}
	c.signals = append(c.signals, g)
	if c.down {
		return g
	}
	for _, to := range c.order {
		if to != s && to.user != nil && !c.apart[[2]*station{s, to}] {
			to.advanceLocked(stamp)
			g.to = append(g.to, to)
			to.receptions = append(to.receptions, &reception{g: g, to: to, from: to.busy})
			to.poke()
		}
	}
	return g
}

// breakLocked ends a signal early.
func (c *Channel) breakLocked(g *signal, now time.Time) {
	if !now.Before(g.end) {
		return
	}
	for _, to := range g.to {
		to.advanceLocked(now)
		to.poke()
	}
	g.broken = true
	g.end = now
	if now.Before(g.start) {
		g.end = g.start
	}
	g.from.busy = now
	for _, r := range g.from.receptions {
		if r.from.After(now) {
			r.from = now
		}
	}
	g.from.poke()
}

// finishLocked is the end of a signal for its sender.
func (c *Channel) finishLocked(g *signal) Signal {
	s := g.from
	s.signal = nil
	g.over = true
	seen := Signal{From: s.name, Start: g.start, End: g.end, Waveform: g.w, Data: g.bits, Bits: 8 * len(g.bits), Broken: g.broken}
	for _, o := range g.others {
		if g.meets(o) && g.harms(o) {
			seen.Collided = true
			if o.over {
				c.collisions++
			}
		}
	}
	if g.broken {
		seen.Bits = min(seen.Bits, g.blocksBefore(g.end)*g.w.blockBits())
	}
	s.stats.add(&seen)
	return seen
}
