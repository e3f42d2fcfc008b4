package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/images/layouts"
	"longwire/images/slots"
)

// run runs a foreign program with the image's time as its own.
func run(ctx context.Context, at time.Time, in io.Reader, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = in
	stamp := fmt.Sprint(at.Unix())
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "SOURCE_DATE_EPOCH="+stamp, "E2FSPROGS_FAKE_TIME="+stamp, "MTOOLS_SKIP_CHECK=1", "LC_ALL=C", "TZ=UTC")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

const mib = 1 << 20

// ext4 makes a file system of a folder, or an empty one. U-Boot reads it, so it has no feature that U-Boot 2023.01 does not know.
func ext4(ctx context.Context, at time.Time, file, label, dir string, inodes int, size int64) error {
	if err := sparse(file, size); err != nil {
		return err
	}
	uuid := layouts.UUID("file system " + label)
	reserved := 0
	if label == layouts.DataPartition {
		reserved = layouts.Reserved
	}
	args := []string{"-q", "-t", "ext4", "-b", "4096", "-m", fmt.Sprint(reserved), "-L", label, "-U", uuid, "-E", "hash_seed=" + uuid + ",lazy_itable_init=0,root_owner=0:0"}
	name := "mke2fs"
	if dir != "" {
		// A slot is never written by the kit: it needs no journal, and its size is that of its files, its inodes as many as these.
		args = append(args, "-N", fmt.Sprint(inodes), "-O", "^has_journal,^metadata_csum_seed,^orphan_file,^resize_inode", "-d", dir)
		if os.Geteuid() != 0 {
			// Everything in the image is root's.
			name, args = "fakeroot", append([]string{"mke2fs"}, args...)
		}
	}
	return run(ctx, at, nil, name, append(args, file, fmt.Sprintf("%dk", size/1024))...)
}

// settle gives all inodes the image's time as the time of their last change, which mke2fs takes from the files and nothing can set there: with
// that, the same files make the same image.
func settle(ctx context.Context, at time.Time, file string, t tree) error {
	var script strings.Builder
	for _, name := range slices.Concat([]string{""}, t.folders(), t.names()) {
		for _, field := range []string{"ctime", "atime", "mtime", "crtime"} {
			fmt.Fprintf(&script, "sif \"/%s\" %s @%d\nsif \"/%s\" %s_extra 0\n", name, field, at.Unix(), name, field)
		}
	}
	return run(ctx, at, strings.NewReader(script.String()), "debugfs", "-w", "-f", "-", file)
}

func sparse(file string, size int64) error {
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// bootFS makes the boot partition's file system.
func bootFS(ctx context.Context, at time.Time, file string, size int64, contents ...string) error {
	if err := sparse(file, size); err != nil {
		return err
	}
	if err := run(ctx, at, nil, "mformat", "-i", file, "-T", fmt.Sprint(size/512), "-h", "64", "-s", "32", "-N", "4c570001", "-v", "BOOT", "::"); err != nil {
		return err
	}
	return run(ctx, at, nil, "mcopy", append([]string{"-m", "-i", file}, append(contents, "::")...)...)
}

// assemble puts the partitions together. parts are files by the name of the partition.
func assemble(ctx context.Context, at time.Time, b layouts.Board, disk string, parts map[string]string) error {
	if err := sparse(disk, b.Size()); err != nil {
		return err
	}
	if err := run(ctx, at, strings.NewReader(b.Sfdisk()), "sfdisk", "-q", "--no-reread", "--no-tell-kernel", disk); err != nil {
		return err
	}
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range b.Partitions() {
		if p.Name == slots.Partition {
			if _, err := f.WriteAt(slots.Image(), p.Offset); err != nil {
				return err
			}
			continue
		}
		if err := copySparse(f, p, parts[p.Name]); err != nil {
			return err
		}
	}
	return f.Close()
}

// copySparse writes a file into a partition and leaves out what is zero.
func copySparse(disk *os.File, p layouts.Partition, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	buf, zero := make([]byte, mib), string(make([]byte, mib))
	for at := int64(0); ; {
		n, err := io.ReadFull(in, buf)
		if at+int64(n) > p.Size {
			return fmt.Errorf("%s does not fit into partition %s of %s", filepath.Base(file), p.Name, megabytes(p.Size))
		}
		if n > 0 && string(buf[:n]) != zero[:n] {
			if _, err := disk.WriteAt(buf[:n], p.Offset+at); err != nil {
				return err
			}
		}
		at += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
