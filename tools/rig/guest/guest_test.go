package guest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/tools/rig/guest"
)

// emptyGuest is a machine whose disk has nothing on it.
func emptyGuest(t *testing.T) guest.Machine {
	t.Helper()
	if testing.Short() {
		t.Skip("starts QEMU")
	}
	for _, need := range []string{"qemu-system-aarch64", "mcopy", "/usr/sbin/mkfs.vfat"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skip(need, "is not installed (Debian: qemu-system-arm u-boot-qemu mtools dosfstools)")
		}
	}
	if _, err := os.Stat("/usr/lib/u-boot/qemu_arm64/u-boot.bin"); err != nil {
		t.Skip("there is no U-Boot (Debian: u-boot-qemu)")
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk.img")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return guest.Machine{Name: "empty", Board: "qemu-aarch64", Dir: dir, Disk: disk, Ports: []int{5222}, Radio: true}
}

func TestGuestWithAnEmptyDiskReachesItsBootLoader(t *testing.T) {
	m := emptyGuest(t)
	ctx := t.Context()
	g, err := guest.Start(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Kill()
	var at guest.Cursor
	if _, err := g.Await(ctx, &at, guest.Patience*5*time.Second, "U-Boot 20"); err != nil {
		t.Fatal(err)
	}
	if run, err := g.Running(ctx); !run || err != nil {
		t.Error("running:", run, err)
	}
	if port, err := g.RadioPort(ctx); err != nil || !strings.HasPrefix(port, "/dev/") {
		t.Errorf("the second UART is at %q, %v", port, err)
	}
	if err := g.Hold(ctx, "f12", 10*time.Millisecond); err != nil {
		t.Error(err)
	}
	s, err := guest.NewStick(filepath.Join(m.Dir, "stick.img"), 16, guest.FAT, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Plug(ctx, s); err != nil {
		t.Error(err)
	}
	g.Cut()
	select {
	case <-g.Exited():
	default:
		t.Error("QEMU still runs after the power was cut")
	}
}

func TestGuestGoesOnFromASavedState(t *testing.T) {
	m := emptyGuest(t)
	ctx := t.Context()
	g, err := guest.Start(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Kill()
	var at guest.Cursor
	if _, err := g.Await(ctx, &at, guest.Patience*5*time.Second, "U-Boot 20"); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(m.Dir, "state")
	if err := g.Save(ctx, state); err != nil {
		t.Fatal(err)
	}
	m.State = state
	again, err := guest.Start(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Kill()
	if run, err := again.Running(ctx); !run || err != nil {
		t.Error("running:", run, err)
	}
	at = 0
	if l, err := again.Await(ctx, &at, guest.Patience*20*time.Second, "oot"); err != nil || strings.Contains(l.Text, "U-Boot 20") {
		t.Errorf("it did not go on behind its first line, but with %q: %v", l.Text, err)
	}
}
