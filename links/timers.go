package links

import "time"

// tick does what the clock asks for, and tells after what time to look again.
func (k *contact) tick(now time.Time) (time.Duration, error) {
	k.p.turn.Lock()
	defer k.p.turn.Unlock()
	quiet := k.p.env.Way.Silent()
	k.mu.Lock()
	was := k.quiet
	k.quiet = quiet
	k.mu.Unlock()
	if h, ok := k.s.(Husher); ok && quiet != was {
		h.Hush(quiet)
	}
	if k.dead(now) {
		return 0, errSilent
	}
	k.giveUpEnable(now)
	k.confirmDrained()
	k.closeIdle(now)

	k.mu.Lock()
	defer k.mu.Unlock()
	next := now.Add(time.Hour)
	for _, t := range k.deadlinesLocked(now) {
		if t.Before(next) {
			next = t
		}
	}
	return max(0, next.Sub(now)), nil
}

// deadlinesLocked are the times at which something may become due.
func (k *contact) deadlinesLocked(now time.Time) (at []time.Time) {
	c := k.p.c
	if k.leaving {
		at = append(at, now)
	}
	if c.IdleClose > 0 && k.opened {
		at = append(at, later(k.lastAny.Add(c.IdleClose), now.Add(time.Second)))
	}
	if k.quiet {
		return at
	}
	if !k.asked.IsZero() {
		at = append(at, later(k.asked, k.heard).Add(k.patience()))
	}
	if !k.saidAt.IsZero() {
		at = append(at, k.saidAt.Add(k.answerTime()))
	}
	if k.owed > 0 {
		at = append(at, k.owedAt.Add(c.AckIdle))
	}
	if len(k.answers) > 0 {
		at = append(at, k.owedAt.Add(min(lazyAnswer, c.AckIdle)))
	}
	if len(k.flight) > 0 && k.mayAskLocked() {
		at = append(at, later(k.lastOut, k.lastAsk).Add(k.askIdle()), k.askBeforeLocked())
	}
	if t := k.since.Add(k.courtesy()); !k.opened && k.out == silent && now.Before(t) {
		at = append(at, t)
	}
	if k.plain && len(k.flight) > 0 {
		at = append(at, now.Add(drainPoll))
	}
	if k.waits {
		at = append(at, now.Add(time.Second))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// patience is how long a question may stay unanswered while nothing else comes either. XEP-0198 leaves it open; a slow path must not look dead.
func (k *contact) patience() time.Duration { return max(3*k.p.rtt(), k.p.c.AckTimeout) }

// courtesy is how long an acceptor that has only repeats to send waits for the opener's first words.
func (k *contact) courtesy() time.Duration { return max(firstWords, 2*k.p.rtt()) }

// answerTime is how long an announcement may stay unanswered.
func (k *contact) answerTime() time.Duration {
	if k.said == Enable && !k.p.c.ZeroRTT {
		return 2*k.p.rtt() + enableGrace
	}
	return k.patience()
}

// dead tells that the peer does not answer.
func (k *contact) dead(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.quiet {
		return false
	}
	if !k.asked.IsZero() && now.Sub(later(k.asked, k.heard)) >= k.patience() {
		return true
	}
	return !k.saidAt.IsZero() && k.out == waiting && now.Sub(k.saidAt) >= k.answerTime()
}

// giveUpEnable takes a peer that does not answer Enable for one without stream management.
func (k *contact) giveUpEnable(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.saidAt.IsZero() || now.Sub(k.saidAt) < k.answerTime() {
		return
	}
	k.saidAt = time.Time{}
	if k.said == Enable && !k.p.c.ZeroRTT {
		k.p.log.Warn("peer does not answer <enable/>, taken for one without stream management")
		k.plain, k.out = true, answered
	}
}

// confirmDrained counts stanzas as delivered that the transport has delivered, where the peer tells nothing itself.
func (k *contact) confirmDrained() {
	k.mu.Lock()
	n, id := len(k.flight), k.outID
	var last uint32
	if n > 0 {
		last = k.flight[n-1].seq
	}
	k.mu.Unlock()
	if !k.plain || n == 0 {
		return
	}
	if d, ok := k.s.(Drainer); ok {
		if left, known := d.Pending(); known && left > 0 {
			return
		}
	}
	if err := k.confirm(id, last, false); err != nil {
		k.fail(err)
	}
}

// closeIdle ends a contact that we opened and that has nothing to carry.
func (k *contact) closeIdle(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	idle := k.p.c.IdleClose
	if k.quiet || k.p.env.Way.Wanted() {
		return
	}
	if idle > 0 && k.opened && len(k.flight) == 0 && k.owed == 0 && len(k.answers) == 0 && now.Sub(k.lastAny) >= idle {
		k.leaving = true
	}
}
