package modem_test

import (
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

func TestFindSaysWhatThereIs(t *testing.T) {
	for _, c := range []struct {
		rate int
		il   dts.Interleaver
		want string
	}{{110, dts.ShortInterleaver, "75, 150, 300, 600, 1200, 2400, 3200, 4800, 6400, 8000, 9600"}, {300, dts.NoInterleaver, "short"}, {300, 7, "long"}} {
		if w, err := modem.Find(c.rate, c.il); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %d: %+v, %v", c.rate, c.il, w, err)
		}
	}
}

// The rows of the table "what each rate means": as many D_PDUs of 200 bytes as go into one transmission, and their acknowledgement.
func TestCycleTimes(t *testing.T) {
	data := dts.PDU{Type: dts.DataOnly, AddrSize: 7, From: 1<<24 | 1, To: 1<<24 | 2, Segment: make([]byte, 200)}
	ack := dts.PDU{Type: dts.AckOnly, AddrSize: 7, From: 1<<24 | 2, To: 1<<24 | 1}
	if data.Len() != 222 {
		t.Fatalf("a D_PDU of %d bytes", data.Len())
	}
	const short, long = dts.ShortInterleaver, dts.LongInterleaver
	for _, row := range []struct {
		rate   int
		il     dts.Interleaver
		frames int
		cycle  float64 // s
		good   int     // bit/s
	}{
		{75, short, 5, 127.0, 63}, {75, long, 5, 138.4, 58}, {150, short, 10, 125.2, 128}, {150, long, 10, 138.4, 116},
		{300, short, 21, 130.6, 257}, {300, long, 20, 138.4, 231}, {600, short, 42, 130.6, 515},
		{1200, short, 85, 131.8, 1032}, {1200, long, 81, 138.4, 936}, {2400, short, 128, 100.6, 2036}, {2400, long, 128, 114.4, 1790},
		{3200, short, 128, 77.4, 2645}, {4800, long, 128, 60.2, 3402}, {6400, short, 128, 41.9, 4887}, {6400, long, 128, 47.3, 4331},
		{8000, short, 128, 34.4, 5958}, {8000, long, 128, 38.7, 5295}, {9600, short, 128, 30.1, 6811}, {9600, long, 128, 34.4, 5958},
	} {
		w := find(t, row.rate, row.il)
		cycle := w.Air(8*row.frames*data.Len()) + w.Air(8*ack.Len()) + 4*time.Second
		if d := cycle.Seconds() - row.cycle; d < -0.1 || d > 0.1 {
			t.Errorf("%s: %v, want %v s", w.Name, cycle, row.cycle)
		}
		if good := int(float64(row.frames*200*8)/cycle.Seconds() + 0.5); good < row.good-row.good/100-1 || good > row.good+row.good/100+1 {
			t.Errorf("%s: %d bit/s, want %d", w.Name, good, row.good)
		}
		// The Station counts as the modem does.
		if air := w.Timing(0).Air(8 * 1000); air != w.Air(8*1000) {
			t.Errorf("%s: %v and %v", w.Name, air, w.Air(8*1000))
		}
	}
}
