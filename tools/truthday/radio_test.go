package truthday_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// station is a whole STANAG 5066 station that is switched off and on with another waveform, as operators do.
type station struct {
	t       testing.TB
	channel *modem.Channel
	address dts.Address

	mu    sync.Mutex // guards what follows
	node  *subnet.Node
	ctx   context.Context
	stop  context.CancelFunc
	tasks *sync.WaitGroup
}

// on switches it on at a rate, after off if it was on.
func (s *station) on(rate int) {
	s.off()
	w, err := modem.Find(rate, dts.ShortInterleaver)
	if err != nil {
		s.t.Error(err)
		return
	}
	c := subnet.Config{Name: s.address.String(), Address: s.address, Waveform: w, FixedRate: true}
	c.CAS.DTS.Seed = 1
	n, err := subnet.New(c, s.channel.Station(s.address.String()))
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.node, s.tasks = n, new(sync.WaitGroup)
	s.ctx, s.stop = context.WithCancel(context.Background())
	ctx := s.ctx
	s.tasks.Go(func() {
		if err := n.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
}

func (s *station) off() {
	s.mu.Lock()
	stop, tasks := s.stop, s.tasks
	s.node, s.stop = nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
		tasks.Wait()
	}
}

// dial is a client's way to its SIS server.
func (s *station) dial(context.Context, s5066.Server) (io.ReadWriteCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.node == nil {
		return nil, errors.New("truthday: the station is off")
	}
	near, far := net.Pipe()
	n, ctx := s.node, s.ctx
	s.tasks.Go(func() { _ = n.SIS().Carry(ctx, sis.Carrier{ReadWriteCloser: far, Name: "pipe"}) })
	return near, nil
}
