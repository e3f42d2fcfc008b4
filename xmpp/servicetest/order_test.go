package servicetest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
)

// play is what becomes of bob's messages while streams of his clients end. Time stands still unless the play sleeps, so
// that nothing can be told by when it came; and the store can be stopped, so that all that follows is under way at once.
type play struct {
	*servicetest.Stage
	t *testing.T
}

var bob = jid.MustParse("bob@field.net")

func inPlay(t *testing.T, f func(p play)) {
	synctest.Test(t, func(t *testing.T) {
		p := play{servicetest.New(t), t}
		p.Login("alice@field.net/desk")
		f(p)
	})
}

func letter(id string) *stanza.Stanza {
	m := &stanza.Stanza{Kind: stanza.Message, From: jid.MustParse("alice@field.net/desk"), To: bob, Type: stanza.Chat, ID: id}
	m.SetInner([]byte("<body>x</body>"))
	return m
}

// stop lets no commit be told of before the function it returns is called.
func (p play) stop() (resume func()) {
	gate := make(chan struct{})
	p.DB.Submit(nil, func(error) { <-gate })
	return func() { close(gate) }
}

// settle waits for all commits under way.
func (p play) settle() {
	p.t.Helper()
	for range 3 {
		p.Update(nil)
	}
}

// submit runs a Turn in a transaction and does not wait for it.
func (p play) submit(f func(*router.Turn) error) {
	turn := new(router.Turn)
	p.DB.Submit(func(tx *store.Tx) error {
		turn.Reset(tx)
		return f(turn)
	}, func(err error) {
		if err != nil {
			p.t.Error(err)
		}
		turn.Done()
	})
}

// commit sends a message in a transaction.
func (p play) commit(id string) {
	p.submit(func(turn *router.Turn) error { return p.Router.Route(turn, letter(id)) })
}

// quick sends a message without; it comes to bob's clients when the function that quick returns is called.
func (p play) quick(id string) (deliver func()) {
	p.t.Helper()
	turn := new(router.Turn)
	if err := p.Router.Route(turn, letter(id)); err != nil {
		p.t.Fatal(err)
	}
	return turn.Done
}

// leave ends the stream of r, which held messages that no transaction has seen.
func (p play) leave(r *local.Resource, ids ...string) {
	p.fail(r, nil, ids...)
}

// fail is leave when the store refuses with err to take them back.
func (p play) fail(r *local.Resource, err error, ids ...string) {
	var back []local.Undelivered
	for _, id := range ids {
		back = append(back, local.Undelivered{Stanza: letter(id), Came: time.Now(), Kept: func(*store.Tx, uint64) error { return err }})
	}
	p.Host.Leave(r, func() { p.Host.Returned(bob, back) })
}

// wants compares what a client of bob has got.
func (p play) wants(resource string, want ...string) {
	p.t.Helper()
	var got []string
	for _, m := range p.Received("bob@field.net/" + resource) {
		_, id, _ := strings.Cut(m, " id='")
		id, _, _ = strings.Cut(id, "'")
		got = append(got, id)
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("bob/%s got %q, want %q", resource, got, want)
	}
}

func TestNewerMessagesStayBehindWhatComesBack(t *testing.T) {
	t.Run("meant for the stream that ends", func(t *testing.T) {
		inPlay(t, func(p play) {
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			deliver := p.quick("m2")
			p.leave(phone, "m0", "m1")
			deliver()
			online(t, p.Stage, "bob@field.net/desk", 0)
			p.wants("desk", "m0", "m1", "m2")
		})
	})
	t.Run("meant for the stream that ends, and another is there at once", func(t *testing.T) {
		inPlay(t, func(p play) {
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			deliver := p.quick("m2")
			desk := p.Login("bob@field.net/desk")
			resume := p.stop()
			p.leave(phone, "m0", "m1")
			go deliver()
			p.submit(func(turn *router.Turn) error {
				turn.After(func() { desk.SetPresence(&stanza.Stanza{Kind: stanza.Presence, From: desk.JID()}, 0) })
				return p.Host.FlushSpool(turn, desk)
			})
			synctest.Wait() // until deliver waits for the store
			resume()
			synctest.Wait()
			p.wants("desk", "m0", "m1", "m2")
		})
	})
	t.Run("committed just before", func(t *testing.T) {
		inPlay(t, func(p play) {
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			resume := p.stop()
			p.commit("m2")
			p.leave(phone, "m0", "m1")
			resume()
			online(t, p.Stage, "bob@field.net/desk", 0)
			p.wants("desk", "m0", "m1", "m2")
		})
	})
}

// What stayed behind is handed to the clients that are there, once, and in order.
func TestWhatStayedBehindIsHandedOut(t *testing.T) {
	t.Run("committed before what comes back", func(t *testing.T) {
		inPlay(t, func(p play) {
			online(t, p.Stage, "bob@field.net/desk", 0)
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			resume := p.stop()
			tell := p.stop()
			p.commit("m0")
			resume()
			time.Sleep(time.Second) // m0 is in the file, and nobody was told
			p.leave(phone, "m1")
			tell()
			p.settle()
			p.wants("desk", "m0", "m1")
		})
	})
	t.Run("two streams end", func(t *testing.T) {
		inPlay(t, func(p play) {
			online(t, p.Stage, "bob@field.net/desk", 0)
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			tablet := online(t, p.Stage, "bob@field.net/tablet", 0)
			resume := p.stop()
			p.leave(phone, "m0")
			time.Sleep(time.Second)
			p.commit("m2")
			p.leave(tablet, "m1")
			resume()
			p.settle()
			p.wants("desk", "m0", "m1", "m2")
			p.View(func(tx *store.Tx) error {
				if n, _ := tx.SpoolCount(bob.String()); n != 3 {
					t.Errorf("%d entries in the spool", n)
				}
				return nil
			})
		})
	})
	t.Run("and the store cannot take back", func(t *testing.T) {
		inPlay(t, func(p play) {
			online(t, p.Stage, "bob@field.net/desk", 0)
			phone := online(t, p.Stage, "bob@field.net/phone", 0)
			resume := p.stop()
			p.commit("m1")
			p.fail(phone, errors.New("no"), "m0")
			resume()
			p.settle()
			p.wants("desk", "m1")
			if got := strings.Join(p.Received("alice@field.net/desk"), ""); !strings.Contains(got, "<recipient-unavailable ") {
				t.Errorf("alice heard %q", got)
			}
		})
	})
}
