package board_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwire/board"
	"longwire/board/boardtest"
)

func open(t *testing.T) (*os.File, *board.Port) {
	t.Helper()
	master, slave := boardtest.Terminal(t)
	p, err := board.Open(board.PortConfig{Name: slave, Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return master, p
}

// soon fails a test that hangs.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

func TestPortCarriesAllBytes(t *testing.T) {
	master, p := open(t)
	all := make([]byte, 4096)
	for i := range all {
		all[i] = byte(i)
	}
	for name, way := range map[string]struct {
		to   io.Writer
		from io.Reader
	}{"in": {master, p}, "out": {p, master}} {
		got := make([]byte, len(all))
		go way.to.Write(all)
		soon(t, name, func() {
			if _, err := io.ReadFull(way.from, got); err != nil {
				t.Error(err)
			}
		})
		if !bytes.Equal(got, all) {
			t.Errorf("%s: bytes were changed", name)
		}
	}
}

// tarm/serial says EOF when nothing came for a while.
func TestPortSilenceIsNoEnd(t *testing.T) {
	master, p := open(t)
	time.AfterFunc(350*time.Millisecond, func() { master.Write([]byte("x")) })
	b := make([]byte, 8)
	soon(t, "reading", func() {
		if n, err := p.Read(b); n != 1 || err != nil || b[0] != 'x' {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestPortCloseUnblocks(t *testing.T) {
	_, p := open(t)
	read, wrote := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 8))
		read <- err
	}()
	go func() {
		_, err := p.Write(make([]byte, 1<<20)) // nobody reads the master: the line is full soon
		wrote <- err
	}()
	time.Sleep(200 * time.Millisecond)
	soon(t, "closing", func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
		if err := <-read; !errors.Is(err, os.ErrClosed) {
			t.Errorf("reading: %v", err)
		}
		if err := <-wrote; !errors.Is(err, os.ErrClosed) {
			t.Errorf("writing: %v", err)
		}
	})
	if _, err := p.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("writing a closed port: %v", err)
	}
}

func TestPortWithoutHardware(t *testing.T) {
	master, p := open(t)
	master.Close()
	soon(t, "reading", func() {
		if _, err := p.Read(make([]byte, 8)); !errors.Is(err, board.ErrGone) && !errors.Is(err, syscall.EIO) {
			t.Errorf("reading: %v", err)
		}
	})
	soon(t, "writing", func() {
		if _, err := p.Write([]byte("x")); !errors.Is(err, board.ErrGone) && !errors.Is(err, syscall.EIO) {
			t.Errorf("writing: %v", err)
		}
	})
}

func TestPortHasOneUser(t *testing.T) {
	_, p := open(t)
	_, err := board.Open(board.PortConfig{Name: p.Name()})
	if err == nil || !strings.Contains(err.Error(), "another program uses it") {
		t.Errorf("%v", err)
	}
	p.Close()
	again, err := board.Open(board.PortConfig{Name: p.Name()})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestPortErrorsHelp(t *testing.T) {
	_, slave := boardtest.Terminal(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config board.PortConfig
		want   []string
	}{
		{board.PortConfig{Name: "/dev/ttyNone7"}, []string{"/dev/ttyNone7", "is it plugged in?"}},
		{board.PortConfig{Name: file}, []string{file, "it is no serial port"}},
		{board.PortConfig{Name: "/dev"}, []string{"/dev", "it is no serial port"}},
		{board.PortConfig{Name: slave, Baud: 9601}, []string{slave, "9601 baud is no rate", "9600"}},
		{board.PortConfig{Name: slave, Parity: 'M'}, []string{slave, "parity"}},
		{board.PortConfig{Name: slave, StopBits: 3}, []string{slave, "3 stop bits"}},
	} {
		_, err := board.Open(c.config)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v\nlacks %q", c.config, err, want)
			}
		}
	}
}

func TestPortDeniedNamesTheGroup(t *testing.T) {
	got := board.ExplainDenied("/dev/ttyNone7")
	for _, want := range []string{"/dev/ttyNone7", "permission denied", "usermod -aG dialout USER"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
}

func TestPortWithoutLines(t *testing.T) {
	_, p := open(t)
	if err := p.SetRTS(true); !errors.Is(err, board.ErrNoLines) {
		t.Error(err)
	}
	if _, err := p.CTS(); !errors.Is(err, board.ErrNoLines) {
		t.Error(err)
	}
	if err := (board.LineKeyer{Port: p, DTR: true}).Key(true); !errors.Is(err, board.ErrNoLines) || !strings.Contains(err.Error(), "DTR") {
		t.Error(err)
	}
	// Low is a wish about lines that are there.
	_, slave := boardtest.Terminal(t)
	low, err := board.Open(board.PortConfig{Name: slave, Low: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := low.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	low.Close()
}
