// Package codec makes stanzas small for links where a byte is air: tokens of the stanza, guessed bit by bit by a model that knows plain
// language, chat and what went before on the stream, and coded by how wrong the guesses were.
package codec

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"longwire/links/codec/lore"
	"longwire/links/codec/mix"
	"longwire/links/codec/token"
)

// A Lore is what both ends of a link know before the first stanza. It does not change, and any number of models share it.
type Lore struct {
	provision Provision
	data      [sha256.Size]byte // of all that is not provision
	base      *mix.Mind
}

// A Provision is what the configuration tells both ends beyond what ships with the program. The order does not matter.
type Provision struct {
	JIDs    []string // addresses in use: users, rooms, domains
	Strings []string // texts of attributes and elements: labels, nodes of capabilities
	Phrases []string // what people write
}

// maxProvision is how many bytes of words a provision may hold, which bounds the time it takes to learn them.
const maxProvision = 256 << 10

var errProvision = errors.New("codec: the provision is over 256 KiB")

func (p Provision) size() (n int) {
	for _, l := range [][]string{p.JIDs, p.Strings, p.Phrases} {
		for _, s := range l {
			n += len(s)
		}
	}
	return n
}

// sorted is p in the one order that counts, each entry once.
func (p Provision) sorted() Provision {
	one := func(l []string) []string {
		l = slices.Clone(l)
		slices.SortFunc(l, strings.Compare)
		return slices.Compact(l)
	}
	return Provision{one(p.JIDs), one(p.Strings), one(p.Phrases)}
}

// Base is the lore that ships with the program.
func Base() *Lore { return shipped() }

var shipped = sync.OnceValue(func() *Lore { return New(lore.Shipped()) })

// New is the lore of other data than what ships.
func New(d lore.Data) *Lore {
	return &Lore{data: sum(d), base: prime(d)}
}

// With is the lore with p in addition to what ships.
func (l *Lore) With(p Provision) (*Lore, error) {
	if p.size() > maxProvision {
		return nil, errProvision
	}
	p = p.sorted()
	w := &Lore{provision: p, data: l.data, base: l.base}
	if len(p.Phrases) > 0 {
		w.base = phrases(l.base, p.Phrases)
	}
	return w, nil
}

// ID tells lores apart: two ends that have the same understand each other.
func (l *Lore) ID() (id [4]byte) {
	h := sha256.New()
	h.Write(l.data[:])
	p := l.provision
	for _, list := range [][]string{p.JIDs, p.Strings, p.Phrases} {
		fmt.Fprintf(h, "%q\n", list)
	}
	copy(id[:], h.Sum(nil))
	return id
}

// Canonical is the one form of a stanza: as the far end will print it. It fails for what is no stanza.
func Canonical(text []byte) ([]byte, error) { return token.Canonical(text) }

// version of the format: of tokens, model and data. Any change to one of them is another.
const version = 1

func sum(d lore.Data) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "longwire codec %d\n%s\n", version, token.Schema())
	for _, list := range [][][]byte{d.Stanzas, d.Lines} {
		fmt.Fprintf(h, "%q\n", list)
	}
	h.Sum(sum[:0])
	return sum
}
