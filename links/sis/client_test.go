package sis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// play runs a test in a bubble of time with two nodes.
func play(t *testing.T, o sistest.Options, c sis.ServerConfig, run func(t *testing.T, air *sistest.Air, a, b *sistest.Node)) {
	synctest.Test(t, func(t *testing.T) {
		air := sistest.NewAir(o)
		defer air.Close()
		run(t, air, air.Node(nodeA, c), air.Node(nodeB, c))
	})
}

// bind binds for the length of the test.
func bind(t *testing.T, n *sistest.Node, change ...func(*sis.Binding)) *sis.Client {
	t.Helper()
	b := sis.Binding{Name: n.Address.String(), Dial: n.Dial, SAP: 6}
	for _, f := range change {
		f(&b)
	}
	c, err := sis.Bind(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// next is the next event.
func next(t *testing.T, c *sis.Client) sis.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*24*time.Hour)
	defer cancel()
	e, err := c.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ended waits for the end.
func ended(t *testing.T, c *sis.Client) *sis.Unbound {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		_, err := c.Recv(ctx)
		cancel()
		var u *sis.Unbound
		if errors.As(err, &u) {
			return u
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func to(n *sistest.Node, text string) sis.UnidataRequest {
	return sis.UnidataRequest{DestinationSAP: 6, Destination: n.Address, TTL: 60, UPDU: []byte(text)}
}

func send(t *testing.T, c *sis.Client, p sis.UnidataRequest) sis.Ticket {
	t.Helper()
	ticket, err := c.Unidata(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func TestAUnidataArrivesAndIsConfirmed(t *testing.T) {
	play(t, sistest.Options{Delay: time.Second, Rate: 80}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		ca, cb := bind(t, a), bind(t, b)
		if ca.MTU() != sis.MTU || ca.Held() {
			t.Error(ca.MTU(), ca.Held())
		}
		start := time.Now()
		ticket := send(t, ca, to(b, "ten bytes."))
		want := sis.UnidataIndication{DestinationSAP: 6, Destination: nodeB, TransmissionMode: sis.ARQ, SourceSAP: 6, Source: nodeA, UPDU: []byte("ten bytes.")}
		if e := next(t, cb); !reflect.DeepEqual(e, want) {
			t.Errorf("%+v", e)
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("after %v", d)
		}
		e, ok := next(t, ca).(sis.Confirmed)
		if !ok || e.Ticket != ticket || ticket == 0 {
			t.Errorf("%+v", e)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestExpeditedAndUnconfirmedData(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		ca, cb := bind(t, a), bind(t, b)
		p := to(b, "now")
		p.Expedited = true
		ticket := send(t, ca, p)
		if e, ok := next(t, cb).(sis.UnidataIndication); !ok || !e.Expedited {
			t.Errorf("%+v", e)
		}
		if e, ok := next(t, ca).(sis.Confirmed); !ok || e.Ticket != ticket || !e.Answer.Expedited {
			t.Errorf("%+v", e)
		}
		for _, mode := range []sis.ServiceType{{TransmissionMode: sis.ARQ}, {TransmissionMode: sis.NonARQ, MinRetransmissions: 2}} {
			p := to(b, "once")
			p.DeliveryMode = mode
			for range 20 { // more than a window
				send(t, ca, p)
				if e, ok := next(t, cb).(sis.UnidataIndication); !ok || e.TransmissionMode != mode.TransmissionMode {
					t.Errorf("%+v", e)
				}
			}
		}
		all := to(b, "to all")
		all.Destination, all.DeliveryMode = sis.Broadcast, sis.ServiceType{TransmissionMode: sis.NonARQ}
		send(t, ca, all)
		if e, ok := next(t, cb).(sis.UnidataIndication); !ok || e.Destination != sis.Broadcast {
			t.Errorf("%+v", e)
		}
		synctest.Wait()
		if s := ca.Stats(); s != (sis.Stats{}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestEveryRejectionReachesItsRequest(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{Head: 2}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		c := bind(t, a)
		for why := sis.RejectUnspecified; why <= sis.RejectWindow; why++ {
			a.RejectNext(why)
			ticket := send(t, c, to(b, "text"))
			e, ok := next(t, c).(sis.Rejected)
			if !ok || e.Ticket != ticket || e.Answer.Reason != why || string(e.Answer.UPDU) != "te" || e.Answer.Destination != nodeB {
				t.Errorf("%+v", e)
			}
		}
		p := to(b, "to nobody")
		p.DeliveryMode = sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.ClientConfirmation}
		send(t, c, p)
		if e, ok := next(t, c).(sis.Rejected); !ok || e.Answer.Reason != sis.RejectSAPNotBound {
			t.Errorf("%+v", e)
		}
		p.DeliveryMode.Confirmation = sis.NodeConfirmation
		send(t, c, p)
		if e, ok := next(t, c).(sis.Confirmed); !ok {
			t.Errorf("%+v", e)
		}
	})
}

func TestAnswersMatchTheOldestThatFits(t *testing.T) {
	// A node that is played by hand: it quotes what it likes, in any order.
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		texts := []string{"same", "same", "other", "same tail", "expedited", "message 10", "message 1", "message 11"}
		var tickets []sis.Ticket
		for i, text := range texts {
			p := sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60, UPDU: []byte(text), Expedited: i == 4}
			tickets = append(tickets, send(t, c, p))
			node.expect("")
		}
		confirm := func(head string, want sis.Ticket, change ...func(*sis.UnidataRequestConfirm)) {
			t.Helper()
			p := sis.UnidataRequestConfirm{DestinationSAP: 6, Destination: nodeB, UPDU: []byte(head)}
			for _, f := range change {
				f(&p)
			}
			node.say(p)
			if e, ok := next(t, c).(sis.Confirmed); !ok || e.Ticket != want {
				t.Errorf("%q: %+v, want ticket %d", head, e, want)
			}
		}
		confirm("sam", 0, func(p *sis.UnidataRequestConfirm) { p.DestinationSAP = 7 })
		confirm("sam", 0, func(p *sis.UnidataRequestConfirm) { p.Destination = nodeA })
		confirm("samething", 0)
		confirm("same", 0, func(p *sis.UnidataRequestConfirm) { p.Expedited = true })
		confirm("other", tickets[2])
		confirm("other", 0)
		confirm("exp", tickets[4], func(p *sis.UnidataRequestConfirm) { p.Expedited = true })
		confirm("message 1", tickets[6]) // whole
		confirm("message 1", tickets[5]) // then the oldest that begins so
		confirm("message 11", tickets[7])
		confirm("same", tickets[0])
		confirm("same t", tickets[3])
		confirm("", tickets[1])
		if s := c.Stats(); s.Unmatched != 5 {
			t.Errorf("%+v", s)
		}
	})
}

func TestShortAddressesOfANodeAreUnderstood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		far := sis.MakeAddress(0, 0, 1, 2)
		ticket := send(t, c, sis.UnidataRequest{DestinationSAP: 6, Destination: far, TTL: 60, UPDU: []byte("x")})
		node.expect("")
		node.say(sis.UnidataRequestConfirm{DestinationSAP: 6, Destination: 0x60000102, UPDU: []byte("x")})
		if e, ok := next(t, c).(sis.Confirmed); !ok || e.Ticket != ticket || e.Answer.Destination != far {
			t.Errorf("%+v", e)
		}
		node.say(sis.UnidataIndication{DestinationSAP: 6, Destination: 0x60000101, Source: 0x60000102, TransmissionMode: sis.ARQ})
		if e, ok := next(t, c).(sis.UnidataIndication); !ok || e.Source != far || e.Destination.Size() != 7 {
			t.Errorf("%+v", e)
		}
	})
}

func TestTheWindowHoldsRequestsBack(t *testing.T) {
	play(t, sistest.Options{Delay: time.Minute}, sis.ServerConfig{}, func(t *testing.T, air *sistest.Air, a, b *sistest.Node) {
		c := bind(t, a, func(b *sis.Binding) { b.Window = 4 })
		start := time.Now()
		for i := range 9 {
			send(t, c, to(b, fmt.Sprint(i)))
			if want := time.Duration(i/4) * 2 * time.Minute; time.Since(start) != want {
				t.Errorf("%d went out after %v, want %v", i, time.Since(start), want)
			}
		}
		far := to(b, "elsewhere")
		far.Destination = sis.MakeAddress(1, 1, 0, 3)
		now := time.Now()
		for range 3 {
			send(t, c, to(b, "x"))
		}
		send(t, c, far)
		if time.Since(now) != 0 {
			t.Error("another destination waited")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Unidata(ctx, to(b, "y")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestFlowOffHoldsRequestsAndFlowOnLetsThemGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		for _, stop := range []struct{ off, on signal }{
			{sis.DataFlowOff{}, sis.DataFlowOn{}},
			{sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}, sis.SubnetAvailability{Status: sis.NodeOn}},
			{sis.SubnetAvailability{Status: sis.NodeOff}, sis.SubnetAvailability{Status: sis.HalfDuplex}},
		} {
			node.say(stop.off)
			if e := next(t, c); e != stop.off || !c.Held() {
				t.Errorf("%+v, held %v", e, c.Held())
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if _, err := c.Unidata(ctx, sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB}); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
			// All else still goes.
			if err := c.Send(t.Context(), sis.HardLinkTerminate{RemoteNode: nodeB}); err != nil {
				t.Error(err)
			}
			node.expect("90 EB 00 00 05 07 E1 01 00 02")
			node.say(sis.KeepAlive{})
			node.expect("90 EB 00 00 01 11")
			time.AfterFunc(time.Minute, func() { node.say(stop.on) })
			start := time.Now()
			ticket := send(t, c, sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: sis.MaxTTL})
			if d := time.Since(start); d != time.Minute || ticket == 0 {
				t.Errorf("went out after %v", d)
			}
			node.expect("90 EB 00 00 0C 14 06 E1 01 00 02 00 09 E3 40 00 00")
			if e := next(t, c); e != stop.on || c.Held() {
				t.Errorf("%+v, held %v", e, c.Held())
			}
		}
	})
}

func TestAForgottenRequestEndsUnanswered(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		c := bind(t, a, func(b *sis.Binding) { b.Window = 1 })
		a.ForgetNext(2)
		start := time.Now()
		p := to(b, "lost")
		first := send(t, c, p)
		p.TTL = 0
		second := send(t, c, p) // has to wait for the first
		if e := next(t, c); e != (sis.Unanswered{Ticket: first}) || time.Since(start) != 150*time.Second {
			t.Errorf("%+v after %v", e, time.Since(start))
		}
		if e := next(t, c); e != (sis.Unanswered{Ticket: second}) || time.Since(start) != 15*24*time.Hour+180*time.Second {
			t.Errorf("%+v after %v", e, time.Since(start))
		}
	})
}

func TestKeepAlives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		node.say(sis.KeepAlive{})
		node.expect("90 EB 00 00 01 11")
		// The node reads nothing for a while: what the client has to write waits, and then the answer is too late.
		for _, late := range []time.Duration{KeepAliveAnswer, KeepAliveAnswer + 1} {
			send(t, c, sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60})
			synctest.Wait()
			node.say(sis.KeepAlive{})
			synctest.Wait()
			time.Sleep(late)
			node.expect("90 EB 00 00 0C 14 06 E1 01 00 02 00 00 00 3C 00 00")
			if late == KeepAliveAnswer {
				node.expect("90 EB 00 00 01 11")
			}
			node.quiet()
		}
		if s := c.Stats(); s.LateSigns != 1 {
			t.Errorf("%+v", s)
		}
	})
}

const KeepAliveAnswer = sis.KeepAliveAnswer

func TestAProbeFindsADeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6, Probe: time.Second}) // 120 s at least
		for range 3 {
			start := time.Now()
			node.expect("90 EB 00 00 01 11")
			if d := time.Since(start); d != 120*time.Second {
				t.Errorf("asked after %v", d)
			}
			node.say(sis.KeepAlive{}) // an answer is not answered
		}
		node.expect("90 EB 00 00 01 11")
		start := time.Now()
		if u := ended(t, c); u.Err != sis.ErrSilent || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", u, time.Since(start))
		}
	})
}

func TestTheEndOfABindNamesWhatIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*script)
		want string
	}{
		"unbound":          {func(n *script) { n.say(sis.UnbindIndication{Reason: sis.UnbindPreempted}) }, "sis: node ended the bind: pre-empted by a higher rank"},
		"carrier lost":     {func(n *script) { n.far.Close() }, "sis: carrier lost: EOF"},
		"framing lost":     {func(n *script) { n.raw("90 EB 01 00 01 11") }, "sis: carrier lost: sis: framing lost at 90 eb 01 00 01: version 1"},
		"cut in the midst": {func(n *script) { n.raw("90 EB 00"); n.far.Close() }, "sis: carrier lost: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := newScript(t)
				cl := node.bind(sis.Binding{SAP: 6})
				var tickets []sis.Ticket
				for range 3 {
					tickets = append(tickets, send(t, cl, sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60}))
					node.expect("")
				}
				send(t, cl, sis.UnidataRequest{Destination: nodeB, TTL: 60, DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ}})
				node.expect("")
				node.say(sis.DataFlowOff{})
				c.end(node)
				if e := next(t, cl); e != (sis.DataFlowOff{}) {
					t.Errorf("%+v", e)
				}
				u := ended(t, cl)
				if u.Error() != c.want || !slices.Equal(u.Outstanding, tickets) {
					t.Errorf("%v, %v", u, u.Outstanding)
				}
				if _, err := cl.Unidata(t.Context(), sis.UnidataRequest{Destination: nodeB}); !errors.Is(err, u) {
					t.Error(err)
				}
				if err := cl.Send(t.Context(), sis.HardLinkTerminate{RemoteNode: nodeB}); !errors.Is(err, u) {
					t.Error(err)
				}
			})
		})
	}
}

func TestBindIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			answer    sis.Primitive
			permanent bool
			want      string
			after     time.Duration
		}{
			{sis.BindRejected{Reason: sis.BindSAPTaken}, false, "sis: binding SAP 6 at node x: sis: bind rejected: SAP already allocated", 0},
			{sis.BindRejected{Reason: sis.BindInvalidSAP}, true, "sis: binding SAP 6 at node x: sis: bind rejected: invalid SAP", 0},
			{sis.BindAccepted{SAP: 7, MTU: 2048}, false, "sis: binding SAP 6 at node x: sis: node accepted another SAP", 0},
			{sis.KeepAlive{}, false, "sis: binding SAP 6 at node x: sis: node does not answer", 10 * time.Second},
		} {
			near, far := net.Pipe()
			node := &script{t: t, far: far}
			go func() {
				node.expect("90 EB 00 00 04 01 60 14 00")
				node.say(c.answer)
			}()
			start := time.Now()
			_, err := sis.Bind(t.Context(), sis.Binding{Name: "x", SAP: 6, Dial: func(context.Context) (io.ReadWriteCloser, error) { return near, nil }})
			var refused *sis.BindError
			if err == nil || err.Error() != c.want || errors.As(err, &refused) && refused.Permanent() != c.permanent || time.Since(start) != c.after {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			far.Close()
		}
		if _, err := sis.Bind(t.Context(), sis.Binding{SAP: 16}); err == nil {
			t.Error("SAP 16 bound")
		}
		_, err := sis.Bind(t.Context(), sis.Binding{Name: "x", Dial: func(context.Context) (io.ReadWriteCloser, error) { return nil, io.ErrClosedPipe }})
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		near, far := net.Pipe()
		defer far.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := sis.Bind(ctx, sis.Binding{Dial: func(context.Context) (io.ReadWriteCloser, error) { return near, nil }}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWrongRequestsAreNotSent(t *testing.T) {
	play(t, sistest.Options{}, sis.ServerConfig{}, func(t *testing.T, _ *sistest.Air, a, b *sistest.Node) {
		c := bind(t, a)
		long := to(b, string(make([]byte, sis.MTU+1)))
		if _, err := c.Unidata(t.Context(), long); !errors.Is(err, sis.ErrTooLong) {
			t.Error(err)
		}
		long.UPDU = long.UPDU[1:]
		send(t, c, long)
		next(t, c)
		group := to(b, "x")
		group.Destination, group.DeliveryMode = sis.Broadcast, sis.Arq()
		var e *sis.Error
		if _, err := c.Unidata(t.Context(), group); !errors.As(err, &e) {
			t.Error(err)
		}
		if _, err := c.Unidata(t.Context(), sis.UnidataRequest{}); !errors.As(err, &e) {
			t.Error(err)
		}
		for _, p := range []sis.Primitive{sis.BindRequest{}, sis.KeepAlive{}, sis.UnbindRequest{}, sis.DataFlowOn{}, to(b, "x")} {
			if err := c.Send(t.Context(), p); err == nil {
				t.Errorf("%v was sent", p.Type())
			}
		}
		if a.Sent() != 1 {
			t.Error(a.Sent())
		}
	})
}

func TestEventsThatNobodyReceivesEndTheClient(t *testing.T) {
	for name, p := range map[string]sis.Primitive{
		"many": sis.DataFlowOn{},
		"much": sis.UnidataIndication{DestinationSAP: 6, Destination: nodeA, Source: nodeB, TransmissionMode: sis.ARQ, UPDU: make([]byte, 2048)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := newScript(t)
				c := node.bind(sis.Binding{SAP: 6})
				b, _ := sis.Strict.Append(nil, p)
				said := 0
				for ; said < 10000; said++ { // the reader never waits: no write blocks
					if _, err := node.far.Write(b); err != nil {
						break
					}
				}
				heard := 0
				for {
					_, err := c.Recv(t.Context())
					if err != nil {
						if !errors.Is(err, sis.ErrOverrun) {
							t.Error(err)
						}
						break
					}
					heard++
				}
				if heard < 400 || heard > 4096 || said-heard > 1 {
					t.Errorf("%d said, %d heard", said, heard)
				}
			})
		})
	}
}

func TestBadPrimitivesOfANodeEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		node.raw("90 EB 00 00 03 63 01 02")                         // unknown
		node.raw("90 EB 00 00 02 0F 00")                            // wrong size
		node.raw("90 EB 00 00 04 01 60 14 00")                      // a client's
		node.raw("90 EB 00 00 04 03 60 08 00")                      // a second time
		node.raw("90 EB 00 00 02 04 01")                            // a second time
		node.raw("90 EB 00 00 0B 15 06 E1 01 00 02 16 E1 01 00 01") // cut
		node.say(sis.DataFlowOn{})
		if e := next(t, c); e != (sis.DataFlowOn{}) {
			t.Errorf("%+v", e)
		}
		if s := c.Stats(); s.Faulty != 6 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCloseUnbinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newScript(t)
		c := node.bind(sis.Binding{SAP: 6})
		go c.Close()
		node.expect("90 EB 00 00 01 02")
		if n, err := node.far.Read(make([]byte, 1)); err != io.EOF {
			t.Error(n, err)
		}
		if u := ended(t, c); !errors.Is(u, sis.ErrClosed) {
			t.Error(u)
		}
		// With a node that does not read it takes 2 s.
		node = newScript(t)
		c = node.bind(sis.Binding{SAP: 6})
		start := time.Now()
		c.Close()
		c.Close()
		if d := time.Since(start); d != 2*time.Second {
			t.Error(d)
		}
	})
}

// A script is a node that is played by hand. net.Pipe keeps nothing, so what it expects is what the client writes just then.
type script struct {
	t   *testing.T
	far net.Conn
}

func newScript(t *testing.T) *script {
	return &script{t: t}
}

func (s *script) bind(b sis.Binding) *sis.Client {
	s.t.Helper()
	b.Name = "script"
	b.Dial = func(context.Context) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		s.far = far
		go func() {
			if b.Noisy {
				s.expect("90 EB 00 00 01 02")
			}
			s.expect("")
			s.say(sis.BindAccepted{SAP: b.SAP, MTU: sis.MTU})
		}()
		return near, nil
	}
	c, err := sis.Bind(s.t.Context(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.far.Close(); c.Close() })
	return c
}

func (s *script) say(p sis.Primitive) {
	b, err := sis.Tolerant.Append(nil, p)
	if err == nil {
		_, err = s.far.Write(b)
	}
	if err != nil {
		s.t.Error(err)
	}
}

func (s *script) raw(hex string) {
	s.t.Helper()
	if _, err := s.far.Write(unhex(s.t, hex)); err != nil {
		s.t.Error(err)
	}
}

// expect reads a primitive; "" is any.
func (s *script) expect(hex string) {
	s.t.Helper()
	head := make([]byte, 5)
	_, err := io.ReadFull(s.far, head)
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if err == nil {
		_, err = io.ReadFull(s.far, body)
	}
	if got := append(head, body...); err != nil || hex != "" && !bytes.Equal(got, unhex(s.t, hex)) {
		s.t.Errorf("got % X, %v, want %s", got, err, hex)
	}
}

// quiet expects nothing for a minute.
func (s *script) quiet() {
	s.t.Helper()
	s.far.SetReadDeadline(time.Now().Add(time.Minute))
	var b [100]byte
	if n, err := s.far.Read(b[:]); err == nil {
		s.t.Errorf("got % X", b[:n])
	}
	s.far.SetReadDeadline(time.Time{})
}

// A signal is heard as it was said.
type signal interface {
	sis.Primitive
	sis.Event
}

// What Unidata has accepted goes out, also when the client ends at once; but not while it must not.
func TestCloseSendsWhatWasAccepted(t *testing.T) {
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			node := newScript(t)
			c := node.bind(sis.Binding{SAP: 6})
			for range 2 { // the node reads nothing: the second is held
				send(t, c, sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60})
				synctest.Wait()
			}
			c.Silence(silent)
			ended := make(chan struct{})
			go func() { c.Close(); close(ended) }()
			synctest.Wait()
			node.expect("90 EB 00 00 0C 14 06 E1 01 00 02 00 00 00 3C 00 00")
			if !silent {
				node.expect("90 EB 00 00 0C 14 06 E1 01 00 02 00 00 00 3C 00 00")
			}
			node.expect("90 EB 00 00 01 02")
			<-ended
		})
	}
}
