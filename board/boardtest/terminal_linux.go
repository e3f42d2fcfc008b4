package boardtest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal makes a pseudo terminal that changes no byte: the name of its slave is that of a serial port without modem lines, and what
// is written there is read from the master, and the other way round.
func Terminal(tb testing.TB) (master *os.File, slave string) {
	tb.Helper()
	master, err := os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { master.Close() })
	c, err := master.SyscallConn()
	if err != nil {
		tb.Fatal(err)
	}
	var number int
	var inner error
	err = c.Control(func(fd uintptr) {
		if number, inner = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); inner != nil {
			return
		}
		if inner = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); inner != nil {
			return
		}
		raw, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if inner = err; inner != nil {
			return
		}
		raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
		inner = unix.IoctlSetTermios(int(fd), unix.TCSETS, raw)
	})
	if err == nil {
		err = inner
	}
	if err != nil {
		tb.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", number)
}
