package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"longwire/images/bundle"
	"longwire/tools/cli"
	"longwire/tools/organisation"
)

// written is what became of one end.
type written struct {
	plan    *plan
	file    string
	size    int
	counter uint64
	same    bool // it says what the last one said, and is that one
}

// write makes all bundles.
func (o *options) write(c cli.Call) error {
	s, err := load(c.Args[0])
	if err != nil {
		return err
	}
	h, err := openHouse(s)
	if err != nil {
		return err
	}
	for _, name := range o.newToken {
		if !slices.ContainsFunc(s.Kit, func(e End) bool { return e.Name == name }) {
			return fmt.Errorf("--new-token %s: there is no such kit", name)
		}
		h.renewToken(name)
	}
	plans, err := h.plans()
	if err != nil {
		return err
	}
	if err := o.inspect(c, plans); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	// A bundle with secrets that are not kept could never be made again.
	if err := h.vault.Save(); err != nil {
		return err
	}
	printed, err := h.printPasswords()
	if err != nil {
		return err
	}
	var done []written
	for _, p := range plans {
		w, err := h.issue(p, o.out, o.counter)
		if err != nil {
			return fmt.Errorf("%s: %w", p.end.Name, err)
		}
		done = append(done, w)
	}
	tell(c.Out, done, printed)
	return nil
}

// plans plans for all ends.
func (h *house) plans() (all []*plan, err error) {
	for _, e := range h.star.ends() {
		p, err := h.plan(e)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// issue writes one end's bundle: the last one again if it says the same and has at least the number that is asked for.
func (h *house) issue(p *plan, dir string, least uint64) (w written, err error) {
	w = written{plan: p, file: filepath.Join(dir, p.end.Name+".lwb")}
	content, err := p.content()
	if err != nil {
		return w, err
	}
	next, err := h.folder.Next(bundle.KindConfig, p.config.Target.Name, p.config.Name)
	if err != nil {
		return w, err
	}
	file, err := h.folder.Issued(p.config.Name, content)
	if err != nil {
		return w, err
	}
	if w.counter, w.same = next-1, file != nil && next > least; !w.same {
		w.counter = max(next, least)
		p.config.Created, p.config.Counter = time.Now(), w.counter
		if file, err = h.folder.Sign(p.config, p.recipient, content); err != nil {
			return w, err
		}
	}
	w.size = len(file)
	return w, organisation.WriteFile(w.file, file, 0o600)
}

// printPasswords writes the passwords that were made up, one file for each end, and returns the files' names. They stay
// in the organisation's folder: a stick is the last place for them.
func (h *house) printPasswords() (files []string, err error) {
	dir := filepath.Join(h.folder.Dir(), "passwords")
	for _, e := range h.star.ends() {
		file := filepath.Join(dir, e.Name+".txt")
		list := h.made[e.Name]
		if list == nil {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "Passwords at %s. Print, cut, hand over.\n", e.Name)
		for _, p := range list {
			fmt.Fprintf(&b, "\n- - - - - - - - - - - - - - - - - - - -\n\n    address   %s\n    password  %s\n", p.address, p.text)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if err := organisation.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// tell prints what was done, and what to mind.
func tell(w io.Writer, done []written, passwords []string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range done {
		state := "new"
		if d.same {
			state = "as before"
		}
		lock := "sealed"
		if d.plan.recipient == "" {
			lock = "NOT SEALED"
		}
		fmt.Fprintf(t, "%s\tno. %d, %s\t%d bytes\t%s\n", d.file, d.counter, state, d.size, lock)
	}
	t.Flush()
	for _, f := range passwords {
		fmt.Fprintf(w, "%s: passwords that were made up, to print\n", f)
	}
	var open []string
	for _, d := range done {
		if d.plan.recipient != "" {
			continue
		}
		open = append(open, d.plan.end.Name)
		if r := d.plan.end.Report; r != "" {
			fmt.Fprintf(w, "%s: there is no %s yet\n", d.plan.end.Name, r)
		}
	}
	if open != nil {
		fmt.Fprintf(w, "\nNot sealed: whoever finds the stick of %s can read the settings and the secrets in them. Either keep\n"+
			"an eye on it, or start the kit once with an empty stick in it: it writes a report there, and with\n"+
			"report = \"that file\" in the kit's table its bundle is sealed.\n", strings.Join(open, ", "))
	}
}
