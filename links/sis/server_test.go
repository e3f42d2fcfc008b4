package sis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// A recorder is a Handler that keeps what it is told, and answers nothing.
type recorder struct {
	server   *sis.Server
	log      chan string
	requests chan *sis.Request
}

func (r *recorder) Bound(p *sis.Port)   { r.log <- fmt.Sprintf("bound %d", p.SAP) }
func (r *recorder) Unbound(p *sis.Port) { r.log <- fmt.Sprintf("unbound %d", p.SAP) }
func (r *recorder) Unidata(q *sis.Request) {
	r.log <- fmt.Sprintf("unidata %q", q.UPDU)
	r.requests <- q
}
func (r *recorder) HardLink(_ *sis.Port, q sis.Primitive) { r.log <- q.Type().String() }
func (r *recorder) Management(_ *sis.Port, m sis.ManagementMsgRequest) {
	r.log <- fmt.Sprintf("management %d % X", m.MsgType, m.MsgBody)
}

func (r *recorder) logged() (list []string) {
	synctest.Wait()
	for {
		select {
		case s := <-r.log:
			list = append(list, s)
		default:
			return list
		}
	}
}

func serve(t *testing.T, c sis.ServerConfig, run func(t *testing.T, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{log: make(chan string, 10000), requests: make(chan *sis.Request, 10000)}
		r.server = sis.NewServer(c, r)
		run(t, r)
	})
}

// A guest is a client that is played by hand.
type guest struct {
	t    *testing.T
	near net.Conn
	in   *sis.Reader
	done chan error
}

func (r *recorder) visit(t *testing.T, noisy bool) *guest {
	near, far := net.Pipe()
	g := &guest{t: t, near: near, in: sis.NewReader(near), done: make(chan error, 1)}
	g.in.Codec = sis.Strict
	ctx, cancel := context.WithCancel(t.Context())
	go func() { g.done <- r.server.Carry(ctx, sis.Carrier{ReadWriteCloser: far, Name: "guest", Noisy: noisy}) }()
	t.Cleanup(func() { cancel(); near.Close() })
	return g
}

func (g *guest) raw(hex string) {
	g.t.Helper()
	if _, err := g.near.Write(unhex(g.t, hex)); err != nil {
		g.t.Error(err)
	}
}

func (g *guest) say(p sis.Primitive) {
	g.t.Helper()
	b, err := sis.Tolerant.Append(nil, p)
	if err == nil {
		_, err = g.near.Write(b)
	}
	if err != nil {
		g.t.Error(err)
	}
}

func (g *guest) hears(want sis.Primitive) {
	g.t.Helper()
	p, err := g.in.Next()
	if err != nil || !reflect.DeepEqual(p, want) {
		g.t.Errorf("heard %T %+v, %v, want %T %+v", p, p, err, want, want)
	}
}

// silence is what is heard within a time.
func (g *guest) silence(d time.Duration) {
	g.t.Helper()
	g.near.SetReadDeadline(time.Now().Add(d))
	if p, err := g.in.Next(); err == nil {
		g.t.Errorf("heard %T %+v", p, p)
	}
	g.near.SetReadDeadline(time.Time{})
}

func (g *guest) closed(want string) {
	g.t.Helper()
	if p, err := g.in.Next(); err != io.EOF {
		g.t.Errorf("heard %+v, %v", p, err)
	}
	if err := <-g.done; err == nil || !strings.Contains(err.Error(), want) {
		g.t.Errorf("closed with %v, want %q", err, want)
	}
}

func (g *guest) bind(sap, rank uint8) {
	g.t.Helper()
	g.say(sis.BindRequest{SAP: sap, Rank: rank, ServiceType: sis.Arq()})
	g.hears(sis.BindAccepted{SAP: sap, MTU: sis.MTU})
}

func TestBindsAreJudged(t *testing.T) {
	serve(t, sis.ServerConfig{SAPs: []uint8{6, 7, 8}, Clients: 2}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		ask := func(sap, rank uint8, s sis.ServiceType) { g.say(sis.BindRequest{SAP: sap, Rank: rank, ServiceType: s}) }
		for _, s := range []sis.ServiceType{{}, {TransmissionMode: 4}, {TransmissionMode: sis.ARQ, Confirmation: 3},
			{TransmissionMode: sis.ARQ, Extended: true}, {TransmissionMode: sis.NonARQ, Confirmation: sis.NodeConfirmation}} {
			ask(6, 0, s)
			g.hears(sis.BindRejected{})
		}
		ask(6, 15, sis.Arq())
		g.hears(sis.BindRejected{})
		ask(5, 0, sis.Arq())
		g.hears(sis.BindRejected{Reason: sis.BindInvalidSAP})
		r.server.SetBroadcastOnly(true)
		ask(6, 0, sis.Arq())
		g.hears(sis.BindRejected{Reason: sis.BindNoARQ})
		ask(6, 1, sis.ServiceType{TransmissionMode: sis.NonARQ})
		g.hears(sis.BindAccepted{SAP: 6, MTU: sis.MTU})
		r.server.SetBroadcastOnly(false)

		first := g
		g = r.visit(t, false)
		for rank := range uint8(2) {
			ask(6, rank, sis.Arq())
			g.hears(sis.BindRejected{Reason: sis.BindSAPTaken})
		}
		ask(6, 2, sis.Arq())
		first.hears(sis.UnbindIndication{Reason: sis.UnbindPreempted})
		first.closed("node ended the bind")
		g.hears(sis.BindAccepted{SAP: 6, MTU: sis.MTU})
		if got := fmt.Sprint(r.logged()); got != "[bound 6 unbound 6 bound 6]" {
			t.Error(got)
		}
		if p := r.server.Port(6); p.Rank != 2 || len(r.server.Ports()) != 1 || r.server.Port(7) != nil || r.server.Port(200) != nil {
			t.Errorf("%+v", p)
		}
		second := r.visit(t, false)
		second.bind(7, 0)
		g = r.visit(t, false)
		ask(8, 0, sis.Arq())
		g.hears(sis.BindRejected{Reason: sis.BindNoResources})
		// A SAP is free when its client says so, and when its carrier is closed.
		second.say(sis.UnbindRequest{})
		ask(7, 0, sis.Arq())
		g.hears(sis.BindAccepted{SAP: 7, MTU: sis.MTU})
		g.near.Close()
		<-g.done
		second.bind(7, 0)
	})
}

func TestABroadcastSessionUnbindsARQ(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		arq, all := r.visit(t, false), r.visit(t, false)
		arq.bind(6, 0)
		all.say(sis.BindRequest{SAP: 7, ServiceType: sis.ServiceType{TransmissionMode: sis.NonARQ}})
		all.hears(sis.BindAccepted{SAP: 7, MTU: sis.MTU})
		r.server.SetBroadcastOnly(true)
		arq.hears(sis.UnbindIndication{Reason: sis.UnbindNoARQ})
		arq.closed("node ended the bind")
		all.say(sis.UnidataRequest{Destination: nodeB, DeliveryMode: sis.Arq(), UPDU: []byte("x")})
		all.hears(sis.UnidataRequestRejected{Reason: sis.RejectNoMode, Destination: nodeB, UPDU: []byte("x")})
		all.say(sis.UnidataRequest{Destination: nodeB, UPDU: []byte("y")})
		if q := <-r.requests; q.DeliveryMode.TransmissionMode != sis.NonARQ {
			t.Errorf("%+v", q)
		}
	})
}

func TestRequestsAreJudged(t *testing.T) {
	serve(t, sis.ServerConfig{MaxTTL: time.Hour, Head: 3}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		short := sis.Address(0x60000102)
		good := sis.UnidataRequest{Priority: 3, DestinationSAP: 6, Destination: short, TTL: 60, UPDU: []byte("a text")}
		for _, c := range []struct {
			name   string
			change func(*sis.UnidataRequest)
			why    sis.RejectReason // 0: the node gets it
			ttl    time.Duration
			mode   sis.ServiceType
		}{
			{"as bound", func(*sis.UnidataRequest) {}, 0, 2 * time.Minute, sis.Arq()},
			{"for ever", func(p *sis.UnidataRequest) { p.TTL = 0 }, 0, time.Hour, sis.Arq()},
			{"too long to live", func(p *sis.UnidataRequest) { p.TTL = 1<<20 - 1 }, 0, time.Hour, sis.Arq()},
			{"to all", func(p *sis.UnidataRequest) {
				p.Destination, p.DeliveryMode = sis.Broadcast, sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 3}
			}, 0, 2 * time.Minute, sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 3}},
			{"non-ARQ confirmed", func(p *sis.UnidataRequest) {
				p.DeliveryMode = sis.ServiceType{TransmissionMode: sis.NonARQ, Confirmation: sis.ClientConfirmation}
			}, 0, 2 * time.Minute, sis.ServiceType{TransmissionMode: sis.NonARQ}},
			{"empty", func(p *sis.UnidataRequest) { p.UPDU = nil }, 0, 2 * time.Minute, sis.Arq()},
			{"MTU", func(p *sis.UnidataRequest) { p.UPDU = make([]byte, sis.MTU) }, 0, 2 * time.Minute, sis.Arq()},
			{"more", func(p *sis.UnidataRequest) { p.UPDU = make([]byte, sis.MTU+1) }, sis.RejectTooLong, 0, sis.ServiceType{}},
			{"most", func(p *sis.UnidataRequest) { p.UPDU = make([]byte, 65535-12) }, sis.RejectTooLong, 0, sis.ServiceType{}},
			{"ARQ to a group", func(p *sis.UnidataRequest) { p.Destination = sis.Broadcast }, sis.RejectNoResponse, 0, sis.ServiceType{}},
			{"no address", func(p *sis.UnidataRequest) { p.Destination = 0x01010002 }, sis.RejectNoResponse, 0, sis.ServiceType{}},
			{"mode 4", func(p *sis.UnidataRequest) { p.DeliveryMode.TransmissionMode = 4 }, sis.RejectNoMode, 0, sis.ServiceType{}},
			{"confirmation 3", func(p *sis.UnidataRequest) {
				p.DeliveryMode = sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: 3}
			}, sis.RejectNoMode, 0, sis.ServiceType{}},
			{"extended", func(p *sis.UnidataRequest) {
				p.DeliveryMode = sis.ServiceType{TransmissionMode: sis.ARQ, Extended: true}
			}, sis.RejectNoMode, 0, sis.ServiceType{}},
		} {
			p := good
			c.change(&p)
			g.say(p)
			if c.why != 0 {
				g.in.Codec = sis.Tolerant
				g.hears(sis.UnidataRequestRejected{Reason: c.why, DestinationSAP: 6, Destination: p.Destination, UPDU: p.UPDU[:3]})
				continue
			}
			q := <-r.requests
			if q.Deadline != time.Now().Add(c.ttl) || q.DeliveryMode != c.mode || q.Destination != p.Destination.Canonical() {
				t.Errorf("%s: %+v", c.name, q)
			}
			q.Confirm()
			q.Reject(sis.RejectExpired) // once is enough
			if c.mode.Confirmation == sis.NoConfirmation {
				g.silence(time.Second)
				continue
			}
			g.hears(sis.UnidataRequestConfirm{DestinationSAP: 6, Destination: p.Destination, UPDU: p.UPDU[:min(3, len(p.UPDU))]})
		}
	})
}

func TestInvalidPrimitivesAreCounted(t *testing.T) {
	invalid := []string{
		"90 EB 00 00 02 1C 00",                                  // unknown
		"90 EB 00 00 03 01 60 14",                               // size
		"90 EB 00 00 0D 14 06 E1 01 00 02 14 00 00 3C 00 02 68", // sizes that differ
		"90 EB 00 00 01 0F",                                     // a node's
		"90 EB 00 00 04 01 60 14 00",                            // bound already
		"90 EB 00 00 04 12 01 DE AD",                            // rank
		"90 EB 00 00 06 06 D6 E1 01 00 02",                      // link type
		"90 EB 00 00 05 07 F1 01 00 02",                         // group
	}
	for i := range invalid {
		serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
			g := r.visit(t, false)
			g.bind(6, 0)
			for range 4 {
				g.raw(invalid[i])
			}
			for range 6 { // 12 minutes: one is forgiven
				g.hears(sis.KeepAlive{})
				g.say(sis.KeepAlive{})
			}
			g.raw(invalid[i])
			g.hears(sis.KeepAlive{})
		})
		serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
			g := r.visit(t, false)
			g.bind(6, 0)
			for range 5 {
				g.raw(invalid[i])
			}
			g.hears(sis.UnbindIndication{Reason: sis.UnbindInvalidPrimitives})
			g.closed("node ended the bind")
			if got := fmt.Sprint(r.logged()); got != "[bound 6 unbound 6]" {
				t.Error(got)
			}
		})
	}
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		for range 5 {
			g.say(sis.UnidataRequest{Destination: nodeB, UPDU: []byte("before a bind")})
		}
		g.hears(sis.UnbindIndication{Reason: sis.UnbindInvalidPrimitives})
		g.closed("node ended the bind")
		if got := r.logged(); len(got) > 0 {
			t.Error(got)
		}
	})
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.raw("90 EB 01 00 01 11")
		g.closed("version 1")
	})
}

func TestWhoDoesNotBindIsClosed(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		start := time.Now()
		r.visit(t, false).closed("no bind in time")
		if d := time.Since(start); d != 30*time.Second {
			t.Error(d)
		}
		g := r.visit(t, false)
		g.bind(6, 0)
		g.say(sis.UnbindRequest{})
		g.closed("no bind in time")
	})
}

func TestIdleClientsAreAskedForASign(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		for range 3 {
			start := time.Now()
			g.hears(sis.KeepAlive{})
			if d := time.Since(start); d != 120*time.Second {
				t.Errorf("asked after %v", d)
			}
			g.say(sis.KeepAlive{})
		}
		// Anything is a sign.
		g.hears(sis.KeepAlive{})
		g.say(sis.HardLinkTerminate{RemoteNode: nodeB})
		start := time.Now()
		g.hears(sis.KeepAlive{})
		if d := time.Since(start); d != 120*time.Second {
			t.Errorf("asked after %v", d)
		}
		start = time.Now()
		g.hears(sis.UnbindIndication{Reason: sis.UnbindNoKeepAlive})
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("unbound after %v", d)
		}
		g.closed("node ended the bind")
	})
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		time.Sleep(time.Minute)
		g.say(sis.KeepAlive{}) // a client may ask, too
		g.hears(sis.KeepAlive{})
		g.silence(119 * time.Second)
	})
}

func TestTooManyExpeditedRequests(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		p := sis.UnidataRequest{Expedited: true, Priority: 9, Destination: nodeB, TTL: 60, DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ}}
		say := func() {
			g.say(p)
			q := <-r.requests
			if q.Priority != 0 {
				t.Errorf("%+v", q)
			}
			q.Confirm()
		}
		for range 40 {
			say()
			time.Sleep(4 * time.Second) // 15 in a minute
		}
		for range 16 {
			say()
		}
		g.say(p)
		g.hears(sis.UnbindIndication{Reason: sis.UnbindTooManyExpedited})
		g.closed("node ended the bind")
	})
}

func TestFlowGoesOffAndOn(t *testing.T) {
	serve(t, sis.ServerConfig{Queue: 4}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		say := func() {
			g.say(sis.UnidataRequest{Destination: nodeB, TTL: 60, DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ}})
		}
		for range 4 {
			say()
		}
		g.hears(sis.DataFlowOff{})
		for range 15 {
			say()
		}
		// The next one fills the node, and the one after it is not read.
		say()
		g.near.SetWriteDeadline(time.Now().Add(time.Hour))
		if _, err := g.near.Write(unhex(t, "90 EB 00 00 01 11")); err == nil {
			t.Error("a client that ignores flow off is read all the same")
		}
		g.near.SetWriteDeadline(time.Time{})
		if n := r.server.Port(6).Queued(); n != 20 || len(r.requests) != 20 {
			t.Errorf("%d requests queued, %d seen", n, len(r.requests))
		}
		for i := range 18 {
			(<-r.requests).Confirm()
			if i < 17 {
				g.silence(time.Millisecond)
			}
		}
		g.hears(sis.DataFlowOn{})
		say()
		if r.logged(); len(r.requests) != 3 {
			t.Error(len(r.requests))
		}
	})
}

func TestASlowReaderIsCutOff(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		p := sis.UnidataIndication{DestinationSAP: 6, Destination: nodeA, Source: nodeB, TransmissionMode: sis.ARQ, UPDU: []byte("x")}
		for i := 0; ; i++ {
			if err := r.server.Deliver(p); err != nil {
				if !errors.Is(err, sis.ErrSlow) || i < 1000 || i > 1100 {
					t.Errorf("%d: %v", i, err)
				}
				break
			}
		}
		if err := <-g.done; !errors.Is(err, sis.ErrSlow) {
			t.Error(err)
		}
		if err := r.server.Deliver(p); err != sis.ErrNotBound {
			t.Error(err)
		}
		// The goodbye of one that does not read takes no longer than 5 s.
		g = r.visit(t, false)
		g.bind(6, 0)
		start := time.Now()
		r.server.SetBroadcastOnly(true)
		<-g.done
		if d := time.Since(start); d != 5*time.Second {
			t.Error(d)
		}
	})
}

func TestTheRateOfAClientIsBounded(t *testing.T) {
	serve(t, sis.ServerConfig{Rate: 10}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		start := time.Now()
		for range 120 {
			g.say(sis.HardLinkTerminate{RemoteNode: nodeB})
		}
		if d := time.Since(start); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("120 primitives took %v", d)
		}
	})
}

func TestManagementIsForRank15(t *testing.T) {
	serve(t, sis.ServerConfig{MaxRank: 15}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(0, 15)
		g.say(sis.ManagementMsgRequest{MsgType: 1, MsgBody: []byte{0xDE}})
		if got := fmt.Sprint(r.logged()); got != "[bound 0 management 1 DE]" {
			t.Error(got)
		}
		if err := r.server.Port(0).Send(sis.ManagementMsgIndication{MsgType: 2}); err != nil {
			t.Error(err)
		}
		g.hears(sis.ManagementMsgIndication{MsgType: 2})
	})
}

func TestAvailabilityIsAnnounced(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, false)
		g.bind(6, 0)
		emcon := sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}
		r.server.Announce(emcon)
		g.hears(emcon)
		late := r.visit(t, false)
		late.bind(7, 0)
		late.hears(emcon)
	})
}

func TestASerialLineOutlivesItsClients(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		g := r.visit(t, true)
		time.Sleep(time.Hour) // and nobody there
		g.raw("90 00 90 EB 55")
		g.bind(6, 0)
		// The client is switched off and on: it says goodbye first, as it does not know.
		g.raw("AA")
		g.say(sis.UnbindRequest{})
		g.bind(6, 0)
		// It is not there: its SAP is free, and the line is kept.
		g.hears(sis.KeepAlive{})
		g.hears(sis.UnbindIndication{Reason: sis.UnbindNoKeepAlive})
		g.bind(6, 0)
		if got := fmt.Sprint(r.logged()); got != "[bound 6 unbound 6 bound 6 unbound 6 bound 6]" {
			t.Error(got)
		}
	})
}

func TestTooManyCarriersAreClosed(t *testing.T) {
	serve(t, sis.ServerConfig{Clients: 2}, func(t *testing.T, r *recorder) {
		for range 6 {
			r.visit(t, false)
		}
		synctest.Wait()
		r.visit(t, false).closed("too many clients")
	})
}

func TestServeOverTCP(t *testing.T) {
	air := sistest.NewAir(sistest.Options{})
	defer air.Close()
	a, b := air.Node(nodeA, sis.ServerConfig{}), air.Node(nodeB, sis.ServerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	clients := make([]*sis.Client, 2)
	over := make(chan error, 2)
	for i, n := range []*sistest.Node{a, b} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { over <- n.Server().Serve(ctx, l) }()
		clients[i], err = sis.Bind(ctx, sis.Binding{SAP: 6, Dial: func(ctx context.Context) (io.ReadWriteCloser, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
	}
	for i := range 1000 {
		p := to(b, fmt.Sprint(i))
		if _, err := clients[0].Unidata(ctx, p); err != nil {
			t.Fatal(err)
		}
		e, err := clients[1].Recv(ctx)
		if u, ok := e.(sis.UnidataIndication); err != nil || !ok || string(u.UPDU) != string(p.UPDU) {
			t.Fatalf("%+v, %v", e, err)
		}
		if e, err := clients[0].Recv(ctx); err != nil || e.(sis.Confirmed).Ticket != sis.Ticket(i+1) {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	cancel()
	for range 2 {
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
	if _, err := clients[0].Recv(context.Background()); err == nil {
		t.Error("still bound")
	}
}
