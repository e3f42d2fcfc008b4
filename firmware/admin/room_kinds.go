package admin

import (
	"slices"
	"strconv"
	"strings"

	"longwire/store"
)

// The kinds of settings.

func text(word, field string, at func(*store.Room) *string) setting {
	return setting{word, field, "at most 2000 bytes of text", func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) bool {
		*at(r) = v
		return len(v) <= 2000
	}}
}

// yes reads the ways in which people and forms say yes and no.
func yes(v string) (is, ok bool) {
	switch strings.ToLower(v) {
	case "yes", "true", "on", "1":
		return true, true
	case "no", "false", "off", "0":
		return false, true
	}
	return false, false
}

func flag(word, field string, at func(*store.Room) *bool) setting {
	return setting{word, field, "yes or no", func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) (ok bool) {
		*at(r), ok = yes(v)
		return ok
	}}
}

// not is a flag that the room keeps the other way round.
func not(word, field string, at func(*store.Room) *bool) setting {
	return setting{word, field, "yes or no", func(r *store.Room) any { return !*at(r) }, func(r *store.Room, v string) (ok bool) {
		is, ok := yes(v)
		*at(r) = !is
		return ok
	}}
}

func choice(word, field, about string, set func(*store.Room, string), get func(*store.Room) string, known ...string) setting {
	return setting{word, field, about, func(r *store.Room) any { return get(r) }, func(r *store.Room, v string) bool {
		set(r, v)
		return slices.Contains(known, v)
	}}
}

func number(word, field, about string, at func(*store.Room) *int, none int) setting {
	return setting{word, field, about, func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) bool {
		if v == "none" {
			*at(r) = none
			return true
		}
		n, err := strconv.Atoi(v)
		*at(r) = n
		return err == nil && n >= 0 && n <= 1e5
	}}
}

func password() setting {
	has := func(r *store.Room) any { return r.Password != "" }
	return setting{"password", form + "roomsecret", "at most 200 bytes of text, or nothing for none", has, func(r *store.Room, v string) bool {
		r.Password = v
		return len(v) <= 200
	}}
}

func history(word, field string) setting {
	lines := func(r *store.Room) any { return linesOf(r.History) }
	return setting{word, field, "a number up to 200, or none", lines, func(r *store.Room, v string) bool {
		if v == "none" {
			v = "0"
		}
		n, err := strconv.Atoi(v)
		r.History = historyOf(n)
		return err == nil && n >= 0 && n <= 200
	}}
}

// usualHistory is what a room's record means by 0.
const usualHistory = 20

// historyOf is a number of lines as a room's record has it: there 0 is the usual number, and -1 none.
func historyOf(lines int) int {
	if lines == 0 {
		return -1
	}
	return lines
}

func linesOf(history int) int {
	switch {
	case history < 0:
		return 0
	case history == 0:
		return usualHistory
	}
	return history
}
