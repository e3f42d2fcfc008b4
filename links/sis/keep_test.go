package sis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// drain receives until the end.
func drain(ctx context.Context, c *sis.Client) error {
	for {
		if _, err := c.Recv(ctx); err != nil {
			return err
		}
	}
}

func TestAKeeperComesBackWithBackOff(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, _ *sistest.Node) {
		var binds atomic.Int32
		var waits []time.Duration
		k := sis.Keeper{
			Binding: sis.Binding{Name: "a", Dial: a.Dial, SAP: 6},
			Serve: func(ctx context.Context, c *sis.Client) error {
				binds.Add(1)
				return drain(ctx, c)
			},
			Notice: func(why error, next time.Duration) { waits = append(waits, next) },
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- k.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		a.Restart() // a good bind was lost: soon again
		time.Sleep(6 * time.Second)
		if n := binds.Load(); n != 2 {
			t.Error(n)
		}
		a.Restart() // and at once: a little later
		time.Sleep(11 * time.Second)
		if n := binds.Load(); n != 3 {
			t.Error(n)
		}
		a.Stop()
		time.Sleep(time.Hour)
		a.Start()
		time.Sleep(6 * time.Minute)
		if n := binds.Load(); n != 4 {
			t.Error(n)
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
		var want []time.Duration
		for _, s := range []int{5, 10, 20, 40, 80, 160, 300, 300, 300} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if len(waits) < len(want) || !slices.Equal(waits[:len(want)], want) {
			t.Error(waits)
		}
	})
}

func TestAKeeperStopsWhenNoBindCanSucceed(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{SAPs: []uint8{7}}, func(t *testing.T, _ *sistest.Air, a, _ *sistest.Node) {
		k := sis.Keeper{Binding: sis.Binding{Dial: a.Dial, SAP: 6}}
		var refused *sis.BindError
		if err := k.Run(t.Context()); !errors.As(err, &refused) || refused.Reason != sis.BindInvalidSAP {
			t.Error(err)
		}
	})
}

func TestAKeeperWaitsForATakenSAP(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, _ *sistest.Node) {
		first := bind(t, a)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		time.AfterFunc(time.Minute, first.Close)
		var when time.Duration
		start := time.Now()
		k := sis.Keeper{Binding: sis.Binding{Dial: a.Dial, SAP: 6}, Serve: func(ctx context.Context, c *sis.Client) error {
			when = time.Since(start)
			cancel()
			return nil
		}}
		if err := k.Run(ctx); err != nil || when != 75*time.Second+200*time.Millisecond {
			t.Error(err, when)
		}
	})
}

// As EMCON does, which takes back what the server has: the SAP hears again almost at once.
func TestAKeeperBindsAnewWhatWasGivenUp(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, _ *sistest.Node) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start, binds := time.Now(), 0
		k := sis.Keeper{Binding: sis.Binding{Dial: a.Dial, SAP: 6}, Serve: func(ctx context.Context, c *sis.Client) error {
			if binds++; binds == 4 {
				cancel()
				return nil
			}
			mine, drop := context.WithCancel(ctx)
			drop()
			return drain(mine, c)
		}}
		if err := k.Run(ctx); err != nil || time.Since(start) > time.Second {
			t.Error(err, binds, time.Since(start))
		}
	})
}

func TestASerialClientUnbindsBeforeItBinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6, Noisy: true})
		node.raw("55 AA 90 EB 02")
		node.say(sis.DataFlowOff{})
		node.raw("90 EB 00 00 01 03 07")
		node.say(sis.DataFlowOn{})
		if e := next(t, c); e != (sis.DataFlowOff{}) {
			t.Error(e)
		}
		if e := next(t, c); e != (sis.DataFlowOn{}) {
			t.Error(e)
		}
		if s := c.Stats(); s.Noise != 12 || s.Faulty != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A line is two clients' and a node's: what Dial gives out, one after the other, is the same carrier to the node.
type line struct {
	io.Reader
	io.Writer
	close func() error
}

func (l line) Close() error { return l.close() }

func TestASerialClientThatWasSwitchedOffBindsAgain(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		up, upIn := io.Pipe()
		downOut, down := io.Pipe()
		a.Carry(sis.Carrier{ReadWriteCloser: line{up, down, func() error { up.Close(); return down.Close() }}, Name: "serial", Noisy: true})
		cb := bind(t, b)
		for i := range 3 {
			// The client's side of the line is only let go, and nobody hears of it.
			relay, in := io.Pipe()
			quit := make(chan struct{})
			go func() {
				buf := make([]byte, 4096)
				for {
					n, err := downOut.Read(buf)
					if err != nil {
						in.CloseWithError(err)
						return
					}
					select {
					case <-quit:
						return
					default:
						in.Write(buf[:n])
					}
				}
			}()
			c, err := sis.Bind(t.Context(), sis.Binding{SAP: 6, Noisy: true, Dial: func(context.Context) (io.ReadWriteCloser, error) {
				return line{relay, upIn, relay.Close}, nil
			}})
			if err != nil {
				t.Fatal(i, err)
			}
			send(t, c, to(b, fmt.Sprint(i)))
			if e, ok := next(t, cb).(sis.UnidataIndication); !ok || string(e.UPDU) != fmt.Sprint(i) {
				t.Errorf("%+v", e)
			}
			next(t, c)
			close(quit)
			relay.Close() // ends the Client as a switched-off one would: without a word
			if u := ended(t, c); !strings.Contains(u.Error(), "closed pipe") {
				t.Error(u)
			}
			go a.Server().Announce(sis.SubnetAvailability{Status: sis.NodeOn}) // lets the relay see that it is over
			time.Sleep(time.Second)
		}
		upIn.Close()
	})
}

func TestHardLinks(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second}, sis.ServerConfig{}, func(t *testing.T, air *sistest.Air, a, b *sistest.Node) {
		ca, cb := bind(t, a), bind(t, b)
		other := bind(t, a, func(b *sis.Binding) { b.SAP = 7 })
		send := func(c *sis.Client, p sis.Primitive) {
			t.Helper()
			if err := c.Send(t.Context(), p); err != nil {
				t.Error(err)
			}
		}
		pair := sis.HardLink{LinkType: sis.HardLinkForPair, Priority: 1, RemoteSAP: 6, RemoteNode: nodeB}
		back := pair
		back.RemoteNode = nodeA

		send(ca, sis.HardLinkEstablish{HardLink: pair})
		if e := next(t, cb); e != (sis.HardLinkIndication{Status: sis.RemoteOK, HardLink: back}) {
			t.Errorf("%+v", e)
		}
		send(cb, sis.HardLinkReject{HardLink: back})
		if e := next(t, ca); e != (sis.HardLinkRejected{Reason: sis.HardLinkBusy, HardLink: pair}) {
			t.Errorf("%+v", e)
		}
		send(ca, sis.HardLinkEstablish{HardLink: pair})
		next(t, cb)
		send(cb, sis.HardLinkAccept{HardLink: back})
		if e := next(t, ca); e != (sis.HardLinkEstablished{Status: sis.RemoteOK, HardLink: pair}) {
			t.Errorf("%+v", e)
		}
		all := sis.HardLink{RemoteNode: nodeB}
		send(other, sis.HardLinkEstablish{HardLink: all})
		if e := next(t, other); e != (sis.HardLinkRejected{Reason: sis.HardLinkHigherPriority, HardLink: all}) {
			t.Errorf("%+v", e)
		}
		send(cb, sis.HardLinkTerminate{RemoteNode: nodeA})
		if e := next(t, ca); e != (sis.HardLinkTerminated{Reason: sis.HardLinkEndedByRemote, HardLink: pair}) {
			t.Errorf("%+v", e)
		}
		air.Cut(nodeA, nodeB, true)
		send(other, sis.HardLinkEstablish{HardLink: all})
		if e := next(t, other); e != (sis.HardLinkRejected{Reason: sis.HardLinkNoResponse, HardLink: all}) {
			t.Errorf("%+v", e)
		}
		air.Cut(nodeA, nodeB, false)
		pair.RemoteSAP = 9
		send(ca, sis.HardLinkEstablish{HardLink: pair})
		if e := next(t, ca); e != (sis.HardLinkRejected{Reason: sis.HardLinkSAPNotBound, HardLink: pair}) {
			t.Errorf("%+v", e)
		}
		// The owner's bind ends, and with it the link.
		pair.RemoteSAP = 6
		send(ca, sis.HardLinkEstablish{HardLink: pair})
		next(t, cb)
		send(cb, sis.HardLinkAccept{HardLink: back})
		next(t, ca)
		ca.Close()
		if e := next(t, cb); e != (sis.HardLinkTerminated{Reason: sis.HardLinkSAPUnbound, HardLink: back}) {
			t.Errorf("%+v", e)
		}
	})
}

func TestOutagesLoseNoConfirmation(t *testing.T) {
	// What is confirmed has arrived; what is neither confirmed nor rejected is named when a bind ends. Each text is sent until it is confirmed.
	play(t, sistest.Options{Delay: time.Second, Rate: 2400, Loss: 0.1, Seed: 7}, sis.ServerConfig{Queue: 3}, func(t *testing.T, air *sistest.Air, a, b *sistest.Node) {
		arrived := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		far := sis.Keeper{Binding: sis.Binding{Dial: b.Dial, SAP: 6}, Serve: func(ctx context.Context, c *sis.Client) error {
			for {
				e, err := c.Recv(ctx)
				if err != nil {
					return err
				}
				if u, ok := e.(sis.UnidataIndication); ok {
					arrived[string(u.UPDU)]++
				}
			}
		}}
		todo := map[string]bool{}
		for i := range 1000 {
			todo[fmt.Sprintf("message %d", i)] = true
		}
		outages, ends, rejected := 0, 0, 0
		near := sis.Keeper{Binding: sis.Binding{Dial: a.Dial, SAP: 6}, Serve: func(ctx context.Context, c *sis.Client) error {
			out := map[sis.Ticket]string{}
			sending := map[string]bool{}
			done := func(ticket sis.Ticket, ok bool) {
				text, known := out[ticket]
				if !known {
					t.Errorf("ticket %d of no request", ticket)
				}
				delete(out, ticket)
				delete(sending, text)
				if ok {
					delete(todo, text)
				}
			}
			for len(todo) > 0 {
				for text := range todo {
					if sending[text] || len(out) >= 6 || c.Held() {
						continue
					}
					p := to(b, text)
					p.DeliveryMode = sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.ClientConfirmation}
					short, stop := context.WithTimeout(ctx, 10*time.Second)
					ticket, err := c.Unidata(short, p)
					stop()
					if err != nil {
						break
					}
					out[ticket], sending[text] = text, true
				}
				e, err := c.Recv(ctx)
				var u *sis.Unbound
				if errors.As(err, &u) {
					ends++
					if len(u.Outstanding) != len(out) {
						t.Errorf("%v outstanding, not %v", u.Outstanding, out)
					}
					return err
				}
				switch e := e.(type) {
				case sis.Confirmed:
					done(e.Ticket, true)
				case sis.Rejected:
					rejected++
					done(e.Ticket, false)
				case sis.Unanswered:
					done(e.Ticket, false)
				}
			}
			cancel()
			return nil
		}}
		over := make(chan error, 2)
		go func() { over <- far.Run(ctx) }()
		go func() { over <- near.Run(ctx) }()
		for i := 0; ctx.Err() == nil; i++ {
			select {
			case <-time.After(time.Duration(37+i%50) * time.Second):
			case <-ctx.Done():
				continue
			}
			outages++
			switch i % 4 {
			case 0:
				a.Restart()
			case 1:
				b.Restart()
			case 2:
				air.Cut(nodeA, nodeB, true)
				time.Sleep(40 * time.Second)
				air.Cut(nodeA, nodeB, false)
			case 3:
				a.RejectNext(sis.RejectNoResponse, sis.RejectExpired)
			}
		}
		for range 2 {
			if err := <-over; err != nil {
				t.Error(err)
			}
		}
		for i := range 1000 {
			if arrived[fmt.Sprintf("message %d", i)] == 0 {
				t.Errorf("message %d was confirmed, and did not arrive", i)
			}
		}
		if ends == 0 || rejected == 0 {
			t.Errorf("%d outages, %d binds ended, %d rejected", outages, ends, rejected)
		}
	})
}
