package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
	"longwire/firmware/telemetry"
	"longwire/links/fold"
)

// telemetryFlags are those of commands that read a record.
type telemetryFlags struct {
	folder string
	preset string
	since  time.Duration
}

func cmdAir(c *call) error {
	peer := ""
	if len(c.args) > 0 {
		peer = c.args[0]
	}
	caller, _, _, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[admin.Air](c.ctx, caller, ctl.OpAir, ctl.AirArgs{Peer: peer})
	if err != nil {
		return err
	}
	for _, a := range list {
		if c.json {
			err = c.printJSON(a)
		} else {
			err = c.air(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// air prints what was spent.
func (c *call) air(a admin.Air) error {
	if len(a.Day) == 0 {
		fmt.Fprintln(c.err, "Nothing has crossed a link in the last 24 hours.")
		return nil
	}
	t := newTable(c.out, "PEER", "WHAT", "LAST HOUR", "BYTES OUT", "BYTES IN", "LAST DAY", "BYTES OUT", "BYTES IN", "FOLDED AWAY")
	hour := make(map[[3]string]admin.Spent)
	for _, s := range a.Hour {
		hour[[3]string{s.Peer, s.What, s.Name}] = s
	}
	for _, d := range a.Day {
		h := hour[[3]string{d.Peer, d.What, d.Name}]
		name := d.Name
		if d.What == "" {
			name = "all"
		} else {
			name = d.What + " " + name
		}
		t.row(d.Peer, name, airTime(h.Out.Air+h.In.Air), volume(int64(h.Out.Wire)), volume(int64(h.In.Wire)),
			airTime(d.Out.Air+d.In.Air), volume(int64(d.Out.Wire)), volume(int64(d.In.Wire)), volume(max(0, int64(d.Out.Raw)-int64(d.Out.Folded))))
	}
	if err := t.Flush(); err != nil || len(a.Budgets) == 0 {
		return err
	}
	fmt.Fprintln(c.out)
	t = newTable(c.out, "BUDGET OF", "USED THIS HOUR", "WAITING", "SOFT", "HARD")
	for _, b := range a.Budgets {
		of := b.Peer
		for _, w := range []string{b.User, b.Room, b.Precedence, b.Kind} {
			if w != "" {
				of += ", " + w
			}
		}
		t.row(of, airTime(b.Spent), airTime(b.Waiting), limit(b.Soft), limit(b.Hard))
	}
	return t.Flush()
}

func airTime(s float64) string {
	switch {
	case s == 0:
		return "-"
	case s < 60:
		return fmt.Sprintf("%.1fs", s)
	}
	return span(time.Duration(s * float64(time.Second)))
}

func limit(s float64) string {
	if s == 0 {
		return "-"
	}
	return airTime(s)
}

// recordFolder is the node's own, or the one that --folder names: that of a node, or one that holds a single node's.
func (c *call) recordFolder(cfg *config.Config) (string, error) {
	if c.telemetry.folder == "" {
		return cfg.NodeTelemetryPath(), nil
	}
	dir := c.telemetry.folder
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("no record: %w", err)
	}
	var nodes []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "schema.json")); err == nil {
			nodes = append(nodes, e.Name())
		}
	}
	switch {
	case len(nodes) == 1:
		return filepath.Join(dir, nodes[0]), nil
	case len(nodes) > 1:
		return "", fmt.Errorf("%s holds the records of several nodes; name one: --folder %s", dir, filepath.Join(dir, nodes[0]))
	}
	return dir, nil
}

func (c *call) peerArg() string {
	if len(c.args) == 0 {
		return ""
	}
	return c.args[0]
}

func cmdTelemetryReport(c *call) error {
	cfg, err := c.loadForRecord()
	if err != nil {
		return err
	}
	folder, err := c.recordFolder(cfg)
	if err != nil {
		return err
	}
	r, err := telemetry.MakeReport(folder, c.telemetry.since, c.peerArg())
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(r)
	}
	return c.report(r)
}

// loadForRecord reads the config, which a copied folder does without.
func (c *call) loadForRecord() (*config.Config, error) {
	cfg, err := c.load()
	if cfg == nil || err != nil && c.telemetry.folder == "" {
		return nil, err
	}
	return cfg, nil
}

func cmdFoldPreview(c *call) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.peerArg() == "" && c.telemetry.folder == "" {
		return fmt.Errorf("%w: name a PEER, or a record with --folder", admin.ErrMisuse)
	}
	folder, err := c.recordFolder(cfg)
	if err != nil {
		return err
	}
	p, err := telemetry.MakePreview(folder, c.telemetry.since, c.peerArg(), c.rulesOf(cfg))
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(p)
	}
	return c.preview(p)
}

// rulesOf are those of the preset that was named, or what the config says of a peer.
func (c *call) rulesOf(cfg *config.Config) func(string) (*fold.Folder, error) {
	return func(peer string) (*fold.Folder, error) {
		if c.telemetry.preset != "" {
			if c.telemetry.preset == config.FoldNone {
				return fold.New(fold.Policy{}, false)
			}
			p, ok := fold.Preset(c.telemetry.preset)
			if !ok {
				return nil, fmt.Errorf("%w: there is no preset %q; there are none, %s", admin.ErrMisuse, c.telemetry.preset, strings.Join(fold.Classes(), ", "))
			}
			return fold.New(p, false)
		}
		for i := range cfg.Peers {
			p := &cfg.Peers[i]
			if p.Name != peer {
				continue
			}
			class := ""
			if len(p.Links) > 0 {
				if l := cfg.Link(p.Links[0]); l != nil {
					class = l.Class
				}
			}
			policy, err := p.Fold.Policy(class, p.Pubsub)
			if err != nil {
				return nil, err
			}
			return fold.New(policy, cfg.Federates(p))
		}
		return nil, fmt.Errorf("the config has no peer %q whose rules could be tried; give --preset, or a config that has it", peer)
	}
}
