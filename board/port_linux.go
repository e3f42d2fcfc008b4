package board

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// PortConfig is how to open a serial port. Zero fields mean the default.
type PortConfig struct {
	Name      string // /dev/ttyUSB0
	Baud      int    // default 9600
	DataBits  int    // 5 to 8; default 8
	Parity    byte   // 'N', 'E' or 'O'; default 'N'
	StopBits  int    // 1 or 2; default 1
	Handshake bool   // RTS and CTS stop and start the bytes; the driver does it
	// Low lowers RTS and DTR at once, for a radio that is keyed by one of them. The kernel raises both when a port is opened, so there
	// is a pulse of some microseconds.
	Low bool
}

// Port is an open serial port. One goroutine reads and one writes; all the rest may be called by any, and Close unblocks everything.
type Port struct {
	name string
	baud int
	tarm *serial.Port
	ctl  *os.File // the same port once more: tarm's has no door to ioctl

	closed  atomic.Bool
	writing sync.Mutex // held by Write
}

var _ io.ReadWriteCloser = (*Port)(nil)

const (
	tick     = 100 * time.Millisecond // the least tarm/serial can wait
	chunk    = 256                    // bytes the driver gets at once
	farewell = 2 * time.Second        // that Close waits for bytes on their way
)

// Open opens a serial port and keeps others off it. When it is closed, or its process dies, the kernel lowers RTS and DTR.
func Open(c PortConfig) (*Port, error) {
	if c.Baud == 0 {
		c.Baud = 9600
	}
	if c.DataBits < 0 || c.DataBits > 8 || c.StopBits < 0 || c.StopBits > 2 {
		return nil, fmt.Errorf("board: serial port %s: %d data bits and %d stop bits cannot be set", c.Name, c.DataBits, c.StopBits)
	}
	// Without a ReadTimeout Close would hang until a byte arrives.
	s, err := serial.OpenPort(&serial.Config{Name: c.Name, Baud: c.Baud, ReadTimeout: tick, Size: byte(c.DataBits),
		Parity: serial.Parity(c.Parity), StopBits: serial.StopBits(c.StopBits)})
	if err != nil {
		return nil, explain(c, err)
	}
	p := &Port{name: c.Name, baud: c.Baud, tarm: s}
	if p.ctl, err = os.OpenFile(c.Name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err != nil {
		s.Close()
		return nil, explain(c, err)
	}
	if err := p.control(func(fd int) error { return setUp(fd, c) }); err != nil {
		s.Close()
		p.ctl.Close()
		return nil, explain(c, err)
	}
	if c.Low {
		// A line that has no RTS and DTR cannot have raised them.
		if err := errors.Join(p.SetRTS(false), p.SetDTR(false)); err != nil && !errors.Is(err, ErrNoLines) {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// setUp does what tarm/serial does not.
func setUp(fd int, c PortConfig) error {
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return err
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Cflag |= unix.HUPCL // a dead process must not leave a transmitter keyed
	if c.Handshake {
		t.Cflag |= unix.CRTSCTS
	}
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// control gives f the port's descriptor, which stays open meanwhile.
func (p *Port) control(f func(fd int) error) error { return control(p.ctl, f) }

// control gives do the descriptor of an open file, which stays open meanwhile.
func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// Name is how the port was opened.
func (p *Port) Name() string { return p.name }

// Baud is the line's rate.
func (p *Port) Baud() int { return p.baud }

// Read waits for bytes.
func (p *Port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		began := time.Now()
		n, err := p.tarm.Read(b)
		switch {
		case p.closed.Load():
			return n, fmt.Errorf("board: reading %s: %w", p.name, os.ErrClosed)
		case n > 0:
			return n, nil
		case err != nil && err != io.EOF:
			return 0, fmt.Errorf("board: reading %s: %w", p.name, err)
		case p.hungUp():
			return 0, fmt.Errorf("board: reading %s: %w", p.name, ErrGone)
		}
		// tarm/serial says EOF when its time is over: there is nothing yet. A driver that does not wait must not keep us busy.
		if time.Since(began) < tick/2 {
			time.Sleep(tick / 2)
		}
	}
}

// hungUp tells whether the hardware was taken away.
func (p *Port) hungUp() bool {
	gone := false
	err := p.control(func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(fds, 0)
		gone = n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
		return err
	})
	return gone || errors.Is(err, os.ErrClosed)
}

// Write waits until the driver has all of b.
func (p *Port) Write(b []byte) (n int, err error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	for n < len(b) {
		ready, err := p.room()
		switch {
		case p.closed.Load():
			err = os.ErrClosed
		case err == nil && ready:
			var k int
			k, err = p.tarm.Write(b[n:min(len(b), n+chunk)])
			n += k
			if p.closed.Load() { // what was left may have been thrown away
				err = os.ErrClosed
			}
		}
		if err != nil {
			return n, fmt.Errorf("board: writing %s: %w", p.name, err)
		}
	}
	return n, nil
}

// room waits a moment for the driver to take bytes, so that Write looks up when CTS stays low.
func (p *Port) room() (ready bool, err error) {
	err = p.control(func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		_, err := unix.Poll(fds, int(tick/time.Millisecond))
		switch got := fds[0].Revents; {
		case err == unix.EINTR:
			return nil
		case got&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0:
			return ErrGone
		default:
			ready = got&unix.POLLOUT != 0
			return err
		}
	})
	return ready, err
}

// Close gives what was written a moment to leave, and closes the port.
func (p *Port) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	end := time.Now().Add(farewell)
	for first := true; time.Now().Before(end); first = false {
		idle := p.writing.TryLock()
		if idle {
			p.writing.Unlock()
			if n, err := p.queued(); err != nil || n == 0 {
				break
			}
		} else if !first {
			p.flush() // a writer that waits for room gets it, and sees that it is over
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n, err := p.queued(); err == nil && n > 0 {
		p.flush() // or the kernel would wait half a minute for a CTS that does not come
	}
	return errors.Join(p.tarm.Close(), p.ctl.Close())
}

func (p *Port) flush() {
	_ = p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
}
