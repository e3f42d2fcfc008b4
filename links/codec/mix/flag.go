package mix

// A Flag guesses a single bit beside symbols, such as whether a letter is a capital, from a few contexts.
type Flag struct {
	chances [FlagContexts][1 << flagBits]counter
	blend   *blend
}

// FlagContexts is how many contexts a flag is guessed from.
const FlagContexts = 4

const (
	flagBits  = 10
	flagViews = 16
)

// NewFlag is one that has learned nothing.
func NewFlag() *Flag {
	f := &Flag{blend: newBlend(FlagContexts+1, []int{flagViews}, 1)}
	for k := range f.chances {
		for i := range f.chances[k] {
			f.chances[k][i].set(1 << 13)
		}
	}
	return f
}

// copyTo makes t the same.
func (f *Flag) copyTo(t *Flag) {
	t.chances = f.chances
	if t.blend == nil {
		t.blend = &blend{}
	}
	f.blend.copyTo(t.blend)
}

// Bit says, or finds out, the flag. contexts are hashes; view is below 16 and chooses weights.
func (f *Flag) Bit(contexts *[FlagContexts]uint32, view uint32, bit int, code Coder, rate int64) int {
	var used [FlagContexts]*counter
	in := f.blend.in
	for k, h := range contexts {
		used[k] = &f.chances[k][h>>(32-flagBits)]
		in[k] = stretch(used[k].chance())
	}
	in[FlagContexts] = logit
	v := [1]uint32{view}
	x := f.blend.mix(v[:], 0)
	bit = code.Code(bit, min(max(squash(x), 1), 65535))
	f.blend.update(bit, rate)
	for _, u := range used {
		u.update(bit, hitsLimit)
	}
	return bit
}
