package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/linktest"
	"longwire/links/modem"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/subnet"
	"longwire/store"
)

// A station is a whole node for a test in a bubble of its own time: queue, link, SIS server, modem.
type stack struct {
	*linktest.Node
	t       testing.TB
	links   *s5066.Manager
	subnet  *subnet.Node
	domain  string
	ctx     context.Context
	clients sync.WaitGroup
}

var stackDomains = [2]string{"headquarters.net", "field.net"}

// stacks are two stations on one channel.
func stacks(t testing.TB, w modem.Waveform, air *modem.Channel, peer s5066.PeerConfig) (s [2]*stack) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for i := range s {
		n, err := subnet.New(subnet.Config{Name: stackDomains[i], Address: 0x1010001 + dts.Address(i), Waveform: w, CAS: cas.Config{DTS: dts.Config{Seed: 1}}}, air.Station(stackDomains[i]))
		if err != nil {
			t.Fatal(err)
		}
		k := &stack{Node: linktest.NewNode(t, stackDomains[i], stackDomains[1-i]), t: t, subnet: n, domain: stackDomains[i], ctx: ctx}
		s[i] = k
		tasks.Go(func() { _ = n.Run(ctx) })
		k.links = s5066.NewManager(s5066.Env{DB: k.DB, In: k.Inbound(), Dial: map[string]s5066.Dialer{"tcp": k.dial}})
		p := peer
		p.Peer, p.RemoteAddress, p.Mapping, p.Domains, p.LocalDomains = stackDomains[1-i], sis.MakeAddress(1, 1, 0, byte(2-i)), s5066.Longwire, stackDomains[1-i:2-i], stackDomains[i:i+1]
		if err := k.links.Apply([]s5066.Config{{Name: "hf", Server: s5066.Server{Address: "x:1"}, SAP: 6, LocalAddress: sis.MakeAddress(1, 1, 0, byte(1+i)), Compress: true, Peers: []s5066.PeerConfig{p}}}); err != nil {
			t.Fatal(err)
		}
		k.StartRunner(k.links.Run)
	}
	t.Cleanup(func() {
		for _, k := range s {
			k.Stop()
		}
		stop()
		tasks.Wait()
		for _, k := range s {
			k.clients.Wait()
		}
	})
	return s
}

func (k *stack) dial(context.Context, s5066.Server) (io.ReadWriteCloser, error) {
	near, far := net.Pipe()
	k.clients.Go(func() { _ = k.subnet.SIS().Carry(k.ctx, sis.Carrier{ReadWriteCloser: far, Name: "pipe"}) })
	return near, nil
}

// say queues a message from one person to another.
func (k *stack) say(class store.Class, body string) {
	k.t.Helper()
	from, to := "a@"+k.domain+"/x", "b@"+k.Peer()+"/y"
	k.Put(store.Entry{Kind: store.KindChat, Class: class, From: from, To: to, Queued: time.Now(),
		Stanza: []byte("<message from='" + from + "' to='" + to + "' type='chat'><body>" + body + "</body></message>")})
}

// came waits until a message is there.
func (k *stack) came(body string, within time.Duration) time.Duration {
	k.t.Helper()
	begin := time.Now()
	for time.Since(begin) < within {
		if slices.Contains(k.Received(), body) {
			return time.Since(begin)
		}
		time.Sleep(100 * time.Millisecond)
	}
	k.t.Fatalf("%.20q did not come within %v", body, within)
	return 0
}

// met has both hear of each other.
func met(s [2]*stack) {
	s[0].say(store.ClassRoutine, "radio check")
	s[1].came("radio check", time.Hour)
	s[1].say(store.ClassRoutine, "loud and clear")
	s[0].came("loud and clear", time.Hour)
	time.Sleep(10 * time.Second)
}

// noise is text that nothing compresses by much.
func noise(rnd *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz012345"[rnd.IntN(32)]
	}
	return string(b)
}

func TestFlashBehindTenKilobytes(t *testing.T) {
	w, err := modem.Find(300, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	moments, step := 40, 1700*time.Millisecond
	if testing.Short() {
		moments, step = 5, 13*time.Second
	}
	for i := range moments {
		synctest.Test(t, func(t *testing.T) {
			s := stacks(t, w, modem.NewChannel(modem.ChannelConfig{Seed: 1}), s5066.PeerConfig{})
			met(s)
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			var long []string
			for range 100 {
				long = append(long, noise(rnd, 100))
				s[0].say(store.ClassRoutine, long[len(long)-1])
			}
			at := 2*time.Second + time.Duration(i)*step
			time.Sleep(at)
			s[0].say(store.ClassFlash, "flash: bridge is down")
			took := s[1].came("flash: bridge is down", time.Hour)
			if all = append(all, took); took > 20*time.Second {
				t.Errorf("a flash that came after %v waited %v", at, took)
			}
			if n := len(s[1].Received()); n > 100 {
				t.Fatalf("%d came before it", n)
			}
			s[1].came(long[99], time.Hour)
			time.Sleep(10 * time.Minute)
			got := slices.DeleteFunc(s[1].Received(), func(s string) bool { return strings.HasPrefix(s, "flash") })
			if !slices.Equal(got[1:], long) || s[0].Waiting() > 0 {
				t.Errorf("%d of %d lines came, %d wait", len(got)-1, len(long), s[0].Waiting())
			}
		})
	}
	slices.Sort(all)
	t.Logf("median %v, longest %v of %d", all[len(all)/2], all[len(all)-1], len(all))
}

func TestHalfADayOfSilence(t *testing.T) {
	w, err := modem.Find(300, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		air := modem.NewChannel(modem.ChannelConfig{Seed: 1})
		s := stacks(t, w, air, s5066.PeerConfig{Delivery: s5066.DeliveryNoARQ, Repeats: 1})
		met(s)
		time.Sleep(time.Hour)
		silent := func(on bool) {
			if err := s[1].links.SetEMCON("hf", on); err != nil {
				t.Fatal(err)
			}
			s[1].subnet.SetEMCON(on)
		}
		sent := func() uint64 { return s[1].subnet.Status().Counts.Transmissions }
		silent(true)
		before := sent()
		var toField, toHQ []string
		for i := range 100 {
			toField = append(toField, fmt.Sprint("order ", i))
			s[0].say(store.ClassRoutine, toField[i])
			if i%20 == 0 {
				toHQ = append(toHQ, fmt.Sprint("report ", i))
				s[1].say(store.ClassRoutine, toHQ[len(toHQ)-1])
			}
			time.Sleep(7 * time.Minute)
		}
		time.Sleep(20 * time.Minute)
		if n := sent() - before; n != 0 {
			t.Errorf("%d transmissions in silence", n)
		}
		if got := s[1].Received(); !slices.Equal(got[1:], toField) {
			t.Errorf("%d of %d came in silence", len(got)-1, len(toField))
		}
		silent(false)
		time.Sleep(30 * time.Minute)
		if n := sent() - before; n != 1 {
			t.Errorf("%d transmissions afterwards, want one burst", n)
		}
		if got := s[0].Received(); !slices.Equal(got[1:], toHQ) {
			t.Errorf("%q came afterwards", got)
		}
		time.Sleep(24 * time.Hour)
		if got := s[1].Received(); !slices.Equal(got[1:], toField) || s[0].Waiting()+s[1].Waiting() > 0 {
			t.Errorf("%d of %d came in the end, %d and %d are not confirmed", len(got)-1, len(toField), s[0].Waiting(), s[1].Waiting())
		}
	})
}
