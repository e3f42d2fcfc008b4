//go:build integration

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/images/layouts"
	"longwire/images/slots"
)

// inside is the part of a disk's file that is the boot environment.
type inside struct {
	*os.File
	at int64
}

func (d inside) ReadAt(p []byte, off int64) (int, error)  { return d.File.ReadAt(p, d.at+off) }
func (d inside) WriteAt(p []byte, off int64) (int, error) { return d.File.WriteAt(p, d.at+off) }

// TestUBootDoesAsNextSays lets Debian's U-Boot run boot.cmd over disks without a kernel, so that it starts again and again, and compares each
// step with State.Next: the script and package slots are two halves of one program.
func TestUBootDoesAsNextSays(t *testing.T) {
	tools(t, "mke2fs", "mformat", "mcopy", "mkimage", "sfdisk", "qemu-system-aarch64")
	const uboot = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
	if _, err := os.Stat(uboot); err != nil {
		t.Skip(err)
	}
	b, err := layouts.Find("qemu-aarch64")
	if err != nil {
		t.Fatal(err)
	}
	o := options{board: b, out: t.TempDir(), at: time.Unix(1735689600, 0)}
	rootFS := filepath.Join(o.out, "rootfs.ext4")
	if err := os.WriteFile(rootFS, make([]byte, mib), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := diskOf(t.Context(), o, t.TempDir(), rootFS); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(o.out, "uboot-env.bin"), 64<<20); err != nil {
		t.Fatal(err)
	}
	disk, err := os.OpenFile(filepath.Join(o.out, "disk.img"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	part := inside{disk, b.Partition(slots.Partition).Offset}
	last := slots.Fresh().Forbid(slots.B)
	last.Left[slots.A] = 1
	none := slots.Fresh().Try(slots.B)
	none.Left[slots.A], none.Left[slots.B] = 0, 0
	for name, s := range map[string]*slots.State{"lost": nil, "trial": ptr(slots.Fresh().Try(slots.B)), "one slot": &last, "none left": &none} {
		t.Run(name, func(t *testing.T) {
			state := slots.Fresh()
			if s == nil {
				if _, err := part.WriteAt(make([]byte, slots.EnvSize), 0); err != nil {
					t.Fatal(err)
				}
			} else if e, err := slots.Open(part); err != nil {
				t.Fatal(err)
			} else if err := e.Set(*s); err != nil {
				t.Fatal(err)
			} else {
				state = *s
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53", "-m", "128", "-nodefaults", "-display", "none",
				"-bios", uboot, "-drive", "if=pflash,unit=1,format=raw,file="+filepath.Join(o.out, "uboot-env.bin"), "-serial", "stdio",
				"-drive", "if=none,id=disk,format=raw,file="+disk.Name(), "-device", "virtio-blk-pci,drive=disk")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				cmd.Process.Kill()
				cmd.Wait()
			}()
			steps := 0
			for in := bufio.NewScanner(out); steps < 8 && in.Scan(); {
				line := strings.TrimSpace(in.Text())
				if !strings.HasPrefix(line, "kit: slot ") || !strings.Contains(line, "order") {
					continue
				}
				var slot slots.Slot
				slot, state = state.Next()
				order := strings.TrimSpace(string(state.Order[0] + " " + state.Order[1]))
				want := fmt.Sprintf("kit: slot %s, order %s, starts left A %d B %d", slot, order, state.Left[slots.A], state.Left[slots.B])
				if line != want {
					t.Errorf("start %d: U-Boot says %q, want %q", steps+1, line, want)
				}
				steps++
			}
			if steps < 8 {
				t.Errorf("U-Boot started %d times only", steps)
			}
			// What U-Boot wrote last is read here.
			e, err := slots.Open(part)
			if err != nil || !e.State().Equal(state) {
				t.Errorf("the disk says %v, want %v (%v)", e.State(), state, err)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }
