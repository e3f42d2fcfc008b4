package token

// todo is what will be read: an op on a field or on an element type, and what else it must know.
type todo struct {
	op    Op
	field uint16
	typ   int16
	n     uint32
}

// A Place follows a token string byte by byte and says what comes next. It takes any bytes. What it says is a function of
// the string so far; only Head, From and To of the stanza before are kept.
type Place struct {
	s     *schema
	stack []todo

	Op    Op
	Field uint16 // whose byte comes: below Fields
	Kind  uint8  // what is usual in that field
	Text  bool   // the byte is of plain text, ended by a zero
	Human bool   // … which a person wrote
	Raw   bool   // the byte is of a value that looks random, …
	Even  bool   // … and so is the byte itself: all are as likely
	Cold  bool   // nothing was learned from stanzas before
	Pos   uint32 // bytes of the text or of the value so far
	Type  int16  // the element that the byte is in or of; -1: one that the schema does not know

	Value  uint32 // hash of the value so far
	Path   uint32 // hash of what was in the element before
	Last   uint32 // hash of the value before
	Head   byte
	From   uint32 // hash of the sender, 0 as long as it is not known
	To     uint32
	Before struct { // the same of the stanza before
		Head     byte
		From, To uint32
	}
	Lo, Hi int  // symbols from Lo on and below Hi are those that the tables have; none: nothing is known of them
	Named  bool // the byte is a number that another stream gives to something else
	Again  int  // as many symbols come into question that are greater by this, if it is not 0

	state State
	from  int    // number of the sender, -1: none
	up    uint32 // path where the present element stands
}

// Fields is how many fields there may be.
const Fields = 1024

// noJID stands for one that has no number yet.
const noJID = 0xFFFF

// maxTodo bounds what is to be read; more than any stanza's needs.
const maxTodo = 4096

// Begin makes ready for a stanza, before which the tables were in that state.
func (p *Place) Begin(state State) {
	p.state, p.from, p.Cold = state, -1, state.cold
	if p.s == nil {
		p.s = theSchema()
	}
	p.Before.Head, p.Before.From, p.Before.To = p.Head, p.From, p.To
	p.stack = append(p.stack[:0], todo{op: OpHead, field: fieldHead, typ: -1})
	p.Head, p.From, p.To, p.Last, p.up, p.Path = 0, 0, 0, 0, 0, 0
	p.fresh()
	p.show()
}

// Forget makes a new Place of it, for the first stanza of a stream.
func (p *Place) Forget() { *p = Place{s: p.s, stack: p.stack} }

func hash(h uint32, c uint32) uint32 { return (h + c + 1) * 0x9E3779B1 }

func (p *Place) fresh() { p.Value, p.Pos = 0, 0 }

func (p *Place) push(t todo) { p.stack = append(p.stack, t) }

// Step takes the next byte in. It tells whether the stanza ends with it.
func (p *Place) Step(c byte) (end bool) {
	n := len(p.stack)
	if n == 0 {
		return true
	}
	t := p.stack[n-1]
	p.stack = p.stack[:n-1]
	p.Value = hash(p.Value, uint32(c))
	p.Pos++
	p.act(t, c)
	if len(p.stack) > maxTodo {
		p.stack = p.stack[:0]
	}
	p.show()
	return len(p.stack) == 0
}
