package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/firmware/host"
)

// clock is a Clock that remembers what it was told.
type clock struct {
	mu  sync.Mutex
	did []string
}

func (c *clock) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did = append(c.did, fmt.Sprintf(format, args...))
}

func (c *clock) history() string { c.mu.Lock(); defer c.mu.Unlock(); return strings.Join(c.did, ", ") }

func (c *clock) Start() error                  { c.note("start"); return nil }
func (c *clock) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (c *clock) Source() host.Source           { return host.Peer }
func (c *clock) SetTime(by host.Source, at time.Time) (bool, error) {
	c.note("%v %d", by, at.Year())
	return true, nil
}

func (c *clock) FollowGPS(ctx context.Context, port string, baud int, _ *slog.Logger) error {
	c.note("follow %s %d", port, baud)
	<-ctx.Done()
	c.note("leave %s", port)
	return nil
}

func TestTheClockFollowsTheReceiverOfTheSettings(t *testing.T) {
	r := newRig(t)
	r.quiet()
	c := &clock{}
	r.o.Clock = c
	await := func(want string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); c.history() != want; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the clock: %s; want %s", c.history(), want)
			}
		}
	}
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundleWith(1, nodeDoc(0), "", "[clock]\ngps = \"/dev/ttyACM0\"\n")})
	r.await("number 1 are kept", 1)
	want := "start, follow /dev/ttyACM0 9600"
	await(want)
	if s := r.status(); s.Clock != "peer" {
		t.Errorf("status: %q", s.Clock)
	}
	r.plug("/dev/sdb1", false, map[string][]byte{"field.lwb": r.bundleWith(2, nodeDoc(0), "", "")})
	r.await("number 2 are kept", 1)
	want += ", leave /dev/ttyACM0"
	await(want)
	if err := r.end(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
