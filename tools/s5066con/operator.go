package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"longwire/links/sis"
	"longwire/tools/s5066con/screen"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

// An operator does what the screen asks for. Its methods do not wait; what they begin ends by close, and sends messages.
//
// mu guards all below it. Nothing is sent under it: the screen may be about to call.
type operator struct {
	a     *app
	send  func(tea.Msg)
	tasks sync.WaitGroup
	done  context.Context
	quit  context.CancelFunc

	mu      sync.Mutex
	o       options
	respond bool
	saps    map[int]*bind
	stop    context.CancelFunc // of the one thing that is going on
	link    *station.HeldLink
	lines   int
	leaving []<-chan struct{} // binds that are being given back
}

// A bind is one SAP while it is wanted.
type bind struct {
	cancel  context.CancelFunc
	station *station.Station // while it is bound
	ready   chan struct{}    // closed when it first is
	gone    chan struct{}
}

var _ screen.Actions = (*operator)(nil)

func newOperator(a *app, o *options) *operator {
	ctx, cancel := context.WithCancel(context.Background())
	return &operator{a: a, o: *o, done: ctx, quit: cancel, respond: o.answer, saps: map[int]*bind{}}
}

// close ends everything and waits.
func (p *operator) close() {
	p.quit()
	p.tasks.Wait()
}

func (p *operator) problem(err error) { p.send(screen.ProblemMsg{Text: err.Error()}) }

// Connect binds, and keeps bound.
func (p *operator) Connect(v settings.Server) {
	p.Disconnect()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.o.server, p.o.sap, p.o.toSAP, p.o.mode = v, int(*v.SAP), int(*v.SAP), first(v.Mode, "arq")
	p.o.broadcast = first(v.Broadcast, sis.Broadcast.String())
	if v.Rate > 0 {
		p.o.rate = v.Rate
	}
	p.bindLocked(p.o.sap, p.respond)
	p.o.settings.Put(v)
	p.save()
}

// save writes the settings. It is a small file.
func (p *operator) save() {
	if err := p.o.settings.Save(p.a.path); err != nil {
		p.tell(err.Error())
	}
}

// bindLocked wants a SAP.
func (p *operator) bindLocked(sap int, respond bool) *bind {
	if b := p.saps[sap]; b != nil {
		return b
	}
	o := p.o
	o.sap, o.answer = sap, respond
	o.trace = true
	if sap == station.Orderwire && sap != p.o.sap {
		o.rank = 0 // what the other bind may do, this one need not
	}
	ctx, cancel := context.WithCancel(p.done)
	b := &bind{cancel: cancel, ready: make(chan struct{}), gone: make(chan struct{})}
	p.saps[sap] = b
	leaving := p.leaving
	p.leaving = nil
	p.tasks.Go(func() {
		for _, gone := range leaving { // else the SAP may still be taken, by ourselves
			<-gone
		}
		p.keep(ctx, b, &o)
		p.mu.Lock()
		if p.saps[sap] == b {
			delete(p.saps, sap)
		}
		p.mu.Unlock()
		close(b.gone)
	})
	return b
}

// keep holds a SAP until ctx is done.
func (p *operator) keep(ctx context.Context, b *bind, o *options) {
	c, err := p.a.config(o, func(e station.Event) { p.send(screen.EventMsg{Event: e}) })
	if err != nil {
		p.problem(err)
		return
	}
	k := sis.Keeper{Binding: c.Binding,
		Serve: func(ctx context.Context, client *sis.Client) error {
			s := station.New(client, c)
			p.mu.Lock()
			b.station = s
			s.Respond(p.respond && o.sap != station.Orderwire)
			select {
			case <-b.ready:
			default:
				close(b.ready)
			}
			p.mu.Unlock()
			err := s.Run(ctx)
			p.mu.Lock()
			b.station, p.link = nil, nil
			p.mu.Unlock()
			return err
		},
		Notice: func(why error, next time.Duration) { p.send(screen.EventMsg{Event: retry(o, why, next)}) }}
	if err := k.Run(ctx); err != nil {
		p.problem(err)
	}
}

// retry says why there is no bind, and what to do.
func retry(o *options, why error, next time.Duration) station.Retry {
	hint := fmt.Sprintf("is a SIS server at %s?", o.server.Address)
	var no *sis.BindError
	var gone *sis.Unbound
	if errors.As(why, &no) {
		hint = station.BindHint(no.Reason)
	} else if errors.As(why, &gone) && gone.Reason != 0 {
		hint = station.UnbindHint(gone.Reason)
	}
	return station.Retry{Why: why.Error(), Hint: hint, After: station.Seconds(next)}
}

// Disconnect gives all SAPs back.
func (p *operator) Disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for sap, b := range p.saps {
		b.cancel()
		p.leaving = append(p.leaving, b.gone)
		delete(p.saps, sap)
	}
}

// begin does one thing at a time with the station of a SAP, for as long as nobody stops it.
func (p *operator) begin(what string, sap int, do func(context.Context, *station.Station) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch b := p.saps[sap]; {
	case p.stop != nil:
		p.tell("something is going on: esc stops it")
	case b == nil || b.station == nil:
		p.tell("not bound: there is nothing to send with")
	default:
		s := b.station
		ctx, cancel := context.WithCancel(p.done)
		p.stop = cancel
		p.tasks.Go(func() {
			p.send(screen.BusyMsg{What: what})
			err := do(ctx, s)
			cancel()
			p.mu.Lock()
			p.stop = nil
			p.mu.Unlock()
			p.send(screen.BusyMsg{})
			if err != nil && !errors.Is(err, station.ErrStopped) {
				p.problem(err)
			}
		})
	}
}

// tell says something without waiting for the screen.
func (p *operator) tell(text string) {
	p.tasks.Go(func() { p.send(screen.ProblemMsg{Text: text}) })
}

// Stop ends what is going on.
func (p *operator) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		p.stop()
	}
}

// path is the way to a station with the mode that the screen shows.
func (p *operator) path(to string, nonARQ bool) (station.Path, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.o
	o.mode = "arq"
	if nonARQ {
		o.mode = "non-arq"
	}
	return o.to(to)
}

// Discover asks who is there.
func (p *operator) Discover() {
	path, err := p.path("all", true)
	if err != nil {
		p.tell(err.Error())
		return
	}
	p.begin("discovering", p.sap(), func(ctx context.Context, s *station.Station) error {
		_, err := s.Discover(ctx, station.Discovery{Path: path})
		return err
	})
}

func (p *operator) sap() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.o.sap
}

// Ping asks whether a station is there.
func (p *operator) Ping(to string, nonARQ bool) {
	path, err := p.path(to, nonARQ)
	if err != nil {
		p.tell(err.Error())
		return
	}
	p.begin("pinging "+to, p.sap(), func(ctx context.Context, s *station.Station) error {
		_, err := s.Ping(ctx, station.Ping{Path: path})
		return err
	})
}

func (p *operator) test(t screen.Test) (station.Test, string, error) {
	path, err := p.path(t.To, t.NonARQ)
	path.TTL = 10 * time.Minute
	p.mu.Lock()
	defer p.mu.Unlock()
	r, basis := p.o.radio()
	return station.Test{Path: path, Count: t.Count, Size: t.Size, Report: true, Radio: r}, basis, err
}

// Plan says what a test will take.
func (p *operator) Plan(t screen.Test) string {
	x, basis, err := p.test(t)
	if err == nil {
		err = x.Check(0)
	}
	if err != nil {
		return err.Error()
	}
	e := x.Plan()
	return fmt.Sprintf("About %v of air at %s %d bit/s, %v in all", station.Round(e.Air), basis, x.Radio.Rate, station.Round(e.Time))
}

// Test measures the way to a station, and remembers how fast it was.
func (p *operator) Test(t screen.Test) {
	x, _, err := p.test(t)
	if err != nil {
		p.tell(err.Error())
		return
	}
	p.begin("testing "+t.To, p.sap(), func(ctx context.Context, s *station.Station) error {
		done, err := s.Test(ctx, x)
		if err != nil || !x.ARQ() || done.Rate <= 0 {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.o.server.Goodput = math.Round(done.Rate)
		p.o.settings.Put(p.o.server)
		p.save()
		return nil
	})
}

// Say sends a line of the orderwire. The first one binds SAP 5.
func (p *operator) Say(to, line string, nonARQ bool) {
	path, err := p.path(to, nonARQ)
	if err == nil {
		_, err = station.Compose(line)
	}
	if err != nil {
		p.tell(err.Error())
		return
	}
	path.SAP = station.Orderwire
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.server.Network == "serial" && p.o.sap != station.Orderwire {
		p.tell("a serial line carries one SAP: connect with SAP 5 to chat")
		return
	}
	b := p.bindLocked(station.Orderwire, false)
	p.lines++
	n := p.lines
	p.tasks.Go(func() {
		select {
		case <-b.ready:
		case <-b.gone:
			return
		}
		p.mu.Lock()
		s := b.station
		p.mu.Unlock()
		if s == nil {
			p.problem(errors.New("not bound to SAP 5: the line was not sent"))
			return
		}
		if _, err := s.Say(p.done, path, n, line); err != nil && p.done.Err() == nil {
			p.problem(err)
		}
	})
}

// Chat binds SAP 5, so that lines are heard.
func (p *operator) Chat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.saps) > 0 && p.o.server.Network != "serial" {
		p.bindLocked(station.Orderwire, false)
	}
}

// MakeLink asks for a hard link, and holds it.
func (p *operator) MakeLink(to string, linkType int) {
	path, err := p.path(to, false)
	if err != nil {
		p.tell(err.Error())
		return
	}
	l := sis.HardLink{LinkType: sis.HardLinkType(linkType), RemoteNode: path.To}
	if l.LinkType == sis.HardLinkForPair {
		l.RemoteSAP = path.SAP
	}
	p.begin("making a hard link to "+to, p.sap(), func(ctx context.Context, s *station.Station) error {
		h, ok, err := s.MakeLink(ctx, l)
		if !ok {
			return err
		}
		p.mu.Lock()
		p.link = h
		p.mu.Unlock()
		return nil
	})
}

// BreakLink ends it.
func (p *operator) BreakLink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.link
	p.link = nil
	if h == nil {
		p.tell("there is no hard link of ours")
		return
	}
	p.tasks.Go(h.Release)
}

// Respond answers probes, or does not.
func (p *operator) Respond(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.respond = on
	if b := p.saps[p.o.sap]; b != nil && b.station != nil {
		b.station.Respond(on)
	}
}

// NodeStatus asks the node's management.
func (p *operator) NodeStatus() {
	p.begin("asking the node", p.sap(), func(ctx context.Context, s *station.Station) error {
		return s.Manage(ctx, station.ManageStatus, nil)
	})
}

// Name remembers what a station is called.
func (p *operator) Name(address, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := map[string]string{}
	for a, n := range p.o.settings.Stations {
		names[a] = n
	}
	names[address] = name
	p.o.settings.Stations = names
	p.save()
}
