package supervise

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/journal"
)

func TestJournalGetsFields(t *testing.T) {
	type sent struct {
		message  string
		priority journal.Priority
		fields   map[string]string
	}
	var got []sent
	var refuse error
	var out strings.Builder
	l := NewLog(&out)
	l.journal = func(m string, p journal.Priority, f map[string]string) error {
		got = append(got, sent{m, p, f})
		return refuse
	}
	if err := l.Set("info", "text"); err != nil {
		t.Fatal(err)
	}
	log := l.Logger().With("link", "HF one", "peer", "hq")
	log.Warn("contact lost", "err", errors.New("no answer"), "message", "x", "5066", 1)
	log.WithGroup("g").Info("later", "n", 5)
	log.Debug("not told")
	if len(got) != 2 || out.Len() > 0 {
		t.Fatalf("%v %q", got, out.String())
	}
	f := got[0]
	if f.priority != journal.PriWarning || f.fields["LINK"] != "HF one" || f.fields["PEER"] != "hq" || f.fields["ERR"] != "no answer" || f.fields["LONGWIRE_MESSAGE"] != "x" ||
		!strings.HasPrefix(f.message, `contact lost link="HF one" peer=hq err="no answer"`) || len(f.fields["MESSAGE_ID"]) != 32 {
		t.Errorf("%+v", f)
	}
	if got[1].fields["G_N"] != "5" || got[1].fields["MESSAGE_ID"] == f.fields["MESSAGE_ID"] {
		t.Errorf("%+v", got[1])
	}
	for name := range f.fields {
		if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || name[0] == '_' {
			t.Errorf("field %q", name)
		}
	}
	refuse = errors.New("journal is full")
	log.Error("still told")
	if !strings.Contains(out.String(), `level=ERROR msg="still told" link="HF one" peer=hq`) {
		t.Errorf("%q", out.String())
	}
	if err := l.Set("info", "json"); err != nil {
		t.Fatal(err)
	}
	n := len(got)
	log.Log(t.Context(), slog.LevelInfo, "as JSON")
	if len(got) != n || !strings.Contains(out.String(), `"msg":"as JSON"`) {
		t.Error("JSON goes to the journal's fields")
	}
}
