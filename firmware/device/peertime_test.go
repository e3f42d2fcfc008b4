package device

import (
	"testing"
	"time"

	"longwire/firmware/admin"
)

func TestHeadquartersTimeIsForClocksThatAreOff(t *testing.T) {
	now := time.Date(2026, 7, 23, 10, 15, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at   time.Time
		want bool
	}{
		"nobody told":    {time.Time{}, false},
		"as good as any": {now.Add(20 * time.Second), false},
		"1970":           {now.AddDate(56, 0, 0), true},
		"too far ahead":  {now.Add(-time.Hour), true},
	} {
		s := admin.Status{Live: admin.Live{HeadquartersTime: c.at}}
		if at, off := headquartersTime(s, now); off != c.want || !at.Equal(c.at) {
			t.Errorf("%s: %v, %v", name, at, off)
		}
	}
}
