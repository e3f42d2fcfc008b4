package amend

import (
	"bytes"
	"fmt"
	"strings"
)

// A statement is one header or one setting of a file; all are offsets into its text.
type statement struct {
	from, to   int // its lines, with the last one's end
	value, end int // of a setting: its value, without what follows on the line
	header     bool
	list       bool   // [[header]]
	table      string // of a setting: the path of the table that its header opens
	path       string // "peer[0].fold.rule[1]", "peer[0].links"
}

// scanner splits a text into statements. The text is TOML; where it is not, the scanner stops with an error.
type scanner struct {
	text  []byte
	at    int
	count map[string]int // of each list of tables
}

func scan(text []byte) ([]statement, error) {
	s := &scanner{text: text, count: make(map[string]int)}
	var all []statement
	table := ""
	for {
		s.blank()
		if s.at >= len(text) {
			return all, nil
		}
		st, err := s.statement(table)
		if err != nil {
			return nil, err
		}
		if st.header {
			table = st.path
		}
		all = append(all, st)
	}
}

// blank goes behind empty lines and comments.
func (s *scanner) blank() {
	for s.at < len(s.text) {
		line := s.line(s.at)
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' {
			return
		}
		s.at += len(line)
	}
}

// line is the rest of a line with its end.
func (s *scanner) line(at int) []byte {
	if n := bytes.IndexByte(s.text[at:], '\n'); n >= 0 {
		return s.text[at : at+n+1]
	}
	return s.text[at:]
}

func (s *scanner) fault() error {
	return fmt.Errorf("amend: line %d is not understood", 1+bytes.Count(s.text[:min(s.at, len(s.text))], []byte{'\n'}))
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
}

func (s *scanner) take(c string) bool {
	if bytes.HasPrefix(s.text[min(s.at, len(s.text)):], []byte(c)) {
		s.at += len(c)
		return true
	}
	return false
}

func (s *scanner) statement(table string) (st statement, err error) {
	st.from = s.at
	s.space()
	if s.take("[") {
		st.header, st.list = true, s.take("[")
		keys, ok := s.keys()
		if !ok || !s.take("]") || st.list && !s.take("]") {
			return st, s.fault()
		}
		st.path = s.open(keys, st.list)
	} else {
		keys, ok := s.keys()
		if !ok || !s.take("=") {
			return st, s.fault()
		}
		st.table, st.path = table, join(table, strings.Join(keys, "."))
		s.space()
		st.value = s.at
		if st.end, ok = s.skip(); !ok || st.end == st.value {
			return st, s.fault()
		}
	}
	s.at += len(s.line(s.at))
	st.to = s.at
	return st, nil
}

// open is the path of a header. A list gets another element; what stands above belongs to the last.
func (s *scanner) open(keys []string, list bool) string {
	path := ""
	for i, k := range keys {
		path = join(path, k)
		if last := i == len(keys)-1; last && list {
			s.count[path]++
			return fmt.Sprintf("%s[%d]", path, s.count[path]-1)
		}
		if n := s.count[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	return path
}

// keys reads a dotted key and the blanks around it.
func (s *scanner) keys() (keys []string, ok bool) {
	for {
		s.space()
		from := s.at
		switch {
		case s.at >= len(s.text):
			return nil, false
		case s.text[s.at] == '"' || s.text[s.at] == '\'':
			// Settings have plain names; what is in quotes is taken as it stands.
			if !s.quoted() {
				return nil, false
			}
			keys = append(keys, string(s.text[from+1:s.at-1]))
		default:
			for s.at < len(s.text) && bareKey(s.text[s.at]) {
				s.at++
			}
			if s.at == from {
				return nil, false
			}
			keys = append(keys, string(s.text[from:s.at]))
		}
		s.space()
		if !s.take(".") {
			return keys, true
		}
	}
}

func bareKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// skip goes to the end of the line on which a value ends, and tells where the value itself ends.
func (s *scanner) skip() (end int, ok bool) {
	depth := 0
	end = s.at
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"' || c == '\'':
			if !s.quoted() {
				return 0, false
			}
			end = s.at
			continue
		case c == '#':
			s.at += len(bytes.TrimRight(s.line(s.at), "\r\n"))
			continue
		case c == '\n' && depth == 0:
			return end, true
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if s.text[s.at] > ' ' {
			end = s.at + 1
		}
		s.at++
	}
	return end, depth == 0
}

// quoted goes behind a string of any of the four sorts.
func (s *scanner) quoted() bool {
	quote := string(s.text[s.at])
	if long := strings.Repeat(quote, 3); s.take(long) {
		for s.at < len(s.text) {
			switch {
			case s.take(long):
				for range 2 { // up to two quotes may stand before the closing ones
					s.take(quote)
				}
				return true
			case quote == `"` && s.text[s.at] == '\\':
				s.at += 2
			default:
				s.at++
			}
		}
		return false
	}
	for s.at++; s.at < len(s.text) && s.text[s.at] != '\n'; s.at++ {
		switch {
		case s.text[s.at] == quote[0]:
			s.at++
			return true
		case quote == `"` && s.text[s.at] == '\\':
			s.at++
		}
	}
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
