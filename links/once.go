package links

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"longwire/links/custody"
	"longwire/store"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// nsExpress is of a word from node to node, in a stanza that was sent on the express lane of a link (links/s5066) and was not confirmed when another link took it
// over: which number it had there.
const nsExpress = "urn:longwire:express:0"

// referred is the stanza of an entry with that word, or without, when a user has written it.
func referred(e store.Entry) []byte {
	if e.Was == "" && !bytes.Contains(e.Stanza, []byte(nsExpress)) {
		return e.Stanza
	}
	s, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return e.Stanza
	}
	s, _ = spoken(s)
	if e.Was != "" {
		s = s.With(fmt.Appendf(nil, "<express xmlns='%s'>%s %d</express>", nsExpress, e.Was, e.WasSeq))
	}
	return s.Bytes()
}

// spoken takes the word off a stanza. The name is empty when there is none that can be read.
func spoken(s *stanza.Stanza) (*stanza.Stanza, custody.Ref) {
	var ref custody.Ref
	rest := s.Without(func(c stanza.Child) bool {
		if c.Name.Space != nsExpress {
			return false
		}
		if name, number, ok := strings.Cut(s.Text(c), " "); ok && len(name) <= 64 {
			if n, err := strconv.ParseUint(number, 10, 32); err == nil {
				ref = custody.Ref{Name: name, Seq: uint32(n)}
			}
		}
		return true
	})
	return rest, ref
}

// Once tells what is to be committed with the peer's stanza n of the stream id, and gives it as it is for others. When it came before, on the express lane of
// another link, again is true: then only the mark is to be committed.
func Once(b *custody.Book, s *stanza.Stanza, id string, n uint32) (clean *stanza.Stanza, again bool, mark func(*store.Tx) error) {
	mark = func(tx *store.Tx) error { return b.Mark(tx, id, n) }
	clean, ref := spoken(s)
	if ref.Name == "" {
		return clean, false, mark
	}
	again, err := b.Knows(ref)
	if again && err == nil {
		return clean, true, mark
	}
	return clean, false, func(tx *store.Tx) error { return b.MarkOnce(tx, id, n, ref) }
}
