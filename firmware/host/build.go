package host

import (
	"os"
	"runtime/debug"
	"time"
)

// oldest is before any build of this program.
var oldest = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// BuildTime is before which no true date can be: when this program's source was committed, as the Go tool noted, else when its file was
// written, else a time before any build.
func BuildTime() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil && at.After(oldest) {
				return at.UTC()
			}
		}
	}
	if name, err := os.Executable(); err == nil {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(oldest) {
			return info.ModTime().UTC()
		}
	}
	return oldest
}
