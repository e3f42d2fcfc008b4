package fmuc_test

import (
	"fmt"
	"testing"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
	"longwire/xmpp/router"
	"longwire/xmpp/stream"
)

// A line from headquarters comes to a node in the middle with 20 clients and a node below: taken, archived, told, passed
// on. Many in one commit, so that the flash is not what is measured.
func BenchmarkLineThroughTheMiddle(b *testing.B) {
	for _, kind := range []string{"standard", "longwire"} {
		b.Run(kind, func(b *testing.B) {
			w := fmuctest.New(b)
			w.Standard = kind == "standard"
			hq, field, ship := w.Node("hq"), w.Node("field"), w.Node("ship")
			up := w.Link(hq, field)
			down := w.Link(field, ship)
			hq.MakeRoom("ops", store.RoomFed{})
			field.MakeRoom("ops", store.RoomFed{Node: "ops@chat.hq.net", Allow: []string{"*"}})
			ship.MakeRoom("ops", store.RoomFed{Node: "ops@chat.field.net"})
			for _, n := range w.Nodes {
				n.QueueLimits = store.QueueLimits{Entries: 1 << 20, Bytes: 1 << 30}
				n.Start()
			}
			alice := hq.Enter("alice", "ops", "Alice")
			for i := range 20 {
				field.Enter(fmt.Sprint("u", i), "ops", fmt.Sprint("U", i))
			}
			ship.Enter("carol", "ops", "Carol")
			w.Flow()
			const batch = 100
			for b.Loop() {
				b.StopTimer()
				for i := range batch {
					alice.Say(fmt.Sprint("a line of forty characters, as people say ", i))
				}
				all := up.Take(hq)
				b.StartTimer()
				field.Update(func(t *router.Turn) error {
					for _, raw := range all {
						st, err := stream.ParseStanza([]byte(raw))
						if err != nil {
							return err
						}
						if err := field.Peers.Peer("hq").Deliver(t, st); err != nil {
							return err
						}
					}
					return nil
				})
				b.StopTimer()
				if n := len(down.Take(field)); n != batch {
					b.Fatalf("%d lines went on", n)
				}
				for _, c := range field.Clients() {
					c.Got()
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/line")
			b.ReportAllocs()
		})
	}
}
