package dts_test

import (
	"testing"
	"time"

	"longwire/links/dts"
)

// FuzzStation plays anything to a station: bytes as the modem would hand them out, with times and wishes of its own in between.
func FuzzStation(f *testing.F) {
	var all []byte
	for _, v := range vectors() {
		b := unhex(f, v.hex)
		f.Add(b, uint16(3))
		all = append(all, b...)
	}
	f.Add(all, uint16(0xffff))
	f.Add(unhex(f, vectors()[0].hex+vectors()[9].hex+vectors()[0].hex), uint16(0x1234))
	f.Fuzz(func(t *testing.T, in []byte, wishes uint16) {
		s, err := dts.New(dts.Config{Address: nodeB, Timing: short(1200), RateAllowed: func(dts.Rate) dts.RefuseReason { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1e9, 0)
		s.Connect(now, nodeA, wishes&1 == 0)
		for i := range 4 {
			if wishes>>(4+i)&1 == 1 {
				s.Send(now, dts.Request{To: nodeA, Service: dts.Service(i), CPDU: make([]byte, 100), Expires: now.Add(time.Hour)})
			}
		}
		if wishes>>8&1 == 1 {
			s.RequestRate(nodeA, dts.Rate{Bits: 600})
		}
		var sc dts.Scanner
		feed := func(b []byte) {
			sc.Write(b)
			sc.End()
			for x, ok := sc.Next(); ok; x, ok = sc.Next() {
				if x.Fault != nil {
					s.Invalid(now, now, &x.PDU)
				} else {
					s.Receive(now, now, &x.PDU)
				}
			}
		}
		live := func(d time.Duration) {
			end := now.Add(d)
			for steps := 0; ; steps++ {
				if steps > 10000 {
					t.Fatal("time stands still")
				}
				if tx := s.Transmit(now); tx != nil {
					now = now.Add(tx.Air)
					s.Sent(now)
				}
				next := s.Deadline()
				if next.IsZero() || next.After(end) {
					break
				}
				if next.After(now) {
					now = next
				}
				s.Tick(now)
			}
			now = end
			s.Tick(now)
		}
		for len(in) > 0 {
			n := min(len(in), 1+int(wishes%200))
			feed(in[:n])
			in = in[n:]
			live(time.Duration(wishes>>9) * time.Second / 4)
		}
		live(300 * time.Hour)
		if s.Queued() != 0 {
			t.Fatalf("%d bytes never came to an end: %+v", s.Queued(), s.Status(nodeA))
		}
	})
}
