package subnet_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// news are what clients heard about hard links.
func news(list []sis.Event) (out []string) {
	for _, e := range list {
		switch e := e.(type) {
		case sis.HardLinkEstablished:
			out = append(out, fmt.Sprintf("established %d %d %v", e.LinkType, e.RemoteSAP, e.RemoteNode))
		case sis.HardLinkRejected:
			out = append(out, fmt.Sprintf("rejected %d %v", e.Reason, e.RemoteNode))
		case sis.HardLinkTerminated:
			out = append(out, fmt.Sprintf("terminated %d %v", e.Reason, e.RemoteNode))
		case sis.HardLinkIndication:
			out = append(out, fmt.Sprintf("indication %d %d %v", e.LinkType, e.RemoteSAP, e.RemoteNode))
		}
	}
	return out
}

func (c *client) say(p sis.Primitive) {
	c.tb.Helper()
	if err := c.Send(c.tb.(*testing.T).Context(), p); err != nil {
		c.tb.Fatal(err)
	}
}

func link(kind sis.HardLinkType, priority uint8, sap uint8, to int) sis.HardLink {
	return sis.HardLink{LinkType: kind, Priority: priority, RemoteSAP: sap, RemoteNode: sisAddress(to)}
}

func (x *world) links(i int) string {
	s := ""
	for _, l := range x.nodes[i].Status().Links {
		s += fmt.Sprintf("%s %s exclusive=%v;", l.Peer, l.State, l.Exclusive)
	}
	return s
}

func TestHardLinks(t *testing.T) {
	play(t, "for the pair: offered, taken, used, ended", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 7})
		other, other2 := x.bind(0, sis.Binding{SAP: 8}), x.bind(1, sis.Binding{SAP: 8})
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForPair, 1, 7, 1)})
		time.Sleep(30 * time.Second)
		expect(t, "B", news(b.heard()), "indication 2 6 1.1.0.1")
		expect(t, "A before the answer", news(a.heard()))
		b.say(sis.HardLinkAccept{HardLink: link(sis.HardLinkForPair, 1, 6, 0)})
		time.Sleep(30 * time.Second)
		expect(t, "A", news(a.heard()), "established 2 7 1.1.0.2")
		if got := x.links(0); got != "1.1.0.2 made exclusive=true;" {
			t.Errorf("links: %s", got)
		}
		// Others wait; the pair talks.
		other.send(1, sis.UnidataRequest{DestinationSAP: 8}, "waits")
		other2.send(0, sis.UnidataRequest{DestinationSAP: 8}, "waits too")
		a.send(1, sis.UnidataRequest{DestinationSAP: 7}, "goes")
		b.send(0, sis.UnidataRequest{DestinationSAP: 6}, "goes too")
		time.Sleep(2 * time.Hour) // and it stays without traffic
		expect(t, "B", texts(b.heard()), "goes")
		expect(t, "A", texts(a.heard()), "goes too")
		expect(t, "other2", texts(other2.heard()))
		if got := x.links(0); got == "" {
			t.Error("the hard link is gone")
		}
		a.say(sis.HardLinkTerminate{RemoteNode: sisAddress(1)})
		time.Sleep(5 * time.Minute)
		expect(t, "A", news(a.heard()), "terminated 1 1.1.0.2")
		expect(t, "B", news(b.heard()), "terminated 1 1.1.0.1")
		expect(t, "other2", texts(other2.heard()), "waits")
		expect(t, "other", texts(other.heard()), "waits too")
		if a, b := x.links(0), x.links(1); a+b != "" {
			t.Errorf("links: %s %s", a, b)
		}
	})
	play(t, "declined, and nobody there to ask", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 7})
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForPair, 0, 7, 1)})
		time.Sleep(30 * time.Second)
		b.heard()
		b.say(sis.HardLinkReject{HardLink: link(sis.HardLinkForPair, 0, 6, 0)})
		time.Sleep(2 * time.Minute)
		expect(t, "declined", news(a.heard()), "rejected 1 1.1.0.2")
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForPair, 0, 9, 1)})
		time.Sleep(2 * time.Minute)
		expect(t, "SAP not bound", news(a.heard()), "rejected 4 1.1.0.2")
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 5)})
		time.Sleep(10 * time.Minute)
		expect(t, "no node", news(a.heard()), "rejected 3 1.1.0.6")
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForPair, 0, 7, 1)})
		time.Sleep(30 * time.Second)
		expect(t, "B", news(b.heard()), "indication 2 6 1.1.0.1")
		time.Sleep(5 * time.Minute) // no answer
		expect(t, "no answer", news(a.heard()), "rejected 3 1.1.0.2")
		if a, b := x.links(0), x.links(1); a+b != "" {
			t.Errorf("links: %s %s", a, b)
		}
	})
	play(t, "for all: anyone uses it, a second wish is satisfied", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, a2, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(0, sis.Binding{SAP: 7}), x.bind(1, sis.Binding{SAP: 7})
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 1)})
		time.Sleep(30 * time.Second)
		expect(t, "A", news(a.heard()), "established 0 0 1.1.0.2")
		expect(t, "B is not told", news(b.heard()))
		a2.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 1)})
		a2.send(1, sis.UnidataRequest{DestinationSAP: 7}, "over it")
		time.Sleep(time.Minute)
		list := a2.heard()
		expect(t, "A2", news(list), "rejected 5 1.1.0.2")
		expect(t, "A2", outcomes(list), "confirmed over it")
		a.Close() // S5066 A.3.2.2: its owner is gone
		time.Sleep(2 * time.Minute)
		if a, b := x.links(0), x.links(1); a+b != "" {
			t.Errorf("links: %s %s", a, b)
		}
	})
	play(t, "rank wins", func(t *testing.T) {
		x := newWorld(t, 3, 1200, subnet.Config{})
		low, high := x.bind(0, sis.Binding{SAP: 6, Rank: 1}), x.bind(0, sis.Binding{SAP: 7, Rank: 9})
		b, c := x.bind(1, sis.Binding{SAP: 7}), x.bind(2, sis.Binding{SAP: 7})
		low.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForClient, 3, 0, 1)})
		time.Sleep(time.Minute)
		expect(t, "low", news(low.heard()), "established 1 0 1.1.0.2")
		high.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForClient, 0, 0, 2)})
		time.Sleep(2 * time.Minute)
		expect(t, "low", news(low.heard()), "terminated 2 1.1.0.2")
		expect(t, "high", news(high.heard()), "established 1 0 1.1.0.3")
		low.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForClient, 3, 0, 1)})
		time.Sleep(time.Minute)
		expect(t, "low again", news(low.heard()), "rejected 2 1.1.0.2")
		high.send(2, sis.UnidataRequest{DestinationSAP: 7}, "to C")
		time.Sleep(time.Minute)
		expect(t, "C", texts(c.heard()), "to C")
		_ = b
	})
	play(t, "the far node dies", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 6})
		x.bind(1, sis.Binding{SAP: 7})
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 1)})
		time.Sleep(time.Minute)
		a.heard()
		x.halt(1)
		a.send(1, sis.UnidataRequest{DestinationSAP: 7}, "too late")
		time.Sleep(time.Hour)
		list := a.heard()
		expect(t, "A", news(list), "terminated 5 1.1.0.2")
		expect(t, "A", outcomes(list), "destination node not responding: too late")
	})
	play(t, "its owner dies, and others get their turn", func(t *testing.T) {
		x := newWorld(t, 3, 1200, subnet.Config{HardLinkIdle: 20 * time.Minute})
		a, b, c := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6}), x.bind(2, sis.Binding{SAP: 6})
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForAll, 0, 0, 1)})
		time.Sleep(time.Minute)
		expect(t, "A", news(a.heard()), "established 0 0 1.1.0.2")
		x.halt(0)
		c.send(1, sis.UnidataRequest{DestinationSAP: 6}, "not now")
		time.Sleep(10 * time.Minute)
		expect(t, "C", outcomes(c.heard()), "destination node not responding: not now")
		time.Sleep(20 * time.Minute)
		c.send(1, sis.UnidataRequest{DestinationSAP: 6}, "now")
		time.Sleep(5 * time.Minute)
		expect(t, "B", texts(b.heard()), "now")
	})
	play(t, "it takes the place of soft links, and data that wait for others come later", func(t *testing.T) {
		x := newWorld(t, 3, 300, subnet.Config{CAS: cas.Config{Idle: 10 * time.Minute}})
		a, b, c := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6}), x.bind(2, sis.Binding{SAP: 6})
		for i := range 3 {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6}, fmt.Sprint("to B ", i))
		}
		time.Sleep(15 * time.Second)
		a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForClient, 0, 0, 2)})
		time.Sleep(2 * time.Minute)
		a.send(2, sis.UnidataRequest{DestinationSAP: 6}, "to C")
		a.send(1, sis.UnidataRequest{DestinationSAP: 6}, "to B 3")
		time.Sleep(2 * time.Minute)
		expect(t, "C", texts(c.heard()), "to C")
		a.say(sis.HardLinkTerminate{RemoteNode: sisAddress(2)})
		time.Sleep(5 * time.Minute)
		got := texts(b.heard())
		if len(got) < 4 || got[len(got)-1] != "to B 3" {
			t.Errorf("B got %q", got)
		}
	})
}
