package dts

import (
	"errors"
	"fmt"
	"time"
)

// Config is what a Station is made of. Zero fields mean the default.
type Config struct {
	Address Address   // of this node
	Groups  []Address // groups listened to besides Broadcast
	Timing  Timing    // of the modem; a peer may get its own by SetTiming

	AddrSize int // least size of addresses sent, 1 to 7; default 7
	Segment  int // bytes of a segment; default by rate and by what gets through
	Window   int // most frames sent and not acknowledged; default and maximum 128

	MaxTransmission time.Duration // default and maximum 127.5 s
	Brief           time.Duration // the same of what is less urgent than what others lately had to say; default 30 s
	Guard           time.Duration // from the end of a transmission to our answer; default 300 ms
	Hold            time.Duration // from the end of a transmission to a new one by a node it was not for; default at least 2 s
	Slot            time.Duration // step of random waiting: the time in which two senders do not notice each other; default by Timing

	Tries           int // rounds without an acknowledgement until the connection is lost; default 8
	ResetTries      int // the same of a reset or resynchronisation; default 3
	ManagementTries int // the same of a management message; default 3
	Copies          int // of control D_PDUs beyond the first where they take no more time; default 2, negative none

	MaxCPDU   int // bytes of the longest C_PDU put together by ARQ; default 65535
	MaxQueue  int // bytes of C_PDUs that wait; default 1 MiB
	MaxPeers  int // default 64
	MaxGather int // bytes of unfinished non-ARQ C_PDUs; default 1 MiB

	// RateAllowed tells whether the modem can change to r; nil means it cannot change at all.
	RateAllowed func(r Rate) RefuseReason

	Seed uint64 // of random waiting
}

// Errors of Send, and why a C_PDU failed.
var (
	ErrExpired   = errors.New("dts: time to live is over")
	ErrLost      = errors.New("dts: connection lost")
	ErrReset     = errors.New("dts: windows were reset, fate unknown")
	ErrCancelled = errors.New("dts: cancelled")
	ErrRefused   = errors.New("dts: the peer does not know this kind of D_PDU")
	ErrFull      = errors.New("dts: queue full")
	ErrTooLong   = errors.New("dts: C_PDU too long")
	ErrPeers     = errors.New("dts: too many peers")
	ErrPeer      = errors.New("dts: address of nobody or of a group")
	ErrRate      = errors.New("dts: no message can name this rate")
	ErrBusy      = errors.New("dts: a management message is under way")
)

// check fills in defaults and tells what makes no sense.
func (c *Config) check() error {
	switch {
	case c.Address == 0 || !c.Address.valid() || c.Address.Group():
		return fmt.Errorf("dts: address %s is not that of a node", c.Address)
	case c.Timing.Rate <= 0:
		return fmt.Errorf("dts: rate of %d bit/s", c.Timing.Rate)
	case c.AddrSize < 0 || c.AddrSize > MaxAddressSize:
		return fmt.Errorf("dts: address size %d is not within 1 to 7", c.AddrSize)
	case c.Segment < 0 || c.Segment > MaxSegment:
		return fmt.Errorf("dts: segment size %d is not within 1 to %d", c.Segment, MaxSegment)
	case c.Window < 0 || c.Window > maxWindow:
		return fmt.Errorf("dts: window %d is not within 1 to %d", c.Window, maxWindow)
	case c.Brief < 0:
		return fmt.Errorf("dts: brief transmissions of %s", c.Brief)
	case c.MaxTransmission < 0 || c.MaxTransmission > MaxTransmission:
		return fmt.Errorf("dts: transmissions of %s; the longest is %s", c.MaxTransmission, MaxTransmission)
	}
	def(&c.AddrSize, MaxAddressSize)
	def(&c.Window, maxWindow)
	def(&c.MaxTransmission, MaxTransmission)
	def(&c.Brief, 30*time.Second)
	c.Brief = min(c.Brief, c.MaxTransmission)
	def(&c.Guard, 300*time.Millisecond)
	def(&c.Hold, max(2*time.Second, c.Guard+c.Timing.Turnaround+c.Timing.Preamble+400*time.Millisecond))
	def(&c.Slot, c.Timing.Turnaround+200*time.Millisecond)
	def(&c.Tries, 8)
	def(&c.ResetTries, 3)
	def(&c.ManagementTries, 3)
	def(&c.Copies, 2)
	def(&c.MaxCPDU, 65535)
	def(&c.MaxQueue, 1<<20)
	def(&c.MaxPeers, 64)
	def(&c.MaxGather, 1<<20)
	// The longest transmission must hold one D_PDU of the size in use.
	if c.Segment > 0 && c.Timing.Capacity(c.MaxTransmission) < 8*(c.Segment+overhead) {
		return fmt.Errorf("dts: a segment of %d bytes does not fit %s at %d bit/s", c.Segment, c.MaxTransmission, c.Timing.Rate)
	}
	return nil
}

func def[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}
