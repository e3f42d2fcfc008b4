package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// moduleRoot is the nearest folder upwards that holds go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("arrows: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("arrows: no go.mod in this folder or above")
		}
		dir = parent
	}
}

// moduleName reads the module line of go.mod.
func moduleName(root string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("arrows: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", errors.New("arrows: go.mod names no module")
}

// check returns what is wrong, one line each, and how many files were read.
func check(root string) (faults []string, files int, err error) {
	module, err := moduleName(root)
	if err != nil {
		return nil, 0, err
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		files++
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		found, err := checkFile(file, filepath.ToSlash(rel), module)
		faults = append(faults, found...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("arrows: %w", err)
	}
	return faults, files, nil
}

// checkFile judges the imports of one file; rel is its path in the module.
func checkFile(file, rel, module string) (faults []string, err error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	from := path.Dir(rel)
	for _, imp := range f.Imports {
		to, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		if why := judge(from, to, module); why != "" {
			faults = append(faults, fmt.Sprintf("%s:%d: %s imports %s: %s", rel, set.Position(imp.Pos()).Line, from, to, why))
		}
	}
	return faults, nil
}

// judge returns the rule that an import breaks, or "".
func judge(from, to, module string) string {
	if ours, ok := strings.CutPrefix(to, module+"/"); ok {
		return judgeOurs(from, ours)
	}
	first, _, _ := strings.Cut(to, "/")
	if !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, d := range doors() {
		if within(to, d.library) {
			if anyRoom(from, d.rooms) {
				return ""
			}
			return fmt.Sprintf("one dependency, one door: %s comes in by %s", d.library, strings.Join(d.rooms, ", "))
		}
	}
	return "this library has no door yet; give it one in tools/arrows/table.go, with the reason"
}

func judgeOurs(from, to string) string {
	for _, r := range rules() {
		if !within(from, r.room) {
			continue
		}
		if from == to || within(to, r.room) && r.not == nil {
			return "" // a room's own parts
		}
		if anyRoom(to, r.may) && !anyRoom(to, r.not) {
			return ""
		}
		return r.why
	}
	return "this folder is no room of the table in tools/arrows/table.go"
}
