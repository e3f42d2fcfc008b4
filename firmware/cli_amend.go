package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/amend"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
)

// amendment is one change of the config file: what a command makes of the text, on the ground of what it says now.
type amendment struct {
	*amend.File
	c    *call
	cfg  *config.Config
	path string
}

// amend changes the config file and lets the running node apply it. The file is replaced when the whole is without fault,
// and put back when the node refuses it; did is what has happened, in words.
func (c *call) amend(did string, change func(*amendment) error) error {
	path, err := filepath.Abs(cmp.Or(config.Search(c.config), config.SystemPath))
	if err != nil {
		return err
	}
	unlock, err := amend.Lock(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	old, err := os.ReadFile(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	cfg, err := config.Parse(path, old)
	if err != nil {
		return fmt.Errorf("nothing is changed, as the file has faults already:\n%w", err)
	}
	a := &amendment{c: c, cfg: cfg, path: path}
	if a.File, err = amend.Parse(old); err == nil {
		err = change(a)
	}
	if err != nil {
		return err
	}
	if bytes.Equal(old, a.Bytes()) {
		fmt.Fprintf(c.err, "%s says so already\n", path)
		return nil
	}
	if err := a.judge(); err != nil {
		return err
	}
	if err := amend.Save(path, a.Bytes()); err != nil {
		return err
	}
	return a.applied(did, func() error {
		if fresh {
			return os.Remove(path)
		}
		return amend.Save(path, old)
	})
}

// judge checks the whole file as it would be. Faults name no lines, as there are none yet.
func (a *amendment) judge() error {
	now, err := config.Parse(a.path, a.Bytes())
	if err == nil {
		err = admin.CheckPlace(now)
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		return fmt.Errorf("refused, and nothing is changed:\n%w", placeless(faults))
	}
	if err != nil {
		return err
	}
	was := placeless(a.cfg.Warnings)
	for _, w := range placeless(now.Warnings) {
		if !slices.Contains(was, w) {
			fmt.Fprintf(a.c.err, "warning: %v\n", w)
		}
	}
	return nil
}

func placeless(list config.Faults) config.Faults {
	out := slices.Clone(list)
	for i := range out {
		out[i].File, out[i].Line = "", 0
	}
	return out
}

// applied lets the running node read the file, and undoes the change if it refuses.
func (a *amendment) applied(did string, undo func() error) error {
	client, err := ctl.Dial(a.cfg.Control)
	if errors.Is(err, ctl.ErrNoNode) {
		fmt.Fprintf(a.c.err, "%s. No node is running here; the change is in %s.\n", did, a.path)
		return nil
	}
	var done []ctl.Reloaded
	if err == nil {
		done, err = ctl.Collect[ctl.Reloaded](a.c.ctx, client, ctl.OpReload, nil)
	}
	var refusal *ctl.Error
	switch {
	case errors.As(err, &refusal):
		return errors.Join(fmt.Errorf("the node refused and goes on as before; %s is as it was:\n%w", a.path, err), undo())
	case err != nil: // it may have been applied: whoever takes it back now has a node that does other things than its file says
		return fmt.Errorf("%s in %s; whether the node has applied it is not known, 'longwire reload' makes sure: %w", did, a.path, err)
	}
	for _, r := range done {
		if !sameFile(r.File, a.path) {
			fmt.Fprintf(a.c.err, "%s in %s, but the node here runs on %s.\n", did, a.path, orDefaults(r.File))
			return nil
		}
	}
	fmt.Fprintf(a.c.err, "%s. The node has applied it.\n", did)
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// link is the place of a link in the file.
func (a *amendment) link(name string) (int, error) {
	if i := slices.IndexFunc(a.cfg.Links, func(l config.Link) bool { return l.Name == name }); i >= 0 {
		return i, nil
	}
	var all []string
	for _, l := range a.cfg.Links {
		all = append(all, l.Name)
	}
	return 0, unknown("link", name, all, "'longwire link add' makes one")
}

// peer is the place of a peer in the file, by its name or one of its domains.
func (a *amendment) peer(name string) (int, error) {
	for _, is := range []func(config.Peer) bool{
		func(p config.Peer) bool { return p.Name == name },
		func(p config.Peer) bool { return slices.Contains(p.Domains, name) },
	} {
		if i := slices.IndexFunc(a.cfg.Peers, is); i >= 0 {
			return i, nil
		}
	}
	var all []string
	for _, p := range a.cfg.Peers {
		all = append(all, p.Name)
	}
	return 0, unknown("peer", name, all, "'longwire peer add' makes one")
}

func unknown(what, name string, all []string, none string) error {
	if len(all) == 0 {
		return fmt.Errorf("%w: there is no %s %q; %s", admin.ErrMisuse, what, name, none)
	}
	return fmt.Errorf("%w: there is no %s %q; %s", admin.ErrMisuse, what, name, config.Meant(name, all))
}

// number reads the number of an element of a list, from 1.
func number(text, what string, most int) (int, error) {
	n := 0
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 1 || n > most || fmt.Sprint(n) != strings.TrimSpace(text) {
		return 0, fmt.Errorf("%w: there is no %s %q; there are %d, and they count from 1", admin.ErrMisuse, what, text, most)
	}
	return n - 1, nil
}
