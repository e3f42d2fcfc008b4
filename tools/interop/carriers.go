package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"

	"longwire/tools/rig"
)

// carriers is the play of what SIS primitives travel by: pipes, TCP, serial lines and vsock. It runs their tests, so that a machine on
// which one cannot be tested says so here as well.
func carriers(ctx context.Context, st *stage, tell func(result)) error {
	if st.Reference {
		return nil
	}
	root, err := rig.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-run", "Suite|Loopback", "./links/sis", "./links/vsock", "./tools/carriers")
	cmd.Dir = root
	out, err := cmd.Output()
	told := tellTests(out, tell)
	if told == 0 || err != nil {
		return fmt.Errorf("'go test' of the carriers, %d tests: %v", told, err)
	}
	return nil
}

// tellTests reads what 'go test -json' prints, and tells the fate of each whole test.
func tellTests(out []byte, tell func(result)) (told int) {
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		var e struct{ Action, Test, Package, Output string }
		if json.Unmarshal([]byte(line), &e) != nil || e.Test == "" {
			continue
		}
		whole, _, part := strings.Cut(e.Test, "/")
		key := e.Package + " " + whole
		if e.Action == "output" && !strings.HasPrefix(strings.TrimSpace(e.Output), "=== ") && !strings.HasPrefix(strings.TrimSpace(e.Output), "--- ") {
			said[key] += e.Output
		}
		if part {
			continue
		}
		r := result{Name: strings.TrimPrefix(e.Package, "longwire/") + " " + whole, Detail: said[key]}
		switch e.Action {
		case "pass":
			r.OK = true
		case "skip":
			r.Skip = true
		case "fail":
		default:
			continue
		}
		told++
		tell(r)
	}
	return told
}
