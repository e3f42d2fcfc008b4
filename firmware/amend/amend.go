// Package amend changes settings in a config file as somebody with an editor would: comments, order and the form of all
// that is not touched stay as they are.
package amend

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A File is the text of a config on its way to another one. Paths are those of keys with the numbers of elements, as in
// "peer[0].fold.rule[1].names". Its methods leave the text as it was when they fail.
type File struct {
	text []byte
	all  []statement
}

// Parse takes a text, which config has found to be TOML.
func Parse(text []byte) (*File, error) {
	all, err := scan(text)
	return &File{bytes.Clone(text), all}, err
}

// Bytes is the text.
func (f *File) Bytes() []byte { return f.text }

// splice replaces a part of the text.
func (f *File) splice(from, to int, with string) error {
	text := slices.Concat(f.text[:from], []byte(with), f.text[to:])
	all, err := scan(text)
	if err != nil {
		return err
	}
	f.text, f.all = text, all
	return nil
}

// find is the statement with a path, nil if there is none.
func (f *File) find(path string, header bool) *statement {
	for i := range f.all {
		if s := &f.all[i]; s.path == path && s.header == header {
			return s
		}
	}
	return nil
}

// below tells whether a path is that of something in a table or a list.
func below(path, table string) bool {
	return table == "" || strings.HasPrefix(path, table) && len(path) > len(table) && strings.ContainsAny(path[len(table):len(table)+1], ".[")
}

// inline finds what stands on one line though it is a table, or a list of them.
func (f *File) inline(path string) error {
	for _, s := range f.all {
		if !s.header && below(path, s.path) {
			line := 1 + bytes.Count(f.text[:s.from], []byte{'\n'})
			return fmt.Errorf("amend: line %d has all of %s in braces: write it as a table of its own, and it can be changed from here", line, plain(s.path))
		}
	}
	return nil
}

// plain is a path as it stands in a header.
func plain(path string) string { return regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "") }

// Set gives a setting a value, which is written as in TOML.
func (f *File) Set(path, value string) error {
	if s := f.find(path, false); s != nil {
		return f.splice(s.value, s.end, value)
	}
	if err := f.inline(path); err != nil {
		return err
	}
	table, key := "", path
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		table, key = path[:dot], path[dot+1:]
	}
	if table == "" || f.find(table, true) != nil {
		return f.setIn(table, key, value)
	}
	for i := len(f.all) - 1; i >= 0; i-- { // as fold.preset below [[peer]]: what is next to it is written like it
		if s := f.all[i]; !s.header && below(s.path, table) && !below(s.table, table) && s.table != table {
			rest := strings.TrimPrefix(strings.TrimPrefix(table, s.table), ".")
			return f.splice(s.to, s.to, f.lines(s.to, f.indent(s.from)+rest+"."+key+" = "+value))
		}
	}
	if err := f.open(table); err != nil {
		return err
	}
	return f.setIn(table, key, value)
}

// lines makes text lines of their own at a place; the last line of a file may lack its end.
func (f *File) lines(at int, text string) string {
	if at > 0 && f.text[at-1] != '\n' {
		text = "\n" + text
	}
	return text + "\n"
}

// indent is what a line begins with.
func (f *File) indent(at int) string {
	rest := f.text[at:]
	return string(rest[:len(rest)-len(bytes.TrimLeft(rest, " \t"))])
}

// setIn adds a setting to a table that has a header. Where the example's line for it stands behind a #, it takes its place.
func (f *File) setIn(table, key, value string) error {
	from, to, last := f.block(table)
	line := key + " = " + value
	if a, b, ok := f.commented(from, to, regexp.MustCompile(`^\s*# ?`+regexp.QuoteMeta(key)+`\s*=`)); ok {
		return f.splice(a, b, f.lines(a, line))
	}
	if last != nil && !last.header {
		return f.splice(last.to, last.to, f.lines(last.to, f.indent(last.from)+line))
	}
	if last != nil {
		return f.splice(last.to, last.to, f.lines(last.to, line))
	}
	// The file has no setting above its first header: before it, and before what is said about it.
	if at := f.attached(to); at < len(f.text) {
		return f.splice(at, at, f.lines(at, line)+"\n")
	}
	return f.splice(to, to, f.lines(to, line))
}

// block is what belongs to a header's table: from behind the header to the next header, and the last statement in it.
func (f *File) block(table string) (from, to int, last *statement) {
	in := table == ""
	for i := range f.all {
		s := &f.all[i]
		switch {
		case s.header && in:
			return from, s.from, last
		case s.header && s.path == table:
			in, from, last = true, s.to, s
		case in:
			last = s
		}
	}
	return from, len(f.text), last
}

var commentedHeader = regexp.MustCompile(`^\s*# ?\[[a-z0-9_.\[\]]+\]\s*$`)

// commented finds a line behind a # among those that are no statement's; a header behind a # ends the search.
func (f *File) commented(from, to int, like *regexp.Regexp) (a, b int, ok bool) {
	for at := from; at < to; {
		if s := f.at(at); s != nil {
			at = s.to
			continue
		}
		line := f.line(at)
		switch {
		case like.Match(line):
			return at, at + len(line), true
		case commentedHeader.Match(line):
			return 0, 0, false
		}
		at += len(line)
	}
	return 0, 0, false
}

func (f *File) line(at int) []byte { return (&scanner{text: f.text}).line(at) }

// at is the statement that begins at an offset.
func (f *File) at(offset int) *statement {
	for i := range f.all {
		if f.all[i].from == offset {
			return &f.all[i]
		}
	}
	return nil
}

// attached goes from a line up over the comments that stand right above it.
func (f *File) attached(at int) int {
	for at > 0 {
		up := bytes.LastIndexByte(f.text[:at-1], '\n') + 1
		if t := bytes.TrimSpace(f.text[up:at]); len(t) == 0 || t[0] != '#' || f.covers(up) {
			break
		}
		at = up
	}
	return at
}

// covers tells whether an offset is inside a statement of several lines.
func (f *File) covers(offset int) bool {
	return slices.ContainsFunc(f.all, func(s statement) bool { return s.from <= offset && offset < s.to })
}
