package device

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeSystemctl writes down what it is asked, and answers as a machine whose node is up and whose SIS server is not.
const fakeSystemctl = `#!/bin/sh
echo "$*" >> "$ASKED"
case "$*" in
show*longwire*) printf 'ActiveState=reloading\nSubState=reload\nResult=success\n' ;;
show*s5066d*) printf 'ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n' ;;
reset-failed*) echo "Unit is not loaded"; exit 1 ;;
*broken*) echo "Unit broken.service not found."; exit 5 ;;
esac
`

func TestSystemdIsAskedWithoutWaiting(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(fakeSystemctl), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("ASKED", asked)
	s, ctx := Systemd{}, t.Context()
	for name, err := range map[string]error{
		"start": s.Start(ctx, NodeUnit), "restart": s.Restart(ctx, SISUnit), "stop": s.Stop(ctx, NodeUnit), "a node that reloads": s.Active(ctx, NodeUnit),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Active(ctx, SISUnit); err == nil || err.Error() != "it is activating (auto-restart), the last try ended with exit-code" {
		t.Errorf("a SIS server that fails: %v", err)
	}
	if err := s.Start(ctx, "broken.service"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("a unit that is not there: %v", err)
	}
	b, err := os.ReadFile(asked)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--no-block start longwire.service\n", "--no-block restart s5066d.service\n", "stop longwire.service\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("not asked for %q:\n%s", want, b)
		}
	}
}
