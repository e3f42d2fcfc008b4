package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"longwire/images/layouts"
)

// check proves that every board's configuration is complete, as far as that can be proven without building it.
type check struct {
	linux, uboot string // source trees, to resolve their fragments too; "": not done
}

// packages are ours.
var packages = []string{"longwire", "s5066d"}

func (c check) run(ctx context.Context, t *tree) error {
	tmp, err := os.MkdirTemp("", "buildroot-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	bad := 0
	say := func(name string, faults []string, good string) {
		if len(faults) == 0 {
			fmt.Fprintf(t.out, "ok    %-14s %s\n", name, good)
			return
		}
		bad += len(faults)
		for _, f := range faults {
			fmt.Fprintf(t.out, "FAULT %-14s %s\n", name, f)
		}
	}
	for _, b := range layouts.Boards() {
		faults, good, err := c.board(ctx, t, b, filepath.Join(tmp, b.Name))
		if err != nil {
			faults = append(faults, err.Error())
		}
		say(b.Name, faults, good)
	}
	files, faults, err := t.style(ctx)
	if err != nil {
		return err
	}
	say("check-package", faults, fmt.Sprintf("%d files, no warnings", files))
	if bad > 0 {
		return fmt.Errorf("%d faults", bad)
	}
	return nil
}

// board checks one board: its symbols all resolve and survive savedefconfig, the files that it names are there, our packages are in, and what
// is downloaded at a version of our choice has a hash.
func (c check) board(ctx context.Context, t *tree, b layouts.Board, out string) (faults []string, good string, err error) {
	faults, err = t.configure(ctx, b, out)
	if err != nil {
		return faults, "", err
	}
	text, err := os.ReadFile(filepath.Join(out, ".config"))
	if err != nil {
		return faults, "", err
	}
	config := string(text)
	for _, f := range t.files(config) {
		if _, err := os.Stat(f); err != nil {
			faults = append(faults, "names a file that is not there: "+f)
		}
	}
	var said strings.Builder
	if err := t.make(ctx, &said, nil, out, "-s", "--no-print-directory", "show-targets"); err != nil {
		return faults, "", fmt.Errorf("%w\n%s", err, tail(said.String()))
	}
	targets := strings.Fields(said.String())
	for _, p := range packages {
		if !slices.Contains(targets, p) {
			faults = append(faults, "does not build our package "+p)
		}
	}
	linux, uboot := value(config, "BR2_LINUX_KERNEL_VERSION"), value(config, "BR2_TARGET_UBOOT_VERSION")
	for _, source := range []string{"linux-" + linux + ".tar", "u-boot-" + uboot + ".tar"} {
		if !t.hashed(source) {
			faults = append(faults, "no hash for "+source+"*")
		}
	}
	fragments := 0
	for _, k := range c.kconfigs(t, b, config) {
		n, lost, err := k.resolve(ctx, out)
		if err != nil {
			return faults, "", err
		}
		faults, fragments = append(faults, lost...), fragments+n
	}
	good = fmt.Sprintf("%d symbols, savedefconfig the same, %d packages, Linux %s, U-Boot %s", len(wanted(readAll(t.config(b)))), len(targets), linux, uboot)
	if fragments > 0 {
		good += fmt.Sprintf(", %d symbols of their fragments", fragments)
	}
	return faults, good, nil
}

func readAll(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

// files are those of our tree that a configuration names.
func (t *tree) files(config string) (files []string) {
	const ours = "$(BR2_EXTERNAL_LONGWIRE_PATH)"
	for _, line := range wanted(config) {
		_, v, _ := strings.Cut(line, "=")
		for _, word := range strings.Fields(strings.Trim(v, `"`)) {
			if strings.HasPrefix(word, ours) {
				files = append(files, t.external+strings.TrimPrefix(word, ours))
			}
		}
	}
	return files
}

// hashed tells whether Buildroot or our tree knows the digest of a source.
func (t *tree) hashed(source string) (found bool) {
	for _, dir := range []string{filepath.Join(t.dir, "linux"), filepath.Join(t.dir, "boot", "uboot"), filepath.Join(t.external, "patches")} {
		filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".hash" && strings.Contains(readAll(path), "  "+source) {
				found = true
			}
			return nil
		})
	}
	return found
}

// style runs Buildroot's own check of the files' form over ours.
func (t *tree) style(ctx context.Context) (files int, faults []string, err error) {
	var names []string
	err = filepath.WalkDir(t.external, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(t.dir, "utils", "check-package"), append([]string{"-b"}, names...)...)
	// It is a script for "env python3" with the module magic, which Debian has for its own Python.
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:"+os.Getenv("PATH"))
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return len(names), nil, nil
	case errors.As(err, &exit) && !strings.Contains(string(text), "Traceback"):
		return len(names), strings.Split(strings.TrimSpace(string(text)), "\n"), nil
	}
	return 0, nil, fmt.Errorf("check-package: %w (Debian: apt-get install python3-magic flake8 shellcheck file)\n%s", err, tail(string(text)))
}
