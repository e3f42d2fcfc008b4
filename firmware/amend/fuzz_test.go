package amend_test

import (
	"slices"
	"testing"

	"longwire/firmware/amend"
	"longwire/firmware/config"
)

// FuzzAmend changes files of any form: what is asked for happens, and nothing else, or nothing at all.
func FuzzAmend(f *testing.F) {
	for _, text := range []string{file, "", "[log]\nlevel='x'#y", "log.format = '''\n#[log]\n'''\n[[peer]]\nlifetimes.iq=\"1m\"\n[peer.s5066]\n", "#[log]\n#level = \"info\"\n\n[[peer]]\n#[peer.fold]\n",
		"[[peer]]\n[[peer.route]]\nlinks=[\n'a', # ]\n]\n[[peer]]\n[log]\n[peer.fold]\npresence=\"all\"", "log = { level = \"x\" }\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before, err := config.Flatten(text)
		if err != nil {
			return
		}
		for _, c := range []struct {
			change func(*amend.File) error
			key    string // that changes, in a table or a new one
		}{
			{func(f *amend.File) error { return f.Set("log.level", `"warn"`) }, "log.level"},
			{func(f *amend.File) error { return f.Set("data", `"d"`) }, "data"},
			{func(f *amend.File) error { return f.Set("peer[0].fold.presence", `"all"`) }, "fold.presence"},
			{func(f *amend.File) error { return f.Add("budget", []amend.Setting{{"hard", `"1m"`}}) }, "hard"},
			{func(f *amend.File) error { return f.Add("peer[0].route", []amend.Setting{{"wait", `"1m"`}}) }, "wait"},
		} {
			a, err := amend.Parse(text)
			if err != nil {
				return
			}
			if c.change(a) != nil {
				continue
			}
			after, err := config.Flatten(a.Bytes())
			if err != nil {
				t.Fatalf("%s: %v\n%s\nbecame\n%s", c.key, err, text, a.Bytes())
			}
			other := func(s config.Setting) bool { return s.Key != c.key }
			if x, y := only(before, other), only(after, other); !slices.EqualFunc(x, y, config.Setting.Same) {
				t.Fatalf("%s: %v became %v\n%s\nbecame\n%s", c.key, x, y, text, a.Bytes())
			}
			if len(only(after, func(s config.Setting) bool { return s.Key == c.key })) == 0 {
				t.Fatalf("%s is not set\n%s\nbecame\n%s", c.key, text, a.Bytes())
			}
		}
	})
}

// only keeps some settings, in an order that does not go by the lines.
func only(all []config.Setting, keep func(config.Setting) bool) (some []config.Setting) {
	for _, s := range all {
		if keep(s) {
			some = append(some, s)
		}
	}
	slices.SortFunc(some, func(a, b config.Setting) int {
		return slices.Compare([]string{a.Of, a.Key, a.Value}, []string{b.Of, b.Key, b.Value})
	})
	return some
}
