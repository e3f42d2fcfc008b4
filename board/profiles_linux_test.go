package board_test

import (
	"runtime"
	"strings"
	"testing"

	"longwire/board"
	"longwire/board/boardtest"
)

func TestProfilesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range board.Profiles() {
		if p.Name == "" || p.Title == "" || seen[p.Name] {
			t.Errorf("%q: %q", p.Name, p.Title)
		}
		seen[p.Name] = true
		if found, ok := board.Find(p.Name); !ok || found.Title != p.Title {
			t.Errorf("%s is not found", p.Name)
		}
		colours := map[board.Colour]bool{}
		for _, l := range p.LEDs {
			if colours[l.Colour] || l.Label == "" || len(l.Names) == 0 && l.GPIO == (board.GPIOConfig{}) {
				t.Errorf("%s: %+v", p.Name, l)
			}
			colours[l.Colour] = true
		}
		for _, s := range p.Serial {
			if !strings.HasPrefix(s.Device, "/dev/tty") || s.Use == "" {
				t.Errorf("%s: %+v", p.Name, s)
			}
		}
		if p.Button.Key != 0 && (p.Button.Hold == 0 || p.Button.Label == "") {
			t.Errorf("%s: %+v", p.Name, p.Button)
		}
	}
	// A caller's changes stay with it.
	board.Profiles()[2].LEDs[0].Label = "changed"
	if board.Profiles()[2].LEDs[0].Label == "changed" {
		t.Error("the table can be changed")
	}
}

func TestDetect(t *testing.T) {
	virt := map[string]string{"arm64": "qemu-aarch64", "arm": "qemu-armv7"}[runtime.GOARCH]
	if virt == "" {
		virt = "pc" // no such device tree there
	}
	for _, c := range []struct {
		what, cmdline string
		tree          []string
		name, how     string
	}{
		{"nothing", "", nil, "pc", "no board that is known"},
		{"a PC", "root=/dev/sda1 ro", nil, "pc", "no board"},
		{"told", "ro kit.board=bbb quiet", nil, "bbb", "kit.board=bbb on the kernel's command line"},
		{"told is stronger", "kit.board=rpi4", []string{"ti,am335x-bone-black"}, "rpi4", "kit.board=rpi4"},
		{"told nonsense", "kit.board=toaster", nil, "pc", "kit.board=toaster on the kernel's command line is not known"},
		{"the virtual machine", "", []string{"linux,dummy-virt"}, virt, ""},
		{"another tree", "", []string{"acme,router", "acme,soc"}, "pc", "no board"},
	} {
		m := boardtest.NewMachine(t)
		if c.cmdline != "" {
			m.Cmdline(c.cmdline)
		}
		if c.tree != nil {
			m.Compatible(c.tree...)
		}
		p, how := board.Detect(m.Root)
		if p.Name != c.name || !strings.Contains(how, c.how) || p.Root != m.Root {
			t.Errorf("%s: %s by %q", c.what, p.Name, how)
		}
	}
}

func TestDetectByDeviceTree(t *testing.T) {
	for _, c := range []struct {
		arch string
		tree []string
		name string
	}{
		{"arm64", []string{"linux,dummy-virt"}, "qemu-aarch64"},
		{"arm", []string{"linux,dummy-virt"}, "qemu-armv7"},
		{"arm64", []string{"raspberrypi,4-model-b", "brcm,bcm2711"}, "rpi4"},
		{"arm64", []string{"raspberrypi,4-compute-module-io", "raspberrypi,4-compute-module", "brcm,bcm2711"}, "rpi4"},
		{"arm", []string{"ti,am335x-bone-black", "ti,am335x-bone", "ti,am33xx"}, "bbb"},
		{"arm64", []string{"raspberrypi,4-model-b", "linux,dummy-virt"}, "rpi4"}, // the most special first
		{"arm", []string{"ti,am335x-bone-green", "ti,am33xx"}, "pc"},
	} {
		m := boardtest.NewMachine(t)
		m.Compatible(c.tree...)
		if p, how := board.DetectOn(m.Root, c.arch); p.Name != c.name {
			t.Errorf("%s %v: %s by %s", c.arch, c.tree, p.Name, how)
		}
	}
}
