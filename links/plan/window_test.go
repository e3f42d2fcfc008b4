package plan_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/plan"
)

func windows(t testing.TB, texts ...string) (ws plan.Windows) {
	t.Helper()
	for _, text := range texts {
		w, err := plan.ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, w)
	}
	return ws
}

func at(text string) time.Time { // 2 June 2031 is a Monday
	t, err := time.Parse("2006-01-02 15:04", "2031-06-"+text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindowsOpenAndClose(t *testing.T) {
	for _, c := range []struct {
		windows string
		now     string
		open    bool
		change  string // "": never
	}{
		{"", "02 12:00", true, ""},
		{"00:00-24:00", "02 12:00", true, ""},
		{"06:00-18:00", "02 05:59", false, "02 06:00"},
		{"06:00-18:00", "02 06:00", true, "02 18:00"},
		{"06:00-18:00", "02 18:00", false, "03 06:00"},
		{"22:00-02:00", "02 01:00", true, "02 02:00"},
		{"22:00-02:00", "02 23:00", true, "03 02:00"},
		{"mon-fri 22:00-02:00", "02 01:00", false, "02 22:00"}, // Sunday's night is not Monday's
		{"mon-fri 22:00-02:00", "07 01:00", true, "07 02:00"},  // Friday's night ends on Saturday
		{"sat-mon 10:00-11:00", "04 12:00", false, "07 10:00"},
		{"mon 10:00-11:00", "02 11:00", false, "09 10:00"},
		{"06:00-12:00, 12:00-18:00", "02 07:00", true, "02 18:00"}, // no gap between the two
		{"mon 00:00-24:00, tue 00:00-24:00", "02 00:00", true, "04 00:00"},
	} {
		var ws plan.Windows
		if c.windows != "" {
			ws = windows(t, strings.Split(c.windows, ", ")...)
		}
		want := time.Time{}
		if c.change != "" {
			want = at(c.change)
		}
		if open, change := ws.Open(at(c.now)), ws.Change(at(c.now)); open != c.open || !change.Equal(want) {
			t.Errorf("%q at %s: open %v until %v, want %v until %v", c.windows, c.now, open, change, c.open, want)
		}
	}
}

func TestWindowsGoByUTC(t *testing.T) {
	cet := time.FixedZone("CET", 3600)
	if ws := windows(t, "06:00-07:00"); !ws.Open(time.Date(2031, 6, 2, 7, 30, 0, 0, cet)) || ws.Open(time.Date(2031, 6, 2, 6, 30, 0, 0, cet)) {
		t.Error("they go by another clock")
	}
}

func TestBadWindows(t *testing.T) {
	for text, why := range map[string]string{
		"":                     "from when to when",
		"06:00":                "from when to when",
		"6:00-18:00":           `"6:00" is no time of the day`,
		"06:00-24:01":          `"24:01" is no time of the day`,
		"06:60-18:00":          `"06:60" is no time of the day`,
		"-1:00-18:00":          "no time of the day",
		"24:00-06:00":          "no day begins at 24:00",
		"06:00-06:00":          "it never opens",
		"weekend 06:00-18:00":  `"weekend" is no day of the week`,
		"mon-tues 06:00-18:00": "is no day of the week",
	} {
		if w, err := plan.ParseWindow(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v; want %s", text, w, err, why)
		}
	}
}

// Change is the first minute at which Open says something else.
func TestChangeIsWhenOpenChanges(t *testing.T) {
	days := []string{"", "mon ", "sat-sun ", "fri-mon ", "wed "}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var ws plan.Windows
		for range 1 + r.IntN(3) {
			from, to := r.IntN(96)*15, 15+r.IntN(96)*15
			if from != to {
				ws = append(ws, windows(t, days[r.IntN(len(days))]+clock(from)+"-"+clock(to))...)
			}
		}
		now := at("02 00:00").Add(time.Duration(r.IntN(7*96)) * 15 * time.Minute)
		want := time.Time{}
		for step := now.Add(15 * time.Minute); step.Before(now.AddDate(0, 0, 8)); step = step.Add(15 * time.Minute) {
			if ws.Open(step) != ws.Open(now) {
				want = step
				break
			}
		}
		if got := ws.Change(now); !got.Equal(want) {
			t.Errorf("seed %d: %v from %v: %v, want %v", seed, ws, now, got, want)
		}
	}
}

func clock(minutes int) string {
	return time.Time{}.Add(time.Duration(minutes%1440) * time.Minute).Format("15:04")
}

func FuzzParseWindow(f *testing.F) {
	for _, text := range []string{"06:00-18:00", "mon-fri 22:00-02:00", "sat-mon 00:00-24:00", "sun 23:59-00:00", "x", " - "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := plan.ParseWindow(text)
		if err != nil {
			return
		}
		if again, err := plan.ParseWindow(w.String()); err != nil || again != w {
			t.Errorf("%q is written %q, and read %v, %v", text, w, again, err)
		}
		if ws := (plan.Windows{w}); w.String() != "00:00-24:00" && ws.Change(at("02 00:00")).IsZero() {
			t.Errorf("%q never changes", text)
		}
	})
}
