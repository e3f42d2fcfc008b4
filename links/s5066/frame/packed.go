package frame

import (
	"bytes"
	"compress/flate"
	"io"
)

// What is far back in a history is read only when a model learns it anew. It is held compressed: stanzas of one stream are so alike that an eighth remains.

const packAt = 64 // texts that are packed together, when so many more are there than one goes back

// A packed is texts, one behind the other.
type packed []byte

func pack(text []byte) packed {
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

func (p packed) open() []byte {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(p)))
	if err != nil {
		panic("frame: cannot unpack what was packed: " + err.Error())
	}
	return text
}

// pack packs what nobody is likely to go back to.
func (h *history) pack() {
	for len(h.items)-h.packed >= keep+packAt {
		some := h.items[h.packed : h.packed+packAt]
		var text []byte
		for i := range some {
			some[i].from = len(text)
			text = append(text, some[i].text...)
		}
		p := pack(text)
		for i := range some {
			some[i].in, some[i].text = &p, nil
		}
		h.packed += packAt
	}
}

// textAt is the text of items[i]. It is good until the next call.
func (h *history) textAt(i int) []byte {
	it := &h.items[i]
	if it.in == nil {
		return it.text
	}
	if h.opened != it.in {
		h.opened, h.plain = it.in, it.in.open()
	}
	return h.plain[it.from : it.from+it.size]
}

// close lets go of what textAt needed.
func (h *history) close() { h.opened, h.plain = nil, nil }
