package s2s

import (
	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/terse"
)

// wire is the way to the peer as xmpp/terse knows it, within a transaction.
func (p *Peer) wire(t *router.Turn) *terse.Wire {
	return &terse.Wire{Numbers: numbers{t.Tx, p.name}, Peer: p.name, Room: p.peers.Room, Lines: lines{t.Tx}, Bare: true}
}

// whole gives the peer's stanza what it had before it was made terse.
func (p *Peer) whole(t *router.Turn, r *rules, s *stanza.Stanza) (*stanza.Stanza, error) {
	if !r.Terse {
		return s, nil
	}
	if err := t.NeedTx(); err != nil {
		return nil, err
	}
	return p.wire(t).In(s)
}

// numbers are those of one peer in the store.
type numbers struct {
	tx   *store.Tx
	peer string
}

var _ terse.Numbers = numbers{}

func recorded(m terse.Name) store.ID {
	return store.ID{From: m.From, To: m.To, ID: m.ID, Resource: m.Resource}
}

func (n numbers) Give(m terse.Name, odd bool) (uint64, error) {
	return n.tx.ShortenID(n.peer, recorded(m), odd)
}

func (n numbers) Find(m terse.Name) (uint64, bool) { return n.tx.ShortID(n.peer, recorded(m)) }

func (n numbers) Named(number uint64, sc terse.Scope) (terse.Name, bool, error) {
	id, ok, err := n.tx.LongID(n.peer, number, sc.From, sc.To)
	return terse.Name{Scope: sc, ID: id.ID, Resource: id.Resource}, ok, err
}

// lines are the archives of rooms in the store.
type lines struct{ tx *store.Tx }

var _ terse.Lines = lines{}

func (l lines) Said(room jid.JID, stanzaID string) (id string, ok bool) {
	n, ok := archive.ParseID(stanzaID)
	if !ok {
		return "", false
	}
	e, err := l.tx.ArchiveGet(room.String(), n)
	return e.StanzaID, err == nil && e.StanzaID != ""
}

// longAgo is how many lines a room has since one that somebody still refers to. Choice: one further back is told by its author's id.
const longAgo = 500

func (l lines) Kept(room jid.JID, id string) (stanzaID string, ok bool) {
	looked := 0
	err := l.tx.ArchiveScan(room.String(), 0, 0, true, func(e store.ArchiveEntry) (more bool, err error) {
		if looked++; e.StanzaID == id {
			stanzaID = archive.FormatID(e.ID)
		}
		return stanzaID == "" && looked < longAgo, nil
	})
	return stanzaID, err == nil && stanzaID != ""
}
