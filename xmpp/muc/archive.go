package muc

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"strconv"
)

// isEphemeral tells whether a groupchat is of this moment only: chat states, markers, receipts.
func isEphemeral(st *stanza.Stanza) bool {
	if st.Has(nsHints, "store") {
		return false
	}
	for _, c := range st.Children {
		switch c.Name.Space {
		case "http://jabber.org/protocol/chatstates", "urn:xmpp:chat-markers:0", "urn:xmpp:receipts", nsHints, nsStanzaID, nsDelay:
			continue
		case "":
			if c.Name.Local == "thread" {
				continue
			}
		}
		return false
	}
	return true
}

// keepable tells whether a line belongs into the archive. XEP-0334 hints overrule.
func keepable(st *stanza.Stanza) bool {
	return !st.Has(nsHints, "no-store") && !st.Has(nsHints, "no-permanent-store")
}

// record keeps a line in the archive, or among the last ones of a room that has none.
func (r *Room) record(t *router.Turn, l *line) (id uint64, err error) {
	if !keepable(l.Stanza) {
		return 0, nil
	}
	if r.next.Config.NoArchive {
		if !l.Subject {
			r.remember(t, l)
		}
		return 0, nil
	}
	st := l.Stanza.Copy()
	st.From, st.To = l.from, jid.JID{}
	id = r.service.host.DB().ArchiveID()
	return id, t.Tx.ArchivePut(r.jid.String(), store.ArchiveEntry{
		ID: id, Stamp: l.Stamp, With: l.Real.Bare().String(), From: l.Nick, StanzaID: l.Stanza.ID,
		Stanza: st.Bytes(), Origin: l.Origin, Seq: l.Seq, Key: l.Key,
	}, r.service.options.Load().Archive)
}

// maxRemembered bounds the memory of a room without archive.
const maxRemembered = 256 << 10

// remember keeps a line in memory, for those who enter.
func (r *Room) remember(t *router.Turn, l *line) {
	most := r.historyLength()
	if most == 0 {
		return
	}
	n := r.next.clone()
	old := n.recent
	if len(old) >= most {
		old = old[len(old)-most+1:]
	}
	size := len(l.Stanza.Inner)
	for i := len(old) - 1; i >= 0; i-- {
		if size += len(old[i].Stanza.Inner); size > maxRemembered {
			old = old[i+1:]
			break
		}
	}
	c := *l
	n.recent = append(old[:len(old):len(old)], &c)
	r.set(t, n)
}

// stanzaID tells clients where a line is in the archive. XEP-0359 §3.2.
func stanzaID(room jid.JID, id uint64) []byte {
	b := attr([]byte("<stanza-id xmlns='"+nsStanzaID+"'"), "by", room.String())
	return append(attr(b, "id", strconv.FormatUint(id, 32)), "/>"...)
}
