package meter

import (
	"cmp"
	"slices"
	"time"
)

// Each is, as a Budget's User or Room, every one for itself.
const Each = "*"

// A Budget is how much of the channel may be taken in any hour. Empty fields match all; each peer has one for itself.
type Budget struct {
	Peer, User, Room, Class, Kind string
	Soft, Hard                    time.Duration // 0: none
}

// matches tells whether a cost is the budget's. Only what we send counts.
func (b Budget) matches(k Key) bool {
	is := func(want, is string) bool { return want == "" || want == is || want == Each && is != "" }
	return k.Dir == Out && is(b.Peer, k.Peer) && is(b.User, k.User) && is(b.Room, k.Room) && is(b.Class, k.Class) && is(b.Kind, k.Kind)
}

// who is whose window a cost is booked in.
func (b Budget) who(k Key) who {
	w := who{peer: k.Peer}
	if b.User == Each {
		w.user = k.User
	}
	if b.Room == Each {
		w.room = k.Room
	}
	return w
}

type who struct{ peer, user, room string }

// mostWindows bounds those of one budget; who is beyond shares one with others.
const mostWindows = 512

// purse is a budget and what was spent of it.
type purse struct {
	Budget
	of map[who]*window
}

// window is the last hour of one.
type window struct {
	minutes [60]time.Duration
	n       int64         // number of the newest minute
	waiting time.Duration // accepted, and not sent yet, as estimated
	over    bool          // soft was passed, and its sender told
}

// window of who spends; nil when the budget is not about that.
func (p *purse) window(k Key, n int64) *window {
	if !p.matches(k) {
		return nil
	}
	is := p.who(k)
	w := p.of[is]
	if w == nil && len(p.of) >= mostWindows {
		for o, w := range p.of {
			if w.turn(n); w.waiting == 0 && w.spent() == 0 {
				delete(p.of, o)
			}
		}
		if len(p.of) >= mostWindows {
			is = who{Others, Others, Others}
			w = p.of[is]
		}
	}
	if w == nil {
		w = &window{n: n}
		p.of[is] = w
	}
	w.turn(n)
	return w
}

// turn forgets minutes that are over an hour old.
func (w *window) turn(n int64) {
	for i := max(w.n+1, n-59); i <= n; i++ {
		w.minutes[i%60] = 0
	}
	w.n = max(w.n, n)
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
		l.budgets = append(l.budgets, l.purse(b, n, old))
	}
}

// purse is a budget's, with what was spent of it before it was set.
func (l *Ledger) purse(b Budget, n int64, old []*purse) *purse {
	for _, o := range old {
		if o.Budget == b {
			return o
		}
	}
	p := &purse{b, make(map[who]*window)}
	for _, pg := range l.minutes {
		if n-pg.n >= 60 {
			continue
		}
		for k, t := range pg.cells {
			if w := p.window(k, n); w != nil {
				w.minutes[pg.n%60] += t.Air
			}
		}
	}
	return p
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
	l.each(now, k, func(p *purse, w *window) {
		spent := w.spent() + w.waiting
		switch {
		case p.Hard > 0 && spent+cost > p.Hard:
			var again time.Duration
			m, ok := w.room(cost, p.Hard)
			if ok {
				again = time.Duration(m) * time.Minute
			}
			if !j.Refused || !ok || j.Again > 0 && again > j.Again { // the strictest holds
				j = Judgement{Refused: true, Budget: p.Budget, Spent: spent, Again: again}
			}
		case p.Soft > 0 && spent+cost > p.Soft && !j.Refused && !(j.Over && j.Tell):
			j = Judgement{Over: true, Tell: !w.over, Budget: p.Budget, Spent: spent}
		}
	})
	return j
}

// each calls f for the windows that a cost is booked in.
func (l *Ledger) each(now time.Time, k Key, f func(*purse, *window)) {
	n := minute(l.at(now))
	for _, p := range l.budgets {
		if w := p.window(k, n); w != nil {
			f(p, w)
		}
	}
}

// Reserve notes that a stanza was accepted that will take about cost.
func (l *Ledger) Reserve(now time.Time, k Key, cost time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.each(now, k, func(p *purse, w *window) {
		w.waiting += cost
		w.over = p.Soft > 0 && w.spent()+w.waiting > p.Soft
	})
}

// Release notes that a stanza waits no more, which was to take about cost.
func (l *Ledger) Release(now time.Time, k Key, cost time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.each(now, k, func(_ *purse, w *window) { w.waiting = max(0, w.waiting-cost) })
}

// A Cost is what a stanza will take, as estimated.
type Cost struct {
	Key
	Air time.Duration
}

// Waiting makes what waits that of all: what was accepted and not sent.
func (l *Ledger) Waiting(now time.Time, all []Cost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.budgets {
		for _, w := range p.of {
			w.waiting = 0
		}
	}
	for _, c := range all {
		l.each(now, c.Key, func(_ *purse, w *window) { w.waiting += c.Air })
	}
}

// A Standing is a budget, whose it is, and what was spent of it in the last hour.
type Standing struct {
	Budget
	Spent, Waiting time.Duration
}

// Standings are those of all budgets that somebody has spent of.
func (l *Ledger) Standings(now time.Time) (all []Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := minute(l.at(now))
	for _, p := range l.budgets {
		for is, w := range p.of {
			w.turn(n)
			s := Standing{p.Budget, w.spent(), w.waiting}
			s.Peer = is.peer
			if is.user != "" {
				s.User = is.user
			}
			if is.room != "" {
				s.Room = is.room
			}
			if s.Spent > 0 || s.Waiting > 0 {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(b.Spent+b.Waiting, a.Spent+a.Waiting), cmp.Compare(a.User, b.User), cmp.Compare(a.Room, b.Room))
	})
	return all
}
