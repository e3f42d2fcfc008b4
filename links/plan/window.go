// Package plan chooses which link of a peer carries what, and says why. It is pure.
package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Window is a time of the day, on some or all days of the week, by UTC.
type Window struct {
	days     uint8 // bit 1<<time.Weekday: it opens on this day
	from, to int16 // minutes of the day; to ≤ from: it closes on the day after
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const (
	dayMinutes = 24 * 60
	everyDay   = 1<<7 - 1
)

// ParseWindow reads "06:00-18:00", "mon-fri 22:00-02:00" or "sat 00:00-24:00".
func ParseWindow(text string) (Window, error) {
	fail := func(format string, args ...any) (Window, error) {
		return Window{}, fmt.Errorf("plan: window %q: %s", text, fmt.Sprintf(format, args...))
	}
	w := Window{days: everyDay}
	days, hours, both := strings.Cut(strings.TrimSpace(text), " ")
	if !both {
		days, hours = "", days
	}
	var err error
	if days != "" {
		if w.days, err = parseDays(days); err != nil {
			return fail("%v", err)
		}
	}
	from, to, ok := strings.Cut(strings.TrimSpace(hours), "-")
	if !ok {
		return fail("it does not say from when to when")
	}
	if w.from, err = parseTime(from); err != nil {
		return fail("%v", err)
	}
	if w.to, err = parseTime(to); err != nil {
		return fail("%v", err)
	}
	switch {
	case w.from == dayMinutes:
		return fail("no day begins at 24:00")
	case w.from == w.to:
		return fail("it never opens")
	}
	return w, nil
}

// parseDays reads "mon", "mon-fri" or "sat-mon".
func parseDays(text string) (days uint8, err error) {
	from, to, several := strings.Cut(strings.ToLower(text), "-")
	if !several {
		to = from
	}
	a, b := slices.Index(weekdays, from), slices.Index(weekdays, to)
	if a < 0 || b < 0 {
		return 0, fmt.Errorf("%q is no day of the week; they are: mon, tue, wed, thu, fri, sat, sun", text)
	}
	for d := a; ; d = (d + 1) % 7 {
		if days |= 1 << d; d == b {
			return days, nil
		}
	}
}

// parseTime reads "06:00", from 00:00 to 24:00.
func parseTime(text string) (int16, error) {
	var digits [4]int16
	plain := len(text) == 5 && text[2] == ':'
	for i, at := range []int{0, 1, 3, 4} {
		if plain = plain && text[at] >= '0' && text[at] <= '9'; plain {
			digits[i] = int16(text[at] - '0')
		}
	}
	hour, minute := digits[0]*10+digits[1], digits[2]*10+digits[3]
	if t := hour*60 + minute; plain && minute < 60 && t <= dayMinutes {
		return t, nil
	}
	return 0, fmt.Errorf("%q is no time of the day", text)
}

// String writes what ParseWindow reads.
func (w Window) String() string {
	hours := fmt.Sprintf("%02d:%02d-%02d:%02d", w.from/60, w.from%60, w.to/60, w.to%60)
	if w.days == everyDay {
		return hours
	}
	// Days stand in a row, as they were parsed from one.
	first := slices.IndexFunc(weekdays, func(d string) bool {
		i := slices.Index(weekdays, d)
		return w.days&(1<<i) != 0 && w.days&(1<<((i+6)%7)) == 0
	})
	last := first
	for w.days&(1<<((last+1)%7)) != 0 {
		last = (last + 1) % 7
	}
	if first == last {
		return weekdays[first] + " " + hours
	}
	return weekdays[first] + "-" + weekdays[last] + " " + hours
}

// span is when it opens and closes if it opens on the day that begins at midnight.
func (w Window) span(midnight time.Time) (from, to time.Time, opens bool) {
	if w.days&(1<<midnight.Weekday()) == 0 {
		return from, to, false
	}
	from = midnight.Add(time.Duration(w.from) * time.Minute)
	to = midnight.Add(time.Duration(w.to) * time.Minute)
	if w.to <= w.from {
		to = to.AddDate(0, 0, 1)
	}
	return from, to, true
}

// Windows are times when a link may transmit; none: always.
type Windows []Window

// Open tells whether it may at a time.
func (ws Windows) Open(now time.Time) bool {
	midnight := midnight(now)
	return len(ws) == 0 || slices.ContainsFunc(ws, func(w Window) bool {
		for _, day := range []int{-1, 0} { // what opened yesterday may close today
			if from, to, ok := w.span(midnight.AddDate(0, 0, day)); ok && !now.Before(from) && now.Before(to) {
				return true
			}
		}
		return false
	})
}

// Change is when Open will next say something else; zero: never.
func (ws Windows) Change(now time.Time) time.Time {
	open, midnight := ws.Open(now), midnight(now)
	var edges []time.Time
	for _, w := range ws {
		for day := -1; day <= 8; day++ { // a window of one day comes again after a week
			if from, to, ok := w.span(midnight.AddDate(0, 0, day)); ok {
				edges = append(edges, from, to)
			}
		}
	}
	slices.SortFunc(edges, time.Time.Compare)
	for _, t := range edges {
		if t.After(now) && ws.Open(t) != open {
			return t
		}
	}
	return time.Time{}
}

func midnight(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
