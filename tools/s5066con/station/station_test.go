package station_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/tools/s5066con/probe"
	"longwire/tools/s5066con/station"
)

var (
	here    = sis.MakeAddress(1, 1, 0, 1)
	there   = sis.MakeAddress(1, 1, 0, 2)
	nowhere = sis.MakeAddress(1, 1, 0, 9)
	nonARQ  = sis.ServiceType{TransmissionMode: sis.NonARQ}
)

// A desk is a station that runs, and what it said.
type desk struct {
	*station.Station
	client *sis.Client
	ended  chan error

	mu     sync.Mutex
	events []station.Event
}

func (d *desk) hear(e station.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

// all returns the events of one kind.
func all[E station.Event](d *desk) (list []E) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e, ok := e.(E); ok {
			list = append(list, e)
		}
	}
	return list
}

// open binds at a node. The bind ends with the test.
func open(t *testing.T, n *sistest.Node, c station.Config) *desk {
	t.Helper()
	d := &desk{ended: make(chan error, 1)}
	c.Binding.Name, c.Binding.Dial, c.Emit = "node", n.Dial, d.hear
	c.Rand = rand.New(rand.NewPCG(1, uint64(n.Address)))
	if c.Binding.SAP == 0 {
		c.Binding.SAP = station.Free
	}
	c.Binding.Window = 32
	c = c.Tap()
	client, err := sis.Bind(t.Context(), c.Binding)
	if err != nil {
		t.Fatal(err)
	}
	d.client, d.Station = client, station.New(client, c)
	go func() { d.ended <- d.Run(context.Background()) }()
	t.Cleanup(func() {
		client.Close()
		<-d.ended
	})
	return d
}

// play runs a test on two nodes in a bubble.
func play(t *testing.T, o sistest.Options, f func(t *testing.T, air *sistest.Air, near, far *sistest.Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := sistest.NewAir(o)
		t.Cleanup(air.Close) // after the desks
		f(t, air, air.Node(here, sis.ServerConfig{}), air.Node(there, sis.ServerConfig{}))
	})
}

var responder = station.Config{Respond: true, Name: "field"}

func arq(to sis.Address) station.Path {
	return station.Path{To: to, SAP: station.Free, Service: sis.Arq()}
}

func to(a sis.Address, s sis.ServiceType) station.Path {
	return station.Path{To: a, SAP: station.Free, Service: s}
}

var radio = sistest.Options{Delay: time.Second, Rate: 300, Seed: 7}

func TestPingIsConfirmedAndAnswered(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		d, other := open(t, near, station.Config{}), open(t, far, responder)
		r, err := d.Ping(t.Context(), station.Ping{Path: arq(there), Count: 3, Size: 50, Echo: true})
		if err != nil || r.Sent != 3 || r.Delivered != 3 || r.Answered != 3 || r.Failed != 0 || r.Console != "answers" {
			t.Errorf("%+v, %v", r, err)
		}
		for _, a := range all[station.Answer](d) {
			// 50 bytes each way at 300 bit/s, and 1 s of delay each way.
			if a.Bytes != 50 || time.Duration(a.After).Round(time.Millisecond) != 4667*time.Millisecond {
				t.Errorf("%+v", a)
			}
		}
		if n := near.Sent() + far.Sent(); n != 6 || len(all[station.Answered](other)) != 3 {
			t.Errorf("%d transmissions", n)
		}
	})
}

func TestANodeWithoutConsoleIsASignOfLifeAndIsNotWaitedForTwice(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		start := time.Now()
		r, err := d.Ping(t.Context(), station.Ping{Path: arq(there), Count: 5})
		if err != nil || r.Delivered != 5 || r.Answered != 0 || r.Failed != 0 || r.Console != "silent" {
			t.Errorf("%+v, %v", r, err)
		}
		if took := time.Since(start); took > 40*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestEachReasonOfRejectionIsToldWithWhatToDo(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		hints := map[string]bool{}
		for reason := sis.RejectUnspecified; reason <= sis.RejectWindow; reason++ {
			near.RejectNext(reason)
			r, err := d.Ping(t.Context(), station.Ping{Path: arq(there)})
			if err != nil || r.Failed != 1 || r.Delivered != 0 {
				t.Fatalf("%v: %+v, %v", reason, r, err)
			}
			list := all[station.Failed](d)
			f := list[len(list)-1]
			if f.Code != int(reason) || f.Why != reason.String() || f.Hint == "" || f.Sequence != 0 {
				t.Errorf("%v: %+v", reason, f)
			}
			hints[f.Hint] = true
		}
		if len(hints) != 7 {
			t.Errorf("%d different hints", len(hints))
		}
	})
}

func TestEachRefusalHasAHint(t *testing.T) {
	seen := map[string]bool{}
	for r := sis.BindUnspecified; r <= sis.BindNoARQ; r++ {
		seen[station.BindHint(r)] = true
	}
	for r := sis.UnbindPreempted; r <= sis.UnbindNoARQ; r++ {
		seen[station.UnbindHint(r)] = true
	}
	if len(seen) != 10 || seen[""] {
		t.Errorf("%d hints: %v", len(seen), seen)
	}
}

func TestARequestThatTheNodeForgetsEnds(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		near.ForgetNext(1)
		p := arq(there)
		p.TTL = 20 * time.Second
		r, err := d.Ping(t.Context(), station.Ping{Path: p, Wait: time.Hour})
		if f := all[station.Failed](d); err != nil || r.Failed != 1 || len(f) != 1 || f[0].Code != station.NoAnswer {
			t.Errorf("%+v, %+v, %v", r, f, err)
		}
	})
}

func TestTheServerGoesAway(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		time.AfterFunc(10*time.Second, near.Stop)
		r, err := d.Test(t.Context(), station.Test{Path: arq(there), Count: 20, Size: 200, Window: 3})
		var u *sis.Unbound
		if !errors.As(err, &u) || r.Sent != 4 || r.Delivered != 1 || r.Unknown != 3 || r.Failed != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		lost := 0
		for _, f := range all[station.Failed](d) {
			if f.Code == station.BindLost {
				lost++
			}
		}
		if e := all[station.Unbound](d); lost != 3 || len(e) != 1 || e[0].Unknown != 3 {
			t.Errorf("%d lost, %+v", lost, e)
		}
		if _, err := d.Ping(t.Context(), station.Ping{Path: arq(there)}); !errors.As(err, &u) {
			t.Errorf("a ping afterwards: %v", err)
		}
	})
}

func TestAStoppedTestGivesTheNodeNothingMore(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		start := time.Now()
		r, err := d.Test(ctx, station.Test{Path: arq(there), Count: 500, Size: 200, Window: 2})
		if !errors.Is(err, station.ErrStopped) || !r.Stopped || time.Since(start) != 20*time.Second || r.Sent > 6 || r.Unknown > 2 {
			t.Errorf("after %v: %+v, %v", time.Since(start), r, err)
		}
		sent := near.Sent()
		time.Sleep(10 * time.Minute)
		if more := near.Sent() - sent; more > 2 {
			t.Errorf("%d more transmissions", more)
		}
	})
}

func TestSilenceWhenNothingIsAsked(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		open(t, near, station.Config{})
		open(t, far, responder)
		time.Sleep(24 * time.Hour)
		if n := near.Sent() + far.Sent(); n != 0 {
			t.Errorf("%d transmissions", n)
		}
	})
}

func TestSpreadInTestAndHistogram(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		d := open(t, near, station.Config{})
		open(t, far, responder)
		r, err := d.Test(t.Context(), station.Test{Path: arq(there), Count: 12, Size: 150, Window: 2, Report: true})
		n := 0
		for _, b := range r.Delivery.Histogram {
			n += b.Count
		}
		if err != nil || r.Delivered != 12 || n != 12 || r.Delivery.Count != 12 || r.Loss != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		// 12 U_PDUs of 4 s each one behind the other, and 2 s until the last is confirmed.
		if r.Rate != 288 || time.Duration(r.Took).Round(time.Second) != 50*time.Second {
			t.Errorf("%v bit/s in %v", r.Rate, r.Took)
		}
		if len(r.Reports) != 1 || r.Reports[0].Received != 12 || r.Reports[0].From != "1.1.0.2" {
			t.Errorf("%+v", r.Reports)
		}
	})
}

func TestLossIsWhatTheOtherConsoleCounted(t *testing.T) {
	play(t, radio, func(t *testing.T, air *sistest.Air, near, far *sistest.Node) {
		d, other := open(t, near, station.Config{}), open(t, far, responder)
		air.Set(func(o *sistest.Options) { o.Loss = 0.3 })
		r, err := d.Test(t.Context(), station.Test{Path: to(there, nonARQ), Count: 60, Size: 100, Report: true, Radio: probe.Radio{Rate: 300}})
		data := 0
		for _, h := range all[station.Heard](other) {
			if h.Probe == "data" {
				data++
			}
		}
		want := float64(60-data) / 60
		if err != nil || r.Sent != 60 || r.Delivered != data || r.Failed != 60-data || r.Loss < want-0.001 || r.Loss > want+0.001 || data > 55 || data < 25 {
			t.Errorf("%d arrived: %+v, %v", data, r, err)
		}
	})
}

func TestATestWithoutReportWaitsUntilTheNodeHasSent(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		start := time.Now()
		r, err := d.Test(t.Context(), station.Test{Path: to(there, nonARQ), Count: 3, Size: 200, Radio: probe.Radio{Rate: 300}})
		if took := time.Since(start); err != nil || r.Unknown != 3 || r.Loss != -1 || took < 18*time.Second || took > 30*time.Second || near.Sent() != 3 {
			t.Errorf("%+v, %v, after %v, %d sent", r, err, took, near.Sent())
		}
	})
}

func TestABroadcastTestHasAReportOfEachStation(t *testing.T) {
	play(t, radio, func(t *testing.T, air *sistest.Air, near, far *sistest.Node) {
		third := air.Node(nowhere, sis.ServerConfig{})
		d := open(t, near, station.Config{})
		open(t, far, responder)
		open(t, third, responder)
		r, err := d.Test(t.Context(), station.Test{Path: to(sis.Broadcast, nonARQ), Count: 4, Size: 100, Report: true, Radio: probe.Radio{Rate: 300}})
		if err != nil || len(r.Reports) != 2 || r.Loss != 0 || r.Unknown != 4 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestGroupsCannotBeReachedWithARQ(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		if _, err := d.Ping(t.Context(), station.Ping{Path: arq(sis.Broadcast)}); err == nil || !strings.Contains(err.Error(), "non-ARQ") {
			t.Error(err)
		}
		if _, err := d.Test(t.Context(), station.Test{Path: arq(there), Size: 2049}); err == nil || !strings.Contains(err.Error(), "2048") {
			t.Error(err)
		}
		if n := near.Sent(); n != 0 {
			t.Errorf("%d transmissions", n)
		}
	})
}

func TestDiscoveryIsAnsweredAfterRandomDelays(t *testing.T) {
	play(t, radio, func(t *testing.T, air *sistest.Air, near, far *sistest.Node) {
		d := open(t, near, station.Config{Name: "hq"})
		c := responder
		open(t, far, c)
		for i := range uint8(8) {
			open(t, air.Node(sis.MakeAddress(1, 1, 1, i), sis.ServerConfig{}), c)
		}
		open(t, air.Node(nowhere, sis.ServerConfig{}), station.Config{}) // listens only
		start := time.Now()
		r, err := d.Discover(t.Context(), station.Discovery{Path: to(sis.Broadcast, nonARQ), Window: 30 * time.Second})
		if err != nil || r.Found != 9 || time.Since(start) != time.Minute {
			t.Errorf("%+v, %v, after %v", r, err, time.Since(start))
		}
		var holds []time.Duration
		for _, f := range all[station.Found](d) {
			holds = append(holds, time.Duration(f.Hold))
			if f.Name != "field" || f.Own != "1.1.0.1" {
				t.Errorf("%+v", f)
			}
		}
		slices.Sort(holds)
		if len(slices.Compact(slices.Clone(holds))) < 8 || holds[len(holds)-1]-holds[0] < 10*time.Second {
			t.Errorf("they waited %v", holds)
		}
	})
}

func TestASilentDiscoverySendsNothing(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		r, err := d.Discover(t.Context(), station.Discovery{Silent: true, Wait: time.Minute})
		if err != nil || r.Found != 0 || near.Sent() != 0 {
			t.Errorf("%+v, %v, %d sent", r, err, near.Sent())
		}
	})
}
