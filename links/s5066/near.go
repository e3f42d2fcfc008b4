package s5066

import (
	"bytes"
	"strconv"
)

// Ids on the link are numbers that each side counts up, base 36 of 4 to 8 digits (xmpp/terse): odd ones of one side, even ones of the other. Frames that are read
// alone tell only the low byte of one, near to the latest; what is not such an id is told in full and does no harm here.

// farOff is by how much ids that are near to each other cannot differ.
const farOff = 1 << 20

// latest takes the id of a stanza for the latest of its side.
func latest(n *uint64, text []byte) {
	head, _, _ := bytes.Cut(text, []byte(">"))
	for _, answer := range []string{"type='result'", "type='error'", "type='groupchat'"} {
		if bytes.Contains(head, []byte(answer)) {
			return // the id is of the other side, or may be
		}
	}
	_, id, _ := bytes.Cut(head, []byte(" id='"))
	id, _, ok := bytes.Cut(id, []byte("'"))
	if !ok || len(id) < 4 || len(id) > 8 || id[0] == '0' {
		return
	}
	new, err := strconv.ParseUint(string(id), 36, 64)
	switch {
	case err != nil:
	case *n == 0, new+farOff < *n, *n+farOff < new: // what was before was none of these numbers, or this is none
		*n = new
	case new > *n && new&1 == *n&1:
		*n = new
	}
}
