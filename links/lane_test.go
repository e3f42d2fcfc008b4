package links_test

import (
	"context"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/linktest"
)

// What another link takes is told to contacts whose senders look at the clock meanwhile.
func TestAnotherLinkPressesWhileTheClockIsLookedAt(t *testing.T) {
	node := linktest.NewNode(t, "headquarters.net", "field.net")
	desk := custody.NewDesks(node.DB).Desk("field.net")
	ours, end := linktest.NewFake(time.Millisecond)
	c := zero
	c.Link, c.Peer = "SatCom", "field.net"
	node.StartRunner(links.NewPump(c, ours, links.Env{DB: node.DB, In: node.Inbound(), Desk: desk}).Run)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := end.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100_000 {
			desk.Pass(nil)
		}
	}()
	select {
	case <-done:
		s.Close(nil)
		node.Stop()
	case <-time.After(30 * time.Second):
		t.Fatal("both wait for each other")
	}
}
