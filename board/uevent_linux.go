package board

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Feed is where uevents come from. Recv waits for one; ErrMissed says that some were lost. Close ends a Recv that waits.
type Feed interface {
	Recv() (Uevent, error)
	Close() error
}

// ErrMissed is what a Feed says when the kernel had more to say than was read in time.
var ErrMissed = errors.New("board: uevents were missed")

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

func (k *kernelFeed) Recv() (Uevent, error) {
	b := make([]byte, maxUevent)
	c, err := k.f.SyscallConn()
	if err != nil {
		return Uevent{}, err
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
			return Uevent{}, err
		}
		switch sender, ok := from.(*unix.SockaddrNetlink); {
		case got == unix.ENOBUFS:
			return Uevent{}, ErrMissed
		case got != nil:
			return Uevent{}, fmt.Errorf("board: device events: %w", got)
		case !ok || sender.Pid != 0: // netlink(7): only the kernel has 0; programs may send, too
			continue
		}
		if e, err := ParseUevent(b[:n]); err == nil {
			return e, nil
		}
	}
}

func (k *kernelFeed) Close() error { return k.f.Close() }
