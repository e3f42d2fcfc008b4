package amend

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// open gives a table a header of its own. The example's, behind a #, is taken where nothing would fall into it by that.
func (f *File) open(table string) error {
	header := "[" + plain(table) + "]"
	after, element := f.place(table)
	if element != "" && f.find(element, true) == nil {
		return fmt.Errorf("amend: there is no %s", element)
	}
	like := regexp.MustCompile(`^\s*# ?` + regexp.QuoteMeta(header) + `\s*$`)
	for at := 0; at < len(f.text); {
		if s := f.at(at); s != nil {
			at = s.to
			continue
		}
		line := f.line(at)
		if like.Match(line) && f.vacant(at+len(line)) && f.owner(at, element) {
			return f.splice(at, at+len(line), header+"\n")
		}
		at += len(line)
	}
	return f.splice(after, after, f.lines(after, f.gap(after)+header))
}

// place is where a new header of a table goes: behind what is next to it, and below which element of a list that must be.
func (f *File) place(table string) (at int, element string) {
	if i := strings.LastIndexByte(table, ']'); i >= 0 {
		element = table[:i+1]
	}
	section := element
	if section == "" {
		section, _, _ = strings.Cut(table, ".")
	}
	at = len(f.text)
	for _, s := range f.all {
		if s.path == section || below(s.path, section) || s.table == section || below(s.table, section) {
			at = f.behind(s.to)
		}
	}
	return at, element
}

// behind goes over comments that follow a statement without a gap, unless they stand right above the next.
func (f *File) behind(at int) int {
	for to := at; to < len(f.text); {
		line := f.line(to)
		t := bytes.TrimSpace(line)
		switch {
		case len(t) == 0:
			return to
		case t[0] != '#' || commentedHeader.Match(line):
			return at
		}
		if to += len(line); to == len(f.text) {
			return to
		}
	}
	return at
}

// vacant tells whether no setting follows before the next header, be it behind a #.
func (f *File) vacant(at int) bool {
	for at < len(f.text) {
		if s := f.at(at); s != nil {
			return s.header
		}
		line := f.line(at)
		if commentedHeader.Match(line) {
			return true
		}
		at += len(line)
	}
	return true
}

// owner tells whether a header at an offset would belong to an element: to the last of its list before.
func (f *File) owner(at int, element string) bool {
	if element == "" {
		return true
	}
	list := element[:strings.LastIndexByte(element, '[')]
	last := ""
	for _, s := range f.all {
		if s.from < at && s.header && strings.HasPrefix(s.path, list+"[") {
			last, _, _ = strings.Cut(s.path[len(list)+1:], "]")
			last = list + "[" + last + "]"
		}
	}
	return last == element && f.within(at, element)
}

// within tells whether no other list of the top lies between an element's header and an offset: not even behind a #, as in
// the example, where the samples follow each other.
func (f *File) within(at int, element string) bool {
	top, _, _ := strings.Cut(element, "[")
	for from := f.find(element, true).to; from < at; {
		if s := f.at(from); s != nil {
			from = s.to
			continue
		}
		line := f.line(from)
		if commentedHeader.Match(line) && !strings.HasPrefix(strings.Trim(string(bytes.TrimSpace(line)), "# []"), top+".") {
			return false
		}
		from += len(line)
	}
	return true
}

// gap is an empty line, where there is none.
func (f *File) gap(at int) string {
	if at == 0 || bytes.HasSuffix(f.text[:at], []byte("\n\n")) {
		return ""
	}
	return "\n"
}

// A Setting is a key of a table and its value, written as in TOML.
type Setting struct{ Key, Value string }

// Add puts another element at the end of a list of tables, as "link" or "peer[0].route".
func (f *File) Add(list string, settings []Setting) error {
	if err := f.inline(list + "[0]"); err != nil {
		return err
	}
	after, element := f.place(list)
	if element != "" && f.find(element, true) == nil {
		return fmt.Errorf("amend: there is no %s", element)
	}
	if element == "" && !strings.Contains(list, ".") {
		after = len(f.text)
	}
	for _, s := range f.all { // next to those that are there
		if strings.HasPrefix(s.path, list+"[") || strings.HasPrefix(s.table, list+"[") {
			after = f.behind(s.to)
		}
	}
	var b strings.Builder
	b.WriteString(f.gap(after) + "[[" + plain(list) + "]]\n")
	for _, s := range settings {
		b.WriteString(s.Key + " = " + s.Value + "\n")
	}
	if after < len(f.text) && f.text[after] != '\n' {
		b.WriteByte('\n')
	}
	return f.splice(after, after, f.lines(after, strings.TrimSuffix(b.String(), "\n")))
}

// Remove takes an element out of its list, with all below it and the comments on it.
func (f *File) Remove(element string) error {
	if err := f.inline(element); err != nil {
		return err
	}
	if f.find(element, true) == nil {
		return fmt.Errorf("amend: there is no %s", element)
	}
	text := bytes.Clone(f.text)
	for i := len(f.all) - 1; i >= 0; i-- {
		if s := f.all[i]; s.header && (s.path == element || below(s.path, element)) {
			end := s.to
			for j := i + 1; j < len(f.all) && !f.all[j].header; j++ {
				end = f.all[j].to
			}
			text = append(text[:f.attached(s.from):f.attached(s.from)], text[f.leftovers(f.behind(end)):]...)
		}
	}
	all, err := scan(text)
	if err == nil {
		f.text, f.all = text, all
	}
	return err
}

var commentedSetting = regexp.MustCompile(`(?m)^\s*#[a-z0-9_]+\s*=`)

// leftovers goes over one empty line, and over what the example says about the settings that stay behind a #.
func (f *File) leftovers(at int) int {
	for {
		from := at
		for from < len(f.text) && (f.text[from] == '\n' || f.text[from] == '\r') {
			from++
		}
		to := len(f.text)
		if n := bytes.Index(f.text[from:], []byte("\n\n")); n >= 0 {
			to = from + n + 1
		}
		if from == at || from == to || f.heads(from, to) || !commentedSetting.Match(f.text[from:to]) {
			if from > at {
				at++
			}
			return at
		}
		at = to
	}
}

// heads tells whether a statement, or a header behind a #, begins between two offsets.
func (f *File) heads(from, to int) bool {
	for at := from; at < to; {
		line := f.line(at)
		if f.at(at) != nil || commentedHeader.Match(line) {
			return true
		}
		at += len(line)
	}
	return false
}

// Unset takes a setting out, so that its default holds. False: it was not there.
func (f *File) Unset(path string) (bool, error) {
	s := f.find(path, false)
	if s == nil {
		return false, f.inline(path)
	}
	return true, f.splice(s.from, s.to, "")
}
