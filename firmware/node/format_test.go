package node_test

import (
	"os"
	"path/filepath"
	"testing"

	"longwire/firmware/admin"
	"longwire/firmware/update"
	"longwire/store"
)

// A node whose system is on trial serves as any other, and so does one that cannot find out.
func TestNodeServesWhileItsSystemIsOnTrial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "update.json")
	t.Setenv(update.Variable, path)
	for _, state := range []string{
		`{"format":1,"phase":"trial","next":{"version":"2.0.0","counter":7,"digest":"ab","slot":"B","from":"A","keep":1}}`,
		`{"format":1}`,
		`nonsense`,
	} {
		if err := os.WriteFile(path, []byte(state), 0o644); err != nil {
			t.Fatal(err)
		}
		n, stop := launch(t, write(t, t.TempDir(), quiet+`plaintext = ["127.0.0.1:0"]`))
		hello(t, dial(t, address(t, n, "clients in plaintext")))
		if s, err := admin.Running(n).Status(); err != nil || s.Store.Format != store.Newest {
			t.Errorf("%s: format %d, %v", state, s.Store.Format, err)
		}
		stop()
	}
}
