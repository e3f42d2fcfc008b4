package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"longwire/images/layouts"
)

// build makes a board's image.
type build struct {
	board layouts.Board
	out   string
	keys  []string // whose sticks the kit obeys
	jobs  int
}

func (b build) run(ctx context.Context, t *tree) error {
	start := time.Now()
	out, err := filepath.Abs(b.out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	version := version(ctx)
	if err := b.programs(ctx, t, version); err != nil {
		return err
	}
	faults, err := t.configure(ctx, b.board, out)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %s", defconfig(b.board), strings.Join(faults, "\n"))
	}
	env := []string{"LONGWIRE_VERSION=" + version}
	if len(b.keys) > 0 {
		var files []string
		for _, k := range b.keys {
			f, err := filepath.Abs(k)
			if err == nil {
				_, err = os.Stat(f)
			}
			if err != nil {
				return fmt.Errorf("-key: %w", err)
			}
			files = append(files, f)
		}
		env = append(env, "LONGWIRE_TRUST="+strings.Join(files, " "))
	}
	if err := t.make(ctx, t.out, env, out, fmt.Sprintf("-j%d", b.jobs)); err != nil {
		return err
	}
	if err := b.kernel(t, out); err != nil {
		return err
	}
	return b.tell(t, out, time.Since(start))
}

// version is the project's, as the Makefile has it.
func version(ctx context.Context) string {
	if v := os.Getenv("VERSION"); v != "" {
		return v
	}
	v, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "devel"
	}
	return strings.TrimSpace(string(v))
}

// programs builds what our packages install.
func (b build) programs(ctx context.Context, t *tree, version string) error {
	platform := "linux-" + b.board.GOARCH
	if b.board.GOARM != "" {
		platform += "v" + b.board.GOARM
	}
	for name, pkg := range map[string]string{"longwire": "./firmware", "s5066d": "./tools/s5066d"} {
		fmt.Fprintf(t.out, "go build %s for %s\n", pkg, platform)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+version, "-o", filepath.Join("build", name+"-"+platform), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.board.GOARCH, "GOARM="+b.board.GOARM)
		cmd.Stdout, cmd.Stderr = t.out, t.out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go build %s: %w", pkg, err)
		}
	}
	return nil
}

// kernel proves that Linux and U-Boot were built with what we asked for: kconfig leaves out in silence what it cannot have.
func (b build) kernel(t *tree, out string) error {
	config := readAll(filepath.Join(out, ".config"))
	var lost []string
	for pattern, files := range map[string][]string{"linux-[0-9c]*": t.kernelFiles(config), "uboot-[0-9c]*": t.ubootFiles(config)} {
		dirs, _ := filepath.Glob(filepath.Join(out, "build", pattern, ".config"))
		if len(dirs) != 1 {
			return fmt.Errorf("want one %s in %s, there are %d: remove the old ones", pattern, filepath.Join(out, "build"), len(dirs))
		}
		for _, f := range files {
			lost = append(lost, missing(f, readAll(dirs[0]))...)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("built without what was asked for:\n%s", strings.Join(lost, "\n"))
	}
	return nil
}

// tell says what there is now, how big it is, and what to do with it.
func (b build) tell(t *tree, out string, took time.Duration) error {
	images := filepath.Join(out, "images")
	disk := filepath.Join(images, "disk.img")
	info, err := os.Stat(disk)
	if err != nil {
		return fmt.Errorf("there is no image: %w", err)
	}
	installed, err := size(filepath.Join(out, "target"))
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%s: %s (%d MB, a slot has %.1f MB installed of %d), %s\n", b.board.Title, disk, info.Size()>>20, float64(installed)/(1<<20),
		b.board.Sizes.Root>>20, took.Round(time.Second))
	fmt.Fprintf(t.out, "system bundle: go run ./tools/mkbundle system … %s\n", filepath.Join(images, "rootfs.ext4"))
	for _, line := range flash(b.board, images) {
		fmt.Fprintln(t.out, "  "+line)
	}
	return nil
}

// size is what the files in a folder take, each name of a file counted once.
func size(dir string) (n int64, err error) {
	err = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// flash tells how the image comes onto the board.
func flash(b layouts.Board, images string) []string {
	disk, uboot := filepath.Join(images, "disk.img"), filepath.Join(images, "u-boot.bin")
	qemu := fmt.Sprintf("-smp 2 -m 128 -nographic -nodefaults -serial stdio -bios %s -drive if=none,id=d0,format=raw,file=%s -device virtio-blk-pci,drive=d0 "+
		"-device i6300esb -action watchdog=reset -device qemu-xhci -netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile= -device virtio-rng-pci", uboot, disk)
	switch b.Name {
	case "qemu-aarch64":
		return []string{"start it: qemu-system-aarch64 -M virt -cpu cortex-a53 " + qemu}
	case "qemu-armv7":
		return []string{"start it: qemu-system-arm -M virt,highmem=off -cpu cortex-a7 " + qemu}
	case "rpi4":
		return []string{
			"Pi 4: onto an SD card: sudo dd if=" + disk + " of=/dev/sdX bs=4M conv=fsync status=progress",
			"Compute Module 4: bridge J2 pins 1 and 2 of the IO board, run usbboot's rpiboot, then write /dev/sdX as above",
		}
	case "bbb":
		return []string{
			"onto the eMMC: start any Linux from an SD card (hold S2 while power comes), bring " + disk + " there on a stick, then:",
			"dd if=disk.img of=/dev/mmcblk1 bs=4M conv=fsync; take the SD card out and power off and on",
		}
	}
	return []string{"write " + disk + " onto the disk that is built in"}
}
