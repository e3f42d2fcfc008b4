// Package codec makes stanzas small for links where a byte is air: tokens of the stanza, guessed bit by bit by a model that knows plain
// language, chat and what went before on the stream, and coded by how wrong the guesses were.
package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"longwire/links/codec/lore"
	"longwire/links/codec/mix"
	"longwire/links/codec/token"
)

// A Lore is what both ends of a link know before the first stanza. It does not change, and any number of models share it. What it takes to
// guess by it is learned when a model first needs it, or by Prime.
type Lore struct {
	provision Provision
	data      [sha256.Size]byte // of all that is not provision
	common    *school           // shared by all provisions
	own       *school           // with the phrases of this one
}

// A school is a mind that is learned once.
type school struct {
	once  sync.Once
	mind  *mix.Mind
	teach func() *mix.Mind
}

func (s *school) get() *mix.Mind {
	s.once.Do(func() { s.mind = s.teach() })
	return s.mind
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
	return Provision{lore.Sorted(p.JIDs), lore.Sorted(p.Strings), lore.Sorted(p.Phrases)}
}

// Bytes are the one form of p that IDs are made of: of each list the number of entries, and each behind its length, as uvarints.
func (p Provision) Bytes() (b []byte) {
	p = p.sorted()
	for _, list := range [][]string{p.JIDs, p.Strings, p.Phrases} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return b
}

// Base is the lore that ships with the program: the same one each time.
func Base() *Lore { return shipped() }

var shipped = sync.OnceValue(func() *Lore {
	return newLore(sum(lore.Packed()), func() *mix.Mind { return prime(lore.Shipped()) })
})

// New is the lore of other data than what ships.
func New(d lore.Data) (*Lore, error) {
	var b bytes.Buffer
	if err := d.Pack(&b); err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	return newLore(sum(b.Bytes()), func() *mix.Mind { return prime(d) }), nil
}

func newLore(data [sha256.Size]byte, teach func() *mix.Mind) *Lore {
	s := &school{teach: teach}
	return &Lore{data: data, common: s, own: s}
}

// With is the lore with p in addition to what ships.
func (l *Lore) With(p Provision) (*Lore, error) {
	if p.size() > maxProvision {
		return nil, errProvision
	}
	p = p.sorted()
	w := &Lore{provision: p, data: l.data, common: l.common, own: l.common}
	if len(p.Phrases) > 0 {
		w.own = &school{teach: func() *mix.Mind { return phrases(l.common.get(), p.Phrases) }}
	}
	return w, nil
}

// Prime learns now what a model would learn when it first needs it. That takes up to a second on a desktop.
func (l *Lore) Prime() { l.own.get() }

// ID tells lores apart: two ends that have the same understand each other.
func (l *Lore) ID() (id [4]byte) {
	h := sha256.New()
	h.Write(l.data[:])
	h.Write(l.provision.Bytes())
	copy(id[:], h.Sum(nil))
	return id
}

// Canonical is the one form of a stanza: as the far end will print it. It fails for what is no stanza.
func Canonical(text []byte) ([]byte, error) { return token.Canonical(text) }

// version of the format: of tokens, model and data. Any change to one of them is another.
const version = 1

func sum(packed []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "longwire codec %d\n%s\n", version, token.Schema())
	h.Write(packed)
	h.Sum(sum[:0])
	return sum
}
