package s5066_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/codec"
	"longwire/links/codecs"
	"longwire/links/s5066"
)

// coded are the methods of an end.
func coded(t *testing.T, best codecs.Kind, phrases ...string) []codecs.Method {
	t.Helper()
	m, err := codecs.For(best, codec.Provision{JIDs: phrases, Phrases: phrases})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// told are the events of a kind, in words.
func (e *end) told(kind links.EventKind) (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.events {
		if ev.Kind == kind {
			all = append(all, ev.Reason)
		}
	}
	return all
}

func (r *rig) updus() int { return r.a.air.Sent() + r.b.air.Sent() }

// settled has both ends talk once, and gives the U_PDUs of one more message each way.
func (r *rig) settled() (n int) {
	r.t.Helper()
	say := func() {
		r.a.say(1, alice, bob, "one more")
		time.Sleep(time.Hour)
		r.b.say(1, bob, alice, "one more, too")
		time.Sleep(time.Hour)
	}
	say()
	n = r.updus()
	say()
	return r.updus() - n
}

// What the two ends have in common is found by the first frame, at the price of that frame and of the answer to it, and a configuration that is mended is
// found by the next.
func TestDifferentCodecsSettle(t *testing.T) {
	ours, theirs := []string{"alice@headquarters.net", "nothing heard"}, []string{"alice@headquarters.net"}
	for _, c := range []struct {
		name string
		a, b []codecs.Method
		kind string
		same bool // as without a provision
	}{
		{"phrases differ", coded(t, codecs.Mix, ours...), coded(t, codecs.Mix, theirs...), "mix", true},
		{"one has none", coded(t, codecs.Mix, ours...), coded(t, codecs.Mix), "mix", true},
		{"one is light", coded(t, codecs.Mix, ours...), coded(t, codecs.Light, ours...), "light", false},
		{"both differ in all", coded(t, codecs.Mix, ours...), coded(t, codecs.Light, theirs...), "light", true},
		{"one codes nothing", coded(t, codecs.Mix, ours...), []codecs.Method{}, "none", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, hf, func(r *rig) {
				r.a.config.Peers[0].Methods, r.b.config.Peers[0].Methods = c.a, c.b
				r.start()
				r.a.say(1, alice, bob, "hello")
				time.Sleep(time.Hour)
				if got := r.b.Received(); len(got) != 1 {
					t.Fatalf("%q: %+v", got, r.a.status())
				}
				// The frame, what it cannot be read for, the frame again, and its mark.
				if n := r.updus(); n != 4 {
					t.Errorf("%d U_PDUs, want 4", n)
				}
				if n := r.settled(); n != 4 {
					t.Errorf("then %d U_PDUs for two messages, want 4", n)
				}
				if out := r.a.status().Codec.Out; !strings.HasPrefix(out, c.kind) || out == r.a.status().Codec.Best {
					t.Errorf("coded by %s", out)
				}
				if a, b := r.a.status().Codec, r.b.status().Codec; a.Fault == "" || b.Fault == "" || a.Out != b.Out || a.In != a.Out || b.In != a.Out || a.Since.IsZero() {
					t.Errorf("%+v, %+v", a, b)
				}
				if a, b := r.a.told(links.EventCodec), r.b.told(links.EventCodec); len(a) != 1 || len(b) != 1 {
					t.Errorf("told %q, %q", a, b)
				}
				// It is mended, while the link runs on.
				before := r.updus()
				r.b.config.Peers[0].Methods = c.a
				if err := r.b.m.Apply([]s5066.Config{r.b.config}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if n := r.updus() - before; n != 0 {
					t.Errorf("%d U_PDUs because of it alone", n)
				}
				if n := r.settled(); n != 4 {
					t.Errorf("then %d U_PDUs for two messages, want 4", n)
				}
				if a, b := r.a.status().Codec, r.b.status().Codec; a.Fault != "" || b.Fault != "" || a.Out != a.Best || b.Out != a.Out || a.In != a.Out || b.In != a.Out {
					t.Errorf("%+v, %+v", a, b)
				}
				if drops := r.a.status().Drops.Codec + r.b.status().Drops.Codec; drops != 1 {
					t.Errorf("%d frames could not be read", drops)
				}
				r.arrived(r.a, r.b, []string{"hello", "one more", "one more", "one more", "one more"})
			})
		})
	}
}

// A model that computes otherwise than the peer's, though both call it the same, is noticed, and left.
func TestCodecThatComputesOtherwise(t *testing.T) {
	play(t, hf, func(r *rig) {
		good := coded(t, codecs.Mix, "alice@headquarters.net")
		wrong := coded(t, codecs.Mix, "mallory@headquarters.net")
		wrong[0].Codec = good[0].Codec
		r.a.config.Peers[0].Methods, r.b.config.Peers[0].Methods = good, wrong
		r.start()
		r.a.say(1, alice, bob, "hello")
		time.Sleep(time.Hour)
		r.arrived(r.a, r.b, []string{"hello"})
		if n := r.settled(); n != 4 {
			t.Errorf("%d U_PDUs for two messages, want 4", n)
		}
		if s := r.a.status().Codec; s.Out == s.Best || !strings.HasPrefix(s.Out, "mix") || s.Fault == "" {
			t.Errorf("%+v", s)
		}
	})
}

// A reload with other names on both sides costs no transmission, and what was under way is not lost.
func TestReloadUnderWay(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		var want, back []string
		for i := range 40 {
			want, back = append(want, fmt.Sprint("a ", i)), append(back, fmt.Sprint("b ", i))
			r.a.Send(want[i])
			r.b.Send(back[i])
			time.Sleep(20 * time.Second)
			for k, e := range []*end{r.a, r.b} {
				if i%8 == 3+2*k {
					e.config.Peers[0].Methods = coded(t, codecs.Mix, fmt.Sprint("name", i/8, "@field.net"))
					if err := e.m.Apply([]s5066.Config{e.config}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		r.arrived(r.a, r.b, want)
		r.arrived(r.b, r.a, back)
		if n := r.settled(); n != 4 {
			t.Errorf("%d U_PDUs for two messages, want 4", n)
		}
		if a, b := r.a.status().Codec, r.b.status().Codec; a.Fault != "" || b.Fault != "" || a.Out != a.Best || b.Out != a.Out {
			t.Errorf("%+v, %+v", a, b)
		}
		if s := r.a.status(); s.Drops.Check+r.b.status().Drops.Check > 0 {
			t.Errorf("%+v", s.Drops)
		}
	})
}
