package main

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

const exampleHead = `# S5066d, one STANAG 5066 server. Only the address must be set; what stands here behind a # is its default, or a
# sample where the default is empty. 's5066d check' finds every mistake.
`

func example(c *call) error {
	_, err := io.WriteString(c.out, exampleText())
	return err
}

// exampleText is made from the struct.
func exampleText() string {
	var b strings.Builder
	b.WriteString(exampleHead)
	printTable(&b, reflect.ValueOf(*defaults()))
	return b.String()
}

func printTable(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key := f.Tag.Get("toml"); key != "" && f.Type.Kind() != reflect.Struct {
			comment(b, f.Tag.Get("doc"))
			hash := "#"
			if key == "address" {
				hash = ""
			}
			fmt.Fprintf(b, "%s%s = %s\n", hash, key, literal(v.Field(i), f.Tag.Get("eg")))
		}
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key := f.Tag.Get("toml"); key != "" && f.Type.Kind() == reflect.Struct {
			comment(b, f.Tag.Get("doc"))
			fmt.Fprintf(b, "[%s]\n", key)
			printTable(b, v.Field(i))
		}
	}
}

// comment wraps text behind an empty line.
func comment(b *strings.Builder, text string) {
	line := "\n#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 110 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// literal prints a value as TOML; eg is a sample for an empty one.
func literal(v reflect.Value, eg string) string {
	switch x := v.Interface().(type) {
	case Duration:
		return strconv.Quote(string(x))
	case string:
		if x == "" {
			x = eg
		}
		return strconv.Quote(x)
	case []string:
		if len(x) == 0 && eg != "" {
			x = []string{eg}
		}
		var list []string
		for _, s := range x {
			list = append(list, strconv.Quote(s))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case []int:
		return "[]"
	}
	return fmt.Sprint(v.Interface())
}
