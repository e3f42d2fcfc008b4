package layouts

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// golden compares with a file in testdata; GOLDEN=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now\n%s", file, got)
	}
}

// TestLayoutsStay: kits in the field have these partitions, and updates rely on them.
func TestLayoutsStay(t *testing.T) {
	for _, b := range Boards() {
		golden(t, b.Name+".sfdisk", b.Sfdisk())
		golden(t, b.Name+".genimage", b.Genimage())
		head, _, _ := strings.Cut(b.BootCmd(), "\n\n")
		golden(t, b.Name+".boot", head+"\n"+b.UBootBootCmd()+"\n")
	}
	users, err := UsersTable()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "users", users)
}

func TestPartitionsDoNotOverlap(t *testing.T) {
	for _, b := range Boards() {
		at := int64(0)
		for _, r := range b.Raw {
			// The first GPT takes 34 sectors.
			if r.Offset < 34*512 {
				t.Errorf("%s: %s lies in the partition table", b.Name, r.File)
			}
			at = r.Offset
		}
		for _, p := range b.Partitions() {
			if p.Offset <= at || p.Offset%alignment != 0 || p.Size%mib != 0 {
				t.Errorf("%s: %s at %d, %d bytes, after %d", b.Name, p.Name, p.Offset, p.Size, at)
			}
			at = p.Offset + p.Size - 1
		}
		if at+34*512 > b.Size() {
			t.Errorf("%s: no room for the second partition table", b.Name)
		}
	}
}

func TestBootScriptIsU_BootsToRead(t *testing.T) {
	for _, b := range Boards() {
		for i, line := range strings.Split(b.BootCmd(), "\n") {
			// CONFIG_SYS_CBSIZE is 512 on qemu_arm64 and 1024 on am335x.
			if len(line) > 511 {
				t.Errorf("%s: line %d is longer than U-Boot takes", b.Name, i+1)
			}
			if strings.Contains(line, "\\\n") || strings.Contains(line, "`") || strings.Contains(line, "$(") {
				t.Errorf("%s: line %d: hush of U-Boot has no such thing: %s", b.Name, i+1, line)
			}
		}
		if s := b.BootCmd(); strings.Contains(s, "fatwrite") || strings.Contains(s, "saveenv") {
			t.Errorf("%s: the script writes to a file system", b.Name)
		}
	}
}

func TestUBootEnvHasNoPrompt(t *testing.T) {
	b, err := Find("qemu-aarch64")
	if err != nil {
		t.Fatal(err)
	}
	env := b.UBootEnv()
	if binary.LittleEndian.Uint32(env) != crc32.ChecksumIEEE(env[4:]) {
		t.Error("wrong checksum")
	}
	for _, want := range []string{"\x00bootdelay=-2\x00", "bootcmd=pci enum; virtio scan; virtio dev 0; load virtio 0:1 ", "reset\x00"} {
		if !strings.Contains(string(env), want) {
			t.Errorf("no %q", want)
		}
	}
}

// unit reads the settings of a unit file, without its sections.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	b, err := fs.ReadFile(Overlay(), name)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && key[0] != '#' {
			set[key] = append(set[key], value)
		}
	}
	return set
}

const unitDir = "usr/lib/systemd/system/"

func TestServicesRunWhatAKitHas(t *testing.T) {
	users, err := Users()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"": true}
	for _, u := range users {
		known[u.Name] = true
	}
	for _, name := range []string{"longwire-device", "longwire", "s5066d"} {
		u := unit(t, unitDir+name+".service")
		program, _, _ := strings.Cut(u["ExecStart"][0], " ")
		if program != "/usr/bin/longwire" && program != "/usr/bin/s5066d" {
			t.Errorf("%s runs %s", name, program)
		}
		user := ""
		if len(u["User"]) > 0 {
			user = u["User"][0]
		}
		if !known[user] || user == "" && name != "longwire-device" {
			t.Errorf("%s runs as %q", name, user)
		}
		for _, must := range []string{"NoNewPrivileges", "ProtectSystem", "MemoryDenyWriteExecute", "SystemCallFilter", "CapabilityBoundingSet", "WatchdogSec", "Conflicts"} {
			if len(u[must]) == 0 {
				t.Errorf("%s has no %s", name, must)
			}
		}
		// What fails is started again for ever, but for the one without which nobody would notice: it takes the machine with it.
		if reboots := slices.Equal(u["StartLimitAction"], []string{"reboot"}); reboots != (name == "longwire-device") || !reboots && u["StartLimitIntervalSec"][0] != "0" {
			t.Errorf("%s is given up after some failures", name)
		}
	}
}

func TestNothingAsksForALogin(t *testing.T) {
	for _, name := range []string{"getty@.service", "serial-getty@.service", "console-getty.service", "debug-shell.service"} {
		b, err := fs.ReadFile(Overlay(), "etc/systemd/system/"+name)
		if err != nil || len(b) > 0 {
			t.Errorf("%s is not masked: %v", name, err)
		}
	}
	for _, name := range []string{"emergency.service", "rescue.service"} {
		if u := unit(t, "etc/systemd/system/"+name); !strings.Contains(u["ExecStart"][0], "reboot") {
			t.Errorf("%s does not start the machine again", name)
		}
	}
	preset, err := fs.ReadFile(Overlay(), "etc/systemd/system-preset/10-kit.preset")
	if err != nil || !strings.HasSuffix(string(preset), "\ndisable *\n") {
		t.Errorf("the preset does not end with: disable * (%v)", err)
	}
}

func TestFstabMountsByName(t *testing.T) {
	b, err := Find("qemu-aarch64")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(Fstab()) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) != 6 {
			t.Errorf("%d fields: %s", len(f), line)
		}
		if label, ok := strings.CutPrefix(f[0], "/dev/disk/kit/"); ok {
			if p := b.Partition(label); p.FS != f[2] {
				t.Errorf("%s is %s, mounted as %s", label, p.FS, f[2])
			}
		}
	}
}

// TestOnlyTheDiskInsideIsTheKits: a stick's partitions may be called as the kit's are.
func TestOnlyTheDiskInsideIsTheKits(t *testing.T) {
	rules, err := fs.ReadFile(Overlay(), "usr/lib/udev/rules.d/70-longwire.rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range Boards() {
		rule := fmt.Sprintf("ENV{kit.board}==%q, KERNEL==\"%s[0-9]*\", SYMLINK+=\"disk/kit/$env{ID_PART_ENTRY_NAME}\"\n", b.Name, strings.TrimPrefix(b.Root, "/dev/"))
		if strings.Count(string(rules), rule) != 1 {
			t.Errorf("there is no rule %s", rule)
		}
	}
	if strings.Count(string(rules), "disk/kit/$env") != len(Boards()) {
		t.Error("there are other rules for /dev/disk/kit")
	}
	if s := Fstab() + bootCmd; strings.Contains(s, "PARTLABEL") || strings.Contains(s, "by-part") {
		t.Error("something is found by its label on any disk")
	}
}

// TestUnitsAreWhatSystemdTakes asks systemd itself, where it is there.
func TestUnitsAreWhatSystemdTakes(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	// Their programs are not on this machine: true takes their place.
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"longwire-device.service", "longwire.service", "s5066d.service"} {
		b, err := fs.ReadFile(Overlay(), unitDir+name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("/usr/bin/longwire", "/bin/true", "/usr/bin/s5066d", "/bin/true").Replace(string(b))
		file := path.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	cmd := exec.Command("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, files...)...)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) && !strings.Contains(line, "notify-reload") { // systemd 253 and later
			t.Error(strings.TrimSpace(line))
		}
	}
	t.Logf("%v\n%s", err, out)
}

// What makes the data partition anew makes the one that a kit came with.
func TestTheDataPartitionIsMadeAnewAsItWas(t *testing.T) {
	unit, err := os.ReadFile("overlay/usr/lib/systemd/system/kit-format.service")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(" -m %d -L %s /dev/disk/kit/%s", Reserved, DataPartition, DataPartition); !strings.Contains(string(unit), want) {
		t.Errorf("no %q in\n%s", want, unit)
	}
}
