package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// sources say where the checks of a client have their names.
var sources = map[string][]string{
	"slixmpp":   {"peers/rooms.py", "peers/archive.py", "peers/hostile.py"},
	"mellium":   {"mellium_rooms.go"},
	"profanity": {"profanity_rooms.go"},
}

var (
	useCase = regexp.MustCompile(`(?m)^\| [0-9.]+ \| .* \| ([^|]+) \| [^|]+ \|$`)
	checked = regexp.MustCompile(`^\*(\w+)\* (.+)$`)
	yields  = regexp.MustCompile(`(?m)^    +yield "([^"]+)"`)
)

func TestRoomsReadmeNamesChecksThatExist(t *testing.T) {
	text := map[string]string{}
	for client, files := range sources {
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text[client] += string(b)
		}
	}
	readme, err := os.ReadFile("../../xmpp/muc/README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, row := range useCase.FindAllStringSubmatch(string(readme), -1) {
		if row[1] == "–" {
			continue
		}
		for _, by := range strings.Split(row[1], " · ") {
			m := checked.FindStringSubmatch(by)
			if m == nil {
				t.Errorf("%q names no client", by)
				continue
			}
			for _, name := range strings.Split(m[2], " *and* ") {
				named[name] = true
				if !strings.Contains(text[m[1]], `"`+name+`"`) {
					t.Errorf("%s has no check %q", m[1], name)
				}
			}
		}
	}
	if len(named) < 40 {
		t.Errorf("only %d checks found in the table: did it change its shape?", len(named))
	}
	// Those of rooms.py that are about other standards.
	rest := "occupant ids, self-ping, join again, a list is changed whole or not at all, vCard of a room, vCard of an occupant, a room across the link"
	b, _ := os.ReadFile("peers/rooms.py")
	for _, m := range yields.FindAllStringSubmatch(string(b), -1) {
		if !named[m[1]] && !strings.Contains(rest, m[1]) {
			t.Errorf("check %q stands in no row", m[1])
		}
	}
}
