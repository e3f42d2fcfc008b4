package forecast

import (
	"slices"
	"time"
)

// Estimate tells when an entry will have arrived.
func (m *Model) Estimate(w Work, o Outlook, now time.Duration) Forecast {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, _ := m.estimateLocked(w, o, now)
	return f
}

// Promise is Estimate for an entry that was just accepted; the Model will compare it with what comes.
func (m *Model) Promise(id uint64, w Work, o Outlook, now time.Duration) Forecast {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, said := m.estimateLocked(w, o, now)
	if !f.Known || said == 0 {
		return f
	}
	if len(m.promises) >= maxPromises {
		m.prunePromisesLocked()
	}
	m.promises[id] = promise{now, said}
	m.promised = append(m.promised, id)
	return f
}

// prunePromisesLocked forgets the older half.
func (m *Model) prunePromisesLocked() {
	half := len(m.promised) / 2
	for _, id := range m.promised[:half] {
		delete(m.promises, id)
	}
	m.promised = slices.Clone(m.promised[half:])
}

// estimateLocked also tells how long the link has to work for it, if that alone is what it waits for.
func (m *Model) estimateLocked(w Work, o Outlook, now time.Duration) (f Forecast, said time.Duration) {
	if o.Silent {
		return Forecast{Why: o.Why}, 0
	}
	c, ok := fit(m.turns, m.prior, now)
	if !ok {
		return Forecast{Why: "nothing is measured yet"}, 0
	}
	need := m.needLocked(c, w, now)
	about, most := need, m.record.most(need)
	f = Forecast{Known: true}
	var wait, longest time.Duration
	if !m.up && m.everUp {
		if wait, longest, ok = m.down.left(now - m.since); !ok {
			return Forecast{Why: "the link is down, and when it comes back is not known"}, 0
		}
		f.Why = "the link is down"
	}
	planned := func(from, work time.Duration) time.Duration { return lay(o.Windows, from, work) }
	f.About, f.Most = planned(wait, about), planned(longest, most)
	if f.About >= Never {
		return Forecast{Why: "no window is planned in which it would fit"}, 0
	}
	if planned(wait, 0) > wait {
		f.Why = "the link's window is not open"
	}
	f.Most = max(f.Most, f.About)
	if f.Why != "" {
		need = 0 // when it begins is not this record's business
	}
	return f, need
}

// needLocked is how long the link has to work for it: what is under way, turn by turn, and then those turns that what waits will need.
func (m *Model) needLocked(c costs, w Work, now time.Duration) time.Duration {
	bytes, turns, flying := m.beforeLocked(w.Entry)
	waits := float64(w.Ahead + w.Own)
	if w.Turn {
		waits = float64(w.Own)
	}
	more := 0.0
	if !flying {
		more = 1
		bytes += waits
	}
	if len(m.flight) == 0 {
		pause := (now - m.active).Seconds()
		return seconds(c.first(pause) + c.byte*bytes + (more-1)*c.next)
	}
	if !flying && m.joinsLocked(c, now) {
		more--
	}
	need := seconds(c.byte*bytes+(turns+more)*c.next) - m.passedLocked(c, now)
	if m.first {
		need += seconds(c.first(m.pause) - c.next)
	}
	return max(need, seconds(c.next/10))
}

// joinsLocked tells whether what comes now goes in the turn at hand: while the link is made there is nothing on the air yet.
func (m *Model) joinsLocked(c costs, now time.Duration) bool {
	return m.first && m.pause >= c.gap && now-m.begun < seconds(c.cold-c.warm)
}

// passedLocked is how much of the turn at hand is over. One that takes longer than it should is thought to take a third longer yet.
func (m *Model) passedLocked(c costs, now time.Duration) time.Duration {
	fixed := c.next
	if m.first {
		fixed = c.first(m.pause)
	}
	size := 0.0
	var sent time.Duration
	for i, id := range m.order {
		a := m.flight[id]
		if i > 0 && a.sent-sent > apart {
			break
		}
		size, sent = size+float64(a.bytes), a.sent
	}
	whole := seconds(fixed + c.byte*size)
	passed := now - m.begun
	return min(passed, whole-passed/3)
}

// apart is how much later than another an entry is sent that does not go in the same turn.
const apart = 50 * time.Millisecond

// beforeLocked are the bytes under way, and their turns, up to an entry and with it, or all if it is not under way.
func (m *Model) beforeLocked(id uint64) (bytes, turns float64, flying bool) {
	_, flying = m.flight[id]
	var sent time.Duration
	for i, o := range m.order {
		a := m.flight[o]
		if i == 0 || a.sent-sent > apart {
			turns++
		}
		bytes, sent = bytes+float64(a.bytes), a.sent
		if flying && o == id {
			break
		}
	}
	return bytes, turns, flying
}

// lay puts work that can begin at from into the windows, and tells when it is done.
func lay(ws []Window, from, work time.Duration) time.Duration {
	if ws == nil {
		return min(from+work, Never)
	}
	for _, w := range ws {
		begin := max(w.From, from)
		if begin >= w.To {
			continue
		}
		if begin+work <= w.To {
			return begin + work
		}
		work -= w.To - begin
	}
	return Never
}
