package block

import (
	"strings"
	"time"

	"longwire/links"
)

// What a piece is, in a block: a links.Kind, or one of these.
const (
	kindEnd     = 0
	kindSpelt   = 10 // a stanza in its bytes: the codec refuses it, or they are fewer
	kindLast    = 11 // last words: XML
	kindPadding = 12
	kinds       = 16
)

// words is what is known of the pieces that are no stanzas. Both ends have one for each direction, and it learns as it goes.
type words struct {
	kind   [kinds][kinds]chance // which comes, by the one before; 0 is the beginning
	flags  [kinds][4]chance
	sizes  [kinds][3]lengths
	before uint8
	mark   uint32 // the latest H
}

// newWords knows what is usual, having heard it.
func newWords() *words {
	w := new(words)
	for i := range w.kind {
		for j := range w.kind[i] {
			w.kind[i][j] = even
		}
		for j := range w.flags[i] {
			w.flags[i][j] = even
		}
		for j := range w.sizes[i] {
			for k := range w.sizes[i][j] {
				w.sizes[i][j][k] = even
			}
		}
	}
	w.rehearse()
	return w
}

// rehearse goes through a little traffic, as between two nodes that write to each other. Choice: examples are easier to read than a table.
func (w *words) rehearse() {
	const S, A, R, E = links.Stanza, links.Ack, links.Request, kindEnd
	say := func(h uint32, kinds ...links.Kind) {
		for _, k := range kinds {
			w.say(coder{}, &links.Piece{Kind: k, H: h, HasH: true, HasSeq: true, Seq: 300, Resumes: true, ID: "aaaaaa", Max: 24 * time.Hour})
		}
	}
	say(1, links.Enable, S, E)
	say(1, links.Enabled, A, E)
	for n := uint32(300); n < 308; n++ {
		say(n, links.Resume, S, R, E)
		say(n, links.Resumed, E)
	}
	for n := uint32(300); n < 316; {
		for _, step := range []uint32{1, 1, 2, 1} {
			n += step
			say(n, S, E)
			say(n, A, S, E)
			say(n, A, E)
		}
		say(n, A, S, S, E)
	}
	w.mark = 0
}

// next says which kind of piece comes.
func (w *words) next(c coder, kind uint8) uint8 {
	k := uint8(c.tree(w.kind[w.before][:], 4, uint32(kind)))
	w.before = k
	return k
}

// say says a piece that is no stanza, or finds out what it is; of a stanza only that it is one. A kind that is none here is left to the caller.
func (w *words) say(c coder, p *links.Piece) (ok bool) {
	p.Kind = links.Kind(w.next(c, uint8(p.Kind)))
	k := p.Kind
	ok = true
	switch k {
	case links.Enable, links.Enabled, links.Resume, links.Resumed:
		p.ID, ok = w.name(c, k, p.ID)
	case links.Failed:
		p.Cause, ok = w.text(c, k, p.Cause)
		p.HasH = c.flag(&w.flags[k][2], p.HasH)
	}
	if k == links.Enable || k == links.Enabled {
		p.Resumes = c.flag(&w.flags[k][1], p.Resumes)
	}
	if k == links.Enabled {
		p.Max = time.Second * time.Duration(c.number(&w.sizes[k][1], uint32(min(p.Max/time.Second, 1<<31))))
	}
	switch k {
	case links.Ack, links.Resume, links.Resumed:
		p.HasH = true
		fallthrough
	case links.Failed:
		if p.HasH {
			w.mark += c.number(&w.sizes[k][0], p.H-w.mark)
			p.H = w.mark
		}
	}
	switch k {
	case links.Enable, links.Enabled, links.Resume, links.Resumed:
		if p.HasSeq = c.flag(&w.flags[k][3], p.HasSeq); p.HasSeq {
			p.Seq = c.number(&w.sizes[k][2], p.Seq)
		}
	}
	return ok
}

// letters are those of the names that Longwire nodes give to streams, of six each.
const letters = "abcdefghijklmnopqrstuvwxyz234567"

// name is the name of a stream: six letters, or anything.
func (w *words) name(c coder, k links.Kind, s string) (string, bool) {
	if !c.flag(&w.flags[k][0], isName(s)) {
		return w.text(c, k, s)
	}
	var b [6]byte
	for i := range b {
		v := 0
		if c.in == nil {
			v = strings.IndexByte(letters, s[i])
		}
		b[i] = letters[c.plain(5, uint32(v))]
	}
	return string(b[:]), true
}

func isName(s string) bool { return len(s) == 6 && strings.Trim(s, letters) == "" }

func (w *words) text(c coder, k links.Kind, s string) (string, bool) {
	b, ok := c.bytes(&w.sizes[k][1], []byte(s[:min(len(s), maxSpelt)]), maxSpelt)
	return string(b), ok
}
