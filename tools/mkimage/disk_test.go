package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/images/layouts"
	"longwire/images/slots"
)

// tools skips where the foreign programs are not, or names them where they should be.
func tools(t *testing.T, names ...string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if os.Geteuid() != 0 {
		names = append(names, "fakeroot")
	}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s here", name)
		}
	}
}

func small() tree {
	t := tree{}
	t.file("usr/bin/longwire", 0o755, bytes.Repeat([]byte("program"), 5000))
	t.file("boot/Image", 0o644, []byte("kernel"))
	t.link("bin", "usr/bin")
	t.dir("tmp", fs.ModeSticky|0o777)
	return t
}

func TestTheSameFilesMakeTheSameSystem(t *testing.T) {
	tools(t, "mke2fs", "debugfs", "e2fsck")
	at := time.Unix(1735689600, 0)
	dir := t.TempDir()
	var images [2][]byte
	for i := range images {
		root, file := filepath.Join(dir, "root"), filepath.Join(dir, "rootfs.ext4")
		if err := small().write(root, at); err != nil {
			t.Fatal(err)
		}
		if err := ext4(t.Context(), at, file, "root", root, inodes(small()), imageSize(small())); err != nil {
			t.Fatal(err)
		}
		if err := settle(t.Context(), at, file, small()); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("e2fsck", "-fn", file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		images[i] = b
		time.Sleep(1100 * time.Millisecond) // the times of files are of another second now
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two runs make two images")
	}
	out, err := exec.Command("debugfs", "-R", "stat /usr/bin/longwire", filepath.Join(dir, "rootfs.ext4")).Output()
	if err != nil || !strings.Contains(string(out), "Mode:  0755") || !strings.Contains(string(out), "User:     0   Group:     0") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDiskHasWhatItsLayoutSays(t *testing.T) {
	tools(t, "mke2fs", "mformat", "mcopy", "mkimage", "sfdisk")
	b, err := layouts.Find("qemu-armv7")
	if err != nil {
		t.Fatal(err)
	}
	o := options{board: b, out: t.TempDir(), at: time.Unix(1735689600, 0)}
	rootFS := filepath.Join(o.out, "rootfs.ext4")
	if err := os.WriteFile(rootFS, append(make([]byte, 3*mib), "the end"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := diskOf(t.Context(), o, t.TempDir(), rootFS); err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(o.out, "disk.img")
	dump, err := exec.Command("sfdisk", "--dump", disk).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range b.Partitions() {
		if !strings.Contains(string(dump), strings.ToUpper(p.UUID)) || !strings.Contains(string(dump), `name="`+p.Name+`"`) {
			t.Errorf("no partition %s in\n%s", p.Name, dump)
		}
	}
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func(at int64, n int) string {
		b := make([]byte, n)
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, s := range []slots.Slot{slots.A, slots.B} {
		if got := read(b.Partition(s.Partition()).Offset+3*mib, 7); got != "the end" {
			t.Errorf("slot %s ends with %q", s, got)
		}
	}
	if got := read(b.Partition(slots.Partition).Offset, slots.EnvSize); got != string(slots.Image()) {
		t.Error("the boot environment is another")
	}
	if used := diskUsage(disk); used > 16*mib {
		t.Errorf("zeros are written: %d bytes", used)
	}
	if err := exec.Command("mtype", "-i", disk+"@@4M", "::boot.scr").Run(); err != nil {
		t.Errorf("no boot.scr on the boot partition: %v", err)
	}
}

func TestASystemThatDoesNotFitIsRefused(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := sparse(big, 3*mib); err != nil {
		t.Fatal(err)
	}
	disk, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if err := copySparse(disk, layouts.Partition{Name: "rootA", Size: 2 * mib}, big); err == nil || !strings.Contains(err.Error(), "does not fit into partition rootA") {
		t.Error(err)
	}
}

func TestMissingLibraryIsNamed(t *testing.T) {
	sh, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	libs, err := needs(sh)
	if err != nil || len(libs) == 0 {
		t.Skipf("/bin/sh needs no library: %v", err)
	}
	root := tree{}
	root.file("usr/bin/sh", 0o755, sh)
	if err := addLibraries(root, tree{}); err == nil || !strings.Contains(err.Error(), "usr/bin/sh needs "+libs[0]) {
		t.Error(err)
	}
	// A library is found through its link, and both come along.
	pool := tree{}
	for _, lib := range libs {
		pool.link("usr/lib/x/"+lib, lib+".1.2")
		pool.text("usr/lib/x/"+lib+".1.2", "no ELF")
	}
	if err := addLibraries(root, pool); err != nil {
		t.Fatal(err)
	}
	if _, ok := root.find("usr/lib/x/" + libs[0]); !ok {
		t.Errorf("no %s in %v", libs[0], root.names())
	}
}

func TestPackageThatIsNoneIsNamed(t *testing.T) {
	tools(t, "dpkg-deb")
	deb := filepath.Join(t.TempDir(), "broken_1_arm64.deb")
	if err := os.WriteFile(deb, []byte("not a package"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := collect(context.Background(), []string{deb}); err == nil || !strings.Contains(err.Error(), "broken_1_arm64.deb") {
		t.Error(err)
	}
}
