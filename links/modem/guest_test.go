package modem

import (
	"io"
	"net"
	"testing"
	"time"

	"longwire/links/dts"
)

// Whatever a process says to a channel, the channel lives, and is quit of it when its connection ends.
func FuzzGuest(f *testing.F) {
	w, err := Find(9600, dts.ShortInterleaver)
	if err != nil {
		f.Fatal(err)
	}
	hello := (&packet{kind: helloPacket, version: etherVersion, text: "a"}).append(nil)
	send := (&packet{kind: sendPacket, id: 1, at: 1e9, wave: w, bits: []byte("hello")}).append(hello)
	f.Add(hello)
	f.Add(send)
	f.Add((&packet{kind: amendPacket, id: 1, from: 2, bits: []byte("y!?")}).append(send))
	f.Add((&packet{kind: amendPacket, id: 1, from: 1 << 31, bits: []byte("y!?")}).append(send))
	f.Add((&packet{kind: breakPacket, id: 1}).append(send))
	f.Add((&packet{kind: sendPacket, id: 2, wave: w}).append((&packet{kind: breakPacket, id: 1}).append(send)))
	f.Add((&packet{kind: sendPacket, id: 2, wave: w}).append(send))
	f.Fuzz(func(t *testing.T, input []byte) {
		c := NewChannel(ChannelConfig{Clock: Clock{Scale: 1000}, Seed: 1})
		other, err := c.Join("b")
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.guest(t.Context(), far)
		}()
		go io.Copy(io.Discard, near)
		_, _ = near.Write(input)
		near.Close()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("it is still there")
		}
		if _, err := c.Join("b"); err == nil {
			t.Error("the other was thrown out")
		}
		other.Close()
		if s := c.stations["a"]; s != nil && (s.user != nil || s.signal != nil) {
			t.Error("it left something behind")
		}
	})
}
