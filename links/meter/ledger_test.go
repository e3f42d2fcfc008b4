package meter_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"longwire/links/meter"
)

var day1 = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

func sent(user string, air time.Duration) meter.Message {
	return meter.Message{Key: meter.Key{Peer: "hq", Link: "HF", User: user, Kind: "chat", Class: "routine"}, Totals: meter.Totals{Stanzas: 1, Raw: 300, Folded: 200, Wire: 80, Air: air}}
}

func byUser(k meter.Key) (string, bool) { return k.User, true }

func TestLedgerKnowsTheLastHourAndTheLastDay(t *testing.T) {
	l := meter.NewLedger(day1)
	l.Book(day1, sent("a@x", 10*time.Second))
	l.Book(day1.Add(50*time.Minute), sent("b@x", 3*time.Second))
	later := day1.Add(70 * time.Minute)
	if got := meter.By(l.Spent(later, false), byUser); len(got) != 1 || got["b@x"].Air != 3*time.Second {
		t.Errorf("last hour: %v", got)
	}
	if got := meter.By(l.Spent(later, true), byUser); got["a@x"].Air != 10*time.Second || got["b@x"].Wire != 80 {
		t.Errorf("last day: %v", got)
	}
	if got := l.Spent(day1.Add(26*time.Hour), true); len(got) != 0 {
		t.Errorf("two days later: %v", got)
	}
}

// A stranger cannot make the ledger grow, and nothing is lost from the sums.
func TestLedgerIsBounded(t *testing.T) {
	l := meter.NewLedger(day1)
	for i := range 5000 {
		m := sent(fmt.Sprintf("u%d@x", i), time.Second)
		m.Room, m.Peer, m.Kind = fmt.Sprintf("r%d@x", i), fmt.Sprintf("p%d", i%700), "groupchat"
		l.Book(day1, m)
	}
	all := l.Spent(day1, false)
	if len(all) > 300 {
		t.Errorf("%d keys", len(all))
	}
	if sum := meter.By(all, func(meter.Key) (string, bool) { return "", true })[""]; sum.Stanzas != 5000 || sum.Air != 5000*time.Second {
		t.Errorf("%+v", sum)
	}
	if n := len(l.Recent()); n > 256 || n < 128 {
		t.Errorf("%d recent", n)
	}
}

func TestBudgetRefusesAndTellsWhenThereIsRoom(t *testing.T) {
	l := meter.NewLedger(day1)
	l.SetBudgets(day1, []meter.Budget{{Peer: "hq", Soft: 30 * time.Second, Hard: 60 * time.Second}})
	k := sent("a@x", 0).Key
	now := day1
	if j := l.Judge(now, k, 20*time.Second); j.Over || j.Refused {
		t.Fatalf("%+v", j)
	}
	l.Reserve(now, k, 20*time.Second)
	j := l.Judge(now, k, 20*time.Second)
	if !j.Over || !j.Tell || j.Refused {
		t.Fatalf("soft: %+v", j)
	}
	l.Reserve(now, k, 20*time.Second)
	if j = l.Judge(now, k, 15*time.Second); !j.Over || j.Tell {
		t.Fatalf("told twice: %+v", j)
	}
	if j = l.Judge(now, k, 21*time.Second); !j.Refused || j.Again != 0 {
		t.Fatalf("hard, all waits: %+v", j)
	}
	// What waits is sent, and makes room an hour later.
	for range 2 {
		l.Release(now, k, 20*time.Second)
		l.Book(now, sent("a@x", 20*time.Second))
	}
	if j = l.Judge(now.Add(10*time.Minute), k, 21*time.Second); !j.Refused || j.Again < 49*time.Minute || j.Again > 51*time.Minute {
		t.Fatalf("hard: %+v", j)
	}
	if j = l.Judge(now.Add(61*time.Minute), k, 21*time.Second); j.Refused || j.Over {
		t.Fatalf("an hour later: %+v", j)
	}
	other := k
	other.Peer = "kit"
	if j = l.Judge(now, other, time.Hour); j.Refused {
		t.Fatalf("another peer: %+v", j)
	}
}

func TestNewBudgetCountsTheLastHour(t *testing.T) {
	l := meter.NewLedger(day1)
	l.Book(day1, sent("a@x", 50*time.Second))
	l.SetBudgets(day1.Add(5*time.Minute), []meter.Budget{{User: "a@x", Hard: time.Minute}})
	if j := l.Judge(day1.Add(5*time.Minute), sent("a@x", 0).Key, 20*time.Second); !j.Refused || j.Spent != 50*time.Second {
		t.Errorf("%+v", j)
	}
}

func TestLineTellsAir(t *testing.T) {
	for _, tt := range []struct {
		l     meter.Line
		bytes int
		want  time.Duration
	}{
		{meter.Line{}, 100, 0},
		{meter.Line{Measured: 100, Nominal: 300, Fixed: time.Hour}, 100, 8 * time.Second},
		{meter.Line{Nominal: 800}, 100, time.Second},
		{meter.Line{Nominal: 800, Packet: 50, Payload: 60, Fixed: time.Second}, 100, 3 * time.Second},
		{meter.Line{Nominal: 800, Fixed: time.Second}, 0, 0},
	} {
		if got := tt.l.Air(tt.bytes); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.l, got, tt.want)
		}
	}
}

func TestEachUserHasABudget(t *testing.T) {
	l := meter.NewLedger(day1)
	l.SetBudgets(day1, []meter.Budget{{User: meter.Each, Kind: "chat", Hard: time.Minute}})
	for i := range 2000 {
		l.Book(day1, sent(fmt.Sprintf("u%d@x", i), 50*time.Second))
	}
	if j := l.Judge(day1, sent("u7@x", 0).Key, 11*time.Second); !j.Refused || j.Budget.Hard != time.Minute {
		t.Errorf("one who has spent: %+v", j)
	}
	if n := len(l.Standings(day1)); n > 600 {
		t.Errorf("%d windows", n)
	}
	an := day1.Add(2 * time.Hour) // room for new ones when the old are empty
	if j := l.Judge(an, sent("new@x", 0).Key, 59*time.Second); j.Refused {
		t.Errorf("one who has not: %+v", j)
	}
	if n := len(l.Standings(an)); n != 0 {
		t.Errorf("%d windows hours later", n)
	}
}

func TestStrictestBudgetHolds(t *testing.T) {
	l := meter.NewLedger(day1)
	l.SetBudgets(day1, []meter.Budget{{Hard: time.Hour}, {User: "a@x", Hard: 10 * time.Second}, {Soft: time.Second}})
	if j := l.Judge(day1, sent("a@x", 0).Key, 11*time.Second); !j.Refused || j.Budget.User != "a@x" {
		t.Errorf("%+v", j)
	}
	if j := l.Judge(day1, sent("b@x", 0).Key, 11*time.Second); j.Refused || !j.Over {
		t.Errorf("%+v", j)
	}
}

// What was spent counts after a restart, whatever the clock says meanwhile.
func TestLedgerSurvivesRestartsAndClocks(t *testing.T) {
	const years = 40 * 365 * 24 * time.Hour
	for _, tt := range []struct {
		name  string
		later time.Duration
		spent time.Duration
	}{
		{"at once", time.Second, 50 * time.Second},
		{"half an hour later", 30 * time.Minute, 50 * time.Second},
		{"two hours later", 2 * time.Hour, 0},
		{"the clock went back 40 years", -years, 50 * time.Second},
		{"the clock went on 40 years", years, 0},
	} {
		l := meter.NewLedger(day1)
		l.Book(day1.Add(90*time.Minute), sent("a@x", 50*time.Second))
		b, err := l.Save(day1.Add(91 * time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		now := day1.Add(91*time.Minute + tt.later)
		if l, err = meter.Load(b, now); err != nil {
			t.Fatal(err)
		}
		l.SetBudgets(now, []meter.Budget{{Hard: time.Minute}})
		if j := l.Judge(now, sent("a@x", 0).Key, 11*time.Second); j.Refused != (tt.spent > 0) || j.Spent != tt.spent && j.Refused {
			t.Errorf("%s: %+v", tt.name, j)
		}
		// It is forgotten an hour after, by the clock that is now.
		if j := l.Judge(now.Add(61*time.Minute), sent("a@x", 0).Key, 11*time.Second); j.Refused {
			t.Errorf("%s, later: %+v", tt.name, j)
		}
		if sum := l.Spent(now, true); tt.later < 20*time.Hour && len(sum) != 1 {
			t.Errorf("%s: last day %v", tt.name, sum)
		}
	}
}

func TestForeignSaveIsRefused(t *testing.T) {
	for _, b := range []string{"", "{}", "x", `{"v":1,"at":-5}`, `[]`} {
		if _, err := meter.Load([]byte(b), day1); err == nil {
			t.Errorf("%q is taken", b)
		}
	}
	if l, err := meter.Load([]byte(`{"v":2,"new":1,"at":5,"minutes":[{"n":-3,"cells":[{}]},{"n":9223372036854775807,"cells":[{"Peer":"x","air":7}]}]}`), day1); err != nil || len(l.Spent(day1, false)) > 1 {
		t.Error("a later version is not tolerated", err)
	}
}

func TestEstimateIsByWhatTheLastOnesTook(t *testing.T) {
	l := meter.NewLedger(day1)
	for i := range 10 {
		if d := l.Estimate("hq", "HF", 400); (d > 0) != (i >= 5) {
			t.Errorf("after %d: %v", i, d)
		}
		l.Book(day1, sent("a@x", 10*time.Second)) // of 200 bytes each
	}
	if d := l.Estimate("hq", "HF", 400); d.Round(time.Millisecond) != 20*time.Second {
		t.Errorf("%v", d)
	}
	if d := l.Estimate("hq", "SatCom", 400); d != 0 {
		t.Errorf("another link: %v", d)
	}
	for range 100 { // the link has become faster
		l.Book(day1, sent("a@x", time.Second))
	}
	if d := l.Estimate("hq", "HF", 400); d > 3*time.Second {
		t.Errorf("%v", d)
	}
}

// A program of any version reads what version 1 has written, and writes what it reads.
func TestSavedVersion1(t *testing.T) {
	golden, err := os.ReadFile("testdata/saved-1.json")
	if err != nil {
		t.Fatal(err)
	}
	at := day1.Add(91 * time.Minute)
	l, err := meter.Load(golden, at)
	if err != nil {
		t.Fatal(err)
	}
	if sum := meter.By(l.Spent(at, false), byUser)["a@x"]; sum.Air != 50*time.Second || sum.Wire != 80 {
		t.Errorf("%+v", sum)
	}
	l = meter.NewLedger(day1)
	l.Book(day1.Add(90*time.Minute), sent("a@x", 50*time.Second))
	b, err := l.Save(at)
	if err != nil || string(b) != strings.TrimSpace(string(golden)) {
		t.Errorf("%v\n%s\nwant\n%s", err, b, golden)
	}
}
