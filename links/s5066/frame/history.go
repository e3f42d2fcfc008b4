package frame

import (
	"bytes"

	"longwire/links/codecs"
)

// Sizes of the history.
const (
	window  = 208 << 10 // so much text is coded against, at most. With 72 KiB a stanza takes 0.9 bytes more, with 256 KiB 0.03 less;
	carry   = 104 << 10 // and so much of it is kept when that is full
	keep    = 128       // numbers that one can go back
	keepMax = 512 << 10 // bytes of them
)

// A history is the text of a run by number, and the model that has learned it. What the model knows before a stanza is a function
// of the stanzas of the run, whatever frames they came in: it has learned those from the stanza's base on, in order.
type history struct {
	begun bool
	first uint32 // number of items[0]
	items []item
	bytes int    // of all texts
	base  uint32 // where the history of the next stanza begins
	size  int    // bytes from base on

	method codecs.Method
	near   [2]uint64    // what the model is told of ids; then nothing can follow the first frame, as the other end was told about the same only
	m      codecs.Model // made when it is needed
	at     uint32       // m knows what is before this number
	ok     bool         // m is good for anything
	mb     uint32       // the base that m began with

	packed int   // so many items from the first on are packed
	opened *text // what plain is of
	plain  []byte
}

// An item is small, as a full history has a thousand.
type item struct {
	in   *text
	from uint32 // where it begins in what in is packed of
	size uint32
	base uint32
}

// start begins a run: nothing is known before stanza n.
func (h *history) start(n uint32, m codecs.Method, near [2]uint64) {
	old := *h
	*h = history{begun: true, first: n, base: n, method: m, near: near}
	if old.method.Codec == m.Codec {
		h.m = old.m
	}
}

// lone tells whether nothing can follow the first frame.
func (h *history) lone() bool { return h.near != [2]uint64{} }

// next is the number behind the last text.
func (h *history) next() uint32 { return h.first + uint32(len(h.items)) }

// has tells whether stanza n can be coded: it is the next, or one of the run that is still here and whose history is.
func (h *history) has(n uint32) bool {
	if !h.begun || n-h.first > uint32(len(h.items)) || h.lone() && n != h.first {
		return false
	}
	return int32(h.baseOf(n)-h.first) >= 0
}

func (h *history) baseOf(n uint32) uint32 {
	if n == h.next() {
		return h.base
	}
	return h.items[n-h.first].base
}

func (h *history) text(n uint32) ([]byte, bool) {
	if !h.begun || n-h.first >= uint32(len(h.items)) {
		return nil, false
	}
	return bytes.Clone(h.textAt(int(n - h.first))), true
}

// add puts stanza next at the end. The model is told elsewhere, and trim is left to the caller.
func (h *history) add(t []byte) {
	h.items = append(h.items, item{in: &text{plain: t}, size: uint32(len(t)), base: h.base})
	h.bytes += len(t)
	h.size += len(t)
	if h.size > window {
		// Both ends cut at the same stanza, as they do it by the same sizes.
		for h.size > carry {
			h.size -= int(h.items[h.base-h.first].size)
			h.base++
		}
	}
}

// trim forgets what nobody goes back to.
func (h *history) trim() {
	oldest := h.base
	if n := len(h.items); n > keep {
		oldest = min2(oldest, h.items[n-keep].base)
	} else if n > 0 {
		oldest = min2(oldest, h.items[0].base)
	}
	drop := 0
	for h.first+uint32(drop) != h.base && (int32(h.first+uint32(drop)-oldest) < 0 || h.bytes > keepMax) {
		h.bytes -= int(h.items[drop].size)
		drop++
	}
	defer h.pack()
	if drop == 0 {
		return
	}
	h.packed = max(h.packed-drop, 0)
	h.first += uint32(drop)
	k := copy(h.items, h.items[drop:])
	clear(h.items[k:])
	h.items = h.items[:k]
}

// min2 is the earlier of two numbers.
func min2(a, b uint32) uint32 {
	if int32(a-b) < 0 {
		return a
	}
	return b
}

// back forgets stanza n and all behind it. has(n) must hold.
func (h *history) back(n uint32) {
	if n == h.next() {
		return
	}
	base := h.baseOf(n)
	k := int(n - h.first)
	for _, it := range h.items[k:] {
		h.bytes -= int(it.size)
	}
	clear(h.items[k:])
	h.items = h.items[:k]
	h.packed = min(h.packed, k)
	h.base, h.size = base, 0
	for i := int(base - h.first); i < k; i++ {
		h.size += int(h.items[i].size)
	}
	if int32(h.at-n) > 0 {
		h.ok = false
	}
}

// seek makes the model ready for stanza n. has(n) must hold.
func (h *history) seek(n uint32) {
	base := h.baseOf(n)
	if h.m == nil {
		h.m = h.method.New()
		h.ok = false
	}
	if !h.ok || h.mb != base || int32(h.at-n) > 0 {
		h.m.Reset()
		if m, ok := h.m.(interface{ Near(own, others uint64) }); ok && h.lone() {
			m.Near(h.near[0], h.near[1])
		}
		h.at, h.mb, h.ok = base, base, true
	}
	for ; h.at != n; h.at++ {
		h.m.Learn(h.textAt(int(h.at - h.first)))
	}
	h.close()
}

// rest lets go of the model.
func (h *history) rest() { h.m, h.ok = nil, false }
