package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// stall is how long nothing may move before a message counts as lost.
const stall = 10 * time.Second

// playEpoll plays on plain TCP connections with one goroutine and epoll: hardly more than one read and one write a message.
func playEpoll(ctx context.Context, l load) error {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("bench: epoll: %w", err)
	}
	defer syscall.Close(epoll)
	socks := map[int32]*sock{}
	for _, p := range l.all() {
		s, err := newSock(p, epoll)
		if err != nil {
			return err
		}
		defer s.file.Close()
		socks[int32(s.fd)] = s
	}
	l.start()
	for _, s := range socks {
		if err := s.flush(); err != nil {
			return err
		}
	}
	var buf [64 << 10]byte
	var events [64]syscall.EpollEvent
	news := time.Now()
	for {
		n, err := syscall.EpollWait(epoll, events[:], 20)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("bench: epoll: %w", err)
		}
		now := time.Now()
		switch {
		case l.done(now):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case n > 0:
			news = now
		case now.Sub(news) > stall:
			return fmt.Errorf("bench: nothing moved for %v: a message is lost", stall)
		}
		for _, ev := range events[:max(n, 0)] {
			if err := socks[ev.Fd].turn(l, buf[:]); err != nil {
				return err
			}
		}
	}
}

// A sock is a player's socket, taken out of Go's own poller.
type sock struct {
	p       *player
	file    interface{ Close() error }
	fd      int
	epoll   int
	waiting bool // for room to write
}

func newSock(p *player, epoll int) (*sock, error) {
	tcp, ok := p.conn.Conn.(*net.TCPConn)
	if !ok {
		return nil, errors.New("bench: epoll is for plain TCP only")
	}
	f, err := tcp.File() // a duplicate
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	s := &sock{p: p, file: f, fd: int(f.Fd()), epoll: epoll}
	if err := syscall.SetNonblock(s.fd, true); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(s.fd)}
	if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
		return nil, fmt.Errorf("bench: epoll: %w", err)
	}
	return s, nil
}

// turn serves one ready connection.
func (s *sock) turn(l load, buf []byte) error {
	n, err := syscall.Read(s.fd, buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
	case err != nil:
		return fmt.Errorf("bench: read: %w", err)
	case n == 0:
		return errors.New("bench: the server closed a connection")
	default:
		if err := l.take(s.p, buf[:n]); err != nil {
			return err
		}
	}
	return s.flush()
}

// flush writes what the socket takes, and has epoll tell about room for the rest.
func (s *sock) flush() error {
	if len(s.p.out) == 0 {
		return nil
	}
	n, err := syscall.Write(s.fd, s.p.out)
	if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
		return fmt.Errorf("bench: write: %w", err)
	}
	s.p.out = s.p.out[:copy(s.p.out, s.p.out[max(n, 0):])]
	if wait := len(s.p.out) > 0; wait != s.waiting {
		s.waiting = wait
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(s.fd)}
		if wait {
			ev.Events |= syscall.EPOLLOUT
		}
		return syscall.EpollCtl(s.epoll, syscall.EPOLL_CTL_MOD, s.fd, &ev)
	}
	return nil
}
