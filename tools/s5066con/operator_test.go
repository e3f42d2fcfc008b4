package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/tools/s5066con/screen"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

// A page is what an operator's screen would be told.
type page struct {
	mu    sync.Mutex
	lines []string
}

func (p *page) send(m tea.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := m.(type) {
	case screen.EventMsg:
		if _, raw := m.Event.(station.Primitive); !raw {
			p.lines = append(p.lines, station.Text(m.Event))
		}
	case screen.ProblemMsg:
		p.lines = append(p.lines, "problem: "+m.Text)
	case screen.BusyMsg:
		p.lines = append(p.lines, "busy: "+m.What)
	}
}

// has tells whether a line with the text came, and forgets all lines.
func (p *page) has(t *testing.T, texts ...string) {
	t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.lines, "\n")
	for _, s := range texts {
		if !strings.Contains(all, s) {
			t.Errorf("%q did not come:\n%s", s, all)
		}
	}
	p.lines = nil
}

func TestAnOperatorsDay(t *testing.T) {
	pair(t, radio, true, func(_ context.Context, _ *sistest.Air, near, far *sistest.Node) {
		d := newDesk(t, near, "")
		o, _, err := d.parse(screenCommand(), nil)
		if err != nil {
			t.Fatal(err)
		}
		op, seen := newOperator(&d.app, o), &page{}
		op.send = seen.send
		defer op.close()
		op.Ping("1.1.0.2", false)
		seen.has(t, "not bound: there is nothing to send with")
		sap := uint8(13)
		op.Connect(settings.Server{Name: "hq", Address: "x", SAP: &sap, Rate: 300})
		seen.has(t, "bound to SAP 13 of hq")

		op.Ping("1.1.0.2", false)
		op.Ping("1.1.0.2", false)
		seen.has(t, "busy: pinging 1.1.0.2", "something is going on")
		time.Sleep(time.Minute)
		seen.has(t, "1 confirmed, 1 answered", "busy: ")

		x := screen.Test{To: "1.1.0.2", Count: 50, Size: 200}
		if got := op.Plan(x); !strings.Contains(got, "at told 300 bit/s") {
			t.Error(got)
		}
		op.Test(x)
		time.Sleep(30 * time.Second)
		op.Stop()
		seen.has(t, "Stopped.", "busy: ")
		time.Sleep(10 * time.Minute) // what the node had is sent
		op.Test(screen.Test{To: "all", Count: 3, Size: 50})
		time.Sleep(5 * time.Minute)
		seen.has(t, "stations that reported: 1")
		op.Discover()
		time.Sleep(time.Minute)
		seen.has(t, "stations that answered: 1")

		op.Say("1.1.0.2", "QRV?", false)
		time.Sleep(time.Minute)
		seen.has(t, "bound to SAP 5 of hq", "line 1 to 1.1.0.2: confirmed")
		op.Say("1.1.0.2", "grüß", false)
		seen.has(t, "ASCII only")
		op.MakeLink("1.1.0.2", 0)
		time.Sleep(time.Minute)
		op.BreakLink()
		op.BreakLink()
		seen.has(t, "hard link to 1.1.0.2: established", "released", "no hard link of ours")

		op.Respond(true)
		deliverPing(t, near)
		seen.has(t, "answered 1.1.0.2 with pong 7")
		op.Respond(false)
		deliverPing(t, near)
		op.Name("1.1.0.2", "field")

		near.Restart()
		time.Sleep(time.Minute)
		seen.has(t, "bind lost", "next try in 5s", "bound to SAP 13", "bound to SAP 5")
		op.Connect(settings.Server{Name: "other", Address: "y", SAP: &sap, Mode: "non-arq"})
		time.Sleep(time.Second)
		seen.has(t, "bound to SAP 13 of other")
		op.Disconnect()
		synctest.Wait()
		if ports := near.Server().Ports(); len(ports) != 0 {
			t.Errorf("%d SAPs are still bound", len(ports))
		}
		s, err := settings.Load(d.path)
		if err != nil || len(s.Servers) != 2 || s.Stations["1.1.0.2"] != "field" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// deliverPing has a ping arrive.
func deliverPing(t *testing.T, n *sistest.Node) {
	t.Helper()
	u := []byte{'L', 'P', 0x10, 0, 1, 0, 7, 0}
	if err := n.Server().Deliver(sis.UnidataIndication{DestinationSAP: 13, Destination: n.Address, TransmissionMode: sis.ARQ, SourceSAP: 13, Source: there, UPDU: u}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}
