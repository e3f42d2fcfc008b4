package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Document is a file of other settings than the node's, read by the same rules and with the same faults. A struct with the tags of Config
// is its language.
type Document struct {
	file   string
	read   Faults // what could not be read
	judged Faults // what was read, and is wrong
	lines  map[string]int
}

// Read fills the struct that to points at, which has its defaults already, from a document. file names it in faults. All that could be
// understood is in the struct; the rest is among Faults.
func Read(file string, doc []byte, to any) *Document {
	d := &Document{file: file}
	if len(doc) > maxFile {
		d.read = Faults{{Problem: fmt.Sprintf("the file has %d bytes; a config has at most %d", len(doc), maxFile)}}
		return d
	}
	s := parse(doc)
	dec := decode(s, to)
	d.lines, d.read = dec.lines, slices.Concat(s.faults, dec.faults)
	return d
}

// Says tells whether the file says something about a key, as "network[0].address".
func (d *Document) Says(path string) bool { _, ok := d.lines[path]; return ok }

// Bad notes that what a key says is wrong, and what to do about it.
func (d *Document) Bad(path, remedy, format string, args ...any) {
	f := Fault{Line: lineOf(d.lines, path), Key: bare(path), Problem: fmt.Sprintf(format, args...), Remedy: remedy}
	// A key that could not even be read is not blamed again for what it now seems to say.
	if f.Line > 0 && slices.ContainsFunc(d.read, func(g Fault) bool { return g.Line == f.Line && g.Key == f.Key }) {
		return
	}
	d.judged = append(d.judged, f)
}

// Faults is everything that is wrong, or nil.
func (d *Document) Faults() error {
	all := slices.Concat(d.read, d.judged)
	if len(all) == 0 {
		return nil
	}
	tidy(d.file, all)
	return all[:min(len(all), maxFaults)]
}

// ExampleOf is the commented example of a struct of settings that has its defaults in it. head goes before it.
func ExampleOf(head string, settings any) string {
	var b strings.Builder
	b.WriteString(head)
	e := example{&b}
	e.table(reflect.Indirect(reflect.ValueOf(settings)), "")
	return b.String()
}
