package station_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/tools/s5066con/probe"
	"longwire/tools/s5066con/station"
)

// deliver has a U_PDU arrive at a node as if by radio.
func deliver(t *testing.T, n *sistest.Node, change func(*sis.UnidataIndication)) {
	t.Helper()
	p := sis.UnidataIndication{DestinationSAP: station.Free, Destination: n.Address, TransmissionMode: sis.ARQ, SourceSAP: station.Free, Source: there}
	change(&p)
	if err := n.Server().Deliver(p); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func ping(run, sequence uint16) []byte {
	return probe.Probe{Kind: probe.Ping, Run: run, Sequence: sequence}.Append(nil)
}

func TestACopyOfAPingIsNotAnsweredAgain(t *testing.T) {
	play(t, sistest.Options{}, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		open(t, near, responder)
		for range 5 {
			deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = ping(1, 0) })
		}
		if n := near.Sent(); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

func TestStrangersCannotHaveUsTransmitForEver(t *testing.T) {
	play(t, sistest.Options{}, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{Respond: true, Answers: 10})
		for i := range uint16(100) { // one station
			deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = ping(1, i) })
		}
		if n := near.Sent(); n != 10 {
			t.Errorf("%d answers to one", n)
		}
		for i := range uint8(100) { // many
			deliver(t, near, func(p *sis.UnidataIndication) { p.Source, p.UPDU = sis.MakeAddress(2, 0, 0, i), ping(2, 0) })
		}
		if n := near.Sent(); n != 40 {
			t.Errorf("%d answers to all", n)
		}
		refused := 0
		for _, a := range all[station.Answered](d) {
			if a.Refused != "" {
				refused++
			}
		}
		if refused != 160 {
			t.Errorf("%d refused", refused)
		}
		time.Sleep(11 * time.Minute)
		deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = ping(3, 0) })
		if n := near.Sent(); n != 41 {
			t.Errorf("%d answers after ten minutes", n)
		}
	})
}

func TestAnAnswerIsNoLongerThanItsQuestionOr32Bytes(t *testing.T) {
	for _, q := range []probe.Probe{{Kind: probe.Ping}, {Kind: probe.Ping, Echo: true, Size: 900}, {Kind: probe.Discover}, {Kind: probe.End}} {
		play(t, sistest.Options{}, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
			open(t, near, station.Config{Respond: true, Name: strings.Repeat("x", 99)})
			asker := open(t, far, station.Config{})
			u := q.Append(nil)
			deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = u })
			for _, h := range all[station.Heard](asker) {
				if h.Bytes > max(len(u), probe.Header+2+probe.MaxName) {
					t.Errorf("%v of %d bytes is answered with %d", q.Kind, len(u), h.Bytes)
				}
			}
			if len(all[station.Heard](asker)) != 1 {
				t.Errorf("%v has no answer", q.Kind)
			}
		})
	}
}

func TestRubbishIsShownAndNotAnswered(t *testing.T) {
	play(t, sistest.Options{}, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, responder)
		for _, u := range []string{"", "LP", "LP\x10", "hello", "\x00\xff\x1b[2J", "LP\x20aaaaaaa", "LP\x1faaaaaaa"} {
			deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = []byte(u) })
		}
		deliver(t, near, func(p *sis.UnidataIndication) { // a probe with errors
			p.UPDU, p.TransmissionMode, p.Errored = ping(1, 0), sis.NonARQErrors, []sis.Block{{Offset: 3, Size: 2}}
		})
		// Answers to questions that nobody asked.
		deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = probe.Probe{Kind: probe.Pong}.Append(nil) })
		if n, h := near.Sent(), all[station.Heard](d); n != 0 || len(h) != 9 || h[3].Text != "hello" || strings.Contains(h[4].Text+h[4].Data, "\x1b") || h[7].Errored != 2 {
			t.Errorf("%d sent; %+v", n, h)
		}
	})
}

func TestDuplicatesOfATestAreCountedAndReported(t *testing.T) {
	play(t, sistest.Options{}, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		open(t, near, responder)
		asker := open(t, far, station.Config{Trace: true})
		for _, sequence := range []uint16{0, 1, 1, 3, 0, 5} {
			u := probe.Probe{Kind: probe.Data, Run: 9, Sequence: sequence, Size: 100}.Append(nil)
			deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = u })
			time.Sleep(time.Second)
		}
		deliver(t, near, func(p *sis.UnidataIndication) { p.UPDU = probe.Probe{Kind: probe.End, Run: 9, Sent: 6}.Append(nil) })
		found := false
		for _, p := range all[station.Primitive](asker) {
			// received 4, duplicates 2, 400 bytes, 5 s, of which 300 bytes in it
			found = found || strings.HasSuffix(p.Hex, "0004"+"0002"+"00000190"+"00001388"+"0000012c")
		}
		if !found {
			t.Errorf("%+v", all[station.Primitive](asker))
		}
	})
}

func TestHardLinks(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		d, other := open(t, near, station.Config{}), open(t, far, station.Config{Accept: true})
		l := sis.HardLink{LinkType: sis.HardLinkForPair, RemoteSAP: station.Free, RemoteNode: there}
		h, ok, err := d.MakeLink(t.Context(), l)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, _, err := d.MakeLink(t.Context(), l); err == nil {
			t.Error("a second one is made")
		}
		h.Release()
		time.Sleep(time.Minute)
		if states(d) != "asked established released" || states(other) != "offered accepted terminated" {
			t.Errorf("%s; %s", states(d), states(other))
		}
		if _, ok, err := d.MakeLink(t.Context(), sis.HardLink{RemoteNode: nowhere}); ok || err != nil {
			t.Errorf("to nobody: %v, %v", ok, err)
		}
		if _, _, err := d.MakeLink(t.Context(), sis.HardLink{RemoteNode: sis.Broadcast}); err == nil {
			t.Error("to a group")
		}
	})
}

func TestAHardLinkThatIsNotWantedIsRefusedAtOnce(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		d := open(t, near, station.Config{})
		open(t, far, station.Config{})
		_, ok, err := d.MakeLink(t.Context(), sis.HardLink{LinkType: sis.HardLinkForPair, RemoteSAP: station.Free, RemoteNode: there})
		if ok || err != nil || states(d) != "asked rejected" {
			t.Errorf("%v, %v: %s", ok, err, states(d))
		}
	})
}

func states(d *desk) string {
	var list []string
	for _, l := range all[station.Link](d) {
		list = append(list, l.State)
	}
	return strings.Join(list, " ")
}

func TestTheOrderwireIsLinesOfASCII(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, far *sistest.Node) {
		c := station.Config{Binding: sis.Binding{SAP: station.Orderwire}}
		d, other := open(t, near, c), open(t, far, c)
		p := station.Path{To: there, SAP: station.Orderwire, Service: sis.Arq()}
		if ok, err := d.Say(t.Context(), p, 0, "QRV at 14:00?"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		for _, bad := range []string{"", "grüß", "a\x1bb", "two\nlines"} {
			if _, err := d.Say(t.Context(), p, 1, bad); err == nil {
				t.Errorf("%q is sent", bad)
			}
		}
		chat := all[station.Chat](other)
		if len(chat) != 1 || chat[0].Text != "QRV at 14:00?" || chat[0].From != "1.1.0.1" || near.Sent() != 1 {
			t.Errorf("%+v", chat)
		}
		for in, want := range map[string]string{"a\r\nb\r\n": "a / b", "x\x1b[2J": "x·[2J", "": "", "\r\n": ""} {
			if got := station.Line([]byte(in)); got != want {
				t.Errorf("%q is shown as %q", in, got)
			}
		}
	})
}

func TestFlowOffAndEMCONAreShown(t *testing.T) {
	play(t, radio, func(t *testing.T, _ *sistest.Air, near, _ *sistest.Node) {
		d := open(t, near, station.Config{})
		near.Server().Announce(sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON})
		synctest.Wait()
		if a := all[station.Availability](d); len(a) != 1 || a[0].Status != "receive-only" || !strings.Contains(a[0].Reason, "EMCON") {
			t.Errorf("%+v", a)
		}
	})
}
