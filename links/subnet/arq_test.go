package subnet_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/subnet"
)

func TestARQBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, 2, 300, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 6})
		a.send(1, sis.UnidataRequest{DestinationSAP: 6, Priority: 5}, "to B")
		b.send(0, sis.UnidataRequest{DestinationSAP: 6}, "to A")
		time.Sleep(3 * time.Minute)
		atA, atB := a.heard(), b.heard()
		if got := texts(atB); !slices.Equal(got, []string{"to B"}) {
			t.Errorf("B got %q", got)
		}
		if got := texts(atA); !slices.Equal(got, []string{"to A"}) {
			t.Errorf("A got %q", got)
		}
		if len(atA) != 2 || len(atB) != 2 {
			t.Errorf("A heard %v, B heard %v: want a U_PDU and a confirmation each", atA, atB)
		}
		t.Logf("%+v", x.nodes[0].Status())
	})
}
