package foreign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"longwire/tools/rig/screen"
)

// A terminal is a client on a screen, with its commands.
type terminal struct {
	*screen.Screen
	history  string            // the folder in which it keeps what was said
	shows    map[string]string // commands
	chat     string            // command that opens a chat, with a verb for the address
	with     string            // whose chat is open
	bySingle bool              // it takes keys that come at once for a paste
}

func (t *terminal) Show(ctx context.Context, show string) error { return t.line(ctx, t.shows[show]) }

func (t *terminal) Say(ctx context.Context, to, text string) error {
	if t.with != to {
		if err := t.line(ctx, fmt.Sprintf(t.chat, to)); err != nil {
			return err
		}
		t.with = to
	}
	return t.line(ctx, text)
}

// line types a line and confirms it.
func (t *terminal) line(ctx context.Context, line string) error {
	if !t.bySingle {
		return t.Enter(ctx, line)
	}
	for _, part := range []string{line[:1], line[1:]} {
		if err := t.Type(ctx, part); err != nil {
			return err
		}
		time.Sleep(150 * time.Millisecond)
	}
	return t.Enter(ctx, "")
}

func (t *terminal) Heard(text string) (n int, err error) {
	err = filepath.WalkDir(t.history, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		n += bytes.Count(b, []byte(text))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // nothing was said yet
	}
	return n, err
}

// A file is one of a program's own.
type file struct{ name, text string }

// open makes the folder and runs the program, with its variables, in it.
func open(ctx context.Context, dir, certificate, command string, files ...file) (*screen.Screen, error) {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(f.text), 0o600)); err != nil {
			return nil, fmt.Errorf("foreign: %w", err)
		}
	}
	return screen.Open(ctx, "longwire-"+filepath.Base(dir), fmt.Sprintf(
		"env HOME=%[1]s XDG_CONFIG_HOME=%[1]s XDG_DATA_HOME=%[1]s/data XDG_CACHE_HOME=%[1]s/cache SSL_CERT_FILE=%[2]s LANG=C.UTF-8 TERM=screen %[3]s",
		dir, certificate, command))
}

// shows waits until the program says that all is well, or that it is not.
func shows(ctx context.Context, s *screen.Screen, well string, ill ...string) error {
	got, err := s.Until(ctx, append(ill, well)...)
	if err == nil && got != well {
		shown, _ := s.Read(ctx)
		err = errors.New("foreign: " + screen.Squeeze(shown))
	}
	return err
}
