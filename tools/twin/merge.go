package main

import (
	"fmt"
	"maps"
	"slices"
)

// table is a TOML table.
type table = map[string]any

// merge puts what a person wrote over what was made: tables are joined, lists and single values replaced. In a list of
// tables (link, peer, user) one that names itself goes to the made one of that name, or is added if there is none; one
// without a name goes to all, or to all of its type. If there is none of that type, shared settings pass over it, and
// settings for one end are told off.
func merge(made, wrote table, path string, shared bool) error {
	for _, key := range slices.Sorted(maps.Keys(wrote)) {
		at := path + key
		switch w := wrote[key].(type) {
		case table:
			m, isTable := made[key].(table)
			switch {
			case made[key] == nil:
				m = table{}
				made[key] = m
			case !isTable:
				return fmt.Errorf("%s is a table here, and no table in the file that it goes to", at)
			}
			if err := merge(m, w, at+".", shared); err != nil {
				return err
			}
		default:
			if err := mergeList(made, key, w, at, shared); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeList merges a value that may be a list of tables.
func mergeList(made table, key string, wrote any, at string, shared bool) error {
	list, ok := tables(wrote)
	if !ok {
		made[key] = wrote
		return nil
	}
	have, ok := tables(made[key])
	if !ok && made[key] != nil {
		return fmt.Errorf("%s is a list of tables here, and something else in the file that it goes to", at)
	}
	made[key] = have
	before := have
	named := slices.ContainsFunc(before, func(t table) bool { return id(t) != "" })
	for _, w := range list {
		found := false
		for _, m := range before {
			if !about(w, m) {
				continue
			}
			found = true
			if err := merge(m, w, at+".", shared); err != nil {
				return err
			}
		}
		switch {
		case found || named && id(w) == "" && shared:
			continue
		case named && id(w) == "":
			return fmt.Errorf("[[%s]] has no name, and none that twin makes is like it", at)
		}
		fresh := table{}
		if err := merge(fresh, w, at+".", shared); err != nil {
			return err
		}
		have = append(have, fresh)
	}
	made[key] = have
	return nil
}

// names are the keys by which tables of a list are told apart.
var names = []string{"name", "address", "interface"}

// about tells whether what a person wrote goes to this one: nothing by which it names itself is different. What has no
// name itself is never meant.
func about(wrote, made table) bool {
	if id(made) == "" {
		return false
	}
	for _, key := range append(names, "type") {
		if w, ok := wrote[key]; ok && w != made[key] {
			return false
		}
	}
	return true
}

// id is what a table names itself by.
func id(t table) string {
	for _, key := range names {
		if s, ok := t[key].(string); ok {
			return s
		}
	}
	return ""
}

// tables is a value as a list of tables. An empty list is none, so that it can empty a list of texts.
func tables(v any) (list []table, ok bool) {
	switch x := v.(type) {
	case []table:
		return x, true
	case []any:
		for _, e := range x {
			t, ok := e.(table)
			if !ok {
				return nil, false
			}
			list = append(list, t)
		}
	}
	return list, list != nil
}
