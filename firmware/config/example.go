package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

const exampleHead = `# Longwire, one node. Every setting is optional: what stands here behind a # is its default, or a sample where the
# default is empty. Remove the # to change it. 'longwire check' finds every mistake, 'longwire reload' applies a
# change without a restart.
`

// Example is a commented config with every setting, made from the struct. As it stands it means the defaults.
func Example() string { return ExampleOf(exampleHead, defaults()) }

type example struct{ *strings.Builder }

// table prints the plain settings of a struct, then its tables, as TOML's order demands.
func (e example) table(v reflect.Value, path string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key := keyOf(f); key != "" && f.Tag.Get("doc") != "-" && !isTable(f.Type) && concerns(f, v) {
			e.setting(f, key, v.Field(i))
		}
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := keyOf(f)
		if key == "" || !isTable(f.Type) || !concerns(f, v) {
			continue
		}
		e.comment(f.Tag.Get("doc"))
		switch {
		case f.Type.Kind() == reflect.Slice:
			// Links, peers, users and rooms have no default; one of each is shown whole, as a sample.
			elem := newElement(f.Type)
			e.sample(elem.Elem(), join(path, key))
			if l, ok := elem.Interface().(*Link); ok {
				l.Type, l.Name = LinkS5066, "5066 link hq-2-field"
				e.comment("A link of type s5066: one is enough for all peers that a SIS server reaches.")
				e.sample(elem.Elem(), join(path, key))
			}
		case path != "":
			e.WriteString("#[" + join(path, key) + "]\n")
			e.table(v.Field(i), join(path, key))
		default:
			e.WriteString("[" + key + "]\n")
			e.table(v.Field(i), key)
		}
	}
}

// sample prints one of the tables of which there can be several.
func (e example) sample(v reflect.Value, path string) {
	e.WriteString("#[[" + path + "]]\n")
	e.table(v, path)
}

func (e example) setting(f reflect.StructField, key string, v reflect.Value) {
	if doc := f.Tag.Get("doc"); doc != "" {
		e.comment(doc)
	}
	value := f.Tag.Get("eg")
	if value == "" || v.Kind() == reflect.String && v.Len() > 0 {
		value = literal(v)
	}
	e.WriteString("#" + key + " = " + value + "\n")
}

// comment wraps text to lines of 100 behind an empty line.
func (e example) comment(text string) {
	e.WriteString("\n")
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 100 {
			e.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	e.WriteString(line + "\n")
}

// concerns tells whether a setting means something in v: a link of another type does not know it.
func concerns(f reflect.StructField, v reflect.Value) bool {
	l, ok := v.Interface().(Link)
	return !ok || f.Tag.Get("for") == "" || f.Tag.Get("for") == l.Type
}

func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// literal prints a value as TOML.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return strconv.Quote(durationString(x))
	case Size:
		if text := x.String(); strings.HasSuffix(text, "B") {
			return strconv.Quote(text)
		}
		return strconv.FormatInt(int64(x), 10)
	case string:
		return strconv.Quote(x)
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []string:
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	panic("config: no literal for " + v.Type().String())
}
