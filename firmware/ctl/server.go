package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/admin"
)

// ErrRunning says that another node answers at the socket.
var ErrRunning = errors.New("another node is running")

// Server answers at a socket. Listen makes it.
type Server struct {
	admin    *admin.Admin
	log      *slog.Logger
	path     string
	listener *net.UnixListener
	self     os.FileInfo // our socket's file, so that we do not remove a successor's
}

// Listen opens the socket at path, with mode 0600. One that a dead node left behind is replaced; a living node's is
// ErrRunning.
func Listen(path string, a *admin.Admin, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{admin: a, log: log, path: path}
	if c, err := connect(context.Background(), path); err == nil {
		c.Close()
		return nil, fmt.Errorf("ctl: %w and answers at %s; stop it first, or give this one another data folder", ErrRunning, path)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("ctl: %s is in the way of the control socket and is none; move it, or set control to another path", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("ctl: making the folder of the control socket: %w", err)
	}
	// Born under another name, it gets its mode before anyone looks for it; renaming replaces a dead one in one step.
	fresh := path + ".new"
	os.Remove(fresh)
	err := at(fresh, func(short string) (err error) {
		s.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ctl: opening the control socket %s: %w", path, err)
	}
	s.listener.SetUnlinkOnClose(false)
	err = errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path))
	if err == nil {
		s.self, err = os.Lstat(path)
	}
	if err != nil {
		s.listener.Close()
		os.Remove(fresh)
		return nil, fmt.Errorf("ctl: opening the control socket %s: %w", path, err)
	}
	return s, nil
}

// Close closes the socket of a Server that was never Run.
func (s *Server) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.self) {
		os.Remove(s.path)
	}
	return s.listener.Close()
}

// Run answers until ctx is done; then it cancels what is being asked, waits for it and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	places := make(chan struct{}, maxClients)
	for {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("ctl: accepting at %s: %w", s.path, err)
		}
		select {
		case places <- struct{}{}:
		default:
			s.say(conn, answer{Error: "the node is busy with other commands; try again"})
			conn.Close()
			continue
		}
		asking.Go(func() {
			defer func() { <-places }()
			defer conn.Close()
			s.serve(ctx, conn)
		})
	}
}

// serve answers one connection.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	if !s.trusted(conn) {
		s.say(conn, answer{Error: "only the node's user and root may ask"})
		return
	}
	// A client may connect just to see whether somebody is here.
	conn.SetReadDeadline(time.Now().Add(requestTime))
	in := bufio.NewReaderSize(io.LimitReader(conn, maxRequest), 4096)
	var req request
	line, err := in.ReadBytes('\n')
	if err != nil {
		if len(line) >= maxRequest {
			s.say(conn, answer{Error: "the request is too long", Misuse: true})
		}
		return
	}
	if err := json.Unmarshal(line, &req); err != nil {
		s.say(conn, answer{Error: "the request is not understood", Misuse: true})
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var hangup sync.WaitGroup
	defer hangup.Wait()
	defer conn.Close() // ends the reader below
	hangup.Go(func() {
		// Nothing more is due from the client; when reading ends, it has hung up.
		conn.SetReadDeadline(time.Time{})
		conn.Read(make([]byte, 1))
		cancel()
	})
	err = run(ctx, s.admin, req.Op, req.Args, func(item json.RawMessage) error {
		return s.say(conn, answer{Item: item})
	})
	if err != nil {
		s.say(conn, answer{Error: err.Error(), Misuse: errors.Is(err, admin.ErrMisuse)})
		return
	}
	s.say(conn, answer{Done: true})
}

func (s *Server) say(conn *net.UnixConn, a answer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("ctl: writing an answer: %w", err)
	}
	conn.SetWriteDeadline(time.Now().Add(answerTime))
	if _, err = conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("ctl: writing an answer: %w", err)
	}
	return nil
}

// trusted asks the kernel who is at the other end: the file's mode guards the door, this guards against a mode that was
// changed or a file system that knows none.
func (s *Server) trusted(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if cerr != nil || err != nil {
		s.log.Warn("cannot tell who is at the control socket", "err", errors.Join(cerr, err))
		return false
	}
	ok := cred.Uid == 0 || int(cred.Uid) == os.Geteuid()
	if !ok {
		s.log.Warn("a foreign user asked at the control socket", "uid", cred.Uid)
	}
	return ok
}
