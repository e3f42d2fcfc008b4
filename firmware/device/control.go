package device

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"longwire/board"
	"longwire/firmware/provision"
	"longwire/firmware/update"
)

// The control socket: one request a connection, as a line of JSON, and one answer. Only this user and root can open it.
const (
	socketName  = "control.sock"
	maxRequest  = 16 << 10
	maxAnswer   = 1 << 20
	requestTime = 10 * time.Second
	maxCallers  = 8
)

// Request is what one may ask of a kit.
type Request struct {
	Op   string `json:"op"`             // "status", "apply", "reset"
	File string `json:"file,omitempty"` // of apply: a bundle, by its whole path
}

// Answer is what comes back.
type Answer struct {
	Status  *Status `json:"status,omitempty"`
	Report  string  `json:"report,omitempty"`  // of apply
	Refused bool    `json:"refused,omitempty"` // of apply
	Error   string  `json:"error,omitempty"`
}

// Status is a kit at a glance.
type Status struct {
	ID         string   `json:"id"`
	Name       string   `json:"name,omitempty"` // "": not set up yet
	Fleet      string   `json:"fleet,omitempty"`
	PublicKey  string   `json:"public_key"`
	Version    string   `json:"version"`
	Slot       string   `json:"slot,omitempty"`
	Board      string   `json:"board"`
	Lamp       string   `json:"lamp"`
	Meaning    string   `json:"meaning"`
	Generation uint64   `json:"generation"`
	Number     uint64   `json:"number,omitempty"` // of the bundle in force
	Trial      bool     `json:"trial,omitempty"`
	Health     Health   `json:"health"`
	Trust      []string `json:"trust,omitempty"` // ids of the keys that it obeys
	Sticks     []string `json:"sticks,omitempty"`
	Report     string   `json:"report,omitempty"` // the newest
	Clock      string   `json:"clock,omitempty"`  // what it goes by

	System *update.Status `json:"system,omitempty"` // nil: there are no slots
}

// request waits for the loop.
type request struct {
	Request
	answer chan Answer
}

// ErrStopped says that no daemon answers.
var ErrStopped = errors.New("no 'longwire device run' answers here")

// listenControl opens the socket, in place of one that a dead daemon left.
func listenControl(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("device: another 'longwire device run' uses %s", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("device: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("device: control socket: %w", err)
	}
	return ln, nil
}

// serve answers at the socket until ctx is done.
func (d *daemon) serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var callers sync.WaitGroup
	defer callers.Wait()
	room := make(chan struct{}, maxCallers)
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		select {
		case room <- struct{}{}:
			callers.Go(func() { d.attend(ctx, c); <-room })
		default:
			c.Close()
		}
	}
}

func (d *daemon) attend(ctx context.Context, c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := c.SetDeadline(time.Now().Add(requestTime)); err != nil {
		return
	}
	var r Request
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, maxRequest)
	if !lines.Scan() {
		return
	}
	a := Answer{}
	if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
		a.Error = "the request is not understood"
	} else {
		a = d.ask(ctx, r)
	}
	b, err := json.Marshal(a)
	if err != nil {
		return
	}
	if err := c.SetDeadline(time.Now().Add(requestTime)); err == nil {
		_, _ = c.Write(append(b, '\n')) // who has left does not want it
	}
}

// ask carries a request out; what changes the kit waits for its turn.
func (d *daemon) ask(ctx context.Context, r Request) Answer {
	switch r.Op {
	case "status":
		return Answer{Status: d.status()}
	case "reset":
		d.reset("by command")
		return Answer{}
	case "apply":
	default:
		return Answer{Error: fmt.Sprintf("this daemon knows no request %q; it may be of another version", r.Op)}
	}
	q := &request{r, make(chan Answer, 1)}
	select {
	case d.requests <- q:
	case <-ctx.Done():
		return Answer{Error: "the daemon stops"}
	}
	select {
	case a := <-q.answer:
		return a
	case <-ctx.Done():
		return Answer{Error: "the daemon stops; what was begun goes on at its next start"}
	}
}

// answer carries out a request that changes the kit. Who asked hears of it before the machine goes down.
func (d *daemon) answer(ctx context.Context, q *request) error {
	a, err := d.applyFile(ctx, q.File)
	q.answer <- a
	if err != nil {
		return err
	}
	return d.restart(ctx)
}

// applyFile does with a file what is done with a stick. An error means that it was interrupted.
func (d *daemon) applyFile(ctx context.Context, file string) (Answer, error) {
	r := &provision.Report{Stick: "file " + file, Software: d.software()}
	s, err := board.FolderStick(filepath.Dir(file))
	if err != nil {
		return Answer{Error: trim(err)}, nil
	}
	defer s.Unmount()
	d.lamp.Show(board.ReadingStick)
	d.say("reading %s", file)
	outcome, err := d.handle(ctx, oneFile{s, file}, true, r)
	if err != nil {
		return Answer{Error: "it was interrupted"}, err
	}
	r.State = d.state(ctx)
	a := Answer{Report: d.file(r), Refused: outcome != done}
	d.tell(r)
	d.show(board.Applied, board.Refused, outcome == done, "")
	return a, nil
}

// oneFile is a folder of which only one file counts.
type oneFile struct {
	*board.Stick
	path string
}

// Files implements provision.Source.
func (o oneFile) Files() ([]board.File, error) {
	st, err := os.Lstat(o.path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not an ordinary file", o.path)
	}
	return []board.File{{Name: filepath.Base(o.path), Size: st.Size()}}, nil
}

// Others implements provision.Source.
func (o oneFile) Others() ([]string, error) { return nil, nil }

// status gathers what is known.
func (d *daemon) status() *Status {
	m, signal := d.kit.Meta(), d.lamp.Signal()
	s := &Status{
		ID: d.kit.ID(), Name: m.Name, Fleet: m.Fleet, PublicKey: d.kit.PublicKey(), Version: d.o.Version, Slot: d.o.Slot, Board: d.o.Board.Name,
		Lamp: fmt.Sprintf("%s (%v)", signal.Look(), signal), Meaning: signal.Meaning(),
		Generation: m.Generation, Number: m.Number, Trial: m.Trial != nil, Health: d.getHealth(),
	}
	if keys, err := d.kit.Trust(); err == nil {
		for _, k := range keys {
			s.Trust = append(s.Trust, k.ID())
		}
	}
	d.mu.Lock()
	for name := range d.here {
		s.Sticks = append(s.Sticks, name)
	}
	d.mu.Unlock()
	slices.Sort(s.Sticks)
	if d.system != nil {
		u := d.system.Status()
		s.System = &u
	}
	if d.o.Clock != nil {
		s.Clock = d.o.Clock.Source().String()
	}
	var err error
	if s.Report, err = d.kit.LastReport(); err != nil {
		d.log.Warn("the last report cannot be read", "err", err)
	}
	return s
}

// Ask puts a request to the daemon whose folder is dir. It waits for the answer, which for apply takes as long as a trial.
func Ask(ctx context.Context, dir string, r Request) (*Answer, error) {
	path := filepath.Join(dir, socketName)
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("device: %w (%s)", ErrStopped, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("device: %s belongs to another user; run the command as root: %w", path, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("device: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	if _, err := c.Write(append(b, '\n')); err != nil {
		return nil, fmt.Errorf("device: asking: %w", err)
	}
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, maxAnswer)
	if !lines.Scan() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errors.Join(errors.New("device: the daemon hung up before it had answered; its log tells why"), lines.Err())
	}
	var a Answer
	if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
		return nil, fmt.Errorf("device: the answer: %w", err)
	}
	if a.Error != "" {
		return &a, fmt.Errorf("device: %s", a.Error)
	}
	return &a, nil
}
