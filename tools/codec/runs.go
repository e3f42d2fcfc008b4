package main

import (
	"bytes"
	"fmt"
	"regexp"

	"longwire/links/codec/token"
)

// A run is what stands in the queue of one way at the same time and is coded together.
type run struct {
	way   way
	items []item
}

// runsOf folds traffic, and makes runs of it: a stanza, and behind it the same to others, such as the copies of a line in a room. Stanzas that
// do not cross are runs of their own.
func runsOf(list []*record, sent func(*record) (*item, error)) (out []run, err error) {
	last := map[way]int{} // the latest run
	for _, r := range list {
		it := item{record: r}
		if s, err := sent(r); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.line, err)
		} else if s != nil {
			it = *s
			if it.text, err = token.Canonical(it.sent); err != nil {
				return nil, fmt.Errorf("line %d: %w", r.line, err)
			}
		}
		w := r.way()
		if i, ok := last[w]; ok && it.text != nil && copyOf(out[i].items[0].text, it.text) {
			out[i].items = append(out[i].items, it)
			continue
		}
		if it.text != nil {
			last[w] = len(out)
		}
		out = append(out, run{w, []item{it}})
	}
	return out, nil
}

var toAttr = regexp.MustCompile(` to='[^']*'`)

// copyOf tells whether b is a as it goes to somebody else.
func copyOf(a, b []byte) bool {
	if len(a) == 0 {
		return false
	}
	i, k := toAttr.FindIndex(a), toAttr.FindIndex(b)
	if i == nil || k == nil || bytes.Equal(a, b) {
		return false
	}
	return bytes.Equal(a[:i[0]], b[:k[0]]) && bytes.Equal(a[i[1]:], b[k[1]:])
}
