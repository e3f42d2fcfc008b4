package s5066_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// carries tells whether a U_PDU is a frame with stanzas.
func carries(updu []byte) bool {
	f, err := frame.Parse(updu)
	return err == nil && f.Peek().Data != frame.None
}

// acquainted starts both ends and has A say hello, so that they know each other's names; then bad is set. It returns what B will have got.
func (r *rig) acquainted(bad *atomic.Bool, more []string) (want []string) {
	r.t.Helper()
	r.start()
	r.a.Send("hello")
	r.arrived(r.a, r.b, []string{"hello"})
	bad.Store(true)
	return append([]string{"hello"}, more...)
}

// Coded stanzas that were changed on the way, where no check of the radio noticed: each such frame is refused and counted, and what was in
// it comes again.
func TestCorruptCompression(t *testing.T) {
	play(t, sistest.Options{}, func(r *rig) {
		var bad atomic.Bool
		count, spoiled := 0, uint64(0)
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if !bad.Load() || !carries(u.UPDU) {
				return []sis.UnidataIndication{u}
			}
			if count++; count%3 == 2 {
				spoiled++
				u.UPDU = bytes.Clone(u.UPDU)
				u.UPDU[len(u.UPDU)/2] ^= 0x10
			}
			return []sis.UnidataIndication{u}
		}
		want := r.acquainted(&bad, bodies("through thick and thin", 60))
		for _, s := range want[1:] {
			r.a.Send(s)
			time.Sleep(20 * time.Second)
		}
		r.arrived(r.a, r.b, want)
		if s := r.b.status(); spoiled < 20 || s.Drops.Check+s.Drops.Format != spoiled {
			t.Errorf("%d spoiled, %+v", spoiled, s.Drops)
		}
		if got := r.a.Received(); len(got) != 0 {
			t.Errorf("the sender got %q", got)
		}
	})
}

// Frames whose predecessor is missing: four wait, more are dropped and counted, and in the end all stanzas come once and in order.
func TestFramesFromTheFuture(t *testing.T) {
	play(t, sistest.Options{}, func(r *rig) {
		swallow, swallowed := false, 0
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if swallow && carries(u.UPDU) {
				swallow = false
				swallowed++
				return nil
			}
			return []sis.UnidataIndication{u}
		}
		r.start()
		r.a.Send("known")
		r.arrived(r.a, r.b, []string{"known"})
		swallow = true
		want := []string{"known"}
		for i := range 10 {
			want = append(want, fmt.Sprint("later ", i))
			r.a.Send(want[len(want)-1])
			time.Sleep(300 * time.Millisecond)
		}
		if got := r.b.Received(); swallowed != 1 || len(got) != 1 {
			t.Errorf("%d swallowed, got %q", swallowed, got)
		}
		if d := r.b.status().Drops; d != (s5066.Drops{Gap: 5}) { // 9 came too early
			t.Errorf("%+v", d)
		}
		r.arrived(r.a, r.b, want)
	})
}

// Each kind of nonsense has its counter, and none has another effect.
func TestEachKindOfNonsenseIsCounted(t *testing.T) {
	play(t, sistest.Options{}, func(r *rig) {
		r.start()
		r.a.Send("one")
		r.arrived(r.a, r.b, []string{"one"})
		r.b.Stop()
		time.Sleep(time.Second)
		send, gone := r.stranger(r.b.air, 6)
		var enc frame.Encoder
		enc.Start(70)
		unknown, _, err := enc.Encode(nil, frame.Header{Out: "peer.abc0", In: "us"}, [][]byte{[]byte("<message/>")}, 2048)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			updu []byte
			want s5066.Drops
		}{
			{"nothing", nil, s5066.Drops{Format: 1}},
			{"a byte", []byte{1}, s5066.Drops{Format: 1}},
			{"flags that there are not", []byte{0xC0, 1, 2, 3, 4, 5}, s5066.Drops{Format: 1}},
			{"a later version", []byte{0x40, 9, 1, 'a', 0, 1, 2}, s5066.Drops{Format: 1}},
			{"the most a U_PDU holds", bytes.Repeat([]byte{0xFF}, sis.MTU), s5066.Drops{Format: 1}},
			{"of a numbering that nobody introduced", unknown, s5066.Drops{Check: 1}},
		} {
			was := r.a.status().Drops
			send(addresses[0], 6, c.updu)
			time.Sleep(time.Second)
			now := r.a.status().Drops
			got := s5066.Drops{Overflow: now.Overflow - was.Overflow, Format: now.Format - was.Format, Check: now.Check - was.Check, Gap: now.Gap - was.Gap, Old: now.Old - was.Old}
			if got != c.want {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
			}
		}
		gone()
		time.Sleep(time.Hour)
		r.b.Start()
		r.b.Send("three")
		r.a.Send("two")
		r.arrived(r.a, r.b, []string{"one", "two"})
		r.arrived(r.b, r.a, []string{"three"})
	})
}

// U_PDUs far over the MTU, as a broken server might give them to its client.
func TestOversizeIndications(t *testing.T) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, sistest.Options{}, func(r *rig) {
				for _, e := range []*end{r.a, r.b} {
					e.config.Peers[0].Mapping = mapping
					e.config.Compress = mapping == s5066.Longwire
				}
				var bad atomic.Bool
				huge := uint64(0)
				r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
					if !bad.Load() || !carries(u.UPDU) && mapping == s5066.Longwire {
						return []sis.UnidataIndication{u}
					}
					huge++
					v := u
					v.UPDU = bytes.Repeat([]byte{0x8F}, 65000)
					return []sis.UnidataIndication{v, u}
				}
				want := r.acquainted(&bad, bodies("between giants", 20))
				for _, s := range want[1:] {
					r.a.Send(s)
					time.Sleep(10 * time.Second)
				}
				r.arrived(r.a, r.b, want)
				if d := r.b.status().Drops; huge < 20 || d.Format != huge || d.Check+d.Gap+d.Old+d.Overflow != 0 {
					t.Errorf("%d huge ones, %+v", huge, d)
				}
			})
		})
	}
}

// Fragments that never end, of many PDUs between any two good ones: good ones come through, and what is kept has its limit.
func TestRCOPFragmentsThatNeverEnd(t *testing.T) {
	playRCOP(t, sistest.Options{}, func(r *rig) {
		foul := 0
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			var out []sis.UnidataIndication
			for range 20 {
				bad := u
				id := byte(128 + foul%120) // the sender's own are low yet
				bad.UPDU = append([]byte{0, id, byte(foul / 120 >> 8), byte(foul / 120), 0x80, 0x01}, "<message><body>"+string(bytes.Repeat([]byte("x"), 2000))...)
				out = append(out, bad)
				foul++
			}
			return append(out, u)
		}
		r.start()
		want := bodies("good", 40)
		for _, s := range want {
			r.a.Send(s)
			time.Sleep(time.Minute)
		}
		r.arrived(r.a, r.b, want)
		if d := r.b.status().Drops; foul != 40*20 || d.Overflow != 0 || d.Gap < uint64(foul)-8 {
			t.Errorf("%d fragments, %+v", foul, d)
		}
	})
}

// A stranger's address means nothing to either mapping; it is counted, and no answer goes out.
func TestForeignSourceAddress(t *testing.T) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, sistest.Options{}, func(r *rig) {
				for _, e := range []*end{r.a, r.b} {
					e.config.Peers[0].Mapping = mapping
					e.config.Compress = mapping == s5066.Longwire
				}
				r.start()
				r.a.Send("one")
				r.arrived(r.a, r.b, []string{"one"})
				time.Sleep(time.Hour)
				before := r.a.air.Sent()
				var enc frame.Encoder
				enc.Start(1)
				updu, _, err := enc.Encode(nil, frame.Header{Names: true, Out: "abcdef.xyz0", Ask: true}, [][]byte{[]byte("<message/>")}, 2048)
				if mapping == s5066.RCOP {
					updu = []byte("\x00\x01\x00\x00\x80\x01<message from='x@field.net' to='y@headquarters.net'/>")
				}
				if err != nil {
					t.Fatal(err)
				}
				send, gone := r.stranger(r.air.Node(addresses[2], sis.ServerConfig{}), 6)
				for range 5 {
					send(addresses[0], 6, updu)
				}
				time.Sleep(time.Hour)
				gone()
				if s := r.a.status(); s.Strays != (s5066.Strays{Unknown: 5}) || s.Drops != (s5066.Drops{}) || r.a.air.Sent() != before {
					t.Errorf("%+v, %+v, %d sent", s.Strays, s.Drops, r.a.air.Sent()-before)
				}
				if got := r.a.Received(); len(got) != 0 {
					t.Errorf("got %q", got)
				}
				r.b.Send("two")
				r.arrived(r.b, r.a, []string{"two"})
			})
		})
	}
}

// A server whose MTU shrinks rejects what was made for the larger one; it is made anew, and goes.
func TestServerThatRejectsForItsMTU(t *testing.T) {
	for _, mapping := range []string{s5066.Longwire, s5066.RCOP} {
		t.Run(mapping, func(t *testing.T) {
			play(t, sistest.Options{}, func(r *rig) {
				for _, e := range []*end{r.a, r.b} {
					e.config.Peers[0].Mapping = mapping
					e.config.Compress = mapping == s5066.Longwire
				}
				r.start()
				r.a.air.RejectNext(sis.RejectTooLong)
				want := bodies("fits", 5)
				r.a.Send(want...)
				time.Sleep(time.Hour)
				r.b.Send("hello")
				r.arrived(r.a, r.b, want)
				r.arrived(r.b, r.a, []string{"hello"})
			})
		})
	}
}
