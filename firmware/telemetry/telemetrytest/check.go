// Package telemetrytest checks telemetry as a machine would that has nothing but its schema.
package telemetrytest

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
)

// Validate checks a value by the part of JSON Schema that schema.json is written in, and fails on a word that it does not know.
func Validate(schema map[string]any, v any) error {
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
				if err := Validate(want.(map[string]any), x); err != nil {
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
					if err := Validate(s.(map[string]any), x); err != nil {
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
				if err := Validate(s.(map[string]any), v); err != nil {
					return err
				}
			}
		case "if":
			if then, there := schema["then"].(map[string]any); there && Validate(want.(map[string]any), v) == nil {
				if err := Validate(then, v); err != nil {
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

// CheckFolder validates all lines of a folder and returns their kinds and the size of all files.
func CheckFolder(t testing.TB, path, schema string) (kinds map[string]int, size int64) {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatal(err)
	}
	kinds = make(map[string]int)
	err := filepath.Walk(path, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		size += info.Size()
		if filepath.Ext(name) != ".jsonl" {
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
			if err := Validate(s, v); err != nil {
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
