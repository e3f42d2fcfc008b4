package host_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/firmware/host"
)

var (
	build = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	noon  = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
)

func TestClockAtTheStart(t *testing.T) {
	year1970 := time.Unix(100, 0)
	for _, c := range []struct {
		what                  string
		now, chip, kept, want time.Time
		source                host.Source
	}{
		{what: "no chip, nothing kept", chip: year1970, want: build, source: host.Kept},
		{what: "no chip, a time was kept", chip: year1970, kept: noon, want: noon, source: host.Kept},
		{what: "a chip that goes", chip: noon.Add(time.Hour), kept: noon, want: noon.Add(time.Hour), source: host.RTC},
		{what: "a chip that was off for a while", chip: noon.Add(-time.Hour), kept: noon, want: noon, source: host.Kept},
		{what: "a chip in the far future", chip: build.AddDate(40, 0, 0), kept: noon, want: noon, source: host.Kept},
		{what: "a chip whose driver came late", now: year1970, chip: noon.Add(time.Hour), kept: noon, want: noon.Add(time.Hour), source: host.RTC},
		{what: "what was kept is before the build", chip: year1970, kept: year1970, want: build, source: host.Kept},
		{what: "what was kept is in the far future", chip: noon, kept: build.AddDate(40, 0, 0), want: noon, source: host.RTC},
	} {
		if c.now.IsZero() {
			c.now = c.chip // as the kernel takes it
		}
		f := &host.FakeClock{Now: c.now, Chip: c.chip, Kept: host.Memory{Last: c.kept}}
		k := f.Keeper(build)
		if err := k.Start(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !f.Now.Equal(c.want) || k.Source() != c.source {
			t.Errorf("%s: %v by %v", c.what, f.Now, k.Source())
		}
	}
}

func started(t *testing.T) (*host.FakeClock, *host.Timekeeper) {
	t.Helper()
	f := &host.FakeClock{Now: noon}
	k := f.Keeper(build)
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	return f, k
}

func TestBetterSourcesWin(t *testing.T) {
	f, k := started(t)
	say := func(source host.Source, at time.Time, want bool) {
		t.Helper()
		changed, err := k.SetTime(source, at)
		if err != nil || changed != want || changed && !f.Now.Equal(at) {
			t.Errorf("%v says %v: %v, %v, now %v", source, at, changed, err, f.Now)
		}
	}
	say(host.Peer, noon.Add(time.Minute), true)
	if !f.Chip.Equal(f.Now) || !f.Kept.Last.Equal(f.Now) {
		t.Error("the chip and the file do not know", f.Chip, f.Kept)
	}
	say(host.RTC, noon.Add(time.Hour), false)
	say(host.Peer, f.Now.Add(3*time.Second), false) // as good as it gets over HF
	say(host.GPS, f.Now.Add(3*time.Second), true)
	say(host.Peer, f.Now.Add(time.Hour), false)
	say(host.NTP, f.Now.Add(time.Hour), false)
	say(host.GPS, f.Now.Add(-time.Hour), true) // GPS may set it back
	if k.Source() != host.GPS {
		t.Error(k.Source())
	}
	f.Now = f.Now.Add(8 * 24 * time.Hour) // the receiver is silent for long
	say(host.Peer, f.Now.Add(time.Minute), true)
	if k.Source() != host.Peer {
		t.Error(k.Source())
	}
}

func TestDatesThatCannotBeRight(t *testing.T) {
	f, k := started(t)
	if _, err := k.SetTime(host.Peer, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source host.Source
		at     time.Time
		want   string
	}{
		{host.GPS, build.Add(-time.Second), "this system was built on 2026-03-01 00:00:00"},
		{host.GPS, noon.AddDate(0, 0, -1024*7), "built on"}, // a receiver whose weeks began again
		{host.GPS, build.AddDate(31, 0, 0), "too far away"},
		{host.Peer, noon, "it was 2026-07-01 13:00:00 already"},
	} {
		before := f.Now
		_, err := k.SetTime(c.source, c.at)
		if !errors.Is(err, host.ErrDate) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.source.String()) {
			t.Errorf("%v\nlacks %q", err, c.want)
		}
		if !f.Now.Equal(before) {
			t.Errorf("%v set the clock to %v", c.source, f.Now)
		}
	}
}

func TestTimeServersAreHeard(t *testing.T) {
	f, k := started(t)
	f.Server = f.Now
	if changed, err := k.SetTime(host.Peer, f.Now.Add(time.Hour)); changed || err != nil {
		t.Error(changed, err)
	}
	if k.Source() != host.NTP {
		t.Error(k.Source())
	}
	if changed, err := k.SetTime(host.GPS, f.Now.Add(time.Second)); !changed || err != nil {
		t.Error(changed, err)
	}
	if k.Source() != host.GPS {
		t.Error(k.Source())
	}
}

func TestTimeIsKept(t *testing.T) {
	f, k := started(t)
	f.Now = f.Now.Add(time.Hour)
	if err := k.Keep(); err != nil || !f.Kept.Last.Equal(f.Now) {
		t.Error(f.Kept, err)
	}
	f.Now = f.Now.Add(-30 * time.Minute) // somebody else's hand
	if err := k.Keep(); err != nil || !f.Kept.Last.Equal(noon.Add(time.Hour)) {
		t.Error(f.Kept, err)
	}
	f.Err = errors.New("no chip")
	if changed, err := k.SetTime(host.GPS, noon.Add(5*time.Hour)); !changed || err != nil {
		t.Error("a broken chip stops the clock:", changed, err)
	}

	file := filepath.Join(t.TempDir(), "kit", "clock")
	if m := host.LoadTime(file); m != (host.Memory{}) {
		t.Error(m)
	}
	for _, want := range []host.Memory{{Last: noon, Known: noon.Add(-time.Hour)}, {Last: noon}} {
		if err := host.StoreTime(file, want); err != nil {
			t.Fatal(err)
		}
		if m := host.LoadTime(file); !m.Last.Equal(want.Last) || !m.Known.Equal(want.Known) {
			t.Error(m)
		}
	}
	for _, bad := range []string{"", "x", strings.Repeat("2026", 100)} {
		if err := os.WriteFile(file, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if m := host.LoadTime(file); m != (host.Memory{}) {
			t.Errorf("%q: %v", bad, m)
		}
	}
	if err := os.WriteFile(file, []byte("2026-07-01T12:00:00Z x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m := host.LoadTime(file); !m.Last.Equal(noon) || !m.Known.IsZero() {
		t.Error(m)
	}
}

// A chip that came out of the workshop years ahead must not keep headquarters' time away for ever.
func TestPeersMayCorrectTheChip(t *testing.T) {
	f := &host.FakeClock{Now: noon.AddDate(3, 0, 0)}
	k := f.Keeper(build)
	if err := errors.Join(k.Start(), k.Keep()); err != nil {
		t.Fatal(err)
	}
	if changed, err := k.SetTime(host.Peer, noon); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if !f.Kept.Last.Equal(noon) || !f.Kept.Known.Equal(noon) || !f.Chip.Equal(noon) {
		t.Error(f.Kept, f.Chip)
	}
	// After a start the chip counts again, and what headquarters said still stands.
	f.Now = noon.AddDate(1, 0, 0)
	k = f.Keeper(build)
	if err := k.Start(); err != nil || k.Source() != host.RTC {
		t.Fatal(k.Source(), err)
	}
	if _, err := k.SetTime(host.Peer, noon.Add(-time.Minute)); !errors.Is(err, host.ErrDate) {
		t.Error(err)
	}
	if changed, err := k.SetTime(host.Peer, noon.Add(time.Hour)); !changed || err != nil {
		t.Error(changed, err)
	}
}

func TestBuildTime(t *testing.T) {
	if at := host.BuildTime(); at.Year() < 2026 {
		t.Error(at)
	}
}

// What a u-blox receiver says in its first seconds (position changed).
const receiver = `$GPTXT,01,01,02,u-blox ag - www.u-blox.com*50
$GPRMC,,V,,,,,,,,,,N*53
$GPZDA,000012.00,06,01,1980,00,00*62
$GPGGA,,,,,,0,00,99.99,,,,,,*48
$GNRMC,120000.00,A,4717.11437,N,00833.91522,E,0.004,77.52,010726,,,A*42
$GNGGA,120000.00,4717.11437,N,00833.91522,E,1,08,1.01,499.6,M,48.0,M,,*47
$GNZDA,120000.00,01,07,2026,00,00*7B
`

func TestNMEA(t *testing.T) {
	var r host.Receiver
	var got []time.Time
	for line := range strings.Lines(receiver) {
		at, ok, err := r.Line(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if ok {
			got = append(got, at)
		}
	}
	if len(got) != 2 || !got[0].Equal(noon) || !got[1].Equal(noon) {
		t.Errorf("%v", got)
	}
	for _, c := range []struct{ line, want string }{
		{"$GPRMC,120000.50,A,,,,,,,010726,,*0C", "2026-07-01T12:00:00.5Z"},
		// The sentence of the textbooks; of 1994, but its year has two digits.
		{"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A", "2094-03-23T12:35:19Z"},
		{"xx$GPZDA,235960,30,06,2026,,*40", "2026-07-01T00:00:00Z"}, // a leap second; the fix of the line before counts
		{"$GPRMC,120000,V,,,,,,,010726,,*30", ""},
		{"$GPZDA,120000,01,07,2026,,*4B", ""},     // no fix any more
		{"$GPRMC,120000,A,,,,,,,310626,,*25", ""}, // June has 30 days
		{"$GPRMC,126000,A,,,,,,,010726,,*21", ""},
		{"$GPRMC,12000,A,,,,,,,010726,,*17", ""},
		{"$GPRMC*4B", ""},
		{"$GPRMC,120000,A,,,,,,,010726,,*00", "wrong checksum"},
		{"$GPRMC,120000,A,,,,,,,010726,,", "no sentence"},
		{"$PUBX,04,073731.00,091202,113851.00,1196,15D,1930035,-2660.664,43,*5D", "no sentence"},
		{"!AIVDM,1,1,,A,x,0*00", "no sentence"},
		{"", "no sentence"},
		{"$*00", "no sentence"},
		{"$" + strings.Repeat("A", 200) + "*00", "no sentence"},
	} {
		at, ok, err := r.Line(c.line)
		said := ""
		if ok {
			said = at.Format(time.RFC3339Nano)
		}
		if err != nil {
			said = err.Error()
		}
		if said != c.want && (err == nil || c.want == "" || !strings.Contains(said, c.want)) {
			t.Errorf("%s: %q, want %q", c.line, said, c.want)
		}
	}
}

func FuzzNMEA(f *testing.F) {
	for line := range strings.Lines(receiver) {
		f.Add(strings.TrimSpace(line))
	}
	f.Add("$GPRMC,120000.123456789,A,,,,,,,010726*38")
	f.Fuzz(func(t *testing.T, line string) {
		var r host.Receiver
		r.Line("$GNGGA,120000.00,4717.11437,N,00833.91522,E,1,08,1.01,499.6,M,48.0,M,,*47")
		at, ok, err := r.Line(line)
		if ok && (err != nil || at.Year() < 0 || at.Year() > 9999 || at.Location() != time.UTC) {
			t.Errorf("%v, %v", at, err)
		}
	})
}

// pipe is a port that is read.
type pipe struct{ *io.PipeReader }

func TestGPSIsBelievedWhenItAgreesWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		var told []time.Time
		done := make(chan error)
		go func() {
			done <- host.GPSTime(t.Context(), pipe{in}, func(at time.Time) { told = append(told, at) })
		}()
		say := func(at time.Time) {
			body := "GPZDA," + at.Format("150405.00,02,01,2006,00,00")
			sum := byte(0)
			for i := range len(body) {
				sum ^= body[i]
			}
			const fix = "$GNGGA,120000.00,4717.11437,N,00833.91522,E,1,08,1.01,499.6,M,48.0,M,,*47\r\n"
			io.WriteString(out, fix+"$"+body+"*"+strings.ToUpper(hex(sum))+"\r\n")
			time.Sleep(time.Second)
		}
		for i := range 4 {
			say(noon.Add(time.Duration(i) * time.Second))
		}
		at := noon.Add(17 * time.Second) // it found out about its leap seconds
		for i := range 4 {
			say(at.Add(time.Duration(i) * time.Second))
		}
		if len(told) > 0 {
			t.Errorf("too early: %v", told)
		}
		for i := range 1000 {
			say(at.Add(time.Duration(4+i) * time.Second))
		}
		if len(told) != 2 || !told[0].Equal(at.Add(4*time.Second)) || !told[1].Equal(told[0].Add(10*time.Minute)) {
			t.Errorf("%v", told)
		}
		out.Close()
		if err := <-done; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}
