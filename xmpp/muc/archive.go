package muc

import (
	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
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
	if len(r.next.recent) > 0 { // from when it had no archive
		n := r.next.clone()
		n.recent = nil
		r.set(t, n)
	}
	st := l.Stanza.Copy()
	st.From, st.To, st.Type = l.from, jid.JID{}, stanza.Groupchat
	id = r.service.host.DB().ArchiveID()
	return id, t.Tx.ArchivePut(r.jid.String(), store.ArchiveEntry{
		ID: id, Stamp: l.Stamp, With: l.Real.Bare().String(), From: l.Nick, StanzaID: l.Stanza.ID,
		Stanza: st.Bytes(), Origin: l.Origin, Seq: l.Seq, Key: l.Key,
	}, r.service.options.Load().Archive)
}

// remember keeps a line in memory, for those who enter.
func (r *Room) remember(t *router.Turn, l *line) {
	most := historyLength(&r.next.Config)
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
		if size += len(old[i].Stanza.Inner); size > maxHistoryBytes {
			old = old[i+1:]
			break
		}
	}
	c := *l
	n.recent = append(old[:len(old):len(old)], &c)
	r.set(t, n)
}

// serveArchive answers queries of a room's archive. XEP-0313, and its section on rooms.
func (s *Service) serveArchive() {
	for _, set := range []bool{false, true} {
		s.handleIQ(toRoom, archive.NS, "query", set, s.queryArchive)
	}
	s.handleIQ(toRoom, archive.NS, "metadata", false, s.queryArchive)
}

func (s *Service) queryArchive(q *request) error {
	if q.state.Config.NoArchive || !s.host.Local(q.stanza.From.Domain()) {
		// Choice: an archive is not paged through across a link; clients there have their own node's.
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	if !q.state.mayRead(q.stanza.From, q.from) {
		return stanza.Fail(stanza.Forbidden, "the archive is for those who may enter")
	}
	if err := q.NeedTx(); err != nil {
		return err
	}
	a := q.state.Affiliation(q.stanza.From)
	src := archive.Source{Name: q.room.jid, Room: true}
	src.RealJIDs = q.state.Config.NonAnonymous || a >= Admin || q.from != nil && q.from.Role == Moderator
	src.Rewrite = func(e store.ArchiveEntry) ([]byte, bool) { return q.room.archived(e, src.RealJIDs) }
	results, inner, err := src.Answer(q.Tx, q.stanza)
	if err != nil {
		return err
	}
	for _, st := range results {
		if err := s.send(q.Turn, st); err != nil {
			return err
		}
	}
	return s.reply(q, inner)
}

// mayRead tells whether a user may read the archive: who may enter may. XEP-0313, Business rules of rooms. A password is
// not asked for again.
func (s *State) mayRead(user jid.JID, in *Occupant) bool {
	switch a := s.Affiliation(user); {
	case s.Config.Gone || a == Outcast:
		return false
	case in != nil || a >= Member:
		return true
	case s.Config.Locked || s.Config.MembersOnly || s.Config.Password != "":
		return false
	}
	return true
}

// archived is an entry as who asks for it may see it.
func (r *Room) archived(e store.ArchiveEntry, real bool) ([]byte, bool) {
	l := r.read(e)
	if l == nil {
		return nil, false
	}
	st := l.told(r, false)
	if real && e.With != "" {
		b := append(make([]byte, 0, len(st.Inner)+160), st.Inner...)
		b = append(b, "<x xmlns='"+NSUser+"'><item"...)
		b = markup.AppendPlainAttr(b, "affiliation", r.next.Affiliation(l.Real).String())
		b = markup.AppendPlainAttr(b, "jid", e.With)
		st.SetInner(append(b, "/></x>"...))
	}
	return st.Bytes(), true
}
