package sistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"longwire/links/sis"
)

// Suite is what every carrier of primitives has to do, whatever it is made of. open gives both ends of a new one, which the Suite closes;
// noisy says that it is a serial line, whose ends do not hear of that.
func Suite(t *testing.T, noisy bool, open func(t *testing.T) (client, node io.ReadWriteCloser)) {
	for name, play := range map[string]func(*testing.T, *pair){
		"data of every kind and size":  dataBothWays,
		"a burst without a break":      burst,
		"flow off and on":              flow,
		"rejections":                   rejections,
		"closing gives the SAP back":   closing,
		"the node takes the SAP away":  unbinding,
		"closing unblocks all that is": unblocking,
	} {
		t.Run(name, func(t *testing.T) {
			air := NewAir(Options{})
			defer air.Close()
			// The other station's client has a carrier that is known to be good.
			p := &pair{noisy: noisy, open: open, near: air.Node(sis.MakeAddress(1, 1, 0, 1), sis.ServerConfig{Queue: 8}),
				far: air.Node(sis.MakeAddress(1, 1, 0, 2), sis.ServerConfig{Queue: 8})}
			play(t, p)
		})
	}
}

// A pair is two stations. Clients of near have the carrier that is tested.
type pair struct {
	noisy     bool
	open      func(t *testing.T) (client, node io.ReadWriteCloser)
	near, far *Node
}

const patience = 20 * time.Second // real time: a carrier may be a line at 9600 baud

func (p *pair) bind(t *testing.T, n *Node) *sis.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b := sis.Binding{Name: n.Address.String(), SAP: 6, Dial: n.Dial}
	if n == p.near {
		b.Noisy = p.noisy
		b.Dial = func(context.Context) (io.ReadWriteCloser, error) {
			client, node := p.open(t)
			if !n.Carry(sis.Carrier{ReadWriteCloser: node, Name: "suite", Noisy: p.noisy}) {
				return nil, errors.New("node is off")
			}
			return client, nil
		}
	}
	c, err := sis.Bind(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func recv(t *testing.T, c *sis.Client) (sis.Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e, err := c.Recv(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("nothing was heard")
	}
	return e, err
}

// expect receives an event of a kind, and passes over flow control.
func expect[E sis.Event](t *testing.T, c *sis.Client) E {
	t.Helper()
	for {
		e, err := recv(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := e.(E); ok {
			return want
		}
		switch e.(type) {
		case sis.DataFlowOff, sis.DataFlowOn:
		default:
			t.Fatalf("heard %T %+v", e, e)
		}
	}
}

func send(t *testing.T, c *sis.Client, to *Node, updu []byte) sis.Ticket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticket, err := c.Unidata(ctx, sis.UnidataRequest{DestinationSAP: 6, Destination: to.Address, TTL: 600, UPDU: updu})
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func dataBothWays(t *testing.T, p *pair) {
	a, b := p.bind(t, p.near), p.bind(t, p.far)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	// What a line discipline would eat, what an envelope looks like, nothing, and all that fits.
	for _, updu := range [][]byte{all, []byte("\x11\x13\x03\x04\r\n\r\x00\xff\x1a"), {0x90, 0xEB, 0, 0, 1, 0x10}, {}, bytes.Repeat(all, 8)} {
		for _, way := range []struct {
			from, to *sis.Client
			node     *Node
		}{{a, b, p.far}, {b, a, p.near}} {
			ticket := send(t, way.from, way.node, updu)
			if e := expect[sis.UnidataIndication](t, way.to); !bytes.Equal(e.UPDU, updu) {
				t.Errorf("% X became % X", updu, e.UPDU)
			}
			if e := expect[sis.Confirmed](t, way.from); e.Ticket != ticket || !bytes.Equal(e.Answer.UPDU, updu) {
				t.Errorf("% X: %+v", updu, e)
			}
		}
	}
}

func burst(t *testing.T, p *pair) {
	const count = 64
	a, b := p.bind(t, p.near), p.bind(t, p.far)
	done := make(chan error, 1)
	go func() {
		for i := range count {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err := a.Unidata(ctx, sis.UnidataRequest{DestinationSAP: 6, Destination: p.far.Address, TTL: 600, UPDU: fmt.Appendf(nil, "%0100d", i)})
			cancel()
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range count {
		if e := expect[sis.UnidataIndication](t, b); string(e.UPDU) != fmt.Sprintf("%0100d", i) {
			t.Fatalf("%d: %q", i, e.UPDU)
		}
		if e := expect[sis.Confirmed](t, a); e.Ticket != sis.Ticket(i+1) {
			t.Fatalf("%d: %+v", i, e)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func flow(t *testing.T, p *pair) {
	c := p.bind(t, p.near)
	port := p.near.Server().Port(6)
	for _, q := range []sis.Primitive{sis.DataFlowOff{}, sis.SubnetAvailability{Status: sis.NodeOn}, sis.DataFlowOn{}} {
		if err := port.Send(q); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := recv(t, c); e != (sis.DataFlowOff{}) || err != nil {
		t.Fatalf("%+v, %v", e, err)
	}
	expect[sis.SubnetAvailability](t, c)
	if e, err := recv(t, c); e != (sis.DataFlowOn{}) || err != nil {
		t.Fatalf("%+v, %v", e, err)
	}
	send(t, c, p.far, []byte("goes"))
	expect[sis.Confirmed](t, c)
}

func rejections(t *testing.T, p *pair) {
	c := p.bind(t, p.near)
	for why := sis.RejectUnspecified; why <= sis.RejectWindow; why++ {
		p.near.RejectNext(why)
		ticket := send(t, c, p.far, []byte("refused"))
		if e := expect[sis.Rejected](t, c); e.Ticket != ticket || e.Answer.Reason != why {
			t.Errorf("%v: %+v", why, e)
		}
	}
}

func closing(t *testing.T, p *pair) {
	for i := range 3 {
		c := p.bind(t, p.near)
		send(t, c, p.far, []byte{byte(i)})
		expect[sis.Confirmed](t, c)
		c.Close()
		for start := time.Now(); p.near.Server().Port(6) != nil; time.Sleep(time.Millisecond) {
			if time.Since(start) > patience {
				t.Fatal("the SAP is still bound")
			}
		}
	}
}

func unbinding(t *testing.T, p *pair) {
	c := p.bind(t, p.near)
	p.near.Server().SetBroadcastOnly(true)
	_, err := recv(t, c)
	var u *sis.Unbound
	if !errors.As(err, &u) || u.Reason != sis.UnbindNoARQ {
		t.Errorf("%v", err)
	}
	p.near.Server().SetBroadcastOnly(false)
	c.Close()
	again := p.bind(t, p.near)
	send(t, again, p.far, []byte("again"))
	expect[sis.Confirmed](t, again)
}

func unblocking(t *testing.T, p *pair) {
	for range 3 {
		c := p.bind(t, p.near)
		start := time.Now()
		p.near.Restart() // closes the node's end, while both ends wait for each other
		c.Close()
		if d := time.Since(start); d > patience/2 {
			t.Errorf("closing took %v", d)
		}
	}
}
