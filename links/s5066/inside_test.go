package s5066

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/store"
	"longwire/xmpp/stanza"
)

// lone is a mapping without a bind.
func lone(t testing.TB) *longwire {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c := Config{Name: "l", SAP: 6, Compress: true}.orDefault()
	p := &port{link: c, c: PeerConfig{Peer: "p", Mapping: Longwire}.orDefault(), queue: db.Queue("p"), db: db, meter: new(meter.Meter),
		trace: func(links.Event) {}, log: NewManager(Env{}).env.Log}
	p.in = func(_ string, _ *stanza.Stanza, mark func(*store.Tx) error, done func(error)) { db.Submit(mark, done) }
	w := newLongwire(p).(*longwire)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	return w
}

// Whatever a peer sends, nothing panics, hangs or grows, and a good frame is understood afterwards.
func FuzzTake(f *testing.F) {
	var enc frame.Encoder
	enc.Start(1)
	message := []byte("<message from='a@b' to='c@d'><body>hello</body></message>")
	good, _, err := enc.Encode(nil, frame.Header{Names: true, Out: "abcdef.xyz0", Ask: true}, [][]byte{message}, 2048)
	if err != nil {
		f.Fatal(err)
	}
	more, _, _ := enc.Encode(nil, frame.Header{Out: "abcdef.xyz0"}, [][]byte{message, message}, 2048)
	word, _ := frame.Append(nil, frame.Header{Names: true, Out: "abcdef.xyz0", In: "none.abc5", Again: true, HasMark: true, Mark: 7})
	f.Add(good, more)
	f.Add(more, good)
	f.Add(word, good)
	f.Add([]byte{}, []byte{0xff, 0, 0xff})
	w := lone(f)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		w.turn.Lock()
		defer w.turn.Unlock()
		w.take(t.Context(), a)
		w.take(t.Context(), b)
		w.plan(time.Now())
		w.book.Drain()
		if len(w.into.held) > mostHeld {
			t.Fatalf("%d frames held", len(w.into.held))
		}
		var enc frame.Encoder
		enc.Start(1)
		name := fmt.Sprintf("fresh%d.abc0", time.Now().UnixNano())
		b, _, _ = enc.Encode(nil, frame.Header{Names: true, Out: name}, [][]byte{message}, 2048)
		w.take(t.Context(), b)
		w.book.Drain()
		if c := w.book.State(); c.InID != numbering(name) || c.Mark != 1 {
			t.Fatalf("a good frame is not taken: %+v", c)
		}
	})
}

// BenchmarkSendFrame is all that one frame of four messages costs, from queue to U_PDU and from mark to empty queue, the flash included.
func BenchmarkSendFrame(b *testing.B) {
	w := lone(b)
	w.out.rate = 1200
	b.ReportAllocs()
	ticket := sis.Ticket(0)
	for b.Loop() {
		err := w.p.db.Update(func(tx *store.Tx) error {
			for range 4 {
				e := store.Entry{Class: store.ClassChat, From: "alice@field.net/desk", To: "bob@headquarters.net", Queued: time.Now(),
					Stanza: []byte("<message from='alice@field.net/desk' to='bob@headquarters.net' type='chat' id='a1'><body>on my way to the pier</body></message>")}
				if _, _, err := w.p.queue.Put(tx, e, store.QueueLimits{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		u := w.compose(2048)
		if u == nil {
			b.Fatal("nothing composed")
		}
		ticket++
		u.sent(ticket, time.Now())
		w.fate(ticket, fate{kind: confirmed})
		w.turn.Lock()
		w.digest(time.Now())
		c := w.book.State()
		err = w.understood(context.Background(), frame.Header{Out: "x.abc0", In: w.name(), HasMark: true, Mark: c.Sent}, nil)
		w.turn.Unlock()
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestNamesOfLives(t *testing.T) {
	for _, n := range []uint32{0, 1, 35, 36, 1<<32 - 1} {
		name := "abcdef" + newLife(n)
		if got, ok := sinceOf(name); !ok || got != n || numbering(name) != "abcdef" || len(name) > frame.MaxName {
			t.Errorf("%s: %d, %v, %s", name, got, ok, numbering(name))
		}
	}
	for _, bad := range []string{"", "abcdef", "abcdef.", "abcdef.xyz", "abcdef.xyz!", "abcdef.xyzzzzzzzzz"} {
		if _, ok := sinceOf(bad); ok {
			t.Errorf("%q has a number", bad)
		}
	}
}
