package main

import (
	"bufio"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/amend"
	"longwire/firmware/config"
)

// typed is what somebody typed for one setting: KEY=VALUE, KEY= for the default, KEY+=VALUE and KEY-=VALUE for a list.
type typed struct {
	word, key string
	holds     reflect.Type
	how       byte // '=', '+' or '-'
	texts     []string
}

// settings reads the arguments that are settings of a table. A word that comes again adds to a list.
func (c *call) settings(table reflect.Type, args []string) (all []typed, err error) {
	for _, arg := range args {
		word, text, ok := strings.Cut(arg, "=")
		if !ok || word == "" {
			return nil, fmt.Errorf("%w: %q is no setting; write SETTING=VALUE, as in rate=9600", admin.ErrMisuse, arg)
		}
		t := typed{word: word, how: '='}
		if last := word[len(word)-1]; last == '+' || last == '-' {
			t.word, t.how = word[:len(word)-1], last
		}
		if t.key, t.holds, err = amend.Resolve(table, t.word); err != nil {
			return nil, fmt.Errorf("%w: %w", admin.ErrMisuse, err)
		}
		if t.how != '=' && t.holds != reflect.TypeFor[[]string]() {
			return nil, fmt.Errorf("%w: %s is no list; write %s=VALUE", admin.ErrMisuse, t.key, t.word)
		}
		if text == "-" {
			if text, err = c.secretLine(t.key); err != nil {
				return nil, err
			}
		}
		i := slices.IndexFunc(all, func(o typed) bool { return o.key == t.key && o.how == t.how })
		if i < 0 {
			all, i = append(all, t), len(all)
		}
		if text != "" {
			all[i].texts = append(all[i].texts, text)
		}
	}
	return all, nil
}

// secretLine reads a value that should not stand on a command line.
func (c *call) secretLine(key string) (string, error) {
	if isTerminal(c.in) {
		return c.ask(key + ": ")
	}
	line, err := bufio.NewReaderSize(c.in, 4096).ReadSlice('\n')
	if text := strings.TrimRight(string(line), "\r\n"); text != "" && !errors.Is(err, bufio.ErrBufferFull) {
		return text, nil
	}
	return "", fmt.Errorf("%w: standard input holds nothing for %s", admin.ErrMisuse, key)
}

// value is how a setting is written; "" takes it out. was is what a list holds now.
func (t typed) value(was []string) (string, error) {
	if len(t.texts) == 0 && t.how == '=' {
		return "", nil
	}
	text, err := amend.Value(t.holds, t.texts)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", admin.ErrMisuse, t.key, err)
	}
	if t.how == '=' {
		return text, nil
	}
	given := amend.Items(t.texts)
	items := slices.Clone(was)
	for _, g := range given {
		has := slices.Contains(items, g)
		switch {
		case t.how == '+' && !has:
			items = append(items, g)
		case t.how == '-' && has:
			items = slices.DeleteFunc(items, func(s string) bool { return s == g })
		case t.how == '-':
			return "", fmt.Errorf("%w: %s: there is no %q; %s", admin.ErrMisuse, t.key, g, config.Meant(g, items))
		}
	}
	return amend.List(items), nil
}

// set changes settings of a table in the file; now is what it holds.
func (a *amendment) set(at string, now any, args []string) error {
	v := reflect.ValueOf(now)
	all, err := a.c.settings(v.Type(), args)
	if err != nil {
		return err
	}
	for _, t := range all {
		text, err := t.value(held(v, t.key))
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(at+"."+t.key, ".")
		if text == "" {
			_, err = a.Unset(path)
		} else {
			err = a.Set(path, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// held is the list that a table holds under a key.
func held(v reflect.Value, key string) []string {
	first, rest, more := strings.Cut(key, ".")
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("toml") != first {
			continue
		}
		if more {
			return held(v.Field(i), rest)
		}
		list, _ := v.Field(i).Interface().([]string)
		return list
	}
	return nil
}

// add puts another table into a list; head is what names it.
func (a *amendment) add(list string, table any, head []amend.Setting, args []string) error {
	all, err := a.c.settings(reflect.TypeOf(table), args)
	if err != nil {
		return err
	}
	for _, t := range all {
		text, err := t.value(nil)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(head, func(s amend.Setting) bool { return s.Key == t.key }); i >= 0 {
			return fmt.Errorf("%w: %s is given twice", admin.ErrMisuse, t.key)
		}
		if text != "" {
			head = append(head, amend.Setting{Key: t.key, Value: text})
		}
	}
	return a.Add(list, head)
}
