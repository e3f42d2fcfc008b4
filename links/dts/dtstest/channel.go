// Package dtstest is a half-duplex radio channel made of time, for tests of what stands on links/dts.
package dtstest

import (
	"math/rand/v2"
	"testing"
	"time"

	"longwire/links/dts"
)

// An End is a node on the channel: a dts.Station, or what drives one.
type End interface {
	Receive(now, at time.Time, p *dts.PDU)
	Invalid(now, at time.Time, p *dts.PDU)
	Carrier(now time.Time, on bool)
	Sent(now time.Time)
	Tick(now time.Time)
	Deadline() time.Time
	Transmit(now time.Time) *dts.Transmission
}

// An Amender is an End that may change the rest of what it sends.
type Amender interface {
	Overtakes() bool
	Amend(from int) *dts.Transmission
	Unamend()
}

// A Channel joins ends. Signals that overlap destroy each other, and nobody hears while sending.
type Channel struct {
	Now  time.Time
	Rand *rand.Rand

	Miss   float64 // chance that an end does not hear a transmission at all
	Lose   float64 // of each D_PDU, to be lost to an end
	Flip   float64 // of each D_PDU, to have a bit flipped
	Copy   float64 // of each D_PDU, to come twice
	Refuse float64 // of each change of what is on the air, to come too late
	Blind  bool    // no end is told of carriers
	// Key is the time from a decision to send to the signal. Beyond it a signal never follows another in less than its Turnaround.
	Key     time.Duration
	OnEvent func()                                                // called after anything happened
	OnAir   func(from int, start, end time.Time, frames [][]byte) // called when a signal ends
	Mangle  func(to int, frame []byte) [][]byte                   // instead of Lose, Flip and Copy

	Airtime       time.Duration // of all transmissions so far
	Transmissions int
	Collisions    int
	Amended       int // transmissions changed while they were on the air

	ends    []End
	signals []*signal
	scan    []dts.Scanner
	heard   []bool // carrier told
	lastEnd time.Time
}

type signal struct {
	from       int
	start, end time.Time // on the air
	t          *dts.Transmission
	spoiled    bool
	began      bool
	missed     []bool
	told       int   // frames delivered
	off        int   // their bits
	extra      []int // bits of copies each end was given
}

// New makes a channel at some point in time.
func New(seed uint64, ends ...End) *Channel {
	return &Channel{Now: time.Unix(1e9, 0).UTC(), Rand: rand.New(rand.NewPCG(seed, 77)), Key: 500 * time.Millisecond, ends: ends,
		scan: make([]dts.Scanner, len(ends)), heard: make([]bool, len(ends))}
}

// Run lets time pass until done says so, nothing more would happen, or limit is over; it tells whether done did.
func (c *Channel) Run(tb testing.TB, limit time.Duration, done func() bool) bool {
	tb.Helper()
	end := c.Now.Add(limit)
	for same := 0; ; same++ {
		c.poll()
		if done != nil && done() {
			return true
		}
		next := c.next()
		if next.IsZero() || next.After(end) {
			c.Now = end
			for _, e := range c.ends {
				e.Tick(end)
			}
			return done != nil && done()
		}
		if next.After(c.Now) {
			c.Now, same = next, 0
		} else if same > 1000 {
			tb.Fatal("time stands still")
		}
		c.happen()
	}
}

// poll lets every end send that may.
func (c *Channel) poll() {
	if c.OnEvent != nil {
		c.OnEvent()
	}
	for i, e := range c.ends {
		if s := c.sending(i); s != nil {
			c.amend(s, e)
			continue
		}
		if t := e.Transmit(c.Now); t != nil {
			c.key(i, t)
		}
	}
	if c.OnEvent != nil {
		c.OnEvent()
	}
}

// amend lets an end that sends change what no block of the interleaver that has begun holds.
func (c *Channel) amend(s *signal, e End) {
	a, ok := e.(Amender)
	if !ok || !a.Overtakes() {
		return
	}
	t := s.t.Timing
	from, block := 0, max(t.Block, time.Second/time.Duration(t.Rate))
	if on := c.Now.Sub(s.start.Add(t.Preamble)); on >= 0 {
		from = int((on/block + 1) * block * time.Duration(t.Rate) / (8 * time.Second))
	}
	n := a.Amend(from)
	if n != nil && c.Refuse > 0 && c.Rand.Float64() < c.Refuse {
		a.Unamend()
		return
	}
	if n != nil {
		s.t = n
		c.Amended++
	}
}

// Quiet tells whether nothing is on the air.
func (c *Channel) Quiet() bool { return len(c.signals) == 0 }

func (c *Channel) sending(i int) *signal {
	for _, s := range c.signals {
		if s.from == i && c.Now.Before(s.end) {
			return s
		}
	}
	return nil
}

// key puts a transmission on the air, a turnaround from now.
func (c *Channel) key(from int, t *dts.Transmission) {
	s := &signal{from: from, t: t, start: c.Now.Add(c.Key), extra: make([]int, len(c.ends))}
	if soonest := c.lastEnd.Add(t.Timing.Turnaround); soonest.After(s.start) {
		s.start = soonest
	}
	s.end = s.start.Add(t.Air)
	for i := range c.ends {
		s.missed = append(s.missed, c.Rand.Float64() < c.Miss || i == from)
	}
	for _, o := range c.signals {
		if o.from != from && s.start.Before(o.end) && o.start.Before(s.end) {
			o.spoiled, s.spoiled = true, true
			c.Collisions++
		}
		if s.start.Before(o.end) && c.Now.Before(o.end) {
			s.missed[o.from] = true // busy with its own
			o.missed[from] = true
		}
	}
	c.signals = append(c.signals, s)
	c.Airtime += t.Air
	c.Transmissions++
}

// next is when something happens.
func (c *Channel) next() (t time.Time) {
	take := func(x time.Time) {
		if !x.IsZero() && (t.IsZero() || x.Before(t)) {
			t = x
		}
	}
	for _, s := range c.signals {
		if !s.began {
			take(s.start)
		}
		take(s.end)
		if s.told < len(s.t.Frames) && !s.spoiled {
			take(s.ready())
		}
	}
	for _, e := range c.ends {
		take(e.Deadline())
	}
	return t
}

// happen does what is due.
func (c *Channel) happen() {
	for _, s := range c.signals {
		if !s.began && !c.Now.Before(s.start) {
			s.began = true
			c.carrier(s, true)
		}
	}
	for i := 0; i < len(c.signals); i++ {
		s := c.signals[i]
		c.deliver(s)
		if !c.Now.Before(s.end) {
			c.signals = append(c.signals[:i], c.signals[i+1:]...)
			i--
			c.over(s)
		}
	}
	for _, e := range c.ends {
		if d := e.Deadline(); !d.IsZero() && !c.Now.Before(d) {
			e.Tick(c.Now)
		}
	}
}

// carrier tells all that can hear it of a signal's begin or end.
func (c *Channel) carrier(s *signal, on bool) {
	for i, e := range c.ends {
		if i == s.from || s.missed[i] && on || c.heard[i] == on || c.Blind {
			continue
		}
		if on && c.sending(i) != nil {
			continue
		}
		if !on {
			for _, o := range c.signals {
				if o.began && o.from != i && !o.missed[i] {
					return
				}
			}
		}
		c.heard[i] = on
		e.Carrier(c.Now, on)
	}
}

// over delivers what can be read of a signal, and ends it.
func (c *Channel) over(s *signal) {
	if c.OnAir != nil {
		c.OnAir(s.from, s.start, s.end, s.t.Frames)
	}
	c.lastEnd = c.Now
	c.ends[s.from].Sent(c.Now)
	for i := range c.ends {
		if !s.missed[i] {
			c.scan[i].End()
			c.read(i, s)
		}
	}
	c.carrier(s, false)
}

// ready is when the next D_PDU leaves the decoder: with the block of its last bit.
func (s *signal) ready() time.Time {
	t := s.t.Timing
	t.Tail = 0
	return s.start.Add(t.Air(s.off + 8*len(s.t.Frames[s.told])))
}

// deliver gives out what of a signal is decoded. Where frames are lost there is noise of the same length, so that times stay right.
func (c *Channel) deliver(s *signal) {
	for s.told < len(s.t.Frames) && !s.spoiled && !c.Now.Before(s.ready()) {
		frame := s.t.Frames[s.told]
		s.told++
		s.off += 8 * len(frame)
		for i := range c.ends {
			if s.missed[i] {
				continue
			}
			for k, f := range c.spoil(i, frame) {
				if k > 0 {
					s.extra[i] += 8 * len(f)
				}
				c.scan[i].Write(f)
				c.read(i, s)
			}
		}
	}
}

func (c *Channel) read(i int, s *signal) {
	data := s.start.Add(s.t.Timing.Preamble)
	for {
		f, ok := c.scan[i].Next()
		if !ok {
			return
		}
		at := data.Add(time.Duration(f.Bit-int64(s.extra[i])) * time.Second / time.Duration(s.t.Timing.Rate))
		if f.Fault != nil {
			c.ends[i].Invalid(c.Now, at, &f.PDU)
		} else {
			c.ends[i].Receive(c.Now, at, &f.PDU)
		}
	}
}

// spoil does to a D_PDU what the channel does.
func (c *Channel) spoil(to int, frame []byte) [][]byte {
	if c.Mangle != nil {
		return c.Mangle(to, frame)
	}
	r := c.Rand
	if c.Lose > 0 && r.Float64() < c.Lose {
		return [][]byte{make([]byte, len(frame))}
	}
	if c.Flip > 0 && r.Float64() < c.Flip {
		frame = append([]byte(nil), frame...)
		frame[r.IntN(len(frame))] ^= 1 << r.IntN(8)
	}
	if c.Copy > 0 && r.Float64() < c.Copy {
		return [][]byte{frame, frame}
	}
	return [][]byte{frame}
}
