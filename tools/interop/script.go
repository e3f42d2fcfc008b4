package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"longwire/tools/rig"
)

// script is a play in Python with so many accounts of each node. Debian's Python is asked for by its full name, since its slixmpp is for that one.
func script(name string, accounts int) func(context.Context, *stage, func(result)) error {
	return func(ctx context.Context, st *stage, tell func(result)) error {
		root, err := rig.Root()
		if err != nil {
			return err
		}
		arg, err := st.argument(accounts)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "/usr/bin/python3", filepath.Join(root, "tools", "interop", "peers", name), arg)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
		cmd.WaitDelay = 5 * time.Second
		var faults bytes.Buffer
		cmd.Stderr = &faults
		out, err := cmd.StdoutPipe()
		if err != nil {
			return fmt.Errorf("interop: %s: %w", name, err)
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("interop: %s: %w", name, err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var r result
			if json.Unmarshal(lines.Bytes(), &r) == nil && r.Name != "" {
				tell(r)
			}
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("interop: %s: %w\n%s", name, err, faults.Bytes())
		}
		os.WriteFile(filepath.Join(st.dir, name+".log"), faults.Bytes(), 0o600)
		return nil
	}
}
