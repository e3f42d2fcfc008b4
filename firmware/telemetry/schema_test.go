package telemetry

import (
	"encoding/json"
	"testing"
	"time"

	"longwire/firmware/telemetry/telemetrytest"
)

func schemaOf(t testing.TB) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal([]byte(Schema()), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func checkFolder(t testing.TB, path string) (kinds map[string]int, size int64) {
	t.Helper()
	return telemetrytest.CheckFolder(t, path, Schema())
}

func TestSchemaRefusesWhatIsNoLine(t *testing.T) {
	s := schemaOf(t)
	for _, bad := range []string{
		`{}`, `[]`, `{"v":1,"t":"2026-03-01T06:00:00Z"}`,
		`{"v":2,"t":"2026-03-01T06:00:00Z","k":"clock","jump":5}`,
		`{"v":1,"t":"yesterday","k":"clock","jump":5}`,
		`{"v":1,"t":"2026-03-01T06:00:00Z","k":"clock"}`,
		`{"v":1,"t":"2026-03-01T06:00:00Z","k":"stanza","peer":"hq","link":"HF","dir":"out","type":"chat","body":"hello"}`,
		`{"v":1,"t":"2026-03-01T06:00:00Z","k":"stanza","peer":"hq","link":"HF","dir":"out","type":"poem"}`,
		`{"v":1,"t":"2026-03-01T06:00:00Z","k":"stanza","peer":"hq","link":"HF","dir":"out","type":"chat","raw":-1}`,
		`{"v":1,"t":"2026-03-01T06:00:00Z","k":"fold","peer":"hq","dir":"out","type":"chat","raw":5,"cuts":[{"rule":1}]}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		if telemetrytest.Validate(s, v) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// examples is one record of each kind.
func examples(now time.Time) []Record {
	return []Record{
		{At: now, Kind: Contact, Peer: "hq", Link: "HF", State: "down", Cause: "connection lost", Remote: "192.0.2.1:65510", Lasted: 12.5},
		{At: now, Kind: Stanza, Peer: "hq", Link: "HF", Dir: Out, Entry: 5, Seq: 7, Type: "chat", Class: "routine", User: "a@x", Raw: 300, Folded: 200, Compressed: 70, Wire: 80, AirMS: 2200, Batch: 2, Again: true, Lane: "express"},
		{At: now, Kind: Fold, Peer: "hq", Dir: Out, Type: "chat", Raw: 300, Folded: 200, Saved: 100, Cuts: []Cut{{1, 60}, {0, 40}}},
		{At: now, Kind: Confirm, Peer: "hq", Link: "HF", Entry: 5, Seq: 7, Type: "chat", Lasted: 30},
		{At: now, Kind: Duplicate, Peer: "hq", Link: "HF", Wire: 5},
		{At: now, Kind: Reject, Peer: "hq", Link: "HF", Cause: "not responding", Wire: 5},
		{At: now, Kind: Queue, Peer: "hq", Waiting: 5, Sent: 1, Bytes: 900, Oldest: 60},
		{At: now, Kind: Carrier, Peer: "hq", Link: "HF", Old: "SatCom", Cause: "silent"},
		{At: now, Kind: EMCON, Link: "HF", State: "on"},
		{At: now, Kind: Clock, Jump: -1e9},
		{At: now, Kind: Lost, Lines: 4},
	}
}

func TestEachKindOfLineIsOfTheSchema(t *testing.T) {
	s := schemaOf(t)
	for _, r := range examples(time.Date(2026, 3, 1, 6, 0, 0, 123456789, time.FixedZone("CET", 3600))) {
		b, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if err := telemetrytest.Validate(s, v); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
}
