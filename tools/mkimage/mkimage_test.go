package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/images/layouts"
)

func TestMisuseIsTold(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "want a command and a board"},
		{[]string{"image"}, "want a command and a board"},
		{[]string{"image", "-out"}, "want a command and a board"},
		{[]string{"image", "toaster"}, `there is no board "toaster"; there are [qemu-aarch64`},
		{[]string{"bake", "rpi4"}, `there is no command "bake"`},
		{[]string{"image", "qemu-aarch64", "-nonsense"}, "not defined: -nonsense"},
		{[]string{"image", "qemu-aarch64", "extra"}, `what is "extra"?`},
		{[]string{"layout", "rpi4"}, "want one of layout's flags"},
		{[]string{"layout", "rpi4", "-nonsense"}, "layout has no flag -nonsense"},
	} {
		var out, errs bytes.Buffer
		if err := command(t.Context(), c.args, &out, &errs); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", c.args, err)
		}
		if !strings.Contains(errs.String(), c.want) || !strings.Contains(errs.String(), "usage:") || out.Len() > 0 {
			t.Errorf("%q says %q", c.args, errs.String())
		}
	}
}

func TestRealBoardsAreBuildrootsWork(t *testing.T) {
	for _, b := range []string{"rpi4", "bbb"} {
		err := command(t.Context(), []string{"image", b}, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "make image BOARD="+b+" BUILDROOT=dir") {
			t.Errorf("%s: %v", b, err)
		}
	}
}

func TestSecretKeyIsNotPutIntoAnImage(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "org")
	for text, want := range map[string]string{"longwire-org-secret-1 abc": "looks like a secret key", "hello": "is not the public key"} {
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := command(t.Context(), []string{"image", "qemu-aarch64", "-key", secret}, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLayoutIsPrinted(t *testing.T) {
	for flag, want := range map[string]string{
		"-genimage": "image disk.img {", "-sfdisk": "label: gpt", "-fstab": "/dev/disk/kit/data", "-bootcmd": "setenv kit_board 'bbb'", "--users": "longwire 980",
		"-uboot-bootcmd": "load mmc 1:1", "-bootenv": "BOOT_ORDER=A B",
	} {
		var out bytes.Buffer
		if err := command(t.Context(), []string{"layout", "bbb", flag}, &out, &bytes.Buffer{}); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, no %q", flag, err, want)
		}
	}
	dir := filepath.Join(t.TempDir(), "o")
	if err := command(t.Context(), []string{"layout", "bbb", "-overlay", dir}, &bytes.Buffer{}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "usr/lib/systemd/system/longwire.service")); err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("overlay: %v", err)
	}
}

func TestPresetEnablesOnlyWhatAKitRuns(t *testing.T) {
	root := tree{}
	if err := root.add(layouts.Overlay(), "."); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"systemd-networkd.service", "systemd-resolved.service", "systemd-timesyncd.service"} {
		root.text("usr/lib/systemd/system/"+u, "[Unit]\n[Install]\nWantedBy=sysinit.target\nAlso=unknown.socket\n")
	}
	if err := preset(root); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range root.names() {
		if root[name].mode&fs.ModeSymlink != 0 {
			got = append(got, strings.TrimPrefix(name, "etc/systemd/system/"))
		}
	}
	want := "multi-user.target.wants/longwire-device.service multi-user.target.wants/longwire.service multi-user.target.wants/s5066d.service" +
		" sysinit.target.wants/systemd-networkd.service sysinit.target.wants/systemd-resolved.service sysinit.target.wants/systemd-timesyncd.service"
	if strings.Join(got, " ") != want {
		t.Errorf("links: %q", got)
	}
	delete(root, "usr/lib/systemd/system/systemd-networkd.service")
	if err := preset(root); err == nil || !strings.Contains(err.Error(), "there is no unit systemd-networkd.service") {
		t.Errorf("a missing unit: %v", err)
	}
}

func TestPathsOfPackagesAreMerged(t *testing.T) {
	for in, want := range map[string]string{"./lib/systemd/systemd": "usr/lib/systemd/systemd", "./usr/bin/x": "usr/bin/x", "/bin": "usr/bin", "./library/x": "library/x", "../../etc/x": "etc/x"} {
		if got := merged(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestTreeOnDiskIsTheSameAgain(t *testing.T) {
	root := tree{}
	root.file("usr/bin/x", 0o755, []byte("x"))
	root.link("bin", "usr/bin")
	root.dir("tmp", fs.ModeSticky|0o777)
	at := time.Unix(1e9, 0)
	dir := filepath.Join(t.TempDir(), "root")
	if err := root.write(dir, at); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"usr/bin/x": 0o755, "tmp": fs.ModeDir | fs.ModeSticky | 0o777, "usr": fs.ModeDir | 0o755} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode() != mode || !st.ModTime().Equal(at) {
			t.Errorf("%s: %v, %v, %v", name, st.Mode(), st.ModTime(), err)
		}
	}
	if real, ok := root.find("usr/bin/x"); !ok || real != "usr/bin/x" {
		t.Error("x is not found")
	}
	var a, b bytes.Buffer
	if err := errors.Join(root.cpio(&a, at), root.cpio(&b, at)); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) || a.Len()%4 != 0 {
		t.Errorf("cpio: %v, %d bytes", err, a.Len())
	}
	if !strings.HasPrefix(a.String(), "070701") || !strings.Contains(a.String(), "TRAILER!!!") {
		t.Error("not an initramfs")
	}
}

func TestTimeOfAnImage(t *testing.T) {
	for text, ok := range map[string]bool{"": true, "0": true, "1700000000": true, "x": false, "-1": false, "99999999999": false} {
		if _, err := stamp(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
