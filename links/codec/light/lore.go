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
	learned func() *learned
	jids    []string
	strings []string
	id      [4]byte
}

// What was learned of the data.
type learned struct {
	book     *window
	literals [contexts]*tree
}

// version of the format. Any change of what is sent for a text is another.
const version = 1

// Base is the lore that ships with the program. It is learned when the first model begins.
func Base() *Lore {
	l := &Lore{learned: shipped}
	l.identify()
	return l
}

var shipped = sync.OnceValue(func() *learned { return learn(lore.Shipped()) })

// Prime learns the lore now.
func (l *Lore) Prime() { l.learned() }

// bookSize is how many bytes of tokens the dictionary has at most.
const bookSize = 16 << 10

// learn takes chances from all texts, and makes a dictionary of stanzas. Those are learned as they are on a stream, and then as they are alone.
func learn(d lore.Data) *learned {
	l := &learned{book: new(window)}
	m := (&Lore{learned: func() *learned { return l }}).Model()
	for _, t := range d.Lines {
		line := append([]byte("<message><body>"), markup.AppendEscaped(nil, string(t))...)
		m.Learn(append(line, "</body></message>"...))
	}
	for _, t := range d.Stanzas {
		m.Learn(t)
	}
	m.words = token.New(lore.Sorted(d.JIDs), lore.Sorted(d.Strings))
	for i, t := range d.Stanzas {
		m.words.Reset()
		m.words.Near(d.Near[i][0], d.Near[i][1])
		m.Learn(t)
		if len(l.book.buf)+len(m.tok) <= bookSize {
			l.book.add(m.tok)
		}
	}
	l.literals = m.lit.own
	return l
}

var errProvision = errors.New("light: the provision is over 256 KiB")

// With is the lore with p in addition to what ships. Phrases are of no use here.
func (l *Lore) With(p codec.Provision) (*Lore, error) {
	w := *l
	w.jids, w.strings = lore.Sorted(p.JIDs), lore.Sorted(p.Strings)
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
	fmt.Fprintf(h, "longwire light %d\n%s\n", version, token.Schema())
	h.Write(lore.Packed())
	h.Write(codec.Provision{JIDs: l.jids, Strings: l.strings}.Bytes())
	copy(l.id[:], h.Sum(nil))
}

// ID tells lores apart: two ends that have the same understand each other.
func (l *Lore) ID() [4]byte { return l.id }

// Model is a new stream that knows the lore.
func (l *Lore) Model() *Model { return &Model{lore: l} }

func (l *Lore) table() *token.Table { return token.New(l.jids, l.strings) }
