package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"longwire/tools/cli"
)

// inspect has the programs that will run on the settings check them, if they are here: they know best. A kit does it
// again, and refuses what has a fault.
func (o *options) inspect(c cli.Call, plans []*plan) error {
	longwire, err := findProgram("longwire", o.longwire)
	if err != nil {
		return err
	}
	s5066d, err := findProgram("s5066d", o.s5066d)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "twin-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var fs faults
	for _, p := range plans {
		docs := &p.config.Docs
		at := filepath.Join(dir, p.end.Name)
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		for name, text := range map[string][]byte{nodeFile: []byte(docs.Node), sisFile: []byte(docs.SIS), hostFile: []byte(docs.Kit), tlsCertFile: docs.TLSCert, tlsKeyFile: docs.TLSKey, phrasesFile: []byte(docs.Phrases)} {
			if err := os.WriteFile(filepath.Join(at, name), text, 0o600); err != nil {
				return err
			}
		}
		if longwire != "" {
			fs = append(fs, ask(c, p.end.Name, at, longwire, "check", filepath.Join(at, nodeFile))...)
			fs = append(fs, ask(c, p.end.Name, at, longwire, "check", filepath.Join(at, hostFile))...)
		}
		if s5066d != "" && docs.SIS != "" {
			fs = append(fs, ask(c, p.end.Name, at, s5066d, "check", "--config", filepath.Join(at, sisFile))...)
		}
	}
	for _, p := range []struct{ name, found string }{{"longwire", longwire}, {"s5066d", s5066d}} {
		if p.found == "" {
			fmt.Fprintf(c.Err, "Not everything was checked: %s is not beside twin and not in $PATH; name it with --%s.\n", p.name, p.name)
		}
	}
	if fs != nil {
		return fs
	}
	return nil
}

// findProgram finds a program: the one that is named, or one beside this one, or in $PATH; "" if there is none.
func findProgram(name, named string) (string, error) {
	if named != "" {
		return exec.LookPath(named)
	}
	if self, err := os.Executable(); err == nil {
		if beside, err := exec.LookPath(filepath.Join(filepath.Dir(self), name)); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", nil
	}
	return found, err
}

// count is how a checker ends.
var count = regexp.MustCompile(`^\d+ faults?$`)

// ask runs a checker on a file and returns what it finds wrong; warnings are passed on.
func ask(c cli.Call, end, dir, program string, args ...string) (fs faults) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSpace(strings.ReplaceAll(line, dir+string(filepath.Separator), ""))
		switch {
		case strings.HasPrefix(line, "warning: "):
			fmt.Fprintf(c.Err, "%s: %s\n", end, line)
		case err != nil && line != "" && !count.MatchString(line):
			fs = append(fs, end+": "+line)
		}
	}
	if err != nil && fs == nil {
		fs = faults{fmt.Sprintf("%s: %s: %v", end, program, err)}
	}
	return fs
}
