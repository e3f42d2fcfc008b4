package attendant_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/attendant"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/servicetest"
)

// book is a Truth of few words.
type book struct {
	mu    sync.Mutex
	all   map[string][]delivery.Message
	fault error
}

func (b *book) OfAccount(account jid.JID, most int) ([]delivery.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.all[account.String()]
	if most > 0 && len(all) > most {
		all = all[:most]
	}
	return all, b.fault
}

func (b *book) Cancel(account jid.JID, peer string, entry uint64) (delivery.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, m := range b.all[account.String()] {
		if m.Peer == peer && m.Entry == entry {
			if m.State == delivery.Queued {
				b.all[account.String()][i].State = delivery.Cancelled
			}
			return b.all[account.String()][i], nil
		}
	}
	return delivery.Message{}, store.ErrNotFound
}

// scene is a stage with the attendant on it.
type scene struct {
	*servicetest.Stage
	a    *attendant.Attendant
	book *book
}

func open(t *testing.T) *scene {
	s := &scene{Stage: servicetest.New(t), book: &book{all: make(map[string][]delivery.Message)}}
	s.a = attendant.New(s.Host, s.book, slog.New(slog.DiscardHandler))
	s.a.Be("node")
	s.Host.SetContact("node", s.a)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.a.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	s.Login("alice@field.net/tablet")
	s.Login("bob@field.net/phone")
	return s
}

// ask says something to the attendant and returns what it answers.
func (s *scene) ask(from, text string) []string {
	s.Received(from)
	s.Send(from, "<message to='node@field.net' type='chat' id='q1'><body>"+text+"</body></message>")
	synctest.Wait()
	var bodies []string
	for _, xml := range s.Received(from) {
		_, rest, _ := strings.Cut(xml, "<body>")
		text, _, ok := strings.Cut(rest, "</body>")
		if ok {
			bodies = append(bodies, markup.Unescape([]byte(text)))
		}
	}
	return bodies
}

func message(entry uint64, to string, state delivery.State) delivery.Message {
	return delivery.Message{Peer: "hq", Entry: entry, Kind: store.KindChat, Class: store.ClassRoutine, From: "alice@field.net/tablet", To: to,
		State: state, Bytes: 120, Queued: time.Now().Add(-2 * time.Minute), Changed: time.Now()}
}

func TestStatusTellsOnlyTheAskersMessagesInPlainWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		queued := message(14, "carol@headquarters.net/desk", delivery.Queued)
		queued.Position, queued.Forecast = 3, delivery.Forecast{Known: true, Words: "about 4 min, at most 9 min"}
		expired := message(9, "dave@headquarters.net", delivery.Expired)
		expired.Why = "not sent in time"
		s.book.all["alice@field.net"] = []delivery.Message{queued, message(11, "carol@headquarters.net", delivery.AtPeer), expired}
		got := s.ask("alice@field.net/tablet", "Status?")
		want := "Your latest messages, newest first:\n" +
			"14 to carol@headquarters.net, 2 min ago: queued, number 3 in line; expected over there in about 4 min, at most 9 min\n" +
			"11 to carol@headquarters.net, 2 min ago: at the other side's node since 00:00 UTC\n" +
			"9 to dave@headquarters.net, 2 min ago: expired at 00:00 UTC: not sent in time"
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if got := s.ask("bob@field.net/phone", "status"); len(got) != 1 || !strings.HasPrefix(got[0], "None of your messages") {
			t.Errorf("bob got %q", got)
		}
	})
}

func TestWhyAndCancelSpeakOfOneMessageOfTheAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		waiting := message(14, "carol@headquarters.net", delivery.Queued)
		waiting.Forecast = delivery.Forecast{Why: "the link is down, and when it comes back is not known"}
		waiting.Expires = time.Now().Add(time.Hour)
		s.book.all["alice@field.net"] = []delivery.Message{waiting, message(11, "carol@headquarters.net", delivery.OnAir)}
		for _, c := range []struct{ who, say, want string }{
			{"alice@field.net/tablet", "why 14", "Message 14 to carol@headquarters.net, routine, 120 bytes, accepted 2 min ago.\n" +
				"It is queued; when it gets there is not known: the link is down, and when it comes back is not known.\n" +
				"It waits because of this: the link is down, and when it comes back is not known.\nIf it cannot be sent by 01:00 UTC, you will be told so."},
			{"alice@field.net/tablet", "why", "Which message? Its number stands in the answer to 'status'; then for example: why 12"},
			{"alice@field.net/tablet", "cancel twelve", "\"twelve\" is not the number of a message; they stand in the answer to 'status'."},
			{"bob@field.net/phone", "cancel 14", "You have no message 14, as far back as I remember."},
			{"bob@field.net/phone", "why 14", "You have no message 14, as far back as I remember."},
			{"alice@field.net/tablet", "cancel 11", "Too late: message 11 is on the air; when it gets there is not known. It may be there already, so it stays."},
			{"alice@field.net/tablet", "Cancel 14.", "Message 14 to carol@headquarters.net is taken back; it was not sent."},
			{"alice@field.net/tablet", "cancel 14", "Too late: message 14 is cancelled at 00:00 UTC."},
		} {
			if got := s.ask(c.who, c.say); len(got) != 1 || got[0] != c.want {
				t.Errorf("%s: got %q\nwant %q", c.say, got, c.want)
			}
		}
	})
}

func TestNumbersOfSeveralPeersAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		other := message(14, "eve@ship.net", delivery.Queued)
		other.Peer = "ship"
		s.book.all["alice@field.net"] = []delivery.Message{message(14, "carol@headquarters.net", delivery.Queued), other}
		if got := s.ask("alice@field.net/tablet", "cancel 14"); len(got) != 1 || got[0] != "There are several of that number. Say which: cancel 14@hq or cancel 14@ship" {
			t.Errorf("got %q", got)
		}
		if got := s.ask("alice@field.net/tablet", "cancel 14@ship"); len(got) != 1 || got[0] != "Message 14@ship to eve@ship.net is taken back; it was not sent." {
			t.Errorf("got %q", got)
		}
	})
}

func TestRobotsFallSilentAndTheHastyAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		answers := 0
		for range 10 {
			answers += len(s.ask("alice@field.net/tablet", "I am away from my desk"))
		}
		if answers != 2 {
			t.Errorf("another robot got %d answers", answers)
		}
		answers = 0
		for range 60 {
			answers += len(s.ask("bob@field.net/phone", "status"))
		}
		if answers != 21 {
			t.Errorf("who asks without pause got %d answers, not 20 and a warning", answers)
		}
		time.Sleep(time.Minute)
		if got := s.ask("bob@field.net/phone", "status"); len(got) != 1 {
			t.Errorf("after a pause: %q", got)
		}
		for _, xml := range []string{
			"<message to='node@field.net' type='error' id='a'><body>status</body></message>",
			"<message to='node@field.net' type='headline'><body>status</body></message>",
			"<message to='node@field.net'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
			"<message to='node@field.net'><body>status</body><answer xmlns='urn:x-longwire:attendant:0'/></message>",
			"<message to='node@field.net'><received xmlns='urn:xmpp:receipts' id='x'/></message>",
		} {
			s.Received("alice@field.net/tablet")
			s.Send("alice@field.net/tablet", xml)
			synctest.Wait()
			if got := s.Received("alice@field.net/tablet"); len(got) != 0 {
				t.Errorf("%s was answered: %q", xml, got)
			}
		}
	})
}

func TestStrangersAcrossALinkGetNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.Send("eve@headquarters.net/x", "<message to='node@field.net' type='chat' id='1'><body>status</body></message>")
		s.Send("eve@headquarters.net/x", "<presence to='node@field.net' type='subscribe'/>")
		s.Send("eve@headquarters.net/x", "<presence to='node@field.net' type='probe'/>")
		synctest.Wait()
		got := s.Received("eve@headquarters.net/x")
		if len(got) != 1 || !strings.Contains(got[0], "service-unavailable") {
			t.Errorf("got %q", got)
		}
		if got := s.Received("eve@headquarters.net"); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
}

func TestAReceiptComesWithTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.Send("alice@field.net/tablet", "<message to='node@field.net' type='chat' id='q7'><body>help</body><request xmlns='urn:xmpp:receipts'/></message>")
		synctest.Wait()
		got := s.Received("alice@field.net/tablet")
		if len(got) != 1 || !strings.Contains(got[0], "<received xmlns='urn:xmpp:receipts' id='q7'/>") {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhatIsToldUnaskedIsKeptForThoseAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		if !s.a.Tell(jid.MustParse("carol@field.net"), "Message 3 will take 5 min of air.") {
			t.Fatal("not told")
		}
		synctest.Wait()
		s.View(func(tx *store.Tx) error {
			if n, _ := tx.SpoolCount("carol@field.net"); n != 1 {
				t.Errorf("%d messages kept", n)
			}
			return nil
		})
		s.a.Be("")
		if s.a.Tell(jid.MustParse("carol@field.net"), "x") {
			t.Error("who is away told something")
		}
	})
}

func TestAFaultOfTheStoreIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.book.fault = errors.New("flash is gone")
		for _, q := range []string{"status", "why 1", "cancel 1"} {
			if got := s.ask("alice@field.net/tablet", q); len(got) != 1 || !strings.HasPrefix(got[0], "I cannot look") {
				t.Errorf("%s: %q", q, got)
			}
		}
	})
}

func TestClientsFindOutWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		got := s.Ask("alice@field.net/tablet", "<iq to='node@field.net' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
		if !strings.Contains(got, "<identity category='client' type='bot' name='Longwire'/>") {
			t.Error(got)
		}
		for _, c := range []struct{ xml, want string }{
			{"<iq to='node@field.net' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>", "type='result'"},
			{"<iq to='node@field.net' type='get' id='v'><vCard xmlns='vcard-temp'/></iq>", "service-unavailable"},
			{"<iq to='node@field.net' type='set' id='r'><query xmlns='jabber:iq:register'/></iq>", "service-unavailable"},
		} {
			if got := s.Ask("alice@field.net/tablet", c.xml); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s", c.xml, got)
			}
		}
	})
}
