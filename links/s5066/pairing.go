package s5066

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"longwire/links/meter"
	"longwire/links/pair"
	"longwire/links/sis"
	"longwire/store"
)

// A pairing stands between the bind and the mapping of a peer: a kit that introduces itself to us, its headquarters, or our headquarters, which we introduce
// ourselves to (package pair). The mapping knows nothing of it.
//
//	mapping --submit--> wait (closed: nothing goes) --> dress: a hello or an answer in front --> SIS server
//	mapping <--fate---- withheld, while it is not known whether headquarters has taken the data behind our hello
//	mapping <--heard--- closed: dropped        bind.pairing --> inbox --> receive: verify, commit, then the data behind to the mapping
//
//	receive  acts on what the peer says, which may take as long as the store does.
//	send     sends what nothing else takes along: a hello when there is no data, an answer, a refusal, a question.
//	turn     guards rec and is held over commits. Order: the bind's turn, then turn, then mu.
//	mu       guards what follows it; nothing waits under it.
//
// One U_PDU at a time goes to a headquarters that has not answered, with all of our data that it holds: what is behind a hello that headquarters does not take is
// dropped there, although its SIS server has confirmed it. So a mapping hears the fate of such a U_PDU when the answer comes, or, when none
// does, that it is lost, and it goes again behind the next hello.
type pairing struct {
	p     *port
	c     Pairing
	clock func(time.Time)
	kick  chan struct{} // wakes send
	news  chan struct{} // wakes receive
	ready chan struct{} // closed when the mapping can compose

	turn    sync.Mutex
	rec     store.Pairing // as on flash
	session pair.Session  // at the kit

	mu      sync.Mutex
	open    bool          // the mapping may send, and is given what comes
	change  chan struct{} // closed and made anew when open, or since when it may be tried, changes
	stuck   time.Time     // the store fails: nothing is tried before
	inbox   []introduced
	heardAt time.Time // the peer; at a kit also when we began to listen
	spoke   time.Time // it introduced itself, or answered; zero: not since the start
	shown   store.Pairing
	kit     atKit
	hq      atHeadquarters
	refused uint64 // messages of pairing without effect, since the start
	told    time.Time
}

// introduced is a message of pairing that was heard.
type introduced struct {
	u sis.UnidataIndication
	m pair.Message
}

// Delays, in radio time.
const (
	introGather = time.Second      // a hello or an answer waits so long for data to go with it
	introFirst  = 5 * time.Minute  // for an answer, doubled with each hello up to
	introMost   = 2 * time.Hour    // this
	introAlone  = 8                // hellos without data; then one goes when there is some
	refusedMin  = time.Hour        // until a kit that was refused tries again, doubled up to
	refusedMax  = 24 * time.Hour   //
	doubtAfter  = 24 * time.Hour   // without a word of headquarters, that has confirmed what we sent
	askFirst    = 10 * time.Minute // from a question to the next, doubled up to
	askMost     = 24 * time.Hour   //
	heedMin     = time.Minute      // from a question that was heeded to the next, doubled up to introMost
	noteEvery   = 15 * time.Minute // how old what flash knows of when the peer was heard may be (by the clock)
	retryStore  = 10 * time.Second
	mostInbox   = 16
	mostMail    = 4
	warnEvery   = time.Hour
)

// errClosed means that the mapping may not send after all.
var errClosed = errors.New("s5066: closed until the peer was introduced")

func newPairing(p *port, clock func(time.Time)) *pairing {
	g := &pairing{p: p, c: *p.c.Pairing, clock: clock, kick: make(chan struct{}, 1), news: make(chan struct{}, 1), ready: make(chan struct{}), change: make(chan struct{})}
	i := g.c.Token.Invitation()
	err := p.db.View(func(tx *store.Tx) (err error) { g.rec, err = tx.Pairing(p.c.Peer); return err })
	if err != nil {
		// Choice: a kit goes on with a counter that it is sure not to have reached. Headquarters closes, and asks.
		p.log.Error("what is known of the pairing cannot be read; it begins anew", "err", err)
		g.rec = store.Pairing{Invitation: i, Counter: math.MaxUint16 / 2}
	}
	if g.rec.Invitation != i {
		g.rec = store.Pairing{Invitation: i}
	}
	if g.c.kit() {
		g.beginKit()
	} else {
		g.open = g.used()
	}
	g.shown = g.rec
	return g
}

// begin is told that the mapping can compose.
func (g *pairing) begin() {
	if g != nil {
		close(g.ready)
	}
}

func (g *pairing) run(ctx context.Context) {
	select {
	case <-g.ready:
	case <-ctx.Done():
		return
	}
	var loops sync.WaitGroup
	loops.Go(func() { g.receive(ctx) })
	g.send(ctx)
	loops.Wait()
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// changedLocked lets everybody look who waits.
func (g *pairing) changedLocked() {
	close(g.change)
	g.change = make(chan struct{})
	poke(g.kick)
}

// put stores what is remembered. The caller holds turn.
func (g *pairing) put(rec store.Pairing) error {
	if err := g.p.db.Update(func(tx *store.Tx) error { return tx.PutPairing(g.p.c.Peer, rec) }); err != nil {
		return err
	}
	g.rec = rec
	g.mu.Lock()
	g.shown = rec
	g.mu.Unlock()
	return nil
}

// storeFails waits a little after a fault of the store.
func (g *pairing) storeFails(err error) error {
	g.p.log.Error("pairing: nothing can be sent", "err", err)
	g.mu.Lock()
	g.stuck = time.Now().Add(retryStore)
	g.changedLocked()
	g.mu.Unlock()
	return errNotSent
}

// wait returns when the mapping may send.
func (g *pairing) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		may, change := g.mayLocked(time.Now()), g.change
		g.mu.Unlock()
		if may {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// mayLocked tells whether the mapping may send: to a kit that is open, or to headquarters that has answered, or behind a hello.
func (g *pairing) mayLocked(now time.Time) bool {
	if now.Before(g.stuck) {
		return false
	}
	if g.c.kit() {
		return g.kit.state == paired || g.kit.state == due && g.kit.fault == "" && !now.Before(g.kit.notBefore)
	}
	return g.open
}

// dress makes a U_PDU of what compose has, with a hello or an answer in front if one is due; alone, also when compose has nothing. The caller has the
// turn of the bind.
func (g *pairing) dress(mtu int, compose func(int) *upload, alone bool) (*upload, error) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	may := g.mayLocked(time.Now())
	g.mu.Unlock()
	switch {
	case !may:
		return nil, errClosed
	case g.c.kit():
		return g.dressHello(mtu, compose, alone)
	}
	return g.dressAnswer(mtu, compose, alone)
}

// bare is a U_PDU of ours without data.
func (g *pairing) bare() *upload {
	u := &upload{mode: arq, priority: g.p.link.ofKind(store.KindChat), ttl: g.p.link.TTL}
	if g.p.c.Delivery == DeliveryNoARQ {
		u.mode = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: g.p.c.Repeats}
	}
	return u
}

// front puts something before what compose has. handed is called when the server has it.
func (g *pairing) front(u *upload, build func(data []byte) []byte, handed func(t sis.Ticket, data bool, confirms bool, at time.Time)) {
	data, behind := u.updu, u.sent
	if u.mode.TransmissionMode != sis.ARQ && g.p.c.Delivery != DeliveryNoARQ {
		u.mode = arq // a mark that was to go without a link
	}
	u.priority = max(u.priority, g.p.link.ofKind(store.KindChat))
	u.updu = build(data)
	size := len(u.updu) - len(data)
	u.sent = func(t sis.Ticket, at time.Time) {
		handed(t, behind != nil, u.mode.TransmissionMode == sis.ARQ, at)
		if behind != nil {
			behind(t, at)
		}
		g.p.meter.Add(func(c *meter.Counts) { c.Out.Wire += uint64(size) })
	}
}

// send sends what has to go by itself.
func (g *pairing) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.kick:
		case <-timer.C:
		}
		var at time.Time
		for {
			var compose func(mtu int) (*upload, error)
			if compose, at = g.next(time.Now()); compose == nil {
				break
			}
			err := g.p.bind.handOver(ctx, g.p, compose)
			if ctx.Err() != nil {
				return
			}
			if err != nil && !errors.Is(err, errClosed) {
				g.p.m.notSent(err)
			}
		}
		timer.Reset(time.Until(at))
	}
}

// next is what is due, or when to look again.
func (g *pairing) next(now time.Time) (compose func(mtu int) (*upload, error), at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at = now.Add(lookAgain)
	soonest := func(t time.Time) bool {
		if t.After(now) && t.Before(at) {
			at = t
		}
		return !t.After(now)
	}
	if now.Before(g.stuck) {
		return nil, g.stuck
	}
	if !g.stuck.IsZero() { // it is over
		g.stuck = time.Time{}
		g.changedLocked()
	}
	if g.c.kit() {
		return g.nextHelloLocked(now, soonest), at
	}
	return g.nextAnswerLocked(soonest), at
}

// receive acts on what is heard.
func (g *pairing) receive(ctx context.Context) {
	for {
		select {
		case <-g.news:
		case <-ctx.Done():
			return
		}
		for g.digest() {
		}
		g.note()
	}
}

// digest acts on the oldest message, if there is one.
func (g *pairing) digest() bool {
	g.mu.Lock()
	if len(g.inbox) == 0 {
		g.mu.Unlock()
		return false
	}
	h := g.inbox[0]
	g.inbox = g.inbox[1:]
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	switch h.m.Kind {
	case pair.KindHello:
		g.hello(h.u, h.m)
	case pair.KindAnswer:
		g.answer(h.m)
	default:
		g.question(h.m)
	}
	return true
}

// note keeps when the peer was heard last, now and then.
func (g *pairing) note() {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	at, known, first := g.heardAt, g.open || g.kit.state == paired, g.open && g.hq.talked
	g.mu.Unlock()
	rec := g.rec
	first = first && rec.Paired.IsZero()
	since := at.Sub(rec.Heard) // negative: the clock was ahead then
	if !known || at.IsZero() || since >= 0 && since < noteEvery && !first {
		return
	}
	rec.Heard = at
	if first {
		rec.Paired = time.Now()
	}
	if err := g.put(rec); err != nil {
		g.p.log.Error("pairing not noted", "err", err)
	}
}

// heard tells whether the mapping is given what comes from the peer's address, which is no message of pairing. It is called by the bind's reader.
func (g *pairing) heard() bool {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.c.kit() && !g.open {
		g.strangeLocked(now)
		return false
	}
	g.heardAt, g.kit.unheard, g.hq.talked = now, false, true
	poke(g.news)
	return true
}

// fate takes the fate of a request; false: it is for the mapping. It is called by the bind's reader.
func (g *pairing) fate(t sis.Ticket, f fate) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.c.kit() {
		return g.helloFateLocked(t, f)
	}
	g.answerFateLocked(t, f)
	return false
}

// refuse counts a message that has no effect, and tells of it.
func (g *pairing) refuse(why string, args ...any) {
	g.mu.Lock()
	g.refused++
	g.mu.Unlock()
	g.tell(why, args...)
}

// tell logs a refusal, once an hour so that all see it.
func (g *pairing) tell(why string, args ...any) {
	g.mu.Lock()
	n, now := g.refused+uint64(g.shown.Refused), time.Now()
	warn := now.Sub(g.told) >= warnEvery
	if warn {
		g.told = now
	}
	g.mu.Unlock()
	level := slog.LevelDebug
	if warn {
		level = slog.LevelWarn
	}
	g.p.log.Log(context.Background(), level, "pairing: "+why, append(args, "refused", n)...)
}

// pairing brings a message of pairing to the peer that it is for: the invitation tells, as the address may be new. It is called by the bind's reader.
func (b *bind) pairing(u sis.UnidataIndication) {
	m, err := pair.Parse(u.UPDU)
	for _, p := range b.ports {
		if err != nil || p.pair == nil || p.c.Pairing.Token.Invitation() != m.Invitation || p.c.Pairing.kit() == (m.Kind == pair.KindHello) {
			continue
		}
		p.meter.Add(func(c *meter.Counts) { c.In.Wire += uint64(len(u.UPDU) - len(m.Data)) })
		p.pair.introduced(u, m)
		return
	}
	b.mu.Lock()
	b.strays.Pairing++
	n := b.strays.Pairing
	b.mu.Unlock()
	level := slog.LevelDebug
	if n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		level = slog.LevelWarn
	}
	b.log.Log(context.Background(), level, "pairing: message of an invitation that is not in the configuration", "from", u.Source, "invitation", m.Invitation, "count", n, "err", err)
}

// introduced takes a message of pairing. What is behind an answer is the mapping's at once, as all is that comes from headquarters; what is behind
// a hello has to wait until that was taken.
func (g *pairing) introduced(u sis.UnidataIndication, m pair.Message) {
	if m.Kind == pair.KindAnswer && u.Source == g.p.remote() && len(m.Data) > 0 {
		defer func() {
			u.UPDU = m.Data
			g.p.heard(u)
		}()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.inbox) >= mostInbox {
		g.p.drops.overflow.Add(1)
		return
	}
	g.inbox = append(g.inbox, introduced{u, m})
	poke(g.news)
}
