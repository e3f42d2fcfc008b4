package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/telemetry"
	"longwire/links/meter"
	"longwire/xmpp/stream"
)

// recordOf writes a small record.
func recordOf(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "field.net")
	w := telemetry.NewWriter(telemetry.Options{Folder: dir, Max: 1 << 20})
	now := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	s, err := stream.ParseStanza([]byte("<message from='a@field.net/x' to='b@hq.net' type='chat' id='1'><body>Convoy left</body><active xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread></message>"))
	if err != nil {
		t.Fatal(err)
	}
	raw := len(s.Bytes())
	for range 10 {
		w.PutOutline("192.0.2.1", telemetry.Record{At: now, Peer: "hq", Dir: telemetry.Out, Type: "chat", Raw: raw}, s)
		w.Put("192.0.2.1", telemetry.Record{At: now, Kind: telemetry.Stanza, Peer: "hq", Link: "HF", Dir: telemetry.Out, Type: "chat", Class: "routine", User: "a@field.net", Raw: raw, Folded: raw, Compressed: 50, Wire: 60, AirMS: 2000})
	}
	w.Put("192.0.2.1", telemetry.Record{At: now, Kind: telemetry.Contact, Peer: "hq", Link: "HF", State: "down", Cause: "connection lost", Lasted: 60})
	w.Flush(now)
	return dir
}

func TestRecordsAreSummedUpAndPreviewed(t *testing.T) {
	use(t, quiet)
	dir := recordOf(t)
	code, out, errs := longwire(t, "", "telemetry", "report", "--folder", dir)
	for _, want := range []string{"all               20.0s  10   1700 B  600 B", "user a@field.net", "link HF", "connection lost (1)", "Folding spared 0 B of"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("code %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
	code, out, errs = longwire(t, "", "telemetry", "report", "--folder", filepath.Dir(dir), "--since", "24h", "--json", "hq")
	var r telemetry.Report
	if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil || r.Total.Out.Wire != 600 || r.Total.Out.Air != 20 {
		t.Errorf("code %d, %v: %s%s", code, err, out, errs)
	}
	code, out, errs = longwire(t, "", "fold", "preview", "--folder", dir, "--preset", "hf-75")
	if code != exitOK || !strings.Contains(out, "these rules would have saved 4") || !strings.Contains(out, "rule 1 ") || !strings.Contains(out, "rule 10 ") {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	for line, want := range map[string]string{
		"telemetry report --since yesterday": "write how far back, as in 30m or 24h", "telemetry report --since -1h": "write how far back",
		"fold preview": "name a PEER", "fold preview hq --preset hf-1": `there is no preset "hf-1"`, "fold preview hq": "the config has no peer",
		"fold preview nobody --preset hf-75": `no stanza for "nobody"`, "telemetry report --folder /nowhere": "no record",
	} {
		args := strings.Fields(line)
		if strings.Contains(line, " hq") || strings.Contains(line, "nobody") {
			args = append(args, "--folder", dir)
		}
		if code, out, errs := longwire(t, "", args...); code == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d, %q, %q", line, code, out, errs)
		}
	}
}

func TestAirOfAStoppedNodeIsShown(t *testing.T) {
	data := filepath.Join(filepath.Dir(use(t, quiet)), "data")
	if code, _, errs := longwire(t, "", "air"); code != exitOK || !strings.Contains(errs, "Nothing has crossed") {
		t.Errorf("code %d, %q", code, errs)
	}
	now := time.Now()
	l := meter.NewLedger(now)
	l.Book(now, meter.Message{Key: meter.Key{Peer: "hq", Link: "HF", User: "a@field.net", Kind: "chat", Class: "routine"}, Totals: meter.Totals{Stanzas: 1, Raw: 300, Folded: 200, Wire: 80, Air: 90 * time.Second}})
	b, err := l.Save(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "air.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := longwire(t, "", "air")
	for _, want := range []string{"user a@field.net", "1m30s", "80 B", "100 B"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("code %d, no %q in %s%s", code, want, out, errs)
		}
	}
	if code, out, errs := longwire(t, "", "air", "hq"); code != exitOK || !strings.Contains(out, "1m30s") {
		t.Errorf("a peer that is gone: code %d, %s%s", code, out, errs)
	}
	if code, _, errs := longwire(t, "", "air", "qh"); code != exitMisuse || !strings.Contains(errs, `there is no peer "qh"`) {
		t.Errorf("no peer: code %d, %s", code, errs)
	}
}
