package frame

// A place is where in a stanza the text is, as far as that helps to guess what comes. It follows markup as our own serialiser writes it, and
// takes any bytes.
type place struct {
	state uint8
	quote byte
	depth int
	stack [maxDepth]uint32 // hashes of the open elements' names
	elem  uint32           // hash of the name in the tag that is open
	attr  uint32           // hash of the attribute's name
	field uint32           // what kind of text this is
	col   int              // bytes of it so far
	slash bool             // the byte before was a slash, in a tag

	at     int // bytes of the stanza so far
	idFrom int // where the value of the stanza's own id is,
	idLen  int
	value  int    // and where the present attribute's value began
	from   uint32 // hash of the stanza's sender
	order  uint32 // hash of the elements so far
	hash   uint32 // of the attribute's value so far
}

const maxDepth = 24

const (
	inText  uint8 = iota
	inOpen        // after <
	inName        // of a start tag
	inEnd         // of an end tag
	inTag         // between attributes
	inAttr        // an attribute's name
	inEqual       // before the quote
	inValue
)

const hashMul = 0x9E3779B1

var (
	idAttr   = hashByte(hashByte(0, 'i'), 'd')
	fromAttr = hashByte(hashByte(hashByte(hashByte(0, 'f'), 'r'), 'o'), 'm')
)

func hashByte(h uint32, c byte) uint32 { return (h + uint32(c) + 1) * hashMul }

// step takes the next byte in. It tells whether the stanza ends with it.
func (p *place) step(c byte) (end bool) {
	p.at++
	p.col++
	switch p.state {
	case inText:
		if c == '<' {
			p.enter(inOpen, p.order*3+1)
		}
	case inOpen:
		p.order = hashByte(p.order, c)
		if c == '/' {
			p.enter(inEnd, p.open()*5+2)
		} else {
			p.elem, p.attr = hashByte(0, c), 0
			p.state = inName
		}
	case inName, inTag, inAttr, inEqual:
		end = p.tag(c)
	case inEnd:
		if c == '>' {
			p.depth = max(0, p.depth-1)
			p.text()
			end = p.depth == 0
		}
	case inValue:
		p.hash = hashByte(p.hash, c)
		if c == p.quote {
			if p.attr == idAttr && p.depth == 0 {
				p.idFrom, p.idLen = p.value, p.at-1-p.value
			}
			if p.attr == fromAttr && p.depth == 0 {
				p.from = p.hash
			}
			p.enter(inTag, p.elem*7+3)
		}
	}
	p.slash = c == '/'
	return end
}

func (p *place) tag(c byte) (end bool) {
	switch {
	case c == '>':
		if !p.slash {
			if p.depth < maxDepth {
				p.stack[p.depth] = p.elem
			}
			p.depth++
		}
		p.text()
		return p.depth == 0
	case p.state == inEqual && (c == '\'' || c == '"'):
		p.quote, p.value, p.hash = c, p.at, 0
		p.enter(inValue, (p.elem+p.attr)*hashMul+4)
	case c == ' ' || c == '/':
		p.enter(inTag, p.elem*7+3)
	case p.state == inName:
		p.elem = hashByte(p.elem, c)
		p.order = hashByte(p.order, c)
	case c == '=':
		p.state = inEqual
	case p.state == inAttr:
		p.attr = hashByte(p.attr, c)
	default:
		p.attr, p.state = hashByte(0, c), inAttr
	}
	return false
}

func (p *place) enter(state uint8, field uint32) { p.state, p.field, p.col = state, field, 0 }

func (p *place) open() uint32 {
	if p.depth == 0 || p.depth > maxDepth {
		return 0
	}
	return p.stack[p.depth-1]
}

func (p *place) text() { p.enter(inText, p.open()*3+5) }

// atID tells that the value of an id begins that may be the stanza's own again: that of an element in it.
func (p *place) atID() bool {
	return p.state == inValue && p.col == 0 && p.depth > 0 && p.idLen > 0 && p.attr == idAttr
}

// A junction is a point where what comes next depends most on who sends and which elements were there before: clients have their ways.
// junction tells whether this is one, and names it.
func (p *place) junction(last uint32) (key uint32, ok bool) {
	if p.col != 0 || p.state != inOpen && p.state != inTag && p.state != inValue {
		return 0, false
	}
	return ((p.from*31+p.order)*hashMul+p.attr)*hashMul + p.field + last, true
}

// codable tells whether text is one element as step understands it, which ends with its last byte and not before.
func codable(text []byte) bool {
	var p place
	if len(text) < 4 || text[0] != '<' {
		return false
	}
	for i, c := range text {
		if p.step(c) {
			return i == len(text)-1
		}
	}
	return false
}
