package board

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Feed is where the kernel's messages about devices come from. Recv waits for one; an error that is ENOBUFS says that some were lost, and
// that more will come. Close ends a Recv that waits.
type Feed interface {
	Recv() ([]byte, error)
	Close() error
}

// recv is the next message that can be read; missed says that some were lost.
func recv(f Feed) (e Uevent, missed bool, err error) {
	for {
		b, err := f.Recv()
		if errors.Is(err, unix.ENOBUFS) {
			return Uevent{}, true, nil
		}
		if err != nil {
			return Uevent{}, false, err
		}
		if e, err := ParseUevent(b); err == nil {
			return e, false, nil
		}
	}
}

// kernelFeed is a netlink socket.
type kernelFeed struct{ f *os.File }

// OpenFeed listens to the kernel. Any user may.
func OpenFeed() (Feed, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("board: listening to the kernel's device events: %w", err)
	}
	// Group 1 is the kernel, 2 is udevd. Choice: the kernel's, so that it works without udevd.
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1})
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("board: listening to the kernel's device events: %w", err)
	}
	return &kernelFeed{os.NewFile(uintptr(fd), "uevents")}, nil
}

func (k *kernelFeed) Recv() ([]byte, error) {
	b := make([]byte, maxUevent)
	c, err := k.f.SyscallConn()
	if err != nil {
		return nil, err
	}
	for {
		var n int
		var from unix.Sockaddr
		var got error
		err := c.Read(func(fd uintptr) bool {
			n, from, got = unix.Recvfrom(int(fd), b, 0)
			return got != unix.EAGAIN && got != unix.EINTR
		})
		if err != nil {
			return nil, err
		}
		if got != nil {
			return nil, fmt.Errorf("board: device events: %w", got)
		}
		// netlink(7): only the kernel has 0. Programs of root may send, too, and are not listened to.
		if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid == 0 {
			return b[:n], nil
		}
	}
}

func (k *kernelFeed) Close() error { return k.f.Close() }
