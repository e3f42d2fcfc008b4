package station

import (
	"context"
	"fmt"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// A Test sends many U_PDUs and counts what becomes of them.
type Test struct {
	Path
	Count  int           // 10; up to probe.MaxData
	Size   int           // of each U_PDU; 200
	Window int           // ARQ: so many in the node's custody at a time; a minute of air. What is there when a test is stopped may still be sent
	Report bool          // ask the other console what arrived
	Wait   time.Duration // for its report, each of three times; 60 s
	Radio  probe.Radio   // non-ARQ: the node is given U_PDUs as fast as this sends them, for it does not say when it has
}

func (t Test) orDefault() Test {
	if t.Count <= 0 {
		t.Count = 10
	}
	if t.Size <= 0 {
		t.Size = 200
	}
	t.Size = max(t.Size, probe.Header)
	if t.Wait <= 0 {
		t.Wait = time.Minute
	}
	if t.Radio.Rate <= 0 {
		t.Radio.Rate = AssumedRate
	}
	if t.Window <= 0 {
		t.Window = min(max(t.Radio.Rate*60/8/t.Size, 2), 32)
	}
	return t
}

// AssumedRate is for estimates, when no rate is told.
const AssumedRate = 300

// lead is how many non-ARQ U_PDUs the node has in advance, so that its transmitter does not wait for us.
const lead = 2

// Plan says what it will take.
func (t Test) Plan() probe.Estimate {
	t = t.orDefault()
	plan := t.Radio.NonARQ
	if t.ARQ() {
		plan = func(count, size, _ int) probe.Estimate { return t.Radio.ARQ(count, size) }
	}
	k := int(t.Service.MinRetransmissions)
	e := plan(t.Count, t.Size, k)
	if t.Report {
		k = int(sure(t.Service).MinRetransmissions)
		e = e.And(plan(1, probe.Header+2, k)).And(plan(1, probe.Header+16, k))
	}
	return e
}

// sure is for the few U_PDUs that a non-ARQ test is worth nothing without.
//
// Choice: two repeats more. The End and the report are short, and a lost one costs a minute of waiting.
func sure(service sis.ServiceType) sis.ServiceType {
	if service.TransmissionMode != sis.ARQ {
		service.MinRetransmissions = max(service.MinRetransmissions, 2)
	}
	return service
}

// Check says what is wrong with a test before anything is sent.
func (t Test) Check(mtu int) error {
	t = t.orDefault()
	switch {
	case t.Count > probe.MaxData:
		return fmt.Errorf("station: a test has %d U_PDUs at most, not %d", probe.MaxData, t.Count)
	case mtu > 0 && t.Size > mtu:
		return fmt.Errorf("station: U_PDUs of %d bytes; the node takes %d at most", t.Size, mtu)
	}
	return t.Path.Check()
}

// testing is a Test that runs.
type testing struct {
	Test
	s           *Station
	run         uint16
	answers     <-chan echo
	fates       chan fate
	sentAt      []time.Time
	outstanding int
	lastGood    time.Time
	done        TestDone
	delivery    probe.Delays
	reports     map[sis.Address]Arrived
}

// Test does t. The error says why it ended early; the result counts what is known even then.
func (s *Station) Test(ctx context.Context, t Test) (TestDone, error) {
	t = t.orDefault()
	if err := t.Check(s.client.MTU()); err != nil {
		return TestDone{}, err
	}
	run, answers, end := s.begin()
	defer end()
	g := &testing{Test: t, s: s, run: run, answers: answers, fates: make(chan fate, t.Window+1), reports: map[sis.Address]Arrived{}}
	g.done = TestDone{To: t.To.String(), Mode: t.Service.TransmissionMode.String(), Size: t.Size, Loss: -1, Reports: []Arrived{}}
	err := g.all(ctx)
	if ctx.Err() != nil {
		err = ErrStopped
		g.done.Stopped = true
	}
	g.drain()
	g.finish()
	s.emit(g.done)
	return g.done, err
}

// all sends everything, waits for its fate, and asks for reports.
func (g *testing) all(ctx context.Context) error {
	for i := range g.Count {
		if err := g.turn(ctx, i); err != nil {
			return err
		}
		if err := g.send(ctx, i); err != nil {
			return err
		}
	}
	for g.outstanding > 0 {
		if _, err := g.next(ctx, nil); err != nil {
			return err
		}
	}
	if !confirmed(g.Service) && !g.Report {
		return g.pace(ctx, g.Count+lead-1) // else unbinding might take back what the node still has
	}
	if !g.Report || g.ARQ() && confirmed(g.Service) && g.done.Delivered == 0 {
		return nil // Choice: nobody is asked who was not reached
	}
	return g.ask(ctx)
}

// turn waits until the next U_PDU may go to the node.
func (g *testing) turn(ctx context.Context, i int) error {
	if !confirmed(g.Service) {
		return g.pace(ctx, i)
	}
	for g.outstanding >= g.Window {
		if _, err := g.next(ctx, nil); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pace waits until the node should have sent all but the lead.
func (g *testing) pace(ctx context.Context, i int) error {
	if i < lead {
		return ctx.Err()
	}
	each := g.Radio.NonARQ(1, g.Size, int(g.Service.MinRetransmissions)).Time
	due := time.NewTimer(time.Until(g.sentAt[0].Add(g.s.real(time.Duration(i-lead+1) * each))))
	defer due.Stop()
	for {
		if expired, err := g.next(ctx, due.C); err != nil || expired {
			return err
		}
	}
}

func (g *testing) send(ctx context.Context, i int) error {
	u := probe.Probe{Kind: probe.Data, Run: g.run, Sequence: uint16(i), Size: g.Size}.Append(nil)
	at := time.Now()
	if err := g.s.send(ctx, g.request(u), waiter{g.fates, i}); err != nil {
		return err
	}
	if confirmed(g.Service) {
		g.outstanding++
	}
	g.sentAt = append(g.sentAt, at)
	g.done.Sent++
	g.s.emit(Sent{What: "data", To: g.done.To, Sequence: i, Bytes: len(u)})
	return nil
}
