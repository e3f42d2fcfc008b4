package board_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"longwire/board"
)

// fill puts things into a folder as a stick of a hostile hand has them.
func fill(t *testing.T, dir string) {
	t.Helper()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "field.lwb"), []byte("bundle"), 0o755),
		os.WriteFile(filepath.Join(dir, "big.lwb"), make([]byte, 5000), 0o644),
		os.Mkdir(filepath.Join(dir, "folder.lwb"), 0o755),
		os.WriteFile(filepath.Join(dir, "folder.lwb", "inner.lwb"), []byte("x"), 0o644),
		os.Symlink("/etc/passwd", filepath.Join(dir, "link.lwb")),
		os.Symlink("field.lwb", filepath.Join(dir, "near.lwb")),
		syscall.Mkfifo(filepath.Join(dir, "pipe.lwb"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, s *board.Stick) []string {
	t.Helper()
	files, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	slices.Sort(all)
	return all
}

// reads checks what a stick gives of what fill put there.
func reads(t *testing.T, s *board.Stick) {
	t.Helper()
	if got := names(t, s); !slices.Equal(got, []string{"big.lwb", "field.lwb"}) {
		t.Errorf("files %v", got)
	}
	if b, err := s.ReadFile("field.lwb", 6); err != nil || string(b) != "bundle" {
		t.Errorf("%q, %v", b, err)
	}
	for name, want := range map[string]string{
		"big.lwb":              "it has 5000 bytes, and at most 100 are read",
		"folder.lwb":           "no plain file",
		"link.lwb":             "symbolic link",
		"near.lwb":             "symbolic link",
		"pipe.lwb":             "no plain file",
		"none.lwb":             "no such file",
		"folder.lwb/inner.lwb": "no name of a file",
		"../x":                 "no name of a file",
		"..":                   "no name of a file",
		"":                     "no name of a file",
		"/etc/passwd":          "no name of a file",
	} {
		soon(t, name, func() {
			if b, err := s.ReadFile(name, 100); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %q, %v\nlacks %q", name, b, err, want)
			}
		})
	}
}

func TestStickIsReadCarefully(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	s, err := board.FolderStick(dir)
	if err != nil {
		t.Fatal(err)
	}
	reads(t, s)
	for _, text := range []string{"refused: it is for another kit\n", "applied\n"} {
		if err := s.WriteReport("kit-report.txt", text); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "kit-report.txt")); string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
	}
	if err := s.WriteReport("../report.txt", "x"); err == nil {
		t.Error("a report outside")
	}
	// A link in a report's place is replaced, not followed.
	victim := filepath.Join(t.TempDir(), "victim")
	for _, name := range []string{"linked.txt", "~report.tmp"} {
		if err := os.Symlink(victim, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WriteReport("linked.txt", "x"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(victim); !errors.Is(err, os.ErrNotExist) {
		t.Error("a link was followed")
	}
	if err := s.Unmount(); err != nil {
		t.Error(err)
	}
	if _, err := s.Files(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestMountSaysWhyNot(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "sda")
	if err := os.WriteFile(empty, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]string{empty: "format the stick as FAT32", "/dev/none9": "no such file", os.DevNull: "EOF"} {
		_, err := board.Mount(device, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), device) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

// loop makes a file system in a file and a device of it, or skips the test and says why.
func loop(t *testing.T, mkfs string, protected bool, put func(dir string)) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(strings.Fields(mkfs), image)
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skip(args[0], " is not installed")
	}
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	attach := func(flags ...string) string {
		out, err := exec.Command("losetup", append(flags, "--show", "-f", image)...).CombinedOutput()
		if err != nil {
			t.Skipf("no loop devices here: %s", out)
		}
		return strings.TrimSpace(string(out))
	}
	if put != nil {
		device, dir := attach(), t.TempDir()
		out, err := exec.Command("mount", device, dir).CombinedOutput()
		if err == nil {
			put(dir)
			out, err = exec.Command("umount", dir).CombinedOutput()
		}
		exec.Command("losetup", "-d", device).Run()
		if err != nil {
			t.Skipf("mounting does not work here: %s", out)
		}
	}
	var flags []string
	if protected {
		flags = []string{"-r"}
	}
	device := attach(flags...)
	t.Cleanup(func() { exec.Command("losetup", "-d", device).Run() })
	return device
}

func mountFlags(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[4] == dir {
			return f[5]
		}
	}
	return ""
}

func TestMountExt4(t *testing.T) {
	device := loop(t, "mkfs.ext4 -q -F", false, func(dir string) { fill(t, dir) })
	dir := filepath.Join(t.TempDir(), "stick")
	s, err := board.Mount(device, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unmount()
	if got := mountFlags(t, dir); !strings.HasPrefix(got, "ro,nosuid,nodev,noexec") || !strings.Contains(got, "nosymfollow") {
		t.Errorf("mounted %s", got)
	}
	reads(t, s)
	if err := s.WriteReport("kit-report.txt", "applied\n"); err != nil {
		t.Fatal(err)
	}
	if got := mountFlags(t, dir); !strings.HasPrefix(got, "ro,") {
		t.Errorf("after a report it is mounted %s", got)
	}
	if b, err := s.ReadFile("kit-report.txt", 100); string(b) != "applied\n" {
		t.Errorf("%q, %v", b, err)
	}
	if s.Device() != device || s.Filesystem() != board.Ext4 {
		t.Error(s.Device(), s.Filesystem())
	}
	if err := s.Unmount(); err != nil {
		t.Error(err)
	}
	if got := mountFlags(t, dir); got != "" {
		t.Errorf("still mounted: %s", got)
	}
}

func TestMountProtected(t *testing.T) {
	device := loop(t, "mkfs.ext4 -q -F", true, func(dir string) { fill(t, dir) })
	s, err := board.Mount(device, filepath.Join(t.TempDir(), "stick"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unmount()
	if err := s.WriteReport("kit-report.txt", "applied\n"); !errors.Is(err, board.ErrProtected) || !strings.Contains(err.Error(), "write-protected") {
		t.Errorf("%v", err)
	}
	reads(t, s) // it goes on
}

// A report waits for nobody: an open file of the stick is a mistake of ours, and hurts nothing.
func TestMountInUse(t *testing.T) {
	device := loop(t, "mkfs.ext4 -q -F", false, func(dir string) { fill(t, dir) })
	s, err := board.Mount(device, filepath.Join(t.TempDir(), "stick"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Open("field.lwb", 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteReport("kit-report.txt", "x"); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("%v", err)
	}
	reads(t, s)
	if err := s.Unmount(); err != nil {
		t.Errorf("unmounting what is in use: %v", err)
	}
	f.Close()
}

func TestMountVFAT(t *testing.T) {
	device := loop(t, "mkfs.vfat -n KIT", false, nil)
	dir := filepath.Join(t.TempDir(), "stick")
	s, err := board.Mount(device, dir)
	if errors.Is(err, syscall.ENODEV) {
		t.Skip("this kernel has no vfat: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unmount()
	for range 2 {
		if err := s.WriteReport("Bericht für field.txt", "applied\n"); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := s.ReadFile("Bericht für field.txt", 100); string(b) != "applied\n" {
		t.Errorf("%q, %v", b, err)
	}
	if got := mountFlags(t, dir); !strings.HasPrefix(got, "ro,nosuid,nodev,noexec") {
		t.Errorf("mounted %s", got)
	}
}
