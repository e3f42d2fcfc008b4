package s5066

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/links/s5066/frame"
	"longwire/links/s5066/rcop"
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
		trace: func(links.Event) {}, log: NewManager(Env{}).env.Log, desk: custody.NewDesks(db).Desk("p"), way: links.Alone{}}
	p.bind = newBind(c, nil, p.log)
	p.in = func(_ string, _ *stanza.Stanza, mark func(*store.Tx) error, done func(error)) { db.Submit(mark, done) }
	l := newLanes(p).(*lanes)
	p.m = l
	if err := errors.Join(l.ordinary.open(), l.express.open()); err != nil {
		t.Fatal(err)
	}
	return l.ordinary
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
	lane := func(h frame.Header) []byte {
		var enc frame.Encoder
		enc.Start(1)
		h.Names, h.Out = true, "abcdef.xyz0"
		b, _, err := enc.Encode(nil, h, [][]byte{message}, 2048)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(lane(frame.Header{Express: true}), lane(frame.Header{Behind: true, After: 1}))
	f.Add(lane(frame.Header{Behind: true, After: 200}), lane(frame.Header{Express: true}))
	f.Add(word, good)
	f.Add([]byte("\x00\x01\x00\x00\x80\x01<message><body>in two "), []byte("\x00\x01\x00\x01\x80\x01halves</body></message>"))
	f.Add([]byte{}, []byte{0xff, 0, 0xff})
	w := lone(f)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		hear := func(updu []byte) {
			if frame.Express(updu) {
				x := w.lanes.express
				x.step(func() { x.take(t.Context(), updu) })
			} else if w.isRCOP(updu) {
				w.takeRCOP(t.Context(), sis.UnidataIndication{UPDU: updu})
			} else {
				w.step(func() { w.take(t.Context(), updu) })
			}
		}
		hear(a)
		hear(b)
		w.step(func() { w.plan(time.Now()) })
		w.book.Drain()
		w.lanes.express.book.Drain()
		if len(w.into.behind) > mostBehind || len(w.lanes.express.into.held) > mostHeld {
			t.Fatalf("%d U_PDUs wait for the express lane, which holds %d", len(w.into.behind), len(w.lanes.express.into.held))
		}
		if len(w.into.held) > mostHeld {
			t.Fatalf("%d frames held", len(w.into.held))
		}
		var enc frame.Encoder
		enc.Start(1)
		name := fmt.Sprintf("fresh%d.abc0", time.Now().UnixNano())
		b, _, _ = enc.Encode(nil, frame.Header{Names: true, Out: name}, [][]byte{message}, 2048)
		hear(b)
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
				e := store.Entry{Kind: store.KindChat, From: "alice@field.net/desk", To: "bob@headquarters.net", Queued: time.Now(),
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

// What a peer sends as RCOP is told from frames, whole or damaged, and from what is of another connection or application.
func TestRCOPIsToldFromFrames(t *testing.T) {
	w := lone(t)
	r := rand.New(rand.NewPCG(3, 3))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 20000 {
		h := rcop.Header{Connection: uint8(r.IntN(16)), ID: uint8(r.Uint32()), Segment: uint16(r.IntN(256)), Application: DefaultAppID}
		u := append(h.Append(nil, rcop.Ed3), noise(1+r.IntN(40))...)
		w.p.c.ConnectionID = h.Connection
		if !w.isRCOP(u) {
			t.Fatalf("% X is not taken for RCOP", u)
		}
		w.p.c.ConnectionID ^= 1
		if w.isRCOP(u) {
			t.Fatalf("% X is of another connection", u)
		}
		w.p.c.ConnectionID ^= 1
		u[5]++
		if w.isRCOP(u) {
			t.Fatalf("% X is of another application", u)
		}
	}
	w.p.c.ConnectionID = 0
	var enc frame.Encoder
	enc.Start(1)
	for range 2000 {
		u, _, err := enc.Encode(nil, frame.Header{Names: r.IntN(2) == 0, Out: "abcdef.xyz0", In: "none.abc5", HasMark: r.IntN(2) == 0, Ask: r.IntN(2) == 0},
			[][]byte{fmt.Appendf(nil, "<message><body>%x</body></message>", noise(20))}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		copy(u[4:], "\x80\x01") // damaged, and as RCOP has it there
		for _, u := range [][]byte{u, u[:min(len(u), 9)]} {
			if w.isRCOP(u) {
				t.Fatalf("% X is a frame", u)
			}
		}
	}
}

// What waits when the mapping ends is taken, as far as the peer has it as delivered.
func TestRCOPThatWaitsAtTheEndIsTaken(t *testing.T) {
	w := lone(t)
	var got int
	w.p.in = func(_ string, _ *stanza.Stanza, mark func(*store.Tx) error, done func(error)) {
		got++
		w.p.db.Submit(mark, done)
	}
	for i := range 5 {
		w.heard(sis.UnidataIndication{UPDU: fmt.Appendf(nil, "\x00%c\x00\x00\x80\x01<message><body>%d</body></message>", i, i)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.receive(ctx)
	if got != 5 {
		t.Errorf("%d of 5 taken", got)
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
