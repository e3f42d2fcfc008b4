package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"
)

// ErrNoNode says that no node answers at the socket.
var ErrNoNode = errors.New("no node is running")

// Client is a Caller on a node's socket.
type Client struct{ path string }

var _ Caller = (*Client)(nil)

// Dial finds out whether a node answers at path. Errors: ErrNoNode, or what keeps us from asking.
func Dial(path string) (*Client, error) {
	c, err := connect(context.Background(), path)
	if err != nil {
		return nil, err
	}
	c.Close()
	return &Client{path: path}, nil
}

func connect(ctx context.Context, path string) (conn net.Conn, err error) {
	err = at(path, func(short string) (err error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		conn, err = d.DialContext(ctx, "unix", short)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("ctl: %w at %s", ErrNoNode, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("ctl: %s belongs to another user; run the command as the node's user or as root: %w", path, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("ctl: asking the node at %s: %w", path, err)
	}
	return conn, nil
}

// Call implements Caller.
func (c *Client) Call(ctx context.Context, op string, args any, each func(json.RawMessage) error) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("ctl: arguments of %s: %w", op, err)
	}
	conn, err := connect(ctx, c.path)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	line, err := json.Marshal(request{Op: op, Args: raw})
	if err != nil {
		return fmt.Errorf("ctl: asking for %s: %w", op, err)
	}
	if len(line) >= maxRequest {
		return fmt.Errorf("ctl: asking for %s: the request is too long", op)
	}
	if _, err := conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("ctl: asking for %s: %w", op, err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return fmt.Errorf("ctl: the answer to %s: %w", op, err)
		}
		switch {
		case a.Error != "":
			return &Error{Text: a.Error, Misuse: a.Misuse}
		case a.Done:
			return nil
		}
		if err := each(a.Item); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case lines.Err() != nil:
		return fmt.Errorf("ctl: the answer to %s: %w", op, lines.Err())
	}
	return fmt.Errorf("ctl: the node hung up before it had answered %s; its log tells why", op)
}
