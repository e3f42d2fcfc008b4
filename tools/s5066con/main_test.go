package main

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/tools/s5066con/settings"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	here  = sis.MakeAddress(1, 1, 0, 1)
	there = sis.MakeAddress(1, 1, 0, 2)
)

// A desk is an operator's: a console at a node.
type desk struct {
	app
	output, errors buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newDesk(t *testing.T, n *sistest.Node, input string) *desk {
	t.Helper()
	d := &desk{}
	d.app = app{in: strings.NewReader(input), out: &d.output, err: &d.errors, path: filepath.Join(t.TempDir(), "s.json"),
		dial: func(settings.Server) (dialer, error) { return dialer{dial: n.Dial}, nil },
		rand: func() *rand.Rand { return rand.New(rand.NewPCG(5, 66)) }}
	return d
}

// pair is two nodes on one air, and a listening console at the far one.
func pair(t *testing.T, o sistest.Options, listen bool, play func(ctx context.Context, air *sistest.Air, near, far *sistest.Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := sistest.NewAir(o)
		near, far := air.Node(here, sis.ServerConfig{}), air.Node(there, sis.ServerConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		if listen {
			d := newDesk(t, far, "")
			tasks.Go(func() { d.main(ctx, []string{"listen", "-name", "field"}) })
			synctest.Wait()
		}
		play(ctx, air, near, far)
		cancel()
		tasks.Wait()
		air.Close()
	})
}

// golden compares with a file. Of what happens in one instant the order is not told: several goroutines have their part in it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	lines := strings.SplitAfter(got, "\n")
	slices.SortStableFunc(lines, func(x, y string) int { return strings.Compare(instant(x), instant(y)) })
	got = strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with -update and look at the difference. Got:\n%s", path, got)
	}
}

// instant is what a line is sorted by: the time and what it says.
func instant(line string) string {
	_, rest, _ := strings.Cut(line, `"time":`)
	return rest + line
}

var radio = sistest.Options{Delay: time.Second, Rate: 300, Seed: 1}

func TestEachCommandInJSON(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   string
		listen bool
		change func(air *sistest.Air, near, far *sistest.Node)
		code   int
	}{
		{name: "ping", args: "ping -json -count 2 1.1.0.2", listen: true},
		{name: "ping_trace", args: "ping -json -trace 1.1.0.2", listen: true},
		{name: "ping_no_console", args: "ping -json -count 2 1.1.0.2"},
		{name: "ping_nobody", args: "ping -json 1.1.0.9", code: exitNothing},
		{name: "ping_non_arq_nobody", args: "ping -json -mode non-arq -wait 20s 1.1.0.9", code: exitNothing},
		{name: "ping_client_confirm", args: "ping -json -confirm client 1.1.0.2", code: exitNothing},
		{name: "test_arq", args: "test -json -rate 300 -count 5 1.1.0.2", listen: true},
		{name: "test_non_arq", args: "test -json -mode non-arq -rate 300 -count 8 1.1.0.2", listen: true,
			change: func(air *sistest.Air, _, _ *sistest.Node) { air.Set(func(o *sistest.Options) { o.Loss = 0.2 }) }},
		{name: "test_broadcast", args: "test -json -rate 300 -count 4 all", listen: true},
		{name: "test_too_much_air", args: "test -json -rate 75 -count 500 1.1.0.2", code: exitAir},
		{name: "discover", args: "discover -json", listen: true},
		{name: "discover_nobody", args: "discover -json", code: exitNothing},
		{name: "chat", args: "chat -json -wait 10s 1.1.0.2"},
		{name: "link", args: "link -json -hold 30s 1.1.0.2"},
		{name: "link_rejected", args: "link -json -hold 30s 1.1.0.9", code: exitNothing},
		{name: "probe", args: "probe -json -wait 10s -to-sap 5 -text hello 1.1.0.2"},
		{name: "server_off", args: "ping -json 1.1.0.2", code: exitUnreachable,
			change: func(_ *sistest.Air, near, _ *sistest.Node) { near.Stop() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair(t, radio, c.listen, func(ctx context.Context, air *sistest.Air, near, far *sistest.Node) {
				if c.change != nil {
					c.change(air, near, far)
				}
				d := newDesk(t, near, "hello there\n")
				if code := d.main(ctx, strings.Fields(c.args)); code != c.code {
					t.Errorf("exit code %d, not %d: %s%s", code, c.code, d.output.String(), d.errors.String())
				}
				golden(t, c.name+".json", d.output.String())
			})
		})
	}
}
