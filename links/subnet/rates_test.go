package subnet

import (
	"encoding/hex"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// TestRateChangeIsAnswered: S5066 C.6.4, the slave's first step.
func TestRateChangeIsAnswered(t *testing.T) {
	request := "90EB615402E8101000210100010200" + "0D08" // 2400 bit/s, short, from 1.1.0.1 to 1.1.0.2
	b, err := hex.DecodeString(request)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := modem.Find(2400, dts.ShortInterleaver)
	for _, c := range []struct {
		fixed  bool
		answer dts.EOW
	}{
		{false, dts.ResponseEOW(dts.RateAccept, dts.RefuseNone)},
		{true, dts.ResponseEOW(dts.RateRefuse, dts.RefuseAny)},
	} {
		n, err := New(Config{Address: 0x1010002, Waveform: w, FixedRate: c.fixed}, modem.NewChannel(modem.ChannelConfig{Seed: 1}).Station("B"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		n.heard(now, modem.Event{Kind: modem.CarrierOn, At: now, Waveform: w})
		n.heard(now, modem.Event{Kind: modem.Data, At: now, Start: now.Add(-time.Second), Waveform: w, Bits: b})
		n.heard(now.Add(time.Second), modem.Event{Kind: modem.CarrierOff, At: now})
		now = now.Add(3 * time.Second)
		n.cas.Tick(now)
		tx := n.cas.Transmit(now)
		if tx == nil {
			t.Fatalf("fixed %v: no answer", c.fixed)
		}
		p, _, err := dts.Decode(tx.Frames[0])
		if err != nil || p.Type != dts.Management || p.EOW != c.answer || !p.Message.Ack || !p.Message.Valid {
			t.Errorf("fixed %v: answered %+v, %v", c.fixed, p, err)
		}
	}
}
