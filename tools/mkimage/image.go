package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/images/layouts"
	"longwire/links/codec"
)

// options of an image.
type options struct {
	board   layouts.Board
	out     string // folder
	cache   string
	mirror  string
	fresh   bool // read the lists of packages anew
	keys    []string
	version string
	at      time.Time
	log     io.Writer
}

// A stage prints what is done, and how long it took.
type stages struct {
	w     io.Writer
	start time.Time
}

func (s *stages) done(format string, args ...any) {
	fmt.Fprintf(s.w, "%6.1f s  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
	s.start = time.Now()
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// debianArch is Debian's name of a board's machine, and the package that depends on its kernel of today.
func debianArch(b layouts.Board) (arch, kernel string, err error) {
	switch b.Name {
	case "qemu-aarch64":
		return "arm64", "linux-image-arm64", nil
	case "qemu-armv7":
		return "armhf", "linux-image-armmp", nil
	}
	return "", "", fmt.Errorf("an image for %s is made by Buildroot: make image BOARD=%s BUILDROOT=dir", b.Name, b.Name)
}

// makeImage makes everything of a board in o.out.
func makeImage(ctx context.Context, o options) error {
	arch, kernelMeta, err := debianArch(o.board)
	if err != nil {
		return err
	}
	work := filepath.Join(o.out, "work")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	st := &stages{w: o.log, start: time.Now()}

	bins, err := programsOf(ctx, o, work)
	if err != nil {
		return err
	}
	st.done("programs: longwire %s, s5066d %s", megabytes(int64(len(bins["longwire"]))), megabytes(int64(len(bins["s5066d"]))))

	d, err := newDebian(o.cache, arch, o.mirror, o.log)
	if err != nil {
		return err
	}
	if err := d.know(ctx, o.fresh); err != nil {
		return err
	}
	kernelPackage, err := d.dependency(ctx, kernelMeta)
	if err != nil {
		return err
	}
	debs, err := d.fetch(ctx, slices.Concat(packages, libraries, []string{kernelPackage, "busybox-static"})...)
	if err != nil {
		return err
	}
	var others []string
	var kernelDeb, busyboxDeb string
	for _, deb := range debs {
		switch name, _, _ := strings.Cut(filepath.Base(deb), "_"); name {
		case kernelPackage:
			kernelDeb = deb
		case "busybox-static":
			busyboxDeb = deb
		default:
			others = append(others, deb)
		}
	}
	st.done("packages: %d", len(debs))

	root, _, err := collect(ctx, others)
	if err != nil {
		return err
	}
	system := root.size()
	k, err := readKernel(ctx, kernelDeb)
	if err != nil {
		return err
	}
	missing, err := k.install(ctx, root, filepath.Join(work, "modules"), slices.Concat(lateModules, earlyModules))
	if err != nil {
		return err
	}
	busybox, err := oneFile(ctx, busyboxDeb, "usr/bin/busybox")
	if err != nil {
		return err
	}
	initrd, err := k.initramfs(busybox, o.at)
	if err != nil {
		return err
	}
	lacks := ""
	if len(missing) > 0 {
		lacks = "; this kernel has no module " + strings.Join(missing, ", ")
	}
	st.done("kernel %s: %s, initramfs %s, modules %s%s", k.version, megabytes(int64(len(k.image))), megabytes(int64(len(initrd))),
		megabytes(root.size()-system), lacks)

	base(root, o.version)
	if err := errors.Join(users(root), root.add(layouts.Overlay(), "."), preset(root), trust(root, o.keys)); err != nil {
		return err
	}
	root.file("usr/share/longwire/codec.snapshot", 0o644, codec.Base().Snapshot()) // else a board learns it at its first start
	for name, b := range bins {
		root.file("usr/bin/"+name, 0o755, b)
	}
	root.file("boot/"+o.board.Kernel, 0o644, k.image)
	root.file("boot/initrd.img", 0o644, initrd)
	rootDir, rootFS := filepath.Join(work, "root"), filepath.Join(o.out, "rootfs.ext4")
	if err := root.write(rootDir, o.at); err != nil {
		return err
	}
	if err := ext4(ctx, o.at, rootFS, "root", rootDir, inodes(root), imageSize(root)); err != nil {
		return err
	}
	if err := settle(ctx, o.at, rootFS, root); err != nil {
		return err
	}
	size, err := fileSize(rootFS)
	if err != nil {
		return err
	}
	if size > o.board.Sizes.Root {
		return fmt.Errorf("the system takes %s, a slot of %s has %s (images/layouts/boards.go)", megabytes(size), o.board.Name, megabytes(o.board.Sizes.Root))
	}
	st.done("system: %d files, %s: systemd and tools %s, our programs %s, kernel and its modules %s", len(root), megabytes(root.size()), megabytes(system),
		megabytes(int64(len(bins["longwire"])+len(bins["s5066d"]))), megabytes(root.size()-system-int64(len(bins["longwire"])+len(bins["s5066d"]))))

	if err := diskOf(ctx, o, work, rootFS); err != nil {
		return err
	}
	st.done("disk: %s, of which %s written", megabytes(o.board.Size()), megabytes(diskUsage(filepath.Join(o.out, "disk.img"))))
	if err := writeManifest(o, k.version, debs, root); err != nil {
		return err
	}
	st.done("%s", filepath.Join(o.out, "manifest.json"))
	return nil
}

// programsOf builds what a kit runs.
func programsOf(ctx context.Context, o options, work string) (map[string][]byte, error) {
	bins := map[string][]byte{}
	for name, pkg := range map[string]string{"longwire": "./firmware", "s5066d": "./tools/s5066d"} {
		file := filepath.Join(work, name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+o.version, "-o", file, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+o.board.GOARCH, "GOARM="+o.board.GOARM)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s (run mkimage in the project's folder): %w\n%s", pkg, err, out)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		bins[name] = b
	}
	return bins, nil
}

// trust puts the keys of organisations into the image: then only their bundles are taken, from the first one on.
func trust(root tree, files []string) error {
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(b), "secret") {
			return fmt.Errorf("%s looks like a secret key: an image gets the public one", file)
		}
		if !strings.HasPrefix(string(b), "longwire-org-1 ") {
			return fmt.Errorf("%s is not the public key of an organisation (it begins with longwire-org-1; mkbundle makes them)", file)
		}
		root.file("etc/longwire/trust/"+strings.TrimSuffix(filepath.Base(file), ".pub")+".pub", 0o644, b)
	}
	return nil
}

func oneFile(ctx context.Context, deb, want string) (data []byte, err error) {
	err = unpack(ctx, deb, func(name string, h *tar.Header, r io.Reader) (err error) {
		if name == want {
			data, err = io.ReadAll(r)
		}
		return err
	})
	if err == nil && data == nil {
		err = fmt.Errorf("%s has no %s", filepath.Base(deb), want)
	}
	return data, err
}

// imageSize is what a file system of the tree takes, with a little to spare, in whole MiB.
func imageSize(t tree) int64 {
	var n int64
	for _, f := range t {
		n += (int64(len(f.data)) + 4095) / 4096 * 4096
	}
	n += int64(inodes(t)) * (4096 + 256)
	return (n + n/50 + 3*mib) / mib * mib
}

// inodes that a file system of the tree takes: some are its own.
func inodes(t tree) int { return len(t) + len(t.folders()) + 32 }

func fileSize(file string) (int64, error) {
	st, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// diskOf makes the partitions' files and the disk of them.
func diskOf(ctx context.Context, o options, work, rootFS string) error {
	b := o.board
	script := filepath.Join(work, "boot.cmd")
	bootScr := filepath.Join(o.out, "boot.scr")
	if err := os.WriteFile(script, []byte(b.BootCmd()), 0o644); err != nil {
		return err
	}
	uarch := map[string]string{"arm64": "arm64", "arm": "arm"}[b.GOARCH]
	if err := run(ctx, o.at, nil, "mkimage", "-A", uarch, "-T", "script", "-C", "none", "-n", "longwire kit", "-d", script, bootScr); err != nil {
		return err
	}
	if err := os.Chtimes(bootScr, o.at, o.at); err != nil {
		return err
	}
	boot, data := filepath.Join(work, "boot.vfat"), filepath.Join(work, "data.ext4")
	if err := bootFS(ctx, o.at, boot, b.Sizes.Boot, bootScr); err != nil {
		return err
	}
	if err := ext4(ctx, o.at, data, "data", "", 0, b.Sizes.Data); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "uboot-env.bin"), b.UBootEnv(), 0o644); err != nil {
		return err
	}
	// The factory's image has the same system in both slots: a kit whose first one wears out has one more.
	return assemble(ctx, o.at, b, filepath.Join(o.out, "disk.img"), map[string]string{"boot": boot, "rootA": rootFS, "rootB": rootFS, "data": data})
}
