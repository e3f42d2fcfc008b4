package node

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"longwire/links/codec"
)

// A snapshot that is none, or of another release, is passed over.
func TestSnapshotIsTakenIfItFits(t *testing.T) {
	n := &Node{log: slog.New(slog.DiscardHandler)}
	file := filepath.Join(t.TempDir(), ownSnapshot)
	if n.restore(file) {
		t.Error("there is no file")
	}
	good := codec.Base().Snapshot()
	for name, b := range map[string][]byte{"empty": {}, "half": good[:len(good)/2]} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if n.restore(file) {
			t.Errorf("%s is taken", name)
		}
	}
	if err := os.Truncate(file, 64<<30); err != nil { // a hole, which takes no room on the disk
		t.Fatal(err)
	}
	if n.restore(file) {
		t.Error("64 GiB are taken")
	}
	if n.restore(filepath.Dir(file)) {
		t.Error("a folder is taken")
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if !n.restore(file) {
		t.Error("its own is not taken")
	}
}
