package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/s5066/rcop"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// playRCOP is play with both ends speaking rcop.
func playRCOP(t *testing.T, o sistest.Options, f func(r *rig)) {
	t.Helper()
	play(t, o, func(r *rig) {
		for _, e := range []*end{r.a, r.b} {
			e.config.Compress = false
			e.config.Peers[0].Mapping = s5066.RCOP
		}
		f(r)
	})
}

func TestRCOPBothWays(t *testing.T) {
	playRCOP(t, hf, func(r *rig) {
		toB, toA := bodies("a", 30), bodies("b", 30)
		toB[7] = strings.Repeat("long ", 4000) // ten segments
		r.start()
		for i := range toB {
			r.a.Send(toB[i])
			r.b.Send(toA[i])
		}
		r.arrived(r.a, r.b, toB)
		r.arrived(r.b, r.a, toA)
	})
}

// XEP-0365 v0.2.1 §4: one stanza is one PDU; nothing else is sent, and nothing at all when there is nothing to say.
func TestRCOPOneUnitEach(t *testing.T) {
	playRCOP(t, hf, func(r *rig) {
		var heard []sis.UnidataIndication
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			heard = append(heard, u)
			return []sis.UnidataIndication{u}
		}
		r.a.config.Peers[0].ConnectionID, r.b.config.Peers[0].ConnectionID = 5, 5
		r.start()
		r.a.Send("one", "two", "three")
		r.arrived(r.a, r.b, []string{"one", "two", "three"})
		time.Sleep(24 * time.Hour)
		if n := r.a.air.Sent() + r.b.air.Sent(); n != 3 {
			t.Errorf("%d U_PDUs", n)
		}
		for i, u := range heard {
			h, data, err := rcop.Parse(u.UPDU, rcop.Ed3)
			want := rcop.Header{Connection: 5, ID: uint8(i + 1), Application: 0x8001}
			if err != nil || h != want || !strings.HasPrefix(string(data), "<message ") || !strings.HasSuffix(string(data), "</message>") {
				t.Errorf("%+v, %s, %v", h, data, err)
			}
		}
	})
}

// Different senders' stanzas are under way together, one's own follow one another.
func TestRCOPSendersDoNotWaitForEachOther(t *testing.T) {
	playRCOP(t, sistest.Options{Delay: 30 * time.Second}, func(r *rig) {
		r.start()
		for i := range 4 {
			from := fmt.Sprintf("u%d@headquarters.net/x", i)
			xml := fmt.Sprintf("<message from='%s' to='bob@field.net' id='i%d'><body>%d</body></message>", from, i, i)
			r.a.Put(store.Entry{Kind: store.KindChat, From: from, To: "bob@field.net", Queued: time.Now(), Stanza: []byte(xml)})
		}
		time.Sleep(10 * time.Second)
		if n := r.a.status().Outstanding; n != 4 {
			t.Errorf("%d under way", n)
		}
		time.Sleep(time.Hour)
		if got := r.b.Received(); len(got) != 4 || r.a.Waiting() != 0 {
			t.Errorf("%q, %d waiting", got, r.a.Waiting())
		}
	})
}

// After a crash a stanza goes again with the same id and bytes, and is known; the time it waited changes nothing.
func TestRCOPResendAfterCrashLooksTheSame(t *testing.T) {
	playRCOP(t, sistest.Options{Delay: 40 * time.Second}, func(r *rig) {
		var heard []string
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			heard = append(heard, string(u.UPDU))
			return []sis.UnidataIndication{u}
		}
		r.start()
		r.a.Send("once")
		time.Sleep(60 * time.Second) // it has come; the confirmation has not
		r.a.Crash(r.a.cut)
		time.Sleep(10 * time.Minute)
		r.a.Start()
		r.arrived(r.a, r.b, []string{"once"})
		if len(heard) != 2 || heard[0] != heard[1] {
			t.Errorf("heard %q", heard)
		}
		if n := r.b.status().In.Repeated; n != 1 {
			t.Errorf("%d repeats", n)
		}
	})
}

// What is sent again by a peer under another id is known by the stanza's own, after a restart too.
func TestRCOPKnowsForeignRepeats(t *testing.T) {
	playRCOP(t, hf, func(r *rig) {
		n := uint8(0)
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			again := u
			n++
			again.UPDU = slices.Clone(u.UPDU)
			again.UPDU[1] = 200 + n
			return []sis.UnidataIndication{u, again}
		}
		r.start()
		r.a.Send("x", "y")
		r.arrived(r.a, r.b, []string{"x", "y"})
		time.Sleep(time.Minute)
		if got := r.b.Received(); len(got) != 2 {
			t.Errorf("%q", got)
		}
	})
}

// What is not for this link, is no stanza, or never ends has no effect on what is.
func TestRCOPBadInput(t *testing.T) {
	playRCOP(t, hf, func(r *rig) {
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			out := []sis.UnidataIndication{}
			for _, b := range []string{
				"", "\x00", "\x00\x01\x00\x00\x80\x01", "\x00\x63\x00\x00\x80\x02<message><body>foreign application</body></message>",
				"\x10\x63\x00\x00\x80\x01<message><body>foreign connection</body></message>", "\x00\x64\x00\x00\x80\x01<message><body>no end",
				"\x00\x65\x00\x00\x80\x01</stream:stream>", "\x00\x66\x00\x00\x80\x01\xff\xfe not xml", "\x00\x67\x00\x07\x80\x01<message/>",
			} {
				bad := u
				bad.UPDU = []byte(b)
				out = append(out, bad)
			}
			return append(out, u)
		}
		r.start()
		want := bodies("good", 40)
		r.a.Send(want...)
		r.arrived(r.a, r.b, want)
		if d := r.b.status().Drops; d.Format < 40 {
			t.Errorf("%+v", d)
		}
	})
}

// Rejections of each reason, unbinds, restarts and kills of the sender: each stanza once, in order. The receiver lives: a SIS server counts as delivered
// what its client has not stored yet, and RCOP has no answer that could say otherwise.
func TestRCOPTorture(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { tortureRCOP(t, uint64(seed)) })
	}
}

func tortureRCOP(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	o := sistest.Options{Seed: seed, Delay: time.Duration(rnd.IntN(10)) * time.Second, Rate: []int{0, 300, 1200}[rnd.IntN(3)]}
	playRCOP(t, o, func(r *rig) {
		if rnd.IntN(2) == 0 {
			r.a.config.Peers[0].Confirm = s5066.ConfirmNode
		}
		r.a.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication { return []sis.UnidataIndication{u} }
		copies := rand.New(rand.NewPCG(seed, 6))
		r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication {
			if copies.IntN(4) == 0 {
				return []sis.UnidataIndication{u, u}
			}
			return []sis.UnidataIndication{u}
		}
		var want []string
		r.start()
		for i := range 30 {
			for j := range rnd.IntN(5) {
				body := fmt.Sprintf("%d.%d", i, j)
				if rnd.IntN(8) == 0 {
					body += strings.Repeat(" long", 1500)
				}
				want = append(want, body)
				r.a.Send(body)
			}
			time.Sleep([]time.Duration{0, time.Millisecond, 5 * time.Second, time.Minute, 20 * time.Minute}[rnd.IntN(5)])
			for range rnd.IntN(2000) {
				runtime.Gosched()
			}
			r.blow(rnd, r.a)
		}
		r.arrived(r.a, r.b, want)
	})
}
