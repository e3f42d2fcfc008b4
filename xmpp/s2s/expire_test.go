package s2s_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// late is the error for what had so long from the beginning of fake time, midnight UTC on 1 January 2000.
func late(kind, id string, after time.Duration) string {
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(after)
	return "verdict: " + failed(kind, id, "wait", "remote-server-timeout", "not sent before "+at.Format("15:04 UTC on 2 January 2006"))
}

// What may wait for ever is there after a year; what was not said has its default.
func TestForever(t *testing.T) {
	c := hq
	c.Lifetimes = s2s.Lifetimes{Message: s2s.Forever, Groupchat: s2s.Forever}
	expiring(t, c, func(t *testing.T, r *rig) {
		from := "from='" + alice + "' to='" + bob + "'"
		all := "<message " + from + " type='groupchat' id='g1'><body>all</body></message>"
		r.route(say("m1", "hi"), all, "<presence "+from+" id='p1'/>")
		time.Sleep(365 * 24 * time.Hour)
		equal(t, "queue", r.queued(), []string{say("m1", "hi"), all})
	})
}

// expiring runs f with Run running, in a bubble of fake time.
func expiring(t *testing.T, c s2s.Config, f func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c)
		stop := r.run()
		synctest.Wait()
		f(t, r)
		stop()
		r.db.Close()
	})
}

func TestExpiry(t *testing.T) {
	expiring(t, hq, func(t *testing.T, r *rig) {
		r.up = true
		from := "from='" + alice + "' to='" + bob + "'"
		subscribe := "<presence " + from + " type='subscribe'/>"
		r.route(say("m1", "hi"),
			"<message "+from+" type='groupchat' id='g1'><body>all</body></message>",
			"<message "+from+" id='r1'><received xmlns='urn:xmpp:receipts' id='x'/></message>",
			"<message "+from+" type='error' id='e1'><body>old</body></message>",
			"<message "+from+" type='chat' id='s1'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
			"<iq "+from+" type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>",
			"<iq "+from+" type='result' id='q2'/>",
			"<presence "+from+" id='p1'/>",
			"<presence "+from+" id='p2'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
			"<presence "+from+" type='unavailable' id='p3'><x xmlns='http://jabber.org/protocol/muc#user'/></presence>",
			subscribe)
		begin := time.Now()
		for _, x := range []struct {
			at   time.Duration
			left int
			want []string
		}{
			{time.Minute - time.Second, 11, nil},
			{time.Minute, 10, nil},
			{10*time.Minute - time.Second, 10, nil},
			{10 * time.Minute, 8, []string{late("iq", "q1", 10*time.Minute)}},
			{time.Hour, 7, nil},
			{6 * time.Hour, 4, []string{
				late("message", "g1", 6*time.Hour),
				// XEP-0045 §7.2: the error for who wants to enter names the protocol.
				strings.Replace(late("presence", "p2", 6*time.Hour), "<error ", "<x xmlns='http://jabber.org/protocol/muc'/><error ", 1),
			}},
			{24*time.Hour - time.Second, 4, nil},
			{24 * time.Hour, 1, []string{late("message", "m1", 24*time.Hour)}},
			{7 * 24 * time.Hour, 1, nil},
		} {
			time.Sleep(time.Until(begin.Add(x.at + 100*time.Millisecond)))
			synctest.Wait()
			equal(t, x.at.String(), r.received(), x.want)
			if n := len(r.queue()); n != x.left {
				t.Errorf("%v: %d entries left, want %d", x.at, n, x.left)
			}
		}
		equal(t, "left", r.queued(), []string{subscribe})
		want := s2s.Counts{Chat: 2, Groupchat: 3, IQ: 2, Presence: 1, Receipt: 1, State: 1}
		if got := r.peer().Stats().Expired; got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	})
}

// What is on its way may have arrived: only what comes back unsent can expire, and does so soon.
func TestNumberedEntriesDoNotExpire(t *testing.T) {
	expiring(t, hq, func(t *testing.T, r *rig) {
		r.route(say("m1", "1"), say("m2", "2"))
		q, es := r.peer().Queue(), r.queue()
		update := func(f func(tx *store.Tx) error) {
			if err := r.db.Update(f); err != nil {
				t.Fatal(err)
			}
		}
		update(func(tx *store.Tx) error { return q.Number(tx, "OUT", 1, []uint64{es[0].ID}) })
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		equal(t, "a day later", r.received(), []string{late("message", "m2", 24*time.Hour)})
		equal(t, "left", r.queued(), []string{say("m1", "1")})

		update(func(tx *store.Tx) error { return q.Requeue(tx, "OUT") })
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		maybe := strings.NewReplacer("not sent", "not confirmed", "</text>", "; the peer may have it all the same</text>")
		equal(t, "given back", r.received(), []string{maybe.Replace(late("message", "m1", 24*time.Hour))})
		equal(t, "left", r.queued(), nil)
	})
}

func TestManyExpireAtOnce(t *testing.T) {
	expiring(t, hq, func(t *testing.T, r *rig) {
		var want []string
		for i := range 250 {
			id := string(rune('a'+i/26)) + string(rune('a'+i%26))
			r.route(say(id, "x"))
			want = append(want, late("message", id, 24*time.Hour))
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		equal(t, "bounced", r.received(), want)
		equal(t, "left", r.queued(), nil)
	})
}

// A peer that the configuration lost: its stanzas wait on, and their senders are told in the end, also after a restart.
func TestQueueOfLostPeerExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hq)
		r.route(say("m1", "1"))
		if err := r.peers.Apply(nil); err != nil {
			t.Fatal(err)
		}
		r.route(say("m2", "2"))
		equal(t, "no peer", r.received(), []string{failed("message", "m2", "cancel", "remote-server-not-found", "")})
		equal(t, "queue", r.queued(), []string{say("m1", "1")})
		r.db.Close()
		r.start()
		if all := r.peers.All(); len(all) != 1 || all[0].Name() != "hq" || all[0].Domains() != nil {
			t.Errorf("peers after a restart: %v", all)
		}
		stop := r.run()
		time.Sleep(24*time.Hour + time.Second)
		synctest.Wait()
		equal(t, "in the end", r.received(), []string{late("message", "m1", 24*time.Hour)})
		if all := r.peers.All(); len(all) != 0 {
			t.Errorf("%d peers are left", len(all))
		}
		stop()
		r.db.Close()
	})
}

func TestShorterLifetimeWakesRun(t *testing.T) {
	c := hq
	c.Lifetimes = s2s.Lifetimes{Message: 30 * time.Second, IQ: time.Second}
	expiring(t, c, func(t *testing.T, r *rig) {
		r.route(say("m1", "1"))
		time.Sleep(5 * time.Second)
		r.route("<iq from='" + alice + "' to='" + bob + "' type='set' id='q1'><x xmlns='x'/></iq>")
		time.Sleep(time.Second + 100*time.Millisecond)
		synctest.Wait()
		equal(t, "after a second", r.received(), []string{late("iq", "q1", 6*time.Second)})
	})
}

func TestCancel(t *testing.T) {
	r := newRig(t, hq)
	r.route(say("m1", "1"), say("m2", "2"), say("m3", "3"), "<presence from='"+alice+"' to='"+bob+"'/>")
	es := r.queue()
	err := r.db.Update(func(tx *store.Tx) error { return r.peer().Queue().Number(tx, "OUT", 1, []uint64{es[0].ID}) })
	if err != nil {
		t.Fatal(err)
	}
	gone, err := r.peer().Cancel(es[0].ID, es[1].ID, es[3].ID, 4711)
	if err != nil {
		t.Fatal(err)
	}
	if len(gone) != 2 || gone[0].ID != es[1].ID || gone[1].ID != es[3].ID {
		t.Errorf("took out %v", gone)
	}
	equal(t, "told", r.received(), []string{"verdict: " + failed("message", "m2", "cancel", "recipient-unavailable", "cancelled by the operator before it was sent")})
	equal(t, "left", r.queued(), []string{say("m1", "1"), say("m3", "3")})
	if got, want := r.peer().Stats().Cancelled, (s2s.Counts{Chat: 1, Presence: 1}); got != want {
		t.Errorf("counted %+v", got)
	}
	if gone, err := r.peer().Cancel(es[0].ID); err != nil || gone != nil {
		t.Errorf("what is on its way: %v, %v", gone, err)
	}
}

// A store that is closed keeps Run alive, and Cancel says so.
func TestClosedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hq)
		r.route(say("m1", "1"))
		stop := r.run()
		r.db.Close()
		time.Sleep(25 * time.Hour)
		if _, err := r.peer().Cancel(1); err == nil {
			t.Error("Cancel on a closed store")
		}
		stop()
	})
}

func TestWhatIsTakenAwayIsToldToWhoWaits(t *testing.T) {
	r := newRig(t, hq)
	r.up = true
	r.route(say("m1", "one"), say("m2", "two"), "<message from='"+alice+"' to='"+bob+"'><received xmlns='urn:xmpp:receipts' id='1'/></message>")
	q := r.queue()
	err := r.peer().TakeAway([]s2s.Away{{ID: q[0].ID, Refuse: stanza.Fail(stanza.PolicyViolation, "no")}, {ID: q[2].ID}, {ID: 99}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "queue", r.queued(), []string{say("m2", "two")})
	equal(t, "answers", r.received(), []string{"verdict: " + failed("message", "m1", "modify", "policy-violation", "no")})
	// What has a number is on its way.
	r.turn(func(t *router.Turn) error { return r.peer().Queue().Number(t.Tx, "s", 1, []uint64{q[1].ID}) })
	if err := r.peer().TakeAway([]s2s.Away{{ID: q[1].ID}}); err != nil || len(r.queue()) != 1 {
		t.Error(err, r.queued())
	}
}
