package guest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Filesystem is what a stick is formatted with.
type Filesystem string

// What kits can read.
const (
	FAT  Filesystem = "vfat"
	Ext4 Filesystem = "ext4"
)

// A Stick is the image of a USB stick. Its files can be read and written while no guest has it.
type Stick struct {
	Image       string
	Filesystem  Filesystem
	Partitioned bool // as shops sell them: one partition behind an MBR
}

// partition is where the partition begins, in bytes.
const partition = 1 << 20

// NewStick formats a stick of that many MiB with some files in its root folder. On ext4 a content that begins with "-> " makes a symbolic link.
func NewStick(image string, size int, fs Filesystem, partitioned bool, files map[string][]byte) (*Stick, error) {
	s := &Stick{Image: image, Filesystem: fs, Partitioned: partitioned}
	if err := os.RemoveAll(image); err != nil {
		return nil, fmt.Errorf("stick: %w", err)
	}
	if err := sparse(image, int64(size)<<20); err != nil {
		return nil, err
	}
	if partitioned {
		if err := s.writeMBR(size); err != nil {
			return nil, err
		}
	}
	if fs == Ext4 {
		return s, s.makeExt4(size, files)
	}
	blocks := size << 10
	if partitioned {
		blocks -= partition >> 10
	}
	args := []string{"-n", "KIT", image, fmt.Sprint(blocks)}
	if partitioned {
		args = append([]string{"--offset", fmt.Sprint(partition / 512)}, args...)
	}
	if _, err := run(nil, "mkfs.vfat", args...); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := s.Put(name, files[name]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// writeMBR makes one partition that takes all but the first MiB.
func (s *Stick) writeMBR(size int) error {
	f, err := os.OpenFile(s.Image, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("stick: %w", err)
	}
	entry := make([]byte, 66)
	entry[4] = 0x0c // FAT32 with LBA
	if s.Filesystem == Ext4 {
		entry[4] = 0x83
	}
	binary.LittleEndian.PutUint32(entry[8:], partition/512)
	binary.LittleEndian.PutUint32(entry[12:], uint32(size<<20-partition)/512)
	entry[64], entry[65] = 0x55, 0xaa
	_, err = f.WriteAt(entry, 446)
	return errors.Join(err, f.Close())
}

func (s *Stick) makeExt4(size int, files map[string][]byte) error {
	root, err := os.MkdirTemp(filepath.Dir(s.Image), "stick-")
	if err != nil {
		return fmt.Errorf("stick: %w", err)
	}
	defer os.RemoveAll(root)
	for name, b := range files {
		if to, ok := strings.CutPrefix(string(b), "-> "); ok {
			err = os.Symlink(to, filepath.Join(root, name))
		} else {
			err = os.WriteFile(filepath.Join(root, name), b, 0o644)
		}
		if err != nil {
			return fmt.Errorf("stick: %w", err)
		}
	}
	option, mib := "root_owner=0:0", size
	if s.Partitioned {
		option, mib = fmt.Sprintf("root_owner=0:0,offset=%d", partition), size-partition>>20
	}
	_, err = run(nil, "mke2fs", "-q", "-t", "ext4", "-F", "-L", "KIT", "-d", root, "-E", option, s.Image, fmt.Sprintf("%dM", mib))
	return err
}

// Put writes a file of a FAT stick's root folder.
func (s *Stick) Put(name string, b []byte) error {
	_, err := run(b, "mcopy", "-o", "-i", s.at(), "-", "::"+name)
	return err
}

// Copy writes a file of a FAT stick's root folder from another file.
func (s *Stick) Copy(name, file string) error {
	_, err := run(nil, "mcopy", "-o", "-i", s.at(), file, "::"+name)
	return err
}

// Delete removes a file of a FAT stick's root folder.
func (s *Stick) Delete(name string) error {
	_, err := run(nil, "mdel", "-i", s.at(), "::"+name)
	return err
}

// Get reads a file of the root folder.
func (s *Stick) Get(name string) ([]byte, error) {
	if s.Filesystem == FAT {
		return run(nil, "mcopy", "-i", s.at(), "::"+name, "-")
	}
	return run(nil, "debugfs", "-R", "cat /"+name, s.at())
}

// Names are those of the files in the root folder.
func (s *Stick) Names() ([]string, error) {
	var names []string
	if s.Filesystem == FAT {
		out, err := run(nil, "mdir", "-b", "-i", s.at(), "::")
		for line := range strings.Lines(string(out)) {
			names = append(names, strings.TrimPrefix(strings.TrimSpace(line), "::/"))
		}
		return names, err
	}
	out, err := run(nil, "debugfs", "-R", "ls -p /", s.at())
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(line, "/"); len(f) > 5 && f[5] != "." && f[5] != ".." && f[5] != "lost+found" {
			names = append(names, f[5])
		}
	}
	return names, err
}

func (s *Stick) at() string {
	switch {
	case !s.Partitioned:
		return s.Image
	case s.Filesystem == FAT:
		return fmt.Sprintf("%s@@%d", s.Image, partition)
	}
	return fmt.Sprintf("%s?offset=%d", s.Image, partition)
}

func (s *Stick) id() string {
	return "stick-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimSuffix(filepath.Base(s.Image), ".img")))
}

// run runs a program of the system, which may be in a folder that is only in root's path.
func run(stdin []byte, program string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		path = "/usr/sbin/" + program
	}
	cmd := exec.Command(path, args...)
	var out, fault bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &fault
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("stick: %s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(fault.Bytes()))
	}
	return out.Bytes(), nil
}

// Wipe overwrites the file system with what is none.
func (s *Stick) Wipe() error {
	st, err := os.Stat(s.Image)
	if err != nil {
		return fmt.Errorf("stick: %w", err)
	}
	if err := os.WriteFile(s.Image, bytes.Repeat([]byte("no file system\r\n"), int(st.Size()/16)), 0o600); err != nil {
		return fmt.Errorf("stick: %w", err)
	}
	return nil
}
