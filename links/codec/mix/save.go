package mix

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// ErrDamaged is what Load finds wrong.
var ErrDamaged = errors.New("mix: not a mind of this design")

// state is everything that a mind has learned, in the order that it is kept in. All of it has fixed sizes once the design is known.
func (m *Mind) state() (all []any) {
	x := m.Words.trail.x
	all = []any{x.tree.next[:], x.tree.code[:], &x.rows, x.first[:], x.start[:], x.ones[:], &x.words, &x.before}
	for _, f := range []*Faculty{m.Words, m.Marks} {
		all = append(all, f.blend.weights, f.blend.finals, f.nodes.steps, f.last.steps, f.plain, f.hits[:], f.counts)
		for k := range f.trust {
			all = append(all, f.trust[k][:])
		}
		for k := range f.steady {
			all = append(all, f.steady[k][:])
		}
	}
	all = append(all, m.Marks.cells.lines, m.Marks.runs.slots, m.Capitals.blend.weights, m.Capitals.blend.finals)
	for k := range m.Capitals.chances {
		all = append(all, m.Capitals.chances[k][:])
	}
	return all
}

// Save appends what m, which Prime made, has learned.
func (m *Mind) Save(b []byte) []byte {
	for _, v := range m.state() {
		switch v := v.(type) {
		case *[]uint64:
			b = binary.LittleEndian.AppendUint32(b, uint32(len(*v)))
			b, _ = binary.Append(b, binary.LittleEndian, *v)
		case *[]uint32:
			b, _ = binary.Append(b, binary.LittleEndian, *v)
		default:
			b, _ = binary.Append(b, binary.LittleEndian, v)
		}
	}
	return b
}

// Load is the mind that Save wrote, which was primed with this design; the design needs no index. That b is what Save wrote is the caller's to
// make sure of: what is not is only found if it has another length.
func Load(d Design, b []byte) (*Mind, error) {
	x := &Index{tree: &Tree{}}
	d.Words.Index = x
	m := Prime(d, func(*Mind) {})
	r := bytes.NewReader(b)
	for _, v := range m.state() {
		if err := load(r, x, v); err != nil {
			return nil, ErrDamaged
		}
	}
	if r.Len() > 0 {
		return nil, ErrDamaged
	}
	return m, nil
}

func load(r *bytes.Reader, x *Index, v any) error {
	switch v := v.(type) {
	case *[]uint64:
		var n uint32
		if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
			return err
		}
		if int64(n)*12 > int64(r.Len()) {
			return ErrDamaged
		}
		x.words, x.before = make([]uint64, n), make([]uint32, n)
		return binary.Read(r, binary.LittleEndian, x.words)
	case *[]uint32:
		return binary.Read(r, binary.LittleEndian, x.before)
	default:
		return binary.Read(r, binary.LittleEndian, v)
	}
}
