package sm

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"longwire/xmpp/markup"
)

// NS is the namespace of every element here.
const NS = "urn:xmpp:sm:3"

const nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"

// maxID bounds the name of a stream. XEP-0198 §3: at most 4000 bytes.
const maxID = 4000

// ErrMalformed is wrapped by every error of parsing.
var ErrMalformed = errors.New("malformed")

// Enable asks for stream management.
type Enable struct {
	Resume bool
	Max    uint32 // preferred seconds of resumption; 0: no preference
	ID     string // between Longwire nodes: the opener's name for the stream it sends
}

// Enabled grants it.
type Enabled struct {
	ID       string // names the stream in a later Resume; "" if Resume is false
	Resume   bool
	Max      uint32 // seconds; 0: not said
	Location string // where to come back to; "" here
	Seq      uint32 // between Longwire nodes: number of the first stanza that follows; 0 and 1 are not written
}

// Resume takes a stream up again, or as an answer (<resumed/>) confirms that.
type Resume struct {
	PrevID string
	H      uint32 // last number handled by who sends this
	Seq    uint32 // between Longwire nodes: number of the first stanza that follows, if HasSeq
	HasSeq bool
}

// Failed refuses either.
type Failed struct {
	Condition string // a stanza error condition, such as item-not-found; "" if none was given
	H         uint32 // last number handled, if HasH
	HasH      bool
}

// AppendFeature writes the stream feature.
func AppendFeature(b []byte) []byte { return append(b, "<sm xmlns='"+NS+"'/>"...) }

// AppendR writes a request for an acknowledgement.
func AppendR(b []byte) []byte { return append(b, "<r xmlns='"+NS+"'/>"...) }

// AppendA writes an acknowledgement of everything up to h.
func AppendA(b []byte, h uint32) []byte {
	b = append(b, "<a xmlns='"+NS+"'"...)
	return append(number(b, "h", h), "/>"...)
}

// Append writes <enable/>.
func (e Enable) Append(b []byte) []byte {
	b = append(b, "<enable xmlns='"+NS+"'"...)
	b = text(b, "id", e.ID)
	b = flag(b, "resume", e.Resume)
	if e.Max > 0 {
		b = number(b, "max", e.Max)
	}
	return append(b, "/>"...)
}

// Append writes <enabled/>.
func (e Enabled) Append(b []byte) []byte {
	b = append(b, "<enabled xmlns='"+NS+"'"...)
	b = text(b, "id", e.ID)
	b = flag(b, "resume", e.Resume)
	if e.Max > 0 {
		b = number(b, "max", e.Max)
	}
	b = text(b, "location", e.Location)
	if e.Seq > 1 {
		b = number(b, "seq", e.Seq)
	}
	return append(b, "/>"...)
}

// AppendResume writes <resume/>.
func (r Resume) AppendResume(b []byte) []byte { return r.append(b, "<resume xmlns='"+NS+"'") }

// AppendResumed writes <resumed/>.
func (r Resume) AppendResumed(b []byte) []byte { return r.append(b, "<resumed xmlns='"+NS+"'") }

func (r Resume) append(b []byte, tag string) []byte {
	b = append(b, tag...)
	b = text(b, "previd", r.PrevID)
	b = number(b, "h", r.H)
	if r.HasSeq {
		b = number(b, "seq", r.Seq)
	}
	return append(b, "/>"...)
}

// Append writes <failed/>.
func (f Failed) Append(b []byte) []byte {
	b = append(b, "<failed xmlns='"+NS+"'"...)
	if f.HasH {
		b = number(b, "h", f.H)
	}
	if f.Condition == "" {
		return append(b, "/>"...)
	}
	b = append(b, "><"...)
	b = append(b, f.Condition...)
	return append(b, " xmlns='"+nsStanzas+"'/></failed>"...)
}

func number(b []byte, name string, n uint32) []byte {
	b = append(append(append(b, ' '), name...), "='"...)
	return append(strconv.AppendUint(b, uint64(n), 10), '\'')
}

func text(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ' '), name...), "='"...)
	return append(markup.AppendEscaped(b, value), '\'')
}

func flag(b []byte, name string, value bool) []byte {
	if !value {
		return b // XEP-0198 §11: false is the default
	}
	return append(append(append(b, ' '), name...), "='true'"...)
}

// Is tells whether e is the element of stream management with that name.
func Is(e *markup.Element, local string) bool {
	return e != nil && e.Name.Space == NS && e.Name.Local == local
}

// ParseA reads the h of <a/>.
func ParseA(e *markup.Element) (h uint32, err error) {
	p := parser{e: e}
	h = p.count("h")
	return h, p.err
}

// ParseEnable reads <enable/>.
func ParseEnable(e *markup.Element) (Enable, error) {
	p := parser{e: e}
	v := Enable{Resume: p.flag("resume"), Max: p.seconds("max"), ID: p.name("id")}
	return v, p.err
}

// ParseEnabled reads <enabled/>.
func ParseEnabled(e *markup.Element) (Enabled, error) {
	p := parser{e: e}
	v := Enabled{ID: p.name("id"), Resume: p.flag("resume"), Max: p.seconds("max"), Location: p.name("location"), Seq: 1}
	if e.HasAttr("seq") {
		v.Seq = p.count("seq")
	}
	if v.Resume && v.ID == "" && p.err == nil {
		p.fail("id", "") // XEP-0198 §3: a stream that can be resumed has a name
	}
	return v, p.err
}

// ParseResume reads <resume/> and <resumed/>; both have the same attributes.
func ParseResume(e *markup.Element) (Resume, error) {
	p := parser{e: e}
	v := Resume{PrevID: p.name("previd"), H: p.count("h"), HasSeq: e.HasAttr("seq")}
	if v.HasSeq {
		v.Seq = p.count("seq")
	}
	if v.PrevID == "" && p.err == nil {
		p.fail("previd", "")
	}
	return v, p.err
}

// ParseFailed reads <failed/>.
func ParseFailed(e *markup.Element) (Failed, error) {
	p := parser{e: e}
	v := Failed{HasH: e.HasAttr("h")}
	if v.HasH {
		v.H = p.count("h")
	}
	for _, c := range e.Children {
		if c.Name.Space == nsStanzas && c.Name.Local != "text" {
			v.Condition = c.Name.Local
			break
		}
	}
	return v, p.err
}

// parser reads attributes and keeps the first error.
type parser struct {
	e   *markup.Element
	err error
}

func (p *parser) fail(attr, value string) {
	if p.err != nil {
		return
	}
	if len(value) > 40 {
		value = value[:40] + "…"
	}
	p.err = fmt.Errorf("sm: <%s/>: %s=%q: %w", p.e.Name.Local, attr, value, ErrMalformed)
}

// count reads a number that must be there: decimal digits of an unsigned 32-bit number, and nothing else.
func (p *parser) count(attr string) uint32 {
	s := p.e.Attr(attr)
	n, err := strconv.ParseUint(s, 10, 32) // takes no sign, no space, no underscore in base 10
	if err != nil {
		p.fail(attr, s)
		return 0
	}
	return uint32(n)
}

// seconds reads a duration that may be absent. One too long to count is as long as can be counted.
func (p *parser) seconds(attr string) uint32 {
	s := p.e.Attr(attr)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return math.MaxUint32
	case err != nil:
		p.fail(attr, s)
		return 0
	}
	return uint32(n)
}

// flag reads an xs:boolean; absent is false.
func (p *parser) flag(attr string) bool {
	switch s := p.e.Attr(attr); s {
	case "true", "1":
		return true
	case "false", "0", "":
	default:
		p.fail(attr, s)
	}
	return false
}

// name reads a bounded string.
func (p *parser) name(attr string) string {
	s := p.e.Attr(attr)
	if len(s) > maxID {
		p.fail(attr, s)
		return ""
	}
	return s
}
