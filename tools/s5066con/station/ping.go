package station

import (
	"context"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// A Ping asks another console for answers, one at a time.
type Ping struct {
	Path
	Count int           // 1
	Every time.Duration // from one to the next, at least; 1 s
	Size  int           // of the U_PDU, as long as the least at least
	Echo  bool          // answers as long as pings
	Wait  time.Duration // for an answer to each; 2 minutes
}

func (p Ping) orDefault() Ping {
	p.Count = max(p.Count, 1)
	if p.Every <= 0 {
		p.Every = time.Second
	}
	if p.Wait <= 0 {
		p.Wait = 2 * time.Minute
	}
	if p.TTL <= 0 {
		p.TTL = p.Wait
	}
	p.Size = max(p.Size, probe.Header+1)
	return p
}

// Plan says what it will take.
func (p Ping) Plan(r probe.Radio) probe.Estimate {
	p = p.orDefault()
	answer := probe.Header + 2
	if p.Echo {
		answer = max(answer, p.Size)
	}
	if p.ARQ() {
		return r.Exchanges(p.Count, p.Size, answer)
	}
	k := int(p.Service.MinRetransmissions)
	return r.NonARQ(p.Count, p.Size, k).And(r.NonARQ(p.Count, answer, k))
}

// pinging is a Ping that runs.
type pinging struct {
	Ping
	s          *Station
	run        uint16
	answers    <-chan echo
	sentAt     []time.Time
	answered   map[int]map[sis.Address]bool
	done       PingDone
	delivery   probe.Delays
	roundTrips probe.Delays
}

// Ping does p. It is good when anything came back: see the result. The error says why it ended early.
//
// A ping that the other node confirms and no console answers is a sign of life too. After one of those it waits for confirmations alone,
// and still takes what answers come.
func (s *Station) Ping(ctx context.Context, p Ping) (PingDone, error) {
	if err := p.Check(); err != nil {
		return PingDone{}, err
	}
	run, answers, end := s.begin()
	defer end()
	g := &pinging{Ping: p.orDefault(), s: s, run: run, answers: answers, answered: map[int]map[sis.Address]bool{}}
	g.done.To, g.done.Console = p.To.String(), "unknown"
	var err error
	for i := range g.Count {
		if err = g.once(ctx, i); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		err = ErrStopped
		g.done.Stopped = true
	}
	g.done.Delivery, g.done.RoundTrip = spread(&g.delivery, 8), spread(&g.roundTrips, 8)
	s.emit(g.done)
	return g.done, err
}

// once sends one ping and waits for what comes of it.
func (g *pinging) once(ctx context.Context, i int) error {
	s := g.s
	u := probe.Probe{Kind: probe.Ping, Run: g.run, Sequence: uint16(i), Echo: g.Echo, Size: g.Size}.Append(nil)
	fates := make(chan fate, 1)
	if err := s.send(ctx, g.request(u), waiter{fates, i}); err != nil {
		return err
	}
	unconfirmed := confirmed(g.Service)
	start := time.Now()
	g.sentAt = append(g.sentAt, start)
	g.done.Sent++
	s.emit(Sent{What: "ping", To: g.done.To, Sequence: i, Bytes: len(u)})
	late := time.NewTimer(s.real(g.Wait))
	defer late.Stop()
	for waiting := true; waiting; {
		select {
		case f := <-fates:
			if f.code == BindLost {
				g.fail(i, f, s.radio(f.at.Sub(start)))
				return s.ended()
			}
			unconfirmed = false
			waiting = g.fate(i, f, start, late)
		case e := <-g.answers:
			g.take(e)
			waiting = g.Path.To.Group() || !g.isAnswered(i) || unconfirmed
		case <-late.C:
			waiting = false
			g.silent(i, unconfirmed)
		case <-s.over:
			return s.ended()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if i == g.Count-1 {
		return nil
	}
	return g.pause(ctx, time.Until(start.Add(s.real(g.Every))))
}

// fate takes what became of a ping, and tells whether to wait on.
func (g *pinging) fate(i int, f fate, start time.Time, late *time.Timer) bool {
	after := g.s.radio(f.at.Sub(start))
	if !f.delivered {
		g.fail(i, f, after)
		return false
	}
	g.done.Delivered++
	g.delivery.Add(after)
	g.s.emit(Delivered{What: "ping", To: g.done.To, Sequence: i, By: g.by(), After: Seconds(after)})
	if g.isAnswered(i) || g.done.Console == "silent" {
		return false
	}
	// Choice: what took a time to be confirmed takes no more than three such times and a quarter of a minute to be answered.
	if rest := 3*f.at.Sub(start) + g.s.real(15*time.Second); time.Until(start.Add(g.s.real(g.Wait))) > rest {
		late.Reset(rest)
	}
	return true
}

func (g *pinging) fail(i int, f fate, after time.Duration) {
	g.done.Failed++
	g.s.emit(Failed{What: "ping", To: g.done.To, Sequence: i, Why: f.why, Code: f.code, Hint: f.hint, After: Seconds(after)})
}

// silent is the end of the wait for an answer.
func (g *pinging) silent(i int, unconfirmed bool) {
	switch {
	case g.isAnswered(i):
	case unconfirmed:
		g.fail(i, fate{code: NoAnswer, why: "no confirmation and no answer in time", hint: "wait longer, or ask for less"}, g.Wait)
	case g.ARQ() && confirmed(g.Service):
		if g.done.Answered == 0 {
			g.done.Console = "silent"
		}
	default:
		g.fail(i, fate{code: NoAnswer, why: "no answer in time", hint: "no console may be there: non-ARQ has no other sign of life; ARQ has"}, g.Wait)
	}
}

// take counts an answer.
func (g *pinging) take(e echo) {
	i := int(e.Sequence)
	if e.Kind != probe.Pong || i >= len(g.sentAt) {
		return
	}
	a := Answer{From: e.from.Source.String(), Sequence: i, Bytes: e.Size, Mode: e.from.TransmissionMode.String(), Hold: Seconds(e.Hold)}
	a.After = Seconds(max(g.s.radio(e.at.Sub(g.sentAt[i]))-e.Hold, 0))
	if a.Duplicate = g.answered[i][e.from.Source]; a.Duplicate {
		g.done.Duplicates++
		g.s.emit(a)
		return
	}
	if g.answered[i] == nil {
		g.answered[i] = map[sis.Address]bool{}
		g.done.Answered++
	}
	g.answered[i][e.from.Source] = true
	g.done.Console = "answers"
	g.roundTrips.Add(time.Duration(a.After))
	g.s.emit(a)
}

func (g *pinging) isAnswered(i int) bool { return len(g.answered[i]) > 0 }

// pause waits before the next ping, and takes what comes late.
func (g *pinging) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return nil
		case e := <-g.answers:
			g.take(e)
		case <-g.s.over:
			return g.s.ended()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ended is why there is no bind any more.
func (s *Station) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}
