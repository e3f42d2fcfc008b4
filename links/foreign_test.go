package links_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"longwire/links"
	"longwire/store"
	"longwire/xmpp/stanza"
)

// What a peer that is not Longwire sees: XEP-0198 as it stands, without names for numberings and without seq.
var foreign = links.Config{Dial: true}

func TestSafeResumeWaitsForTheAnswer(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("one", "two")
		p.accept()
		p.hear("enable", "one", "two")
		p.say(enabled("session"), "in", ack(1))
		p.waiting(1)
		p.arrived("in")
		p.cut()
		p.node.Send("three")
		p.accept()
		p.hear("resume id=session h=1")
		time.Sleep(10 * time.Second)
		p.say(resumed("session", 1))
		p.hear("two", "three", "r")
		p.say(ack(3), "next", request)
		p.hear("a h=2")
		p.waiting(0)
		p.arrived("in", "next")
	})
}

func TestSafeResumeRefusedSendsAllAnew(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("one", "two", "three")
		p.accept()
		p.hear("enable", "one", "two", "three")
		p.say(enabled("session"), ack(1))
		p.waiting(2)
		p.cut()
		p.accept()
		p.hear("resume id=session h=0")
		f := failed
		f.H, f.HasH = 2, true // it had taken one more
		p.say(f)
		p.hear("enable", "three")
		p.say(enabled("other"), "in", ack(1), request)
		p.hear("a h=1")
		p.waiting(0)
		p.arrived("in")
	})
}

func TestForeignOpenerCountsAnew(t *testing.T) {
	stage(t, links.Config{}, func(p *play) {
		for i := range 2 {
			p.open()
			p.say(enable(""), fmt.Sprint("in", i), request)
			name := p.hear("enabled id=*").ID
			p.hear("a h=1")
			p.node.Send(fmt.Sprint("out", i))
			p.hear(fmt.Sprint("out", i))
			p.say(ack(1))
			p.waiting(0)
			if name == "" {
				t.Error("a session without a name cannot be resumed")
			}
			p.cut()
		}
		p.arrived("in0", "in1")
	})
}

func TestForeignOpenerResumes(t *testing.T) {
	stage(t, links.Config{}, func(p *play) {
		p.open()
		p.say(enable(""), "one", request)
		name := p.hear("enabled id=*").ID
		p.hear("a h=1")
		p.node.Send("a", "b")
		p.hear("a")
		p.cut()
		p.node.Send("c")
		p.open()
		p.say(resume(name, 1))
		p.hear("resumed id="+name+" h=1", "b", "c", "r")
		p.say("two", ack(3), request)
		p.hear("a h=2")
		p.waiting(0)
		p.arrived("one", "two")
		// Another session's name is nobody's.
		p.cut()
		p.open()
		p.say(resume("stolen", 0))
		p.hear("failed item-not-found")
	})
}

func TestAcceptorBeginsWhenTheOpenerIsSilent(t *testing.T) {
	stage(t, links.Config{}, func(p *play) {
		p.open()
		p.node.Send("one")
		p.hear("enable", "one")
		p.say(enabled("session"), ack(1), "in", request)
		p.hear("a h=1")
		p.waiting(0)
	})
}

func TestPeerThatIgnoresEnable(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable", "one")
		time.Sleep(50 * time.Second)
		p.waiting(1)
		p.say("in")
		time.Sleep(20 * time.Second)
		p.waiting(0)
		p.node.Send("two")
		p.hear("two")
		p.waiting(0)
		p.arrived("in")
	})
}

func TestPeerThatRefusesEnable(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable", "one")
		p.say(links.Piece{Kind: links.Failed, Cause: "feature-not-implemented"})
		p.waiting(0)
	})
}

func TestOpenerWithoutStreamManagement(t *testing.T) {
	stage(t, links.Config{}, func(p *play) {
		p.open()
		p.say("one")
		p.arrived("one")
		p.node.Send("two")
		p.hear("two")
		p.waiting(0)
	})
}

func TestManagementOff(t *testing.T) {
	stage(t, links.Config{Management: links.Off, Dial: true}, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("one")
		p.waiting(0)
		p.say("in")
		p.arrived("in")
		p.say(enable(""))
		p.hear("failed unexpected-request")
	})
}

func TestImplicitCountsFromTheStart(t *testing.T) {
	stage(t, links.Config{Management: links.Implicit, Dial: true}, func(p *play) {
		p.node.Send("one", "two")
		p.accept()
		p.hear("one", "two", "r")
		p.say(ack(1), "in", request)
		p.hear("a h=1")
		p.waiting(1)
		p.cut()
		p.accept()
		p.hear("two", "r") // number 1 of this contact
		p.say(ack(1), "in2", request)
		p.hear("a h=1")
		p.waiting(0)
		p.arrived("in", "in2")
	})
}

func TestAckAfterEight(t *testing.T) {
	for _, c := range []links.Config{{}, {ZeroRTT: true}} {
		stage(t, c, func(p *play) {
			p.open()
			p.say(enable("peer"))
			for i := range 9 {
				p.say(fmt.Sprint(i))
			}
			p.hear("enabled id=*")
			began := time.Now()
			if h := p.hear("a h=*").H; h < 8 {
				t.Errorf("told after %d stanzas", h)
			}
			if d := time.Since(began); d > time.Second {
				t.Errorf("after %v", d)
			}
		})
	}
}

func TestAckAfterAWhile(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true, AckIdle: 40 * time.Second}, func(p *play) {
		p.open()
		p.say(enable("peer"), request)
		p.hear("enabled id=*", "a h=0")
		p.say("one")
		began := time.Now()
		p.hear("a h=1")
		if d := time.Since(began).Round(time.Second); d != 40*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestAsksAfterEightAndWhenIdle(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("0")
		p.accept()
		p.hear("enable", "0")
		p.say(enabled("s"), ack(1))
		p.waiting(0)
		p.node.Send("1")
		p.hear("1", "r") // the first question measures the round trip
		p.say(ack(2))
		p.waiting(0)
		if rtt := p.node.Pump.Status().RTT; rtt < 200*time.Millisecond || rtt > 300*time.Millisecond {
			t.Errorf("round trip %v, it is 200ms", rtt)
		}
		for i := range 8 {
			p.node.Send(fmt.Sprint(i))
		}
		var heard []string
		for range 9 {
			heard = append(heard, word(p.hear("*")))
		}
		if slices.Index(heard, "r") != 8 {
			t.Errorf("heard %v", heard)
		}
		p.say(ack(10))
		p.waiting(0)
		p.node.Send("last")
		p.hear("last")
		began := time.Now()
		p.hear("r")
		if d := time.Since(began).Round(time.Second); d != 60*time.Second {
			t.Errorf("asked after %v", d)
		}
	})
}

func TestPeerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	stage(t, foreign, func(p *play) {
		p.node.Send("0")
		p.accept()
		p.hear("enable", "0")
		p.say(enabled("s"))
		p.node.Send("1")
		p.hear("1", "r")
		time.Sleep(115 * time.Second)
		p.state(links.Up, "")
		time.Sleep(6 * time.Second)
		if s := p.node.Pump.Status(); s.State == links.Up || s.Fault != "the peer does not answer" {
			t.Errorf("%+v", s)
		}
	})
}

func TestGoodbye(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", bye)
		p.hear("enabled id=*", "a h=1", "bye")
		p.arrived("one")
		time.Sleep(time.Second)
		p.state(links.Listening, "closed by the peer")
	})
}

func TestConflictIsNotFollowedByARedial(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.accept()
		p.s.Close(replaced)
		time.Sleep(3 * time.Minute)
		p.state(links.BackingOff, "the peer refused: conflict")
		if u := time.Until(p.node.Pump.Status().Until); u > 3*time.Minute {
			t.Errorf("dials again only in %v", u)
		}
		p.accept()
	})
}

func TestBackOffDoublesAndStartsAgainAfterAGoodContact(t *testing.T) {
	stage(t, zero, func(p *play) {
		last := time.Now()
		var pauses []time.Duration
		for range 9 {
			p.accept()
			pauses = append(pauses, time.Since(last))
			last = time.Now()
			p.cut()
		}
		want := 5 * time.Second
		for i, d := range pauses[1:] {
			if d < want*79/100 || d > want*121/100 {
				t.Errorf("pause %d was %v, want %v or a fifth off", i, d, want)
			}
			want = min(2*want, 300*time.Second)
		}
		p.accept()
		time.Sleep(61 * time.Second)
		p.cut()
		last = time.Now()
		p.accept()
		if d := time.Since(last); d > 6*time.Second {
			t.Errorf("after a good contact %v", d)
		}
	})
}

func TestIdleContactIsClosedAndOpenedOnDemand(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true, Dial: true, IdleClose: 5 * time.Minute}, func(p *play) {
		time.Sleep(time.Hour)
		p.state(links.Waiting, "")
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.say(enabled("peer"), ack(1))
		began := time.Now()
		p.hear("bye")
		if d := time.Since(began).Round(10 * time.Second); d != 5*time.Minute {
			t.Errorf("closed after %v", d)
		}
		p.say(bye)
		time.Sleep(time.Second)
		p.state(links.Waiting, "closed, nothing to carry")
		p.node.Send("two")
		p.accept()
		p.hear("resume id=peer h=0 seq=2", "two")
	})
}

func TestStanzasThatBreakTheRulesAreDroppedAndManyEndTheContact(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.node.Refuse = func(s *stanza.Stanza) error {
			c, _ := s.Child("", "body")
			if s.Text(c) == "bad" {
				return &links.Violation{Condition: "invalid-from"}
			}
			return nil
		}
		p.open()
		p.say(enable("peer"), "one", "bad", "two", request)
		p.hear("enabled id=*", "a h=3")
		p.arrived("one", "two")
		p.say("bad", "bad", "bad", "bad", "bad", "bad", "bad")
		for {
			_, err := p.s.Recv()
			if err == nil {
				continue
			}
			var remote *links.RemoteError
			if !errors.As(err, &remote) || remote.Condition != "invalid-from" {
				t.Errorf("got %v", err)
			}
			return
		}
	})
}

// What cannot be stored is not confirmed, nor is anything behind it; the peer sends all of it again.
func TestStanzaThatCannotBeStoredIsNotTaken(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		full := true
		p.node.Refuse = func(s *stanza.Stanza) error {
			c, _ := s.Child("", "body")
			if s.Text(c) == "two" && full {
				return store.ErrFull
			}
			return nil
		}
		p.open()
		p.say(enable("peer"), "one", "two", "three", "four")
		for {
			if _, err := p.s.Recv(); err != nil {
				var remote *links.RemoteError
				if !errors.As(err, &remote) || remote.Condition != "resource-constraint" {
					t.Errorf("got %v", err)
				}
				break
			}
		}
		p.arrived("one")
		full = false
		p.open()
		p.say(enable("peer"), "one", "two", "three", "four", request)
		p.hear("enabled id=*", "a h=4")
		p.arrived("one", "two", "three", "four")
	})
}

func TestNewerConnectionReplacesTheOlder(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", request)
		p.hear("enabled id=*", "a h=1")
		old := p.s
		name := p.node.Custody("field.net").OutID
		p.open()
		_, err := old.Recv()
		var remote *links.RemoteError
		if !errors.As(err, &remote) || remote.Condition != "conflict" {
			t.Errorf("got %v", err)
		}
		p.say(at(resume(name, 0), 2), "two", request)
		p.hear("resumed id=" + name + " h=2 seq=1")
		p.arrived("one", "two")
	})
}

// Both sides have opened: each sends on its own, and answers where it was asked. When ours fails, the peer's carries ours too.
func TestSimultaneousOpen(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.accept()
		ours := p.s // the one the node opened
		p.open()
		theirs := p.s
		p.say(enable("peer"), "in", request)
		p.hear("enabled id=*", "a h=1")
		p.node.Send("out")
		p.s = ours
		name := p.node.Custody("field.net").OutID
		p.hear("enable id="+name, "out")
		p.say(enabled("peer"), ack(1))
		p.waiting(0)
		p.node.Send("more")
		p.hear("more", "r")
		ours.Close(nil)
		p.s = theirs
		p.hear("resume id=peer h=1 seq=2", "more")
		p.say(at(resumed(name, 2), 2), "in2", request)
		p.hear("a h=2")
		p.waiting(0)
		p.arrived("in", "in2")
	})
}

func TestEntriesOfAnotherConfigurationAreSent(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.restart(foreign)
		p.accept()
		p.hear("enable", "one")
	})
}

func TestEventsTellWhatHappens(t *testing.T) {
	stage(t, links.Config{}, func(p *play) {
		events := make(chan links.Event, 100)
		p.node.Stop()
		p.node.Events = func(e links.Event) { events <- e }
		p.node.Start(zero, p.ours)
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.say(enabled("peer"), ack(1))
		p.waiting(0)
		p.cut()
		var got []string
		for len(events) > 0 {
			e := <-events
			got = append(got, fmt.Sprintf("%s %s %s entry %d seq %d %s", e.Kind, e.Link, e.Peer, e.Entry, e.Seq, e.Reason))
			if e.Kind == links.EventSent && (e.Wire < 100 || e.Batch != 1) {
				t.Errorf("wire %d, batch %d", e.Wire, e.Batch)
			}
		}
		want := []string{"up test field.net entry 0 seq 0 ", "sent test field.net entry 1 seq 1 ", "confirmed test field.net entry 1 seq 1 ",
			"down test field.net entry 0 seq 0 connection lost"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}
