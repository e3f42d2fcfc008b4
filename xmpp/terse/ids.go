package terse

import (
	"strconv"
	"strings"

	"longwire/xmpp/stanza"
)

// given tells whether an id in a stanza of the peer is a number that the peer gave.
func given(s *stanza.Stanza, id string) bool {
	n, ok := parse(id)
	return ok && n%2 == 1 == odd(s.From.Domain(), s.To.Domain())
}

// foreign is the id that stands here for a number of the peer.
func (w *Wire) foreign(number string) string { return number + "." + w.Peer }

// itsOwn is the peer's number that an id in a stanza for it stands for.
func (w *Wire) itsOwn(s *stanza.Stanza, id string) (number string, ok bool) {
	number, ok = strings.CutSuffix(id, "."+w.Peer)
	n, isNumber := parse(number)
	return number, ok && isNumber && n%2 == 1 == odd(s.To.Domain(), s.From.Domain())
}

func format(n uint64) string { return strconv.FormatUint(n, 36) }

// Least is the least number: numbers have four to eight characters of base 36.
const Least = 36 * 36 * 36

// parse reads a number as format writes it.
func parse(id string) (uint64, bool) {
	if len(id) < 4 || len(id) > 8 || id[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(id, 36, 64)
	return n, err == nil
}
