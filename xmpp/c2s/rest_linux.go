package c2s

import (
	"net"
	"syscall"
)

// canRest tells whether readable can wait for the connection.
func canRest(nc net.Conn) bool {
	_, ok := nc.(syscall.Conn)
	return ok
}

// readable waits, until the read deadline, for bytes, an end or an error to be read.
func readable(nc net.Conn) error {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	// The poller tells of changes only, so that one must look first.
	var b [1]byte
	return raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
}
