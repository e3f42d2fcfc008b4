package cas_test

import (
	"strings"
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
)

func TestSoftLinkFromFirstDataToBreak(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "hello")
	x.run(20 * time.Second)
	x.expect([]string{"0> LINK REQUEST", "1> LINK ACCEPTED", "0> DATA-ONLY", "1> ACK-ONLY"},
		[]string{"1: Made 1.1.0.1 false true", "0: Made 1.1.0.2 false false", `1: "hello"`, "0: Confirmed 1 1.1.0.2"})
	// With the link up a message takes two transmissions.
	x.send(1, 0, "and back")
	x.run(20 * time.Second)
	x.expect([]string{"1> DATA-ONLY", "0> ACK-ONLY"}, []string{`0: "and back"`, "1: Confirmed 2 1.1.0.1"})
	x.run(time.Hour)
	x.expect([]string{"0> LINK BREAK: no more data", "1> BREAK CONFIRM"},
		[]string{"1: Broken 1.1.0.1 by the peer, no more data", "0: Broken 1.1.0.2 by us, no more data"})
	x.run(24 * time.Hour)
	x.expect(nil, nil)
}

func TestAnswerRidesWithTheAcknowledgement(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "ping")
	x.on = func(i int, e cas.Event) {
		if d, ok := e.(cas.Delivery); ok && string(d.SPDU) == "ping" {
			x.send(1, 0, "pong")
		}
	}
	x.run(25 * time.Second)
	x.expect([]string{"0> LINK REQUEST", "1> LINK ACCEPTED", "0> DATA-ONLY", "1> DATA-ACK, ACK-ONLY", "0> ACK-ONLY"}, nil)
}

func TestDeadPeer(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.nodes[1].Mute(x.Now, true)
	x.send(0, 1, "hello")
	x.run(time.Hour)
	x.expect([]string{"0> LINK REQUEST", "0> LINK REQUEST", "0> LINK REQUEST"}, []string{
		"1: Made 1.1.0.1 false true",
		"0: Refused 1.1.0.2 false cas: no answer to the link request", "0: Failed 1 1.1.0.2 cas: no answer to the link request",
		"1: Broken 1.1.0.1 no data came, unknown reason"})
}

func TestLinkIsRefused(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.nodes[1].SetBroadcast(x.Now, true)
	x.send(0, 1, "hello")
	x.run(time.Hour)
	x.expect([]string{"0> LINK REQUEST", "1> LINK REJECTED: broadcast-only node"}, []string{
		"0: Refused 1.1.0.2 false cas: link refused by 1.1.0.2: broadcast-only node",
		"0: Failed 1 1.1.0.2 cas: link refused by 1.1.0.2: broadcast-only node"})
	if _, err := x.nodes[1].Send(x.Now, cas.Unit{To: nodeA, SPDU: []byte("x")}); err == nil {
		t.Error("a broadcast-only node took ARQ data")
	}
	if err := x.nodes[1].Establish(x.Now, nodeA); err == nil {
		t.Error("a broadcast-only node called")
	}
	if err := x.nodes[0].Establish(x.Now, dts.Broadcast); err == nil {
		t.Error("a group was called")
	}
}

func TestGoingToBroadcastBreaksLinks(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "hello")
	x.run(20 * time.Second)
	x.air, x.log = nil, nil
	x.nodes[0].SetBroadcast(x.Now, true)
	x.run(time.Hour)
	x.expect([]string{"0> LINK BREAK: going to broadcast", "1> BREAK CONFIRM"},
		[]string{"1: Broken 1.1.0.1 by the peer, going to broadcast", "0: Broken 1.1.0.2 by us, going to broadcast"})
}

func TestExclusiveLinkTakesAllForItself(t *testing.T) {
	x := newNet(t, 3, 1, cas.Config{})
	x.send(0, 1, "soft")
	x.run(15 * time.Second)
	x.air, x.log = nil, nil
	if err := x.nodes[0].Establish(x.Now, address(2)); err != nil {
		t.Fatal(err)
	}
	x.run(time.Minute)
	x.expect([]string{"0> LINK REQUEST exclusive", "2> LINK ACCEPTED", "0> LINK BREAK: higher-priority request pending", "1> BREAK CONFIRM"}, []string{
		"2: Made 1.1.0.1 true true", "0: Made 1.1.0.3 true false",
		"1: Broken 1.1.0.1 by the peer, higher-priority request pending", "0: Broken 1.1.0.2 by us, higher-priority request pending"})
	// Others are refused, own soft data to others wait, and data to the peer go.
	x.send(1, 0, "let me in")
	x.run(time.Minute)
	x.expect([]string{"1> LINK REQUEST", "0> LINK REJECTED: supporting an exclusive link"}, []string{
		"1: Refused 1.1.0.1 false cas: link refused by 1.1.0.1: supporting an exclusive link",
		"1: Failed 3 1.1.0.1 cas: link refused by 1.1.0.1: supporting an exclusive link"})
	x.send(0, 1, "later")
	x.send(0, 2, "now")
	x.run(time.Minute)
	x.expect([]string{"0> DATA-ONLY", "2> ACK-ONLY"}, []string{`2: "now"`, "0: Confirmed 7 1.1.0.3"})
	// It stays until it is broken.
	x.run(time.Hour)
	x.expect(nil, nil)
	x.nodes[0].Break(x.Now, address(2), cas.BreakRequested)
	x.run(40 * time.Second)
	x.expect([]string{"0> LINK BREAK: higher layer request", "2> BREAK CONFIRM", "0> LINK REQUEST", "1> LINK ACCEPTED", "0> DATA-ONLY", "1> ACK-ONLY"}, []string{
		"2: Broken 1.1.0.1 by the peer, higher layer request", "0: Broken 1.1.0.3 by us, higher layer request",
		"1: Made 1.1.0.1 false true", "0: Made 1.1.0.2 false false", `1: "later"`, "0: Confirmed 6 1.1.0.2"})
}

func TestSoftLinkBecomesExclusive(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "soft")
	x.run(15 * time.Second)
	x.air, x.log = nil, nil
	x.nodes[0].Establish(x.Now, address(1))
	x.nodes[0].Establish(x.Now, address(1))
	x.run(time.Minute)
	// The called node's data wait for the caller's, but not for ever.
	x.send(1, 0, "hard")
	x.run(time.Hour)
	x.expect([]string{"0> LINK REQUEST exclusive", "1> LINK ACCEPTED", "1> DATA-ONLY", "0> ACK-ONLY"}, []string{
		"1: Broken 1.1.0.1 unknown to the peer, unknown reason", "1: Made 1.1.0.1 true true", "0: Made 1.1.0.2 true false",
		`0: "hard"`, "1: Confirmed 3 1.1.0.1"})
}

func TestBreakIsRepeated(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "hello")
	x.run(15 * time.Second)
	x.air, x.log = nil, nil
	x.nodes[1].Mute(x.Now, true)
	x.run(time.Hour)
	x.expect([]string{"0> LINK BREAK: no more data", "0> LINK BREAK: no more data", "0> LINK BREAK: no more data"},
		[]string{"1: Broken 1.1.0.1 by the peer, no more data", "0: Broken 1.1.0.2 by us, no more data"})
	if l := x.nodes[0].Links(); len(l) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestPeerThatLostItsStateIsCalledAgain(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{Idle: cas.Never})
	x.send(0, 1, "one")
	x.run(time.Minute)
	// The peer starts anew; only its address is the same.
	fresh, err := cas.New(cas.Config{DTS: dts.Config{Address: address(1), Timing: short(1200)}})
	if err != nil {
		t.Fatal(err)
	}
	*x.nodes[1] = *fresh
	x.air, x.log = nil, nil
	x.send(0, 1, "two")
	x.run(time.Minute)
	x.expect([]string{"0> DATA-ONLY", "1> WARNING", "0> LINK REQUEST", "1> LINK ACCEPTED", "0> DATA-ONLY", "1> ACK-ONLY"}, []string{
		"0: Warned 1.1.0.2 {DATA-ONLY not connected", "0: Broken 1.1.0.2 unknown to the peer, unknown reason",
		"1: Made 1.1.0.1 false true", "0: Made 1.1.0.2 false false", `1: "two"`, "0: Confirmed 3 1.1.0.2"})
	// It may as well call first.
	if fresh, err = cas.New(cas.Config{Idle: cas.Never, DTS: dts.Config{Address: address(1), Timing: short(1200)}}); err != nil {
		t.Fatal(err)
	}
	*x.nodes[1] = *fresh
	x.send(1, 0, "three")
	x.run(time.Minute)
	x.expect([]string{"1> LINK REQUEST", "0> LINK ACCEPTED", "1> DATA-ONLY", "0> ACK-ONLY"}, []string{
		"0: Broken 1.1.0.2 unknown to the peer, unknown reason", "0: Made 1.1.0.2 false true",
		"1: Made 1.1.0.1 false false", `0: "three"`, "1: Confirmed 1 1.1.0.1"})
}

func TestBothCallAtOnce(t *testing.T) {
	for seed := range uint64(50) {
		x := newNet(t, 2, seed, cas.Config{Idle: cas.Never})
		x.send(0, 1, "from 0")
		x.send(1, 0, "from 1")
		x.run(10 * time.Minute)
		if len(x.got[0]) != 1 || len(x.got[1]) != 1 {
			t.Fatalf("seed %d: %v %v\n%v", seed, x.got, x.log, x.air)
		}
	}
}

func TestRoomForMoreLinks(t *testing.T) {
	x := newNet(t, 4, 1, cas.Config{MaxLinks: 1, Idle: time.Hour})
	for i := 1; i < 4; i++ {
		x.send(0, i, "hello")
	}
	x.run(10 * time.Minute)
	for i := 1; i < 4; i++ {
		if len(x.got[i]) != 1 {
			t.Errorf("%d got %v", i, x.got[i])
		}
	}
	if l := x.nodes[0].Links(); len(l) != 1 || l[0].State != cas.Up {
		t.Errorf("%+v", l)
	}
}

func TestAbsentCallerIsForgotten(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.send(0, 1, "hello")
	x.run(15 * time.Second)
	x.nodes[0].Mute(x.Now, true)
	x.run(time.Hour)
	if l := x.nodes[1].Links(); len(l) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestIdleNegativeBreaksAtOnceButNotTooSoon(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{Idle: -1})
	x.send(0, 1, "ping")
	x.on = func(i int, e cas.Event) {
		if d, ok := e.(cas.Delivery); ok && string(d.SPDU) == "ping" {
			x.send(1, 0, "pong")
		}
	}
	x.run(time.Hour)
	x.expect([]string{"0> LINK REQUEST", "1> LINK ACCEPTED", "0> DATA-ONLY", "1> DATA-ACK, ACK-ONLY", "0> ACK-ONLY", "0> LINK BREAK: no more data", "1> BREAK CONFIRM"}, nil)
	if len(x.got[0]) != 1 {
		t.Error("no pong")
	}
}

func TestNonARQNeedsNoLink(t *testing.T) {
	x := newNet(t, 3, 1, cas.Config{})
	x.nodes[0].Send(x.Now, cas.Unit{To: dts.Broadcast, Service: dts.ServiceNonARQ, SPDU: []byte("to all"), Repeats: 1})
	x.run(time.Hour)
	x.expect([]string{"0> NON-ARQ DATA"}, []string{"0: Sent 1 31.255.255.255", `1: "to all"`, `2: "to all"`})
}

func TestExpeditedOverALink(t *testing.T) {
	x := newNet(t, 2, 1, cas.Config{})
	x.nodes[0].Send(x.Now, cas.Unit{To: address(1), Service: dts.ServiceExpedited, SPDU: []byte{0x39, 0x66}})
	x.run(20 * time.Second)
	x.expect([]string{"0> LINK REQUEST", "1> LINK ACCEPTED", "0> EXP-DATA-ONLY", "1> EXP-ACK-ONLY"},
		[]string{"1: Made 1.1.0.1 false true", "0: Made 1.1.0.2 false false", `1: "9f"`, "0: Confirmed 1 1.1.0.2"})
}

func TestAsksAgainAfterSilence(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 5 * time.Second} { // the request is on the air; there was no answer yet
		x := newNet(t, 2, 1, cas.Config{})
		x.Miss = 1
		x.send(0, 1, "hello")
		x.run(after)
		x.nodes[0].Mute(x.Now, true)
		x.run(time.Minute)
		x.Miss = 0
		x.nodes[0].Mute(x.Now, false)
		x.run(time.Minute)
		if len(x.got[1]) != 1 {
			t.Errorf("silent after %v: %q", after, x.air)
		}
	}
}

func TestAnswersWhileItWaitsForAnother(t *testing.T) {
	x := newNet(t, 3, 1, cas.Config{})
	x.nodes[2].Mute(x.Now, true) // it never answers
	x.send(1, 2, "nobody")
	x.run(4 * time.Second)
	x.send(0, 1, "hello")
	x.run(12 * time.Second)
	if got := strings.Join(x.air, "\n"); !strings.Contains(got, "0> LINK REQUEST\n1> LINK ACCEPTED\n0> DATA-ONLY") {
		t.Errorf("on the air:\n%s", got)
	}
	x.run(10 * time.Minute)
	if got := strings.Join(x.log, "\n"); !strings.Contains(got, "1: Refused 1.1.0.3") {
		t.Errorf("told:\n%s", got)
	}
}
