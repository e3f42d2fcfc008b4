package fmuc

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// maxAhead is how far in the future a late line may have been said, by a peer's clock.
const maxAhead = time.Minute

// maxHeld bounds the lines of a replica that have not come back.
const maxHeld = 1000

// Say is told what one of ours says. It goes to every peer once.
func (s *Service) Say(t *router.Turn, mr *muc.Room, l *muc.Line) (hold bool, err error) {
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return false, err
	}
	st := mr.Next(t)
	up := r.up()
	follows := replica(st) && !r.node(st).IsZero()
	if l.Stanza.ID == "" {
		// Spec: the id is what an echo and a repeat are known by.
		l.Stanza = l.Stanza.Copy()
		l.Stanza.ID = rand.Text()[:10]
	}
	l.Key = lineKey(l.Real, l.Stanza, time.Time{})
	if follows {
		if up == nil || up.state() != Joined || !s.reachable(up.jid.Domain()) {
			return false, cutOff()
		}
		if len(r.held) >= maxHeld {
			return false, stanza.Fail(stanza.ResourceConstraint, "too many lines wait to come back")
		}
		r.hold(t, held{key: l.Key, id: l.Stanza.ID, nick: l.Nick, real: l.Real})
		return true, r.send(t, up, r.outward(l.Nick, l.Real, l.Stanza), l.Real, lines.Number{})
	}
	r.ring.note(t, l.Key)
	if err := r.number(t, l); err != nil {
		return false, err
	}
	return false, r.spread(t, nil, jid.JID{}, r.outward(l.Nick, l.Real, l.Stanza), l, false)
}

// cutOff refuses what a replica cannot say while it hears nothing of the room that it follows.
func cutOff() *stanza.Err {
	return &stanza.Err{Condition: stanza.ServiceUnavailable, Type: "wait", Text: "the room that this one follows cannot be reached"}
}

// outward is a line of ours as it goes to any peer. XEP-0289 §5.2. The children stay as they are, for the echo's sake.
func (r *room) outward(nick string, real jid.JID, st *stanza.Stanza) *stanza.Stanza {
	m := Mark{From: real}
	out := st.With(m.Append(nil))
	out.From, out.Type = at(r.jid, nick), stanza.Groupchat
	return out
}

// send sends a line to one peer.
func (r *room) send(t *router.Turn, p *peer, out *stanza.Stanza, real jid.JID, n lines.Number) error {
	if p.kin() {
		return p.deliver(t, out, real, n)
	}
	if p.state() == Joining && n.N != 0 && !p.foreign() {
		out = withNumber(out, real, n) // the answer will show whether it can read that
	}
	c := out.Copy()
	c.To = p.jid
	return r.s.send(t, c)
}

// spread sends a line to every peer but the one it came from; that gets it back if it waits for the echo. author is the
// room that the author came by, zero if this one.
func (r *room) spread(t *router.Turn, from *peer, author jid.JID, out *stanza.Stanza, l *muc.Line, hole bool) error {
	o, err := lines.ParseOrigin(l.Origin)
	if err != nil {
		return err
	}
	// What a room without archive has said is gone for good, and no peer need wait for it.
	n := r.numbers.first(lines.Number{Origin: o, N: l.Seq, Hole: hole || r.forgetful(t)})
	for _, p := range r.peers {
		if !p.open() && p.kin() && p.rec.Up {
			if err := p.withhold(t); err != nil {
				return err
			}
		}
		if !p.open() || (p == from || p.jid == author) && !p.rec.Echo {
			continue
		}
		if p == from && p.rec.Up {
			continue
		}
		if err := r.send(t, p, out, l.Real, n); err != nil {
			return err
		}
	}
	return nil
}

// line takes a groupchat of a peer's.
func (r *room) line(t *router.Turn, mr *muc.Room, p *peer, st *stanza.Stanza, m Mark) error {
	here := mr.Next(t)
	n, numbered := p.numbered(m)
	kin := p.kin() || numbered
	if kin {
		m.From = p.author(st.From.Resource(), m.From)
	}
	if numbered {
		switch r.numbers.place(n) {
		case lines.Before:
			r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Duplicates++ })
			return nil
		case lines.Gap:
			return r.gap(t, mr, p)
		}
		if !r.numbers.brings(t, p.jid.Domain(), n.Origin, maxBrought) {
			return nil
		}
	}
	d, late := ParseDelay(st)
	if !late && !(replica(here) && p.rec.Up) && p.forges(here, m.From) {
		r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Duplicates++ })
		if numbered { // the next one is not behind a gap
			r.numbers.follows(t, n)
			return r.have(t, n.Origin, n.N)
		}
		return nil
	}
	if most := time.Now().Add(maxAhead); d.Stamp.After(most) {
		d.Stamp = most
	}
	l := muc.Line{
		Nick: st.From.Resource(), Real: m.From, Stanza: pure(st), Subject: isSubject(st),
		Late: late, Stamp: d.Stamp, DelayFrom: d.From, Node: p.jid,
	}
	if late && l.DelayFrom.IsZero() {
		l.DelayFrom = p.jid
	}
	if l.Subject && p.rec.Up && p.state() == Joining && !numbered {
		if !r.newer(here, &l) {
			return r.subjectCame(t, mr, p)
		}
	} else if l.Nick == "" && !numbered && !(l.Subject && p.rec.Up && kin) {
		return nil // the room's own word is for its own clients, but for what it is about when nobody in it has said so
	}
	l.Key = lineKey(m.From, l.Stanza, d.Stamp)
	author := here.ByReal(m.From)
	follows := replica(here)
	echo := follows && p.rec.Up
	wasHeld := false
	if echo {
		var err error
		if wasHeld, err = r.release(t, l.Key); err != nil {
			return err
		}
	}
	switch {
	case numbered: // which says all
	case !echo && !late && author != nil && author.Node != p.jid, r.ring.has(l.Key), late && r.kept(t, l.Key):
		r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Duplicates++ })
		return r.ended(t, mr, p, &l)
	case follows && !p.rec.Up:
		return r.upwards(t, mr, p, st, l.Nick, m.From)
	case echo && !wasHeld && author != nil && author.Ours() && !late:
		r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.LateEchoes++ })
	}
	r.ring.note(t, l.Key)
	// What a room of our kind sends without a number was said before it was federated, and stays with who asked for it.
	past := kin && !numbered && (late || l.Nick == "") && !p.rec.Echo
	if past && l.Subject && !r.newer(here, &l) {
		return nil
	}
	var by jid.JID
	if author != nil {
		l.Nick, by = author.Nick, author.Node
	} else {
		l.Nick = r.nickOf(here, p, l.Nick, m.From)
	}
	var err error
	switch {
	case numbered:
		err = r.take(t, &l, n)
	case past:
	default:
		err = r.number(t, &l)
	}
	if err != nil {
		return err
	}
	// Choice: a subject that comes late, and was replaced meanwhile, is not set again.
	if !numbered || !l.Subject || !late || l.Stamp.After(here.Config.SubjectAt) {
		if _, err := mr.Post(t, l); err != nil {
			return err
		}
	}
	if past {
		return nil
	}
	if err := p.saw(t, l.Stamp); err != nil {
		return err
	}
	out := st.Copy()
	if kin {
		out = passed(st, &m)
	}
	out.From = at(r.jid, l.Nick)
	if err := r.spread(t, p, by, out, &l, n.Hole); err != nil {
		return err
	}
	return r.ended(t, mr, p, &l)
}

// forges tells whether the peer speaks as somebody who is here by our own room, and whom it did not name.
// Choice: what comes late is believed, as that may be what we had lost ourselves.
func (p *peer) forges(here *muc.State, real jid.JID) bool {
	if o := elsewhere(here, p.jid, real); o == nil || !o.Ours() {
		return false
	}
	for known := range p.real {
		if known.Bare() == real.Bare() {
			return false
		}
	}
	return true
}

// passed is a line of a peer of our kind as it goes on to any peer.
func passed(st *stanza.Stanza, m *Mark) *stanza.Stanza {
	on := Mark{From: m.From}
	return st.Without(func(c stanza.Child) bool { return c.Name.Space == NS }).With(on.Append(nil)).Copy()
}

// ended ends a join with the subject.
func (r *room) ended(t *router.Turn, mr *muc.Room, p *peer, l *muc.Line) error {
	if l.Subject && p.rec.Up {
		return r.subjectCame(t, mr, p)
	}
	return nil
}

// upwards passes a line of a node below on to the room that ours follows. It is said here when it comes back.
func (r *room) upwards(t *router.Turn, mr *muc.Room, p *peer, st *stanza.Stanza, nick string, real jid.JID) error {
	up := r.up()
	if up == nil || up.state() != Joined || !r.s.reachable(up.jid.Domain()) {
		return cutOff()
	}
	out := st.Copy()
	if o := p.occ[nick]; o != nil {
		nick = alias(o)
	}
	out.From = at(r.jid, nick)
	return r.send(t, up, out, real, lines.Number{})
}

// newer tells whether the subject that ends a join says something that is not known here.
func (r *room) newer(here *muc.State, l *muc.Line) bool {
	var all []byte
	for _, c := range l.Stanza.Children {
		if c.Name.Space == "" && c.Name.Local == "subject" {
			all = append(all, l.Stanza.Raw(c)...)
		}
	}
	if string(all) == string(here.Config.Subject) {
		return false
	}
	if !l.Late {
		// It was never set there; then what was set here stays.
		return len(here.Config.Subject) == 0 && string(all) != "<subject/>" || l.Nick != ""
	}
	return l.Stamp.After(here.Config.SubjectAt)
}

// nickOf is how a peer's author is shown who is not in the room any more.
func (r *room) nickOf(here *muc.State, p *peer, nick string, real jid.JID) string {
	if o := p.occ[nick]; o != nil {
		return alias(o)
	}
	return Alias(nick, real, func(n string) bool {
		o := here.Occupant(n)
		return o != nil && o.Real.Bare() != real.Bare()
	})
}

// kept tells whether the archive holds the line.
func (r *room) kept(t *router.Turn, key [16]byte) bool {
	if key == [16]byte{} {
		return false
	}
	_, ok := t.Tx.ArchiveFind(r.jid.String(), key)
	return ok
}

// saw notes the time of the newest line of the peer's. It is written down once in a while, and when the federation ends.
func (p *peer) saw(t *router.Turn, stamp time.Time) error {
	if stamp.IsZero() {
		stamp = time.Now()
	}
	if !stamp.After(p.seen) {
		return nil
	}
	old := p.seen
	p.seen = stamp
	t.Tx.OnUndo(func() { p.seen = old })
	if stamp.Sub(p.rec.Seen) < time.Minute {
		return nil
	}
	return p.put(t, func(rec *store.FedPeer) { rec.Seen = stamp })
}

// pure is a line less what belongs to one hop.
func pure(st *stanza.Stanza) *stanza.Stanza {
	return st.Without(func(c stanza.Child) bool {
		return c.Name.Space == NS || c.Name.Space == nsUser || isDelay(c.Name)
	})
}

// isSubject tells whether a groupchat is a new subject. XEP-0045 §8.1.
func isSubject(st *stanza.Stanza) bool {
	return st.Has("", "subject") && !st.Has("", "body") && !st.Has("", "thread")
}

// lineKey is what a line is known by wherever it comes from: its author, its id and what it says. Spec: the author and
// the time in the place of an id that is missing; zero when there is neither.
// Choice: not the time as well, since each node stamps a line when it gets it; and not the author's resource, as archives
// do not hold it.
func lineKey(real jid.JID, st *stanza.Stanza, stamp time.Time) (key [16]byte) {
	if real.IsZero() || st.ID == "" && stamp.IsZero() {
		return key
	}
	b := make([]byte, 0, 256)
	b = append(append(b, real.Bare().String()...), 0)
	if st.ID != "" {
		b = append(b, st.ID...)
	} else {
		b = append(b, FormatStamp(stamp)...)
	}
	for _, c := range st.Children {
		if c.Name.Space == "" && (c.Name.Local == "body" || c.Name.Local == "subject") {
			b = append(append(b, 0, c.Name.Local[0]), st.Text(c)...)
		}
	}
	sum := sha256.Sum256(b)
	copy(key[:], sum[:])
	return key
}
