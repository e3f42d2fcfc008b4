package spdu_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/spdu"
)

const (
	peerA dts.Address = 0x1010001
	peerB dts.Address = 0x1010002
)

type play struct {
	*spdu.HardLinks
	t   *testing.T
	now time.Time
}

func newPlay(t *testing.T, bound map[uint8]uint8) *play {
	return &play{&spdu.HardLinks{Rank: 5, Bound: func(sap uint8) (uint8, bool) { r, ok := bound[sap]; return r, ok }}, t, time.Unix(1e9, 0)}
}

func words(a spdu.Action) string {
	switch a := a.(type) {
	case spdu.Say:
		b, _ := a.PDU.Append(nil)
		return fmt.Sprintf("say % X to %v", b, a.To)
	case spdu.Make:
		return fmt.Sprintf("make %v", a.Peer)
	case spdu.Hang:
		return fmt.Sprintf("hang %v", a.Peer)
	case spdu.Tell:
		return fmt.Sprintf("tell %d: %s %d", a.Link.SAP, []string{"", "established", "rejected", "terminated", "indication"}[a.News], a.Reason)
	}
	return "?"
}

func (p *play) expect(want ...string) {
	p.t.Helper()
	var got []string
	for a, ok := p.Next(); ok; a, ok = p.Next() {
		got = append(got, words(a))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		p.t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (p *play) hear(from dts.Address, b ...byte) {
	p.t.Helper()
	d, err := spdu.Decode(b)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Received(p.now, from, &d)
}

// established has client 6 own a link of the given type and priority to B.
func (p *play) established(kind, priority uint8) {
	p.t.Helper()
	p.Request(p.now, spdu.Link{Type: kind, Priority: priority, Rank: 5, Peer: peerB, SAP: 6, RemoteSAP: 7})
	p.Made(p.now, peerB)
	p.hear(peerB, 0x40)
	for _, ok := p.Next(); ok; _, ok = p.Next() {
	}
}

func TestLinkIsMadeAndTerminated(t *testing.T) {
	p := newPlay(t, nil)
	p.Request(p.now, spdu.Link{Type: 2, Priority: 1, Peer: peerB, SAP: 6, RemoteSAP: 6})
	p.expect("make 1.1.0.2")
	p.Made(p.now, peerB)
	p.expect("say 39 66 to 1.1.0.2")
	p.hear(peerB, 0x40)
	p.expect("tell 6: established 1")
	if l, ok := p.Current(); !ok || l.Peer != peerB || !l.Ours {
		t.Errorf("%+v %v", l, ok)
	}
	p.Terminate(p.now, 7, peerB) // not its
	p.expect()
	p.Terminate(p.now, 6, peerB)
	p.expect("say 61 to 1.1.0.2")
	p.hear(peerB, 0x70)
	p.expect("tell 6: terminated 1", "hang 1.1.0.2")
	if _, ok := p.Current(); ok {
		t.Error("still there")
	}
}

func TestLinkIsNotMade(t *testing.T) {
	request := spdu.Link{Peer: peerB, SAP: 6}
	p := newPlay(t, nil)
	p.Request(p.now, request)
	p.Broken(p.now, peerB)
	p.expect("make 1.1.0.2", "tell 6: rejected 3")
	p.Request(p.now, request)
	p.Made(p.now, peerB)
	p.hear(peerB, 0x54)
	p.expect("make 1.1.0.2", "say 30 60 to 1.1.0.2", "tell 6: rejected 4", "hang 1.1.0.2")
	p.Request(p.now, request)
	p.Made(p.now, peerB)
	p.Tick(p.Deadline())
	p.expect("make 1.1.0.2", "say 30 60 to 1.1.0.2", "tell 6: rejected 3", "hang 1.1.0.2")
	p.Request(p.now, request)
	p.Terminate(p.now, 6, peerB)
	p.expect("make 1.1.0.2", "hang 1.1.0.2")
}

func TestLinkEndsByItself(t *testing.T) {
	p := newPlay(t, nil)
	p.established(0, 1)
	p.Broken(p.now, peerB)
	p.expect("tell 6: terminated 5")
	p.established(0, 1)
	p.Terminate(p.now, 6, peerB)
	p.Tick(p.Deadline())
	p.expect("say 61 to 1.1.0.2", "tell 6: terminated 3", "hang 1.1.0.2")
	p.established(0, 1)
	p.Unbound(p.now, 6)
	p.expect("say 64 to 1.1.0.2")
	p.hear(peerB, 0x70)
	p.expect("tell 6: terminated 1", "hang 1.1.0.2")
	// Of types 0 and 1 the called node cannot end the link but for something higher.
	p.established(0, 1)
	p.hear(peerB, 0x61)
	p.expect()
	p.hear(peerB, 0x62)
	p.expect("say 70 to 1.1.0.2", "tell 6: terminated 2")
	p.established(2, 1)
	p.hear(peerB, 0x61)
	p.expect("say 70 to 1.1.0.2", "tell 6: terminated 1")
}

func TestPrecedence(t *testing.T) {
	for _, c := range []struct {
		name string
		l    spdu.Link
		wins bool
	}{
		{"higher rank", spdu.Link{Rank: 6, Peer: peerA, SAP: 9}, true},
		{"lower rank", spdu.Link{Rank: 4, Priority: 3, Type: 2, Peer: peerB, SAP: 9}, false},
		{"higher priority", spdu.Link{Rank: 5, Priority: 2, Peer: peerA, SAP: 9}, true},
		{"lower priority", spdu.Link{Rank: 5, Priority: 0, Type: 2, Peer: peerB, SAP: 9}, false},
		{"equal, other nodes", spdu.Link{Rank: 5, Priority: 1, Type: 2, Peer: peerA, SAP: 9}, false},
		{"equal, higher type", spdu.Link{Rank: 5, Priority: 1, Type: 2, Peer: peerB, SAP: 9}, true},
		{"a tie", spdu.Link{Rank: 5, Priority: 1, Type: 1, Peer: peerB, SAP: 9}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlay(t, nil)
			p.established(1, 1)
			p.Request(p.now, c.l)
			if !c.wins {
				p.expect("tell 9: rejected 2")
				return
			}
			p.expect("tell 6: terminated 2", "say 62 to 1.1.0.2")
			p.hear(peerB, 0x70)
			if c.l.Peer == peerB {
				p.expect("make 1.1.0.2")
			} else {
				p.expect("hang 1.1.0.2", "make 1.1.0.1")
			}
		})
	}
	p := newPlay(t, nil)
	p.established(0, 1)
	p.Request(p.now, spdu.Link{Rank: 5, Priority: 3, Peer: peerB, SAP: 9})
	p.expect("tell 9: rejected 5")
}

func TestCalledSide(t *testing.T) {
	p := newPlay(t, map[uint8]uint8{6: 7})
	p.hear(peerA, 0x38, 0x69)
	p.expect("say 54 to 1.1.0.1")
	p.hear(peerA, 0x38, 0x66)
	p.expect("tell 6: indication 1")
	p.Answer(p.now, 6, peerA, false)
	p.expect("say 51 to 1.1.0.1")
	p.hear(peerA, 0x38, 0x66)
	p.Tick(p.Deadline())
	p.expect("tell 6: indication 1", "say 53 to 1.1.0.1")
	p.hear(peerA, 0x38, 0x66)
	p.Answer(p.now, 6, peerA, true)
	p.expect("tell 6: indication 1", "say 40 to 1.1.0.1")
	p.hear(peerA, 0x38, 0x66) // again, as the answer was lost
	p.expect("say 40 to 1.1.0.1")
	// The node's default rank is below that of client 6: types 0 and 1 do not come through.
	p.hear(peerB, 0x33, 0x99)
	p.expect("say 52 to 1.1.0.2")
	p.hear(peerA, 0x61)
	p.expect("say 70 to 1.1.0.1", "tell 6: terminated 1")
	p.hear(peerA, 0x61)
	p.expect("say 70 to 1.1.0.1")
	p.hear(peerA, 0x30, 0x99)
	p.expect("say 40 to 1.1.0.1")
	p.hear(peerB, 0x30, 0x99)
	p.expect("say 51 to 1.1.0.2")
	// A higher one comes through, when the old peer has confirmed its end.
	p.hear(peerB, 0x31, 0x99)
	p.expect("say 62 to 1.1.0.1")
	p.hear(peerA, 0x70)
	p.expect("hang 1.1.0.1", "say 40 to 1.1.0.2")
}

func TestWhoMayUseALink(t *testing.T) {
	p := newPlay(t, nil)
	if !p.Allows(1, peerA, 1) {
		t.Error("forbidden without a link")
	}
	for _, c := range []struct {
		kind   uint8
		sap    uint8
		peer   dts.Address
		remote uint8
		ok     bool
	}{{0, 1, peerB, 1, true}, {0, 6, peerA, 7, false}, {1, 6, peerB, 1, true}, {1, 1, peerB, 7, false}, {2, 6, peerB, 7, true}, {2, 6, peerB, 1, false}, {2, 1, peerB, 7, false}} {
		p := newPlay(t, nil)
		p.established(c.kind, 1)
		if p.Allows(c.sap, c.peer, c.remote) != c.ok {
			t.Errorf("%+v", c)
		}
	}
}

// Two nodes with clients that want and drop links at random, over a line that loses nothing: they agree in the end.
func TestBothEndsAgree(t *testing.T) {
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		bound := map[uint8]uint8{1: 3, 2: 5, 3: 8}
		ends := [2]*play{newPlay(t, bound), newPlay(t, bound)}
		addr := [2]dts.Address{peerA, peerB}
		ends[0].Address, ends[1].Address = peerA, peerB
		now := time.Unix(1e9, 0)
		physical := false
		var wire [2][]spdu.PDU // S_PDUs on their way from each
		var drain func(i int)
		drain = func(i int) {
			p, o := ends[i], ends[1-i]
			for a, ok := p.Next(); ok; a, ok = p.Next() {
				switch a := a.(type) {
				case spdu.Say:
					if physical {
						wire[i] = append(wire[i], a.PDU)
					}
				case spdu.Make:
					physical = true
					p.Made(now, a.Peer)
				case spdu.Hang:
					physical, wire = false, [2][]spdu.PDU{}
					p.Broken(now, a.Peer)
					o.Broken(now, addr[i])
					drain(1 - i)
				case spdu.Tell:
					if a.News == spdu.Indication {
						p.Answer(now, a.Link.SAP, a.Link.Peer, r.IntN(3) > 0)
					}
				}
			}
		}
		settle := func() {
			for steps := 0; len(wire[0])+len(wire[1]) > 0; steps++ {
				if steps > 1000 {
					t.Fatalf("seed %d: no end", seed)
				}
				if i := r.IntN(2); len(wire[i]) > 0 {
					d := wire[i][0]
					wire[i] = wire[i][1:]
					ends[1-i].Received(now, addr[i], &d)
					drain(1 - i)
				}
			}
		}
		for range 1 + r.IntN(12) {
			i := r.IntN(2)
			sap := uint8(1 + r.IntN(3))
			switch r.IntN(4) {
			case 0:
				ends[i].Terminate(now, sap, addr[1-i])
			case 1:
				ends[i].Unbound(now, sap)
			default:
				ends[i].Request(now, spdu.Link{Type: uint8(r.IntN(3)), Priority: uint8(r.IntN(4)), Rank: bound[sap], Peer: addr[1-i], SAP: sap, RemoteSAP: uint8(1 + r.IntN(4))})
			}
			drain(i)
			if r.IntN(3) > 0 {
				settle()
			}
		}
		for range 20 {
			settle()
			now = now.Add(time.Hour)
			for i := range ends {
				ends[i].Tick(now)
				drain(i)
			}
		}
		a, upA := ends[0].Current()
		b, upB := ends[1].Current()
		if upA != upB || upA && (a.Type != b.Type || a.Ours == b.Ours) {
			t.Fatalf("seed %d: %+v %v, %+v %v", seed, a, upA, b, upB)
		}
	}
}
