// Package crowd tells another node who is in a room, in few bytes: the whole list, or what changed. It is pure: no clock, no store, no
// stanzas.
package crowd

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// An Occupant is somebody in the crowd, as far as the other node has to know.
type Occupant struct {
	Nick        string
	JID         string // real bare JID
	Affiliation string // "" is none
	Role        string // "" is what goes with the affiliation in a room that is not moderated
}

// A Crowd is the occupants by nick. A nil one is empty.
type Crowd map[string]Occupant

// Of makes a crowd.
func Of(list ...Occupant) Crowd {
	c := Crowd{}
	for _, o := range list {
		c.put(o)
	}
	return c
}

func (c Crowd) put(o Occupant) {
	if o.Affiliation == "none" {
		o.Affiliation = ""
	}
	if o.Role == usualRole(o.Affiliation) {
		o.Role = ""
	}
	c[o.Nick] = o
}

// usualRole goes with an affiliation. XEP-0045 §5.1.2, in a room that is not moderated.
func usualRole(affiliation string) string {
	switch affiliation {
	case "owner", "admin":
		return "moderator"
	}
	return "participant"
}

// Standing is the affiliation and the role in full.
func (o Occupant) Standing() (affiliation, role string) {
	affiliation, role = o.Affiliation, o.Role
	if affiliation == "" {
		affiliation = "none"
	}
	if role == "" {
		role = usualRole(o.Affiliation)
	}
	return affiliation, role
}

// Nicks are sorted.
func (c Crowd) Nicks() []string { return slices.Sorted(maps.Keys(c)) }

// Sum is four letters that differ for crowds that differ, but for once in sixteen million: so a node tells what it believes of another's
// crowd.
func (c Crowd) Sum() string {
	h := sha256.New()
	for _, nick := range c.Nicks() {
		o := c[nick]
		h.Write([]byte(strings.Join([]string{nick, o.JID, o.Affiliation, o.Role, "\n"}, "\t")))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:3])
}
