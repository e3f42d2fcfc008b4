package links_test

import (
	"errors"
	"testing"
	"time"

	"longwire/links"
	"longwire/store"
	"longwire/xmpp/stream"
)

var zero = links.Config{ZeroRTT: true, Dial: true}

func TestOpenerIsSilentUntilThereIsSomething(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.accept()
		time.Sleep(10 * time.Minute)
		p.node.Send("hello")
		p.hear("enable id=*", "hello")
	})
}

func TestNoRoundTripBeforeTheFirstStanza(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one", "two")
		began := time.Now()
		p.accept()
		p.hear("enable id=*", "one", "two")
		if d := time.Since(began); d > 200*time.Millisecond {
			t.Errorf("took %v, one way is 100ms", d)
		}
	})
}

func TestLostEnabledIsNoHarm(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one")
		p.accept()
		id := p.hear("enable id=*", "one") // the peer takes it, and its answer is lost
		_ = id
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.node.Send("two")
		p.accept()
		p.hear("enable id="+name, "one", "two")
		p.say(enabled("peer"), ack(2))
		p.waiting(0)
	})
}

func TestAcceptorKnowsARepeatedEnable(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", "two")
		p.arrived("one", "two")
		p.cut()
		p.open()
		p.say(enable("peer"), "one", "two", "three", request)
		p.hear("enabled id=*", "a h=3")
		p.arrived("one", "two", "three")
	})
}

// Resumed tells how far the peer is, so it says nothing more to a question that came with our Resume. The next question is asked all the same.
func TestResumedAnswersAQuestion(t *testing.T) {
	c := zero
	c.AckEvery = 1
	stage(t, c, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.say(enabled("peer"), ack(1))
		p.waiting(0)
		p.node.SendTo("field.net", "two", "three") // in one transaction, so that they go together
		p.hear("two", "three", "r")
		p.cut()
		p.accept()
		p.hear("resume id=peer h=0 seq=2", "two", "three", "r")
		p.say(resumed(p.node.Custody("field.net").OutID, 3))
		p.waiting(0)
		p.node.Send("four")
		p.hear("four", "r")
		p.say(ack(4))
		p.waiting(0)
	})
}

func TestResumeAfterLostAcks(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.say(enabled("peer"), ack(1))
		p.waiting(0)
		p.node.Send("two")
		p.hear("two", "r")
		p.node.Send("three")
		p.hear("three") // both taken, but the acks are lost
		p.cut()
		p.node.Send("four")
		p.accept()
		p.hear("resume id=peer h=0 seq=2", "two", "three", "four")
		p.say(resumed(p.node.Custody("field.net").OutID, 4))
		p.waiting(0)
		p.cut()
		p.node.Send("five")
		p.accept()
		p.hear("resume id=peer h=0 seq=5", "five")
	})
}

func TestResumeDiscardsWhatWasTaken(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", "two", "three", request)
		p.hear("enabled id=*", "a h=3")
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.open()
		p.say(at(resume(name, 0), 2), "two", "three", "four", request)
		p.hear("resumed id=" + name + " h=4 seq=1")
		p.arrived("one", "two", "three", "four")
	})
}

func TestAnswersRideWithStanzas(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one")
		time.Sleep(time.Second)
		p.node.Send("reply")
		p.hear("enabled id=*", "a h=1", "reply", "r")
		time.Sleep(time.Second)
		p.say(ack(1), "two")
		time.Sleep(time.Second)
		p.node.Send("again")
		p.hear("a h=2", "again")
	})
}

func TestGapIsRefused(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", request)
		p.hear("enabled id=*", "a h=1")
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.open()
		p.say(at(resume(name, 0), 5), "five", "six")
		p.hear("failed item-not-found")
		p.arrived("one")
		p.say("seven", enable("again"), "one'", "five", "six", "seven", request)
		p.hear("enabled id="+name, "a h=4")
		p.arrived("one", "one'", "five", "six", "seven")
	})
}

func TestUnknownStreamIsRefused(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(at(resume("nobody", 7), 3), "three", "four")
		p.hear("failed item-not-found")
		p.arrived()
		p.say(enable("peer"), "three", "four", request)
		p.hear("enabled id=*", "a h=2")
		p.arrived("three", "four")
	})
}

func TestFailedResumeBeginsAnew(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one", "two")
		p.accept()
		p.hear("enable id=*", "one", "two")
		p.say(enabled("peer"), ack(1))
		p.waiting(1)
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.accept()
		p.hear("resume id=peer h=0 seq=2", "two")
		p.say(failed)
		fresh := p.hear("enable id=*")
		if fresh.ID == name {
			t.Error("the new stream has the old name")
		}
		p.hear("two")
		p.say(enabled("new"), ack(1))
		p.waiting(0)
	})
}

// The peer's store was lost: it does not know our stream, and begins its own anew. It is told where ours goes on.
func TestPeerThatForgotEverything(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"), "one", request)
		p.hear("enabled id=*", "a h=1")
		p.node.Send("a")
		p.hear("a", "r")
		p.node.Send("b")
		p.hear("b")
		p.say(ack(1))
		p.waiting(1)
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.open()
		p.say(enable("reborn"))
		p.hear("enabled id="+name+" seq=2", "b")
		p.say("two", request)
		p.hear("a h=1")
		p.say(ack(2))
		p.waiting(0)
		p.arrived("one", "two")
	})
}

func TestResumeThatClaimsTooMuchIsRefused(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"))
		time.Sleep(time.Second)
		p.node.Send("a")
		p.hear("enabled id=*", "a")
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.open()
		p.say(at(resume(name, 9), 1))
		p.hear("failed item-not-found")
		p.waiting(1)
	})
}

func TestAckThatIsTooHighClosesTheStream(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one")
		p.accept()
		p.hear("enable id=*", "one")
		p.say(enabled("peer"), ack(10))
		_, err := p.s.Recv()
		var remote *links.RemoteError
		if !errors.As(err, &remote) || remote.Condition != stream.UndefinedCondition {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		p.waiting(1)
		p.state(links.BackingOff, "refused here: undefined-condition")
	})
}

func TestCancelledNumberIsFilled(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Send("one", "two", "three")
		p.accept()
		p.hear("enable id=*", "one", "two", "three")
		p.say(enabled("peer"), ack(0))
		time.Sleep(time.Second)
		p.cut()
		q := p.node.DB.Queue("field.net")
		all, _ := q.List()
		if err := p.node.DB.Update(func(tx *store.Tx) error { _, err := q.Done(tx, all[1].ID); return err }); err != nil {
			t.Fatal(err)
		}
		p.accept()
		p.hear("resume id=peer h=0 seq=1", "one", "iq", "three")
		p.say(resumed("x", 3))
		p.waiting(0)
	})
}

func TestNumbersGoRoundAtTheEndOf32Bits(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Stop()
		p.node.SetCustody("field.net", func(c *store.Custody) {
			*c = store.Custody{OutID: "ours", Sent: 1<<32 - 2, Acked: 1<<32 - 2, Confirmed: true, InID: "peer", Mark: 1<<32 - 1}
		})
		p.node.Start(zero, p.ours)
		p.node.Send("a", "b", "c")
		p.accept()
		p.hear("resume id=peer h=4294967295 seq=4294967295", "a", "b", "c")
		p.say(at(resumed("ours", 4294967295), 4294967295), "known", "zero", "one", request)
		p.hear("a h=1")
		p.arrived("zero", "one")
		p.waiting(2)
		p.say(ack(1))
		p.waiting(0)
	})
}

func TestDelayStampTellsWhenItWasQueued(t *testing.T) {
	stage(t, zero, func(p *play) {
		now := time.Now()
		p.node.SendAt("old", now.Add(-90*time.Second))
		p.node.SendAt("new", now.Add(-30*time.Second))
		p.accept()
		old := p.hear("enable id=*", "old")
		fresh := p.hear("new")
		c, ok := old.Stanza.Child("urn:xmpp:delay", "delay")
		if want := "<delay xmlns='urn:xmpp:delay' from='headquarters.net' stamp='1999-12-31T23:58:30Z'/>"; !ok || string(old.Stanza.Raw(c)) != want {
			t.Errorf("old: %s", old.Stanza.Inner)
		}
		if fresh.Stanza.Has("urn:xmpp:delay", "delay") {
			t.Errorf("new: %s", fresh.Stanza.Inner)
		}
	})
}

// An entry whose time is over while it waits for its confirmation becomes unsent, so that it can be bounced; its number is filled.
func TestExpiredWithoutContactIsReleased(t *testing.T) {
	stage(t, zero, func(p *play) {
		entry := func(body string, life time.Duration) store.Entry {
			now := time.Now()
			return store.Entry{Kind: store.KindChat, From: "a@headquarters.net", To: "b@field.net", Queued: now, Expires: now.Add(life),
				Stanza: []byte("<message from='a@headquarters.net' to='b@field.net'><body>" + body + "</body></message>")}
		}
		p.node.Put(entry("short", time.Hour), entry("long", 24*time.Hour))
		p.accept()
		p.hear("enable id=*", "short", "long")
		p.say(enabled("peer"))
		time.Sleep(time.Second)
		p.end.Shut()
		time.Sleep(2 * time.Hour)
		q := p.node.DB.Queue("field.net")
		over, _, err := q.Expired(time.Now())
		if err != nil || len(over) != 1 {
			t.Fatalf("%d released, %v", len(over), err)
		}
		if err := p.node.DB.Update(func(tx *store.Tx) error { _, err := q.Done(tx, over[0].ID); return err }); err != nil {
			t.Fatal(err)
		}
		p.end.Reopen()
		p.accept()
		p.hear("resume id=peer h=0 seq=1", "iq", "long")
		p.say(resumed("x", 2))
		p.waiting(0)
	})
}

// A record older than the peer's, as after a restored backup, does not stop the stream.
func TestOldRecordCatchesUp(t *testing.T) {
	stage(t, zero, func(p *play) {
		p.node.Stop()
		p.node.SetCustody("field.net", func(c *store.Custody) {
			*c = store.Custody{OutID: "ours", Sent: 3, Acked: 3, Confirmed: true, InID: "peer", Mark: 5}
		})
		p.node.Start(zero, p.ours)
		p.node.Send("a")
		p.accept()
		p.hear("resume id=peer h=5 seq=4", "a")
		p.say(at(resumed("peer", 4), 9), "nine", request)
		p.hear("a h=9")
		p.arrived("nine")
		p.waiting(0)
	})
}

// What a peer said on one contact may arrive after what it said later on another.
func TestLateConfirmationIsHarmless(t *testing.T) {
	stage(t, links.Config{ZeroRTT: true}, func(p *play) {
		p.open()
		p.say(enable("peer"))
		time.Sleep(time.Second)
		p.node.Send("a", "b")
		p.hear("enabled id=*", "a")
		time.Sleep(time.Second)
		p.say(ack(2), ack(1))
		p.waiting(0)
		name := p.node.Custody("field.net").OutID
		p.cut()
		p.open()
		p.say(at(resume(name, 1), 1), "one", request)
		p.hear("resumed id=" + name + " h=* seq=3")
		p.arrived("one")
	})
}
