package amend

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/firmware/config"
)

// Resolve finds the setting that a word means in a table of settings: its key from there, and what it holds. A key of a
// table below needs no more than its last part where that is enough to tell it, as remote_5066_address; of a list, as
// links, one may say link.
func Resolve(table reflect.Type, word string) (key string, holds reflect.Type, err error) {
	if key, holds, ok := lookup(table, word); ok {
		return key, holds, nil
	}
	var found []string
	deep(table, "", func(key string, t reflect.Type) {
		if last := key[strings.LastIndexByte(key, '.')+1:]; last == word || last == word+"s" && isList(t) {
			found, holds = append(found, key), t
		}
	})
	switch len(found) {
	case 1:
		return found[0], holds, nil
	case 0:
		return "", nil, fmt.Errorf("there is no setting %q; %s", word, nearest(table, word))
	}
	return "", nil, fmt.Errorf("%q may be any of: %s", word, strings.Join(found, ", "))
}

func isList(t reflect.Type) bool { return t == reflect.TypeFor[[]string]() }

func isTables(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// lookup follows a dotted key.
func lookup(table reflect.Type, word string) (key string, holds reflect.Type, ok bool) {
	first, rest, more := strings.Cut(word, ".")
	for i := range table.NumField() {
		f := table.Field(i)
		k := f.Tag.Get("toml")
		switch {
		case k == "" || k == "-" || isTables(f.Type):
		case more && k == first && f.Type.Kind() == reflect.Struct:
			if key, holds, ok := lookup(f.Type, rest); ok {
				return k + "." + key, holds, true
			}
		case !more && f.Type.Kind() != reflect.Struct && (k == first || k == first+"s" && isList(f.Type)):
			return k, f.Type, true
		}
	}
	return "", nil, false
}

// deep visits every setting below a table, except in lists of tables.
func deep(table reflect.Type, path string, visit func(string, reflect.Type)) {
	for i := range table.NumField() {
		f := table.Field(i)
		k := f.Tag.Get("toml")
		switch {
		case k == "" || k == "-" || f.Tag.Get("doc") == "-" || isTables(f.Type):
		case f.Type.Kind() == reflect.Struct:
			deep(f.Type, join(path, k), visit)
		default:
			visit(join(path, k), f.Type)
		}
	}
}

// nearest suggests what was meant.
func nearest(table reflect.Type, word string) string {
	var all []string
	deep(table, "", func(key string, _ reflect.Type) { all = append(all, key) })
	return config.Meant(word, all)
}

// Value writes what somebody typed for a setting as the file has it. Of a list each text is one or, with commas, several.
func Value(holds reflect.Type, texts []string) (string, error) {
	if isList(holds) {
		return List(Items(texts)), nil
	}
	text := strings.TrimSpace(texts[len(texts)-1])
	switch {
	case len(texts) > 1:
		return "", fmt.Errorf("it is given twice")
	case holds == reflect.TypeFor[time.Duration](), holds.Kind() == reflect.String:
		return quote(text), nil
	case holds == reflect.TypeFor[config.Size]():
		if _, err := strconv.ParseUint(text, 10, 63); err != nil {
			return quote(text), nil
		}
		return text, nil
	case holds.Kind() == reflect.Bool:
		switch {
		case slices.Contains([]string{"true", "yes", "on"}, strings.ToLower(text)):
			return "true", nil
		case slices.Contains([]string{"false", "no", "off"}, strings.ToLower(text)):
			return "false", nil
		}
		return "", fmt.Errorf("say yes or no, not %q", text)
	case holds.Kind() == reflect.Int:
		if _, err := strconv.ParseInt(text, 0, 32); err != nil {
			return "", fmt.Errorf("%q is not a whole number", text)
		}
		return text, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err != nil || n != n || n-n != 0 {
		return "", fmt.Errorf("%q is not a number", text)
	} else {
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	}
}

// Items reads the texts of a list: of each, what stands between its commas. A text in quotes may have commas itself.
func Items(texts []string) (items []string) {
	for _, text := range texts {
		if s := strings.TrimSpace(text); len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' && !strings.Contains(s[1:len(s)-1], `"`) {
			items = append(items, s[1:len(s)-1])
			continue
		}
		for _, item := range strings.Split(text, ",") {
			if item = strings.Trim(strings.TrimSpace(item), `"`); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// List writes a list of texts as the file has it.
func List(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Text writes a text as the file has it.
func Text(text string) string { return quote(text) }

// quote writes a text as a TOML string.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "�") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
