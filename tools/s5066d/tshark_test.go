//go:build integration

package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

// TestWiresharkReadsTheTrace has Wireshark look at the trace of a conversation on a bad channel.
func TestWiresharkReadsTheTrace(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	file := filepath.Join(t.TempDir(), "air.pcap")
	trace := &tracer{log: slog.New(slog.DiscardHandler)}
	if err := trace.set(Trace{File: file, MaxMiB: 16, Keep: 1}); err != nil {
		t.Fatal(err)
	}
	sent := 0
	// What is received damaged is Incorrect rightly, so only what is sent is looked at.
	synctest.Test(t, func(t *testing.T) {
		converse5066(t, func(f subnet.Frame) {
			if f.Sent {
				sent++
				trace.put(f)
			}
		})
	})
	trace.closeFile()
	out, err := exec.Command(tshark, "-r", file, "-V", "-O", "s5066dts").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if bad := regexp.MustCompile(`.*(Malformed|Incorrect).*`).FindAll(out, 5); len(bad) > 0 {
		t.Errorf("%s", bad)
	}
	shown := map[string]int{}
	for _, m := range regexp.MustCompile(`DPDU Type (\w+)`).FindAllSubmatch(out, -1) {
		shown[string(m[1])]++
		shown["all"]++
	}
	t.Logf("%d D_PDUs: %v", sent, shown)
	if sent == 0 || shown["all"] != sent {
		t.Errorf("Wireshark shows %d of %d D_PDUs", shown["all"], sent)
	}
	for _, kind := range []string{"DATA_ONLY", "ACK_ONLY", "EXP_DATA_ONLY", "EXP_ACK_ONLY", "NON_ARQ_DATA", "EXP_NON_ARQ_DATA"} {
		if shown[kind] == 0 {
			t.Errorf("no %s among them", kind)
		}
	}
}

// converse5066 lets two nodes use every service.
func converse5066(t *testing.T, trace func(subnet.Frame)) {
	air := modem.NewChannel(modem.ChannelConfig{Seed: 1, Burst: modem.Burst{GoodErrors: 5e-5}})
	w, err := modem.Find(300, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	var clients []*sis.Client
	for i := range 2 {
		n, err := subnet.New(subnet.Config{Address: dts.Address(0x1010001 + i), Waveform: w, Trace: trace}, air.Station(string(rune('A'+i))))
		if err != nil {
			t.Fatal(err)
		}
		tasks.Go(func() { _ = n.Run(ctx) })
		c, err := sis.Bind(ctx, sis.Binding{SAP: 13, Dial: func(context.Context) (io.ReadWriteCloser, error) {
			near, far := net.Pipe()
			tasks.Go(func() { _ = n.SIS().Carry(ctx, sis.Carrier{ReadWriteCloser: far, Name: "pipe"}) })
			return near, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	for i := range 12 {
		q := sis.UnidataRequest{DestinationSAP: 13, Destination: sis.MakeAddress(1, 1, 0, byte(2-i%2)), UPDU: make([]byte, 40*i), TTL: sis.TTLOf(time.Hour)}
		switch i % 4 {
		case 1:
			q.DeliveryMode = sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.ClientConfirmation}
			q.Expedited = i > 6
		case 2:
			q.DeliveryMode = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 1}
			q.Destination = sis.Broadcast
		}
		if _, err := clients[i%2].Unidata(ctx, q); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 10 * time.Second)
	}
	if err := clients[0].Send(ctx, sis.HardLinkEstablish{HardLink: sis.HardLink{RemoteNode: sis.MakeAddress(1, 1, 0, 2)}}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Minute)
}
