package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"longwire/images/bundle"
	"longwire/tools/cli"
)

// diff tells what each end would do differently from what its last bundle said. It goes by the open copies of what was
// issued, since a sealed bundle tells nobody but its kit.
func (o *options) diff(c cli.Call) error {
	s, err := load(c.Args[0])
	if err != nil {
		return err
	}
	h, err := openHouse(s)
	if err != nil {
		return err
	}
	longwire, err := findProgram("longwire", o.longwire)
	if err != nil {
		return err
	}
	if longwire == "" {
		return errors.New("longwire compares bundles, and is not beside twin and not in $PATH; name it with --longwire")
	}
	plans, err := h.plans() // with made-up secrets that nobody keeps, where new ones are needed
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "twin-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, p := range plans {
		if err := h.diff(c, p, dir, longwire); err != nil {
			return fmt.Errorf("%s: %w", p.end.Name, err)
		}
	}
	return nil
}

func (h *house) diff(c cli.Call, p *plan, dir, longwire string) error {
	content, err := p.content()
	if err != nil {
		return err
	}
	same, err := h.folder.Issued(p.config.Name, content)
	if err != nil {
		return err
	}
	before, err := h.folder.OpenCopy(p.config.Name)
	if err != nil {
		return err
	}
	switch {
	case same != nil:
		fmt.Fprintf(c.Out, "%s: nothing changes\n", p.end.Name)
		return nil
	case before == nil:
		fmt.Fprintf(c.Out, "%s: no bundle was made for it before\n", p.end.Name)
		return nil
	}
	p.config.Counter, err = h.folder.Next(bundle.KindConfig, p.config.Target.Name, p.config.Name)
	if err != nil {
		return err
	}
	signer, err := h.folder.Signer()
	if err != nil {
		return err
	}
	after, err := p.config.Encode(signer, "")
	if err != nil {
		return err
	}
	names := []string{filepath.Join(dir, p.end.Name+" before"), filepath.Join(dir, p.end.Name+" now")}
	for i, b := range [][]byte{before, after} {
		if err := os.WriteFile(names[i], b, 0o600); err != nil {
			return err
		}
	}
	out, err := exec.Command(longwire, "bundle", "diff", names[0], names[1]).CombinedOutput()
	text := strings.ReplaceAll(string(out), dir+string(filepath.Separator), "")
	if err != nil {
		return errors.New(strings.TrimSpace(text))
	}
	_, err = fmt.Fprintln(c.Out, text)
	return err
}
