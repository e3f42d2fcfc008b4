package mix

// cells keeps the states of contexts, each line those of up to four bits in one context: the first byte is a check of the hash. What is not
// in lines is as it is in under, which all models share and none changes.
type cells struct {
	lines []line
	under []line
}

type line [16]uint8

// find is the line of a context. It may take the place of one that was seen less.
func (t *cells) find(h uint32) *line {
	h = (h ^ h>>13) * 0xC2B2AE35
	check := uint8(h)
	l := place(t.lines, h, check)
	if l[0] == check {
		return l
	}
	*l = line{check}
	if t.under != nil {
		if u := place(t.under, h, check); u[0] == check {
			*l = *u
		}
	}
	return l
}

// place is the line for h, or the one to be given up for it.
func place(lines []line, h uint32, check uint8) *line {
	i := int(uint64(h) * uint64(len(lines)) >> 32)
	a, b := &lines[i], &lines[i^1]
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
