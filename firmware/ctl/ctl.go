// Package ctl lets the longwire commands talk to the running node: requests and answers as lines of JSON on a unix
// socket that only the node's own user, and root, can open.
//
//	→ {"op":"queue.list","args":{"peer":"field"}}
//	← {"item":{…}}            any number of times
//	← {"done":true}           or {"error":"…","misuse":true}
//
// A connection carries one request. Closing it cancels the request.
package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"longwire/firmware/admin"
)

// Bounds of what one side accepts of the other.
const (
	maxRequest  = 64 << 10
	maxAnswer   = 1 << 20 // one line
	maxClients  = 16
	requestTime = 5 * time.Second  // to send a request
	answerTime  = 10 * time.Second // to take one line of the answer
)

type request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

type answer struct {
	Item   json.RawMessage `json:"item,omitempty"`
	Done   bool            `json:"done,omitempty"`
	Error  string          `json:"error,omitempty"`
	Misuse bool            `json:"misuse,omitempty"`
}

// Caller carries out an operation and hands each item of its answer to each. Client does it by the socket, Local in
// this process.
type Caller interface {
	Call(ctx context.Context, op string, args any, each func(item json.RawMessage) error) error
}

// Collect calls an operation that answers with items of one type.
func Collect[T any](ctx context.Context, c Caller, op string, args any) ([]T, error) {
	list := []T{}
	err := c.Call(ctx, op, args, func(raw json.RawMessage) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("ctl: the answer to %s: %w", op, err)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

// Error is what a node said went wrong. It is admin.ErrMisuse when the fault is in what was asked.
type Error struct {
	Text   string
	Misuse bool
}

func (e *Error) Error() string { return e.Text }

// Is reports misuse as admin does.
func (e *Error) Is(target error) bool { return e.Misuse && target == admin.ErrMisuse }

// Local is a Caller without a socket.
type Local struct{ Admin *admin.Admin }

var _ Caller = Local{}

// Call implements Caller.
func (l Local) Call(ctx context.Context, op string, args any, each func(json.RawMessage) error) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("ctl: arguments of %s: %w", op, err)
	}
	return run(ctx, l.Admin, op, raw, each)
}

// at calls f with a name for path that fits into a socket address, which holds 107 bytes: a longer one goes by the
// folder's descriptor.
func at(path string, f func(short string) error) error {
	if len(path) <= 100 {
		return f(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	short := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	if len(short) > 107 {
		return errors.New("the name of the socket is too long")
	}
	return f(short)
}
