package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A tree is a file system in memory, by path without a leading slash. Folders come by themselves.
type tree map[string]node

// A node is a file, a link, or a folder that would otherwise be empty.
type node struct {
	mode fs.FileMode // type and permissions
	data []byte
	link string
}

func (t tree) file(name string, mode fs.FileMode, data []byte) {
	t[name] = node{mode: mode, data: data}
}
func (t tree) text(name, text string)            { t.file(name, 0o644, []byte(text)) }
func (t tree) link(name, to string)              { t[name] = node{mode: fs.ModeSymlink | 0o777, link: to} }
func (t tree) dir(name string, mode fs.FileMode) { t[name] = node{mode: fs.ModeDir | mode} }

// names in order.
func (t tree) names() []string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// under are the names below a folder.
func (t tree) under(dir string) (names []string) {
	for _, name := range t.names() {
		if strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	return names
}

func (t tree) size() (n int64) {
	for _, f := range t {
		n += int64(len(f.data))
	}
	return n
}

// folders are all folders that the tree needs, parents first.
func (t tree) folders() []string {
	seen := map[string]bool{}
	for name, n := range t {
		if n.mode.IsDir() {
			seen[name] = true
		}
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			seen[d] = true
		}
	}
	var all []string
	for d := range seen {
		all = append(all, d)
	}
	slices.Sort(all)
	return all
}

// find follows links and returns the file's real name.
func (t tree) find(name string) (string, bool) {
	for range 16 {
		n, ok := t[name]
		if !ok {
			return "", false
		}
		if n.mode&fs.ModeSymlink == 0 {
			return name, true
		}
		if path.IsAbs(n.link) {
			name = merged(n.link)
		} else {
			name = merged(path.Join(path.Dir(name), n.link))
		}
	}
	return "", false
}

// add puts all files of a file system in, over what is there. An embedded one has no permissions: files become 0644.
func (t tree) add(from fs.FS, root string) error {
	return fs.WalkDir(from, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		t.file(merged(strings.TrimPrefix(strings.TrimPrefix(name, root), "/")), 0o644, b)
		return nil
	})
}

// write makes the tree on disk, all with one time, in a new folder.
func (t tree) write(dir string, at time.Time) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	folders := t.folders()
	for _, d := range folders {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	for _, name := range t.names() {
		n, file := t[name], filepath.Join(dir, name)
		switch {
		case n.mode.IsDir():
			continue
		case n.mode&fs.ModeSymlink != 0:
			if err := os.Symlink(n.link, file); err != nil {
				return err
			}
			continue
		}
		// Twice, since the umask has its say the first time.
		if err := errors.Join(os.WriteFile(file, n.data, n.mode.Perm()), os.Chmod(file, n.mode.Perm()), os.Chtimes(file, at, at)); err != nil {
			return err
		}
	}
	slices.Reverse(folders) // making files changed the times of their folders
	for _, d := range folders {
		mode := fs.FileMode(0o755)
		if n, ok := t[d]; ok {
			mode = n.mode & (fs.ModePerm | fs.ModeSticky)
		}
		if err := errors.Join(os.Chmod(filepath.Join(dir, d), mode), os.Chtimes(filepath.Join(dir, d), at, at)); err != nil {
			return err
		}
	}
	return os.Chtimes(dir, at, at)
}

// cpio writes the tree as an initramfs: the "newc" format of the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
func (t tree) cpio(w io.Writer, at time.Time) error {
	inode := 0
	put := func(name string, mode uint32, data []byte) error {
		inode++
		head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode, 0, 0, 1, at.Unix(), len(data), 0, 0, 0, 0, len(name)+1, 0)
		b := pad4(append([]byte(head+name), 0))
		_, err := w.Write(append(b, pad4(slices.Clone(data))...))
		return err
	}
	const folder, file, link = 0o040000, 0o100000, 0o120000
	for _, d := range t.folders() {
		if err := put(d, folder|0o755, nil); err != nil {
			return err
		}
	}
	for _, name := range t.names() {
		n, err := t[name], error(nil)
		switch {
		case n.mode.IsDir():
		case n.mode&fs.ModeSymlink != 0:
			err = put(name, link|0o777, []byte(n.link))
		default:
			err = put(name, file|uint32(n.mode.Perm()), n.data)
		}
		if err != nil {
			return err
		}
	}
	return put("TRAILER!!!", 0, nil)
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
