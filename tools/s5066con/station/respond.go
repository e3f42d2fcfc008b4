package station

import (
	"context"
	"slices"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// far is what a Station remembers of others that ask. All of it is bounded: anybody on the air can make it grow.
type far struct {
	most  int // answers to one station in a span
	since time.Time
	count map[sis.Address]int
	all   int
	runs  []*farRun // the oldest first
}

const (
	answerSpan = 10 * time.Minute
	mostRuns   = 64
	mostWait   = 10 * time.Minute
)

// A farRun is a run of another console.
type farRun struct {
	from  station
	run   uint16
	kind  probe.Kind
	count probe.Counter
}

func newFar(most int) far { return far{most: most, count: map[sis.Address]int{}} }

// allow tells whether a station gets another answer.
func (f *far) allow(a sis.Address, now time.Time) bool {
	if now.Sub(f.since) >= answerSpan {
		f.since, f.all = now, 0
		clear(f.count)
	}
	if f.count[a] >= f.most || f.all >= 4*f.most {
		return false
	}
	f.count[a]++
	f.all++
	return true
}

// get finds a run, or remembers a new one in the place of the oldest.
func (f *far) get(from station, run uint16, kind probe.Kind) *farRun {
	i := slices.IndexFunc(f.runs, func(r *farRun) bool { return r.from == from && r.run == run && r.kind == kind })
	if i >= 0 {
		return f.runs[i]
	}
	if len(f.runs) >= mostRuns {
		f.runs = slices.Delete(f.runs, 0, 1)
	}
	r := &farRun{from: from, run: run, kind: kind}
	f.runs = append(f.runs, r)
	return r
}

// An answer waits for its time.
type answer struct {
	to    sis.UnidataIndication
	what  probe.Probe
	heard time.Time
	due   time.Time
}

// asked takes a probe of another console.
func (s *Station) asked(p probe.Probe, e sis.UnidataIndication, now time.Time) {
	from := station{e.Source, e.SourceSAP}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reply {
		return
	}
	a := answer{to: e, heard: now, due: now}
	a.what = probe.Probe{Run: p.Run, Sequence: p.Sequence}
	switch p.Kind {
	case probe.Data:
		s.far.get(from, p.Run, probe.Data).count.Add(p.Sequence, p.Size, now)
		return
	case probe.End:
		a.what.Kind = probe.Report
		a.what.Tally = s.far.get(from, p.Run, probe.Data).count.Tally()
	case probe.Ping:
		a.what.Kind = probe.Pong
		if p.Echo {
			a.what.Size = p.Size
		}
	case probe.Discover:
		a.what.Kind = probe.Here
		a.what.Name = s.c.Name
	default:
		return
	}
	if !s.far.get(from, p.Run, p.Kind).count.Add(p.Sequence, 0, now) {
		return // a copy: it was answered
	}
	if e.Destination.Group() {
		// Others heard it too. They must not all answer at once.
		window := p.Window
		if p.Kind != probe.Discover {
			window = 10 * time.Second
		}
		a.due = now.Add(s.real(time.Duration(s.rand.Int64N(int64(window) + 1))))
	}
	if !s.far.allow(e.Source, now) {
		s.refuse(a, "too many answers in ten minutes")
		return
	}
	select {
	case s.answers <- a:
	default:
		s.refuse(a, "busy")
	}
}

func (s *Station) refuse(a answer, why string) {
	s.emit(Answered{To: a.to.Source.String(), What: a.what.Kind.String(), Sequence: int(a.what.Sequence), Refused: why})
}

// answer sends answers when they are due.
func (s *Station) answer(ctx context.Context) {
	var waiting []answer
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		in := s.answers
		if len(waiting) >= cap(s.answers) {
			in = nil
		}
		next := time.Hour
		if len(waiting) > 0 {
			next = time.Until(waiting[0].due)
		}
		timer.Reset(next)
		select {
		case a := <-in:
			i, _ := slices.BinarySearchFunc(waiting, a, func(x, y answer) int { return x.due.Compare(y.due) })
			waiting = slices.Insert(waiting, i, a)
		case <-timer.C:
			if len(waiting) == 0 {
				continue
			}
			a := waiting[0]
			waiting = waiting[1:]
			if s.say(ctx, a) != nil {
				return // the bind is gone
			}
		case <-ctx.Done():
			return
		}
	}
}

// say sends one answer, the way it was asked.
func (s *Station) say(ctx context.Context, a answer) error {
	held := time.Since(a.heard)
	if s.radio(held) > mostWait {
		s.refuse(a, "too late")
		return nil
	}
	a.what.Hold = s.radio(held)
	service := sis.ServiceType{TransmissionMode: sis.ARQ}
	if a.to.TransmissionMode != sis.ARQ {
		service = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: s.c.Binding.ServiceType.MinRetransmissions}
	}
	if a.what.Kind == probe.Report {
		service = sure(service)
	}
	to := Path{To: a.to.Source, SAP: a.to.SourceSAP, Service: service, Priority: a.to.Priority}
	if err := s.send(ctx, to.request(a.what.Append(nil)), waiter{}); err != nil {
		return err
	}
	s.emit(Answered{To: a.to.Source.String(), What: a.what.Kind.String(), Sequence: int(a.what.Sequence)})
	return nil
}
