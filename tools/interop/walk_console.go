package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tryConsole tests the 5066 subsystem as an operator does before there is a link: by name, whom there is, ARQ, broadcast.
func (w *walker) tryConsole(ctx context.Context) error {
	far := w.consoleCommand(ctx, 1, "listen", "-server", w.servers[1].SIS(), "-scale", strconv.Itoa(walkScale), "-name", "field")
	if err := far.Start(); err != nil {
		return err
	}
	defer func() { far.Process.Kill(); far.Wait() }()
	time.Sleep(time.Second) // until it is bound
	if out, err := w.consoleCommand(ctx, 0, "servers", "add", "hq", w.servers[0].SIS(), "-mode", "arq", "-broadcast", "31.255.255.255").CombinedOutput(); err != nil {
		return fmt.Errorf("servers add: %w: %s", err, out)
	}
	for _, c := range []struct {
		args  []string
		event string
		want  map[string]any
	}{
		{[]string{"discover"}, "found", map[string]any{"station": "1.1.0.2", "name": "field"}},
		{[]string{"ping", "1.1.0.2"}, "ping_done", map[string]any{"answered": 1.0}},
		{[]string{"test", "1.1.0.2", "-rate", "1200", "-count", "5"}, "test_done", map[string]any{"delivered": 5.0}},
		{[]string{"test", "all", "-rate", "1200", "-count", "5"}, "report", map[string]any{"from": "1.1.0.2", "received": 5.0}},
	} {
		out, err := w.consoleCommand(ctx, 0, append(c.args, "-json", "-server", "hq", "-scale", strconv.Itoa(walkScale))...).Output()
		if err != nil {
			return fmt.Errorf("%q: %w: %s", c.args, err, out)
		}
		if !event(out, c.event, c.want) {
			return fmt.Errorf("%q: no %s with %v in %s", c.args, c.event, c.want, out)
		}
	}
	return nil
}

// consoleCommand is s5066con with the settings of one of the places.
func (w *walker) consoleCommand(ctx context.Context, i int, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.console, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(w.servers[i].Dir, "config"))
	return cmd
}

// event finds an event of a kind with certain fields among lines of JSON.
func event(lines []byte, kind string, want map[string]any) bool {
	for line := range strings.Lines(string(lines)) {
		var e map[string]any
		if json.Unmarshal([]byte(line), &e) != nil || e["event"] != kind {
			continue
		}
		fits := true
		for k, v := range want {
			fits = fits && e[k] == v
		}
		if fits {
			return true
		}
	}
	return false
}
