package links_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/linktest"
	"longwire/store"
)

// Many stanzas that have to wait for one on another link's express lane keep nobody else's waiting.
func TestWhatWaitsForTheExpressLaneKeepsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := linktest.NewFake(100 * time.Millisecond)
		a, b := linktest.NewNode(t, "a.net", "b.net"), linktest.NewNode(t, "b.net", "a.net")
		put := func(from string, class store.Class, body string) {
			from += "@a.net/x"
			a.Put(store.Entry{Kind: store.KindChat, Class: class, From: from, To: "bob@b.net", Queued: time.Now(),
				Stanza: fmt.Appendf(nil, "<message from='%s' to='bob@b.net'><body>%s</body></message>", from, body)})
		}
		put("alice", store.ClassFlash, "flash")
		desk := custody.NewDesks(a.DB).Desk("b.net")
		defer desk.Use(&custody.User{Numbering: "b.net", Keys: []string{"b.net", custody.Express("b.net")}})("hf")
		express, err := desk.Book(custody.Express("b.net"))
		if err != nil {
			t.Fatal(err)
		}
		flash, err := a.DB.Queue("b.net").Next(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := express.Number(flash); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			put("alice", store.ClassRoutine, fmt.Sprint("alice ", i))
		}
		put("carol", store.ClassRoutine, "carol")
		a.StartRunner(links.NewPump(links.Config{Link: "l", Peer: "b.net", ZeroRTT: true, Dial: true}, near,
			links.Env{DB: a.DB, In: a.Inbound(), Desk: desk}).Run)
		b.Start(links.Config{ZeroRTT: true}, far)
		defer a.Stop()
		defer b.Stop()
		time.Sleep(time.Minute)
		if got := b.Received(); len(got) != 1 || got[0] != "carol" {
			t.Errorf("got %d, %.60q", len(got), got)
		}
		if err := express.Confirm(flash[0].Session, flash[0].Seq, true, func([]store.Entry, error) {}); err != nil {
			t.Fatal(err)
		}
		desk.Confirmed("hf")
		time.Sleep(10 * time.Minute)
		if got := b.Received(); len(got) != 301 || a.Waiting() > 0 {
			t.Errorf("got %d, %d wait", len(got), a.Waiting())
		}
	})
}

// What is over its time is not sent, whether its sender has been told yet or not: another link may have sent it before.
func TestExpiredEntriesAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := linktest.NewFake(100 * time.Millisecond)
		a, b := linktest.NewNode(t, "a.net", "b.net"), linktest.NewNode(t, "b.net", "a.net")
		put := func(body string, expires time.Time) {
			a.Put(store.Entry{Kind: store.KindChat, From: "alice@a.net/x", To: "bob@b.net", Queued: time.Now(), Expires: expires,
				Stanza: fmt.Appendf(nil, "<message from='alice@a.net/x' to='bob@b.net'><body>%s</body></message>", body)})
		}
		for range 40 {
			put("late", time.Now().Add(time.Minute))
		}
		put("in time", time.Now().Add(time.Hour))
		put("at any time", time.Time{})
		time.Sleep(time.Minute)
		a.Start(links.Config{ZeroRTT: true, Dial: true}, near)
		b.Start(links.Config{ZeroRTT: true}, far)
		defer a.Stop()
		defer b.Stop()
		time.Sleep(time.Minute)
		if got := b.Received(); len(got) != 2 || got[0] != "in time" || got[1] != "at any time" {
			t.Errorf("got %q", got)
		}
	})
}

// A sieve that lets nothing through and takes nothing out holds up neither the pump nor its end.
func TestSieveThatKeepsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := linktest.NewFake(100 * time.Millisecond)
		a, b := linktest.NewNode(t, "a.net", "b.net"), linktest.NewNode(t, "b.net", "a.net")
		a.Send("one", "two")
		a.StartRunner(links.NewPump(links.Config{Link: "l", Peer: "b.net", ZeroRTT: true, Dial: true}, near, links.Env{DB: a.DB, In: a.Inbound(),
			Sieve: links.Sieve{Fresh: func(string, string, time.Time, []store.Entry) ([]store.Entry, error) { return nil, nil }}}).Run)
		b.Start(links.Config{ZeroRTT: true}, far)
		defer b.Stop()
		time.Sleep(time.Minute)
		b.Send("back")
		time.Sleep(10 * time.Minute)
		if got := a.Received(); len(got) != 1 || b.Waiting() > 0 || a.Waiting() != 2 || len(b.Received()) > 0 {
			t.Errorf("got %q, %d of the peer's wait, and %d of ours", got, b.Waiting(), a.Waiting())
		}
		a.Stop()
	})
}
