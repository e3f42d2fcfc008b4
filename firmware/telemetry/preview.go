package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

func ruleName(n int) string {
	if n == 0 {
		return "presence mode"
	}
	return "rule " + strconv.Itoa(n)
}

// A Preview is what other rules would have made of recorded traffic.
type Preview struct {
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Stanzas   int       `json:"stanzas"`          // that were to cross
	Unread    int       `json:"unread,omitempty"` // of them, those whose outline is missing: they count as they are
	Raw       int64     `json:"raw"`              // bytes of them
	Recorded  int64     `json:"recorded"`         // bytes that crossed, by the rules that were in force
	After     int64     `json:"after"`            // and that would have crossed by these
	Crossing  int       `json:"crossing"`         // stanzas that would have
	Wire      int64     `json:"wire,omitempty"`   // bytes on the wire that Recorded took,
	WireAfter int64     `json:"wire_after,omitempty"`
	// WireAfter is an estimate: as much for each byte.
	Rules   []Count `json:"rules,omitempty"`
	Dropped []Count `json:"dropped,omitempty"`
}

// Saved is how much of Raw these rules would have spared, from 0 to 1.
func (p *Preview) Saved() float64 { return part(p.Raw-p.After, p.Raw) }

// SavedThen is how much those spared that were in force.
func (p *Preview) SavedThen() float64 { return part(p.Raw-p.Recorded, p.Raw) }

func part(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// MakePreview tries rules on the outlines in a node's folder. rules gives those for a peer; nil leaves its traffic out. since is how far back
// from the last line, 0: all.
func MakePreview(folder string, since time.Duration, peer string, rules func(peer string) (*fold.Folder, error)) (*Preview, error) {
	var last time.Time
	if _, err := Read(folder, func(l Line) error { last = l.At; return nil }); err != nil {
		return nil, err
	}
	p := &Preview{Until: last}
	if since > 0 {
		p.Since = last.Add(-since)
	}
	m := previewing{p: p, rules: rules, peers: make(map[string]*trial)}
	_, err := Read(folder, func(l Line) error {
		if l.At.Before(p.Since) || !l.of(peer) {
			return nil
		}
		return m.take(l)
	})
	if err != nil {
		return nil, err
	}
	if p.Stanzas == 0 {
		of := "no stanza"
		if peer != "" {
			of = fmt.Sprintf("no stanza for %q", peer)
		}
		return nil, fmt.Errorf("telemetry: %s was recorded in %s; the record begins when telemetry is enabled", of, folder)
	}
	m.finish()
	return p, nil
}

type previewing struct {
	p     *Preview
	rules func(string) (*fold.Folder, error)
	peers map[string]*trial
	tally fold.Tally

	sentFolded, sentWire int64 // of what crossed for the first time
}

func (m *previewing) take(l Line) error {
	if l.Dir != Out {
		return nil
	}
	switch l.Kind {
	case Fold:
		m.p.Recorded -= int64(l.Saved)
	case Stanza:
		m.sentWire += int64(l.Wire)
		if !l.Again {
			m.sentFolded += int64(l.Folded)
		}
	case Shape:
		return m.shape(l)
	}
	return nil
}

func (m *previewing) shape(l Line) error {
	t := m.peers[l.Peer]
	if t == nil {
		f, err := m.rules(l.Peer)
		if err != nil {
			return err
		}
		t = &trial{folder: f, tally: &m.tally, held: make(map[fromTo]held)}
		m.peers[l.Peer] = t
	}
	m.p.Stanzas++
	m.p.Raw += int64(l.Raw)
	m.p.Recorded += int64(l.Raw)
	if m.p.Since.IsZero() {
		m.p.Since = l.At
	}
	s, err := redraw(l.Skeleton, l.Record, l.At)
	if err != nil || l.Skeleton == "" || t.folder == nil {
		if t.folder != nil {
			m.p.Unread++
		}
		m.tally.Before.Times++
		m.tally.Before.Bytes += l.Raw
		m.tally.After.Times++
		m.tally.After.Bytes += l.Raw
		return nil
	}
	t.accept(l.At, s)
	return nil
}

func (m *previewing) finish() {
	for _, t := range m.peers {
		t.release(time.Time{})
	}
	p := m.p
	p.After, p.Crossing = int64(m.tally.After.Bytes), m.tally.After.Times
	if m.sentFolded > 0 {
		p.Wire = int64(float64(m.sentWire) / float64(m.sentFolded) * float64(p.Recorded))
		p.WireAfter = int64(float64(m.sentWire) / float64(m.sentFolded) * float64(p.After))
	}
	for _, n := range slices.Sorted(maps.Keys(m.tally.Rules)) {
		c := m.tally.Rules[n]
		p.Rules = append(p.Rules, Count{ruleName(n), c.Times, int64(c.Bytes)})
	}
	for _, n := range slices.Sorted(maps.Keys(m.tally.Dropped)) {
		c := m.tally.Dropped[n]
		p.Dropped = append(p.Dropped, Count{string(n), c.Times, int64(c.Bytes)})
	}
}

// A trial sends one peer's traffic by the rules that are tried, as s2s and the folding of the node do: what may wait for a newer one waits, and what the
// peer knows is not sent again. Choice: the link is taken to be up and never busy, as the record does not tell what would have waited together.
type trial struct {
	folder *fold.Folder
	memory fold.Memory
	tally  *fold.Tally
	held   map[fromTo]held
	next   uint64
}

type fromTo struct{ from, to jid.JID }

type held struct {
	until time.Time
	s     *stanza.Stanza
}

func (t *trial) accept(now time.Time, s *stanza.Stanza) {
	t.release(now)
	r := t.folder.Fold(now, s)
	t.tally.Add(s, r)
	if r.Stanza == nil {
		return
	}
	pair := fromTo{s.From, s.To}
	h, waits := t.held[pair]
	switch {
	case r.Hold > 0 && waits:
		t.tally.Done(fold.Done{Reason: fold.Replaced, Saved: len(h.s.Bytes())})
		t.held[pair] = held{h.until, r.Stanza}
	case r.Hold > 0:
		t.held[pair] = held{now.Add(r.Hold), r.Stanza}
	default:
		if waits { // it takes it along
			delete(t.held, pair)
			t.send(now, h.s)
		}
		t.send(now, r.Stanza)
	}
}

// release sends what has waited long enough; the zero time is the end.
func (t *trial) release(now time.Time) {
	for pair, h := range t.held {
		if now.IsZero() || !now.Before(h.until) {
			delete(t.held, pair)
			t.send(h.until, h.s)
		}
	}
}

func (t *trial) send(now time.Time, s *stanza.Stanza) {
	t.next++
	_, done := t.memory.Filter(t.folder, []fold.Item{{ID: t.next, Queued: now, Stanza: s}})
	for _, d := range done {
		t.tally.Done(d)
	}
	t.memory.Confirmed(t.next)
}
