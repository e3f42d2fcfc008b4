package light

import "longwire/links/codec/arith"

// Decode takes in the text that d says, of max bytes at most. It is not ok if there is none; then the model must be Reset.
func (m *Model) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	m.begin()
	m.tok, m.fields = m.tok[:0], m.fields[:0]
	r := reading{m: m, d: d, most: tokens(max)}
	r.place.begin()
	for !r.ended {
		if !r.step() {
			return nil, false
		}
	}
	text, n, err := m.words.Parse(m.tok, max)
	if err != nil || n != len(m.tok) || n > tokens(len(text)) {
		return nil, false
	}
	m.take()
	return text, true
}

// tokens is how many bytes of tokens a text of so many can be. Nobody writes more, which would only keep the reader busy.
func tokens(text int) int { return 2*text + 64 }

// A reading is a stanza that is being read.
type reading struct {
	m     *Model
	d     *arith.Decoder
	most  int
	place place
	ended bool
	lag   int // as in spot
	had   bool
}

// step reads a byte, or a quotation.
func (r *reading) step() (ok bool) {
	f := r.place.field()
	if r.d.Decode(chanceQuote[f.text]) == 0 {
		return r.put(r.m.lit.in(f.context).read(r.d))
	}
	from, at, length, ok := r.quotation(f.text)
	if !ok || at < 0 || at+length > len(from) {
		return false
	}
	for _, c := range from[at : at+length] {
		if r.ended || !r.put(c) {
			return false
		}
	}
	return true
}

// put takes a byte in.
func (r *reading) put(c byte) bool {
	if len(r.m.tok) == r.most || r.d.Over() {
		return false
	}
	r.m.tok = append(r.m.tok, c)
	r.m.fields = append(r.m.fields, r.place.field())
	r.ended = r.place.step(c)
	return true
}

// quotation reads what is quoted.
func (r *reading) quotation(text uint8) (from []byte, at, length int, ok bool) {
	k := fresh
	if r.had && r.d.Decode(chanceAgain[text]) == 1 {
		k = again
	} else if len(r.m.past.buf) == 0 || r.d.Decode(chanceBook[text]) == 1 {
		k = book
	}
	if length, ok = lengths[text].read(r.d); !ok {
		return nil, 0, 0, false
	}
	length += shortest - 1
	past := r.m.past.buf
	switch k {
	case again:
		return past, len(r.m.tok) + r.lag, length, true
	case book:
		at, ok = places.read(r.d)
		return r.m.known.book.buf, at - 1, length, ok
	}
	at, ok = ages.read(r.d)
	r.had, r.lag = true, len(past)-at-len(r.m.tok)
	return past, len(past) - at, length, ok && at <= reach
}
