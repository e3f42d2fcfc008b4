package s5066

import (
	"bytes"
	"math"
	"time"

	"longwire/links"
	"longwire/links/pair"
	"longwire/links/sis"
	"longwire/store"
)

// kitState is how far we, a kit, are with our headquarters.
type kitState uint8

const (
	due     kitState = iota // the next U_PDU has a hello in front
	waiting                 // for the answer to one
	paired
)

// atKit is what only a kit has; pairing.mu guards it.
type atKit struct {
	state     kitState
	notBefore time.Time     // due: headquarters has refused us, and is left in peace until then
	refusal   time.Duration // the last such pause
	aloneAt   time.Time     // due: when a hello goes without data; zero: it does not
	alone     int           // hellos that did, since headquarters was heard
	tries     int           // hellos that headquarters' server has, and nobody has answered
	failed    int           // hellos that did not get there, since one did
	same      bool          // the last one did not: the next may have its counter
	until     time.Time     // waiting: when the answer counts as lost
	flight    *helloFlight  // the last hello handed over
	unheard   bool          // headquarters' server has confirmed something since headquarters was heard
	asked     time.Time     // when headquarters last asked who we are,
	askPause  time.Duration // and how long it is not listened to then
	status    pair.Status
	fault     string // why no hello will ever go out
}

const tooOften = "this token was used too often; headquarters has to make a new one"

// helloFlight is a U_PDU with a hello in front.
type helloFlight struct {
	ticket    sis.Ticket
	data      bool // there is data behind it: its fate is the mapping's business
	confirmed time.Time
}

// beginKit finds out whether headquarters knows us.
func (g *pairing) beginKit() {
	k := &g.kit
	var err error
	if g.session, err = pair.AtKit(g.c.Token, g.c.Key, g.c.Headquarters); err != nil {
		k.fault = "headquarters_key is no key" // of anybody: nobody will answer
		g.p.log.Error("pairing: headquarters_key is no key", "err", err)
	}
	k.status = pair.Status(g.rec.Status)
	if g.rec.Counter >= math.MaxUint16 {
		k.fault = tooOften
	}
	if !bytes.Equal(g.rec.Key, g.c.Headquarters[:]) {
		// It was another headquarters'; the counter of this token must rise all the same.
		g.rec = store.Pairing{Invitation: g.rec.Invitation, Counter: g.rec.Counter, Answered: g.rec.Counter}
		g.rec.Key, k.status = bytes.Clone(g.c.Headquarters[:]), pair.Paired
	}
	g.heardAt = time.Now()
	if !g.rec.Paired.IsZero() && k.status == pair.Paired && g.rec.Address == g.p.link.LocalAddress.String() {
		k.state = paired
		return
	}
	if g.c.AtOnce {
		k.aloneAt = time.Now().Add(g.p.radio(introGather))
	}
}

// dressHello puts a hello in front if one is due. The caller holds turn, and has the turn of the bind.
func (g *pairing) dressHello(mtu int, compose func(int) *upload, alone bool) (*upload, error) {
	now := time.Now()
	g.mu.Lock()
	k := &g.kit
	if k.state == paired && k.unheard && now.Sub(g.heardAt) > g.p.radio(doubtAfter) {
		// Its server takes what we send, and it says nothing: perhaps it does not know us any longer.
		k.state, k.alone, k.tries = due, introAlone, 0
	}
	state, same := k.state, k.same
	g.mu.Unlock()
	if state == paired {
		if alone {
			return nil, nil
		}
		return compose(mtu), nil
	}
	u := compose(mtu - pair.HelloSize)
	if u == nil {
		if !alone {
			return nil, nil
		}
		u = g.bare()
	}
	// On flash before it is sent: no counter is used again for another hello. One that did not get there is the same, with other data perhaps; had it
	// been heard after all, headquarters would take it for what it is.
	rec := g.rec
	if !same || rec.Counter == 0 {
		rec.Counter++
	}
	rec.Address = g.p.link.LocalAddress.String()
	if rec.First.IsZero() {
		rec.First = now
	}
	if !same {
		if err := g.put(rec); err != nil {
			err = g.storeFails(err)
			g.p.m.notSent(err)
			return nil, err
		}
	}
	g.front(u, func(data []byte) []byte { return g.session.Hello(uint16(rec.Counter), data) }, g.greeted)
	return u, nil
}

// greeted: the server has a hello of ours.
func (g *pairing) greeted(t sis.Ticket, data, confirms bool, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := &g.kit
	if g.shown.Counter >= math.MaxUint16 {
		k.fault = tooOften
	}
	k.state, k.flight, k.aloneAt, k.notBefore = waiting, &helloFlight{ticket: t, data: data}, time.Time{}, time.Time{}
	k.same = false
	if !data {
		k.alone++
	}
	k.until = time.Time{} // the server has it, and may take long
	if !confirms {
		k.tries++
		k.flight.confirmed = at
		k.until = at.Add(g.p.radio(g.patienceLocked()))
	}
	g.changedLocked()
}

// patienceLocked is how long an answer is waited for.
func (g *pairing) patienceLocked() time.Duration {
	return min(introFirst<<min(g.kit.tries-1, 10), introMost)
}

// helloFateLocked takes the fate of a request.
func (g *pairing) helloFateLocked(t sis.Ticket, f fate) bool {
	k := &g.kit
	if k.flight == nil || k.flight.ticket != t {
		k.unheard = k.unheard || f.kind == confirmed
		return false
	}
	data := k.flight.data
	switch {
	case f.kind == confirmed && k.state == waiting:
		k.tries, k.failed = k.tries+1, 0
		k.flight.confirmed = time.Now()
		k.until = k.flight.confirmed.Add(g.p.radio(g.patienceLocked()))
		poke(g.kick)
		return true
	case k.state == waiting:
		k.failed, k.same = k.failed+1, true
		g.dueLocked(g.backoffLocked())
	}
	k.flight = nil
	return !data
}

// backoffLocked is the pause after a hello that has not reached headquarters' server. With data, the mapping decides when it is tried again.
func (g *pairing) backoffLocked() time.Duration {
	return min(backoffMin<<min(g.kit.failed, 10), introMost)
}

// dueLocked makes a hello due: with the next data, or without after a pause, as long as that has not been tried too often.
func (g *pairing) dueLocked(pause time.Duration) {
	k := &g.kit
	k.state, k.until, k.aloneAt = due, time.Time{}, time.Time{}
	if g.c.AtOnce && k.alone < introAlone {
		k.aloneAt = time.Now().Add(g.p.radio(pause))
	}
	g.changedLocked()
}

// nextHelloLocked is a hello that goes without data, or what has run out.
func (g *pairing) nextHelloLocked(now time.Time, soonest func(time.Time) bool) func(int) (*upload, error) {
	k := &g.kit
	if k.state == waiting && !k.until.IsZero() && soonest(k.until) {
		g.p.log.Info("pairing: headquarters has not answered", "tries", k.tries)
		f := k.flight
		k.flight = nil
		g.dueLocked(introGather)
		if f != nil && f.data && !f.confirmed.IsZero() {
			g.p.m.fate(f.ticket, fate{kind: lost}) // it goes again, behind the next hello
		}
	}
	if k.state != due || k.fault != "" {
		return nil
	}
	if !k.notBefore.IsZero() {
		if !soonest(k.notBefore) {
			return nil
		}
		k.notBefore = time.Time{}
		g.changedLocked()
	}
	if k.aloneAt.IsZero() || !soonest(k.aloneAt) {
		return nil
	}
	return func(mtu int) (*upload, error) { return g.dress(mtu, g.p.m.compose, true) }
}

// answer takes headquarters' answer. The caller holds turn.
func (g *pairing) answer(m pair.Message) {
	now, n := time.Now(), uint32(m.Counter)
	switch {
	case !g.session.Verify(m):
		g.refuse("an answer is not of our headquarters")
		return
	case n > g.rec.Counter || n <= g.rec.Answered:
		g.refuse("an answer was heard before", "counter", n)
		return
	}
	rec := g.rec
	rec.Answered, rec.Status, rec.Heard = n, uint8(m.Status), now
	if m.Time.After(rec.Told) {
		rec.Told = m.Time
	}
	if m.Status == pair.Paired {
		rec.Paired = now
	}
	if err := g.put(rec); err != nil {
		g.p.log.Error("headquarters' answer not stored", "err", err) // the next hello brings another
		return
	}
	if g.clock != nil && !m.Time.IsZero() && n == rec.Counter {
		g.clock(m.Time)
	}
	g.mu.Lock()
	k := &g.kit
	k.status, k.tries, k.failed, k.same, k.alone = m.Status, 0, 0, false, 0
	k.until, k.aloneAt, k.unheard = time.Time{}, time.Time{}, false
	g.heardAt, g.spoke = now, now
	f := k.flight
	end := fate{kind: confirmed}
	if m.Status == pair.Paired {
		k.state, k.notBefore, k.refusal = paired, time.Time{}, 0
	} else {
		k.refusal = min(max(2*k.refusal, refusedMin), refusedMax)
		k.state, k.notBefore = due, now.Add(g.p.radio(k.refusal))
		end.kind = lost // headquarters has not taken it
	}
	if f != nil {
		end.at = f.confirmed
		if f.confirmed.IsZero() && m.Status == pair.Paired {
			f = nil // its fate is still to come, and goes to the mapping
		} else {
			k.flight = nil
		}
	}
	if k.state == paired && k.flight != nil && !k.flight.data {
		k.flight = nil
	}
	g.changedLocked()
	g.mu.Unlock()
	if f != nil && f.data {
		g.p.m.fate(f.ticket, end)
	}
	if m.Status == pair.Paired {
		g.p.log.Info("headquarters knows us", "time", m.Time)
	} else {
		g.p.log.Warn("headquarters refuses us", "reason", m.Status)
	}
}

// question: headquarters asks who we are. The caller holds turn.
func (g *pairing) question(m pair.Message) {
	now := time.Now()
	if !g.c.Token.Verify(m) {
		g.refuse("a question is not of our headquarters")
		return
	}
	if !m.Time.IsZero() && !m.Time.After(g.rec.Told) {
		g.refuse("a question was heard before", "time", m.Time)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	k := &g.kit
	if k.state == waiting || now.Before(k.notBefore) || now.Before(k.asked.Add(g.p.radio(k.askPause))) {
		return // we have said so just now
	}
	if now.Sub(k.asked) > g.p.radio(refusedMax) {
		k.askPause = 0
	}
	k.asked, k.askPause = now, min(max(2*k.askPause, heedMin), introMost)
	g.p.log.Info("headquarters asks who we are")
	k.state, k.tries, k.failed, k.until = due, 0, 0, time.Time{}
	k.aloneAt = now.Add(g.p.radio(introGather))
	g.changedLocked()
}

// reportKit tells how far we are with our headquarters.
func (g *pairing) reportKit(s *Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := &g.kit
	t := &PairingStatus{Kit: true, First: g.shown.First, Paired: g.shown.Paired, Heard: g.shown.Heard, Refused: uint64(g.shown.Refused) + g.refused, Key: g.c.Key.Public().Short()}
	if g.heardAt.After(t.Heard) && !g.shown.Heard.IsZero() {
		t.Heard = g.heardAt
	}
	t.State = IntroducingState
	switch {
	case k.fault != "" && k.state == due:
		t.Words = k.fault
	case k.state == paired:
		t.State, t.Words = PairedState, "headquarters knows us"
	case k.state == waiting && k.flight != nil && k.flight.confirmed.IsZero():
		t.Words = "introducing this kit to headquarters"
	case k.state == waiting:
		t.State, t.Words, t.Until = WaitingState, "introduced, waiting for headquarters' answer", k.until
	case k.status != pair.Paired:
		t.State, t.Words, t.Until = RefusedState, "refused: "+k.status.String(), k.notBefore
	case k.aloneAt.IsZero():
		t.Words = "this kit introduces itself to headquarters with its first message"
	default:
		t.Words, t.Until = "this kit introduces itself to headquarters", k.aloneAt
	}
	s.Pairing = t
	if g.spoke.After(s.Heard) {
		s.Heard = g.spoke
	}
	if k.state != paired && s.State == links.Up {
		s.State = Introducing
	}
}
