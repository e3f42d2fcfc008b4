package meter

import (
	"encoding/json"
	"fmt"
	"time"
)

// savedVersion is that of the text that Save writes. A program that does not know a field passes over it.
const savedVersion = 1

type saved struct {
	V       int           `json:"v"`
	Wall    time.Time     `json:"wall"` // when it was saved, by a clock that may be wrong
	At      time.Duration `json:"at"`
	Minutes []savedPage   `json:"minutes"`
	Hours   []savedPage   `json:"hours"`
}

type savedPage struct {
	N     int64       `json:"n"`
	Cells []savedCell `json:"cells"`
}

type savedCell struct {
	Key
	Totals
}

// Save is all that a later life must know.
func (l *Ledger) Save(now time.Time) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := saved{V: savedVersion, Wall: now.UTC().Round(0), At: l.at(now)}
	s.Minutes = pages(l.minutes[:], minute(s.At))
	s.Hours = pages(l.hours[:], int64(s.At/time.Hour))
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("meter: saving: %w", err)
	}
	return b, nil
}

// pages are those that are not too old.
func pages(all []page, n int64) (out []savedPage) {
	for _, p := range all {
		if len(p.cells) == 0 || n-p.n >= int64(len(all)) {
			continue
		}
		sp := savedPage{N: p.n}
		for k, t := range p.cells {
			sp.Cells = append(sp.Cells, savedCell{k, t})
		}
		out = append(out, sp)
	}
	return out
}

// Load makes a Ledger of what Save has written. Time passes while a node is down, as far as its clock can tell: one that went back stands still,
// so that nothing is spent in the future and no budget is blocked for years.
func Load(b []byte, now time.Time) (*Ledger, error) {
	var s saved
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("meter: reading what was saved: %w", err)
	}
	if s.V < 1 || s.At < 0 {
		return nil, fmt.Errorf("meter: reading what was saved: version %d, time %v", s.V, s.At)
	}
	gone := min(max(0, now.Round(0).Sub(s.Wall)), 25*time.Hour)
	l := &Ledger{born: now, before: s.At + gone}
	for _, p := range s.Minutes {
		restore(&l.minutes[uint64(p.N)%60], p, minute(l.before), minuteKeys)
	}
	for _, p := range s.Hours {
		restore(&l.hours[uint64(p.N)%24], p, int64(l.before/time.Hour), hourKeys)
	}
	return l, nil
}

// restore fills a page, unless it is older than what is in it, or of the future.
func restore(to *page, p savedPage, now int64, most int) {
	if p.N < to.n || p.N > now {
		return
	}
	to.turn(p.N)
	for _, c := range p.Cells {
		to.add(c.Key, c.Totals, most)
	}
}
