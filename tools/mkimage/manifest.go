package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// A manifest tells what an image is made of.
type manifest struct {
	Board      string          `json:"board"`
	Version    string          `json:"version"`
	Kernel     string          `json:"kernel"`
	Installed  int64           `json:"installed"` // bytes of all files in a slot
	Largest    []entry         `json:"largest"`   // files of a slot
	Partitions []part          `json:"partitions"`
	Files      map[string]item `json:"files"` // beside this one
	Packages   []string        `json:"packages"`
}

type entry struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

type part struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

type item struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func writeManifest(o options, kernel string, debs []string, root tree) error {
	m := manifest{Board: o.board.Name, Version: o.version, Kernel: kernel, Installed: root.size(), Files: map[string]item{}}
	for _, p := range o.board.Partitions() {
		m.Partitions = append(m.Partitions, part{p.Name, p.Offset, p.Size})
	}
	for _, deb := range debs {
		m.Packages = append(m.Packages, filepath.Base(deb))
	}
	slices.Sort(m.Packages)
	for _, name := range root.names() {
		m.Largest = append(m.Largest, entry{name, int64(len(root[name].data))})
	}
	slices.SortStableFunc(m.Largest, func(a, b entry) int { return int(b.Size - a.Size) })
	m.Largest = m.Largest[:min(len(m.Largest), 20)]
	for _, name := range []string{"disk.img", "rootfs.ext4", "boot.scr", "uboot-env.bin"} {
		it, err := digest(filepath.Join(o.out, name))
		if err != nil {
			return err
		}
		m.Files[name] = it
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "manifest.json"), append(b, '\n'), 0o644)
}

func digest(file string) (item, error) {
	f, err := os.Open(file)
	if err != nil {
		return item{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return item{n, hex.EncodeToString(h.Sum(nil))}, err
}

// diskUsage is what a sparse file takes.
func diskUsage(file string) int64 {
	var st syscall.Stat_t
	if syscall.Stat(file, &st) != nil {
		return 0
	}
	return st.Blocks * 512
}
