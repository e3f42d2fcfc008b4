package archive_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/archive"
)

// fill puts n entries, one a day up to now.
func (p *play) fill(name string, n int) {
	p.t.Helper()
	for i := range n {
		at := time.Now().Add(time.Duration(i-n) * 24 * time.Hour)
		p.Update(func(tx *store.Tx) error {
			e := store.ArchiveEntry{ID: uint64(at.UnixNano()), Stanza: []byte("<message/>")}
			return tx.ArchivePut(name, e, store.ArchiveLimits{})
		})
	}
}

func (p *play) entries(name string) (n int) {
	p.View(func(tx *store.Tx) error { n = tx.ArchiveStats(name).Entries; return nil })
	return n
}

func TestRunKeepsAllArchivesWithinTheirLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, orphan = "ops@rooms.field.net", "gone@field.net"
		day := 24 * time.Hour
		p := newPlay(t, archive.Options{Accounts: store.ArchiveLimits{Age: 30 * day}, Rooms: store.ArchiveLimits{Age: 90 * day}})
		p.fill("alice@field.net", 200)
		p.fill(room, 200)
		p.fill(orphan, 5)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.svc.Run(ctx) }()
		want := func(when string, account, of, left int) {
			t.Helper()
			a, r, o := p.entries("alice@field.net"), p.entries(room), p.entries(orphan)
			if a != account || r != of || o != left {
				t.Errorf("%s: %d, %d, %d entries, want %d, %d, %d", when, a, r, o, account, of, left)
			}
		}
		time.Sleep(2 * time.Minute)
		want("after the start", 29, 89, 0)
		time.Sleep(10*day + 2*time.Hour)
		want("ten days later", 19, 79, 0)
		p.svc.SetOptions(archive.Options{Accounts: store.ArchiveLimits{Entries: 7}})
		time.Sleep(time.Minute)
		want("with other limits", 7, 79, 0)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		// Nothing but the archives' records is left of what was taken out.
		p.View(func(tx *store.Tx) error {
			return tx.Archives(func(name string) error {
				if name == orphan {
					t.Error("the orphan's archive is still there")
				}
				return nil
			})
		})
	})
}

func TestPruningIsIdleWhenNothingHasToGo(t *testing.T) {
	p := newPlay(t, archive.Options{Accounts: store.ArchiveLimits{Age: time.Hour, Entries: 10}})
	for i := range 5 {
		p.Update(func(tx *store.Tx) error {
			return tx.ArchivePut(fmt.Sprintf("u%d@rooms.field.net", i), store.ArchiveEntry{ID: p.DB.ArchiveID()}, store.ArchiveLimits{})
		})
	}
	before, _ := p.DB.Size()
	if err := errors.Join(p.svc.Prune(t.Context()), p.svc.Prune(t.Context())); err != nil {
		t.Fatal(err)
	}
	if after, _ := p.DB.Size(); after != before {
		t.Errorf("the file went from %d to %d bytes", before, after)
	}
	for i := range 5 {
		if n := p.entries(fmt.Sprintf("u%d@rooms.field.net", i)); n != 1 {
			t.Error(n)
		}
	}
}
