package subnet_test

import (
	"testing"
	"time"

	"longwire/links/sis"
	"longwire/links/subnet"
)

// Two stations of one address answer the same calls: the operator of each is told.
func TestAStationWithOurAddressIsNoticed(t *testing.T) {
	play(t, "twin", func(t *testing.T) {
		x := newWorld(t, 2, 300, subnet.Config{})
		x.halt(1)
		x.cfg[1].Address = address(0)
		x.start(1)
		x.bind(1, sis.Binding{SAP: 6}).send(2, sis.UnidataRequest{DestinationSAP: 6, Destination: sis.Broadcast,
			DeliveryMode: sis.ServiceType{TransmissionMode: sis.NonARQ}}, "to all")
		time.Sleep(time.Minute)
		if own, other := x.nodes[1].Status().Counts.Twin, x.nodes[0].Status().Counts.Twin; own != 0 || other == 0 {
			t.Errorf("the sender noticed %d, the other %d", own, other)
		}
	})
}
