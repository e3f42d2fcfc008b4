package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
	"longwire/tools/s5066con/station"
)

// A session is a bound station and the face that shows it.
type session struct {
	*station.Station
	a      *app
	o      *options
	face   *face
	client *sis.Client
	ran    chan error // what Run returned
	cancel context.CancelFunc
}

// config is the station that the flags describe.
func (a *app) config(o *options, emit func(station.Event)) (station.Config, error) {
	d, err := a.dial(o.server)
	if err != nil {
		return station.Config{}, err
	}
	service := o.service()
	if o.confirm == "" {
		service.Confirmation = sis.NodeConfirmation
	}
	if service.TransmissionMode != sis.ARQ {
		service.Confirmation = sis.NoConfirmation
	}
	c := station.Config{
		Binding: sis.Binding{Name: o.server.Name, Dial: d.dial, Noisy: d.noisy, SAP: uint8(o.sap), Rank: uint8(o.rank), ServiceType: service,
			BindWait: o.connect, Window: max(o.inflight, 32)},
		Name: o.name, Respond: o.answer, Accept: o.accept, Answers: o.answers, Scale: o.scale, Trace: o.trace, Emit: emit,
	}
	if a.rand != nil {
		c.Rand = a.rand()
	}
	return c.Tap(), nil
}

// open binds. If that fails, it has been said, and code is what to exit with.
func (a *app) open(ctx context.Context, o *options, hide func(station.Event) bool) (s *session, code int) {
	f := &face{out: a.out, json: o.json, hide: hide}
	c, err := a.config(o, f.show)
	if err != nil {
		return nil, f.fail(a, exitMisuse, err, "")
	}
	dialing, stop := context.WithTimeout(ctx, o.connect)
	defer stop()
	client, err := sis.Bind(dialing, c.Binding)
	if err != nil {
		return nil, f.refused(ctx, a, o, err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s = &session{Station: station.New(client, c), a: a, o: o, face: f, client: client, ran: make(chan error, 1), cancel: cancel}
	go func() { s.ran <- s.Run(running) }()
	return s, exitGood
}

// refused says why there is no bind.
func (f *face) refused(ctx context.Context, a *app, o *options, err error) int {
	var no *sis.BindError
	switch {
	case ctx.Err() != nil:
		return exitStopped
	case errors.As(err, &no):
		return f.fail(a, exitRefused, err, station.BindHint(no.Reason))
	}
	return f.fail(a, exitUnreachable, err, fmt.Sprintf("is a SIS server at %s? Give another with -server host:port", o.server.Address))
}

// close unbinds, and waits until nothing is left.
func (s *session) close() {
	s.client.Close()
	s.cancel()
	<-s.ran
}

// end closes the session, and makes an exit code of how an operation ended.
func (s *session) end(err error, good bool) int {
	s.close()
	var bad *sis.Error
	switch {
	case err == nil && good:
		return exitGood
	case err == nil:
		return exitNothing
	case errors.Is(err, station.ErrStopped):
		return exitStopped
	case errors.As(err, new(*sis.Unbound)):
		return s.face.fail(s.a, exitLost, err, "what was on its way may have arrived all the same")
	case errors.As(err, &bad), errors.Is(err, sis.ErrTooLong):
		return s.face.fail(s.a, exitMisuse, err, "")
	}
	return s.face.fail(s.a, exitMisuse, err, "")
}

// plan says what something will take, before the server is asked for anything. It refuses what takes too much.
func (a *app) plan(o *options, what string, e probe.Estimate) (code int, ok bool) {
	f := &face{out: a.out, json: o.json}
	r, basis := o.radio()
	f.show(station.Planned{What: what, Air: station.Seconds(e.Air), Time: station.Seconds(e.Time), Transmissions: e.Transmissions, Rate: r.Rate, Basis: basis})
	if o.maxAir > 0 && e.Air > o.maxAir {
		err := fmt.Errorf("this would take about %v of air, and -max-air is %v", e.Air.Round(time.Second), o.maxAir)
		hint := "ask for less, or allow more with -max-air"
		if basis == "assumed" {
			hint += "; tell the rate of the radio with -rate"
		}
		return f.fail(a, exitAir, err, hint), false
	}
	return exitGood, true
}
