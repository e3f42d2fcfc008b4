package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longwire/images/layouts"
	"longwire/images/slots"
)

// What is tested here needs no Buildroot. With one, 'make image-check BUILDROOT=dir' tests the rest.

// root is the project's folder.
const root = "../.."

// ours is our tree, seen from here.
func ours(elem ...string) string {
	return filepath.Join(append([]string{root, external}, elem...)...)
}

func read(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// need skips a test whose foreign program is not there.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
}

func eachBoard(t *testing.T, f func(t *testing.T, b layouts.Board)) {
	for _, b := range layouts.Boards() {
		t.Run(b.Name, func(t *testing.T) { f(t, b) })
	}
}

func TestTreeIsWhatTheManualAsksFor(t *testing.T) {
	if !strings.HasPrefix(read(t, ours("external.desc")), "name: LONGWIRE\ndesc: ") {
		t.Error("external.desc must begin with the name and the description")
	}
	config := read(t, ours("Config.in"))
	for _, p := range packages {
		file := "package/" + p + "/Config.in"
		if want := `source "$BR2_EXTERNAL_LONGWIRE_PATH/` + file + `"`; !strings.Contains(config, want) {
			t.Errorf("Config.in lacks %s", want)
		}
		if want := "config BR2_PACKAGE_" + strings.ToUpper(p) + "\n"; !strings.Contains(read(t, ours(file)), want) {
			t.Errorf("%s does not declare %s", file, want)
		}
		mk := read(t, ours("package", p, p+".mk"))
		if !strings.HasPrefix(mk, strings.Repeat("#", 80)+"\n#\n# "+p+"\n#\n") {
			t.Errorf("%s.mk has not the usual head", p)
		}
	}
	for _, m := range regexp.MustCompile(`source "\$BR2_EXTERNAL_LONGWIRE_PATH/([^"]+)"`).FindAllStringSubmatch(config, -1) {
		if _, err := os.Stat(ours(m[1])); err != nil {
			t.Errorf("Config.in: %v", err)
		}
	}
}

func TestPackagesInstallWhatIsThere(t *testing.T) {
	for _, p := range packages {
		mk := read(t, ours("package", p, p+".mk"))
		for _, m := range regexp.MustCompile(`_UNITS\)/([^\s)]+)`).FindAllStringSubmatch(mk, -1) {
			unit := filepath.Join(root, "images/layouts/overlay/usr/lib/systemd/system", m[1])
			if found, _ := filepath.Glob(unit); len(found) == 0 {
				t.Errorf("%s.mk: there is no unit %s", p, unit)
			}
		}
		for _, m := range regexp.MustCompile(`_PKGDIR\)/(\S+)`).FindAllStringSubmatch(mk, -1) {
			if _, err := os.Stat(ours("package", p, m[1])); err != nil {
				t.Errorf("%s.mk: %v", p, err)
			}
		}
	}
}

// Both ways to an image must give the files on the data partition to the same people.
func TestUserNumbersAreThoseOfTheOverlay(t *testing.T) {
	users := read(t, filepath.Join(root, "images/layouts/overlay/usr/lib/sysusers.d/longwire.conf"))
	for _, p := range packages {
		m := regexp.MustCompile(`(?m)^u\s+` + p + `\s+(\d+)`).FindStringSubmatch(users)
		if m == nil {
			t.Fatalf("the overlay has no user %s", p)
		}
		want := fmt.Sprintf("\t%s %s %s %s * /data/%s - dialout ", p, m[1], p, m[1], p)
		if mk := read(t, ours("package", p, p+".mk")); !strings.Contains(mk, want) {
			t.Errorf("%s.mk: want a user line %q", p, want)
		}
	}
}

func TestBoardsAreConfigured(t *testing.T) {
	names, _ := filepath.Glob(ours("configs", "*_defconfig"))
	if len(names) != len(layouts.Boards()) {
		t.Errorf("%d defconfigs for %d boards", len(names), len(layouts.Boards()))
	}
	tr := &tree{external: ours()}
	eachBoard(t, func(t *testing.T, b layouts.Board) {
		config := read(t, tr.config(b))
		for name, want := range map[string]string{
			"BR2_ROOTFS_POST_SCRIPT_ARGS":            b.Name,
			"BR2_TARGET_ROOTFS_EXT2_SIZE":            fmt.Sprintf("%dM", b.Sizes.Root>>20),
			"BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE":    "$(BR2_EXTERNAL_LONGWIRE_PATH)/board/" + b.Name + "/linux.config",
			"BR2_ROOTFS_OVERLAY":                     "$(BR2_EXTERNAL_LONGWIRE_PATH)/../images/layouts/overlay",
			"BR2_DOWNLOAD_FORCE_CHECK_HASHES":        "y",
			"BR2_INIT_SYSTEMD":                       "y",
			"BR2_PACKAGE_LONGWIRE":                   "y",
			"BR2_PACKAGE_S5066D":                     "y",
			"BR2_TARGET_ROOTFS_EXT2_4":               "y",
			"BR2_LINUX_KERNEL_INSTALL_TARGET":        "y",
			"# BR2_TARGET_ENABLE_ROOT_LOGIN":         "not set",
			"# BR2_TARGET_GENERIC_GETTY":             "not set",
			"# BR2_TARGET_GENERIC_REMOUNT_ROOTFS_RW": "not set",
			"# BR2_INIT_SYSTEMD_POPULATE_TMPFILES":   "not set",
			"BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE":  "6.18.33",
			"BR2_TARGET_UBOOT_CUSTOM_VERSION_VALUE":  "2026.01",
			map[bool]string{true: "BR2_aarch64", false: "BR2_arm"}[b.GOARCH == "arm64"]: "y",
		} {
			if strings.HasPrefix(name, "#") {
				if !strings.Contains(config, name+" is not set\n") {
					t.Errorf("%s must not be set", name[2:])
				}
			} else if got := value(config, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, f := range tr.files(config) {
			if _, err := os.Stat(f); err != nil {
				t.Errorf("names a file that is not there: %v", err)
			}
		}
		if linux := value(config, "BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE"); !strings.Contains(read(t, ours("patches/linux/linux.hash")), "  linux-"+linux+".tar.xz\n") {
			t.Errorf("patches/linux/linux.hash has no digest of linux-%s.tar.xz", linux)
		}
	})
}

// images/layouts is the only description of the disk; what Buildroot reads is written from it.
func TestWrittenFilesAreThoseOfTheLayouts(t *testing.T) {
	eachBoard(t, func(t *testing.T, b layouts.Board) {
		for file, flag := range map[string]string{"genimage.cfg": "-genimage", "boot.cmd": "-bootcmd"} {
			want := map[string]string{"genimage.cfg": b.Genimage(), "boot.cmd": b.BootCmd()}[file]
			if path := ours("board", b.Name, file); read(t, path) != want {
				t.Errorf("write it again: go run ./tools/mkimage layout %s %s > %s", b.Name, flag, strings.TrimPrefix(path, root+"/"))
			}
		}
		first := "setenv stdin nulldev; "
		if b.Name == "qemu-aarch64" { // the Raspberry Pi's U-Boot has these, and 32 bit needs none
			first += "setenv kernel_comp_addr_r 44000000; setenv kernel_comp_size 2000000; "
		}
		want := fmt.Sprintf("CONFIG_BOOTCOMMAND=%q", first+b.UBootBootCmd())
		if got := read(t, ours("board", b.Name, "uboot.fragment")); !slices.Contains(strings.Split(got, "\n"), want) {
			t.Errorf("uboot.fragment lacks\n%s", want)
		}
	})
}

func TestNoSymbolIsAskedForTwice(t *testing.T) {
	eachBoard(t, func(t *testing.T, b layouts.Board) {
		for _, pair := range [][2]string{{"linux.config", "linux.fragment"}, {"uboot.fragment", "uboot.fragment"}} {
			seen := map[string]string{}
			for _, f := range []string{ours("board", b.Name, pair[0]), ours("board", "common", pair[1])} {
				for i, line := range strings.Split(read(t, f), "\n") {
					if line == "" || strings.HasPrefix(line, "#") && symbol(line) == "" {
						continue
					}
					s := symbol(line)
					if s == "" {
						t.Errorf("%s:%d: %q is no line of a configuration", f, i+1, line)
					} else if seen[s] != "" {
						t.Errorf("%s:%d: %s was set by %s already", f, i+1, s, seen[s])
					}
					seen[s] = f
				}
			}
		}
	})
}

func TestScriptsPassShellcheck(t *testing.T) {
	need(t, "shellcheck")
	found := 0
	err := filepath.WalkDir(ours(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if strings.HasPrefix(read(t, path), "#!/bin/sh\n") {
			found++
			run(t, ".", "shellcheck", "-s", "sh", path)
		}
		return nil
	})
	if err != nil || found < 5 {
		t.Fatalf("%d scripts, %v", found, err)
	}
}

// disk makes what post-image.sh makes, of stand-ins for what Buildroot builds.
func disk(t *testing.T, b layouts.Board) (images string) {
	t.Helper()
	dir := t.TempDir()
	images = filepath.Join(dir, "images")
	for name, size := range map[string]int64{
		"rootfs.ext4": b.Sizes.Root, "u-boot.bin": 600 << 10, "u-boot.img": 900 << 10, "MLO": 100 << 10,
		"bcm2711-rpi-4-b-longwire.dtb": 40 << 10, "bcm2711-rpi-cm4-io-longwire.dtb": 40 << 10, "am335x-boneblack-longwire.dtb": 70 << 10,
		"rpi-firmware/start4.elf": 2 << 20, "rpi-firmware/fixup4.dat": 5 << 10, "rpi-firmware/config.txt": 100,
	} {
		path := filepath.Join(images, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(name); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	ext, err := filepath.Abs(ours())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(ext, "board/common/post-image.sh"), images, b.Name)
	cmd.Env = append(os.Environ(), "BR2_EXTERNAL_LONGWIRE_PATH="+ext, "BUILD_DIR="+dir, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("post-image.sh: %v\n%s", err, text)
	}
	return images
}

// post-image.sh is run for each board with genimage and U-Boot's tools, and the disk is looked at.
func TestPostImageMakesTheDiskOfTheLayout(t *testing.T) {
	for _, p := range []string{"genimage", "mkimage", "mkenvimage", "mcopy"} {
		need(t, p)
	}
	if testing.Short() {
		t.Skip("writes some hundred megabytes")
	}
	eachBoard(t, func(t *testing.T, b layouts.Board) {
		images := disk(t, b)
		img, err := os.Open(filepath.Join(images, "disk.img"))
		if err != nil {
			t.Fatal(err)
		}
		defer img.Close()
		at := func(offset int64, n int) []byte {
			t.Helper()
			got := make([]byte, n)
			if _, err := img.ReadAt(got, offset); err != nil {
				t.Fatal(err)
			}
			return got
		}
		for _, slot := range []slots.Slot{slots.A, slots.B} {
			if p := b.Partition(slot.Partition()); string(at(p.Offset, 11)) != "rootfs.ext4" {
				t.Errorf("%s does not hold the system", p.Name)
			}
		}
		for _, r := range b.Raw {
			if string(at(r.Offset, len(r.File))) != r.File {
				t.Errorf("%s is not at %d", r.File, r.Offset)
			}
		}
		// What the boot loader and the updater will read.
		env := at(b.Partition(slots.Partition).Offset, slots.EnvSize)
		e, err := slots.Open(memory{bytes.NewReader(env)})
		if err != nil {
			t.Fatal(err)
		}
		if !e.State().Equal(slots.Fresh()) {
			t.Errorf("boot environment: %v", e.State())
		}
		if bytes.Equal(env[:slots.CopySize], make([]byte, slots.CopySize)) {
			t.Error("the boot environment is empty")
		}
	})
}

// memory is a disk that is only read.
type memory struct{ *bytes.Reader }

func (memory) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
func (memory) Sync() error                        { return nil }

func TestMissingFindsWhatKconfigDropped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fragment")
	text := "# A comment.\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_C=60\nCONFIG_D=\"x\"\n# CONFIG_E is not set\n# CONFIG_F is not set\n# CONFIG_G is not set\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := missing(file, "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=61\nCONFIG_E=y\n# CONFIG_F is not set\n")
	var symbols []string
	for _, l := range got {
		_, l, _ = strings.Cut(l, ": ")
		symbols = append(symbols, symbol(strings.Split(l, " (got")[0]))
	}
	if want := []string{"CONFIG_B", "CONFIG_C", "CONFIG_D", "CONFIG_E"}; !slices.Equal(symbols, want) {
		t.Errorf("missing %v, want %v", symbols, want)
	}
}

func TestDiffNamesLinesAndOrder(t *testing.T) {
	for _, c := range []struct{ was, is, want string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "-b +c"},
		{"a\nb\n", "b\na\n", "line 1: b comes where a is"},
	} {
		if got := diff(c.was, c.is); got != c.want {
			t.Errorf("diff(%q, %q) is %q, want %q", c.was, c.is, got, c.want)
		}
	}
}

func TestMisuseIsToldWithoutATree(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"check"}, {"image", "-tree"}, {"image", "qemu-aarch64"}} {
		var errs strings.Builder
		if err := command(context.Background(), args, &errs, &errs); err != errUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
	var errs strings.Builder
	if err := command(context.Background(), []string{"check", "-tree", t.TempDir()}, &errs, &errs); err == nil || !strings.Contains(err.Error(), release) {
		t.Errorf("a folder that is no Buildroot: %v; want the release to get", err)
	}
}
