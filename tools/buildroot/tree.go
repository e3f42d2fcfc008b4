package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"longwire/images/layouts"
)

// release is the Buildroot that the tree in buildroot/ is made for and tried with: the long-term one of 2026.
const release = "2026.02.3"

// external is the project's part, as the manual's section "Keeping customizations outside of Buildroot" recommends.
const external = "buildroot"

// tree is a Buildroot source tree and our own beside it.
type tree struct {
	dir      string // Buildroot, absolute
	external string // ours, absolute
	out      io.Writer
}

// open looks whether dir is a Buildroot, and says so when it is not the release that we know.
func open(ctx context.Context, dir string, out io.Writer) (*tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	makefile, err := os.ReadFile(filepath.Join(abs, "Makefile"))
	if err != nil {
		return nil, fmt.Errorf("BUILDROOT=%s is no Buildroot: %w; git clone -b %s https://gitlab.com/buildroot.org/buildroot.git", dir, err, release)
	}
	m := regexp.MustCompile(`(?m)^export BR2_VERSION := (\S+)`).FindSubmatch(makefile)
	if m == nil {
		return nil, fmt.Errorf("BUILDROOT=%s is no Buildroot: its Makefile has no BR2_VERSION", dir)
	}
	if v := string(m[1]); v != release {
		fmt.Fprintf(out, "Note: this is Buildroot %s; we know that it works with %s.\n", v, release)
	}
	// An archive has no git, and needs none.
	if d, err := exec.CommandContext(ctx, "git", "-C", abs, "describe", "--tags", "--always", "--dirty").Output(); err == nil {
		fmt.Fprintf(out, "Buildroot %s\n", strings.TrimSpace(string(d)))
	}
	ext, err := filepath.Abs(external)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(ext, "external.desc")); err != nil {
		return nil, fmt.Errorf("run this in the project's folder: %w", err)
	}
	return &tree{dir: abs, external: ext, out: out}, nil
}

// defconfig is the name of the board's configuration, without its ending.
func defconfig(b layouts.Board) string { return "longwire_" + strings.ReplaceAll(b.Name, "-", "_") }

func (t *tree) config(b layouts.Board) string {
	return filepath.Join(t.external, "configs", defconfig(b)+"_defconfig")
}

// make runs Buildroot's make for the folder out. Its text goes to w.
func (t *tree) make(ctx context.Context, w io.Writer, env []string, out string, args ...string) error {
	cmd := exec.CommandContext(ctx, "make", append([]string{"-C", t.dir, "O=" + out, "BR2_EXTERNAL=" + t.external}, args...)...)
	// What our own make was called with is not Buildroot's business.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BOARD", "VERSION", "O"}, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("buildroot: make %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// configure resolves the board's defconfig in out, and tells what is lost or changed on the way, one line each.
func (t *tree) configure(ctx context.Context, b layouts.Board, out string) (faults []string, err error) {
	var said strings.Builder
	if err := t.make(ctx, &said, nil, out, defconfig(b)+"_defconfig"); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tail(said.String()))
	}
	for _, line := range strings.Split(said.String(), "\n") {
		if strings.Contains(line, "warning:") {
			faults = append(faults, strings.TrimSpace(line))
		}
	}
	got, err := os.ReadFile(filepath.Join(out, ".config"))
	if err != nil {
		return nil, err
	}
	for _, w := range missing(t.config(b), string(got)) {
		faults = append(faults, "does not resolve: "+w)
	}
	saved := filepath.Join(out, "saved_defconfig")
	said.Reset()
	if err := t.make(ctx, &said, nil, out, "savedefconfig", "BR2_DEFCONFIG="+saved); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tail(said.String()))
	}
	was, err := os.ReadFile(t.config(b))
	if err != nil {
		return nil, err
	}
	is, err := os.ReadFile(saved)
	if err != nil {
		return nil, err
	}
	if string(was) != string(is) {
		faults = append(faults, "savedefconfig writes another file: "+diff(string(was), string(is)))
	}
	return faults, nil
}

// wanted are the symbols that a defconfig or a fragment asks for, as .config writes them.
func wanted(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if symbol(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

var (
	set   = regexp.MustCompile(`^((?:CONFIG|BR2)_\w+)=.+$`)
	unset = regexp.MustCompile(`^# ((?:CONFIG|BR2)_\w+) is not set$`)
)

// symbol is the one that a line is about, or "".
func symbol(line string) string {
	for _, re := range []*regexp.Regexp{set, unset} {
		if m := re.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	return ""
}

// missing are the lines of the file that the resolved configuration does not have: kconfig drops what it does not know, and what depends on
// something else, without a word. A symbol that is not to be set may be unknown.
func missing(file, config string) (lines []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	have := map[string]string{}
	for _, line := range wanted(config) {
		have[symbol(line)] = line
	}
	for _, line := range wanted(string(text)) {
		got, known := have[symbol(line)]
		if got == line || !known && unset.MatchString(line) {
			continue
		}
		if !known {
			got = "nothing"
		}
		lines = append(lines, fmt.Sprintf("%s: %s (got %s)", filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), line, got))
	}
	return lines
}

// diff names the lines of which one file has more than the other, or the first place where the order differs.
func diff(was, is string) string {
	a, b := strings.Split(strings.TrimSpace(was), "\n"), strings.Split(strings.TrimSpace(is), "\n")
	var out []string
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "-"+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "+"+l)
		}
	}
	if out == nil {
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				return fmt.Sprintf("line %d: %s comes where %s is", i+1, b[i], a[i])
			}
		}
	}
	return strings.Join(out, " ")
}

// value is a string symbol's value in a configuration.
func value(config, name string) string {
	for line := range strings.Lines(config) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// tail is the end of what a program printed, where it says why it failed.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
