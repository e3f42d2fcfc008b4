package servicetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
)

// online makes a resource available with a priority, as the presence engine does.
func online(t *testing.T, s *servicetest.Stage, full string, priority int8) *local.Resource {
	t.Helper()
	r := s.Login(full)
	available(t, s, r, priority)
	return r
}

func available(t *testing.T, s *servicetest.Stage, r *local.Resource, priority int8) {
	t.Helper()
	turn := new(router.Turn)
	err := s.DB.Update(func(tx *store.Tx) error {
		turn.Reset(tx)
		turn.After(func() {
			r.SetPresence(&stanza.Stanza{Kind: stanza.Presence, From: r.JID()}, priority)
		})
		if priority < 0 {
			return nil
		}
		return s.Host.FlushSpool(turn, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	turn.Done()
}

// The letters of RFC 6121 §8.5.4: D to that resource, M to all that take messages, O offline, E an error.
func TestMessagesByTheTable(t *testing.T) {
	none := map[string]int8{}
	negative := map[string]int8{"low": -1}
	one := map[string]int8{"desk": 0, "low": -5}
	several := map[string]int8{"desk": 0, "phone": 5, "low": -1}
	types := []string{"normal", "chat", "groupchat", "headline", "error"}
	for _, c := range []struct {
		name   string
		online map[string]int8
		to     string
		want   [5]string
	}{
		{"no account, bare", none, "nobody@field.net", [5]string{"E", "E", "E", "E", ""}},
		{"no account, full", none, "nobody@field.net/x", [5]string{"E", "E", "E", "E", ""}},
		{"nobody there, bare", none, "bob@field.net", [5]string{"O", "O", "E", "E", ""}},
		{"nobody there, full", none, "bob@field.net/x", [5]string{"E", "O", "E", "E", ""}},
		{"negative only, bare", negative, "bob@field.net", [5]string{"O", "O", "E", "E", ""}},
		{"negative only, match", negative, "bob@field.net/low", [5]string{"low", "low", "low", "low", "low"}},
		{"negative only, no match", negative, "bob@field.net/x", [5]string{"E", "O", "E", "E", ""}},
		{"one, bare", one, "bob@field.net", [5]string{"desk", "desk", "E", "desk", ""}},
		{"one, match", one, "bob@field.net/desk", [5]string{"desk", "desk", "desk", "desk", "desk"}},
		{"one, no match", one, "bob@field.net/x", [5]string{"E", "desk", "E", "E", ""}},
		{"several, bare", several, "bob@field.net", [5]string{"desk phone", "desk phone", "E", "desk phone", ""}},
		{"several, match", several, "bob@field.net/low", [5]string{"low", "low", "low", "low", "low"}},
		{"several, no match", several, "bob@field.net/x", [5]string{"E", "desk phone", "E", "E", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.New(t)
			s.Login("alice@field.net/desk")
			for res, prio := range c.online {
				online(t, s, "bob@field.net/"+res, prio)
			}
			for i, typ := range types {
				s.Send("alice@field.net/desk", fmt.Sprintf("<message to='%s' type='%s' id='m'><body>x</body></message>", c.to, typ))
				var got []string
				for res := range c.online {
					if len(s.Received("bob@field.net/"+res)) == 1 {
						got = append(got, res)
					}
				}
				for _, m := range s.Received("alice@field.net/desk") {
					if strings.Contains(m, "type='error' id='m'><error type='cancel'><service-unavailable ") {
						got = append(got, "E")
					} else {
						got = append(got, m)
					}
				}
				if spooled(t, s, "bob@field.net") > 0 {
					got = append(got, "O")
					s.Update(func(tx *store.Tx) error { return tx.SpoolDelete("bob@field.net", uint64(i+1)) })
					s.Update(func(tx *store.Tx) error {
						return tx.Spool("bob@field.net", 0, func(e store.SpoolEntry) error { return tx.SpoolDelete("bob@field.net", e.ID) })
					})
				}
				slices.Sort(got)
				if g := strings.Join(got, " "); g != c.want[i] {
					t.Errorf("%s: got %q, want %q", typ, g, c.want[i])
				}
			}
		})
	}
}

func spooled(t *testing.T, s *servicetest.Stage, account string) (n int) {
	t.Helper()
	s.View(func(tx *store.Tx) error { n, _ = tx.SpoolCount(account); return nil })
	return n
}

func TestWhatIsWorthKeeping(t *testing.T) {
	for _, c := range []struct {
		name, typ, inner string
		kept, refused    bool
	}{
		{"a body", "chat", "<body>x</body>", true, false},
		{"a chat state alone", "chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false, false},
		{"a chat state with a thread", "chat", "<thread>1</thread><gone xmlns='http://jabber.org/protocol/chatstates'/>", false, false},
		{"nothing", "", "", false, false},
		{"a receipt", "", "<received xmlns='urn:xmpp:receipts' id='m'/>", true, false},
		{"no-store", "chat", "<body>x</body><no-store xmlns='urn:xmpp:hints'/>", false, true},
		{"no-permanent-store", "chat", "<body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/>", false, true},
		{"store", "chat", "<gone xmlns='http://jabber.org/protocol/chatstates'/><store xmlns='urn:xmpp:hints'/>", true, false},
		{"unknown type", "greeting", "<body>x</body>", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.New(t)
			s.Login("alice@field.net/desk")
			s.Send("alice@field.net/desk", "<message to='bob@field.net' type='"+c.typ+"' id='m'>"+c.inner+"</message>")
			if got := spooled(t, s, "bob@field.net") == 1; got != c.kept {
				t.Errorf("kept: %v", got)
			}
			if got := len(s.Received("alice@field.net/desk")) == 1; got != c.refused {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func TestOfflineQuota(t *testing.T) {
	s := servicetest.New(t)
	s.Login("alice@field.net/desk")
	s.Update(func(tx *store.Tx) error {
		for range 499 { // one less than the store's bound
			m := "<message from='alice@field.net/desk' to='bob@field.net' type='chat'><body>x</body></message>"
			if _, err := tx.SpoolPut("bob@field.net", store.SpoolEntry{Stanza: []byte(m), Received: time.Now()}, false); err != nil {
				return err
			}
		}
		return nil
	})
	s.Send("alice@field.net/desk", "<message to='bob@field.net' type='chat' id='m'><body>x</body></message>")
	if got := s.Received("alice@field.net/desk"); got != nil {
		t.Fatalf("within the quota: %q", got)
	}
	s.Send("alice@field.net/desk", "<message to='bob@field.net' type='chat' id='more'><body>x</body></message>")
	got := s.Received("alice@field.net/desk")
	if len(got) != 1 || !strings.Contains(got[0], "type='error' id='more'><error type='cancel'><service-unavailable ") {
		t.Errorf("beyond the quota: %q", got)
	}
	online(t, s, "bob@field.net/phone", 0)
	got = nil
	for range 10 { // pages
		got = append(got, s.Received("bob@field.net/phone")...)
		s.Update(func(*store.Tx) error { return nil })
	}
	if len(got) != 500 {
		t.Errorf("%d of 500 came", len(got))
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	s := servicetest.New(t)
	online(t, s, "bob@field.net/phone", 0)
	s.Host.HandleIQ("urn:x", "q", "get", local.ForAccount, func(q *local.Request) error { q.Reply(nil); return nil })
	const far = "mallory@headquarters.net/x"
	unavailable := func(to, id string) string {
		return servicetest.Error(to, far, id, "cancel", stanza.ServiceUnavailable, "")
	}
	s.Run(t, []servicetest.Case{
		{"a resource that is there", far, "<iq type='get' id='1' to='bob@field.net/phone'><q xmlns='urn:x'/></iq>", unavailable("bob@field.net/phone", "1")},
		{"one that is not", far, "<iq type='get' id='2' to='bob@field.net/desk'><q xmlns='urn:x'/></iq>", unavailable("bob@field.net/desk", "2")},
		{"one of no account", far, "<iq type='get' id='3' to='nobody@field.net/phone'><q xmlns='urn:x'/></iq>", unavailable("nobody@field.net/phone", "3")},
		{"no account", far, "<iq type='get' id='4' to='nobody@field.net'><q xmlns='urn:x'/></iq>", unavailable("nobody@field.net", "4")},
		{"unknown payload", far, "<iq type='set' id='5' to='bob@field.net'><q xmlns='urn:y'/></iq>", unavailable("bob@field.net", "5")},
		{"message to no account", far, "<message type='chat' id='6' to='nobody@field.net'><body>x</body></message>",
			strings.Replace(unavailable("nobody@field.net", "6"), "<iq", "<message", 1)[:len(strings.Replace(unavailable("nobody@field.net", "6"), "<iq", "<message", 1))-len("</iq>")] + "</message>"},
	})
	for _, quiet := range []string{
		"<presence to='nobody@field.net'/>", "<presence type='subscribe' to='nobody@field.net'/>", "<presence type='probe' to='nobody@field.net/x'/>",
		"<iq type='result' id='7' to='nobody@field.net/x'/>", "<iq type='error' id='8' to='bob@field.net/desk'><error/></iq>",
		"<message type='error' id='9' to='nobody@field.net'><error/></message>", "<message type='error' id='a' to='bob@field.net'><error/></message>",
		"<message type='error' to='field.net'><error/></message>",
	} {
		s.Send(far, quiet)
		if got := s.Received(far); got != nil {
			t.Errorf("%s was answered: %q", quiet, got)
		}
	}
	if got := s.Received("bob@field.net/phone"); got != nil {
		t.Errorf("bob got %q", got)
	}
	s.Trust("bob@field.net", "mallory@headquarters.net")
	s.Send(far, "<iq type='get' id='b' to='bob@field.net/phone'><q xmlns='urn:x'/></iq>")
	if got := s.Received("bob@field.net/phone"); len(got) != 1 {
		t.Errorf("from a contact: %q", got)
	}
}

// A receipt for a client that is gone is of no use to who sent it: an error would only cost a transmission.
func TestReceiptsForTheGoneVanish(t *testing.T) {
	s := servicetest.New(t)
	online(t, s, "bob@field.net/phone", 0)
	for _, c := range []struct{ inner, want string }{
		{"<body>x</body>", "<service-unavailable "},
		{"<received xmlns='urn:xmpp:receipts' id='1'/>", ""},
	} {
		s.Send("alice@headquarters.net/x", "<message to='bob@field.net/gone' id='m'>"+c.inner+"</message>")
		if got := strings.Join(s.Received("alice@headquarters.net/x"), ""); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.inner, got)
		}
		if got := s.Received("bob@field.net/phone"); got != nil {
			t.Errorf("%s reached another client: %q", c.inner, got)
		}
	}
}

type blockAll struct{ who jid.JID }

func (b blockAll) Blocked(_ *router.Turn, _, other jid.JID) (bool, error) {
	return other.Bare() == b.who, nil
}

func TestBlockedSenders(t *testing.T) {
	s := servicetest.New(t)
	online(t, s, "bob@field.net/phone", 0)
	s.Block = blockAll{jid.MustParse("mallory@headquarters.net")}
	const far = "mallory@headquarters.net/x"
	for _, c := range []struct{ stanza, want string }{
		{"<message type='chat' to='bob@field.net'><body>x</body></message>", "<service-unavailable "},
		{"<message type='headline' to='bob@field.net/phone'><body>x</body></message>", "<service-unavailable "},
		{"<iq type='get' id='1' to='bob@field.net/phone'><q xmlns='urn:x'/></iq>", "<service-unavailable "},
		{"<iq type='get' id='1' to='bob@field.net'><q xmlns='urn:x'/></iq>", "<service-unavailable "},
		{"<message type='error' to='bob@field.net/phone'><error/></message>", ""},
		{"<iq type='result' id='1' to='bob@field.net/phone'/>", ""},
	} {
		s.Send(far, c.stanza)
		got := strings.Join(s.Received(far), "")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.stanza, got)
		}
	}
	if got := s.Received("bob@field.net/phone"); got != nil {
		t.Errorf("bob got %q", got)
	}
}

// What a stream could not deliver comes back: in the order it had, whatever part of it was in the spool before.
func TestReturnedMessagesKeepTheirOrder(t *testing.T) {
	s := servicetest.New(t)
	bare := jid.MustParse("bob@field.net")
	var back []local.Undelivered
	came := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, spooled := range []bool{true, false, true, true, false} {
		m := &stanza.Stanza{Kind: stanza.Message, From: jid.MustParse("alice@field.net/desk"), To: bare, Type: stanza.Chat, ID: fmt.Sprint("m", i)}
		m.SetInner([]byte("<body>x</body>"))
		u := local.Undelivered{Stanza: m, Came: came}
		if spooled {
			s.Update(func(tx *store.Tx) (err error) {
				u.Spool, err = tx.SpoolPut(bare.String(), store.SpoolEntry{Stanza: m.Bytes(), Received: came}, false)
				return err
			})
		}
		back = append(back, u)
	}
	// What is of no use to anybody else: presence, a copy, an answer, a chat state.
	for _, kind := range []stanza.Stanza{
		{Kind: stanza.Presence, From: jid.MustParse("alice@field.net/desk")},
		{Kind: stanza.IQ, Type: stanza.Result, ID: "r", From: jid.MustParse("alice@field.net/desk")},
	} {
		back = append(back, local.Undelivered{Stanza: &kind, Came: came})
	}
	carbon := &stanza.Stanza{Kind: stanza.Message, From: bare, To: jid.MustParse("bob@field.net/phone"), Type: stanza.Chat}
	carbon.SetInner([]byte("<received xmlns='urn:xmpp:carbons:2'/>"))
	ask := &stanza.Stanza{Kind: stanza.IQ, Type: stanza.Get, ID: "q", From: jid.MustParse("mallory@headquarters.net/x"), To: jid.MustParse("bob@field.net/phone")}
	back = append(back, local.Undelivered{Stanza: carbon, Came: came}, local.Undelivered{Stanza: ask, Came: came})

	s.Host.Returned(bare, back)
	s.Update(nil) // which waits for it
	if got := strings.Join(s.Received("mallory@headquarters.net/x"), ""); !strings.Contains(got, "id='q'><error type='cancel'><service-unavailable ") {
		t.Errorf("the question was answered with %q", got)
	}
	online(t, s, "bob@field.net/desk", 0)
	var got []string
	for _, m := range s.Received("bob@field.net/desk") {
		_, id, _ := strings.Cut(m, "id='")
		got = append(got, id[:2])
		if strings.Count(m, "<delay xmlns='urn:xmpp:delay' from='field.net' stamp='2026-01-02T03:04:05.000Z'/>") != 1 {
			t.Errorf("no single stamp: %s", m)
		}
	}
	if want := []string{"m0", "m1", "m2", "m3", "m4"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
