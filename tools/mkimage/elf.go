package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// needs are the libraries that a program or library names. What is no ELF file needs none.
func needs(data []byte) ([]string, error) {
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ImportedLibraries()
}

// addLibraries puts the libraries that the tree's programs need into it, and what those need, out of what the packages have.
func addLibraries(root, from tree) error {
	bySoname := map[string]string{}
	for _, t := range []tree{from, root} {
		for _, name := range t.names() {
			if strings.Contains(path.Base(name), ".so") && strings.HasPrefix(name, "usr/lib/") {
				bySoname[path.Base(name)] = name
			}
		}
	}
	todo := root.names()
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		libs, err := needs(root[name].data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, lib := range libs {
			at, ok := bySoname[lib]
			if !ok {
				return fmt.Errorf("%s needs %s, which is in none of the packages of tools/mkimage/picks.go", name, lib)
			}
			for { // a link and what it leads to
				if _, have := root[at]; have {
					break
				}
				n := from[at]
				root[at] = n
				if n.mode&fs.ModeSymlink == 0 {
					todo = append(todo, at)
					break
				}
				at = merged(path.Join(path.Dir(at), n.link))
			}
		}
	}
	return nil
}

// modinfo are the values of a name in a kernel module's description.
func modinfo(data []byte, name string) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("no .modinfo")
	}
	text, err := s.Data()
	if err != nil {
		return nil, err
	}
	var values []string
	for entry := range strings.SplitSeq(string(text), "\x00") {
		if v, ok := strings.CutPrefix(entry, name+"="); ok && v != "" {
			values = append(values, v)
		}
	}
	return values, nil
}

// moduleName is how modules name each other.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// A kernel is what its package has.
type kernel struct {
	version string
	image   []byte
	modules map[string]string // name to path in all
	builtin map[string]bool
	all     tree
}

// closure is the paths of modules and of what they need, each after its needs. A name that the kernel has built in is passed over; missing are
// those that it does not have at all.
func (k *kernel) closure(names []string) (paths, missing []string, err error) {
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		if seen[name] || k.builtin[name] {
			return nil
		}
		seen[name] = true
		file, ok := k.modules[name]
		if !ok {
			missing = append(missing, name)
			return nil
		}
		depends, err := modinfo(k.all[file].data, "depends")
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		soft, err := modinfo(k.all[file].data, "softdep")
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, s := range soft { // "pre: crc32c": by name if there is such a module
			if list, ok := strings.CutPrefix(s, "pre: "); ok {
				for _, n := range strings.Fields(list) {
					if _, ok := k.modules[strings.ReplaceAll(n, "-", "_")]; ok {
						depends = append(depends, n)
					}
				}
			}
		}
		for _, d := range depends {
			for n := range strings.SplitSeq(d, ",") {
				if err := add(n); err != nil {
					return err
				}
			}
		}
		paths = append(paths, file)
		return nil
	}
	for _, n := range names {
		if err := add(n); err != nil {
			return nil, nil, err
		}
	}
	return paths, missing, nil
}
