// Package modem is what carries D_PDUs through the air: the waveforms of HF data modems, radio time, and modems. A Channel joins
// simulated ones in memory, with the collisions, fades and delays of half-duplex HF; ServeEther and DialEther join those of several
// processes; a Serial is a real one at a serial line.
package modem

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Clock is radio time. Scale 0 or 1 is ordinary time; else it runs so many times as fast since Epoch.
type Clock struct {
	Epoch time.Time
	Scale float64
}

func (c Clock) ordinary() bool { return c.Scale <= 0 || c.Scale == 1 }

// Now is the radio time at this moment.
func (c Clock) Now() time.Time {
	if c.ordinary() {
		return time.Now()
	}
	// A scaled time must not be compared with others by the monotonic clock.
	return c.Epoch.Add(time.Duration(float64(time.Since(c.Epoch)) * c.Scale)).Round(0)
}

// Real is how long to sleep for d of radio time.
func (c Clock) Real(d time.Duration) time.Duration {
	if c.ordinary() {
		return d
	}
	return time.Duration(float64(d) / c.Scale)
}

// Until is how long to sleep until t of radio time, so that it has come then.
func (c Clock) Until(t time.Time) time.Duration {
	d := c.Real(t.Sub(c.Now()))
	if c.ordinary() || t.Before(c.Now()) {
		return d
	}
	return d + 1 // rounding must not wake anybody early
}

// A Modem is one station's modem and radio on a half-duplex channel. Send is for one goroutine, Recv for another.
type Modem interface {
	// Send keys the transmitter, sends bits, the lowest of each byte first, and returns when the signal is over. A ctx that is done breaks
	// the signal off.
	Send(ctx context.Context, bits []byte, w Waveform) error
	// Recv waits for the next Event.
	Recv(ctx context.Context) (Event, error)
	Clock() Clock
	// Close breaks off what is sent, and unblocks Send and Recv, which return ErrClosed.
	Close() error
}

// ErrClosed is returned by a Modem that was closed.
var ErrClosed = errors.New("modem: closed")

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of Event. Each CarrierOn is followed by a CarrierOff, behind the last Data of that signal.
const (
	CarrierOn EventKind = iota + 1
	Data
	CarrierOff
)

// String names the kind.
func (k EventKind) String() string {
	switch k {
	case CarrierOn:
		return "carrier on"
	case Data:
		return "data"
	case CarrierOff:
		return "carrier off"
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// An Event is something a modem hears.
type Event struct {
	Kind EventKind
	At   time.Time // radio time at which the modem gave it out
	// Start is when the first of Bits was on the air; it is At without the delay of interleaver and decoder.
	Start    time.Time
	Waveform Waveform // CarrierOn, Data: as detected; the zero Waveform if it was not
	// Bits are lowest bit first and need not begin where the sender's bytes do. They are whole interleaver blocks, but for the bits
	// beyond the last whole byte, which come with the next block.
	Bits []byte
}
