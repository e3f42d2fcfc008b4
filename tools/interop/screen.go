package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// A screen is a terminal program that runs in tmux, read and typed into as a person would.
type screen struct {
	socket string // of a tmux server of our own
}

// openScreen runs a shell command on a screen of 160 by 50.
func openScreen(ctx context.Context, name, command string) (*screen, error) {
	s := &screen{socket: name}
	return s, s.tmux(ctx, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", command)
}

func (s *screen) tmux(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "tmux", append([]string{"-L", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("interop: tmux %s: %w: %s", args[0], err, out)
	}
	return nil
}

// enter types a line.
func (s *screen) enter(ctx context.Context, line string) error {
	if err := s.tmux(ctx, "send-keys", "-l", line); err != nil {
		return err
	}
	return s.tmux(ctx, "send-keys", "Enter")
}

// read is what the screen shows.
func (s *screen) read(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "tmux", "-L", s.socket, "capture-pane", "-p").Output()
	if err != nil {
		return "", fmt.Errorf("interop: reading the screen: %w", err)
	}
	return string(out), nil
}

// until waits until the screen shows one of the texts and returns which.
func (s *screen) until(ctx context.Context, texts ...string) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		shown, err := s.read(ctx)
		if err != nil {
			return "", err
		}
		for _, t := range texts {
			if strings.Contains(shown, t) {
				return t, nil
			}
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("interop: waited for %q; the screen shows\n%s", texts, squeeze(shown))
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// squeeze leaves out empty lines.
func squeeze(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
	}
	return b.String()
}

// close ends the program and the tmux server.
func (s *screen) close() {
	s.tmux(context.Background(), "kill-server")
}
