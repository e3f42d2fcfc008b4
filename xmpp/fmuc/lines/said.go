package lines

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// MaxExplicit is how many origins are told one by one before the others go into a hash.
const MaxExplicit = 8

// A Pair is an origin with the highest number known of it.
type Pair struct {
	Origin Origin
	N      uint64
}

// Said is a vector as one node tells it another.
type Said struct {
	Ask     bool   // an answer is wanted
	Pairs   []Pair // by age; the newest that the sender knows is always among them
	Rest    bool   // Hash stands for all the others up to the newest
	Hash    uint64 // 48 bits
	Horizon Origin
}

// Say tells the vector: the origins that moved lately one by one, and one hash of the others. whole tells all.
func (v *Vector) Say(ask, whole bool) Said {
	s := Said{Ask: ask, Horizon: v.horizon}
	told := v.Origins()
	if !whole && len(told) > MaxExplicit {
		told = v.lately()
	}
	for _, o := range told {
		s.Pairs = append(s.Pairs, Pair{o, v.Known(o)})
	}
	if len(told) < len(v.known) {
		s.Rest, s.Hash = true, v.rest(s)
	}
	return s
}

// lately chooses whom to tell of one by one: the newest, and those that moved last.
func (v *Vector) lately() []Origin {
	all := v.Origins()
	slices.SortStableFunc(all, func(a, b Origin) int {
		switch {
		case a == v.newest:
			return -1
		case b == v.newest:
			return 1
		case v.known[a].at > v.known[b].at:
			return -1
		case v.known[a].at < v.known[b].at:
			return 1
		}
		return int(min(max(int64(b)-int64(a), -1), 1))
	})
	all = all[:MaxExplicit]
	slices.Sort(all)
	return all
}

// rest is the hash of what s does not tell one by one, as v has it.
func (v *Vector) rest(s Said) uint64 {
	h := sha256.New()
	for _, o := range v.Origins() {
		if o > s.Horizon && o < s.newest() && s.find(o) < 0 {
			h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(o)), v.Known(o)))
		}
	}
	return binary.BigEndian.Uint64(h.Sum(nil)) >> (64 - originBits)
}

func (s Said) newest() Origin {
	if len(s.Pairs) == 0 {
		return 0
	}
	return s.Pairs[len(s.Pairs)-1].Origin
}

// find is the place of an origin among the pairs, -1 if it is not told.
func (s Said) find(o Origin) int {
	i, ok := slices.BinarySearchFunc(s.Pairs, o, func(p Pair, o Origin) int {
		switch {
		case p.Origin < o:
			return -1
		case p.Origin > o:
			return 1
		}
		return 0
	})
	if !ok {
		return -1
	}
	return i
}

// Append writes s in the compact form: an optional "?", then words of an origin and its number, "#" and the hash, "!" and the horizon.
func (s Said) Append(b []byte) []byte {
	if s.Ask {
		b = append(b, '?')
	}
	start := len(b)
	word := func(mark string) {
		if len(b) > start {
			b = append(b, ' ')
		}
		b = append(b, mark...)
	}
	for _, p := range s.Pairs {
		word("")
		b = p.Append(b)
	}
	if s.Rest {
		word("#")
		b = append48(b, s.Hash)
	}
	if s.Horizon != 0 {
		word("!")
		b = append48(b, uint64(s.Horizon))
	}
	return b
}

func (s Said) String() string { return string(s.Append(nil)) }

// Parse reads what Append wrote.
func Parse(text string) (s Said, err error) {
	text, s.Ask = strings.CutPrefix(text, "?")
	if text == "" {
		return s, nil
	}
	for word := range strings.SplitSeq(text, " ") {
		if len(s.Pairs) > MaxOrigins {
			return s, fmt.Errorf("lines: more than %d origins", MaxOrigins)
		}
		if err := s.word(word); err != nil {
			return s, err
		}
	}
	if s.Rest && len(s.Pairs) == 0 {
		return s, fmt.Errorf("lines: a hash alone in %.40q", text)
	}
	return s, nil
}

func (s *Said) word(w string) (err error) {
	switch {
	case strings.HasPrefix(w, "#") && !s.Rest:
		s.Rest = true
		s.Hash, err = parse48(w[1:])
		return err
	case strings.HasPrefix(w, "!") && s.Horizon == 0:
		s.Horizon, err = ParseOrigin(w[1:])
		return err
	}
	if len(w) < originLen || s.Rest || s.Horizon != 0 {
		return fmt.Errorf("lines: word %.40q", w)
	}
	p, err := ParsePair(w)
	if err != nil {
		return err
	}
	if p.Origin <= s.newest() {
		return fmt.Errorf("lines: %.40q is out of order", w)
	}
	s.Pairs = append(s.Pairs, p)
	return nil
}
