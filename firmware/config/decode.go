package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
)

// decoder fills a struct of settings from a tree, noting where each key stood and what does not fit.
type decoder struct {
	whole  reflect.Type // of all settings
	lines  map[string]int
	faults Faults
}

func (d *decoder) fault(line int, path, problem, remedy string) {
	d.faults = append(d.faults, Fault{Line: line, Key: bare(path), Problem: problem, Remedy: remedy})
}

// bare turns "link[0].name" into what people write: "link.name".
func bare(path string) string {
	var b strings.Builder
	skip := false
	for _, r := range path {
		switch {
		case r == '[':
			skip = true
		case r == ']':
			skip = false
		case !skip:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// decode fills all the settings from a document that was parsed. to points at a struct with its defaults in it.
func decode(s *source, to any) *decoder {
	v := reflect.ValueOf(to).Elem()
	d := &decoder{whole: v.Type(), lines: make(map[string]int)}
	d.table("", s.root, v)
	return d
}

// table fills a struct.
func (d *decoder) table(path string, t *table, to reflect.Value) {
	for _, key := range t.keys {
		v, at := t.values[key], join(path, key)
		d.lines[at] = v.line
		field, ok := fieldByKey(to, key)
		if !ok {
			d.fault(v.line, at, "there is no such setting", suggest(d.whole, to.Type(), key))
			continue
		}
		d.value(at, v, field)
	}
}

// value fills one field, by its type.
func (d *decoder) value(path string, v *value, to reflect.Value) {
	wrong := func(want, eg string) {
		d.fault(v.line, path, fmt.Sprintf("it must be %s, not %s", want, v.kind), "as in "+eg)
	}
	key := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case to.Type() == durationType:
		d.duration(path, v, to)
	case to.Type() == sizeType:
		d.size(path, v, to)
	case to.Kind() == reflect.String:
		if s, ok := v.data.(string); ok {
			to.SetString(s)
		} else {
			wrong("text in quotes", key+` = "…"`)
		}
	case to.Kind() == reflect.Bool:
		if b, ok := v.data.(bool); ok {
			to.SetBool(b)
		} else {
			wrong("true or false", key+" = true")
		}
	case to.Kind() == reflect.Int:
		if n, ok := v.data.(int64); ok && int64(int(n)) == n {
			to.SetInt(n)
		} else {
			wrong("a whole number", key+" = 10")
		}
	case to.Kind() == reflect.Float64:
		switch n := v.data.(type) {
		case float64:
			to.SetFloat(n)
		case int64:
			to.SetFloat(float64(n))
		default:
			wrong("a number", key+" = 0.5")
		}
	case to.Kind() == reflect.Struct:
		if t, ok := v.data.(*table); ok {
			d.table(path, t, to)
		} else if one := strings.TrimSuffix(path, "s"); v.kind == "tables" && d.several(one) {
			d.fault(v.line, path, "this table is for all of them, and there is one", fmt.Sprintf("write [[%s]] for each", one))
		} else {
			wrong("a table", "["+bare(path)+"]")
		}
	case to.Type().Elem().Kind() == reflect.Struct:
		d.tables(path, v, to)
	default:
		d.texts(path, v, to)
	}
}

// several tells whether there may be several of a table at the top, as [[room]] beside [rooms].
func (d *decoder) several(key string) bool {
	for i := range d.whole.NumField() {
		if f := d.whole.Field(i); keyOf(f) == key {
			return f.Type.Kind() == reflect.Slice && isTable(f.Type)
		}
	}
	return false
}

func (d *decoder) duration(path string, v *value, to reflect.Value) {
	if s, ok := v.data.(string); ok {
		if t, err := time.ParseDuration(s); err == nil {
			to.SetInt(int64(t))
			return
		}
		d.fault(v.line, path, fmt.Sprintf("%q is not a duration", s), `write a number with a unit, as in "90s", "10m" or "24h"`)
		return
	}
	remedy := `write text with a unit, as in "90s", "10m" or "24h"`
	if n, ok := v.data.(int64); ok {
		remedy = fmt.Sprintf(`if seconds are meant, write "%ds"`, n)
	}
	d.fault(v.line, path, fmt.Sprintf("it must be a duration, not %s", v.kind), remedy)
}

func (d *decoder) size(path string, v *value, to reflect.Value) {
	switch s := v.data.(type) {
	case int64:
		if s >= 0 {
			to.SetInt(s)
			return
		}
		d.fault(v.line, path, fmt.Sprintf("%d is not a size", s), `write bytes or text with a unit, as in 65536 or "64KiB"`)
	case string:
		if n, err := ParseSize(s); err == nil {
			to.SetInt(int64(n))
			return
		}
		d.fault(v.line, path, fmt.Sprintf("%q is not a size", s), `write bytes or text with a unit, as in 65536 or "64KiB"`)
	default:
		d.fault(v.line, path, fmt.Sprintf("it must be a size, not %s", v.kind), `write bytes or text with a unit, as in 65536 or "64KiB"`)
	}
}

// texts fills a []string.
func (d *decoder) texts(path string, v *value, to reflect.Value) {
	list, ok := v.data.([]*value)
	if !ok {
		remedy := `as in ["…"]`
		if s, isText := v.data.(string); isText && !secret(path, s) { // faults go into logs and reports
			remedy = fmt.Sprintf("write [%q]", s)
		}
		d.fault(v.line, path, fmt.Sprintf("it must be a list, not %s", v.kind), remedy)
		return
	}
	out := make([]string, 0, len(list))
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = e.line
		s, ok := e.data.(string)
		if !ok {
			d.fault(e.line, path, fmt.Sprintf("the list holds %s; it must hold text", e.kind), `as in ["…"]`)
			continue
		}
		out = append(out, s)
	}
	to.Set(reflect.ValueOf(out))
}

// tables fills a slice of structs, each starting from its own defaults.
func (d *decoder) tables(path string, v *value, to reflect.Value) {
	list, ok := v.data.([]*value)
	if !ok {
		d.fault(v.line, path, "there can be several", fmt.Sprintf("write [[%s]] with two brackets", bare(path)))
		return
	}
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = e.line
		t, ok := e.data.(*table)
		if !ok {
			d.fault(e.line, path, fmt.Sprintf("it must be a table, not %s", e.kind), fmt.Sprintf("write [[%s]]", bare(path)))
			continue
		}
		elem := newElement(to.Type())
		d.table(at, t, elem.Elem())
		to.Set(reflect.Append(to, elem.Elem()))
	}
}

// Defaulter is a table of which there can be several. Each starts from its own defaults.
type Defaulter interface{ SetDefaults() }

// newElement is a pointer to another element of a slice of tables, with its defaults.
func newElement(slice reflect.Type) reflect.Value {
	elem := reflect.New(slice.Elem())
	switch e := elem.Interface().(type) {
	case interface{ setDefaults() }:
		e.setDefaults()
	case Defaulter:
		e.SetDefaults()
	}
	return elem
}

// keyOf is a struct field's key in the file; "" if it has none.
func keyOf(f reflect.StructField) string {
	if key := f.Tag.Get("toml"); key != "-" {
		return key
	}
	return ""
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if key != "" && keyOf(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// suggest names the key that was probably meant, or where it belongs, else all there are.
func suggest(whole, t reflect.Type, key string) string {
	best, least := "", 1+max(1, len(key)/3)
	var all []string
	for i := range t.NumField() {
		k := keyOf(t.Field(i))
		if k == "" || t.Field(i).Tag.Get("doc") == "-" {
			continue
		}
		all = append(all, k)
		if n := distance(strings.ReplaceAll(strings.ToLower(key), "-", "_"), k); n < least {
			best, least = k, n
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if home := homes(whole, "", key); len(home) > 0 {
		return "it belongs below " + strings.Join(home, " or ")
	}
	return "known here: " + strings.Join(all, ", ")
}

// homes lists the headers of the tables that know a key.
func homes(t reflect.Type, path, key string) (found []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		k := keyOf(f)
		switch {
		case k == "" || !isTable(f.Type):
			if k == key && k != "" && path != "" {
				found = append(found, path)
			}
		case f.Type.Kind() == reflect.Slice:
			found = append(found, homes(f.Type.Elem(), "[["+join(strings.Trim(path, "[]"), k)+"]]", key)...)
		default:
			found = append(found, homes(f.Type, "["+join(strings.Trim(path, "[]"), k)+"]", key)...)
		}
	}
	return found
}

// distance counts the letters to add, drop, change or swap to make a of b.
func distance(a, b string) int {
	if len(a) > 64 {
		a = a[:64]
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j]+cost, d[i][j+1]+1, d[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
