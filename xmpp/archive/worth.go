package archive

import (
	"crypto/sha256"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces that decide whether a message is part of a conversation.
const (
	nsHints   = "urn:xmpp:hints"
	nsMUCUser = "http://jabber.org/protocol/muc#user"
)

// telling are the children that say something without a body, so that a client that was away wants to know of them.
var telling = map[string]bool{
	"urn:xmpp:receipts":                   true, // XEP-0184
	"urn:xmpp:chat-markers:0":             true, // XEP-0333
	"urn:xmpp:reactions:0":                true, // XEP-0444
	"urn:xmpp:message-retract:1":          true, // XEP-0424
	"urn:xmpp:message-correct:0":          true, // XEP-0308
	"urn:xmpp:eme:0":                      true, // XEP-0380: encrypted somehow
	"eu.siacs.conversations.axolotl":      true, // XEP-0384, as clients speak it
	"urn:xmpp:omemo:2":                    true,
	"urn:xmpp:openpgp:0":                  true, // XEP-0373
	"jabber:x:conference":                 true, // XEP-0249
	"jabber:x:encrypted":                  true, // XEP-0027
	"urn:xmpp:fallback:0":                 true, // XEP-0428
	"urn:xmpp:attaching:1":                true, // XEP-0367
	"http://jabber.org/protocol/geoloc":   true, // XEP-0080
	"http://jabber.org/protocol/xhtml-im": true, // XEP-0071
}

// Worth tells whether a message belongs into account's archive. XEP-0313, User Archives: chat and normal with a body; what
// supplements a conversation may be kept. XEP-0334 hints overrule.
func Worth(account jid.JID, s *stanza.Stanza) bool {
	if s.Kind != stanza.Message {
		return false
	}
	switch s.Type {
	case stanza.Groupchat, stanza.Headline, stanza.Error:
		return false // Choice: what is said in a room is in the room's archive
	}
	worth := false
	for _, c := range s.Children {
		switch {
		case c.Name.Space == nsHints:
			switch c.Name.Local {
			case "no-store", "no-permanent-store":
				return false // XEP-0334 §4.1, §4.2
			case "store":
				worth = true // XEP-0334 §4.4
			}
		case c.Name.Space == NS, c.Name.Space == local.NSCarbons && c.Name.Local != "private":
			return false // a copy of what is kept already
		case c.Name.Space == "":
			worth = worth || c.Name.Local == "body" || c.Name.Local == "subject"
		case c.Name.Space == nsMUCUser:
			// An invitation is for whom it reaches; on its way to the room it is the room's (XEP-0045 §7.8.2).
			worth = worth || s.To.Bare() == account && invites(s, c)
		default:
			worth = worth || telling[c.Name.Space]
		}
	}
	return worth
}

func invites(s *stanza.Stanza, c stanza.Child) bool {
	e, err := s.Element(c)
	return err == nil && (e.Child(nsMUCUser, "invite") != nil || e.Child(nsMUCUser, "decline") != nil)
}

// A private message in a room goes to each client of the account that is there under that nick (XEP-0045 §7.5), and is kept
// once (XEP-0313, User Archives).
const twinsWithin = 10 * time.Second

// twinKey is the digest that twins share; zero for a message that has none.
func twinKey(account jid.JID, s *stanza.Stanza) (key [16]byte) {
	if s.To.Bare() != account || !s.Has(nsMUCUser, "x") {
		return key
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(s.From.String()), {0}, []byte(s.ID), {0}, s.Inner} {
		h.Write(part)
	}
	copy(key[:], h.Sum(nil))
	return key
}

// twin finds a message's twin. Such messages come by a transaction.
func twin(t *router.Turn, account jid.JID, st *stanza.Stanza) (uint64, bool) {
	if t.Tx == nil {
		return 0, false
	}
	key := twinKey(account, st)
	if key == ([16]byte{}) {
		return 0, false
	}
	id, ok := t.Tx.ArchiveFind(account.String(), key)
	return id, ok && time.Since(time.Unix(0, int64(id))) < twinsWithin
}
