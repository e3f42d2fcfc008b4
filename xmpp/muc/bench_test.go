package muc_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/muc"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// sink is a client's stream that only counts, and writes what it would send.
type sink struct {
	full jid.JID
	n    int
	buf  []byte
	hear func(jid.JID, *stanza.Stanza)
}

func (o *sink) Send(s *stanza.Stanza, _ uint64) {
	if o.hear != nil {
		o.hear(o.full, s)
		return
	}
	o.n++
	o.buf = s.AppendTo(o.buf[:0], o.full)
}
func (o *sink) End(string, string) {}
func (o *sink) Addr() string       { return "" }

// crowd is a room with n clients.
type crowd struct {
	tb    testing.TB
	db    *store.DB
	route *router.Router
	muc   *muc.Service
	sinks []*sink
}

type nobody struct{ local.Presence }

func (nobody) ToAccount(*router.Turn, *stanza.Stanza) error         { return nil }
func (nobody) Trusted(*router.Turn, jid.JID, jid.JID) (bool, error) { return false, nil }
func (nobody) Blocked(*router.Turn, jid.JID, jid.JID) (bool, error) { return false, nil }

func newCrowd(tb testing.TB, n int, cfg store.Room) *crowd {
	tb.Helper()
	db, err := store.Open(filepath.Join(tb.TempDir(), "store.db"), store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	c := &crowd{tb: tb, db: db, route: new(router.Router)}
	host := local.New(db, c.route)
	host.Use(nobody{}, nobody{})
	if err := errors.Join(host.SetDomains([]string{plays.Domain})); err != nil {
		tb.Fatal(err)
	}
	c.muc = muc.New(host, c.route, muc.Options{})
	if err := c.muc.SetDomains([]string{"chat.hq.net"}); err != nil {
		tb.Fatal(err)
	}
	cfg.JID, cfg.Persistent = "ops@chat.hq.net", true
	c.op(func(t *router.Turn) error {
		_, err := c.muc.Open(t, cfg, nil)
		return err
	})
	for i := range n {
		o := &sink{full: jid.MustParse(fmt.Sprintf("user%d@%s/phone", i, plays.Domain))}
		c.sinks = append(c.sinks, o)
		host.Bind(local.NewResource(o.full, o), 10)
	}
	return c
}

func (c *crowd) op(f func(*router.Turn) error) {
	if err := c.try(f); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *crowd) try(f func(*router.Turn) error) error {
	t, done := new(router.Turn), make(chan error, 1)
	c.db.Submit(func(tx *store.Tx) error { t.Reset(tx); return f(t) }, func(err error) {
		if err == nil {
			t.Done()
		}
		done <- err
	})
	return <-done
}

func (c *crowd) send(from int, xml string) {
	st, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		c.tb.Fatal(err)
	}
	st.From = c.sinks[from].full
	c.op(func(t *router.Turn) error { return c.route.Route(t, st) })
}

func (c *crowd) join() {
	for i := range c.sinks {
		c.send(i, fmt.Sprintf("<presence to='ops@chat.hq.net/user%d'><x xmlns='http://jabber.org/protocol/muc'/><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://example.org' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>", i))
	}
}

const said = `<message to='ops@chat.hq.net' type='groupchat' id='ab12'><body>The convoy has left the second checkpoint.</body><origin-id xmlns='urn:xmpp:sid:0' id='ab12'/></message>`

// BenchmarkFanOut200 is one line in a room of 200, from the stanza to the bytes for each client, less the commit.
func BenchmarkFanOut200(b *testing.B) {
	c := newCrowd(b, 200, store.Room{NoArchive: true})
	c.join()
	st, _ := stream.ParseStanza([]byte(said))
	st.From = c.sinks[0].full
	before := c.sinks[199].n
	b.ReportAllocs()
	b.ResetTimer()
	c.db.Update(func(tx *store.Tx) error {
		var t router.Turn
		for range b.N {
			t.Reset(tx)
			if err := c.route.Route(&t, st); err != nil {
				return err
			}
			t.Done()
		}
		return nil
	})
	b.StopTimer()
	if got := c.sinks[199].n - before; got != b.N {
		b.Fatalf("%d lines arrived of %d", got, b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/recipient")
}

// BenchmarkJoin200 is the 200th occupant that comes and goes, less the commit.
func BenchmarkJoin200(b *testing.B) {
	c := newCrowd(b, 200, store.Room{})
	c.join()
	in, _ := stream.ParseStanza([]byte(`<presence to='ops@chat.hq.net/user199'><x xmlns='http://jabber.org/protocol/muc'/></presence>`))
	out, _ := stream.ParseStanza([]byte(`<presence to='ops@chat.hq.net/user199' type='unavailable'/>`))
	in.From, out.From = c.sinks[199].full, c.sinks[199].full
	b.ReportAllocs()
	b.ResetTimer()
	c.db.Update(func(tx *store.Tx) error {
		var t router.Turn
		for range b.N {
			for _, st := range []*stanza.Stanza{out, in} {
				t.Reset(tx)
				if err := c.route.Route(&t, st); err != nil {
					return err
				}
				t.Done()
			}
		}
		return nil
	})
}

// farCrowd is who comes with one digest.
func farCrowd(n int) []muc.Occupant {
	all := make([]muc.Occupant, n)
	for i := range all {
		nick := fmt.Sprintf("Far%d", i)
		all[i] = muc.Occupant{
			Nick: nick, RemoteNick: nick, Real: jid.MustParse(nick + "@far.net/desk"), Node: jid.MustParse("ops@rooms.far.net"),
			Affiliation: muc.NoAffiliation, Role: muc.Participant,
		}
	}
	return all
}

// comeAndGo lets all enter in one operation, and leave in another.
func (c *crowd) comeAndGo(all []muc.Occupant) {
	r := c.muc.Rooms()[0]
	c.op(func(t *router.Turn) error {
		for i := range all {
			if err := r.Enter(t, all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	c.op(func(t *router.Turn) error {
		for i := range all {
			if err := r.Remove(t, all[i].Nick, muc.Removal{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkFarCrowd is another node that comes with all its occupants, and goes, to one client of ours.
func BenchmarkFarCrowd(b *testing.B) {
	for _, n := range []int{100, 400, 999} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCrowd(b, 1, store.Room{NoArchive: true})
			c.join()
			all := farCrowd(n)
			b.ReportAllocs()
			for b.Loop() {
				c.comeAndGo(all)
			}
		})
	}
}

// A whole node that comes costs what its occupants cost, and not all of them for each of them.
func TestACrowdFromAfarCostsWhatItsHeadsCost(t *testing.T) {
	cost := func(n int) uint64 {
		c := newCrowd(t, 1, store.Room{NoArchive: true})
		c.join()
		all := farCrowd(n)
		c.comeAndGo(all)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c.comeAndGo(all)
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
	}
	few, many := cost(100), cost(900)
	t.Logf("bytes a head: %d of 100, %d of 900", few, many)
	if many > 3*few {
		t.Errorf("each of 900 costs %d bytes, each of 100 %d", many, few)
	}
}
