// Package screen runs programs on a terminal and reads it, as a person would.
package screen

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// A Screen is a terminal program that runs in tmux.
type Screen struct {
	socket string // of a tmux server of our own
}

// patience is how long anything on the screen may take.
const patience = 15 * time.Second

// Open runs a shell command on a screen of 160 by 50. The name is that of a tmux server for this screen alone.
func Open(ctx context.Context, name, command string) (*Screen, error) {
	s := &Screen{socket: name}
	return s, s.tmux(ctx, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", command)
}

func (s *Screen) tmux(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "tmux", append([]string{"-L", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("screen: tmux %s: %w: %s", args[0], err, out)
	}
	return nil
}

// Enter types a line.
func (s *Screen) Enter(ctx context.Context, line string) error {
	if err := s.Type(ctx, line); err != nil {
		return err
	}
	return s.tmux(ctx, "send-keys", "Enter")
}

// Type presses the keys of a text.
func (s *Screen) Type(ctx context.Context, text string) error {
	return s.tmux(ctx, "send-keys", "-l", text)
}

// Read is what the screen shows.
func (s *Screen) Read(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "tmux", "-L", s.socket, "capture-pane", "-p").Output()
	if err != nil {
		return "", fmt.Errorf("screen: reading the screen: %w", err)
	}
	return string(out), nil
}

// Coloured is what the screen shows, with the escape sequences for its colours.
func (s *Screen) Coloured(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "tmux", "-L", s.socket, "capture-pane", "-p", "-e").Output()
	if err != nil {
		return "", fmt.Errorf("screen: reading the screen: %w", err)
	}
	return string(out), nil
}

// Until waits until the screen shows one of the texts and returns which.
func (s *Screen) Until(ctx context.Context, texts ...string) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		shown, err := s.Read(ctx)
		if err != nil {
			return "", err
		}
		for _, t := range texts {
			if strings.Contains(shown, t) {
				return t, nil
			}
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("screen: waited for %q; the screen shows\n%s", texts, Squeeze(shown))
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Squeeze leaves out empty lines.
func Squeeze(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
	}
	return b.String()
}

// Close ends the program and the tmux server.
func (s *Screen) Close() {
	s.tmux(context.Background(), "kill-server")
}

// Long waits for what crosses the air.
func (s *Screen) Long(ctx context.Context, texts ...string) (string, error) {
	var err error
	for range 6 {
		var got string
		if got, err = s.Until(ctx, texts...); err == nil {
			return got, nil
		}
	}
	return "", err
}
