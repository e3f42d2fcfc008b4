package presence_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Whatever the order in which clients come and change, in the end each has the others' last presence on top.
func TestLastPresenceIsOnTop(t *testing.T) {
	s := friends(t)
	var clients []*plays.Client
	for _, name := range []string{"alice", "bob"} {
		for i := range 3 {
			who := fmt.Sprintf("%s/%d", name, i)
			s.Play(who + " connects")
			clients = append(clients, s.Client(who))
		}
	}
	const rounds = 60
	var wg sync.WaitGroup
	for n, c := range clients {
		wg.Go(func() {
			for i := range rounds {
				st := &stanza.Stanza{Kind: stanza.Presence, ID: fmt.Sprint(i)}
				if n%2 == 1 && i%20 == 10 {
					st.Type = stanza.Unavailable
				}
				if err := run(s, c, st); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, c := range clients {
		last := make(map[string]string)
		for _, x := range c.Got() {
			from := x[strings.Index(x, "from='"):]
			last[strings.SplitN(from, "'", 3)[1]] = x
		}
		for _, o := range clients {
			from := o.Resource.JID().String()
			if want := fmt.Sprintf("<presence from='%s' id='%d'/>", from, rounds-1); last[from] != want {
				t.Errorf("%s has %s on top, want %s", c.Resource.JID(), last[from], want)
			}
		}
	}
}

// run takes a stanza as a client stream does, from any goroutine.
func run(s *plays.Stage, c *plays.Client, st *stanza.Stanza) error {
	t := new(router.Turn)
	err := s.FromClient(t, c, st)
	if err == nil {
		t.Done()
		return nil
	}
	if !errors.Is(err, router.ErrNeedTx) {
		return err
	}
	done := make(chan error)
	s.DB.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return s.FromClient(t, c, st)
	}, func(err error) {
		if err == nil {
			t.Done()
		}
		done <- err
	})
	return <-done
}

// An account with 1,000 contacts, 20 of them online, changes its presence.
func BenchmarkBroadcast(b *testing.B) {
	s := plays.New(b)
	err := s.DB.Update(func(tx *store.Tx) error {
		for i := range 1000 {
			it := store.RosterItem{Contact: fmt.Sprintf("u%d@%s", i, plays.Domain), From: true, To: true, InRoster: true}
			if err := tx.PutAccount(store.Account{JID: it.Contact}); err != nil {
				return err
			}
			if _, err := tx.PutRosterItem("alice@"+plays.Domain, it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	var online []*plays.Client
	for i := range 20 {
		who := fmt.Sprintf("u%d/x", i)
		s.Play(who + " connects")
		c := s.Client(who)
		online = append(online, c)
		c.Resource.SetPresence(&stanza.Stanza{Kind: stanza.Presence, From: c.Resource.JID()}, 0)
	}
	s.Play("alice/desk connects")
	alice := s.Client("alice/desk")
	st := &stanza.Stanza{Kind: stanza.Presence, From: jid.MustParse("alice@" + plays.Domain)}
	if err := run(s, alice, st); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := run(s, alice, st); err != nil {
			b.Fatal(err)
		}
		alice.Got()
		for _, c := range online {
			if len(c.Got()) == 0 {
				b.Fatal("not told")
			}
		}
	}
}
