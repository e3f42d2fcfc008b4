package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Setting is one thing that a settings file says, whatever file it is.
type Setting struct {
	Of     string // whom it concerns: `peer "field"`; "": the whole
	Key    string // "s5066.mapping"
	Value  string // as it would be written; "" if it is a secret
	Secret bool
	digest string // of what Value leaves out
}

// Same tells whether two settings say the same, also of secrets.
func (s Setting) Same(o Setting) bool { return s == o }

// Flatten lists all that a settings file says, without its secrets, and without knowing its language: which program
// reads the file, or a later one, is no matter. Its error is Faults.
func Flatten(doc []byte) ([]Setting, error) {
	if len(doc) > maxFile {
		return nil, Faults{{Problem: fmt.Sprintf("the file has %d bytes; a config has at most %d", len(doc), maxFile)}}
	}
	s := parse(doc)
	if len(s.faults) > 0 {
		return nil, s.faults
	}
	var all []Setting
	flatten(&all, "", "", s.root)
	return all, nil
}

func flatten(all *[]Setting, of, path string, t *table) {
	for _, key := range t.keys {
		v, at := t.values[key], join(path, key)
		switch d := v.data.(type) {
		case *table:
			flatten(all, of, at, d)
			continue
		case []*value:
			if v.kind == "tables" || isTables(d) {
				for i, e := range d {
					if e, ok := e.data.(*table); ok {
						flatten(all, strings.TrimSpace(of+" "+at+" "+title(e, i)), "", e)
					}
				}
				continue
			}
		}
		text := asWritten(v)
		set := Setting{Of: of, Key: at, Value: text}
		if set.Secret = secret(key, text); set.Secret {
			set.Value, set.digest = "", text
		}
		*all = append(*all, set)
	}
}

func isTables(list []*value) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v *value) bool { _, ok := v.data.(*table); return !ok })
}

// title is what a table in a list goes by: its name, or its number.
func title(t *table, i int) string {
	for _, key := range []string{"name", "address", "interface"} {
		if v, ok := t.values[key]; ok {
			if s, ok := v.data.(string); ok {
				return strconv.Quote(s)
			}
		}
	}
	if v, ok := t.values["domains"]; ok { // a peer goes by its first domain
		if list, ok := v.data.([]*value); ok && len(list) > 0 {
			return asWritten(list[0])
		}
	}
	return strconv.Itoa(i + 1)
}

func asWritten(v *value) string {
	switch d := v.data.(type) {
	case string:
		return strconv.Quote(d)
	case []*value:
		var items []string
		for _, e := range d {
			items = append(items, asWritten(e))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *table:
		var items []string
		for _, key := range d.keys {
			items = append(items, key+" = "+asWritten(d.values[key]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case nil:
		return v.kind
	}
	return fmt.Sprint(v.data)
}

// secretKeys are what secrets are called, and secretForms what they look like.
var (
	secretKeys  = []string{"password", "credentials", "token", "secret", "passphrase", "psk"}
	secretForms = []string{"SCRAM-SHA", "-secret-", "SECRET-KEY", "PRIVATE KEY"}
)

// secret tells whether a setting is not for everybody's eyes. Choice: better one too many. A key that is only called
// key may be a file's name, and is a secret if it looks like one.
func secret(key, text string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(secretKeys, func(k string) bool { return strings.Contains(key, k) }) ||
		slices.ContainsFunc(secretForms, func(f string) bool { return strings.Contains(text, f) })
}
