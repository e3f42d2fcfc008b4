package modem

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// A path is what lies between two stations. What happens on it depends on the seed, the two names and the time alone, and not on who
// looks first.
type path struct{ fade, burst twoState }

func (c *Channel) pathLocked(from, to *station) *path {
	key := [2]*station{from, to}
	p := c.paths[key]
	if p == nil {
		p = &path{}
		rng := c.dice(&signal{from: from}, to, -2)
		p.fade.init(rng, c.cfg.Epoch, c.cfg.Fade.Every, c.cfg.Fade.Length)
		p.burst.init(rand.New(rand.NewPCG(rng.Uint64(), 2)), c.cfg.Epoch, c.cfg.Burst.Good, c.cfg.Burst.Bad)
		c.paths[key] = p
	}
	return p
}

// dice are those of one block of a signal at one station.
func (c *Channel) dice(g *signal, to *station, block int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(g.from.name + "\x00" + to.name))
	return rand.New(rand.NewPCG(c.cfg.Seed^h.Sum64(), g.number<<24^uint64(int64(block))))
}

// A twoState changes between off and on after random times. It is asked about ever later times.
type twoState struct {
	rng     *rand.Rand
	mean    [2]time.Duration // of being off and on
	on      bool
	until   time.Time
	disused bool
}

func (t *twoState) init(rng *rand.Rand, start time.Time, off, on time.Duration) {
	*t = twoState{rng: rng, mean: [2]time.Duration{off, on}, disused: off <= 0 || on <= 0}
	if !t.disused {
		t.draw(start)
	}
}

// draw takes any state at a time.
func (t *twoState) draw(at time.Time) {
	t.on = t.rng.Float64()*float64(t.mean[0]+t.mean[1]) < float64(t.mean[1])
	t.until = at.Add(t.stay())
}

func (t *twoState) stay() time.Duration {
	mean := t.mean[0]
	if t.on {
		mean = t.mean[1]
	}
	return max(time.Microsecond, time.Duration(min(t.rng.ExpFloat64(), 50)*float64(mean)))
}

// walk tells f the state of each stretch between a and b.
func (t *twoState) walk(a, b time.Time, f func(on bool, a, b time.Time)) {
	if t.disused {
		f(false, a, b)
		return
	}
	// It has no memory: after a long time anything goes.
	if a.Sub(t.until) > 1000*(t.mean[0]+t.mean[1]) {
		t.draw(a)
	}
	for a.Before(b) {
		for !t.until.After(a) {
			t.on = !t.on
			t.until = t.until.Add(t.stay())
		}
		end := t.until
		if b.Before(end) {
			end = b
		}
		f(t.on, a, end)
		a = end
	}
}

// share is how long it is on between a and b.
func (t *twoState) share(a, b time.Time) (d time.Duration) {
	t.walk(a, b, func(on bool, a, b time.Time) {
		if on {
			d += b.Sub(a)
		}
	})
	return d
}

// damage flips some of n bits, the first of which was on the air at start.
func (t *twoState) damage(rng *rand.Rand, m Burst, bits []byte, n int, start time.Time, rate int) {
	if m.GoodErrors <= 0 && (t.disused || m.BadErrors <= 0) {
		return
	}
	t.walk(start, start.Add(bitTime(n, rate)), func(on bool, a, b time.Time) {
		chance := m.GoodErrors
		if on {
			chance = m.BadErrors
		}
		if chance <= 0 {
			return
		}
		first, last := bitsIn(a.Sub(start), rate), min(n, bitsIn(b.Sub(start), rate))
		for i := first + gap(rng, chance); i < last; i += 1 + gap(rng, chance) {
			bits[i/8] ^= 1 << (i % 8)
		}
	})
}

func bitsIn(d time.Duration, rate int) int {
	return int((int64(d)*int64(rate) + int64(time.Second) - 1) / int64(time.Second))
}

// gap is how many bits stay good before the next error.
func gap(rng *rand.Rand, chance float64) int {
	if chance >= 1 {
		return 0
	}
	return int(min(math.Log(1-rng.Float64())/math.Log(1-chance), 1<<30))
}

// noise is n random bits.
func noise(rng *rand.Rand, n int) []byte {
	out := make([]byte, (n+7)/8)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}
