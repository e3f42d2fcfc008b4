package codec

import "longwire/links/codec/mix"

// A writer follows human text: what its next symbol is guessed from. Letters are guessed without regard to case, and their case apart.
type writer struct {
	field uint32
	at    int // symbols so far

	recent     uint64 // the last eight symbols, folded
	word, last uint32 // hashes of the letters of the word so far, and of the word before
	before     uint32 // and of the one before that
	long, prev int    // letters in them

	raised  int  // capitals in the word so far
	letters int  // of the text
	capital int  // of them
	fresh   bool // a sentence begins
	ask     mix.Ask
}

const hashMul = 0x9E3779B1

func hash(a, b uint32) uint32 {
	x := (a ^ b*0x85EBCA6B) * hashMul
	return x ^ x>>15
}

func (w *writer) begin(field uint32) { *w = writer{field: field, fresh: true} }

func fold(c byte) (symbol byte, capital int) {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20, 1
	}
	return c, 0
}

func isLetter(symbol byte) bool { return symbol >= 'a' && symbol <= 'z' }

// next is what the symbol is guessed from.
func (w *writer) next() *mix.Ask {
	r := w.recent
	c1, c2 := uint32(r&0xFF), uint32(r>>8&0xFF)
	a := &w.ask
	order := func(k int) uint32 {
		masked := r & (1<<(8*k) - 1)
		return hash(uint32(masked)+uint32(masked>>32)*0x2F0B4C47, uint32(k+1)<<16)
	}
	pairs := hash(w.word, w.last)
	a.Contexts = [mix.Contexts]uint32{order(1), order(2), order(3), hash(w.word+c1, 7<<16)}
	a.Runs = [mix.Runs]uint32{order(3), order(4), order(5), order(6), hash(pairs+c1, 8<<16), hash(hash(w.word, w.before)+c1, 9<<16)}
	pair := 0
	if w.prev > 0 {
		pair = w.long + 1 + w.prev + 1
	}
	a.Orders = [mix.Orders]int{1, 2, 3, 4, 5, 6, 7, w.long + 1, pair}
	a.Views = [mix.Views]uint32{uint32(min(w.long, 15)), c1 & 127, uint32(min(w.at, 15)) | min(w.field, 3)<<4, class(byte(c1))*8 + class(byte(c2))}
	a.Refine = c1 * hashMul
	return a
}

// class of a symbol, 0 to 7.
func class(c byte) uint32 {
	switch {
	case c == 0:
		return 0
	case c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y':
		return 1
	case isLetter(c):
		return 2
	case c == ' ':
		return 3
	case c >= '0' && c <= '9':
		return 4
	case c == '.' || c == '!' || c == '?' || c == ',':
		return 5
	case c >= 0x80:
		return 6
	}
	return 7
}

// capitals is what the case of a letter is guessed from.
func (w *writer) capitals(symbol byte) (contexts [mix.FlagContexts]uint32, view uint32) {
	style := uint32(0) // of the text so far
	switch {
	case w.letters == 0:
		style = 0
	case w.capital == 0:
		style = 1
	case w.capital == w.letters:
		style = 2 + uint32(min(w.letters, 4))
	default:
		style = 7
	}
	inWord := uint32(0)
	switch {
	case w.long == 0:
		inWord = 0
	case w.raised == 0:
		inWord = 1
	case w.raised == w.long:
		inWord = 2 + uint32(min(w.raised, 2))
	default:
		inWord = 5
	}
	state := style*8 + inWord
	if w.fresh {
		state += 64
	}
	c1 := uint32(w.recent & 0xFF)
	contexts = [mix.FlagContexts]uint32{
		hash(state, 1), hash(state<<8|uint32(symbol), 2), hash(w.word+uint32(symbol), state+3), hash(state<<8|c1, uint32(symbol)<<4|4),
	}
	view = min(style, 3) | inWord&3<<2
	return contexts, view
}

// step takes the symbol in.
func (w *writer) step(symbol byte, capital int) {
	w.at++
	w.recent = w.recent<<8 | uint64(symbol)
	if isLetter(symbol) || symbol >= 0x80 || symbol == '\'' {
		w.word = hash(w.word, uint32(symbol)+1)
		w.long++
		w.raised += capital
		if isLetter(symbol) {
			w.letters++
			w.capital += capital
		}
		w.fresh = false
		return
	}
	if w.long > 0 {
		w.before, w.last, w.prev = w.last, w.word, w.long
	}
	w.word, w.long, w.raised = 0, 0, 0
	if symbol == '.' || symbol == '!' || symbol == '?' {
		w.fresh = true
	}
}
