package s5066

import (
	"bytes"
	"time"

	"longwire/links"
	"longwire/links/pair"
	"longwire/links/sis"
	"longwire/store"
)

// atHeadquarters is what only headquarters has for a kit; pairing.mu guards it.
type atHeadquarters struct {
	answer   *owedAnswer
	flight   sis.Ticket // of the answer on its way; 0: none
	mail     []letter   // what goes alone
	askAt    time.Time  // no question before
	askPause time.Duration
	last     time.Time // when the last answer was handed over, to the hello
	lastTo   uint16
	talked   bool   // the kit knows that we know it: its server has our answer, or it goes on without a hello
	occupied string // the peer that has the address from which the kit was heard
}

// owedAnswer is the answer to a hello that was taken.
type owedAnswer struct {
	session pair.Session
	counter uint16
	at      time.Time // when it goes alone, if nothing takes it along
}

// letter is a message to an address that may be no peer's.
type letter struct {
	to   sis.Address
	make func(now time.Time) []byte
}

// used tells whether a kit has been taken for the invitation.
func (g *pairing) used() bool { return !g.rec.Withdrawn && len(g.rec.Key) > 0 }

// known is what is remembered, for pair.Judge.
func (g *pairing) known() pair.Known {
	k := pair.Known{Withdrawn: g.rec.Withdrawn, Used: g.used(), Counter: uint16(g.rec.Counter), RivalLast: uint16(g.rec.RivalCounter)}
	copy(k.Key[:], g.rec.Key)
	copy(k.Rival[:], g.rec.Rival)
	return k
}

// hello takes a kit's introduction, and what is behind it. The caller holds turn.
func (g *pairing) hello(u sis.UnidataIndication, m pair.Message) {
	verdict, session := pair.Judge(g.known(), g.c.Token, g.c.Key, m)
	switch verdict {
	case pair.Forged:
		g.refuse("a hello was not made with the token and for our key", "from", u.Source)
	case pair.Replayed:
		g.refuse("a hello was heard before", "from", u.Source, "counter", m.Counter)
	case pair.Rivalled:
		g.rival(u, m, session, pair.Conflict)
	case pair.TakenBack:
		g.rival(u, m, session, pair.Withdrawn)
	case pair.Repeated:
		if u.Source != g.p.remote() {
			g.refuse("a hello of a kit was heard before, from another address", "from", u.Source, "counter", m.Counter)
			return
		}
		g.welcome(u, m, session)
	case pair.Accepted:
		g.accept(u, m, session)
	}
}

// accept makes the kit the one of the invitation.
func (g *pairing) accept(u sis.UnidataIndication, m pair.Message, session pair.Session) {
	now := time.Now()
	was := g.p.remote()
	if other := g.p.bind.claim(g.p, u.Source); other != "" {
		g.mu.Lock()
		g.hq.occupied = other
		g.mu.Unlock()
		g.refuse("a kit was heard from the address of another peer", "from", u.Source, "other", other)
		g.post(letter{u.Source, func(now time.Time) []byte { return session.Answer(m.Counter, pair.Occupied, now, nil) }})
		return
	}
	rec := g.rec
	first := !g.used() || !bytes.Equal(rec.Key, m.Key[:])
	rec.Key, rec.Counter, rec.Heard, rec.Withdrawn = bytes.Clone(m.Key[:]), uint32(m.Counter), now, false
	rec.Address, rec.Configured = u.Source.String(), configured(g.p.c)
	if first {
		rec.First, rec.Paired = now, time.Time{}
		g.mu.Lock()
		g.hq.talked = false
		g.mu.Unlock()
	}
	if err := g.put(rec); err != nil {
		g.p.log.Error("pairing: a kit's introduction is not stored; it will come again", "err", err)
		g.p.bind.claim(g.p, was)
		return
	}
	if first {
		g.p.log.Info("kit has introduced itself", "address", u.Source, "key", m.Key.Short())
	} else {
		g.p.log.Info("kit has introduced itself again", "address", u.Source, "before", was)
	}
	g.welcome(u, m, session)
}

// welcome opens the peer, owes the kit an answer and takes what is behind its hello.
func (g *pairing) welcome(u sis.UnidataIndication, m pair.Message, session pair.Session) {
	now := time.Now()
	g.mu.Lock()
	h := &g.hq
	g.open, g.heardAt, g.spoke = true, now, now
	h.askAt, h.askPause, h.occupied = time.Time{}, 0, ""
	if h.last.IsZero() || h.lastTo != m.Counter { // a kit that has no answer says hello with another counter
		h.answer = &owedAnswer{session, m.Counter, now.Add(g.p.radio(introGather))}
	}
	g.changedLocked()
	g.mu.Unlock()
	if len(m.Data) > 0 {
		u.UPDU = m.Data
		g.p.m.heard(u)
	}
}

// rival refuses a kit that is not, or not any longer, the one of the invitation, and tells it.
func (g *pairing) rival(u sis.UnidataIndication, m pair.Message, session pair.Session, why pair.Status) {
	rec := g.rec
	rec.Rival, rec.RivalCounter, rec.RivalAt = bytes.Clone(m.Key[:]), uint32(m.Counter), time.Now()
	rec.Refused++
	if err := g.put(rec); err != nil {
		g.p.log.Error("pairing: a refusal is not stored", "err", err)
		return // it must not be told twice to one and the same hello
	}
	g.tell("a kit was refused: "+why.String(), "from", u.Source, "key", m.Key.Short())
	g.post(letter{u.Source, func(now time.Time) []byte { return session.Answer(m.Counter, why, now, nil) }})
}

// post sends something alone.
func (g *pairing) post(l letter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.hq.mail) < mostMail {
		g.hq.mail = append(g.hq.mail, l)
		poke(g.kick)
	}
}

// strangeLocked: something came from the address of a kit that has not introduced itself. It may have, and we have forgotten.
func (g *pairing) strangeLocked(now time.Time) {
	h := &g.hq
	if g.shown.Withdrawn || now.Before(h.askAt) || len(h.mail) >= mostMail {
		return
	}
	h.askPause = min(max(2*h.askPause, askFirst), askMost)
	h.askAt = now.Add(g.p.radio(h.askPause))
	h.mail = append(h.mail, letter{g.p.remote(), g.c.Token.Question})
	poke(g.kick)
}

// answering tells whether an answer waits that a U_PDU could take along.
func (g *pairing) answering() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hq.answer != nil
}

// dressAnswer puts an answer in front if one is owed. The caller holds turn, and has the turn of the bind.
func (g *pairing) dressAnswer(mtu int, compose func(int) *upload, alone bool) (*upload, error) {
	g.mu.Lock()
	a := g.hq.answer
	g.mu.Unlock()
	if a == nil {
		if alone {
			return nil, nil
		}
		return compose(mtu), nil
	}
	u := compose(mtu - pair.AnswerSize)
	if u == nil {
		if !alone {
			return nil, nil
		}
		u = g.bare()
	}
	g.front(u, func(data []byte) []byte { return a.session.Answer(a.counter, pair.Paired, time.Now(), data) },
		func(t sis.Ticket, _, confirms bool, at time.Time) {
			g.mu.Lock()
			defer g.mu.Unlock()
			h := &g.hq
			h.last, h.lastTo, h.flight = at, a.counter, 0
			if h.answer == a {
				h.answer = nil
			}
			if confirms {
				h.flight = t
			}
		})
	return u, nil
}

// answerFateLocked: when the kit's server has our answer, it is taken to be paired. Else the kit asks again.
func (g *pairing) answerFateLocked(t sis.Ticket, f fate) {
	h := &g.hq
	if h.flight == 0 || h.flight != t {
		return
	}
	h.flight = 0
	if f.kind != confirmed {
		h.last = time.Time{} // the same hello, should it come again, is answered again
		return
	}
	h.talked = true
	poke(g.news)
}

// nextAnswerLocked is what goes alone.
func (g *pairing) nextAnswerLocked(soonest func(time.Time) bool) func(int) (*upload, error) {
	h := &g.hq
	if len(h.mail) > 0 {
		return g.mailed
	}
	if h.answer != nil && g.open && soonest(h.answer.at) {
		return func(mtu int) (*upload, error) { return g.dress(mtu, g.p.m.compose, true) }
	}
	return nil
}

// mailed makes the next letter a U_PDU.
func (g *pairing) mailed(int) (*upload, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.hq.mail) == 0 {
		return nil, nil
	}
	l := g.hq.mail[0]
	g.hq.mail = g.hq.mail[1:]
	if l.to.Size() == 0 {
		return nil, nil
	}
	u := g.bare()
	u.to, u.updu, u.sent = l.to, l.make(time.Now()), func(sis.Ticket, time.Time) {}
	return u, nil
}

// forget closes the peer again. With again its token is good for one kit more, else for none.
func (g *pairing) forget(again bool) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	rec := Forgotten(g.rec, again)
	if err := g.put(rec); err != nil {
		return err
	}
	g.mu.Lock()
	g.open, g.hq = false, atHeadquarters{}
	g.changedLocked()
	g.mu.Unlock()
	g.p.bind.claim(g.p, g.p.c.RemoteAddress)
	return nil
}

// Forgotten is what is remembered of a kit after an operator has forgotten it. What it has said before counts no longer, whatever may be said again: its last
// counter stays.
func Forgotten(p store.Pairing, again bool) store.Pairing {
	q := store.Pairing{Invitation: p.Invitation, Withdrawn: !again, Rival: p.Rival, RivalCounter: p.RivalCounter}
	if len(p.Key) > 0 {
		q.Rival, q.RivalCounter = p.Key, p.Counter
	}
	return q
}

func configured(c PeerConfig) string {
	if c.RemoteAddress.Size() == 0 {
		return ""
	}
	return c.RemoteAddress.String()
}

// learned is where a kit was last heard, unless the configuration has changed its mind since.
func (g *pairing) learned() sis.Address {
	if g == nil || g.c.kit() || !g.open || g.rec.Configured != configured(g.p.c) {
		return 0
	}
	a, err := sis.ParseAddress(g.rec.Address)
	if err != nil {
		return 0
	}
	return a.Canonical()
}

// place gives the peers their addresses at the start: first those that were learned.
func (b *bind) place() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.ports {
		if a := p.pair.learned(); a.Size() > 0 && b.at[a] == nil && a != b.c.LocalAddress {
			p.addr.Store(uint32(a))
			b.at[a] = p
		}
	}
	for _, p := range b.ports {
		if a := p.c.RemoteAddress; p.remote().Size() == 0 && a.Size() > 0 && b.at[a] == nil {
			p.addr.Store(uint32(a))
			b.at[a] = p
		}
	}
}

// claim gives a peer another address, without disturbing the others; but for a kit that has not introduced itself, which needs none yet. If another peer has it,
// nothing changes and its name is returned.
func (b *bind) claim(p *port, to sis.Address) (taken string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to = to.Canonical()
	other := b.at[to]
	switch {
	case other == p:
		return ""
	case to == b.c.LocalAddress && to.Size() > 0:
		return "this node itself"
	case other != nil && to.Size() > 0:
		if other.pair == nil || other.c.Pairing.kit() || other.pair.isOpen() {
			return other.c.Peer
		}
		other.addr.Store(0)
	}
	if b.at[p.remote()] == p {
		delete(b.at, p.remote())
	}
	p.addr.Store(uint32(to))
	if to.Size() > 0 {
		b.at[to] = p
	}
	return ""
}

func (g *pairing) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// reportHQ tells how far a kit is with us.
func (g *pairing) reportHQ(s *Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := PairingOf(g.shown)
	t.Refused += g.refused
	if g.open && g.heardAt.After(t.Heard) {
		t.Heard = g.heardAt
	}
	if g.hq.occupied != "" {
		t.Words = "heard from the STANAG 5066 address of " + g.hq.occupied + ", and refused"
	}
	if t.State == HeardState && g.hq.answer != nil {
		t.Words = "heard, our answer is on its way"
	}
	s.Pairing = &t
	if g.spoke.After(s.Heard) {
		s.Heard = g.spoke
	}
	if !g.open && s.State == links.Up {
		s.State = Invited
	}
}
