package mix

// A Mind is all that guesses in one direction of one stream: words for human text, marks for everything else, and capitals for the case of
// letters in words. It is for one goroutine. What one has learned before any stream is the base of others.
type Mind struct {
	Words, Marks *Faculty
	Capitals     *Flag
	seen         matches
	rate         int64
}

// Design is the shape of the faculties of minds.
type Design struct{ Words, Marks Shape }

// Rates of learning: when nothing is known, when a lot is, and on a stream.
const (
	quick = 14
	calm  = 6
	usual = 2
)

// Prime is a mind that has learned what teach teaches it.
func Prime(d Design, teach func(m *Mind)) *Mind {
	m := &Mind{}
	m.Words, m.Marks, m.Capitals = NewFaculty(d.Words, &m.seen), NewFaculty(d.Marks, &m.seen), NewFlag()
	m.Words.cells.lines = make([]line, 1<<d.Words.LineBits)
	m.Marks.cells.lines = make([]line, 1<<baseBits)
	m.Words.runs.slots = make([]slot, 1<<d.Words.RunBits)
	m.Marks.runs.slots = make([]slot, 1<<baseRunBits)
	m.setRate(quick)
	teach(m)
	m.Forget()
	m.setRate(usual)
	m.Own(false)
	m.Words.cells.lines, m.Words.runs.slots, m.seen.buf = nil, nil, nil
	for _, f := range []*Faculty{m.Words, m.Marks} {
		f.lines, f.slots = [Contexts]*line{}, [Runs]*slot{} // what they point to is no longer needed
	}
	return m
}

// baseBits is the room for the contexts of marks that all share: 1 MiB.
const (
	baseBits    = 15
	baseRunBits = 17
)

func (m *Mind) setRate(r int64) { m.Words.rate, m.Marks.rate, m.rate = r, r, r }

// Calm makes a mind that learns before any stream learn slower, as it knows something by now.
func (m *Mind) Calm() { m.setRate(calm) }

// Own says whether the lines that are learned are in the index of words themselves.
func (m *Mind) Own(yes bool) { m.Words.trail.own = yes }

// Forget empties what words have seen on the stream, so that what is learned before any stream is learned for the start of one too.
func (m *Mind) Forget() {
	clear(m.Words.cells.lines)
	clear(m.Words.runs.slots)
	m.seen.reset()
}

// Reset makes m as base is, in m's own memory if it has any.
func (m *Mind) Reset(base *Mind) {
	if m.Words == nil {
		m.Words, m.Marks, m.Capitals = &Faculty{seen: &m.seen}, &Faculty{seen: &m.seen}, &Flag{}
	}
	base.Words.copyTo(m.Words, base.Words.cells.lines, base.Words.runs.slots)
	base.Marks.copyTo(m.Marks, base.Marks.cells.lines, base.Marks.runs.slots)
	base.Capitals.copyTo(m.Capitals)
	m.rate = base.rate
	m.seen.reset()
}

// With is m, as a base of others, where words also know what teach teaches: as if it had been said on every stream before. Weights stay.
func (m *Mind) With(teach func(m *Mind)) *Mind {
	var pupil Mind
	pupil.Reset(m)
	teach(&pupil)
	words := *m.Words
	words.cells.lines, words.runs.slots = pupil.Words.cells.lines, pupil.Words.runs.slots
	return &Mind{Words: &words, Marks: m.Marks, Capitals: m.Capitals, rate: m.rate}
}

// Capital says, or finds out, whether a letter is one.
func (m *Mind) Capital(contexts *[FlagContexts]uint32, view uint32, bit int, code Coder) int {
	return m.Capitals.Bit(contexts, view, bit, code, m.rate)
}

// copyTo makes t the same, with the lines under it.
func (f *Faculty) copyTo(t *Faculty, under []line, runsUnder []slot) {
	old := *t
	*t = *f
	t.seen = old.seen
	t.cells = cells{old.cells.lines, under}
	if t.cells.lines == nil {
		t.cells.lines = make([]line, 1<<f.lineBits)
	}
	clear(t.cells.lines)
	t.runs = runs{old.runs.slots, runsUnder}
	if t.runs.slots == nil {
		t.runs.slots = make([]slot, 1<<f.runBits)
	}
	clear(t.runs.slots)
	t.counts = append(old.counts[:0], f.counts...)
	t.plain = append(old.plain[:0], f.plain...)
	if t.blend, t.nodes, t.last = old.blend, old.nodes, old.last; t.blend == nil {
		t.blend, t.nodes, t.last = &blend{}, &refiner{}, &refiner{}
	}
	f.blend.copyTo(t.blend)
	f.nodes.copyTo(t.nodes)
	f.last.copyTo(t.last)
}
