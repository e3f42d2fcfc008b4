package node_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/subnet"
)

// radioScale is how much faster than the clock time runs on the simulated channel.
const radioScale = 100

// radio is a whole STANAG 5066 station on a simulated channel: the port of its SIS server, and the station.
func radio(t *testing.T, channel *modem.Channel, address string, rate int) (int, *subnet.Node) {
	t.Helper()
	a, err := dts.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	w, err := modem.Find(rate, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	n, err := subnet.New(subnet.Config{Name: address, Address: a, Waveform: w}, channel.Station(address))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 2)
	go func() { over <- n.Run(ctx) }()
	go func() { over <- n.SIS().Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-over; err != nil {
				t.Error(err)
			}
		}
	})
	return ln.Addr().(*net.TCPAddr).Port, n
}

func TestTwoNodesTalkOverASimulatedRadio(t *testing.T) {
	t.Parallel()
	channel := modem.NewChannel(modem.ChannelConfig{Clock: modem.Clock{Epoch: time.Now(), Scale: radioScale}, Seed: 1})
	hqPort, hqRadio := radio(t, channel, hqAddress, 1200)
	fieldPort, fieldRadio := radio(t, channel, fieldAddress, 1200)
	doc := func(domain, local string, port int, peer, remote string) string {
		head := hfHead(domain, local, &station{port: port})
		return strings.Replace(head, fmt.Sprintf("time_scale = %d", hfScale), fmt.Sprintf("time_scale = %d", radioScale), 1) + hfPeer(peer, remote, "longwire")
	}
	hq := start(t, write(t, t.TempDir(), doc("headquarters.net", hqAddress, hqPort, "field.net", fieldAddress)))
	field := start(t, write(t, t.TempDir(), doc("field.net", fieldAddress, fieldPort, "headquarters.net", hqAddress)))
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, field, "bob", "field.net")
	began := channel.Clock().Now()
	for i := range 3 {
		say(alice, bob, "bob@field.net", fmt.Sprint("a", i))
		say(bob, alice, "alice@headquarters.net", fmt.Sprint("b", i))
	}
	alice.send("<presence to='bob@field.net' type='subscribe'/>")
	bob.until("type='subscribe'")
	bob.send("<presence to='alice@headquarters.net' type='subscribed'/>")
	alice.until("type='subscribed'")
	drained(t, hq, "field.net")
	drained(t, field, "headquarters.net")
	took, sent := channel.Clock().Now().Sub(began), hqRadio.Status().Counts.Transmissions+fieldRadio.Status().Counts.Transmissions
	t.Logf("%.0f s of radio time, %d transmissions", took.Seconds(), sent)

	if sent == 0 || took > 30*time.Minute {
		t.Errorf("%d transmissions in %v", sent, took)
	}
}
