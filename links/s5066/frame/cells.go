package frame

// cells keeps the states of contexts, each line those of half a byte in one context: the first byte is a check of the hash. What is not in
// lines is as it is in under, which all models share and none changes.
type cells struct {
	lines []line
	under *cells
}

type line [16]uint8

const (
	cellBits = 14 // 256 KiB for each direction of a peer
	baseBits = 16 // 1 MiB for all
)

// find is the line of a context. It may take the place of one that was seen less.
func (t *cells) find(h uint32) *line {
	h = (h ^ h>>13) * 0xC2B2AE35
	check := uint8(h)
	l := t.at(h, check)
	if l[0] == check {
		return l
	}
	*l = line{check}
	if t.under != nil {
		if u := t.under.at(h, check); u[0] == check {
			*l = *u
		}
	}
	return l
}

// at is the line for h, or the one to be given up for it.
func (t *cells) at(h uint32, check uint8) *line {
	i := int(uint64(h) * uint64(len(t.lines)) >> 32)
	a, b := &t.lines[i], &t.lines[i^1]
	if a[0] == check || b[0] != check && seen[a[1]] <= seen[b[1]] {
		return a
	}
	return b
}

// seen is how often a state was taught, roughly.
var seen = func() (t [256]uint8) {
	for i, s := range states {
		t[i] = uint8(s.n0 + s.n1)
	}
	return t
}()
