package main

import "errors"

// traffic is a file, and what links make of it.
type traffic struct {
	list   []*record
	folded []run
}

func newTraffic(list []*record) (*traffic, error) {
	t := &traffic{list: list}
	foldings := map[int]*folding{}
	var fault error
	var err error
	t.folded, err = runsOf(list, func(r *record) []byte {
		f := foldings[r.Session]
		if f == nil {
			if f, fault = newFolding(); fault != nil {
				return nil
			}
			foldings[r.Session] = f
		}
		return f.fold(r)
	})
	return t, errors.Join(fault, err)
}

// everything is each element by itself, as it stands.
func (t *traffic) everything() (out []run, err error) {
	for _, r := range t.list {
		out = append(out, run{r.way(), []item{{r, []byte(r.Text), []byte(r.Text)}}})
	}
	return out, nil
}

// whole is all stanzas as they stand.
func (t *traffic) whole() ([]run, error) {
	return runsOf(t.list, func(r *record) []byte {
		if r.isSM() {
			return nil
		}
		return []byte(r.Text)
	})
}

// less is what is left of them by folding.
func (t *traffic) less() ([]run, error) { return t.folded, nil }
