package meter

import "time"

// pace is what the last stanzas to a peer took, for what the next will take.
type pace struct {
	bytes float64 // given to links
	air   float64 // s
	n     int
}

const (
	maxPaces  = 256  // peers and links
	leastPace = 5    // stanzas that tell something
	fade      = 0.95 // of what is older, with each
)

// learn notes what a stanza took. Those that went again cost what they cost, and say the same of the next.
func (l *Ledger) learn(k Key, t Totals) {
	if k.Dir != Out || t.Air <= 0 || t.Folded == 0 {
		return
	}
	way := [2]string{k.Peer, k.Link}
	if l.pace == nil || len(l.pace) >= maxPaces && l.pace[way].n == 0 {
		l.pace = make(map[[2]string]pace)
	}
	p := l.pace[way]
	p.bytes, p.air, p.n = p.bytes*fade+float64(t.Folded), p.air*fade+t.Air.Seconds(), p.n+1
	l.pace[way] = p
}

// Estimate is how long bytes for a peer will take the channel of a link, by what the last ones took; 0 while that is not known.
func (l *Ledger) Estimate(peer, link string, bytes int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pace[[2]string{peer, link}]
	if p.n < leastPace || p.bytes <= 0 {
		return 0
	}
	return time.Duration(float64(bytes) * p.air / p.bytes * float64(time.Second))
}
