// Package station is the engine of the S5066 console: what can be tried from one SAP of a SIS server, and what it hears there. It
// knows no screen and no JSON, and uses nothing of the server but the primitives that each has.
package station

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// Orderwire is the SAP of lines that people type. S5066 F, table F-1: HFCHAT.
const Orderwire = 5

// Free is the SAP that consoles use among themselves, if nobody says another. S5066 F, table F-1: 13 to 15 are free.
const Free = 13

// Config says what a Station is. Zero fields mean the default.
type Config struct {
	Binding sis.Binding // its SAP and service type count; Name and Dial too
	Name    string      // what a station that looks for others is told
	Respond bool        // answer probes; with false nothing is sent that no method was called for
	Answers int         // in ten minutes, to each station; 60
	Accept  bool        // hard links that others offer
	Scale   float64     // of the radio's time, when that is simulated; 1
	Trace   bool        // emit each Primitive
	Rand    *rand.Rand  // for numbers of runs and for waits

	// Emit hears all events, one at a time and in order. It must not call the Station.
	Emit func(Event)
}

// A Station is one bound SAP. Its methods wait; any number of them may run at a time. Two goroutines belong to Run: the one that calls
// it takes what the node says, another sends answers.
//
// mu guards all that is below it; emitting is its own lock, so that events stay in order.
type Station struct {
	c       Config
	client  *sis.Client
	answers chan answer
	over    chan struct{} // closed when Run ends

	emitting *sync.Mutex

	mu    sync.Mutex
	rand  *rand.Rand
	fates map[sis.Ticket]waiter
	early map[sis.Ticket]fate // of requests whose sender is not yet here to wait
	runs  map[uint16]chan echo
	links map[sis.Address]chan Link
	far   far // what was heard of other stations' runs
	reply bool
	heard map[sis.Address]bool
	why   error
}

// A fate is what became of a request.
type fate struct {
	sequence  int
	delivered bool
	code      int
	why, hint string
	at        time.Time
}

// A waiter is who wants to know. The channel has room for all that its owner asked for.
type waiter struct {
	fates    chan<- fate
	sequence int
}

func (w waiter) tell(f fate) {
	f.sequence = w.sequence
	w.fates <- f
}

// An echo is an answer to a run of ours.
type echo struct {
	probe.Probe
	from sis.UnidataIndication
	at   time.Time
}

// Codes of Failed that no node sends.
const (
	NoAnswer = -1
	BindLost = -2
)

// ErrStopped is what a method returns when its context ended it.
var ErrStopped = errors.New("stopped")

func (c Config) orDefault() Config {
	if c.Scale <= 0 {
		c.Scale = 1
	}
	if c.Answers <= 0 {
		c.Answers = 60
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if c.Emit == nil {
		c.Emit = func(Event) {}
	}
	return c
}

// Tap is c with a Dial that emits the primitives, if c.Trace asks for that. Bind with its Binding, and give the same to New.
func (c Config) Tap() Config {
	emit, locked := c.orDefault().Emit, new(sync.Mutex)
	c.Emit = func(e Event) {
		locked.Lock()
		defer locked.Unlock()
		emit(e)
	}
	if dial := c.Binding.Dial; c.Trace {
		c.Binding.Dial = func(ctx context.Context) (io.ReadWriteCloser, error) {
			carrier, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			return newTap(carrier, c.Emit), nil
		}
	}
	return c
}

// New makes a Station of a bind. Run has to be called.
func New(client *sis.Client, c Config) *Station {
	c = c.orDefault()
	s := &Station{c: c, client: client, answers: make(chan answer, 16), over: make(chan struct{}), emitting: new(sync.Mutex), rand: c.Rand,
		fates: map[sis.Ticket]waiter{}, early: map[sis.Ticket]fate{}, runs: map[uint16]chan echo{}, links: map[sis.Address]chan Link{},
		far: newFar(c.Answers), reply: c.Respond, heard: map[sis.Address]bool{}}
	s.emit(Bound{Server: c.Binding.Name, SAP: c.Binding.SAP, MTU: client.MTU()})
	return s
}

// Run takes what the node says until the bind is lost or ctx is done. The error is an *sis.Unbound, or why ctx is done.
func (s *Station) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { s.answer(ctx) })
	var err error
	for err == nil {
		var e sis.Event
		if e, err = s.client.Recv(ctx); err == nil {
			s.take(e)
		}
	}
	s.end(err)
	cancel()
	tasks.Wait()
	return err
}

// Respond turns the answering of probes on or off.
func (s *Station) Respond(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = on
}

func (s *Station) emit(e Event) {
	s.emitting.Lock()
	defer s.emitting.Unlock()
	s.c.Emit(e)
}

// radio is how long a wait was for the radio.
func (s *Station) radio(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.c.Scale)
}

// real is how long to wait for it.
func (s *Station) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.c.Scale)
}

// end gives all that waits its end.
func (s *Station) end(err error) {
	s.mu.Lock()
	s.why = err
	fates, now := s.fates, time.Now()
	s.fates = nil
	s.mu.Unlock()
	for _, w := range fates {
		w.tell(lost(err, now))
	}
	close(s.over)
	var u *sis.Unbound
	if errors.As(err, &u) && !errors.Is(err, sis.ErrClosed) {
		s.emit(Unbound{Why: u.Error(), Hint: UnbindHint(u.Reason), Unknown: len(u.Outstanding)})
	}
}

func lost(err error, now time.Time) fate {
	return fate{code: BindLost, why: "the bind was lost before an answer came: " + err.Error(), hint: "it may have arrived all the same; bind again and ask", at: now}
}

// take acts on an event of the client.
func (s *Station) take(e sis.Event) {
	now := time.Now()
	switch e := e.(type) {
	case sis.Confirmed:
		s.settle(e.Ticket, fate{delivered: true, at: now})
	case sis.Rejected:
		f := fate{code: int(e.Answer.Reason), why: e.Answer.Reason.String(), hint: RejectHint(e.Answer.Reason), at: now}
		if e.Ticket == 0 {
			s.emit(Failed{What: "unidata", To: e.Answer.Destination.String(), Sequence: -1, Why: f.why, Code: f.code, Hint: f.hint})
		}
		s.settle(e.Ticket, f)
	case sis.Unanswered:
		s.settle(e.Ticket, fate{code: NoAnswer, why: "the node never said what became of it", hint: "see the node's log", at: now})
	case sis.UnidataIndication:
		s.arrived(e, now)
	case sis.DataFlowOff:
		s.emit(Flow{false})
	case sis.DataFlowOn:
		s.emit(Flow{true})
	case sis.SubnetAvailability:
		s.emit(Availability{e.Status.String(), e.Reason.String()})
	case sis.ManagementMsgIndication:
		m := managed(e)
		if n, ok := m.(NodeState); ok {
			for _, h := range n.Heard {
				if a, err := sis.ParseAddress(h.Address); err == nil {
					s.note(a)
				}
			}
		}
		s.emit(m)
	default:
		s.hardLink(e)
	}
}

// settle tells who sent a request what became of it. The client says it once for each.
func (s *Station) settle(t sis.Ticket, f fate) {
	if t == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.fates[t]; ok {
		delete(s.fates, t)
		w.tell(f)
		return
	}
	s.early[t] = f
}

// send gives the node a U_PDU, and returns when it is the next to go there. Of one that is confirmed the waiter is told the fate, once.
func (s *Station) send(ctx context.Context, p sis.UnidataRequest, w waiter) error {
	t, err := s.client.Unidata(ctx, p)
	if err != nil || !confirmed(p.DeliveryMode) || w.fates == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.early[t]; ok {
		delete(s.early, t)
		w.tell(f)
	} else if s.fates == nil {
		w.tell(lost(s.why, time.Now()))
	} else {
		s.fates[t] = w
	}
	return nil
}

func confirmed(service sis.ServiceType) bool {
	return service.TransmissionMode == sis.ARQ && service.Confirmation != sis.NoConfirmation
}

// begin makes a run, whose answers come on the channel. end forgets it.
func (s *Station) begin() (run uint16, answers <-chan echo, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		run = uint16(s.rand.Uint32())
		if _, taken := s.runs[run]; !taken {
			break
		}
	}
	c := make(chan echo, 256)
	s.runs[run] = c
	return run, c, func() {
		s.mu.Lock()
		delete(s.runs, run)
		s.mu.Unlock()
	}
}
