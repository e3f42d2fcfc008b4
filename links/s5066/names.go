package s5066

import (
	"crypto/rand"
	"strconv"
	"strings"
)

// The name of our stream on the air is that of the numbering, which is on flash, and behind a dot that of this life: three letters that are new
// whenever the mapping starts, and the last number that was given before. A peer that has taken a higher number than that from an earlier life,
// and nothing from this one, knows that our record is an old one, as after a restored backup: what we number now is not what it knows by these
// numbers.

// speaks tells whether a peer that goes by this name knows of the express lane: then the first letter of its life is a capital. To who does not know, names
// are just names.
func speaks(name string) bool {
	_, life, _ := strings.Cut(name, ".")
	return life != "" && 'A' <= life[0] && life[0] <= 'Z'
}

// newLife names a life that begins behind number since.
func newLife(since uint32) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var b [3]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	b[0] = 'A' + b[0]%26
	return "." + string(b[:]) + strconv.FormatUint(uint64(since), 36)
}

// numbering is the part of a name that is on flash.
func numbering(name string) string {
	id, _, _ := strings.Cut(name, ".")
	return id
}

// sinceOf is the number behind which the life of a name begins; false when it does not say.
func sinceOf(name string) (uint32, bool) {
	_, life, ok := strings.Cut(name, ".")
	if !ok || len(life) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(life[3:], 36, 32)
	return uint32(n), err == nil
}

// after tells whether number a is behind b, modulo 2^32.
func after(a, b uint32) bool { return int32(a-b) > 0 }

// nearest is the number with this low byte that is nearest to want. It is how frame reads numbers of stanzas.
func nearest(low byte, want uint32) uint32 { return want + uint32(int32(int8(low-byte(want)))) }
