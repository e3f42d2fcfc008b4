package host

import "time"

// NetworkFiles are the files for systemd-networkd.
func NetworkFiles(c *Config) map[string]string { return networkFiles(c) }

// FakeClock is a clock of a machine made of fields.
type FakeClock struct {
	Now, Chip time.Time
	Kept      Memory
	Server    time.Time // when a time server set the clock; zero: never
	Err       error     // of setting the chip
}

// Keeper is a Timekeeper of that machine.
func (f *FakeClock) Keeper(build time.Time) *Timekeeper {
	return &Timekeeper{build: build, sys: system{
		now:   func() time.Time { return f.Now },
		set:   func(at time.Time) error { f.Now = at; return nil },
		rtc:   func(at time.Time) error { f.Chip = at; return f.Err },
		chip:  func() time.Time { return f.Chip },
		load:  func() Memory { return f.Kept },
		store: func(m Memory) error { f.Kept = m; return nil },
		ntp:   func() (time.Time, bool) { return f.Server, !f.Server.IsZero() },
	}}
}

// LoadTime and StoreTime are the file of the time that is kept.
var (
	LoadTime  = loadTime
	StoreTime = storeTime
)
