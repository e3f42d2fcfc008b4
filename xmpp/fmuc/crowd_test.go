package fmuc_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/fmuc/fmuctest"
)

// aboard is a digest of so many at field.
func aboard(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n+Far%d\tu%d@field.net", i, i)
	}
	return "<presence from='ops@chat.field.net' to='ops@chat.hq.net'><fmuc xmlns='http://isode.com/protocol/fmuc'><s xmlns='urn:x-longwire:fmuc:0'>" +
		b.String()[1:] + "</s></fmuc></presence>"
}

// star is a node in the middle, hq, and two that have joined it.
func star(t *testing.T) (hq, ship *fmuctest.Node) {
	w := fmuctest.New(t)
	hq, ship = w.Node("hq"), w.Node("ship")
	hq.MakeRoom("ops", store.RoomFed{})
	for _, n := range []*fmuctest.Node{ship, w.Node("field")} {
		w.Link(hq, n)
		n.MakeRoom("ops", store.RoomFed{Node: "ops@chat.hq.net"})
	}
	for _, n := range w.Nodes {
		n.Start()
		n.Enter("user", "ops", "User at "+n.Name)
	}
	w.Flow()
	return hq, ship
}

// A node in the middle passes a whole crowd on in one go.
func TestACrowdThatPassesThroughCostsWhatItsHeadsCost(t *testing.T) {
	cost := func(n int) (bytes uint64) {
		bubble(t, func(t *testing.T) {
			hq, ship := star(t)
			raw := aboard(n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			hq.Arrive("field", raw)
			runtime.ReadMemStats(&after)
			bytes = (after.TotalAlloc - before.TotalAlloc) / uint64(n)
			hq.World.Flow()
			if got := strings.Split(ship.Clients()[0].Crowd(), ", "); !slices.Contains(got, fmt.Sprint("Far", n-1)) {
				t.Errorf("ship sees %q", got)
			}
		})
		return bytes
	}
	few, many := cost(50), cost(500)
	t.Logf("bytes a head: %d of 50, %d of 500", few, many)
	if many > 3*few {
		t.Errorf("each of 500 costs %d bytes, each of 50 %d", many, few)
	}
}
