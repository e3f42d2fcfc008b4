package markup

import (
	"bytes"
	"fmt"
	"sync"
	"unicode/utf8"
)

// Kind tells what kind of tag a Token is.
type Kind uint8

// The three kinds of tags. XML 1.0 §3.1.
const (
	StartTag Kind = iota + 1
	EmptyTag
	EndTag
)

// A Token is one tag, b[Start:End]; what stands between two tags is checked and skipped.
type Token struct {
	Kind       Kind
	Start, End int
	Name       Name // of a StartTag or EmptyTag
	Explicit   bool // the namespace of Name comes from a prefix or from a declaration in this very tag
	Alone      bool // of an EmptyTag or EndTag: the element uses no declaration made outside it
}

// A Scanner reads tags one by one from bytes that may still be arriving, and checks everything on the way: UTF-8,
// characters, well-formedness, namespaces. It is handed the same bytes, and more, on each call, and works on from where
// it stopped: no byte is looked at more than three times however the input was cut.
type Scanner struct {
	pos   int  // next byte to look at
	seek  int  // in a tag that is not all there: how far its '>' was sought; 0: not sought
	quote byte // … and the quote we are in there
	cdata bool // in a CDATA section

	content string // namespace name that is reported as ""
	wide    bool
	ns      []Binding
	def     int32 // ns[def] is the default namespace
	open    []element
	attrs   []attr
	names   intern

	token    Token
	tagName  element // the last StartTag or EmptyTag; only the name is set
	tagColon int
}

// element is an open element. Offsets are 32 bits wide: a stanza is far below 2 GiB.
type element struct {
	name, end int32 // b[name:end] is its qualified name
	mark      int32 // len(ns) outside it
	def       int32 // default namespace outside it
	low       int32 // outermost binding used in it; see use
}

const noUse = 1 << 30

var scanners = sync.Pool{New: func() any { return new(Scanner) }}

// NewScanner returns a Scanner from a pool; Free gives it back.
func NewScanner() *Scanner { return scanners.Get().(*Scanner) }

// Free gives the Scanner back to the pool; its owner must forget it.
func (s *Scanner) Free() {
	if cap(s.open) > 64 || cap(s.ns) > 64 || cap(s.attrs) > 64 {
		return // an odd one grew it; let it go
	}
	scanners.Put(s)
}

// Reset prepares for a new run of bytes. Elements of the namespace content are reported with Space "". scope holds the
// declarations in force outside, the default namespace among them.
func (s *Scanner) Reset(content string, scope []Binding) {
	s.pos, s.seek, s.quote, s.cdata, s.wide = 0, 0, 0, false, true
	s.content = content
	s.ns = append(s.ns[:0], scope...)
	s.open, s.attrs = s.open[:0], s.attrs[:0]
	s.def = 0
	for i := range scope {
		if scope[i].Prefix == "" {
			s.def = int32(i)
		}
	}
}

// NarrowNames makes the Scanner refuse names whose letters only the fifth edition of XML 1.0 knows.
func (s *Scanner) NarrowNames() { s.wide = false }

// Depth is how many elements are open.
func (s *Scanner) Depth() int { return len(s.open) }

// Scope is the declarations in force. It is good until the next call of Next.
func (s *Scanner) Scope() []Binding { return s.ns }

// Done tells whether all of b was read, and every element closed.
func (s *Scanner) Done(b []byte) bool { return s.pos == len(b) && len(s.open) == 0 && !s.cdata }

// Next returns the next tag in b, or ErrMore. b must begin with the bytes of the last call. When no more bytes will
// come, final makes it look for a fault in what there is of the last tag.
func (s *Scanner) Next(b []byte, final bool) (Token, error) {
	for {
		if s.cdata {
			if err := s.literal(b); err != nil {
				return Token{}, err
			}
		}
		if s.pos == len(b) || b[s.pos] != '<' {
			if err := s.text(b); err != nil {
				return Token{}, err
			}
		}
		if s.seek > 0 && !final && !s.seekEnd(b) {
			return Token{}, ErrMore
		}
		t := &s.token
		err := s.tag(b, t)
		switch {
		case err == ErrMore:
			if s.seek == 0 && s.pos+1 < len(b) && b[s.pos+1] != '!' {
				s.seek, s.quote = s.pos+1, 0
				s.seekEnd(b)
			}
			return Token{}, err
		case err != nil:
			return Token{}, err
		}
		s.seek = 0
		if t.Kind != 0 {
			s.pos = t.End
			return *t, nil
		}
	}
}

// seekEnd looks for the '>' of the tag at pos, from where it last stopped. It keeps a tag that trickles in from being
// parsed again with each byte.
func (s *Scanner) seekEnd(b []byte) bool {
	for i := s.seek; i < len(b); i++ {
		switch c := b[i]; {
		case s.quote != 0:
			n := bytes.IndexByte(b[i:], s.quote)
			if n < 0 {
				s.seek = len(b)
				return false
			}
			i, s.quote = i+n, 0
		case c == '>':
			s.seek = i
			return true
		case c == '\'' || c == '"':
			s.quote = c
		}
	}
	s.seek = len(b)
	return false
}

// text skips character data up to the next '<'.
func (s *Scanner) text(b []byte) error {
	i := s.pos
	for {
		for i < len(b) && class[b[i]]&inText != 0 {
			i++
		}
		s.pos = i
		if i == len(b) {
			return ErrMore
		}
		n := 1
		var err error
		switch c := b[i]; {
		case c == '<':
			return nil
		case c == '&':
			n, err = reference(b, i)
		case c == '>':
			// XML 1.0 §2.4: "]]>" must not stand in text. What precedes a text is a tag, which does not end in ']'.
			if i >= 2 && b[i-1] == ']' && b[i-2] == ']' {
				return malformed("]]> in text")
			}
		case c >= utf8.RuneSelf:
			n, err = char(b, i)
		default:
			return malformed("control character %#x", c)
		}
		if err != nil {
			return err
		}
		i += n
	}
}

// literal skips to the end of a CDATA section.
func (s *Scanner) literal(b []byte) error {
	i := s.pos
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case c == ']':
			if i+2 >= len(b) && string(b[i:]) == "]]>"[:len(b)-i] {
				s.pos = i
				return ErrMore
			}
			if b[i+1] == ']' && b[i+2] == '>' {
				s.pos, s.cdata = i+3, false
				return nil
			}
		case class[c]&inText != 0 || c == '<' || c == '&' || c == '>':
		case c >= utf8.RuneSelf:
			n, err := char(b, i)
			if err != nil {
				s.pos = i
				return err
			}
			i += n - 1
		default:
			return malformed("control character %#x", c)
		}
	}
	s.pos = i
	return ErrMore
}

const cdataStart = "<![CDATA["

// tag reads the tag at b[pos] into t. A t of no Kind is the start of a CDATA section.
func (s *Scanner) tag(b []byte, t *Token) error {
	i := s.pos
	if i+1 == len(b) {
		return ErrMore
	}
	switch b[i+1] {
	case '/':
		return s.endTag(b, i, t)
	case '?':
		return fmt.Errorf("markup: processing instruction: %w", ErrRestricted)
	case '!':
		n := min(len(b)-i, len(cdataStart))
		if string(b[i:i+n]) != cdataStart[:n] {
			// RFC 6120 §11.1: no comments, no document type declarations.
			return fmt.Errorf("markup: comment or declaration: %w", ErrRestricted)
		}
		if n < len(cdataStart) {
			return ErrMore
		}
		s.pos, s.cdata = i+n, true
		*t = Token{}
		return nil
	}
	return s.startTag(b, i, t)
}

func (s *Scanner) endTag(b []byte, lt int, t *Token) error {
	if len(s.open) == 0 {
		return malformed("end tag without start tag")
	}
	o := &s.open[len(s.open)-1]
	name := b[o.name:o.end]
	i := lt + 2
	n := min(len(name), len(b)-i)
	if !bytes.Equal(b[i:i+n], name[:n]) {
		return malformed("end tag of another element")
	}
	for i += n; i < len(b) && class[b[i]]&space != 0; i++ {
	}
	if i == len(b) {
		return ErrMore
	}
	if b[i] != '>' {
		return malformed("end tag of another element")
	}
	*t = Token{Kind: EndTag, Start: lt, End: i + 1, Alone: s.pop()}
	return nil
}

// pop closes the innermost element and tells whether it stands alone.
func (s *Scanner) pop() bool {
	n := len(s.open) - 1
	o := s.open[n]
	s.open = s.open[:n]
	s.ns, s.def = s.ns[:o.mark], o.def
	if n > 0 && o.low < s.open[n-1].low {
		s.open[n-1].low = o.low
	}
	return o.low >= o.mark
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("markup: "+format+": %w", append(args, ErrMalformed)...)
}
