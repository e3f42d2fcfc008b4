package subnet

import (
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/spdu"
)

// newStill makes a node that nobody runs, for tests that call the loop's work themselves.
func newStill(tb testing.TB) *Node {
	tb.Helper()
	w, err := modem.Find(2400, dts.ShortInterleaver)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := New(Config{Address: 0x1010001, Waveform: w}, modem.NewChannel(modem.ChannelConfig{Seed: 1}).Station("A"))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// FuzzStranger has a node hear what anybody may send: S_PDUs by every service, and bits from the modem. It must neither fall over nor
// remember without bound.
func FuzzStranger(f *testing.F) {
	for _, p := range []spdu.PDU{
		{Type: spdu.Data, Priority: 5, Source: 6, Dest: 6, Confirm: true, Data: []byte("hello")},
		{Type: spdu.DataConfirm, Source: 6, Dest: 6, Data: []byte("hello")},
		{Type: spdu.LinkRequest, LinkType: 2, Source: 6, Dest: 7}, {Type: spdu.LinkRequest, LinkType: 0},
		{Type: spdu.LinkConfirm}, {Type: spdu.Terminate, Reason: 1}, {Type: spdu.TerminateConfirm},
	} {
		b, err := p.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(0), uint8(3))
		f.Add(b, uint8(1), uint8(200))
	}
	f.Add([]byte{0x90, 0xEB, 0x10, 0x00, 0x01, 0xE7, 0x10, 0x10, 0x00, 0x11, 0x01, 0x00, 0x02, 0x01, 0x32, 0x0C}, uint8(9), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, how, times uint8) {
		n := newStill(t)
		now := time.Now()
		for i := range int(times) {
			from := dts.Address(0x1010002 + i%3)
			now = now.Add(time.Duration(how) * time.Second)
			if how < 8 {
				n.delivered(now, &cas.Delivery{From: from, To: 0x1010001, Service: dts.Service(how & 3), SPDU: b})
			} else {
				w := n.cfg.Waveform
				n.heard(now, modem.Event{Kind: modem.CarrierOn, At: now, Waveform: w})
				n.heard(now, modem.Event{Kind: modem.Data, At: now, Start: now.Add(-time.Duration(i) * time.Second), Waveform: w, Bits: b})
				n.heard(now, modem.Event{Kind: modem.CarrierOff, At: now})
			}
			n.settle(now)
			n.tick(now)
			n.settle(now)
			n.deadline(now)
		}
		if q := n.cas.Station().Queued(); q > 64*int(times)+1024 {
			t.Errorf("%d bytes wait after %d S_PDUs", q, times)
		}
		if len(n.unsaid) > mostAnswers || len(n.owed) > int(times) || len(n.hang) > int(times) {
			t.Errorf("it remembers %d, %d, %d", len(n.unsaid), len(n.owed), len(n.hang))
		}
		_ = n.Status()
	})
}
