package telemetry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

// validate checks a value by the part of JSON Schema that schema.json is written in, and fails on a word that it does not know.
func validate(schema map[string]any, v any) error {
	object, _ := v.(map[string]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	list, isList := v.([]any)
	for word, want := range schema {
		ok := true
		switch word {
		case "$schema", "$id", "title", "format", "then":
		case "const":
			ok = v == want
		case "enum":
			ok = slices.Contains(want.([]any), v)
		case "type":
			switch want {
			case "object":
				ok = object != nil
			case "string":
				ok = isText
			case "number":
				ok = isNumber
			case "integer":
				ok = isNumber && number == float64(int64(number))
			case "array":
				ok = isList
			default:
				ok = false
			}
		case "pattern":
			ok = !isText || regexp.MustCompile(want.(string)).MatchString(text)
		case "minLength":
			ok = !isText || float64(len([]rune(text))) >= want.(float64)
		case "maxLength":
			ok = !isText || float64(len([]rune(text))) <= want.(float64)
		case "minimum":
			ok = !isNumber || number >= want.(float64)
		case "maximum":
			ok = !isNumber || number <= want.(float64)
		case "minItems":
			ok = !isList || float64(len(list)) >= want.(float64)
		case "items":
			for _, x := range list {
				if err := validate(want.(map[string]any), x); err != nil {
					return err
				}
			}
		case "required":
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; !there && object != nil {
					return fmt.Errorf("%v is missing", name)
				}
			}
		case "properties":
			for name, s := range want.(map[string]any) {
				if x, there := object[name]; there {
					if err := validate(s.(map[string]any), x); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]any)
			for name := range object {
				if _, there := known[name]; !there && want == false {
					return fmt.Errorf("%s is not known", name)
				}
			}
		case "allOf":
			for _, s := range want.([]any) {
				if err := validate(s.(map[string]any), v); err != nil {
					return err
				}
			}
		case "if":
			if then, there := schema["then"].(map[string]any); there && validate(want.(map[string]any), v) == nil {
				if err := validate(then, v); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("the schema says %s, which this test does not know", word)
		}
		if !ok {
			return fmt.Errorf("%v is not of %s %v", v, word, want)
		}
	}
	return nil
}

func schemaOf(t testing.TB) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal([]byte(Schema()), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkFolder validates all lines of a folder and returns their kinds and the size of all files.
func checkFolder(t testing.TB, path string) (kinds map[string]int, size int64) {
	t.Helper()
	s := schemaOf(t)
	kinds = make(map[string]int)
	err := filepath.Walk(path, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		size += info.Size()
		if filepath.Ext(name) != ending {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(b) > 0 && b[len(b)-1] != '\n' {
			t.Errorf("%s ends within a line", name)
		}
		for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
			var v map[string]any
			if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
				t.Fatalf("%s: %q: %v", name, sc.Text(), err)
			}
			if err := validate(s, v); err != nil {
				t.Fatalf("%s: %s: %v", name, sc.Text(), err)
			}
			kinds[v["k"].(string)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds, size
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
		if validate(s, v) == nil {
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
		if err := validate(s, v); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
}
