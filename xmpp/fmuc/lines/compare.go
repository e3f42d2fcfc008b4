package lines

import "slices"

// A Span is the lines of an origin after a number.
type Span struct {
	Origin Origin
	After  uint64
}

// A Difference is what two nodes owe each other.
type Difference struct {
	Send    []Span // what the other lacks of what we know, by the origins' age
	Want    []Pair // what we lack of what it knows: the first number that is wanted of each
	Unclear bool   // among the origins in the hash something differs; whole vectors will tell
}

// Compare holds what the other said against the vector. Spans are exact for all origins that the other told one by one, or did not know;
// when Unclear, more may follow from its whole vector.
func (v *Vector) Compare(s Said) (d Difference) {
	for _, p := range s.Pairs {
		switch known := v.Known(p.Origin); {
		case known > p.N:
			d.Send = append(d.Send, Span{p.Origin, p.N})
		case known < p.N && p.Origin > v.horizon:
			d.Want = append(d.Want, Pair{p.Origin, known + 1})
		}
	}
	for _, o := range v.Origins() {
		if s.find(o) >= 0 || o <= s.Horizon || s.Rest && o < s.newest() {
			continue
		}
		d.Send = append(d.Send, Span{o, 0})
	}
	slices.SortFunc(d.Send, func(a, b Span) int { return int(min(max(int64(a.Origin)-int64(b.Origin), -1), 1)) })
	d.Unclear = s.Rest && v.rest(s) != s.Hash
	return d
}
