package cas_test

import (
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
)

// FuzzNode plays C_PDUs by any service to a node, one for each two bytes, and lets time pass in between. Everything comes to an end.
func FuzzNode(f *testing.F) {
	f.Add([]byte{0x00, 0x10}, uint16(1))
	f.Add([]byte{0x00, 0x11, 0x10, 0x05, 0x00, 0x10, 0x00, 0x41}, uint16(3))
	f.Add([]byte{0x00, 0x20, 0x00, 0x50, 0x00, 0x33, 0x01, 0x10, 0x11, 0x11, 0x12, 0x11}, uint16(7))
	f.Fuzz(func(t *testing.T, in []byte, wishes uint16) {
		n, err := cas.New(cas.Config{DTS: dts.Config{Address: nodeA, Timing: short(1200)}, MaxLinks: 2})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1e9, 0)
		if wishes&1 == 1 {
			n.Send(now, cas.Unit{To: address(1), SPDU: []byte("x")})
		}
		if wishes&2 == 2 {
			n.Establish(now, address(2))
		}
		live := func(d time.Duration) {
			end := now.Add(d)
			for steps := 0; ; steps++ {
				if steps > 10000 {
					t.Fatal("time stands still")
				}
				if tx := n.Transmit(now); tx != nil {
					now = now.Add(tx.Air)
					n.Sent(now)
				}
				next := n.Deadline()
				if next.IsZero() || next.After(end) {
					break
				}
				if next.After(now) {
					now = next
				}
				n.Tick(now)
			}
			now = end
			n.Tick(now)
		}
		for i := 0; i+1 < len(in) && i < 200; i += 2 {
			d := dts.PDU{To: nodeA, From: address(1 + int(in[i]>>4)), EOT: 2, Segment: in[i+1 : i+2]}
			switch in[i] & 3 {
			case 0:
				d.Type, d.Part = dts.ExpNonARQ, dts.Part{ID: uint16(i), Size: 1, Window: 2}
			case 1:
				d.Type, d.Frame = dts.DataOnly, dts.Frame{Start: true, End: true, InOrder: true, FSN: in[i] >> 2 & 3}
			case 2:
				d.Type, d.Acks, d.Segment = dts.AckOnly, dts.Acks{LWE: in[i+1]}, nil
			case 3:
				d.Type, d.Warning, d.Segment = dts.WarningType, dts.Warning{Reason: 1}, nil
			}
			n.Receive(now, now, &d)
			live(time.Duration(wishes>>4) * time.Second / 100)
		}
		for i := range 16 {
			n.Break(now, address(1+i), cas.BreakRequested)
		}
		live(400 * time.Hour)
		if q := n.Station().Queued(); q != 0 || len(n.Links()) != 0 {
			t.Fatalf("%d bytes, links %+v", q, n.Links())
		}
	})
}
