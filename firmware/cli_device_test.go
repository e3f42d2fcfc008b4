package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/device"
	"longwire/images/bundle"
)

func TestDeviceWithoutADaemon(t *testing.T) {
	dir := t.TempDir()
	for _, line := range [][]string{{"device", "status"}, {"device", "apply", filepath.Join(dir, "x.lwb")}, {"device", "reset", "--yes"}} {
		if line[1] == "apply" {
			if err := os.WriteFile(line[2], nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, out, errs := longwire(t, "", append(line, "--run", dir)...)
		if code != exitStopped || out != "" || !strings.Contains(errs, "no 'longwire device run' answers here") {
			t.Errorf("%q: %d, %q, %q", line, code, out, errs)
		}
	}
	if code, _, errs := longwire(t, "", "device", "reset", "--run", dir); code != exitMisuse || !strings.Contains(errs, "--yes") {
		t.Errorf("reset without --yes: %d, %q", code, errs)
	}
	if code, _, errs := longwire(t, "", "device", "run", "--board", "toaster"); code != exitMisuse || !strings.Contains(errs, `no board "toaster"`) {
		t.Errorf("an unknown board: %d, %q", code, errs)
	}
}

// The whole daemon, as root or not, on a machine with no hardware of a kit.
func TestDeviceByCommands(t *testing.T) {
	if disks, _ := filepath.Glob("/sys/block/sd*"); os.Geteuid() == 0 && len(disks) > 0 {
		t.Skip("a stick may be plugged in here, and the daemon would write its report to it")
	}
	dir := t.TempDir()
	data, folder := filepath.Join(dir, "data"), filepath.Join(dir, "run")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	// No systemd: its command is one that does what it is told.
	bin := filepath.Join(dir, "bin")
	script := "#!/bin/sh\n[ \"$1\" = show ] && echo ActiveState=inactive\nexit 0\n"
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	ctx, stop := context.WithCancel(t.Context())
	var out, errs buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"device", "run", "--data", data, "--run", folder, "--board", "pc"}, std{nil, &out, &errs})
	}()
	defer func() { stop(); <-ended }()
	status := func() (s device.Status) {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			code, text, _ := longwire(t, "", "device", "status", "--json", "--run", folder)
			if code == exitOK && json.Unmarshal([]byte(text), &s) == nil && strings.Contains(s.Lamp, "attention") {
				return s
			}
		}
		t.Fatalf("no status:\n%s\n%s", out.String(), errs.String())
		return s
	}
	s := status()
	if !strings.HasPrefix(s.PublicKey, "age1") || s.Board != "pc" || s.Name != "" {
		t.Errorf("status %+v", s)
	}
	_, text, _ := longwire(t, "", "device", "status", "--run", folder)
	for _, want := range []string{"not set up yet", s.ID, s.PublicKey, "needs attention"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// A bundle that says what cannot be.
	org, err := bundle.NewSigner("Headquarters")
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Config{Head: bundle.Head{Counter: 1}, Name: "field", Docs: bundle.Documents{Node: "colour = 1\n"}}.Encode(org, s.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "field.lwb")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, _ := longwire(t, "", "device", "apply", file, "--run", folder)
	if code != exitFailed || !strings.Contains(text, "REFUSED, nothing was changed") || !strings.Contains(text, "longwire.toml:1: colour") {
		t.Errorf("apply: %d\n%s", code, text)
	}
	if code, _, _ := longwire(t, "", "device", "reset", "--yes", "--run", folder); code != exitOK {
		t.Errorf("reset: %d", code)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && !strings.Contains(out.String(), "the kit forgets everything"); {
		time.Sleep(10 * time.Millisecond)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(data, "reset")); err != nil {
			break // it is carried out
		}
	}
	stop() // as a machine that goes down does
	select {
	case code := <-ended:
		ended <- code
		if key, err := os.ReadFile(filepath.Join(data, "kit", "key")); err == nil || code != exitOK {
			t.Errorf("after the reset: %d, a key of %d bytes", code, len(bytes.TrimSpace(key)))
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it does not end:\n%s\n%s", out.String(), errs.String())
	}
}
