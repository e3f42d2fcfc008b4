package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds a config file, and maxFaults what is said about it.
const (
	maxFile   = 1 << 20
	maxFaults = 50
)

// value is one TOML value with the line it stands on. data is a string, int64, float64, bool, []*value, *table, or
// nil for a kind that no setting uses (dates).
type value struct {
	line int
	kind string // for people: "text", "a number", …
	data any
}

type table struct {
	keys   []string // as they came
	values map[string]*value
	header bool // had its own [header]
	inline bool // {…}: closed at once
}

func newTable() *table { return &table{values: make(map[string]*value)} }

func (t *table) put(key string, v *value) {
	t.keys = append(t.keys, key)
	t.values[key] = v
}

// source is a document on its way to a tree. Unlike the library's decoder it goes on after an error, so that people
// meet all their mistakes at once.
type source struct {
	doc    []byte
	starts []int // offset of each line
	root   *table
	faults Faults
}

// parse reads a document as far as it can be understood.
func parse(doc []byte) *source {
	s := &source{doc: bytes.Clone(doc), root: newTable(), starts: []int{0}}
	for i, c := range doc {
		if c == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	for s.pass() && len(s.faults) < maxFaults {
	}
	return s
}

// line is the number of the line that holds an offset.
func (s *source) line(offset int) int {
	return sort.SearchInts(s.starts, offset+1)
}

func (s *source) fault(line int, key, problem, remedy string) {
	s.faults = append(s.faults, Fault{Line: line, Key: key, Problem: problem, Remedy: remedy})
}

// pass parses the whole document. At a syntax error it blanks out the faulty expression and asks for another pass.
func (s *source) pass() (again bool) {
	var p unstable.Parser
	p.Reset(s.doc)
	s.root = newTable()
	semantic := len(s.faults)
	here, prefix, end := s.root, "", 0
	for p.NextExpression() {
		e := p.Expression()
		keys, line := s.key(e)
		end = max(end, s.end(&p, e))
		switch e.Kind {
		case unstable.Table:
			here, prefix = s.header(keys, line, false), strings.Join(keys, ".")+"."
		case unstable.ArrayTable:
			here, prefix = s.header(keys, line, true), strings.Join(keys, ".")+"."
		case unstable.KeyValue:
			s.assign(here, prefix, keys, line, s.value(&p, e.Value(), line))
		}
	}
	err := p.Error()
	if err == nil {
		return false
	}
	// What this pass found wrong in meaning, the next one finds again.
	s.faults = s.faults[:semantic]
	return s.syntax(&p, err, end)
}

// syntax records a syntax error and blanks its expression, which begins after offset end, without moving any line.
func (s *source) syntax(p *unstable.Parser, err error, end int) (again bool) {
	line, problem := len(s.starts), err.Error()
	var pe *unstable.ParserError
	if errors.As(err, &pe) {
		problem = pe.Message
		if len(pe.Highlight) > 0 {
			line = s.line(int(p.Range(pe.Highlight).Offset))
		}
	}
	first := s.line(end) + 1
	if end == 0 {
		first = 1
	}
	for first < line && s.insignificant(first) {
		first++
	}
	first = min(first, line)
	remedy, better := syntaxRemedy(s.text(first))
	if better != "" {
		problem = better
	}
	s.fault(first, "", "this is not TOML: "+problem, remedy)
	from, to := s.starts[first-1], len(s.doc)
	if line < len(s.starts) {
		to = s.starts[line] - 1
	}
	blanked := false
	for i := from; i < to; i++ {
		if c := s.doc[i]; c != '\n' && c != ' ' {
			s.doc[i], blanked = ' ', true
		}
	}
	return blanked
}

func (s *source) text(line int) string {
	end := len(s.doc)
	if line < len(s.starts) {
		end = s.starts[line]
	}
	return strings.TrimSpace(string(s.doc[s.starts[line-1]:end]))
}

func (s *source) insignificant(line int) bool {
	t := s.text(line)
	return t == "" || t[0] == '#'
}

// syntaxRemedy guesses from the line what was meant, and what to call the problem if the parser's word helps nobody.
func syntaxRemedy(text string) (remedy, problem string) {
	_, v, found := strings.Cut(text, "=")
	v = strings.TrimSpace(v)
	switch {
	case !found && !strings.HasPrefix(text, "["):
		return `write key = value, and put # before comments`, ""
	case found && v == "":
		return `put a value behind the =, or # before the line`, "there is no value"
	case strings.Count(v, `"`)%2 == 1:
		return `close the quotes`, "a quote stays open"
	case strings.Count(v, "[") > strings.Count(v, "]"):
		return `close the list with ]`, "a list stays open"
	case v != "" && !strings.ContainsAny(v[:1], `"'[{0123456789+-`):
		return `put text in quotes, as in key = "value"`, "text without quotes"
	}
	return `see 'longwire config example' for the form`, ""
}

// key returns an expression's dotted key and the line of its first part.
func (s *source) key(e *unstable.Node) (keys []string, line int) {
	for it := e.Key(); it.Next(); {
		if line == 0 {
			line = s.line(int(it.Node().Raw.Offset))
		}
		keys = append(keys, string(it.Node().Data))
	}
	return keys, line
}

// end is the last offset an expression is known to cover.
func (s *source) end(p *unstable.Parser, n *unstable.Node) int {
	last := int(n.Raw.Offset + n.Raw.Length)
	for c := n.Child(); c != nil; c = c.Next() {
		last = max(last, s.end(p, c))
	}
	return last
}

// header walks to the table of a [header] or a new element of a [[header]]. After a fault it returns a table that
// belongs to nothing, so that the keys under it are not blamed as well.
func (s *source) header(keys []string, line int, array bool) *table {
	t := s.root
	for i, k := range keys[:len(keys)-1] {
		if t = s.descend(t, k, keys[:i+1], line); t == nil {
			return newTable()
		}
	}
	k, name := keys[len(keys)-1], strings.Join(keys, ".")
	old, exists := t.values[k]
	fresh := newTable()
	fresh.header = true
	switch {
	case array && !exists:
		t.put(k, &value{line: line, kind: "tables", data: []*value{{line: line, kind: "a table", data: fresh}}})
		return fresh
	case array:
		if list, ok := old.data.([]*value); ok && old.kind == "tables" {
			old.data = append(list, &value{line: line, kind: "a table", data: fresh})
			return fresh
		}
		s.fault(line, name, fmt.Sprintf("line %d already says what this is", old.line), fmt.Sprintf("write [[%s]] there too", name))
		return newTable()
	case !exists:
		t.put(k, &value{line: line, kind: "a table", data: fresh})
		return fresh
	}
	if tt, ok := old.data.(*table); ok && !tt.header && !tt.inline {
		tt.header = true
		return tt
	}
	remedy := "join the two"
	if old.kind == "tables" {
		remedy = fmt.Sprintf("write [[%s]] with two brackets", name)
	}
	s.fault(line, name, fmt.Sprintf("line %d already says what this is", old.line), remedy)
	return newTable()
}

// descend goes into sub-table k of t, making it if needed; nil after a fault.
func (s *source) descend(t *table, k string, path []string, line int) *table {
	old, exists := t.values[k]
	if !exists {
		fresh := newTable()
		t.put(k, &value{line: line, kind: "a table", data: fresh})
		return fresh
	}
	switch d := old.data.(type) {
	case *table:
		if !d.inline {
			return d
		}
	case []*value:
		if old.kind == "tables" {
			return d[len(d)-1].data.(*table) // TOML: [a.b] under [[a]] belongs to the last a
		}
	}
	s.fault(line, strings.Join(path, "."), fmt.Sprintf("line %d already gave it %s", old.line, old.kind), "join the two")
	return nil
}

// assign puts key = value into t.
func (s *source) assign(t *table, prefix string, keys []string, line int, v *value) {
	for i, k := range keys[:len(keys)-1] {
		if t = s.descend(t, k, keys[:i+1], line); t == nil {
			return
		}
	}
	k := keys[len(keys)-1]
	if old, ok := t.values[k]; ok {
		s.fault(line, prefix+strings.Join(keys, "."), fmt.Sprintf("line %d has set it already", old.line), "keep one of the two")
		return
	}
	t.put(k, v)
}

// value converts a value node. line is what is known where the node itself does not tell.
func (s *source) value(p *unstable.Parser, n *unstable.Node, line int) *value {
	if n.Raw.Length > 0 {
		line = s.line(int(n.Raw.Offset))
	}
	v := &value{line: line}
	switch n.Kind {
	case unstable.String:
		v.kind, v.data = "text", string(n.Data)
	case unstable.Bool:
		v.kind, v.data = "true or false", string(n.Data) == "true"
	case unstable.Integer:
		v.kind = "a number"
		i, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimPrefix(string(n.Data), "+"), "_", ""), 0, 64)
		if err != nil {
			v.kind = "a number that is too large"
			break
		}
		v.data = i
	case unstable.Float:
		v.kind = "a fraction"
		if f, err := strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			v.data = f
		}
	case unstable.Array:
		v.kind = "a list"
		list := []*value{}
		for c := n.Child(); c != nil; c = c.Next() {
			if c.Kind != unstable.Comment {
				list = append(list, s.value(p, c, line))
			}
		}
		v.data = list
	case unstable.InlineTable:
		v.kind = "a table"
		t := newTable()
		for c := n.Child(); c != nil; c = c.Next() {
			if c.Kind == unstable.KeyValue {
				keys, at := s.key(c)
				s.assign(t, "", keys, at, s.value(p, c.Value(), at))
			}
		}
		t.inline = true
		v.data = t
	default:
		v.kind = "a date"
	}
	return v
}
