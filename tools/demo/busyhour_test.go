package main

import (
	"strings"
	"testing"

	"longwire/links/dts"
	"longwire/links/modem"
)

// The hour takes an eighth of the bytes that a compressed stream takes, and gets through where that does not.
func TestBusyHour(t *testing.T) {
	w, err := modem.Find(75, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	link, err := newFolded([]string{"ops@chat.field.net"})
	if err != nil {
		t.Fatal(err)
	}
	traffic := busyHour(2)
	a, z := live(w, traffic, link), live(w, traffic, newDeflated())
	t.Logf("%+v\n%+v", a, z)
	if a.messages != z.messages || 8*a.bytes > z.bytes || a.end.Hours() > 1.1 {
		t.Errorf("%d messages in %d bytes by %v, and %d in %d by %v", a.messages, a.bytes, a.end, z.messages, z.bytes, z.end)
	}
	var out strings.Builder
	if err := newPage(&out, false).hourTable(w); err != nil || !strings.Contains(out.String(), "zlib -9 (XEP-0138)") {
		t.Errorf("%s %v", out.String(), err)
	}
}
