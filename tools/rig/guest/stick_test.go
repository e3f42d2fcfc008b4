package guest_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"longwire/tools/rig/guest"
)

func TestStickKeepsFilesWhateverItsFormat(t *testing.T) {
	for _, program := range []string{"mcopy", "/usr/sbin/mkfs.vfat", "/usr/sbin/mke2fs", "/usr/sbin/debugfs"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program, "is not installed (Debian: mtools dosfstools e2fsprogs)")
		}
	}
	for _, fs := range []guest.Filesystem{guest.FAT, guest.Ext4} {
		for _, partitioned := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, partitioned %v", fs, partitioned), func(t *testing.T) {
				files := map[string][]byte{"kit-config-bundle.lwb": []byte("one\x00two\r\n"), "empty.txt": {}}
				s, err := guest.NewStick(filepath.Join(t.TempDir(), "s.img"), 16, fs, partitioned, files)
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range files {
					if got, err := s.Get(name); err != nil || string(got) != string(want) {
						t.Errorf("%s is %q, %v", name, got, err)
					}
				}
				names, err := s.Names()
				slices.Sort(names)
				if err != nil || !slices.Equal(names, []string{"empty.txt", "kit-config-bundle.lwb"}) {
					t.Errorf("names are %q, %v", names, err)
				}
				if fs != guest.FAT {
					return
				}
				if err := s.Delete("empty.txt"); err != nil {
					t.Error(err)
				}
				if err := s.Put("kit-config-bundle.lwb", []byte("three")); err != nil {
					t.Error(err)
				}
				if got, err := s.Get("kit-config-bundle.lwb"); err != nil || string(got) != "three" {
					t.Errorf("after a change it is %q, %v", got, err)
				}
			})
		}
	}
}
