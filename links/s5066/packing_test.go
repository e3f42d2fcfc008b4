package s5066_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/sis/sistest"
	"longwire/store"
)

// batches tells how many stanzas each frame had, in order, since the last call.
func (e *end) batches() (all []int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for left := 0; e.counted < len(e.events); e.counted++ {
		if ev := e.events[e.counted]; ev.Kind == links.EventSent {
			if left == 0 {
				left = ev.Batch
				all = append(all, left)
			}
			left--
		}
	}
	return all
}

// What several people write within seconds is two frames: the first word goes at once, and all that comes while it is under way in one behind it.
func TestWhatComesTogetherGoesTogether(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 75}, func(r *rig) {
		r.met()
		r.a.batches()
		for i := range 8 {
			from := []string{alice, carol}[i%2]
			r.a.say(store.ClassRoutine, from, bob, fmt.Sprint("word ", i))
			time.Sleep(400 * time.Millisecond)
		}
		time.Sleep(10 * time.Minute)
		if got := r.a.batches(); fmt.Sprint(got) != "[1 7]" {
			t.Errorf("frames of %d stanzas", got)
		}
		if n := r.a.Waiting(); n > 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// Presence that is held for a newer one goes with what goes, and not by itself before its time.
func TestPresenceRides(t *testing.T) {
	play(t, sistest.Options{Delay: 2 * time.Second, Rate: 75}, func(r *rig) {
		r.met()
		r.a.batches()
		show := func() {
			r.a.Put(store.Entry{Kind: store.KindPresence, Class: store.ClassPresence, From: carol, To: bob, Coalesce: true, Queued: time.Now(),
				NotBefore: time.Now().Add(time.Hour), HeldFor: store.HeldForNewer, Stanza: []byte("<presence from='" + carol + "' to='" + bob + "'/>")})
		}
		show()
		time.Sleep(5 * time.Minute)
		if got := r.a.batches(); len(got) > 0 {
			t.Errorf("held presence went: %d", got)
		}
		r.a.say(store.ClassRoutine, alice, bob, "word")
		time.Sleep(5 * time.Minute)
		if got := r.a.batches(); fmt.Sprint(got) != "[2]" {
			t.Errorf("frames of %d stanzas", got)
		}
		show()
		time.Sleep(time.Hour - time.Minute)
		if got := r.a.batches(); len(got) > 0 {
			t.Errorf("held presence went: %d", got)
		}
	})
}
