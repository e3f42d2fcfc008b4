package node

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/links"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// ledgerOf is a record with a peer over a link of 300 bit/s.
func ledgerOf(t *testing.T, dir string, budgets ...config.Budget) (*record, *store.DB) {
	t.Helper()
	db, err := store.Open(filepath.Join(dir, "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg := &config.Config{Data: dir, Domains: []string{"field.net"}, Budgets: budgets,
		Links: []config.Link{{Name: "HF", Rate: 300}}, Peers: []config.Peer{{Name: "hq", Links: []string{"HF"}}}}
	return newRecord(cfg, db, slog.New(slog.DiscardHandler)), db
}

func ask(t *testing.T, r *record, db *store.DB, c s2s.Charge) (v s2s.Verdict) {
	t.Helper()
	c.Peer, c.Now, c.From, c.To = "hq", time.Now(), jid.MustParse("alice@field.net/x"), jid.MustParse("bob@hq.net")
	if c.Kind == 0 {
		c.Kind = store.KindChat
	}
	if c.Class == 0 {
		c.Class = c.Kind.Class()
	}
	if err := db.Update(func(tx *store.Tx) error {
		turn := new(router.Turn)
		turn.Reset(tx)
		v = r.spend(turn, c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHardLimitSparesFlashAndAnswers(t *testing.T) {
	r, db := ledgerOf(t, t.TempDir(), config.Budget{Hard: time.Minute})
	for _, tt := range []struct {
		c       s2s.Charge
		refused bool
	}{
		{s2s.Charge{Bytes: 5000}, true},
		{s2s.Charge{Bytes: 5000, Class: store.ClassImmediate}, true},
		{s2s.Charge{Bytes: 5000, Kind: store.KindPresence}, true},
		{s2s.Charge{Bytes: 5000, Kind: store.KindIQ, Type: stanza.Get}, true},
		{s2s.Charge{Bytes: 5000, Kind: store.KindIQ, Type: stanza.Result}, false},
		{s2s.Charge{Bytes: 5000, Type: stanza.Error}, false},
		{s2s.Charge{Bytes: 5000, Class: store.ClassFlash}, false},
	} {
		v := ask(t, r, db, tt.c)
		if (v.Refuse != nil) != tt.refused {
			t.Errorf("%+v: %+v", tt.c, v)
		}
		if v.Refuse != nil && (v.Refuse.Condition != stanza.ResourceConstraint || !strings.Contains(v.Refuse.Text, "of 1 min")) {
			t.Errorf("%+v", v.Refuse)
		}
	}
}

func TestSoftLimitPutsBehindAndTellsOnce(t *testing.T) {
	r, db := ledgerOf(t, t.TempDir(), config.Budget{User: "alice@field.net", Soft: 10 * time.Second})
	var notes []string
	for range 4 {
		v := ask(t, r, db, s2s.Charge{Bytes: 300, Class: store.ClassImmediate})
		if v.Refuse != nil {
			t.Fatal(v.Refuse)
		}
		if v.Note != "" {
			notes = append(notes, v.Note)
		}
		if over := len(notes) > 0; over != (v.Class == store.ClassRoutine) {
			t.Errorf("class %v after %d notes", v.Class, len(notes))
		}
	}
	if len(notes) != 1 {
		t.Errorf("%q", notes)
	}
	if v := ask(t, r, db, s2s.Charge{Bytes: 300, Class: store.ClassFlash}); v.Class != 0 {
		t.Errorf("flash was put behind: %+v", v)
	}
}

// What was spent before a restart is spent after it, and what failed is not.
func TestSpendingSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	r, db := ledgerOf(t, dir, config.Budget{Hard: time.Minute})
	now := time.Now()
	r.event(links.Event{Kind: links.EventSent, At: now, Link: "HF", Peer: "hq", From: "alice@field.net/x", To: "bob@hq.net", Entry: 1, Seq: 1,
		Type: store.KindChat, Class: store.ClassRoutine, Raw: 100, Folded: 100, Wire: 50, Air: 55 * time.Second})
	r.save(now)
	cfg := r.cfg
	again := newRecord(cfg, db, slog.New(slog.DiscardHandler))
	if v := ask(t, again, db, s2s.Charge{Bytes: 300}); v.Refuse == nil || !strings.Contains(v.Refuse.Text, "room again in 1 h") && !strings.Contains(v.Refuse.Text, "room again in 60 min") {
		t.Errorf("%+v", v)
	}
	_ = db.Update(func(tx *store.Tx) error {
		turn := new(router.Turn)
		turn.Reset(tx)
		again.spend(turn, s2s.Charge{Peer: "hq", Now: now, From: jid.MustParse("alice@field.net/x"), To: jid.MustParse("bob@hq.net"), Kind: store.KindChat, Class: store.ClassFlash, Bytes: 5000})
		return store.ErrNotFound
	})
	if s := again.ledger.Standings(now); len(s) != 1 || s[0].Waiting != 0 || s[0].Spent != 55*time.Second {
		t.Errorf("%+v", s)
	}
}

// Who has no rate, nor was measured, has no budget: what is not known is not counted.
func TestUnknownRateIsNotCounted(t *testing.T) {
	r, db := ledgerOf(t, t.TempDir(), config.Budget{Hard: time.Second})
	r.cfg.Links[0].Rate = 0
	if v := ask(t, r, db, s2s.Charge{Bytes: 50_000}); v.Refuse != nil {
		t.Errorf("%+v", v)
	}
}

// What a room of ours passes on is never refused: it waits.
func TestRoomsLinesWaitForAir(t *testing.T) {
	r, db := ledgerOf(t, t.TempDir(), config.Budget{Room: "*", Hard: time.Minute})
	r.cfg.RoomService.Domains = []string{"chat.field.net"}
	now := time.Now()
	c := s2s.Charge{Peer: "hq", Now: now, From: jid.MustParse("ops@chat.field.net/alice"), To: jid.MustParse("bob@hq.net/x"), Kind: store.KindGroupchat, Class: store.ClassRoutine, Bytes: 5000}
	if err := db.Update(func(tx *store.Tx) error {
		turn := new(router.Turn)
		turn.Reset(tx)
		if v := r.spend(turn, c); v.Refuse != nil || v.Hold < time.Minute || v.Hold > time.Hour {
			t.Errorf("%+v", v)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestClockThatWasSetIsNoticed(t *testing.T) {
	at := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	const years = 40 * 365 * 24 * time.Hour
	for _, jump := range []time.Duration{0, -years, years, 3 * time.Second} {
		if got := jumped(at, at.Add(10*time.Second+jump), 10*time.Second); got != jump {
			t.Errorf("%v, want %v", got, jump)
		}
	}
}
