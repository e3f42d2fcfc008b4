package board

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// path is where a file of the machine is.
func (p Profile) path(name string) string { return filepath.Join("/", p.Root, name) }

// maxProc bounds what is read of a file of /proc or /sys.
const maxProc = 64 << 10

// readSmall reads a file of /proc or /sys, "" if it is not there.
func readSmall(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, maxProc))
	return string(b)
}

func detect(root, arch string) (p Profile, how string) {
	at := Profile{Root: root}
	unknown := ""
	for _, word := range strings.Fields(readSmall(at.path("/proc/cmdline"))) {
		name, ok := strings.CutPrefix(word, "kit.board=")
		if !ok {
			continue
		}
		if p, ok := Find(name); ok {
			return p, word + " on the kernel's command line"
		}
		unknown = fmt.Sprintf("; %s on the kernel's command line is not known", word)
	}
	// Devicetree Specification 0.4 §2.3.1: a list of strings, each ended by a NUL, the most special first.
	compatible := strings.Split(strings.TrimRight(readSmall(at.path("/proc/device-tree/compatible")), "\x00"), "\x00")
	for _, name := range compatible {
		for _, p := range Profiles() {
			if p.fits(name, arch) {
				return p, "the device tree (" + name + ")" + unknown
			}
		}
	}
	p, _ = Find(pc)
	return p, "no board that is known" + unknown
}
