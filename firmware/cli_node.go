package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
	"longwire/firmware/host"
)

// version is set by the linker; see the Makefile.
var version string

// versionText is the release, or the revision that was built.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

func cmdVersion(c *call) error {
	fmt.Fprintf(c.out, "longwire %s %s/%s %s\n", versionText(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return nil
}

func cmdNode(c *call) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return serve(c.ctx, cfg, c.std)
}

func cmdExample(c *call) error {
	switch {
	case len(c.args) == 0:
		fmt.Fprint(c.out, config.Example())
	case c.args[0] == "kit":
		fmt.Fprint(c.out, host.Example())
	default:
		return fmt.Errorf("%w: there is no example of %q; write \"kit\", or nothing for the node's", admin.ErrMisuse, c.args[0])
	}
	return nil
}

func cmdCheck(c *call) error {
	if len(c.args) == 1 {
		if c.config != "" {
			return fmt.Errorf("%w: FILE and --config both name a config; keep one", admin.ErrMisuse)
		}
		c.config = c.args[0]
	}
	path := config.Search(c.config)
	if filepath.Base(path) == kitFile {
		return c.checkKit(path)
	}
	cfg, err := config.Load(path)
	if cfg != nil {
		for _, w := range cfg.Warnings {
			fmt.Fprintf(c.out, "warning: %v\n", w)
		}
	}
	if err == nil {
		err = admin.CheckPlace(cfg)
	}
	if err == nil && path == "" {
		fmt.Fprintln(c.out, "no config file; the embedded defaults are fine")
		return nil
	}
	return c.judgement(path, err)
}

// kitFile is the machine's settings, which have a language of their own.
const kitFile = "kit.toml"

// checkKit finds every mistake in a kit.toml.
func (c *call) checkKit(path string) error {
	doc, err := os.ReadFile(path)
	if err == nil {
		_, err = host.Parse(path, doc)
	}
	return c.judgement(path, err)
}

// judgement prints the faults that a check found.
func (c *call) judgement(path string, err error) error {
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		fmt.Fprintf(c.out, "%v\n%s\n", faults, plural(len(faults), "fault"))
		return exit(exitFailed)
	case err != nil:
		return err
	}
	fmt.Fprintf(c.out, "%s: no faults\n", path)
	return nil
}

func cmdReload(c *call) error {
	cfg, faults := c.load()
	if cfg == nil {
		return faults
	}
	client, err := ctl.Dial(cfg.Control)
	if err != nil {
		if errors.Is(err, ctl.ErrNoNode) && faults != nil {
			return faults
		}
		return err
	}
	done, err := ctl.Collect[ctl.Reloaded](c.ctx, client, ctl.OpReload, nil)
	if err != nil {
		return fmt.Errorf("the node refused and goes on as before:\n%w", err)
	}
	for _, r := range done {
		for _, w := range r.Warnings {
			fmt.Fprintf(c.out, "warning: %v\n", w)
		}
		if r.File == "" {
			fmt.Fprintln(c.out, "The node runs on embedded defaults; there is nothing to reload.")
		} else if len(r.Changed) == 0 {
			fmt.Fprintf(c.out, "%s: nothing changed\n", r.File)
		} else {
			fmt.Fprintf(c.out, "%s: changed %s\n", r.File, strings.Join(r.Changed, ", "))
		}
	}
	return nil
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// printJSON prints a value for programs.
func (c *call) printJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
