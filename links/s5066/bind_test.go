package s5066_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"longwire/links/s5066"
	"longwire/links/s5066/rcop"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// What the SIS server has given out counts as delivered with its sender: a node that is being stopped takes it, also when it is
// set up for the other mapping.
func TestRCOPReceiverIsStopped(t *testing.T) {
	playRCOP(t, sistest.Options{}, func(r *rig) { stopReceiver(t, r) })
	playUnlike(t, sistest.Options{}, func(r *rig) { stopReceiver(t, r) })
}

func stopReceiver(t *testing.T, r *rig) {
	r.b.mangle = func(u sis.UnidataIndication) []sis.UnidataIndication { return []sis.UnidataIndication{u} }
	rnd := rand.New(rand.NewPCG(1, 3))
	var want []string
	for i := range 100 {
		r.b.Start()
		for !r.b.status().Bound {
			time.Sleep(time.Second)
		}
		want = append(want, fmt.Sprint(i))
		h := rcop.Header{ID: uint8(i), Application: s5066.DefaultAppID}
		u, err := rcop.Segments(h, fmt.Appendf(nil, "<message from='x@headquarters.net' to='y@field.net'><body>%d</body></message>", i), 2048, rcop.Ed3)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.b.tap().say(sis.UnidataIndication{DestinationSAP: 6, Destination: addresses[1], TransmissionMode: sis.ARQ, SourceSAP: 6,
			Source: addresses[0], UPDU: u[0]}); err != nil {
			t.Fatal(err)
		}
		for range rnd.IntN(20) {
			runtime.Gosched()
		}
		r.b.Stop()
		if got := r.b.Received(); !slices.Equal(got, want) {
			t.Fatalf("got %q", got)
		}
	}
}

// What nobody confirms may wait in the server as long as it may live: EMCON takes it back too.
func TestEMCONTakesBackWhatNobodyConfirms(t *testing.T) {
	play(t, sistest.Options{Rate: 75}, func(r *rig) {
		r.a.config.TTL = time.Hour
		r.a.config.Peers[0].Delivery = s5066.DeliveryNoARQ
		r.start()
		send, gone := r.stranger(r.a.air, 7)
		defer gone()
		send(addresses[1], 7, make([]byte, 2000)) // 213 s
		time.Sleep(time.Second)
		r.a.Send("hello")
		time.Sleep(150 * time.Second)
		r.a.silence(true)
		time.Sleep(time.Hour)
		if n := r.a.air.Sent(); n != 1 {
			t.Errorf("%d transmissions, want the stranger's", n)
		}
		if got := r.b.Received(); len(got) != 0 {
			t.Errorf("heard %q", got)
		}
	})
}

// A command that comes while a link is between two configurations holds.
func TestEMCONBeforeTheLinkRuns(t *testing.T) {
	play(t, hf, func(r *rig) {
		r.start()
		if err := r.a.m.Apply(nil); err != nil {
			t.Fatal(err)
		}
		if err := r.a.m.SetEMCON("5066 link", true); err == nil {
			t.Error("no link, and no error")
		}
		if err := r.a.m.Apply([]s5066.Config{r.a.config}); err != nil {
			t.Fatal(err)
		}
		r.a.Send("hello")
		time.Sleep(time.Hour)
		if n := r.a.air.Sent(); n != 0 {
			t.Errorf("%d U_PDUs under EMCON", n)
		}
	})
}
