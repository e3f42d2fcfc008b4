package host

import (
	"runtime/debug"
	"time"
)

// oldest is before any build of this program.
var oldest = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// BuildTime is when this program's source was committed, as the Go tool noted, else a time before that: no true date is earlier.
func BuildTime() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil && at.After(oldest) {
				return at.UTC()
			}
		}
	}
	return oldest
}
