package crowd

import "maps"

// Waiting is what became of the last digest that was queued for a node.
type Waiting uint8

// Fates of a digest.
const (
	Left   Waiting = iota // it left the queue, or there was none
	Fresh                 // it waits and was never sent
	Repeat                // it waits again: it was sent, and nobody knows whether it arrived
)

// maxHad bounds how many crowds the other node may believe in; beyond that it is told the whole one.
const maxHad = 3

// A Ledger is what a node remembers of what it told another one of its crowd, so that each digest is as short as can be, whatever
// happened to those before it. The zero value knows nothing, and tells the whole crowd.
type Ledger struct {
	Told Crowd   // what the other has once all that is queued has arrived; nil: nobody knows
	Had  []Crowd // what it may have without the digest that waits; none: nobody knows
}

// Tell is the digest to be queued in place of the last one, so that the other node comes to believe in now. When it is empty, nothing
// has to be said, and what waits is to be taken out of the queue.
func (l *Ledger) Tell(now Crowd, last Waiting) (d Digest) {
	switch {
	case last == Left && l.Told == nil:
		l.Had = nil
	case last == Left:
		l.Had = []Crowd{l.Told}
	case last == Repeat && len(l.Had) > 0:
		l.Had = append(l.Had, l.Told)
	}
	if l.Told == nil || len(l.Had) > maxHad {
		l.Had = nil
	}
	if l.Told = maps.Clone(now); l.Told == nil {
		l.Told = Crowd{}
	}
	if len(l.Had) == 0 {
		return Whole(now)
	}
	return Difference(now, l.Had...)
}

// Lose notes that a digest was lost, or that the other node holds another crowd than it should.
func (l *Ledger) Lose() { *l = Ledger{} }
