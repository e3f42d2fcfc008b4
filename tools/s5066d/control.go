package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// errStopped says that nobody answers at the control socket.
var errStopped = errors.New("not running")

const (
	controlTime = 10 * time.Second // for one question and its answer
	maxQuestion = 256
	maxAskers   = 8 // at once
)

// listenControl opens the control socket, for this user and root only. One that a dead server left behind is replaced.
func listenControl(path string) (*net.UnixListener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("another server runs and answers at %s; stop it first, or set control to another path", path)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is in the way of the control socket and is none; move it, or set control to another path", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the control socket: %w", err)
	}
	// It is born under another name, and has its mode before anyone looks for it.
	fresh := path + ".new"
	os.Remove(fresh)
	old := syscall.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	return l, nil
}

// An answer is a line of JSON.
type answer struct {
	Error  string          `json:"error,omitempty"`
	Kind   string          `json:"kind,omitempty"` // "node" or "channel"
	Result json.RawMessage `json:"result,omitempty"`
}

// control answers questions, each a line, until ctx is done.
func control(ctx context.Context, l *net.UnixListener, path string, ask func(question string) (kind string, result any, err error)) {
	var askers sync.WaitGroup
	defer askers.Wait()
	defer context.AfterFunc(ctx, func() { os.Remove(path); l.Close() })()
	places := make(chan struct{}, maxAskers)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
			askers.Go(func() {
				defer func() { <-places }()
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(controlTime))
				converse(conn, ask)
			})
		default:
			conn.Close()
		}
	}
}

func converse(conn io.ReadWriter, ask func(string) (string, any, error)) {
	in := bufio.NewScanner(conn)
	in.Buffer(nil, maxQuestion)
	if !in.Scan() {
		return
	}
	var a answer
	kind, result, err := ask(in.Text())
	if err == nil {
		a.Kind = kind
		a.Result, err = json.Marshal(result)
	}
	if err != nil {
		a = answer{Error: err.Error()}
	}
	_ = json.NewEncoder(conn).Encode(a) // who asked may be gone
}

// question asks the server at the control socket.
func (c *call) question(text string) (answer, error) {
	path := c.control
	if path == "" {
		cfg, err := load(c.config)
		if err != nil {
			return answer{}, err
		}
		path = cfg.Control
	}
	conn, err := (&net.Dialer{Timeout: controlTime}).DialContext(c.ctx, "unix", path)
	switch {
	case errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, fmt.Errorf("%w: nobody answers at %s", errStopped, path)
	case err != nil:
		return answer{}, fmt.Errorf("asking at %s: %w", path, errors.Unwrap(cmp.Or(errors.Unwrap(err), err)))
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(controlTime))
	if _, err := fmt.Fprintln(conn, text); err != nil {
		return answer{}, fmt.Errorf("asking at %s: %w", path, err)
	}
	var a answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("asking at %s: no answer: %w", path, err)
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	return a, nil
}
