package board

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoLines is wrapped when a port has no modem lines, as pseudo terminals.
var ErrNoLines = errors.New("it has no modem lines (RTS, DTR, CTS)")

// SetRTS raises or lowers Request To Send.
func (p *Port) SetRTS(on bool) error { return p.setLine("RTS", unix.TIOCM_RTS, on) }

// SetDTR raises or lowers Data Terminal Ready.
func (p *Port) SetDTR(on bool) error { return p.setLine("DTR", unix.TIOCM_DTR, on) }

// CTS tells whether Clear To Send is up.
func (p *Port) CTS() (on bool, err error) { return p.line("CTS", unix.TIOCM_CTS) }

// DCD tells whether Data Carrier Detect is up.
func (p *Port) DCD() (on bool, err error) { return p.line("DCD", unix.TIOCM_CAR) }

func (p *Port) setLine(name string, bit int, on bool) error {
	request := uint(unix.TIOCMBIC)
	if on {
		request = unix.TIOCMBIS
	}
	err := p.control(func(fd int) error { return unix.IoctlSetPointerInt(fd, request, bit) })
	return p.lineError("setting "+name, err)
}

func (p *Port) line(name string, bit int) (on bool, err error) {
	err = p.control(func(fd int) error {
		lines, err := unix.IoctlGetInt(fd, unix.TIOCMGET)
		on = lines&bit != 0
		return err
	})
	return on, p.lineError("reading "+name, err)
}

func (p *Port) lineError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("board: %s of %s: %w", what, p.name, ErrNoLines)
	}
	return fmt.Errorf("board: %s of %s: %w", what, p.name, err)
}

// queued is how many bytes the driver still has.
func (p *Port) queued() (n int, err error) {
	err = p.control(func(fd int) error {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n, err
}

// Drain waits until the last byte written is on the line.
func (p *Port) Drain(ctx context.Context) error {
	for {
		n, err := p.queued()
		if err != nil {
			return fmt.Errorf("board: draining %s: %w", p.name, err)
		}
		if n == 0 {
			// Only the chip itself can hold something now, so this is short.
			err := p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCSBRK, 1) })
			if err != nil {
				return fmt.Errorf("board: draining %s: %w", p.name, err)
			}
			return nil
		}
		wait := min(max(time.Duration(n)*10*time.Second/time.Duration(p.baud), time.Millisecond), tick)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A LineKeyer keys a transmitter by a line of a serial port.
type LineKeyer struct {
	Port   *Port
	DTR    bool // by this line; else by RTS
	Invert bool // a low line keys
}

// Key switches the transmitter.
func (k LineKeyer) Key(on bool) error {
	if k.DTR {
		return k.Port.SetDTR(on != k.Invert)
	}
	return k.Port.SetRTS(on != k.Invert)
}

// Clear tells whether the modem says by CTS that it takes data.
func (k LineKeyer) Clear() (bool, error) { return k.Port.CTS() }
