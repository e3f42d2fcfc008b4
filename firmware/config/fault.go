package config

import (
	"fmt"
	"strings"
)

// A Fault is one thing wrong in a config: where, which key, what, and what to do about it.
type Fault struct {
	File    string // "": not from a file
	Line    int    // 0: the key is nowhere in the file
	Key     string // "clients.listen"; "": the file as a whole
	Problem string
	Remedy  string
}

func (f Fault) String() string {
	var b strings.Builder
	switch {
	case f.File != "" && f.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	case f.File != "":
		fmt.Fprintf(&b, "%s: ", f.File)
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Problem)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Faults is every Fault of a config, in the order of its lines. As an error it prints one a line.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}
