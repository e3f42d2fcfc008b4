package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"longwire/tools/rig"
)

// A workshop has what the plays need: the image, the programs of this machine, and room for files.
type workshop struct {
	board string
	dir   string // short, for sockets are in it
	image string // the folder that the build has filled
	quiet bool   // guests run at a lower priority
	r     *record
}

// What an image consists of: the disk that virgin kits have, the system in one slot, and the environment of QEMU's boot loader.
func (w *workshop) disk() string  { return filepath.Join(w.image, "disk.img") }
func (w *workshop) root() string  { return filepath.Join(w.image, "rootfs.ext4") }
func (w *workshop) flash() string { return filepath.Join(w.image, "uboot-env.bin") }

// newWorkshop makes the image, unless there is one.
func newWorkshop(ctx context.Context, o options, dir string, r *record) (*workshop, error) {
	root, err := rig.Root()
	if err != nil {
		return nil, err
	}
	w := &workshop{board: o.board, dir: dir, image: o.image, quiet: o.quiet, r: r}
	if w.image == "" {
		w.image = filepath.Join(root, "build", "image", o.board)
		begin := time.Now()
		if err := command(ctx, root, r.out, "go", "run", "./tools/mkimage", "image", o.board, "-out", w.image); err != nil {
			return nil, err
		}
		r.figure("the image is built", "%6.1f s", time.Since(begin).Seconds())
	}
	for _, file := range []string{w.disk(), w.root()} {
		st, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		r.figure(filepath.Base(file)+", of that in use", "%6.1f MB, %.1f MB", float64(st.Size())/1e6, float64(used(st))/1e6)
	}
	return w, nil
}

// command runs a program of the project.
func command(ctx context.Context, dir string, out io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %v: %w", name, args, err)
	}
	return nil
}
