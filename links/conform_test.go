package links_test

import (
	"testing"
	"time"

	"longwire/links"
	"longwire/links/linktest"
)

// fake is two ends in memory, 300 ms apart.
func fake(testing.TB) linktest.Ends {
	a, b := linktest.NewFake(300 * time.Millisecond)
	return linktest.Ends{A: a, B: b, Cut: a.Cut}
}

func TestFakeConforms(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    linktest.Case
	}{
		{"pipelined, zero RTT", linktest.Case{Config: links.Config{ZeroRTT: true}}},
		{"pipelined, zero RTT, both dial", linktest.Case{Config: links.Config{ZeroRTT: true}, Both: true}},
		{"pipelined, safe resume", linktest.Case{Again: true}},
		{"pipelined, safe resume, both dial", linktest.Case{Both: true, Again: true}},
		{"implicit", linktest.Case{Config: links.Config{Management: links.Implicit}, Again: true}},
		{"implicit, both dial", linktest.Case{Config: links.Config{Management: links.Implicit}, Both: true, Again: true}},
		{"idle close", linktest.Case{Config: links.Config{ZeroRTT: true, IdleClose: 20 * time.Second, AckIdle: 5 * time.Second}, Both: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Make = fake
			linktest.Conform(t, tt.c)
		})
	}
}
