package proxy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/xmpp/proxy"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// asks lets cards be asked for across the link.
func asks() proxy.Peer {
	p := field
	p.Cross = []string{"vcard-temp"}
	return p
}

func card(id string) string {
	return "<iq type='get' id='" + id + "' to='carol@field.net'><vCard xmlns='vcard-temp'/></iq>"
}

func crossing(id string) string {
	return "<iq from='alice@hq.net/desk' to='carol@field.net' type='get' id='" + id + "'><vCard xmlns='vcard-temp'/></iq>"
}

func carols(id string) string {
	return "<iq type='result' id='" + id + "' from='carol@field.net'><vCard xmlns='vcard-temp'><FN>Carol</FN></vCard></iq>"
}

func (r *rig) answers(id string) {
	r.hears("<iq from='carol@field.net' to='alice@hq.net/desk' type='result' id='" + id + "'><vCard xmlns='vcard-temp'><FN>Carol</FN></vCard></iq>")
}

// What is asked again while the answer is on its way does not cross again, and gets the same answer.
func TestARepeatedQuestionCrossesOnce(t *testing.T) {
	r := newRig(t, asks())
	r.Play(`alice/desk connects
		alice/pad connects
		alice/desk sends ` + card("1") + `
		alice/desk sends ` + card("2") + `
		alice/desk sends ` + card("3") + `
		alice/pad sends ` + card("1"))
	r.crosses(crossing("1"), "<iq from='alice@hq.net/pad' to='carol@field.net' type='get' id='1'><vCard xmlns='vcard-temp'/></iq>")
	r.answers("1")
	r.Play("alice/desk gets " + carols("2") + `
		alice/desk gets ` + carols("3") + `
		alice/desk gets ` + carols("1"))
	// The answer to a question that nobody noted is no answer to others.
	r.answers("7")
	r.Play("alice/desk gets " + carols("7"))
}

func TestARepeatedQuestionIsRefusedWithTheFirst(t *testing.T) {
	r := newRig(t, asks())
	r.Play(`alice/desk connects
		alice/desk sends ` + card("1") + `
		alice/desk sends ` + card("2"))
	first, err := stream.ParseStanza([]byte(crossing("1")))
	if err != nil {
		t.Fatal(err)
	}
	r.turn(func(tn *router.Turn) error {
		r.svc.Failed(tn, first, stanza.Fail(stanza.RemoteServerTimeout, "too late"))
		return nil
	})
	r.Play("alice/desk gets " + strings.Replace(refused("carol@field.net", "wait", "remote-server-timeout", "too late"), "'q'", "'2'", 1))
	r.crosses(crossing("1"))
	r.Play("alice/desk sends " + card("4")) // a new one
	r.crosses(crossing("4"))
}

func TestAnAnswerServesForAnHourAndLongerWithoutALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asks())
		defer r.DB.Close()
		r.Play("alice/desk connects\nbob/desk connects\nalice/desk sends " + card("1"))
		r.answers("1")
		r.crosses(crossing("1"))
		r.Play("alice/desk gets " + carols("1") + `
			alice/desk quickly sends ` + card("2") + `
			alice/desk gets ` + carols("2") + `
			# what one was told is not for others
			bob/desk sends ` + card("1"))
		r.crosses(strings.Replace(crossing("1"), "alice", "bob", 1))
		time.Sleep(2 * time.Hour)
		r.Play("alice/desk sends " + card("3"))
		r.crosses(crossing("3"))
		r.set(state{Silent: true})
		time.Sleep(20 * 24 * time.Hour)
		r.Play("alice/desk quickly sends " + card("4") + `
			alice/desk gets ` + carols("4"))
		time.Sleep(11 * 24 * time.Hour)
		r.Play("alice/desk sends " + card("5"))
		r.crosses(crossing("5"))
	})
}

func TestARefusalIsNotKept(t *testing.T) {
	r := newRig(t, asks())
	r.Play("alice/desk connects\nalice/desk sends " + card("1"))
	const no = "<error type='cancel'><item-not-found " + stanzas + "/></error>"
	r.hears("<iq from='carol@field.net' to='alice@hq.net/desk' type='error' id='1'>" + no + "</iq>")
	r.Play("alice/desk gets <iq type='error' id='1' from='carol@field.net'>" + no + "</iq>\nalice/desk sends " + card("2"))
	r.crosses(crossing("1"), crossing("2"))
}

func TestNobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := asks()
		p.Wait = time.Minute
		r := newRig(t, p)
		defer r.DB.Close()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- r.svc.Run(ctx) }()
		r.Play("alice/desk connects")
		for i := range 18 {
			r.Send("alice/desk", card(fmt.Sprint(i)), false)
		}
		r.crosses(crossing("0"))
		late := func(id int, condition, text string) string {
			return "alice/desk gets " + strings.Replace(refused("carol@field.net", "wait", condition, text), "'q'", fmt.Sprintf("'%d'", id), 1)
		}
		r.Play(late(17, "resource-constraint", "this was asked often, and is on its way"))
		time.Sleep(2*time.Minute + 10*time.Second)
		synctest.Wait()
		for i := 1; i < 17; i++ {
			r.Act(late(i, "remote-server-timeout", "field.net has not answered"))
		}
		r.Play("alice/desk gets nothing")
		cancel()
		<-done
	})
}

// Whoever asks again in the moment in which the answer comes gets it too.
func TestARepeatThatMeetsTheAnswerGetsIt(t *testing.T) {
	p := field
	p.Cross = []string{"urn:example:of-the-moment"} // is not kept
	r := newRig(t, p)
	const question, answer = "<m xmlns='urn:example:of-the-moment'/>", "<m xmlns='urn:example:of-the-moment'>now</m>"
	r.Play("alice/desk connects\nalice/desk sends <iq type='get' id='1' to='carol@field.net'>" + question + "</iq>")
	again, err := stream.ParseStanza([]byte("<iq from='alice@hq.net/desk' to='carol@field.net' type='get' id='2'>" + question + "</iq>"))
	if err != nil {
		t.Fatal(err)
	}
	turn := new(router.Turn)
	if done, err := r.svc.Answer("field", turn, again); !done || err != nil {
		t.Fatal(done, err)
	}
	r.hears("<iq from='carol@field.net' to='alice@hq.net/desk' type='result' id='1'>" + answer + "</iq>")
	turn.Done()
	r.Play("alice/desk gets <iq type='result' id='1' from='carol@field.net'>" + answer + "</iq>\n" +
		"alice/desk gets <iq type='result' id='2' from='carol@field.net'>" + answer + "</iq>")
}

// Only rooms talk to rooms: a user's question does not cross as theirs do.
func TestAUserIsNoRoom(t *testing.T) {
	r := newRig(t, field)
	q, err := stream.ParseStanza([]byte("<iq from='alice@hq.net/desk' to='ops@chat.field.net' type='get' id='1'><vCard xmlns='vcard-temp'/><fmuc xmlns='http://isode.com/protocol/fmuc'/></iq>"))
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.svc.Answer("field", new(router.Turn), q); !done || err == nil {
		t.Errorf("done: %v, %v", done, err)
	}
	q.From = mustParse("hqroom@rooms.net")
	if done, err := r.svc.Answer("field", new(router.Turn), q); done || err != nil {
		t.Errorf("a room's: done: %v, %v", done, err)
	}
}

// What is under way and what is kept is bounded.
func TestQuestionsFillNoMemory(t *testing.T) {
	r := newRig(t, asks())
	r.Play("alice/desk connects")
	r.Send("alice/desk", "<iq type='get' id='long' to='carol@field.net'><vCard xmlns='vcard-temp'><NOTE>"+strings.Repeat("x", 5000)+"</NOTE></vCard></iq>", false)
	if flying, _, _ := r.svc.Sizes(); flying != 0 {
		t.Error("a long question is noted")
	}
	for i := range 1100 {
		q := fmt.Sprintf("<iq type='get' id='%d' to='u%d@field.net'><vCard xmlns='vcard-temp'/></iq>", i, i)
		r.Send("alice/desk", q, false)
	}
	if flying, _, _ := r.svc.Sizes(); flying != 1000 {
		t.Errorf("%d questions are noted", flying)
	}
	big := "<vCard xmlns='vcard-temp'><NOTE>" + strings.Repeat("x", 100_000) + "</NOTE></vCard>"
	for i := range 1000 {
		r.hears(fmt.Sprintf("<iq from='u%d@field.net' to='alice@hq.net/desk' type='result' id='%d'>%s</iq>", i, i, big))
	}
	r.Drain()
	flying, kept, bytes := r.svc.Sizes()
	if flying != 0 || kept == 0 || bytes > 2<<20 {
		t.Errorf("%d under way, %d kept, %d bytes", flying, kept, bytes)
	}
}
