package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// sizes are the bytes of stanzas of one kind.
type sizes []int

func (s sizes) sum() (n int) {
	for _, v := range s {
		n += v
	}
	return n
}

// String reads "14.0 / 14 / 19": mean, median, 95th percentile.
func (s sizes) String() string {
	if len(s) == 0 {
		return "-"
	}
	v := slices.Sorted(slices.Values(s))
	return fmt.Sprintf("%.1f / %d / %d", float64(s.sum())/float64(len(v)), v[len(v)/2], v[min(len(v)-1, len(v)*95/100)])
}

// class35 is the kind that message35 is about.
const class35 = "35-45 char"

// coldStanzas is how many stanzas of a way make a cold start.
const coldStanzas = 20

// A tally is what one method took for all traffic.
type tally struct {
	kinds   map[string]sizes
	total   int
	first   map[way]sizes // of the first stanzas of each way, those that crossed
	crossed int
}

func newTally() *tally { return &tally{kinds: map[string]sizes{}, first: map[way]sizes{}} }

// add counts a stanza. crossed is false for one that was not sent at all.
func (t *tally) add(r *record, n int, crossed bool) {
	t.kinds[r.Kind] = append(t.kinds[r.Kind], n)
	if r.message35() {
		t.kinds[class35] = append(t.kinds[class35], n)
	}
	t.total += n
	if crossed {
		t.crossed++
	}
	if w := r.way(); crossed && len(t.first[w]) < coldStanzas {
		t.first[w] = append(t.first[w], n)
	}
}

// cold is the mean over all ways of what their first stanzas take.
func (t *tally) cold() float64 {
	sum := 0
	for _, s := range t.first {
		sum += s.sum()
	}
	return float64(sum) / float64(max(1, len(t.first)))
}

// kindsOf lists all kinds, the most frequent first, with the class of messages before all.
func kindsOf(list []*record) []string {
	count := map[string]int{}
	for _, r := range list {
		count[r.Kind]++
	}
	kinds := make([]string, 0, len(count)+1)
	for k := range count {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	return append([]string{class35}, kinds...)
}

// rank puts what people wait for first.
func rank(kind string) int {
	order := []string{"msg-chat", "muc-msg", "muc-copy", "fmuc-msg", "receipt", "presence", "muc-presence"}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}
