package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"longwire/links/codec"
	"longwire/links/codec/lore"
)

// crossValidate reports what each session of traffic costs when it is coded by what the others teach. Of those and of lines all texts are left out that are
// made like one of the session: with a sentence that has the same skeleton.
func crossValidate(list []*record, lines [][]byte, phrases []string, out, progress io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "held out\ttexts learned\tleft out\t%s stream\talone\tall bytes stream\talone\t%s by stream\talone\n", class35, xep0138)
	for _, session := range sessionsOf(list) {
		if progress != nil {
			fmt.Fprintf(progress, "session %d\n", session)
		}
		held, d, left, err := holdOut(list, lines, session)
		if err != nil {
			return err
		}
		c, err := compare(held, d, codec.Provision{})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "session %d\t%d\t%d\t%s\n", session, len(d.Lines), left, c)
		if len(phrases) == 0 {
			continue
		}
		p, err := compare(held, d, codec.Provision{Phrases: phrases})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  with phrases\t\t\t%s\n", p)
	}
	return w.Flush()
}

func sessionsOf(list []*record) (out []int) {
	for _, r := range list {
		if !slices.Contains(out, r.Session) {
			out = append(out, r.Session)
		}
	}
	return out
}

// holdOut is a session, what is learned without it, and how many texts were left out of that.
func holdOut(list []*record, lines [][]byte, session int) (held []*record, d lore.Data, left int, err error) {
	known := skeletonsOf(list, session)
	var rest []*record
	for _, r := range list {
		switch {
		case r.Session == session:
			held = append(held, r)
		case r.Body != "" && known.has(r.Body):
			left++
		default:
			rest = append(rest, r)
		}
	}
	var t training
	if len(rest) > 0 {
		if err := t.traffic(rest); err != nil {
			return nil, d, 0, err
		}
	}
	for _, l := range lines {
		if known.has(string(l)) {
			left++
			continue
		}
		t.Lines = append(t.Lines, l)
	}
	t.Lines, t.JIDs, t.Strings = once(t.Lines), once(t.JIDs), once(t.Strings)
	return held, t.Data, left, nil
}

// A comparison is what traffic takes by one lore.
type comparison struct{ xep, stream, alone *result }

func compare(list []*record, d lore.Data, p codec.Provision) (c comparison, err error) {
	tr, err := newTraffic(list)
	if err != nil {
		return c, err
	}
	base, err := codec.New(d)
	if err != nil {
		return c, err
	}
	own := provisionOf(list)
	for _, of := range []struct {
		r     **result
		m     method
		alone bool
		p     codec.Provision
	}{
		{&c.stream, method{name: "stream", what: (*traffic).less}, false, p},
		{&c.alone, method{name: "alone", what: (*traffic).less}, true, codec.Provision{JIDs: own.JIDs, Strings: own.Strings, Phrases: p.Phrases}},
	} {
		of.m.open = func(*traffic) opener {
			return func(way) (coder, error) {
				l, err := base.With(of.p)
				if err != nil {
					return nil, err
				}
				return &modeled{out: l.Model(), in: l.Model(), alone: of.alone}, nil
			}
		}
		if *of.r, err = apply(of.m, tr, io.Discard); err != nil {
			return c, err
		}
	}
	c.xep, err = apply(zlibRow(), tr, io.Discard)
	return c, err
}

func (c comparison) String() string {
	ratio := func(r *result) float64 { return float64(c.xep.total) / float64(max(1, r.total)) }
	return fmt.Sprintf("%v\t%v\t%d\t%d\t%.2f\t%.2f", c.stream.kinds[class35], c.alone.kinds[class35], c.stream.total, c.alone.total, ratio(c.stream), ratio(c.alone))
}
