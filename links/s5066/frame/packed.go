package frame

import (
	"bytes"
	"compress/flate"
	"io"
)

// What is far back in a history is read only when a model learns it anew. It is held compressed: stanzas of one stream are so alike that an eighth remains.

const (
	packAt = 32 // texts that are packed together
	loose  = 16 // and so many at the end are not, at least
)

// A text is a stanza, or several packed together, one behind the other.
type text struct{ plain, packed []byte }

func pack(text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("frame: cannot pack in memory: " + err.Error())
	}
	return bytes.Clone(b.Bytes())
}

func open(packed []byte) []byte {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic("frame: cannot unpack what was packed: " + err.Error())
	}
	return text
}

// pack packs what nobody is likely to go back to.
func (h *history) pack() {
	for len(h.items)-h.packed >= loose+packAt {
		some := h.items[h.packed : h.packed+packAt]
		var all []byte
		for i := range some {
			some[i].from = uint32(len(all))
			all = append(all, some[i].in.plain...)
		}
		together := &text{packed: pack(all)}
		for i := range some {
			some[i].in = together
		}
		h.packed += packAt
	}
}

// textAt is the text of items[i]. It is good until the next call.
func (h *history) textAt(i int) []byte {
	it := &h.items[i]
	if it.in.packed == nil {
		return it.in.plain
	}
	if h.opened != it.in {
		h.opened, h.plain = it.in, open(it.in.packed)
	}
	return h.plain[it.from : it.from+it.size]
}

// close lets go of what textAt needed.
func (h *history) close() { h.opened, h.plain = nil, nil }
