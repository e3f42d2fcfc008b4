package meter

import (
	"maps"
	"sync"
	"time"
)

// A Key is whose a cost is.
type Key struct {
	Peer, Link string
	User       string // bare address of ours, that sent it or that it is for; "": of the node itself
	Room       string // bare address; "": none
	Kind       string // chat, groupchat, iq, presence, receipt, state
	Class      string // flash, immediate, priority, routine, …
	Dir        Direction
}

// Totals are what stanzas took.
type Totals struct {
	Stanzas    uint64        `json:"stanzas"`
	Again      uint64        `json:"again,omitempty"`      // of them, those that were sent before
	Dropped    uint64        `json:"dropped,omitempty"`    // folded away as a whole, not among Stanzas
	Raw        uint64        `json:"raw"`                  // bytes as their sender made them,
	Folded     uint64        `json:"folded"`               // after folding,
	Compressed uint64        `json:"compressed,omitempty"` // after compression,
	Wire       uint64        `json:"wire"`                 // and with the link's framing
	Air        time.Duration `json:"air"`                  // of the channel, as best known
}

// Add adds u.
func (t *Totals) Add(u Totals) {
	t.Stanzas += u.Stanzas
	t.Again += u.Again
	t.Dropped += u.Dropped
	t.Raw += u.Raw
	t.Folded += u.Folded
	t.Compressed += u.Compressed
	t.Wire += u.Wire
	t.Air += u.Air
}

// A Message is what one stanza took, for people.
type Message struct {
	Key
	Entry uint64 // of the peer's queue; 0: received
	Totals
}

// Bounds of what a Ledger keeps; what is beyond is counted for others.
const (
	minuteKeys = 128 // in each minute of the last hour
	hourKeys   = 512 // in each hour of the last day
	messages   = 256
)

// Others is the user and the room of what found no place of its own.
const Others = "others"

// A page is what was spent in one minute or hour.
type page struct {
	n     int64 // its number
	cells map[Key]Totals
}

// A Ledger knows what was spent on what in the last hour and in the last day, and keeps the budgets. Its time is that of the machine's
// uptime: a clock that is set changes nothing. Any number of goroutines.
type Ledger struct {
	mu      sync.Mutex // guards what follows
	born    time.Time
	before  time.Duration // of earlier lives
	last    time.Duration
	minutes [60]page
	hours   [24]page
	recent  []Message          // the last, oldest first
	pace    map[[2]string]pace // by peer and link
	sums    map[Key]Totals     // since it was made or loaded, without user and room
	budgets []*purse
}

// NewLedger makes an empty one.
func NewLedger(now time.Time) *Ledger { return &Ledger{born: now} }

// at is the time of the ledger, which never goes back.
func (l *Ledger) at(now time.Time) time.Duration {
	l.last = max(l.last, l.before+now.Sub(l.born))
	return l.last
}

// Book notes what a stanza took; m.Entry may be 0.
func (l *Ledger) Book(now time.Time, m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.at(now)
	l.page(&l.minutes, at).add(m.Key, m.Totals, minuteKeys)
	l.hour(at).add(m.Key, m.Totals, hourKeys)
	l.each(now, m.Key, func(_ *purse, w *window) { w.minutes[w.n%60] += m.Air })
	l.learn(m.Key, m.Totals)
	l.sum(m.Key, m.Totals)
	if m.Stanzas == 0 {
		return
	}
	if len(l.recent) >= messages {
		l.recent = append(l.recent[:0], l.recent[messages/4:]...)
	}
	l.recent = append(l.recent, m)
}

func minute(at time.Duration) int64 { return int64(at / time.Minute) }

func (l *Ledger) page(pages *[60]page, at time.Duration) *page {
	n := minute(at)
	return pages[n%60].turn(n)
}

func (l *Ledger) hour(at time.Duration) *page {
	n := int64(at / time.Hour)
	return l.hours[n%24].turn(n)
}

// turn makes the page that of number n.
func (p *page) turn(n int64) *page {
	if p.n != n || p.cells == nil {
		*p = page{n, make(map[Key]Totals)}
	}
	return p
}

func (p *page) add(k Key, t Totals, most int) {
	if _, ok := p.cells[k]; !ok && len(p.cells) >= most {
		if k.User != "" {
			k.User = Others
		}
		if k.Room != "" {
			k.Room = Others
		}
		if _, ok := p.cells[k]; !ok && len(p.cells) >= 2*most {
			k = Key{Peer: Others, Link: Others, User: Others, Room: k.Room, Kind: Others, Class: Others, Dir: k.Dir}
		}
	}
	sum := p.cells[k]
	sum.Add(t)
	p.cells[k] = sum
}

// Spent is what was spent in the last hour, or with day in the last 24, by whose it is.
func (l *Ledger) Spent(now time.Time, day bool) map[Key]Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[Key]Totals)
	n, pages := minute(l.at(now)), l.minutes[:]
	if day {
		n, pages = int64(l.at(now)/time.Hour), l.hours[:]
	}
	for _, p := range pages {
		if n-p.n >= int64(len(pages)) {
			continue
		}
		for k, t := range p.cells {
			sum := all[k]
			sum.Add(t)
			all[k] = sum
		}
	}
	return all
}

// sumKeys bounds what is counted for good.
const sumKeys = 1024

func (l *Ledger) sum(k Key, t Totals) {
	if l.sums == nil {
		l.sums = make(map[Key]Totals)
	}
	k.User, k.Room = "", ""
	if _, ok := l.sums[k]; !ok && len(l.sums) >= sumKeys {
		k = Key{Peer: Others, Link: Others, Kind: Others, Class: Others, Dir: k.Dir}
	}
	s := l.sums[k]
	s.Add(t)
	l.sums[k] = s
}

// Sums are what was spent since the node started, by whose it is but for users and rooms.
func (l *Ledger) Sums() map[Key]Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.sums)
}

// Recent are the last stanzas, newest first.
func (l *Ledger) Recent() []Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Message, 0, len(l.recent))
	for i := len(l.recent) - 1; i >= 0; i-- {
		out = append(out, l.recent[i])
	}
	return out
}

// By sums by what name makes of each key, of those for which it says true.
func By(all map[Key]Totals, name func(Key) (string, bool)) map[string]Totals {
	out := make(map[string]Totals)
	for k, t := range maps.All(all) {
		if n, ok := name(k); ok {
			sum := out[n]
			sum.Add(t)
			out[n] = sum
		}
	}
	return out
}
