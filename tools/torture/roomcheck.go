package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"longwire/store"
	"longwire/tools/rig/wire"
)

// A kept line is one entry of a node's archive.
type kept struct {
	author, id, body string
	where            string // the archive's id and the number in the federation
	origin           string
	n                int
}

// archive reads a stopped node's.
func (b *roomBench) archive(i int) (all []kept, err error) {
	db, err := store.Open(storeOf(b.nodes[i]), store.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	err = db.View(func(tx *store.Tx) error {
		return tx.ArchiveScan(b.address(i), 0, 0, false, func(e store.ArchiveEntry) (bool, error) {
			k := kept{author: e.From, id: e.StanzaID, body: wire.Text(e.Stanza, "body"), origin: e.Origin, where: fmt.Sprintf("%d (%s %d)", e.ID, e.Origin, e.Seq)}
			fmt.Sscan(k.body, new(string), &k.n)
			if k.body != "" {
				all = append(all, k)
			}
			return true, nil
		})
	})
	return all, err
}

// verdict is nil if nothing went wrong. Lines that a restored node forgot before they had left it may be missing everywhere; all others that
// their authors saw must be in all archives, and nothing in one of them alone, or twice, or out of its author's order. What a restored node
// has lost comes back to it, and by way of it to others, only when the nodes compare what they have, which may be after it has spoken again: so
// the lines of its authors are in order only as far as one process of the node numbered them.
func (b *roomBench) verdict(out io.Writer) error {
	var wrong []string
	places := map[string][]string{} // by line: where it is
	counts := map[string][]int{}    // and how often, by node
	var archives [][]kept
	for i := range b.nodes {
		all, err := b.archive(i)
		if err != nil {
			return err
		}
		archives = append(archives, all)
		order := map[string]kept{}
		for _, k := range all {
			line := fmt.Sprintf("%q of %s, id %s", k.body, k.author, k.id)
			if counts[line] == nil {
				counts[line] = make([]int, len(b.nodes))
			}
			counts[line][i]++
			places[line] = append(places[line], roomNodes[i]+" "+k.where)
			who := k.author
			if b.setBack(k.author) {
				who += " " + k.origin
			}
			if before := order[who]; before.n > k.n {
				wrong = append(wrong, fmt.Sprintf("order at %s: %q %s comes after %q %s", roomNodes[i], k.body, k.where, before.body, before.where))
			}
			order[who] = k
		}
	}
	for _, m := range b.members {
		for n := range m.shown {
			line := fmt.Sprintf("%q of %s, id %s-%d", m.body(n), m.name, m.name, n)
			if counts[line] == nil && b.room.restores == 0 {
				wrong = append(wrong, "nowhere, though its author saw it: "+line)
			}
		}
		for _, n := range m.waiting {
			wrong = append(wrong, fmt.Sprintf("%s waits to see its line %d", m.name, n))
		}
	}
	for _, line := range slices.Sorted(maps.Keys(counts)) {
		if slices.ContainsFunc(counts[line], func(n int) bool { return n != 1 }) {
			wrong = append(wrong, fmt.Sprintf("%s: %d times, %s", line, counts[line], strings.Join(places[line], ", ")))
		}
	}
	wrong = append(wrong, b.unseen(counts)...)
	if w := b.crowd; w != "" {
		wrong = append(wrong, w)
	}
	if b.room.replica {
		wrong = append(wrong, oneOrder(archives)...)
	}
	for _, w := range wrong[:min(len(wrong), 40)] {
		fmt.Fprintf(out, "  WRONG: %s\n", w)
	}
	fmt.Fprintf(out, "  archives: %d, %d and %d lines\n", len(archives[0]), len(archives[1]), len(archives[2]))
	var errs []error
	if len(wrong) > 0 {
		errs = append(errs, fmt.Errorf("%d lines are wrong", len(wrong)))
	}
	if n := len(b.allFaults()); n > 0 {
		errs = append(errs, fmt.Errorf("%d faults", n))
	}
	return errors.Join(errs...)
}

// unseen are the lines that a client has not seen though they are there.
func (b *roomBench) unseen(counts map[string][]int) (wrong []string) {
	for i, at := range b.at {
		for _, m := range at {
			var missing []string
			for line, c := range counts {
				body := strings.SplitN(line, `"`, 3)[1]
				if c[i] > 0 && m.seen[body] == nil {
					missing = append(missing, body)
				}
			}
			if slices.Sort(missing); len(missing) > 0 {
				wrong = append(wrong, fmt.Sprintf("%s has not seen %d lines that its node has: %q", m.name, len(missing), missing[:min(5, len(missing))]))
			}
		}
	}
	return wrong
}

// oneOrder compares the order of all lines.
func oneOrder(archives [][]kept) (wrong []string) {
	for i, all := range archives[1:] {
		for j := range min(len(all), len(archives[0])) {
			if a, o := all[j], archives[0][j]; a.body != o.body {
				wrong = append(wrong, fmt.Sprintf("line %d is %q %s at %s and %q %s at %s", j+1, o.body, o.where, roomNodes[0], a.body, a.where, roomNodes[i+1]))
				break
			}
		}
	}
	return wrong
}

// A faultList gathers what must not be.
type faultList struct {
	mu     sync.Mutex
	faults []string
}

func (l *faultList) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func (l *faultList) allFaults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.faults)
}
