package terse

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
)

// Lines are the archives of our rooms. The people in a room here know its lines by their numbers there (stanza-id, XEP-0359), which differ from node to node; so
// what refers to one crosses with the id that its author gave it, like all else.
type Lines interface {
	// Said is the id that the author of a line gave it, which has the stanza-id in a room of ours; Kept is that stanza-id.
	Said(room jid.JID, stanzaID string) (id string, ok bool)
	Kept(room jid.JID, id string) (stanzaID string, ok bool)
}

func (w *Wire) said(from jid.JID, n markup.Name, id string) string {
	if w.Lines != nil && w.room(from) && byArchive(n) {
		if said, ok := w.Lines.Said(from.Bare(), id); ok {
			return said
		}
	}
	return id
}

func (w *Wire) kept(to jid.JID, n markup.Name, id string) string {
	if w.Lines != nil && w.room(to) && byArchive(n) {
		if kept, ok := w.Lines.Kept(to.Bare(), id); ok {
			return kept
		}
	}
	return id
}
