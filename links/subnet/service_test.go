package subnet_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

func mode(m sis.TransmissionMode, c sis.DeliveryConfirmation) sis.ServiceType {
	return sis.ServiceType{TransmissionMode: m, Confirmation: c}
}

// outcomes are the ends of requests, in short.
func outcomes(list []sis.Event) (out []string) {
	for _, e := range list {
		switch e := e.(type) {
		case sis.Confirmed:
			out = append(out, "confirmed "+string(e.Answer.UPDU))
		case sis.Rejected:
			out = append(out, e.Answer.Reason.String()+": "+string(e.Answer.UPDU))
		}
	}
	return out
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestConfirmations(t *testing.T) {
	play(t, "by the client", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 7})
		a.send(1, sis.UnidataRequest{DestinationSAP: 7, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, "there is somebody")
		a.send(1, sis.UnidataRequest{DestinationSAP: 8, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, "there is nobody")
		time.Sleep(2 * time.Minute)
		expect(t, "A", outcomes(a.heard()), "confirmed there is somebody", "destination SAP not bound: there is nobody")
		expect(t, "B", texts(b.heard()), "there is somebody")
	})
	play(t, "by the node, which is all that is known", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 8}, "there is nobody")
		time.Sleep(2 * time.Minute)
		expect(t, "A", outcomes(a.heard()), "confirmed there is nobody")
		if n := x.nodes[1].Status().Counts.Dropped; n != 1 {
			t.Errorf("%d dropped", n)
		}
	})
	play(t, "none, whatever happens", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		none := mode(sis.ARQ, sis.NoConfirmation)
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: none}, "arrives")
		a.send(5, sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: none}, "to nobody")
		time.Sleep(10 * time.Minute)
		expect(t, "A", outcomes(a.heard()))
		expect(t, "B", texts(b.heard()), "arrives")
	})
	play(t, "of expedited data", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		for _, c := range []sis.DeliveryConfirmation{sis.NodeConfirmation, sis.ClientConfirmation} {
			a.send(1, sis.UnidataRequest{Expedited: true, DestinationSAP: 6, DeliveryMode: mode(sis.ARQ, c)}, c.String())
			time.Sleep(time.Minute)
		}
		list := a.heard()
		expect(t, "A", outcomes(list), "confirmed node", "confirmed client")
		for _, e := range list {
			if c, ok := e.(sis.Confirmed); !ok || !c.Answer.Expedited {
				t.Errorf("A heard %+v", e)
			}
		}
		list = b.heard()
		expect(t, "B", texts(list), "node", "client")
		for _, e := range list {
			if i := e.(sis.UnidataIndication); !i.Expedited || i.Source != sisAddress(0) || i.Destination != sisAddress(1) || i.SourceSAP != 6 {
				t.Errorf("B heard %+v", i)
			}
		}
	})
}

func TestRejections(t *testing.T) {
	play(t, "nobody there", func(t *testing.T) {
		x := newWorld(t, 1, 1200, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 6})
		a.send(5, sis.UnidataRequest{DestinationSAP: 6}, "node")
		a.send(5, sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, "client")
		a.send(0, sis.UnidataRequest{DestinationSAP: 6}, "itself")
		time.Sleep(5 * time.Minute)
		expect(t, "A", outcomes(a.heard()), "destination node not responding: itself", "destination node not responding: node", "destination node not responding: client")
		if n := x.nodes[0].Status().Counts.Transmissions; n != 3 {
			t.Errorf("called %d times", n) // Choice: N_req is 3
		}
	})
	play(t, "too late", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		x.air.SetDown(true)
		start := time.Now()
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(10 * time.Second)}, "short-lived")
		time.Sleep(5 * time.Minute)
		if took := a.times()[0].Sub(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("rejected after %v", took)
		}
		expect(t, "A", outcomes(a.heard()), "time to live expired: short-lived")
		x.air.SetDown(false)
		time.Sleep(5 * time.Minute)
		expect(t, "B", texts(b.heard()))
	})
	play(t, "a time to live of 0 is the node's longest", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{SIS: sis.ServerConfig{MaxTTL: time.Minute}, EMCON: true})
		a := x.bind(0, sis.Binding{SAP: 6})
		a.Close()
		// A client that does not heed S_SUBNET_AVAILABILITY.
		x.nodes[0].SetEMCON(false)
		a = x.bind(0, sis.Binding{SAP: 6})
		x.air.SetDown(true)
		a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "waits")
		time.Sleep(time.Second)
		x.nodes[0].SetEMCON(true)
		time.Sleep(57 * time.Second)
		expect(t, "A", outcomes(a.heard()))
		time.Sleep(3 * time.Second)
		expect(t, "A", outcomes(a.heard()), "time to live expired: waits")
	})
	play(t, "the far client never answers", func(t *testing.T) {
		// It is a node that does not know client confirmation: its DATA DELIVERY CONFIRM never comes.
		x := newWorld(t, 2, 1200, subnet.Config{ClientWait: 2 * time.Minute})
		a := x.bind(0, sis.Binding{SAP: 6})
		x.bind(1, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "up")
		time.Sleep(20 * time.Second)
		a.heard()
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, "hello")
		time.Sleep(1500 * time.Millisecond)
		x.nodes[1].SetEMCON(true) // it hears, and stays silent
		time.Sleep(30 * time.Minute)
		expect(t, "A", outcomes(a.heard()), "destination node not responding: hello")
	})
}

func TestDataOfAClientThatIsGone(t *testing.T) {
	play(t, "is not sent", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		other := x.bind(0, sis.Binding{SAP: 7})
		x.nodes[1].SetEMCON(true) // so that nothing gets through yet
		for range 5 {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "from the one that goes")
		}
		other.send(1, sis.UnidataRequest{DestinationSAP: 6}, "from the one that stays")
		time.Sleep(time.Second)
		a.Close()
		synctest.Wait()
		if q := x.nodes[0].Status().Queued; q > 60 {
			t.Errorf("%d bytes wait", q)
		}
		x.nodes[1].SetEMCON(false)
		time.Sleep(5 * time.Minute)
		expect(t, "B", texts(b.heard()), "from the one that stays")
		expect(t, "other", outcomes(other.heard()), "confirmed from the one that stays")
	})
}

func TestFlow(t *testing.T) {
	play(t, "goes off when too much waits, and on again", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{SIS: sis.ServerConfig{QueueBytes: 8 << 10}})
		a, b := x.bind(0, sis.Binding{SAP: 6, Window: 100}), x.bind(1, sis.Binding{SAP: 6})
		go func() {
			for range 20 {
				a.send(1, sis.UnidataRequest{DestinationSAP: 6}, strings.Repeat("x", 1000))
			}
		}()
		time.Sleep(20 * time.Minute)
		list := a.heard()
		if !slices.Contains(list, sis.Event(sis.DataFlowOff{})) || !slices.Contains(list, sis.Event(sis.DataFlowOn{})) {
			t.Error("no flow control")
		}
		if n, m := len(outcomes(list)), len(texts(b.heard())); n != 20 || m != 20 {
			t.Errorf("%d confirmed, %d arrived", n, m)
		}
	})
}

func TestPriorities(t *testing.T) {
	play(t, "the most urgent goes first, whoever gave it", func(t *testing.T) {
		// A window so small that not all goes in one transmission.
		x := newWorld(t, 2, 300, subnet.Config{CAS: cas.Config{DTS: dts.Config{MaxTransmission: 20 * time.Second}}})
		a, a2, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(0, sis.Binding{SAP: 7}), x.bind(1, sis.Binding{SAP: 6})
		for _, p := range []uint8{0, 4, 8, 2} {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: p}, string('0'+rune(p))+strings.Repeat(".", 500))
		}
		a2.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: 15}, "F"+strings.Repeat(".", 500))
		time.Sleep(time.Hour)
		order := ""
		for _, s := range texts(b.heard()) {
			order += s[:1]
		}
		if order != "F8420" {
			t.Errorf("arrived %q", order)
		}
	})
}

func TestWithoutARQ(t *testing.T) {
	all := sis.Broadcast
	play(t, "to everybody and to groups, repeated", func(t *testing.T) {
		group := sis.MakeAddress(16, 0, 0, 5)
		x := newWorld(t, 3, 300, subnet.Config{})
		x.halt(1)
		x.cfg[1].Groups = []dts.Address{dts.Address(0x10000005)}
		x.start(1)
		a := x.bind(0, sis.Binding{SAP: 7, ServiceType: sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 2}})
		b, c := x.bind(1, sis.Binding{SAP: 7}), x.bind(2, sis.Binding{SAP: 7})
		a.send(0, sis.UnidataRequest{DestinationSAP: 7, Destination: all}, "to all")
		a.send(0, sis.UnidataRequest{DestinationSAP: 7, Destination: group}, "to the group")
		a.send(0, sis.UnidataRequest{Expedited: true, DestinationSAP: 7, Destination: all}, "urgent")
		a.send(2, sis.UnidataRequest{DestinationSAP: 7}, "to C")
		time.Sleep(10 * time.Minute)
		got := b.heard()
		slices.SortFunc(got, func(p, q sis.Event) int { return strings.Compare(texts([]sis.Event{p})[0], texts([]sis.Event{q})[0]) })
		expect(t, "B", texts(got), "to all", "to the group", "urgent")
		if i := got[1].(sis.UnidataIndication); i.Destination != group || i.TransmissionMode != sis.NonARQ {
			t.Errorf("B heard %+v", i)
		}
		gotC := texts(c.heard())
		slices.Sort(gotC)
		expect(t, "C", gotC, "to C", "to all", "urgent")
		expect(t, "A", outcomes(a.heard()))
		if n := x.nodes[0].Status().Counts.Sent; n < 12 {
			t.Errorf("%d D_PDUs for 4 U_PDUs of 3 copies", n)
		}
	})
	play(t, "with errors, for a client that wants them", func(t *testing.T) {
		// Every bit has a chance of being wrong, so that a long U_PDU has some that are.
		air := modem.NewChannel(modem.ChannelConfig{Seed: 3, Burst: modem.Burst{GoodErrors: 2e-4}})
		x := newWorldOn(t, air, 3, 1200, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 7, ServiceType: mode(sis.NonARQ, 0)})
		b, c := x.bind(1, sis.Binding{SAP: 7, ServiceType: mode(sis.NonARQErrors, 0)}), x.bind(2, sis.Binding{SAP: 7})
		text := strings.Repeat("0123456789", 200)
		for range 10 {
			a.send(0, sis.UnidataRequest{DestinationSAP: 7, Destination: all}, text)
			time.Sleep(2 * time.Minute)
		}
		damaged, good := 0, 0
		for _, e := range b.heard() {
			i := e.(sis.UnidataIndication)
			if i.TransmissionMode != sis.NonARQErrors || len(i.UPDU) != len(text) {
				t.Fatalf("B heard mode %v, %d bytes", i.TransmissionMode, len(i.UPDU))
			}
			bad := make([]bool, len(text))
			for _, blk := range append(i.Errored, i.Missing...) {
				for k := range int(blk.Size) {
					bad[int(blk.Offset)+k] = true
				}
			}
			for k := range text {
				if i.UPDU[k] != text[k] && !bad[k] {
					t.Fatalf("byte %d is wrong and not told: errored %v, missing %v", k, i.Errored, i.Missing)
				}
			}
			if len(i.Errored)+len(i.Missing) > 0 {
				damaged++
			} else {
				good++
			}
		}
		if damaged == 0 {
			t.Errorf("%d good, %d damaged: nothing tested", good, damaged)
		}
		for _, s := range texts(c.heard()) {
			if s != text {
				t.Error("a client that wants no errors got some")
			}
		}
	})
}

func TestBroadcastOnly(t *testing.T) {
	play(t, "no ARQ, and longer U_PDUs", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{SIS: sis.ServerConfig{MTU: sis.BroadcastMTU}})
		arq, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 7})
		non := x.bind(0, sis.Binding{SAP: 7, ServiceType: mode(sis.NonARQ, 0)})
		arq.send(1, sis.UnidataRequest{DestinationSAP: 6}, "before")
		time.Sleep(20 * time.Second)
		expect(t, "before", outcomes(arq.heard()), "confirmed before")
		x.nodes[0].SetBroadcastOnly(true)
		<-arq.done // S_UNBIND_INDICATION 5
		long := strings.Repeat("x", 4096)
		non.send(1, sis.UnidataRequest{DestinationSAP: 7}, long)
		time.Sleep(5 * time.Minute)
		if got := texts(b.heard()); len(got) != 1 || got[0] != long {
			t.Errorf("got %d", len(got))
		}
		if l := x.nodes[0].Status().Links; len(l) != 0 {
			t.Errorf("links %+v", l)
		}
		// Who calls it hears why not.
		c := x.bind(1, sis.Binding{SAP: 6})
		c.send(0, sis.UnidataRequest{DestinationSAP: 6}, "call")
		time.Sleep(5 * time.Minute)
		expect(t, "C", outcomes(c.heard()), "destination node not responding: call")
		x.nodes[0].SetBroadcastOnly(false)
		d := x.bind(0, sis.Binding{SAP: 6})
		c.send(0, sis.UnidataRequest{DestinationSAP: 6}, "call again")
		time.Sleep(2 * time.Minute)
		expect(t, "D", texts(d.heard()), "call again")
	})
}

func TestTimeToDie(t *testing.T) {
	play(t, "what comes too late is dropped", func(t *testing.T) {
		x := newWorld(t, 2, 75, subnet.Config{TTD: true})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, TTL: sis.TTLOf(time.Hour)}, "in time")
		time.Sleep(2 * time.Minute)
		expect(t, "B", texts(b.heard()), "in time")
		expect(t, "A", outcomes(a.heard()), "confirmed in time")
		// It leaves in time, and takes so long that it comes too late.
		a.send(0, sis.UnidataRequest{DestinationSAP: 6, Destination: sis.Broadcast, DeliveryMode: mode(sis.NonARQ, 0), TTL: sis.TTLOf(20 * time.Second)}, strings.Repeat("x", 500))
		time.Sleep(5 * time.Minute)
		expect(t, "B", texts(b.heard()))
		if n := x.nodes[1].Status().Counts.Stale; n != 1 {
			t.Errorf("%d came too late", n)
		}
	})
}

func TestManagement(t *testing.T) {
	play(t, "by rank 15", func(t *testing.T) {
		x := newWorld(t, 1, 300, subnet.Config{SIS: sis.ServerConfig{MaxRank: 15}})
		a := x.bind(0, sis.Binding{SAP: 0, Rank: 15})
		ask := func(kind uint8, body ...byte) sis.ManagementMsgIndication {
			t.Helper()
			if err := a.Send(t.Context(), sis.ManagementMsgRequest{MsgType: kind, MsgBody: body}); err != nil {
				t.Fatal(err)
			}
			for _, e := range a.heard() {
				if m, ok := e.(sis.ManagementMsgIndication); ok {
					return m
				}
			}
			t.Fatal("no answer")
			return sis.ManagementMsgIndication{}
		}
		if m := ask(subnet.ManageEMCON, 1); m.MsgType != subnet.ManageEMCON || m.MsgBody[0] != 1 || !x.nodes[0].EMCON() {
			t.Errorf("EMCON on: %+v", m)
		}
		if m := ask(subnet.ManageEMCON, 0); m.MsgBody[0] != 0 || x.nodes[0].EMCON() {
			t.Errorf("EMCON off: %+v", m)
		}
		if m := ask(subnet.ManageStatus); m.MsgType != subnet.ManageStatus || !strings.Contains(string(m.MsgBody), `"address":"1.1.0.1"`) {
			t.Errorf("status: %+v", m)
		}
		if m := ask(77, 1, 2); m.MsgType != subnet.ManageUnknown || m.MsgBody[0] != 77 {
			t.Errorf("unknown: %+v", m)
		}
	})
}
