package guest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longwire/tools/rig/guest"
)

func TestPartitionsAreFoundAndTheirFilesReadAndReplaced(t *testing.T) {
	for _, program := range []string{"/usr/sbin/sfdisk", "/usr/sbin/mke2fs", "/usr/sbin/debugfs"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program, "is not installed (Debian: fdisk e2fsprogs)")
		}
	}
	dir := t.TempDir()
	disk, root := filepath.Join(dir, "disk.img"), filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(root, "program"), []byte("old"), 0o755))
	must(os.WriteFile(disk, nil, 0o600))
	must(os.Truncate(disk, 24<<20))
	do := func(stdin, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	do("label: gpt\nstart=1MiB, size=1MiB, name=bootenv\nstart=2MiB, size=16MiB, name=data\n", "/usr/sbin/sfdisk", "-q", disk)
	do("", "/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", root, "-E", "offset=2097152", disk, "16M")
	if p, err := guest.FindPartition(disk, "data"); err != nil || p.Start != 2<<20 || p.End != 18<<20 {
		t.Errorf("data is %+v, %v", p, err)
	}
	if _, err := guest.FindPartition(disk, "rootA"); err == nil {
		t.Error("a partition that is not there was found")
	}
	out := filepath.Join(dir, "data.img")
	must(guest.Extract(disk, "data", out))
	if b, err := guest.ReadExt4(out, "/program"); err != nil || string(b) != "old" {
		t.Errorf("the program is %q, %v", b, err)
	}
	fresh := filepath.Join(dir, "fresh")
	must(os.WriteFile(fresh, []byte("new"), 0o755))
	must(guest.ReplaceExt4(out, "/program", fresh))
	if b, err := guest.ReadExt4(out, "/program"); err != nil || string(b) != "new" {
		t.Errorf("after the change the program is %q, %v", b, err)
	}
}
