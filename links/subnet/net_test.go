package subnet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

func address(i int) dts.Address { return 0x1010001 + dts.Address(i) }

func sisAddress(i int) sis.Address { return sis.MakeAddress(1, 1, 0, byte(1+i)) }

func waveform(tb testing.TB, rate int) modem.Waveform {
	tb.Helper()
	w, err := modem.Find(rate, dts.ShortInterleaver)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// A net is some nodes on one channel, in a synctest bubble.
type world struct {
	tb    testing.TB
	air   *modem.Channel
	cfg   []subnet.Config
	nodes []*subnet.Node
	stop  []context.CancelFunc
	ctxs  []context.Context
	tasks []*sync.WaitGroup
}

// newWorld starts nodes with the same config, but for their addresses.
func newWorld(tb testing.TB, count, rate int, cfg subnet.Config) *world {
	tb.Helper()
	return newWorldOn(tb, modem.NewChannel(modem.ChannelConfig{Seed: 1}), count, rate, cfg)
}

func newWorldOn(tb testing.TB, air *modem.Channel, count, rate int, cfg subnet.Config) *world {
	tb.Helper()
	return newWorldAs(tb, air, count, waveform(tb, rate), cfg)
}

func newWorldAs(tb testing.TB, air *modem.Channel, count int, wave modem.Waveform, cfg subnet.Config) *world {
	tb.Helper()
	x := &world{tb: tb, air: air}
	for i := range count {
		c := cfg
		c.Name, c.Address, c.Waveform = fmt.Sprint(i), address(i), wave
		c.CAS.DTS.Seed = 1
		x.cfg = append(x.cfg, c)
		x.nodes, x.stop, x.ctxs, x.tasks = append(x.nodes, nil), append(x.stop, nil), append(x.ctxs, nil), append(x.tasks, nil)
		x.start(i)
	}
	tb.Cleanup(func() {
		for i := range x.nodes {
			x.halt(i)
		}
	})
	return x
}

func (x *world) start(i int) {
	x.tb.Helper()
	x.startOn(i, x.air.Station(fmt.Sprint(i)), new(*subnet.Node))
}

// startOn starts a node with a modem; made is the node before it runs.
func (x *world) startOn(i int, m modem.Modem, made **subnet.Node) {
	x.tb.Helper()
	n, err := subnet.New(x.cfg[i], m)
	if err != nil {
		x.tb.Fatal(err)
	}
	*made = n
	x.nodes[i], x.tasks[i] = n, new(sync.WaitGroup)
	x.ctxs[i], x.stop[i] = context.WithCancel(context.Background())
	ctx := x.ctxs[i]
	x.tasks[i].Go(func() {
		if err := n.Run(ctx); err != nil {
			x.tb.Errorf("node %d: %v", i, err)
		}
	})
}

func (x *world) halt(i int) {
	x.stop[i]()
	x.tasks[i].Wait()
}

// A client is a bound sis.Client and what it heard.
type client struct {
	*sis.Client
	tb   testing.TB
	mu   sync.Mutex
	log  []sis.Event
	at   []time.Time
	done chan struct{}
}

func (x *world) dial(i int) func(context.Context) (io.ReadWriteCloser, error) {
	return func(context.Context) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		n, ctx := x.nodes[i], x.ctxs[i]
		x.tasks[i].Go(func() { _ = n.SIS().Carry(ctx, sis.Carrier{ReadWriteCloser: far, Name: "pipe"}) })
		return near, nil
	}
}

func (x *world) bind(i int, b sis.Binding) *client {
	x.tb.Helper()
	b.Dial = x.dial(i)
	c, err := sis.Bind(context.Background(), b)
	if err != nil {
		x.tb.Fatal(err)
	}
	cl := &client{Client: c, tb: x.tb, done: make(chan struct{})}
	go func() {
		defer close(cl.done)
		for {
			e, err := c.Recv(context.Background())
			if err != nil {
				return
			}
			cl.mu.Lock()
			cl.log, cl.at = append(cl.log, e), append(cl.at, time.Now())
			cl.mu.Unlock()
		}
	}()
	x.tb.Cleanup(func() { c.Close(); <-cl.done })
	return cl
}

// heard takes the events so far.
func (c *client) heard() []sis.Event {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.log
	c.log, c.at = nil, nil
	return list
}

func (c *client) send(to int, q sis.UnidataRequest, text string) sis.Ticket {
	c.tb.Helper()
	q.UPDU = []byte(text)
	if q.Destination == 0 {
		q.Destination = sisAddress(to)
	}
	t, err := c.Unidata(context.Background(), q)
	if err != nil {
		c.tb.Fatal(err)
	}
	return t
}

// texts are the U_PDUs among events.
func texts(list []sis.Event) (out []string) {
	for _, e := range list {
		if i, ok := e.(sis.UnidataIndication); ok {
			out = append(out, string(i.UPDU))
		}
	}
	return out
}

// after makes c the same client as one that had to bind again.
func (c *client) after(old *client) *client {
	old.mu.Lock()
	defer old.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log, c.at = append(old.log, c.log...), append(old.at, c.at...)
	return c
}

// times are when the events so far came.
func (c *client) times() []time.Time {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.at)
}
