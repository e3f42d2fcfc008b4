package archive_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
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
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(b), -1) {
			exists[m[1]] = true
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(readme), -1)
	if len(names) < 20 {
		t.Errorf("the table names %d tests", len(names))
	}
	for _, n := range names {
		if !exists[n[1]] {
			t.Errorf("there is no %s", n[1])
		}
	}
}
