package dts

import (
	"slices"
	"time"
)

// A channel is what a half-duplex node knows of the air.
type channel struct {
	carrier bool // the modem hears a signal
	since   time.Time
	sending bool
	until   time.Time     // nobody but its sender sends before: the end of what was heard or sent last
	talker  Address       // who that was
	open    bool          // it is not over, as far as we know
	count   uint64        // receptions and transmissions so far
	wait    time.Duration // how long after until we compete for the channel
	spread  int           // slots to choose from
	passed  int           // times we would have competed and somebody else spoke
	backoff time.Time     // not before
	third   time.Time     // when a node that is neither us nor our only peer was heard last
	eow     EOW           // the last one in this reception
}

// await is the answer we leave the channel for.
type await struct {
	peer     *peer
	until    time.Time
	answered bool // something for us came from it
	others   int  // transmissions of others meanwhile
	casts    []ID // that asked for one
}

const (
	sharedFor   = 10 * time.Minute // a third node heard that long ago still counts
	leastSpread = 4                // after a collision
	maxSpread   = 16
	sharedBase  = 4
	maxHeard    = 64
	maxOthers   = 2 // transmissions of others in which an answer is still waited for
)

// Heard is a node that was heard.
type Heard struct {
	Address     Address
	First, Last time.Time
	PDUs        int
	EOW         EOW    // the last that said anything
	warned      uint64 // reception in which it was warned last
}

// Heard gives the nodes heard, those of long ago first. Only the latest 64 are remembered.
func (s *Station) Heard() []Heard { return slices.Clone(s.heard) }

// shared tells whether others than one peer use the channel.
func (s *Station) shared(now time.Time) bool {
	return !s.channel.third.IsZero() && now.Sub(s.channel.third) < sharedFor
}

// note keeps the list of nodes heard.
func (s *Station) note(now time.Time, p *PDU) *Heard {
	i := slices.IndexFunc(s.heard, func(h Heard) bool { return h.Address == p.From })
	h := Heard{Address: p.From, First: now}
	if i >= 0 {
		h = s.heard[i]
		s.heard = slices.Delete(s.heard, i, i+1)
	} else if len(s.heard) >= maxHeard {
		s.heard = slices.Delete(s.heard, 0, 1)
	}
	h.Last = now
	h.PDUs++
	if p.EOW != 0 {
		h.EOW = p.EOW
	}
	s.heard = append(s.heard, h)
	return &s.heard[len(s.heard)-1]
}

// occupied takes the end of the transmission from any good header, whoever it is for.
//
// S5066 C.3.2.3: EOT counts from the first bit of its D_PDU.
func (s *Station) occupied(now, at time.Time, p *PDU) {
	c := &s.channel
	end := at.Add(time.Duration(p.EOT) * halfSecond)
	if p.EOT == 0 { // full duplex or broadcast: no promise but the D_PDU itself
		end = at.Add(s.cfg.Timing.bitTime(8 * p.Len()))
	}
	if !c.open || p.From != c.talker || at.After(c.until.Add(halfSecond)) {
		s.conclude(now, true)
		if at.Sub(c.until) >= s.cfg.Hold {
			s.chain, s.since = 0, now
		}
		c.open, c.talker, c.eow = true, p.From, 0
		s.replyTo, s.floor = nil, nil
		s.gap(now)
	}
	c.until = end
	others := slices.ContainsFunc(s.heard, func(h Heard) bool { return h.Address != p.From && now.Sub(h.Last) < sharedFor })
	if p.To != s.cfg.Address && !p.To.Group() || others {
		c.third = now
	}
}

// gap begins a new time between transmissions and draws when in it we would compete.
func (s *Station) gap(now time.Time) {
	c := &s.channel
	c.count++
	slots, first := c.spread, 0
	if s.shared(now) {
		slots = max(slots, sharedBase>>c.passed)
	}
	if p, ok := s.choose(); ok && !p.right {
		c.passed = min(c.passed+1, 8) // who waits longer waits less
	}
	if s.tired() {
		first = 1 // those who waited go first
	}
	c.wait = s.cfg.Hold + time.Duration(first+s.rand.IntN(slots))*s.cfg.Slot
}

// conclude ends a reception when its time is over, or when another one shows that it is.
func (s *Station) conclude(now time.Time, force bool) {
	c := &s.channel
	if !c.open || !force && (c.carrier || now.Before(c.until.Add(s.cfg.Guard))) {
		return
	}
	c.open = false
	if p := s.known(c.talker); p != nil {
		s.judge(p)
		p.adapt(s)
		s.settle(p)
	}
	switch a := &s.await; {
	case a.peer == nil:
	case a.peer.addr == c.talker && a.answered:
		p := a.peer
		s.roundOver(now, true)
		s.floor = p
	default: // somebody else spoke; our peer could not answer meanwhile
		// Choice: it may at the next occasion. On a busy channel there is always somebody else: who waited for ever would stand still.
		if a.others++; a.others > maxOthers {
			a.until = now
			return
		}
		a.until = laterOf(a.until, laterOf(c.until, now).Add(s.timingOf(a.peer).Answer()))
	}
}

// expireAwait gives up waiting for an answer.
func (s *Station) expireAwait(now time.Time) {
	a, c := &s.await, &s.channel
	if a.peer == nil || c.open || c.carrier || now.Before(a.until) {
		return
	}
	s.roundOver(now, false)
	// Two that send at once never hear each other; they must not do it again at once.
	c.spread = max(leastSpread, min(2*c.spread, maxSpread))
	// Nodes with odd addresses take the odd slots, so that many pairs can not meet again at all.
	slot := 2*s.rand.IntN(c.spread/2) + int(s.cfg.Address&1)
	c.backoff = now.Add(time.Duration(slot) * s.cfg.Slot)
}

// roundOver draws the sum of one transmission of ours and the time left to its answer.
func (s *Station) roundOver(now time.Time, heard bool) {
	a := s.await
	s.await = await{}
	if heard {
		s.channel.spread = max(1, s.channel.spread/2)
	}
	for _, id := range a.casts {
		s.emit(NoReply{id, a.peer.addr})
	}
	p := a.peer
	if p.answered || p.sent == 0 && !p.sync.sent && !p.mgmt.waiting() {
		return
	}
	s.missed(now, p)
}

// missed counts a round that told us nothing.
func (s *Station) missed(now time.Time, p *peer) {
	p.probe = true
	var tries *int
	limit := s.cfg.Tries - 1
	switch {
	case p.mgmt.waiting():
		tries, limit = &p.mgmt.tries, s.cfg.ManagementTries
		p.mgmt.owed = p.mgmt.owed || !p.mgmt.want
	case p.sync.sent:
		tries, limit = &p.sync.tries, s.cfg.ResetTries
	default:
		tries = &p.misses
	}
	if *tries++; *tries > limit {
		s.lose(now, p)
	}
}

// Carrier tells that the modem begins or ceases to hear a signal. It is told after the D_PDUs of that signal.
// Without it a Station goes by what it can read, and needs a Guard not shorter than the modem's delay.
func (s *Station) Carrier(now time.Time, on bool) {
	s.Tick(now)
	c := &s.channel
	if on == c.carrier {
		return
	}
	c.carrier = on
	if on {
		c.since = now
		return
	}
	if c.open {
		s.conclude(now, false)
		return
	}
	if now.After(c.until) {
		c.until, c.talker = now, 0
		s.gap(now)
	}
	t := s.timingOf(s.await.peer)
	if s.await.peer != nil && now.Sub(c.since) >= t.Air(128) {
		// As long as an answer, and nothing to read in it: on a channel of two it was the answer.
		s.await.until = now.Add(s.cfg.Guard + time.Second)
		if s.shared(now) {
			s.await.until = now.Add(t.Answer())
		}
	}
	s.Tick(now)
}

// release forgets turns that belong to a peer that is gone.
func (s *Station) release(p *peer) {
	if s.floor == p {
		s.floor = nil
	}
	if s.await.peer == p && len(s.await.casts) == 0 {
		s.await = await{}
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
