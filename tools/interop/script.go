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
	"strings"
	"time"

	"longwire/tools/rig"
)

// script is a play in Python with so many accounts of each node.
func script(name string, accounts int) func(context.Context, *stage, func(result)) error {
	return func(ctx context.Context, st *stage, tell func(result)) error {
		return perform(ctx, name, accounts, st, tell)
	}
}

// ours is a play that asks what the reference answers in its own way.
func ours(play func(context.Context, *stage, func(result)) error) func(context.Context, *stage, func(result)) error {
	return func(ctx context.Context, st *stage, tell func(result)) error {
		if st.Reference {
			return nil
		}
		return play(ctx, st, tell)
	}
}

// perform runs a play in Python. Debian's Python is asked for by its full name, since its slixmpp is for that one. The play tells results, and may
// ask for what it cannot do itself, which the stage's hand does.
func perform(ctx context.Context, name string, accounts int, st *stage, tell func(result)) error {
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
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("interop: %s: %w", name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("interop: %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("interop: %s: %w", name, err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			result
			Do string `json:"do"`
		}
		switch {
		case json.Unmarshal(lines.Bytes(), &r) != nil:
		case r.Do != "":
			fmt.Fprintln(in, st.do(ctx, r.Do))
		case r.Name != "":
			tell(r.result)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("interop: %s: %w\n%s", name, err, faults.Bytes())
	}
	os.WriteFile(filepath.Join(st.dir, name+".log"), faults.Bytes(), 0o600)
	return nil
}

// do is what a play asks for; it comes back with what went wrong.
func (s *stage) do(ctx context.Context, what string) string {
	if s.hand == nil {
		return "nobody here does that"
	}
	if err := s.hand(ctx, what); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return ""
}
