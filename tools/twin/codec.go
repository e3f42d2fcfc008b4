package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Codec is what both ends of every link know beforehand, so that it needs no air.
type Codec struct {
	Method  string   `toml:"method"`
	Names   []string `toml:"names"`        // beside those of this file: users, rooms, domains
	Texts   []string `toml:"texts"`        //
	Phrases []string `toml:"phrases"`      //
	File    string   `toml:"phrases_file"` // more of them
}

// codec is [peer.codec] between headquarters and a kit, the same at both.
func (h *house) codec(kit *End) (table, error) {
	c := &h.star.Codec
	names := slices.Clone(c.Names)
	for _, e := range []*End{&h.star.Headquarters, kit} {
		names = append(names, e.Domains...)
		names = append(names, e.Rooms...)
		for _, u := range e.User {
			names = append(names, u.at(e))
		}
		for i := range h.star.Room {
			if r := &h.star.Room[i]; r.has(kit) {
				names = append(names, r.at(e))
			}
		}
	}
	slices.Sort(names)
	t := table{"names": slices.Compact(names)}
	if c.Method != "" {
		t["method"] = c.Method
	}
	if c.Texts != nil {
		t["texts"] = c.Texts
	}
	phrases, err := h.phrases()
	if phrases != "" {
		t["phrases_file"] = phrasesFile
	}
	return t, err
}

// phrases is the text of phrases.txt; "": there are none.
func (h *house) phrases() (string, error) {
	c := &h.star.Codec
	var b strings.Builder
	for _, p := range c.Phrases {
		fmt.Fprintln(&b, strings.Join(strings.Fields(p), " "))
	}
	if c.File == "" {
		return b.String(), nil
	}
	text, err := os.ReadFile(h.star.path(c.File))
	if err != nil {
		return "", fmt.Errorf("codec.phrases_file: %w; write the name of a file with one phrase a line", err)
	}
	b.Write(text)
	return b.String(), nil
}

// at is the account's address at its end.
func (u *User) at(e *End) string {
	if strings.Contains(u.Name, "@") {
		return u.Name
	}
	return u.Name + "@" + cmp.Or(append(e.Domains, "")...)
}
