package supervise

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// journalSend is journal.Send, or what stands in for it in a test.
type journalSend func(message string, priority journal.Priority, fields map[string]string) error

// journalled writes to systemd's journal: the line for people, and each attribute as a field, so that 'journalctl LINK=… PEER=…' finds it. What the
// journal does not take goes to rest.
type journalled struct {
	send  journalSend
	rest  slog.Handler
	attrs []slog.Attr // their keys have their groups in front
	group string      // "a.b."
}

var _ slog.Handler = (*journalled)(nil)

func (h *journalled) Enabled(ctx context.Context, lv slog.Level) bool { return h.rest.Enabled(ctx, lv) }

func (h *journalled) Handle(ctx context.Context, r slog.Record) error {
	fields := map[string]string{"MESSAGE_ID": messageID(r.Message), "SYSLOG_IDENTIFIER": "longwire"}
	var line bytes.Buffer
	text := slog.NewTextHandler(&line, &slog.HandlerOptions{Level: slog.Level(-1 << 10), ReplaceAttr: onlyAttrs})
	attrs := append([]slog.Attr(nil), h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		a.Key = h.group + a.Key
		attrs = append(attrs, a)
		return true
	})
	for _, a := range attrs {
		if name := fieldName(a.Key); name != "" {
			fields[name] = a.Value.Resolve().String()
		}
	}
	if err := text.WithAttrs(attrs).Handle(ctx, slog.Record{Message: r.Message, Level: r.Level}); err != nil {
		return err
	}
	message := strings.TrimSpace(r.Message + " " + strings.TrimSpace(line.String()))
	if h.send(message, priority(r.Level), fields) != nil {
		return h.restHandler().Handle(ctx, r)
	}
	return nil
}

// restHandler is rest with the attributes of h.
func (h *journalled) restHandler() slog.Handler { return h.rest.WithAttrs(h.attrs) }

func (h *journalled) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range as {
		a.Key = h.group + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

func (h *journalled) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.group += name + "."
	}
	return &c
}

// onlyAttrs leaves out what the journal has by itself.
func onlyAttrs(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// messageID names a message for programs (systemd.journal-fields(7)): messages are constant, so it is as long as the wording is.
func messageID(message string) string {
	sum := sha256.Sum256([]byte("longwire: " + message))
	return hex.EncodeToString(sum[:16])
}

// fieldName is an attribute's name in the journal: upper case letters, digits and underscores, and none of the journal's own. "": none can be made.
func fieldName(key string) string {
	b := []byte(strings.ToUpper(key))
	for i, c := range b {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			b[i] = '_'
		}
	}
	name := strings.TrimLeft(string(b), "_0123456789")
	switch name {
	case "":
		return ""
	case "MESSAGE", "MESSAGE_ID", "PRIORITY", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "ERRNO", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SYSLOG_PID":
		name = "LONGWIRE_" + name
	}
	return name[:min(len(name), 64)]
}

func priority(lv slog.Level) journal.Priority {
	switch {
	case lv >= slog.LevelError:
		return journal.PriErr
	case lv >= slog.LevelWarn:
		return journal.PriWarning
	case lv >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
