package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longwire/tools/rig"
)

// unchanged: no step needed a restart.
func (w *walker) unchanged() error {
	for i, n := range w.nodes {
		select {
		case <-n.Exited():
			return fmt.Errorf("the node of %s has ended", n.Domain)
		default:
		}
		if n.PID() != w.pids[i] {
			return fmt.Errorf("the node of %s was process %d, and is %d", n.Domain, w.pids[i], n.PID())
		}
	}
	return nil
}

// refusals: what would take away what a federated room says is refused with the reason, and nothing is changed by it.
func (w *walker) refusals(ctx context.Context) error {
	for i, far := range []string{"field", "headquarters"} {
		n := w.nodes[i]
		before, err := os.ReadFile(n.Config())
		if err != nil {
			return err
		}
		for _, args := range [][]string{
			{"fold", "set", far, "presence=do not pass the matched elements"},
			{"fold", "add", far, "http://isode.com/protocol/fmuc", "fmuc", "scope=both"},
			{"fold", "add", far, "http://jabber.org/protocol/muc", "x", "scope=presence"},
		} {
			_, err := n.Command(ctx, "", args...)
			if err == nil || !strings.Contains(err.Error(), "room") {
				return fmt.Errorf("%s: %q: %v", n.Domain, args, err)
			}
			if after, _ := os.ReadFile(n.Config()); string(after) != string(before) {
				return fmt.Errorf("%s: %q changed the config", n.Domain, args)
			}
		}
	}
	return nil
}

// recorded: each node has made a folder for each address of its peer, and there is nothing in them of what people wrote.
func (w *walker) recorded(ctx context.Context) error {
	for i, n := range w.nodes {
		folder := filepath.Join(n.Dir, "data", "telemetry", n.Domain)
		for _, want := range []string{w.heard[i], rig.StationAddress(1 - i)} {
			if st, err := os.Stat(filepath.Join(folder, want)); err != nil || !st.IsDir() {
				list, _ := filepath.Glob(folder + "/*")
				return fmt.Errorf("%s: no folder for %s: %v; there are %v", n.Domain, want, err, list)
			}
		}
		err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(b), "over there") {
				err = fmt.Errorf("%s holds what somebody wrote", path)
			}
			return err
		})
		if err != nil {
			return err
		}
		if out, err := n.Command(ctx, "", "telemetry", "report"); err != nil || len(out) == 0 {
			return fmt.Errorf("%s: report: %q, %v", n.Domain, out, err)
		}
	}
	return nil
}
