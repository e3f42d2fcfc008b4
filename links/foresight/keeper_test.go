package foresight_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/foresight"
	"longwire/store"
)

// A queue of which the far radio has a part, a part is under way, one entry is held and the rest waits.
func TestEachEntryWaitsForWhatIsBeforeItOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		k := foresight.New(foresight.Env{DB: db})
		event := func(kind links.EventKind, e store.Entry) {
			k.Event(links.Event{Kind: kind, At: time.Now(), Link: "HF", Peer: "hq", Folded: len(e.Stanza)}.Of(e))
		}
		entry := func(id uint64, session string) store.Entry {
			return store.Entry{ID: id, Session: session, Stanza: make([]byte, 300), Queued: time.Now()}
		}
		if f := k.Forecasts("hq", []store.Entry{entry(1, "")}); f[0].Known || f[0].Why != "no link has been up yet" {
			t.Errorf("%+v", f[0])
		}
		event(links.EventUp, store.Entry{})
		for id := uint64(1); id <= 20; id++ { // one by one, 10 s each
			e := entry(id, "")
			event(links.EventSent, e)
			time.Sleep(10 * time.Second)
			event(links.EventOnFarNode, e)
		}
		under := entry(21, "s")
		event(links.EventSent, under)
		held := entry(24, "")
		held.NotBefore = time.Now().Add(time.Hour)
		fs := k.Forecasts("hq", []store.Entry{entry(20, "s"), under, entry(22, ""), entry(23, ""), held})
		if fs[0].Known || fs[0].Why != "" {
			t.Errorf("what the far radio has: %+v", fs[0])
		}
		for i, want := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, time.Hour} {
			if f := fs[i+1]; !f.Known || f.About < want*6/10 || f.About > want*13/10 || f.Most < f.About {
				t.Errorf("entry %d: %v at most %v, about %v was due", 21+i, f.About, f.Most, want)
			}
		}
	})
}

// What one link has sent and another has got confirmed is under way no more.
func TestWhatAnotherLinkBringsIsNotUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		k := foresight.New(foresight.Env{DB: db, Ways: func(string) func(*store.Entry) foresight.Way {
			return func(*store.Entry) foresight.Way { return foresight.Way{Link: "HF"} }
		}})
		event := func(kind links.EventKind, link string, e store.Entry) {
			k.Event(links.Event{Kind: kind, At: time.Now(), Link: link, Peer: "hq", Folded: len(e.Stanza)}.Of(e))
		}
		for _, link := range []string{"HF", "SatCom"} {
			event(links.EventUp, link, store.Entry{})
		}
		entry := func(id uint64) store.Entry {
			return store.Entry{ID: id, Stanza: make([]byte, 300), Queued: time.Now()}
		}
		about := func() time.Duration { return k.Forecasts("hq", []store.Entry{entry(1000)})[0].About }
		for id := uint64(1); id <= 20; id++ {
			event(links.EventSent, "HF", entry(id))
			time.Sleep(10 * time.Second)
			event(links.EventConfirmed, "HF", entry(id))
		}
		before := about()
		for id := uint64(21); id <= 60; id++ {
			event(links.EventSent, "HF", entry(id))
		}
		if during := about(); during < 5*before {
			t.Errorf("%v behind forty, %v behind none", during, before)
		}
		for id := uint64(21); id <= 60; id++ {
			event(links.EventConfirmed, "SatCom", entry(id))
		}
		if after := about(); after > 2*before {
			t.Errorf("%v behind nothing, %v before", after, before)
		}
	})
}
