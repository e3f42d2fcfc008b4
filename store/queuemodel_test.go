package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"longwire/store"
)

// model is the queue as one would write it down: a list, and rules applied to all of it.
type model struct {
	entries []store.Entry
	last    uint64
}

func (m *model) unsent() (es []store.Entry) {
	for _, e := range m.entries {
		if e.Session == "" {
			es = append(es, e)
		}
	}
	return es
}

// order is the sending order: repeatedly the most urgent, then oldest entry, but before it the oldest of its pair, unless it may overtake that. What is held only
// goes before one that must not overtake it.
func (m *model) order(now time.Time) (ids []uint64) {
	left := m.unsent()
	for {
		free := slices.DeleteFunc(slices.Clone(left), func(e store.Entry) bool { return e.NotBefore.After(now) })
		if len(free) == 0 {
			return ids
		}
		best := slices.MinFunc(free, func(a, b store.Entry) int {
			return cmp.Or(cmp.Compare(rank(a, now), rank(b, now)), cmp.Compare(a.ID, b.ID))
		})
		i := slices.IndexFunc(left, func(e store.Entry) bool {
			overtaken := best.Kind == store.KindChat && best.Class < store.ClassRoutine && best.Class < e.Class
			return e.From == best.From && e.To == best.To && (e.ID == best.ID || !overtaken)
		})
		ids = append(ids, left[i].ID)
		left = slices.Delete(left, i, i+1)
	}
}

// rank is the class that an entry goes with when it has waited.
func rank(e store.Entry, now time.Time) store.Class {
	waited := now.Sub(e.Queued)
	switch {
	case e.Class <= store.ClassImmediate, waited < 10*time.Minute:
		return e.Class
	case e.Class == store.ClassPriority && waited >= 3*time.Hour, e.Class == store.ClassRoutine && waited >= 6*time.Hour:
		return store.ClassImmediate
	case e.Class == store.ClassPriority:
		return store.ClassPriority
	case e.Class > store.ClassRoutine && waited >= time.Hour:
		return store.ClassRoutine
	}
	return e.Class - 1
}

func (m *model) put(e store.Entry, lim store.QueueLimits) (dropped []uint64, ok bool) {
	kept := slices.Clone(m.entries)
	if e.Coalesce {
		kept = slices.DeleteFunc(kept, func(o store.Entry) bool {
			replaced := o.Session == "" && o.Coalesce && o.From == e.From && o.To == e.To
			if replaced && !o.NotBefore.IsZero() && o.NotBefore.Before(e.NotBefore) {
				e.NotBefore = o.NotBefore
			}
			return replaced
		})
	}
	for len(kept)+1 > lim.Entries {
		worst := -1
		for i, o := range kept {
			if o.Session == "" && o.Class > e.Class && (worst < 0 || o.Class > kept[worst].Class) {
				worst = i
			}
		}
		if worst < 0 {
			return nil, false
		}
		dropped = append(dropped, kept[worst].ID)
		kept = slices.Delete(kept, worst, worst+1)
	}
	m.last++
	e.ID = m.last
	m.entries = append(kept, e)
	return dropped, true
}

func TestQueueDoesWhatTheModelDoes(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	classes := []store.Class{store.ClassFlash, store.ClassImmediate, store.ClassPriority, store.ClassRoutine, store.ClassIQ, store.ClassPresence, store.ClassReceipt, store.ClassState}
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		db := open(t, store.Options{})
		q := db.Queue("p")
		m := &model{}
		lim := store.QueueLimits{Entries: 25}
		seq, acked := uint32(1<<32-20), uint32(1<<32-21)
		for range rounds {
			update(t, db, func(tx *store.Tx) error {
				for range 1 + rnd.IntN(4) {
					if err := modelStep(t, rnd, q, tx, m, lim, classes, &seq, &acked); err != nil {
						return err
					}
				}
				return nil
			})
			compareWithModel(t, q, m, seed)
			if t.Failed() {
				return
			}
		}
	}
}

func modelStep(t *testing.T, rnd *rand.Rand, q *store.Queue, tx *store.Tx, m *model, lim store.QueueLimits, classes []store.Class, seq, acked *uint32) error {
	switch rnd.IntN(10) {
	default:
		e := entry(fmt.Sprint(m.last+1), classes[rnd.IntN(len(classes))], fmt.Sprint(rnd.IntN(3)), fmt.Sprint(rnd.IntN(2)))
		e.Coalesce = e.Class == store.ClassPresence && rnd.IntN(3) > 0
		e.Kind = store.KindIQ
		if e.Class <= store.ClassRoutine {
			e.Kind = []store.Kind{store.KindChat, store.KindGroupchat}[rnd.IntN(2)]
		}
		if rnd.IntN(4) == 0 {
			e.NotBefore = day.Add(time.Duration(rnd.IntN(90)) * time.Minute)
		}
		want, ok := m.put(e, lim)
		_, dropped, err := q.Put(tx, e, lim)
		if !ok && errors.Is(err, store.ErrQuota) {
			return nil
		}
		if !slices.Equal(idNumbers(dropped), want) {
			t.Errorf("dropped %v, want %v", idNumbers(dropped), want)
		}
		return err
	case 6: // number the next few
		order := m.order(day)
		order = order[:min(len(order), rnd.IntN(6))]
		err := q.Number(tx, "s", *seq, order)
		for _, id := range order {
			i := slices.IndexFunc(m.entries, func(e store.Entry) bool { return e.ID == id })
			m.entries[i].Session, m.entries[i].Seq = "s", *seq
			*seq++
		}
		return err
	case 7: // confirm some
		*acked += uint32(rnd.IntN(int(*seq-*acked)+1)) % (*seq - *acked)
		_, err := q.Confirm(tx, "s", *acked)
		m.entries = slices.DeleteFunc(m.entries, func(e store.Entry) bool { return e.Session != "" && int32(*acked-e.Seq) >= 0 })
		return err
	case 8: // the link session is lost
		if rnd.IntN(3) > 0 {
			return nil
		}
		for i := range m.entries {
			m.entries[i].Session, m.entries[i].Seq = "", 0
		}
		return q.Requeue(tx, "s")
	case 9: // one is taken out
		id := m.last - uint64(rnd.IntN(30))
		_, err := q.Done(tx, id)
		m.entries = slices.DeleteFunc(m.entries, func(e store.Entry) bool { return e.ID == id })
		return err
	}
}

func idNumbers(es []store.Entry) (ids []uint64) {
	for _, e := range es {
		ids = append(ids, e.ID)
	}
	return ids
}

func compareWithModel(t *testing.T, q *store.Queue, m *model, seed uint64) {
	t.Helper()
	now := day.Add(time.Duration(m.last%400) * time.Minute)
	want := m.order(now)
	if got := idNumbers(pick(t, q, store.Pick{N: 100, Bytes: 1 << 20, Now: now})); !slices.Equal(got, want) {
		t.Errorf("seed %d: next %v, want %v", seed, got, want)
	}
	sent, err := q.Unconfirmed("s")
	if err != nil || !slices.IsSortedFunc(sent, func(a, b store.Entry) int { return int(int32(a.Seq - b.Seq)) }) {
		t.Error(sent, err)
	}
	all, err := q.List()
	if err != nil || !slices.Equal(idNumbers(all), append(idNumbers(sent), m.order(time.Now())...)) {
		t.Errorf("seed %d: list %v, %v", seed, idNumbers(all), err)
	}
	stats := store.QueueStats{Entries: len(m.entries), Sent: len(sent)}
	for _, e := range m.entries {
		stats.Bytes += int64(len(e.Stanza))
		stats.Oldest = day
	}
	if got := q.Stats(); got != stats {
		t.Errorf("seed %d: stats %+v, want %+v", seed, got, stats)
	}
}
