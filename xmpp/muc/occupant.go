package muc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// Role is what an occupant may do for as long as it is in the room; a higher one may do all that a lower one may.
// XEP-0045 §5.1.
type Role uint8

// The roles.
const (
	NoRole Role = iota
	Visitor
	Participant
	Moderator
)

var roleNames = [...]string{"none", "visitor", "participant", "moderator"}

func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role's name.
func ParseRole(s string) (Role, bool) {
	for i, n := range roleNames {
		if n == s {
			return Role(i), true
		}
	}
	return NoRole, false
}

// Affiliation is a user's lasting standing with the room; they are in order. XEP-0045 §5.2.
type Affiliation int8

// The affiliations.
const (
	Outcast Affiliation = iota - 1
	NoAffiliation
	Member
	Admin
	Owner
)

var affiliationNames = [...]string{"outcast", "none", "member", "admin", "owner"}

func (a Affiliation) String() string { return affiliationNames[a+1] }

// ParseAffiliation reads an affiliation's name.
func ParseAffiliation(s string) (Affiliation, bool) {
	for i, n := range affiliationNames {
		if n == s {
			return Affiliation(i - 1), true
		}
	}
	return NoAffiliation, false
}

// A Session is one client behind an occupant of ours.
type Session struct {
	JID      jid.JID
	Presence []byte // the children of its last presence that are shown to others
	remote   bool   // it is not on this node: a plain user of the room from afar
}

// An Occupant is who the room shows under one nick: one bare JID with one or more sessions. It is never changed; a
// change makes another.
type Occupant struct {
	Nick        string  // as shown here
	Real        jid.JID // full
	Sessions    []Session
	Role        Role
	Affiliation Affiliation
	Show        []byte  // what of its presence is shown to others, as markup
	Node        jid.JID // zero: ours; else the federated room, a bare JID, that it was learned from
	RemoteNick  string  // its nick there
	Hidden      bool    // stands for a node, shown to nobody

	jid   jid.JID // room/nick
	id    string  // occupant-id
	shown [2]*stanza.Stanza
}

// JID is the occupant's address in the room.
func (o *Occupant) JID() jid.JID { return o.jid }

// Ours tells whether the occupant entered by this room, and was not learned from another node.
func (o *Occupant) Ours() bool { return o.Node.IsZero() }

// Has tells whether a client with that full JID is behind the occupant.
func (o *Occupant) Has(full jid.JID) bool { return o.session(full) >= 0 }

func (o *Occupant) session(full jid.JID) int {
	for i := range o.Sessions {
		if o.Sessions[i].JID == full {
			return i
		}
	}
	return -1
}

// copy returns an occupant that may be changed until it is put into a State.
func (o *Occupant) copy() *Occupant {
	c := *o
	c.shown = [2]*stanza.Stanza{}
	return &c
}

// occupantID names a user in one room without telling who it is. XEP-0421 §4.1: the same for all nicks and clients of a
// user, another in each room.
func occupantID(secret []byte, bare jid.JID) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(bare.String()))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
