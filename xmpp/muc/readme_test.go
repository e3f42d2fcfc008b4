package muc_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// useCases are the sections of XEP-0045 that tell one, in order.
const useCases = `6.1 6.2 6.3 6.4 6.5 6.6 6.7
7.1 7.2.1 7.2.2 7.2.3 7.2.4 7.2.5 7.2.6 7.2.7 7.2.8 7.2.9 7.2.10 7.2.11 7.2.12 7.2.13 7.2.14 7.2.15 7.2.16 7.2.17 7.2.18
7.3 7.4 7.5 7.6 7.7 7.8.1 7.8.2 7.9 7.10 7.11 7.12 7.13 7.14
8.1 8.2 8.3 8.4 8.5 8.6 9.1 9.2 9.3 9.4 9.5 9.6 9.7 9.8 9.9
10.1.1 10.1.2 10.1.3 10.2 10.2.1 10.3 10.4 10.5 10.6 10.7 10.8 10.9 11.1 11.2`

var (
	tableRow  = regexp.MustCompile(`(?m)^\| (\d+(?:\.\d+)+) \|.*\| ([^|]+) \|$`)
	testNames = regexp.MustCompile("`(Test\\w+)`")
	testFuncs = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

func TestTheReadmeNamesTestsThatExist(t *testing.T) {
	exists := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFuncs.FindAllStringSubmatch(string(b), -1) {
			exists[m[1]] = true
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, row := range tableRow.FindAllStringSubmatch(string(readme), -1) {
		sections = append(sections, row[1])
		names := testNames.FindAllStringSubmatch(row[2], -1)
		if (names == nil) != (row[2] == "–") {
			t.Errorf("§%s is shown by %q", row[1], row[2])
		}
		for _, n := range names {
			if !exists[n[1]] {
				t.Errorf("§%s: there is no %s", row[1], n[1])
			}
		}
	}
	if got, want := strings.Join(sections, " "), strings.Join(strings.Fields(useCases), " "); got != want {
		t.Errorf("the table has\n %s\nof\n %s", got, want)
	}
}
