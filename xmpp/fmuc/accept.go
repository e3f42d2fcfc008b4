package fmuc

import (
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const (
	maxPast   = 500  // lines of an answer, whatever is asked for
	maxLooked = 5000 // entries of the archive that are looked at to find them
	maxJoined = 8    // rooms of one domain that have joined one of ours; there is no bound on domains, as each is a peer's
)

// accept takes a room that wants to be federated with ours, or says why not. From one that is already it means that it
// has lost what it knew, so that all is told again.
func (r *room) accept(t *router.Turn, mr *muc.Room, p *peer, ps Peer, st *stanza.Stanza, m Mark, i Item, h History) error {
	from, cfg := st.From.Bare(), mr.Next(t).Config.Fed
	if why := r.refusal(mr.Next(t), from, m.From); why != "" {
		return r.reject(t, from, ps, why)
	}
	r.s.count(t, pair{r.jid, from}, func(c *Counters) { c.Joins++ })
	if p == nil {
		var err error
		if p, err = r.add(t, store.FedPeer{Peer: from.String()}); err != nil {
			return err
		}
	}
	if p.open() {
		if err := r.begunAnew(t, p); err != nil {
			return err
		}
	} else {
		r.note(t, p, "federated")
	}
	missed := p.rec.Missed
	err := p.put(t, func(rec *store.FedPeer) {
		// Choice: a replica of our kind says so when it joins; of others the operator says that they are replicas.
		rec.Echo = m.Attr("mode") == "pr" || cfg.Node == "" && cfg.Mode == "pr"
		rec.State, rec.Since, rec.Missed, rec.Lefts = uint8(Joined), time.Now(), 0, 0
	})
	if err != nil {
		return err
	}
	if err := r.seen(t, mr, p, st.From.Resource(), m.From, i, show(st)); err != nil {
		return err
	}
	if s := syncOf(m, from); s != nil && !ps.Foreign {
		return r.answerKin(t, mr, p, s)
	}
	return r.answer(t, mr, p, st.From.Resource(), h, missed)
}

// refusal says why a room may not join ours, "" when it may.
func (r *room) refusal(st *muc.State, from, real jid.JID) string {
	switch {
	case r.node(st) == from:
		return "circular: this room joins yours"
	case !allowed(st.Config.Fed, from):
		return "your room is not on the list"
	}
	if p := r.find(from); (p == nil || !p.open()) && r.joined(from.Domain()) >= maxJoined {
		return "too many of your rooms have joined this one"
	}
	// Spec: whoever is here by another way comes round in a circle.
	if o := elsewhere(st, from, real); o != nil {
		return "circular: " + o.Nick + " is here already"
	}
	return ""
}

// joined counts the rooms of a domain that have joined ours.
func (r *room) joined(domain string) (n int) {
	for _, p := range r.peers {
		if !p.rec.Up && p.open() && p.jid.Domain() == domain {
			n++
		}
	}
	return n
}

// allowed reads the room's list: rooms, domains of rooms, or "*". Choice: without a list a room that joins another is
// joined by none, and one that does not by any.
func allowed(f store.RoomFed, from jid.JID) bool {
	if len(f.Allow) == 0 {
		return f.Node == ""
	}
	return slices.ContainsFunc(f.Allow, func(a string) bool {
		return a == "*" || a == from.String() || a == from.Domain()
	})
}

// begunAnew lets a peer that joins again name its occupants again; those whom it does not are gone after a while.
func (r *room) begunAnew(t *router.Turn, p *peer) error {
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Resyncs++ })
	p.mustName(t, true)
	r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmAgain}, againTime)
	for _, n := range p.toldNicks() {
		if _, err := p.noteUntold(t, n); err != nil {
			return err
		}
	}
	return nil
}

// answer is the acceptance of a join: occupants, the joining one last; what was said; the subject, which ends it.
// XEP-0289 §5.1.
func (r *room) answer(t *router.Turn, mr *muc.Room, p *peer, nick string, h History, missed uint64) error {
	st := mr.Next(t)
	for _, o := range st.Occupants() {
		if !p.concerns(o) {
			continue
		}
		if err := p.tell(t, mr, o, false); err != nil {
			return err
		}
	}
	if o := p.occ[nick]; o != nil {
		n := p.occupant(o)
		n.Nick = nick
		if err := r.s.send(t, p.presenceOf(st, n, nil)); err != nil {
			return err
		}
	}
	if err := r.past(t, p, h, missed); err != nil {
		return err
	}
	return r.s.send(t, r.subject(st, p))
}

// subject is the message that ends the answer to a join; it is always sent, even empty.
func (r *room) subject(st *muc.State, p *peer) *stanza.Stanza {
	c := &st.Config
	m := Mark{From: r.jid}
	if o := st.Occupant(c.SubjectBy); o != nil {
		m.From = o.Real
	}
	b := []byte("<subject/>")
	if len(c.Subject) > 0 {
		b = slices.Clone(c.Subject)
	}
	b = m.Append(b)
	if !c.SubjectAt.IsZero() {
		b = Delay{r.jid, c.SubjectAt}.Append(b)
	}
	s := &stanza.Stanza{Kind: stanza.Message, From: at(r.jid, c.SubjectBy), To: p.jid, Type: stanza.Groupchat}
	s.SetInner(b)
	return s
}

// past sends what was said here, oldest first, as far as the peer wants it; of what it is known to have missed, from that
// id on, also what was said before the time that it names.
func (r *room) past(t *router.Turn, p *peer, h History, missed uint64) error {
	most := maxPast
	if h.MaxStanzas >= 0 {
		most = min(most, h.MaxStanzas)
	}
	since := h.Since
	if h.Seconds >= 0 {
		if s := time.Now().Add(-time.Duration(h.Seconds) * time.Second); s.After(since) {
			since = s
		}
	}
	if n := p.lastN(t); n >= 0 {
		most = min(most, n)
	}
	if most == 0 || h.MaxChars == 0 || h.Seconds == 0 {
		return nil
	}
	var lines []*stanza.Stanza
	looked, chars := 0, 0
	err := t.Tx.ArchiveScan(r.jid.String(), 0, 0, true, func(e store.ArchiveEntry) (bool, error) {
		looked++
		if e.Stamp.Before(since) && (missed == 0 || e.ID < missed) || !h.Since.IsZero() && !p.rec.Echo && p.said(e.With) {
			return looked < maxLooked, nil
		}
		st := r.old(e, p)
		if st == nil {
			return looked < maxLooked, nil
		}
		if h.MaxChars > 0 {
			if chars += len(st.Bytes()); chars > h.MaxChars {
				return false, nil
			}
		}
		lines = append(lines, st)
		return len(lines) < most && looked < maxLooked, nil
	})
	if err != nil {
		return err
	}
	// Late lines stand where they were said.
	slices.Reverse(lines)
	stamps := make(map[*stanza.Stanza]time.Time, len(lines))
	for _, st := range lines {
		d, _ := ParseDelay(st)
		stamps[st] = d.Stamp
	}
	slices.SortStableFunc(lines, func(a, b *stanza.Stanza) int { return stamps[a].Compare(stamps[b]) })
	for _, st := range lines {
		if err := r.s.send(t, st); err != nil {
			return err
		}
	}
	return nil
}

// lastN is how many of the lines that it missed the peer gets at most: so many as the room or the peer's settings allow; -1: all.
func (p *peer) lastN(t *router.Turn) int {
	most := -1
	if mr := p.room.s.muc.Room(p.room.jid); mr != nil && mr.Next(t) != nil && mr.Next(t).Config.Fed.LastN > 0 {
		most = mr.Next(t).Config.Fed.LastN
	}
	if ps, _ := p.room.s.peer(p.jid.Domain()); ps.LastN > 0 && (most < 0 || most > ps.LastN) {
		most = ps.LastN
	}
	return most
}

// said tells whether a line's author is one of the peer's users. Choice: a room that joins again has what its own users
// said, so that this need not come back to it; a replica does not.
func (p *peer) said(bare string) bool {
	j, err := jid.Parse(bare)
	return err == nil && under(p.jid.Domain(), j.Domain())
}

// under tells whether a rooms domain is that of a node.
func under(rooms, node string) bool {
	return rooms == node || len(rooms) > len(node) && rooms[len(rooms)-len(node)-1] == '.' && rooms[len(rooms)-len(node):] == node
}

// old makes a line of the archive one for the peer; nil for subjects and what cannot be read.
func (r *room) old(e store.ArchiveEntry, p *peer) *stanza.Stanza {
	st, err := stream.ParseStanza(e.Stanza)
	if err != nil || isSubject(st) {
		return nil
	}
	real, _ := jid.Parse(e.With)
	b := append([]byte(nil), st.Inner...)
	m := Mark{From: real}
	if o, err := lines.ParseOrigin(e.Origin); err == nil && p.state() == Joining && !p.foreign() {
		m = numberedMark(real, lines.Number{Origin: o, N: e.Seq})
	}
	b = m.Append(b)
	b = Delay{r.jid, e.Stamp}.Append(b)
	st = st.Copy()
	st.From, st.To, st.Type = at(r.jid, e.From), p.jid, stanza.Groupchat
	st.SetInner(b)
	return st
}
