package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"longwire/board/boardtest"
)

func TestGPIOFolder(t *testing.T) {
	for _, c := range []struct {
		low                  bool
		activeLow, direction string
	}{{false, "0", "low"}, {true, "1", "high"}} {
		tree := boardtest.NewTree(t, 17)
		g, err := OpenGPIO(GPIOConfig{Chip: tree.Root, Line: 17, Low: c.low})
		if err != nil {
			t.Fatal(err)
		}
		if a, d := tree.Get(17, "active_low"), tree.Get(17, "direction"); a != c.activeLow || d != c.direction {
			t.Errorf("low %v: active_low %s, direction %s", c.low, a, d)
		}
		for _, on := range []string{"1", "0", "1"} {
			if err := g.Key(on == "1"); err != nil {
				t.Fatal(err)
			}
			if v := tree.Get(17, "value"); v != on {
				t.Errorf("value %s, want %s", v, on)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if v := tree.Get(17, "value"); v != "0" {
			t.Error("closing leaves it on")
		}
		if tree.File("unexport") != "" {
			t.Error("a line of somebody else was given back")
		}
		if err := g.Set(true); err == nil {
			t.Error("a closed line was set")
		}
	}
}

func TestGPIOFolderExports(t *testing.T) {
	tree := boardtest.NewTree(t)
	exported := make(chan struct{})
	go func() { // the kernel
		defer close(exported)
		for tree.File("export") == "" {
		}
		tree.Export(4)
	}()
	g, err := OpenGPIO(GPIOConfig{Chip: tree.Root, Line: 4})
	<-exported
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.File("export"); got != "4" {
		t.Errorf("export %q", got)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tree.File("unexport"); got != "4" {
		t.Errorf("unexport %q", got)
	}
}

func TestGPIOErrorsHelp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gpiochip0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config GPIOConfig
		want   string
	}{
		{GPIOConfig{Chip: "/dev/gpiochipnone"}, "chips of this machine"},
		{GPIOConfig{Chip: file}, "inappropriate ioctl"},
		{GPIOConfig{Chip: "/dev/gpiochip0", Line: -1}, "no such line"},
		{GPIOConfig{Name: "NO SUCH LINE"}, "GPIO line NO SUCH LINE"},
	} {
		_, err := OpenGPIO(c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.config.Chip) {
			t.Errorf("%+v: %v\nlacks %q", c.config, err, c.want)
		}
	}
}

// The request's bytes are the kernel's: their number is in the ioctl's own.
func TestGPIOLineRequest(t *testing.T) {
	r := lineRequest(GPIOConfig{Line: 5, Low: true})
	if size := unsafe.Sizeof(r); size != unix.GPIO_V2_GET_LINE_IOCTL>>16&0x3FFF {
		t.Errorf("%d bytes", size)
	}
	if size := unsafe.Sizeof(unix.GPIOV2LineValues{}); size != unix.GPIO_V2_LINE_SET_VALUES_IOCTL>>16&0x3FFF {
		t.Errorf("%d bytes of values", size)
	}
	if r.Offsets[0] != 5 || r.Num_lines != 1 || r.Config.Flags != 1<<1|1<<3 || r.Config.Num_attrs != 1 {
		t.Errorf("%+v", r)
	}
	a := r.Config.Attrs[0]
	if a.Mask != 1 || a.Attr.Id != unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES || a.Attr.Flags != 0 {
		t.Errorf("%+v", a)
	}
}
