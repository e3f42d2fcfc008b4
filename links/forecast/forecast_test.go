package forecast_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"longwire/links/forecast"
)

// radio is a link that works in turns: each costs something fixed, and the bytes by the rate of the hour.
type radio struct {
	fixed, next time.Duration
	rate        func(now time.Duration) float64 // bit/s
	frame       int                             // bytes of a turn
}

// word is what was said of an entry, and what came.
type word struct {
	said forecast.Forecast
	took time.Duration
}

// play has messages come at random for so long, and tells what was said of each.
func (r radio) play(m *forecast.Model, seed uint64, length, pause time.Duration) (all []word) {
	type entry struct {
		id     uint64
		bytes  int
		queued time.Duration
		said   forecast.Forecast
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	var queue, flight []entry
	now, arrives, lands := time.Second, time.Second, time.Duration(0)
	m.Up(0)
	for id := uint64(1); now < length; {
		if len(flight) > 0 && lands <= arrives {
			now = lands
			for _, e := range flight {
				m.Arrived(e.id, true, now)
				all = append(all, word{e.said, now - e.queued})
			}
			flight = flight[:0]
		} else {
			now = arrives
			e := entry{id: id, bytes: 60 + rng.IntN(400), queued: now}
			ahead := 0
			for _, q := range queue {
				ahead += q.bytes
			}
			e.said = m.Promise(id, forecast.Work{Ahead: ahead, Own: e.bytes}, forecast.Outlook{}, now)
			queue = append(queue, e)
			id++
			arrives = now + time.Duration(rng.ExpFloat64()*float64(pause))
			if rng.IntN(4) == 0 {
				arrives = now + time.Second // they come in bursts
			}
		}
		if len(flight) > 0 || len(queue) == 0 {
			continue
		}
		size := 0
		fixed := r.fixed
		if lands == now {
			fixed = r.next
		}
		for len(queue) > 0 && (size == 0 || size+queue[0].bytes <= r.frame) {
			size += queue[0].bytes
			m.Sent(queue[0].id, queue[0].bytes, queue[0].queued, now)
			flight, queue = append(flight, queue[0]), queue[1:]
		}
		lands = now + fixed + time.Duration(float64(size*8)/r.rate(now)*float64(time.Second))
	}
	return all
}

// off is the median error of what was said, as a part of what came, and how many took longer than the most that was said.
func off(words []word) (median, late float64, unknown int) {
	var errs []float64
	over := 0
	for _, w := range words {
		if !w.said.Known {
			unknown++
			continue
		}
		e := (w.said.About - w.took).Seconds() / w.took.Seconds()
		errs = append(errs, max(e, -e))
		if w.took > w.said.Most {
			over++
		}
	}
	slices.Sort(errs)
	return errs[len(errs)/2], float64(over) / float64(len(errs)), unknown
}

func TestForecastsFollowTheRateOfTheDay(t *testing.T) {
	steady := func(rate float64) func(time.Duration) float64 { return func(time.Duration) float64 { return rate } }
	day := func(now time.Duration) float64 {
		return []float64{300, 75, 150, 600, 1200, 2400, 1200, 600}[int(now/(3*time.Hour))%8]
	}
	for _, c := range []struct {
		name  string
		r     radio
		pause time.Duration
		most  float64
	}{
		{"steady 75", radio{5 * time.Second, 4 * time.Second, steady(75), 250}, 2 * time.Minute, 0.15},
		{"steady 2400", radio{9 * time.Second, 8 * time.Second, steady(2400), 3000}, 30 * time.Second, 0.15},
		{"changing", radio{6 * time.Second, 5 * time.Second, day, 800}, 90 * time.Second, 0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := c.r.play(forecast.New(0), 7, 24*time.Hour, c.pause)
			median, late, unknown := off(words)
			t.Logf("%d words, median error %.1f %%, later than the most that was said %.1f %%, unknown %d", len(words), median*100, late*100, unknown)
			if median > c.most || late > 0.15 || unknown > 5 {
				t.Errorf("median error %.2f, late %.2f, unknown %d", median, late, unknown)
			}
		})
	}
}
