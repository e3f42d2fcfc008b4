package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/firmware/supervise"
)

// notifySocket poses as systemd and returns what it is told.
func notifySocket(t *testing.T) (told func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		buf := make([]byte, 1000)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestSystemdIsToldInItsWords(t *testing.T) {
	told := notifySocket(t)
	var n supervise.Notify
	n.Ready("serving\nfield.net")
	if got := told(); got != "READY=1\nSTATUS=serving field.net" {
		t.Errorf("ready: %q", got)
	}
	n.Reloading()
	if got := told(); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`).MatchString(got) {
		t.Errorf("reloading: %q", got)
	}
	n.Stopping()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("stopping: %q", got)
	}
}

func TestWatchdogStarvesWhenUnhealthy(t *testing.T) {
	told := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "")
	checks := 0
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	n := supervise.Notify{Log: slog.New(slog.NewTextHandler(&log, nil))}
	n.Watchdog(ctx, func() error {
		switch checks++; checks {
		case 2:
			return errors.New("store is stuck")
		case 3:
			cancel()
		}
		return nil
	})
	if checks != 3 || told() != "WATCHDOG=1" || told() != "WATCHDOG=1" {
		t.Errorf("%d checks", checks)
	}
	if !strings.Contains(log.String(), "store is stuck") {
		t.Errorf("log: %s", log.String())
	}
}

func TestNobodyToNotifyIsNoError(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	var log bytes.Buffer
	n := supervise.Notify{Log: slog.New(slog.NewTextHandler(&log, nil))}
	n.Ready("x")
	n.Watchdog(t.Context(), func() error { t.Error("asked without a watchdog"); return nil })
	if l, err := supervise.Inherited(); len(l) > 0 || err != nil {
		t.Errorf("inherited %v, %v", l, err)
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

func TestLogFollowsItsSettings(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	var b bytes.Buffer
	l := supervise.NewLog(&b)
	lg := l.Logger().With("peer", "field").WithGroup("g")
	lg.Debug("hidden")
	lg.Info("one", "n", 1)
	if err := l.Set("debug", "json"); err != nil {
		t.Fatal(err)
	}
	lg.Debug("two", "n", 2)
	t.Setenv("JOURNAL_STREAM", "8:1")
	if err := l.Set("warn", "text"); err != nil {
		t.Fatal(err)
	}
	lg.Info("hidden")
	lg.Warn("three", "n", 3)
	got := regexp.MustCompile(`"?time"?[=:][^ ,]+[ ,]`).ReplaceAllString(b.String(), "<time>")
	want := "<time>level=INFO msg=one peer=field g.n=1\n" +
		`{<time>"level":"DEBUG","msg":"two","peer":"field","g":{"n":2}}` + "\n" +
		"level=WARN msg=three peer=field g.n=3\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if l.Set("loud", "text") == nil || l.Set("info", "xml") == nil {
		t.Error("nonsense was accepted")
	}
}
