package supervise

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/coreos/go-systemd/v22/journal"
)

// Log is where a program's log goes; its level and format can change while loggers made of it are in use.
type Log struct {
	out     io.Writer
	journal journalSend // nil: out is not systemd's journal
	base    atomic.Pointer[slog.Handler]
}

// NewLog writes to out, at level info as text, until Set says otherwise.
func NewLog(out io.Writer) *Log {
	l := &Log{out: &lines{out: out}}
	if out == os.Stderr && os.Getenv("JOURNAL_STREAM") != "" && journal.Enabled() {
		l.journal = journal.Send
	}
	if err := l.Set("info", "text"); err != nil {
		panic("supervise: " + err.Error())
	}
	return l
}

// lines keeps the lines of the handlers before and after a Set apart: each handler has a lock of its own.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

// Set changes the level (debug, info, warn, error) and the format (text, json).
func (l *Log) Set(level, format string) error {
	o := &slog.HandlerOptions{}
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("supervise: log level %q is unknown", level)
	}
	o.Level = lv
	if os.Getenv("JOURNAL_STREAM") != "" {
		o.ReplaceAttr = withoutTime
	}
	var h slog.Handler
	switch format {
	case "text":
		h = slog.NewTextHandler(l.out, o)
	case "json":
		h = slog.NewJSONHandler(l.out, o)
	default:
		return fmt.Errorf("supervise: log format %q is unknown", format)
	}
	if l.journal != nil && format == "text" {
		h = &journalled{send: l.journal, rest: h}
	}
	l.base.Store(&h)
	return nil
}

// withoutTime: the journal stamps each line itself.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Logger is a logger that follows every Set.
func (l *Log) Logger() *slog.Logger { return slog.New(&follower{log: l}) }

// follower is a slog.Handler that replays its attributes and groups on whatever handler is in force.
type follower struct {
	log  *Log
	with []func(slog.Handler) slog.Handler
}

func (f *follower) Enabled(ctx context.Context, lv slog.Level) bool {
	return (*f.log.base.Load()).Enabled(ctx, lv)
}

func (f *follower) Handle(ctx context.Context, r slog.Record) error {
	h := *f.log.base.Load()
	for _, w := range f.with {
		h = w(h)
	}
	return h.Handle(ctx, r)
}

func (f *follower) add(w func(slog.Handler) slog.Handler) slog.Handler {
	return &follower{log: f.log, with: append(f.with[:len(f.with):len(f.with)], w)}
}

func (f *follower) WithAttrs(as []slog.Attr) slog.Handler {
	return f.add(func(h slog.Handler) slog.Handler { return h.WithAttrs(as) })
}

func (f *follower) WithGroup(name string) slog.Handler {
	return f.add(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}
