package guest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A monitor speaks QMP, QEMU's control protocol: one JSON object a line, answers in the order of the commands, events in between.
type monitor struct {
	conn net.Conn

	sending sync.Mutex // one command at a time

	mu      sync.Mutex // guards what follows
	answers chan answer
	events  map[string]int // how often each came
	waiting map[string][]chan struct{}
	fault   error // why nothing comes any more
}

// An answer is what QEMU sends: an answer, an event or its greeting.
type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Device string `json:"device"`
	} `json:"data"`
}

// dialMonitor connects as soon as QEMU listens at the socket, unless QEMU ends before.
func dialMonitor(ctx context.Context, path string, exited <-chan struct{}) (*monitor, error) {
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return newMonitor(ctx, conn)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("its monitor does not answer: %w", errors.Join(ctx.Err(), err))
		case <-exited:
			return nil, errors.New("it ended at its start")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func newMonitor(ctx context.Context, conn net.Conn) (*monitor, error) {
	m := &monitor{conn: conn, answers: make(chan answer, 1), events: map[string]int{}, waiting: map[string][]chan struct{}{}}
	go m.read()
	if err := m.execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		conn.Close()
		return nil, err
	}
	return m, nil
}

// read hands answers and events on until the connection ends, which it does with QEMU.
func (m *monitor) read() {
	defer m.conn.Close()
	in := bufio.NewScanner(m.conn)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var a answer
		switch err := json.Unmarshal(in.Bytes(), &a); {
		case err != nil: // not ours to judge
		case a.Event != "":
			m.note(a)
		case a.Return != nil || a.Error != nil:
			select {
			case m.answers <- a:
			default: // of a command whose sender gave up
			}
		}
	}
	m.mu.Lock()
	m.fault = errors.New("qmp: QEMU has ended")
	m.mu.Unlock()
	close(m.answers)
}

func (m *monitor) note(a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[a.Event]++
	key := a.Event + " " + a.Data.Device
	for _, c := range m.waiting[key] {
		close(c)
	}
	delete(m.waiting, key)
}

// expect returns a channel that is closed at the next such event of the device.
func (m *monitor) expect(event, device string) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan struct{})
	key := event + " " + device
	m.waiting[key] = append(m.waiting[key], c)
	return c
}

func (m *monitor) count(event string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events[event]
}

// execute sends a command and decodes its answer into result, unless that is nil.
func (m *monitor) execute(ctx context.Context, command string, arguments, result any) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	select {
	case <-m.answers: // late, of a command whose sender gave up
	default:
	}
	msg := map[string]any{"execute": command}
	if arguments != nil {
		msg["arguments"] = arguments
	}
	b, err := json.Marshal(msg)
	if err != nil {
		return fmt.Errorf("qmp: %s: %w", command, err)
	}
	if _, err := m.conn.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("qmp: %s: %w", command, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("qmp: %s: %w", command, ctx.Err())
	case a, ok := <-m.answers:
		switch {
		case !ok:
			m.mu.Lock()
			defer m.mu.Unlock()
			return fmt.Errorf("qmp: %s: %w", command, m.fault)
		case a.Error != nil:
			return fmt.Errorf("qmp: %s: %s: %s", command, a.Error.Class, a.Error.Desc)
		case result != nil:
			if err := json.Unmarshal(a.Return, result); err != nil {
				return fmt.Errorf("qmp: %s: %w", command, err)
			}
		}
		return nil
	}
}
