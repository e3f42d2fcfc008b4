package muc_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

func TestBlockedOccupantIsNotHeard(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob + `
	alice      blocks ops@chat.hq.net/Bob
	bob/phone  sends <message to='ops@chat.hq.net' type='groupchat'><body>Hi</body></message>
	bob/phone  gets  <message from='ops@chat.hq.net/Bob' type='groupchat'><body>Hi</body>{id}{stanza-id}</message>
	alice/desk gets  nothing
	`)
}

func TestWhatTheStoreTakesBackHasNotHappened(t *testing.T) {
	s := newStage(t, muc.Options{})
	s.room(store.Room{}, owned)
	s.play(alice + bob)
	r := s.muc.Room(jid.MustParse("ops@chat.hq.net"))
	before := r.State()
	errNo := errors.New("no")
	for _, what := range []string{
		"<message to='ops@chat.hq.net' type='groupchat'><body>Hi</body></message>",
		"<message to='ops@chat.hq.net' type='groupchat'><subject>Hi</subject></message>",
		"<presence to='ops@chat.hq.net/Bob' type='unavailable'/>",
		"<presence to='ops@chat.hq.net/Robert'/>",
		"<presence to='ops@chat.hq.net/Bob'><show>dnd</show></presence>",
		"<presence to='ops@chat.hq.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
		"<presence to='new@chat.hq.net/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
	} {
		st, err := stream.ParseStanza([]byte(what))
		if err != nil {
			t.Fatal(err)
		}
		st.From = jid.MustParse("bob@hq.net/phone")
		var turn router.Turn
		err = s.DB.Update(func(tx *store.Tx) error {
			turn.Reset(tx)
			return errors.Join(s.Router.Route(&turn, st), errNo)
		})
		if !errors.Is(err, errNo) {
			t.Fatal(err)
		}
		s.op(t, func(*router.Turn) error {
			if r.State() != before {
				t.Errorf("after %s the room is another", what)
			}
			return muc.Check(s.muc)
		})
		if len(s.muc.Rooms()) != 1 {
			t.Errorf("after %s there are %d rooms", what, len(s.muc.Rooms()))
		}
	}
	s.play(`
	alice/desk gets nothing
	bob/phone  gets nothing
	alice/desk sends <message to='ops@chat.hq.net' type='groupchat'><body>Still here?</body></message>
	alice/desk gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Still here?</body>{id}{stanza-id}</message>
	bob/phone  gets  <message from='ops@chat.hq.net/Alice' type='groupchat'><body>Still here?</body>{id}{stanza-id}</message>
	carol/pad  connects
	carol/pad  sends <presence to='new@chat.hq.net/Carol'>{muc}</presence>
	carol/pad  gets  <presence from='new@chat.hq.net/Carol'>[owner moderator carol@hq.net/pad 110 170 201]</presence>
	carol/pad  gets  <message from='new@chat.hq.net' type='groupchat'><subject/></message>
	`)
}

// speaker is a client that hears and says things in its own goroutine, as a stream does.
type speaker struct {
	c    *crowd
	full jid.JID
	wg   sync.WaitGroup // what is on its way to the store
}

// say sends one stanza, the quick way if that is enough and nothing of its own is on its way to the store.
func (p *speaker) say(xml string) {
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		panic(err)
	}
	st.From = p.full
	p.wg.Wait()
	t := new(router.Turn)
	if err = p.c.route.Route(t, st); err == nil {
		t.Done()
		return
	}
	t.Reset(nil)
	p.wg.Add(1)
	p.c.db.Submit(func(tx *store.Tx) error { t.Reset(tx); return p.c.route.Route(t, st) }, func(err error) {
		if err != nil {
			panic(err)
		}
		t.Done()
		p.wg.Done()
	})
}

func TestAllHearTheSameInTheSameOrder(t *testing.T) {
	c := newCrowd(t, 8, store.Room{})
	heard := make([]hearing, len(c.sinks))
	for i, o := range c.sinks {
		o.hear = heard[i].take
	}
	c.join()
	var wg sync.WaitGroup
	for i, o := range c.sinks {
		wg.Go(func() {
			p := &speaker{c: c, full: o.full}
			for n := range 40 {
				p.say(fmt.Sprintf("<message to='ops@chat.hq.net' type='groupchat'><body>%d %d</body></message>", i, n))
				p.say("<message to='ops@chat.hq.net' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
				if n%10 == 9 && i > 1 { // comes and goes
					p.say(fmt.Sprintf("<presence to='ops@chat.hq.net/user%d' type='unavailable'/>", i))
					p.say(fmt.Sprintf("<presence to='ops@chat.hq.net/user%d'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>", i))
				}
			}
			p.wg.Wait()
		})
	}
	wg.Wait()
	c.op(func(*router.Turn) error { return nil })
	all := heard[0].lines
	if len(all) != 8*40 || strings.Join(all, "\n") != strings.Join(heard[1].lines, "\n") {
		t.Errorf("%d lines were heard, and %d", len(all), len(heard[1].lines))
	}
	for i := range heard {
		if heard[i].stray != "" {
			t.Errorf("client %d, which had left, got %s", i, heard[i].stray)
		}
		at := 0
		for _, l := range heard[i].lines { // those who came and went have heard a part of it, in order
			for at < len(all) && all[at] != l {
				at++
			}
		}
		if at == len(all) {
			t.Errorf("client %d heard the lines in another order", i)
		}
	}
}

// hearing is what one client hears; only its stream's Send touches it.
type hearing struct {
	mu    sync.Mutex
	in    bool
	lines []string
	stray string
}

func (h *hearing) take(full jid.JID, st *stanza.Stanza) {
	h.mu.Lock()
	defer h.mu.Unlock()
	raw := string(st.Bytes())
	if st.Kind == stanza.Presence && strings.Contains(raw, "code='110'") {
		h.in = st.Type == ""
		return
	}
	if !h.in && st.Kind == stanza.Message {
		h.stray = raw
	}
	if b, ok := st.Child("", "body"); ok {
		h.lines = append(h.lines, st.Text(b))
	}
}
