package fmuc

import (
	"strconv"
	"strings"

	"longwire/xmpp/jid"
)

// maxNick is the longest resourcepart. RFC 7622 §3.4.
const maxNick = 1023

// Alias finds a nick under which a federated occupant can be shown: its own if that is free, else one that says where
// it comes from. Choice: XEP-0289 leaves collisions open; both keep their nicks where they are, and nothing need cross
// the link.
func Alias(nick string, real jid.JID, taken func(string) bool) string {
	if !taken(nick) {
		return nick
	}
	place, _, _ := strings.Cut(real.Domain(), ".")
	for n := 1; ; n++ {
		tail := " (" + place + ")"
		if n > 1 {
			tail += " " + strconv.Itoa(n)
		}
		if a := clip(nick, maxNick-len(tail)) + tail; !taken(a) {
			return a
		}
	}
}
