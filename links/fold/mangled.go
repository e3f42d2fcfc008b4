package fold

import (
	"slices"
	"strings"
)

// Protocols of jabber.org and isode.com whose namespaces a rule may be about.
var jabberOrg = []string{"activity", "amp", "caps", "chatstates", "disco#info", "disco#items", "geoloc", "ibb", "mood", "muc", "muc#admin",
	"muc#owner", "muc#user", "nick", "offline", "pubsub", "pubsub#event", "rosterx", "shim", "si", "tune", "xhtml-im"}

// Mangled recognises a namespace in which a guide's search for an example domain has replaced the real one, as in
// http://field.net/protocol/chatstates, and returns what was meant.
func Mangled(space string) (real string, mangled bool) {
	_, rest, ok := strings.Cut(space, "://")
	host, name, is := strings.Cut(rest, "/protocol/")
	if !ok || !is || strings.Contains(host, "/") {
		return space, false
	}
	real = space
	switch {
	case name == "fmuc":
		real = nsFMUC
	case slices.Contains(jabberOrg, name):
		real = "http://jabber.org/protocol/" + name
	}
	return real, real != space
}
