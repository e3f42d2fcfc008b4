package meter

import "time"

// A Budget is how much of the channel may be taken in any hour. Empty fields match all.
type Budget struct {
	Peer, User, Room, Class, Kind string
	Soft, Hard                    time.Duration // 0: none
}

// matches tells whether a cost is the budget's. Only what we send counts.
func (b Budget) matches(k Key) bool {
	is := func(want, is string) bool { return want == "" || want == is }
	return k.Dir == Out && is(b.Peer, k.Peer) && is(b.User, k.User) && is(b.Room, k.Room) && is(b.Class, k.Class) && is(b.Kind, k.Kind)
}

// window is a budget and what was spent of it.
type window struct {
	Budget
	minutes [60]time.Duration
	n       int64         // number of the newest minute
	waiting time.Duration // accepted, and not sent yet, as estimated
	over    bool          // soft was crossed, and its sender told
}

// turn forgets minutes that are over an hour old.
func (w *window) turn(n int64) {
	for i := max(w.n+1, n-59); i <= n; i++ {
		w.minutes[i%60] = 0
	}
	w.n = max(w.n, n)
}

func (w *window) book(k Key, t Totals, n int64) {
	w.turn(n)
	if w.matches(k) {
		w.minutes[n%60] += t.Air
	}
}

func (w *window) spent() (sum time.Duration) {
	for _, d := range w.minutes {
		sum += d
	}
	return sum
}

// room is in how many minutes a cost will find room below limit, if nothing more is accepted; false: not before what waits was sent.
func (w *window) room(cost, limit time.Duration) (minutes int, ok bool) {
	need := w.spent() + w.waiting + cost - limit
	for i := int64(0); i < 60; i++ {
		if need <= 0 {
			return int(i), true
		}
		need -= w.minutes[(w.n+1+i)%60]
	}
	return 60, need <= 0
}

// SetBudgets makes the budgets those of bs. What was spent in the last hour counts at once.
func (l *Ledger) SetBudgets(now time.Time, bs []Budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := minute(l.at(now))
	old := l.budgets
	l.budgets = nil
	for _, b := range bs {
		w := &window{Budget: b, n: n}
		for _, p := range l.minutes {
			if n-p.n >= 60 {
				continue
			}
			for k, t := range p.cells {
				if b.matches(k) {
					w.minutes[p.n%60] += t.Air
				}
			}
		}
		for _, o := range old {
			if o.Budget == b {
				w.waiting, w.over = o.waiting, o.over
			}
		}
		l.budgets = append(l.budgets, w)
	}
}

// A Judgement is what the budgets say of a stanza.
type Judgement struct {
	Over    bool          // a soft limit is passed: it goes behind
	Tell    bool          // it is this one that passes it
	Refused bool          // a hard limit would be passed
	Budget  Budget        // whose limit that is
	Spent   time.Duration // of it in the last hour, with what waits
	Again   time.Duration // Refused: when there will be room; 0: not before what waits was sent, or never
}

// Judge asks the budgets whether a stanza that will take about cost may be sent.
func (l *Ledger) Judge(now time.Time, k Key, cost time.Duration) (j Judgement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := minute(l.at(now))
	for _, w := range l.budgets {
		if w.turn(n); !w.matches(k) {
			continue
		}
		spent := w.spent() + w.waiting
		if w.Hard > 0 && spent+cost > w.Hard {
			j = Judgement{Refused: true, Budget: w.Budget, Spent: spent}
			if m, ok := w.room(cost, w.Hard); ok {
				j.Again = max(time.Duration(m)*time.Minute, time.Minute)
			}
			return j
		}
		if w.Soft > 0 && spent+cost > w.Soft && !j.Over {
			j = Judgement{Over: true, Tell: !w.over, Budget: w.Budget, Spent: spent}
		}
	}
	return j
}

// Reserve notes that a stanza was accepted that will take about cost.
func (l *Ledger) Reserve(now time.Time, k Key, cost time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := minute(l.at(now))
	for _, w := range l.budgets {
		if w.turn(n); !w.matches(k) {
			continue
		}
		w.waiting += cost
		w.over = w.Soft > 0 && w.spent()+w.waiting > w.Soft
	}
}

// Release notes that a stanza waits no more: it was sent for the first time, or will not be.
func (l *Ledger) Release(k Key, cost time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.budgets {
		if w.matches(k) {
			w.waiting = max(0, w.waiting-cost)
		}
	}
}

// Waiting makes what waits that of all: estimates of what was accepted and not sent.
func (l *Ledger) Waiting(all map[Key]time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.budgets {
		w.waiting = 0
		for k, cost := range all {
			if w.matches(k) {
				w.waiting += cost
			}
		}
	}
}

// A Standing is a budget and what was spent of it in the last hour.
type Standing struct {
	Budget
	Spent, Waiting time.Duration
}

// Standings are those of all budgets.
func (l *Ledger) Standings(now time.Time) (all []Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := minute(l.at(now))
	for _, w := range l.budgets {
		w.turn(n)
		all = append(all, Standing{w.Budget, w.spent(), w.waiting})
	}
	return all
}
