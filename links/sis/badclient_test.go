package sis_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/links/sis"
)

// Whatever a client says, it alone bears the end, and another client of the same node does not notice.
func TestABadClientHarmsNoOther(t *testing.T) {
	keep := strings.Repeat("FF", 65535-1)
	huge := hex.EncodeToString(make([]byte, 65535-12))
	for _, c := range []struct {
		name string
		hex  string // after its bind
		end  func(*testing.T, *guest)
		log  string // what the node is told of it
	}{
		{"truncated, then closed", "90 EB 00 00 16 14 56 E1 01 00 02", func(t *testing.T, g *guest) {
			g.near.Close()
			if err := <-g.done; err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
				t.Error(err)
			}
		}, "[bound 6 unbound 6]"},
		{"truncated, then silent", "90 EB 00 00 16 14 56 E1 01 00 02", func(t *testing.T, g *guest) {
			start := time.Now()
			g.hears(sis.KeepAlive{})
			g.hears(sis.UnbindIndication{Reason: sis.UnbindNoKeepAlive})
			if d := time.Since(start); d != 130*time.Second {
				t.Errorf("after %v", d)
			}
			g.closed("node ended the bind")
		}, "[bound 6 unbound 6]"},
		{"truncated envelope, then silent", "90 EB 00", func(t *testing.T, g *guest) {
			g.hears(sis.KeepAlive{})
			g.hears(sis.UnbindIndication{Reason: sis.UnbindNoKeepAlive})
			g.closed("node ended the bind")
		}, "[bound 6 unbound 6]"},
		{"wrong version", "90 EB 01 00 01 11", func(t *testing.T, g *guest) { g.closed("version 1") }, "[bound 6 unbound 6]"},
		{"no preamble", "90 EA 00 00 01 11", func(t *testing.T, g *guest) { g.closed("no preamble") }, "[bound 6 unbound 6]"},
		{"size 0", "90 EB 00 00 00", func(t *testing.T, g *guest) { g.closed("size 0") }, "[bound 6 unbound 6]"},
		{"the largest envelope, of no type", "90 EB 00 FF FF 1C" + keep, goesOn, "[bound 6 unidata \"on\"]"},
		{"the largest envelope, a bind", "90 EB 00 FF FF 01" + keep, goesOn, "[bound 6 unidata \"on\"]"},
		{"a request that says more than its envelope holds", "90 EB 00 00 0C 14 06 E1 01 00 02 14 00 00 3C FF FF", goesOn, "[bound 6 unidata \"on\"]"},
		{"a request of 65,523 bytes", "90 EB 00 FF FF 14 06 E1 01 00 02 14 00 00 3C FF F3" + huge, func(t *testing.T, g *guest) {
			g.hears(sis.UnidataRequestRejected{Reason: sis.RejectTooLong, DestinationSAP: 6, Destination: nodeB, UPDU: make([]byte, 64)})
			goesOn(t, g)
		}, "[bound 6 unidata \"on\"]"},
		{"4 of no type", strings.Repeat("90 EB 00 00 01 1C", 4), goesOn, "[bound 6 unidata \"on\"]"},
		{"5 of no type", strings.Repeat("90 EB 00 00 01 1C", 5), func(t *testing.T, g *guest) {
			g.hears(sis.UnbindIndication{Reason: sis.UnbindInvalidPrimitives})
			g.closed("node ended the bind")
		}, "[bound 6 unbound 6]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, sis.ServerConfig{Head: 64}, func(t *testing.T, r *recorder) {
				good := r.visit(t, false)
				good.bind(7, 0)
				r.logged()
				bad := r.visit(t, false)
				bad.bind(6, 0)
				alive := make(chan struct{})
				go func() { // the good one is quick to answer
					defer close(alive)
					for {
						p, err := good.in.Next()
						if err != nil {
							return
						}
						if p.Type() == sis.TypeKeepAlive {
							good.say(p)
						}
						if q, ok := p.(sis.UnidataRequestConfirm); ok && string(q.UPDU) == "fine" {
							return
						}
					}
				}()
				bad.raw(c.hex)
				c.end(t, bad)
				if got := fmt.Sprint(r.logged()); got != c.log {
					t.Errorf("the node was told %s, want %s", got, c.log)
				}
				for len(r.requests) > 0 {
					<-r.requests
				}
				good.say(sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60, UPDU: []byte("fine")})
				(<-r.requests).Confirm()
				<-alive
				if r.server.Port(7) == nil {
					t.Error("the other client is unbound")
				}
			})
		})
	}
}

// goesOn: the client is still served.
func goesOn(t *testing.T, g *guest) {
	t.Helper()
	g.say(sis.KeepAlive{})
	g.hears(sis.KeepAlive{})
	g.say(sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60, UPDU: []byte("on")})
}

// A SAP that is taken stays with its owner, who is served while others ask for it.
func TestATakenSAPStaysWithItsOwner(t *testing.T) {
	serve(t, sis.ServerConfig{}, func(t *testing.T, r *recorder) {
		owner := r.visit(t, false)
		owner.bind(6, 3)
		for i := range 8 {
			g := r.visit(t, false)
			g.say(sis.BindRequest{SAP: 6, Rank: 3, ServiceType: sis.Arq()})
			g.hears(sis.BindRejected{Reason: sis.BindSAPTaken})
			text := fmt.Sprint("still here ", i)
			owner.say(sis.UnidataRequest{DestinationSAP: 6, Destination: nodeB, TTL: 60, UPDU: []byte(text)})
			(<-r.requests).Confirm()
			owner.hears(sis.UnidataRequestConfirm{DestinationSAP: 6, Destination: nodeB, UPDU: []byte(text)})
			g.near.Close()
			<-g.done
		}
		if got := fmt.Sprint(r.logged()[:1]); got != "[bound 6]" || r.server.Port(6).Rank != 3 {
			t.Errorf("%s, %+v", got, r.server.Port(6))
		}
	})
}

// What a node should not send ends the bind only where the framing is gone; a client never takes more than it was told for a U_PDU.
func TestTheLargestPrimitivesOfANodeAreRead(t *testing.T) {
	rd := sis.NewReader(bytes.NewReader(unhex(t, "90 EB 00 FF FF 1C"+strings.Repeat("FF", 65534)+"90 EB 00 FF FF 15 06 E1 01 00 02 16 E1 01 00 01 FF F2"+
		strings.Repeat("00", 65522)+"90 EB 00 00 01 11")))
	if p, err := rd.Next(); p != nil || err == nil || err.Error() != "sis: primitive 28, byte 0: unknown type" {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := rd.Next(); err != nil || len(p.(sis.UnidataIndication).UPDU) != 65522 {
		t.Errorf("%v", err)
	}
	if p, err := rd.Next(); err != nil || p != (sis.KeepAlive{}) {
		t.Errorf("%v, %v", p, err)
	}
}
