package mix

// A blend weighs what several guesses say into one. There are sets of weights, each for another view of the situation, and weights for what
// the sets say.
type blend struct {
	inputs int
	sizes  []int   // of the views
	first  []int32 // the row where a view's begin

	weights []int32 // in 65536ths
	finals  []int32

	in    []int32 // stretched chances
	said  []int32 // by each set
	rows  []int   // where the weights in use are
	final int
	out   int32
}

const (
	fresh     = 14000 // a weight that nothing is known about
	finalRate = 2
)

func newBlend(inputs int, sizes []int, finals int) *blend {
	b := &blend{inputs: inputs, sizes: sizes}
	rows := 0
	for _, n := range sizes {
		b.first = append(b.first, int32(rows))
		rows += n
	}
	b.weights = make([]int32, rows*inputs)
	for i := range b.weights {
		b.weights[i] = fresh
	}
	b.finals = make([]int32, finals*len(sizes))
	for i := range b.finals {
		b.finals[i] = int32(65536 / len(sizes))
	}
	b.room()
	return b
}

func (b *blend) room() {
	b.in, b.said, b.rows = make([]int32, b.inputs), make([]int32, len(b.sizes)), make([]int, len(b.sizes))
}

// copyTo makes t the same, in t's own memory if it has any.
func (b *blend) copyTo(t *blend) {
	w, f, in, said, rows := t.weights, t.finals, t.in, t.said, t.rows
	*t = *b
	t.weights, t.finals = append(w[:0], b.weights...), append(f[:0], b.finals...)
	if t.in, t.said, t.rows = in, said, rows; in == nil {
		t.room()
	}
}

// mix is the chance of a 1, as its logit. views are the rows in use, one of each set.
func (b *blend) mix(views []uint32, final uint32) int32 {
	in := b.in
	for s, v := range views {
		row := (int(b.first[s]) + int(v)) * b.inputs
		b.rows[s] = row
		w := b.weights[row : row+len(in)]
		sum := int64(0)
		for k, v := range in {
			sum += int64(v) * int64(w[k])
		}
		b.said[s] = int32(min(max(sum>>16, -far), far))
	}
	b.final = int(final) * len(b.said)
	w := b.finals[b.final : b.final+len(b.said)]
	sum := int64(0)
	for s, v := range b.said {
		sum += int64(v) * int64(w[s])
	}
	b.out = int32(min(max(sum>>16, -far), far))
	return b.out
}

// update teaches the weights in use the bit.
func (b *blend) update(bit int, rate int64) {
	one := int64(bit) << 16
	miss := (one - int64(squash(b.out))) * finalRate
	f := b.finals[b.final : b.final+len(b.said)]
	for s, v := range b.said {
		f[s] += int32((int64(v)*miss + 1<<19) >> 20)
		e := (one - int64(squash(v))) * rate
		if e > -180 && e < 180 { // nothing would change
			continue
		}
		w := b.weights[b.rows[s] : b.rows[s]+len(b.in)]
		for k, x := range b.in {
			w[k] += int32((int64(x)*e + 1<<19) >> 20)
		}
	}
}
