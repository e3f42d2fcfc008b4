package boardtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A Tree is a folder that looks like /sys/class/gpio.
type Tree struct {
	Root string
	tb   testing.TB
}

// NewTree makes a Tree in which the given lines are exported.
func NewTree(tb testing.TB, lines ...int) *Tree {
	tb.Helper()
	t := &Tree{Root: tb.TempDir(), tb: tb}
	for _, name := range []string{"export", "unexport"} {
		t.put(name, "")
	}
	for _, n := range lines {
		t.Export(n)
	}
	return t
}

// Export makes the files of a line, as the kernel does.
func (t *Tree) Export(line int) {
	t.tb.Helper()
	folder := "gpio" + strconv.Itoa(line)
	if err := os.Mkdir(filepath.Join(t.Root, folder), 0o755); err != nil {
		t.tb.Fatal(err)
	}
	for name, value := range map[string]string{"direction": "in", "active_low": "0", "value": "0"} {
		t.put(filepath.Join(folder, name), value)
	}
}

// Get reads a file of a line.
func (t *Tree) Get(line int, name string) string {
	t.tb.Helper()
	return t.File(filepath.Join("gpio"+strconv.Itoa(line), name))
}

// File reads a file.
func (t *Tree) File(name string) string {
	t.tb.Helper()
	b, err := os.ReadFile(filepath.Join(t.Root, name))
	if err != nil {
		t.tb.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (t *Tree) put(name, value string) {
	t.tb.Helper()
	if err := os.WriteFile(filepath.Join(t.Root, name), []byte(value), 0o644); err != nil {
		t.tb.Fatal(err)
	}
}
