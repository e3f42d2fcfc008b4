//go:build linux

package sis_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"longwire/links/sis/sistest"
)

func TestSuiteOverAPipe(t *testing.T) {
	sistest.Suite(t, false, func(*testing.T) (client, node io.ReadWriteCloser) { return net.Pipe() })
}

func TestSuiteOverANoisyPipe(t *testing.T) {
	sistest.Suite(t, true, func(*testing.T) (client, node io.ReadWriteCloser) { return net.Pipe() })
}

func TestSuiteOverTCP(t *testing.T) {
	sistest.Suite(t, false, func(t *testing.T) (client, node io.ReadWriteCloser) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		client, err = net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		node, err = l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return client, node
	})
}

func TestSuiteOverAPseudoTerminal(t *testing.T) {
	sistest.Suite(t, true, func(t *testing.T) (client, node io.ReadWriteCloser) {
		a, b, err := terminal()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	})
}

// terminal makes both ends of a serial line that changes no byte.
func terminal() (a, b *os.File, err error) {
	a, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var number, unlock uint32
	if err = ioctl(a, syscall.TIOCGPTN, unsafe.Pointer(&number)); err == nil {
		err = ioctl(a, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	}
	if err == nil {
		b, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	}
	var raw syscall.Termios
	if err == nil {
		err = ioctl(b, syscall.TCGETS, unsafe.Pointer(&raw))
	}
	raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
	raw.Cflag = raw.Cflag&^(syscall.CSIZE|syscall.PARENB) | syscall.CS8
	raw.Cc[syscall.VMIN], raw.Cc[syscall.VTIME] = 1, 0
	if err == nil {
		err = ioctl(b, syscall.TCSETS, unsafe.Pointer(&raw))
	}
	return a, b, err
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var no syscall.Errno
	err = c.Control(func(fd uintptr) { _, _, no = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg)) })
	if err == nil && no != 0 {
		err = no
	}
	return err
}
