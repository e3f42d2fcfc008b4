package onair_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
	"longwire/tools/rig/onair"
)

// station starts a node and binds a client to it.
func station(t *testing.T, air *modem.Channel, name string, address dts.Address) *sis.Client {
	w, err := modem.Find(300, dts.ShortInterleaver)
	if err != nil {
		t.Fatal(err)
	}
	n, err := subnet.New(subnet.Config{Name: name, Address: address, Waveform: w}, air.Station(name))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	t.Cleanup(func() { stop(); tasks.Wait() })
	tasks.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	c, err := sis.Bind(ctx, sis.Binding{SAP: 6, Dial: func(context.Context) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		tasks.Go(func() { _ = n.SIS().Carry(ctx, sis.Carrier{ReadWriteCloser: far}) })
		return near, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	go func() {
		for {
			if _, err := c.Recv(ctx); err != nil {
				return
			}
		}
	}()
	return c
}

// What clients gave to their nodes is found on the air: each U_PDU once, however often its segments were sent.
func TestEachUPDUIsSeenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var reader onair.Reader
		var seen []*onair.Transmission
		air := modem.NewChannel(modem.ChannelConfig{Seed: 7, Fade: modem.Fade{Every: 90 * time.Second, Length: 4 * time.Second}, Observe: func(s modem.Signal) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, reader.Read(s))
		}})
		a := station(t, air, "a", 0x1010001)
		station(t, air, "b", 0x1010002)
		to := sis.MakeAddress(1, 1, 0, 2)
		said := [][]byte{[]byte("a few words"), bytes.Repeat([]byte("long and longer "), 128), []byte("blind")}
		for i, u := range said {
			mode := sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.NodeConfirmation}
			if i == 2 {
				mode = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 2}
			}
			if _, err := a.Unidata(context.Background(), sis.UnidataRequest{Destination: to, DestinationSAP: 6, DeliveryMode: mode, UPDU: u}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		got := map[string]int{}
		bits, links, acks := 0, 0, 0
		for _, x := range seen {
			bits += x.Bits
			links += len(x.Links)
			if x.Acks() && !x.Carries() {
				acks++
			}
			for _, u := range x.Units {
				got[string(u.UPDU)]++
				// S5066 A.3.1.1, B.3: an S_PDU adds three bytes, a C_PDU one.
				if u.SPDU != len(u.UPDU)+3 || u.CPDU != u.SPDU+1 || u.From != 0x1010001 || u.To != 0x1010002 {
					t.Errorf("a U_PDU of %d bytes: S_PDU %d, C_PDU %d, from %v to %v", len(u.UPDU), u.SPDU, u.CPDU, u.From, u.To)
				}
			}
		}
		for i, u := range said {
			if got[string(u)] != 1 {
				t.Errorf("U_PDU %d was seen %d times", i, got[string(u)])
			}
		}
		if len(got) != len(said) || links < 4 || acks == 0 {
			t.Errorf("%d different U_PDUs, %d messages about links, %d acknowledgements", len(got), links, acks)
		}
		if st := air.Stats(); st.Transmissions != len(seen) || int(st.Bits) != bits {
			t.Errorf("%d transmissions of %d bits, the channel says %d of %d", len(seen), bits, st.Transmissions, st.Bits)
		}
	})
}
