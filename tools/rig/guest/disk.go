package guest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"unicode/utf16"
)

// A Partition is a piece of a disk image, in bytes.
type Partition struct {
	Label      string
	Start, End int64 // End is behind it
}

const sector = 512

// Partitions reads a disk image's table (UEFI 2.10 §5.3).
func Partitions(disk string) ([]Partition, error) {
	f, err := os.Open(disk)
	if err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	defer f.Close()
	head := make([]byte, sector)
	if _, err := f.ReadAt(head, sector); err != nil || string(head[:8]) != "EFI PART" {
		return nil, errors.Join(fmt.Errorf("guest: %s has no GPT", disk), err)
	}
	le := binary.LittleEndian
	at, n, size := int64(le.Uint64(head[72:])), le.Uint32(head[80:]), le.Uint32(head[84:])
	if n > 128 || size < 128 || size > 1024 {
		return nil, fmt.Errorf("guest: the GPT of %s has %d entries of %d bytes", disk, n, size)
	}
	table := make([]byte, n*size)
	if _, err := f.ReadAt(table, at*sector); err != nil {
		return nil, fmt.Errorf("guest: the GPT of %s: %w", disk, err)
	}
	var all []Partition
	for e := range chunks(table, int(size)) {
		if first := int64(le.Uint64(e[32:])); first != 0 {
			name := make([]uint16, 36)
			for i := range name {
				name[i] = le.Uint16(e[56+2*i:])
			}
			label, _, _ := strings.Cut(string(utf16.Decode(name)), "\x00")
			all = append(all, Partition{label, first * sector, (int64(le.Uint64(e[40:])) + 1) * sector})
		}
	}
	return all, nil
}

func chunks(b []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) >= size && yield(b[:size]) {
			b = b[size:]
		}
	}
}

// FindPartition reads where the partition with that label lies.
func FindPartition(disk, label string) (Partition, error) {
	all, err := Partitions(disk)
	if err != nil {
		return Partition{}, err
	}
	for _, p := range all {
		if p.Label == label {
			return p, nil
		}
	}
	return Partition{}, fmt.Errorf("guest: %s has no partition %q", disk, label)
}

// Extract copies a partition of a disk that no guest uses. If it is ext4 it is then as the kernel would find it: its journal is played.
func Extract(disk, label, to string) error {
	p, err := FindPartition(disk, label)
	if err != nil {
		return err
	}
	in, err := os.Open(disk)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	_, err = io.Copy(&holes{f: out}, io.NewSectionReader(in, p.Start, p.End-p.Start))
	if err := errors.Join(err, out.Truncate(p.End-p.Start), out.Close()); err != nil {
		return fmt.Errorf("guest: copying %s of %s: %w", label, disk, err)
	}
	// e2fsck(8): 1 is "errors corrected", which playing the journal may count as.
	var code *exec.ExitError
	if msg, err := run(nil, "e2fsck", "-p", to); errors.As(err, &code) && code.ExitCode() > 1 {
		return fmt.Errorf("guest: %s of %s is damaged: %w\n%s", label, disk, err, msg)
	}
	return nil
}

// holes writes a file and leaves out what is zero.
type holes struct {
	f  *os.File
	at int64
}

func (h *holes) Write(p []byte) (int, error) {
	defer func() { h.at += int64(len(p)) }()
	if len(bytes.Trim(p, "\x00")) == 0 {
		return len(p), nil
	}
	return h.f.WriteAt(p, h.at)
}

// ReadExt4 reads a file of an extracted partition, or of the image of a root file system.
func ReadExt4(image, path string) ([]byte, error) {
	return run(nil, "debugfs", "-R", "cat "+path, image)
}

// ReplaceExt4 changes a file of the image of a root file system and keeps its mode.
func ReplaceExt4(image, path, from string) error {
	mode := "0100644"
	if st, err := os.Stat(from); err == nil && st.Mode()&0o111 != 0 {
		mode = "0100755"
	}
	script := fmt.Sprintf("rm %s\nwrite %s %s\nset_inode_field %s mode %s\nset_inode_field %s uid 0\nset_inode_field %s gid 0\n", path, from, path, path, mode, path, path)
	if out, err := run([]byte(script), "debugfs", "-w", "-f", "-", image); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if _, err := run(nil, "e2fsck", "-fn", image); err != nil {
		return err
	}
	return nil
}

// StatExt4 is what debugfs(8) tells of a file: among it, where a symbolic link leads.
func StatExt4(image, path string) (string, error) {
	out, err := run(nil, "debugfs", "-R", "stat "+path, image)
	return string(out), err
}

// Remove deletes what a Machine that is off has of size. Its log stays.
func Remove(m Machine) {
	os.Remove(m.Disk)
	g := &Guest{Machine: m}
	os.Remove(g.file("env"))
}

// ExistsExt4 tells whether there is such a file.
func ExistsExt4(image, path string) bool {
	text, err := StatExt4(image, path)
	return err == nil && strings.Contains(text, "Inode:")
}
