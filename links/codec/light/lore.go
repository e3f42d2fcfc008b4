package light

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"longwire/links/codec"
	"longwire/links/codec/lore"
	"longwire/links/codec/token"
	"longwire/xmpp/markup"
)

// A Lore is what both ends know before the first stanza. It does not change, and any number of models share it.
type Lore struct {
	book     *window
	literals [contexts]*tree
	jids     []string
	strings  []string
	id       [4]byte
}

// version of the format. Any change of what is sent for a text is another.
const version = 1

// Base is the lore that ships with the program.
var Base = sync.OnceValue(func() *Lore { return newLore(lore.Shipped()) })

// Sizes of what is taken of the data.
const (
	bookStanzas = 300 // the dictionary is their tokens,
	bookSize    = 16 << 10
)

// newLore learns chances from all texts, and makes a dictionary of the first stanzas.
func newLore(d lore.Data) *Lore {
	l := &Lore{book: new(window)}
	m := l.Model()
	for _, t := range d.Lines {
		line := append([]byte("<message><body>"), markup.AppendEscaped(nil, string(t))...)
		m.Learn(append(line, "</body></message>"...))
	}
	for _, t := range d.Stanzas {
		m.Learn(t)
	}
	l.literals = m.lit.own
	m = l.Model()
	for _, t := range d.Stanzas[:min(bookStanzas, len(d.Stanzas))] {
		if m.load(t) && len(l.book.buf)+len(m.tok) <= bookSize {
			l.book.add(m.tok)
		}
	}
	l.identify()
	return l
}

var errProvision = errors.New("light: the provision is over 256 KiB")

// With is the lore with p in addition to what ships. Phrases are of no use here.
func (l *Lore) With(p codec.Provision) (*Lore, error) {
	sorted := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	w := *l
	w.jids, w.strings = sorted(p.JIDs), sorted(p.Strings)
	n := 0
	for _, s := range slices.Concat(w.jids, w.strings) {
		n += len(s)
	}
	if n > 256<<10 {
		return nil, errProvision
	}
	w.identify()
	return &w, nil
}

func (l *Lore) identify() {
	h := sha256.New()
	fmt.Fprintf(h, "longwire light %d\n%s\n%q\n%q\n", version, token.Schema(), l.jids, l.strings)
	h.Write(lore.Packed())
	copy(l.id[:], h.Sum(nil))
}

// ID tells lores apart: two ends that have the same understand each other.
func (l *Lore) ID() [4]byte { return l.id }

// Model is a new stream that knows the lore.
func (l *Lore) Model() *Model { return &Model{lore: l} }

func (l *Lore) table() *token.Table { return token.New(l.jids, l.strings) }
