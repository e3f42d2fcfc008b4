package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// typedLine is a command as the guides show it, in a block of its own.
var typedLine = regexp.MustCompile(`(?m)^    (?:bin/)?longwire (.*?)(?: +#.*)?$`)

// What the guide tells people to type about settings is typed here, in its order, at a node that knows nothing yet.
func TestTheGuideCanBeTyped(t *testing.T) {
	use(t, strings.Replace(quiet, "field.net", "headquarters.net", 1)+"[rooms]\ndomains = [\"chat.headquarters.net\"]\n")
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	settings := 0
	for _, m := range typedLine.FindAllStringSubmatch(string(guide), -1) {
		line := strings.ReplaceAll(m[1], `"`, `'`)
		cmd, _ := find(words(line))
		if cmd == nil {
			t.Errorf("there is no command for: longwire %s", m[1])
			continue
		}
		for _, c := range amendments() {
			if c.name == cmd.name {
				settings++
				do(t, line)
			}
		}
	}
	if settings < 20 {
		t.Errorf("only %d commands found: did the guide change its form?", settings)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range typedLine.FindAllStringSubmatch(string(readme), -1) {
		if cmd, _ := find(words(strings.ReplaceAll(m[1], `"`, `'`))); cmd == nil {
			t.Errorf("there is no command for: longwire %s", m[1])
		}
	}
}
