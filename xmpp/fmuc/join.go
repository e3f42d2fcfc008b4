package fmuc

import (
	"slices"
	"strconv"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// firstHistory is how many lines a room asks for that has never been federated with the other.
const firstHistory = 20

// node is the room that ours is to join; zero: none.
func (r *room) node(st *muc.State) jid.JID {
	if !r.s.on(st) || st.Config.Fed.Node == "" {
		return jid.JID{}
	}
	j, err := jid.Parse(st.Config.Fed.Node)
	if err != nil {
		return jid.JID{}
	}
	j = j.Bare()
	if _, ok := r.s.peer(j.Domain()); !ok || j == r.jid {
		return jid.JID{}
	}
	return j
}

// wanted tells whether the other room must hear of ours: somebody is here, or waits to be, or the room is watched.
func (r *room) wanted(st *muc.State, node jid.JID) bool {
	return st.Config.Fed.Watch || len(r.waits) > 0 || r.peopled(st, node)
}

// peopled tells whether somebody is here whom the other room did not bring.
func (r *room) peopled(st *muc.State, node jid.JID) bool {
	return slices.ContainsFunc(st.Occupants(), func(o *muc.Occupant) bool { return o.Node != node })
}

// drive joins the other room when somebody is here, and sees that it was left when nobody is.
func (r *room) drive(t *router.Turn, mr *muc.Room) error { return r.driveWith(t, mr, nil) }

// driveWith is drive; the join names first, who is not in the room yet.
func (r *room) driveWith(t *router.Turn, mr *muc.Room, first *muc.Occupant) error {
	st := mr.Next(t)
	if st == nil {
		return nil
	}
	node, up := r.node(st), r.up()
	if up != nil && up.jid != node {
		if err := r.part(t, mr, up); err != nil {
			return err
		}
		up = nil
	}
	if node.IsZero() {
		return nil
	}
	if !r.wanted(st, node) {
		if up == nil || len(up.told) > 0 && up.open() {
			return nil // those it still believes to be here are taken back first
		}
		return r.unwanted(t, mr, up)
	}
	if up == nil {
		var err error
		if up, err = r.add(t, store.FedPeer{Peer: node.String(), Up: true}); err != nil {
			return err
		}
	}
	switch up.state() {
	case Idle, Leaving:
		return r.join(t, mr, up, first)
	case Joining, Joined:
		return r.watch(t, mr)
	}
	return nil
}

// unwanted ends a federation of which nobody is left here.
func (r *room) unwanted(t *router.Turn, mr *muc.Room, up *peer) error {
	if err := up.keepSeen(t); err != nil {
		return err
	}
	was := up.state()
	if err := up.step(t, Unwanted); err != nil || up.state() == was || up.state() != Leaving {
		return err
	}
	if up.kin() { // which does not say goodbye
		if err := up.step(t, LeftSeen); err != nil {
			return err
		}
		return r.clear(t, mr, up, muc.Cause{})
	}
	if err := up.put(t, func(rec *store.FedPeer) { rec.Lefts++ }); err != nil {
		return err
	}
	r.s.wake(t, alarm{pair{r.jid, up.jid}, alarmLeaving}, leavingTime)
	return r.clear(t, mr, up, muc.Cause{})
}

// join asks to be federated with the other room, and tells who is here. What follows may be queued behind at once.
// Choice: nothing waits here for the answer, as the order of the queue is that of the stanzas.
func (r *room) join(t *router.Turn, mr *muc.Room, up *peer, first *muc.Occupant) error {
	for nick := range up.told {
		if _, err := up.noteUntold(t, nick); err != nil {
			return err
		}
	}
	st := mr.Next(t)
	all := slices.DeleteFunc(slices.Clone(st.Occupants()), func(o *muc.Occupant) bool { return !up.concerns(o) })
	if first != nil {
		all = slices.Insert(all, 0, first)
	}
	if len(all) == 0 {
		all = []*muc.Occupant{r.stand()}
	}
	err := up.put(t, func(rec *store.FedPeer) {
		rec.State, rec.Since, rec.Asked = uint8(up.state().Next(Wanted)), time.Now(), all[0].Real.String()
	})
	if err != nil {
		return err
	}
	r.s.count(t, pair{r.jid, up.jid}, func(c *Counters) { c.Joins++ })
	if up.kin() {
		return up.joinKin(t, mr, all)
	}
	if err := up.noteTold(t, all[0].Nick, all[0].Real); err != nil {
		return err
	}
	m := Mark{From: all[0].Real}
	if !up.foreign() {
		m.Children = []*markup.Element{up.greeting(st)}
		old := up.kinship
		t.Tx.OnUndo(func() { up.kinship = old })
		up.kinship.greeted = true
	}
	if replica(st) {
		m.Attrs = []markup.Attr{{Name: markup.Name{Local: "mode"}, Value: "pr"}}
	}
	ask := up.presence(all[0].Nick, "", m, itemOf(all[0], st.Config.NonAnonymous), availability(all[0].Show), up.ask(st).Append(nil))
	if err := r.s.send(t, ask); err != nil {
		return err
	}
	for _, o := range all[1:] {
		if err := up.tell(t, mr, o, false); err != nil {
			return err
		}
	}
	return r.catchUp(t, up)
}

// stand is the occupant that stands for a node in a room that is watched. XEP-0289 knows none; nobody sees it.
func (r *room) stand() *muc.Occupant {
	return &muc.Occupant{Nick: nodeNick, Real: r.jid, Role: muc.Visitor, Affiliation: muc.NoAffiliation, Hidden: true}
}

// stands tells whether the peer was told of the one who stands for our node. A user may have that nick, too.
func (p *peer) stands() bool { return p.told[nodeNick] == p.room.jid }

// watch puts the node itself in the place of the last one who leaves a watched room, and takes it back later.
func (r *room) watch(t *router.Turn, mr *muc.Room) error {
	st, up := mr.Next(t), r.up()
	if st == nil || up == nil || !up.open() {
		return nil
	}
	stands := up.stands()
	switch people := r.peopled(st, up.jid) || len(r.waits) > 0; {
	case stands && people && len(up.told) > 1:
		return up.untell(t, nodeNick, muc.Cause{})
	case !stands && !people && st.Config.Fed.Watch && r.s.on(st):
		return up.tell(t, mr, r.stand(), false)
	}
	return nil
}

// ask is how much of the past is wanted.
func (p *peer) ask(st *muc.State) History {
	h := AllHistory
	switch f := st.Config.Fed.History; {
	case f == "none":
		h.MaxChars = 0
		return h
	case f != "" && f != "since":
		if n, err := strconv.Atoi(f); err == nil && n >= 0 {
			h.MaxStanzas = n
		}
	}
	if !p.seen.IsZero() {
		h.Since = p.seen.Add(-2 * time.Second)
	} else if h.MaxStanzas < 0 {
		h.MaxStanzas = firstHistory
	}
	if n := st.Config.Fed.LastN; n > 0 && (h.MaxStanzas < 0 || h.MaxStanzas > n) {
		h.MaxStanzas = n
	}
	return h
}

// keepSeen writes down how far the peer's lines are known.
func (p *peer) keepSeen(t *router.Turn) error {
	if p.seen.Equal(p.rec.Seen) {
		return nil
	}
	return p.put(t, func(rec *store.FedPeer) { rec.Seen = p.seen })
}

// subjectCame ends a join, if it is the present one that is answered. A foreign room that does not answer farewells is
// waited for only so long.
func (r *room) subjectCame(t *router.Turn, mr *muc.Room, up *peer) error {
	if up.rec.Lefts > 0 {
		if ps, _ := r.s.peer(up.jid.Domain()); ps.Foreign {
			r.s.wake(t, alarm{pair{r.jid, up.jid}, alarmAnswered}, ps.JoinTimeout)
		}
		return nil
	}
	return r.answered(t, mr, up)
}

// answered ends a join.
func (r *room) answered(t *router.Turn, mr *muc.Room, up *peer) error {
	if up.state() != Joining {
		return nil
	}
	if err := r.dropUnnamed(t, mr, up); err != nil {
		return err
	}
	err := up.put(t, func(rec *store.FedPeer) {
		rec.State, rec.Since, rec.Lefts, rec.Asked = uint8(up.state().Next(Answered)), time.Now(), 0, ""
		rec.Missed = 0
	})
	if err != nil {
		return err
	}
	r.setTries(t, 0)
	r.note(t, up, "federated")
	for full, nick := range r.takeWaits(t) {
		if err := mr.Admit(t, full); err != nil {
			return err
		}
		if mr.Next(t).ByReal(full) == nil { // it went away while it waited
			if err := up.untell(t, nick, muc.Cause{}); err != nil {
				return err
			}
		}
	}
	return r.drive(t, mr)
}

// takeWaits takes those who wait at the door.
func (r *room) takeWaits(t *router.Turn) map[jid.JID]string {
	old := r.waits
	r.waits = make(map[jid.JID]string)
	t.Tx.OnUndo(func() { r.waits = old })
	return old
}

func (r *room) setTries(t *router.Turn, n int) {
	old := r.tries
	r.tries = n
	t.Tx.OnUndo(func() { r.tries = old })
}

// refuseWaits sends those away who wait at the door.
func (r *room) refuseWaits(t *router.Turn, mr *muc.Room, up *peer, c stanza.Condition, text string) error {
	for full, nick := range r.takeWaits(t) {
		if err := mr.Refuse(t, full, stanza.Fail(c, text)); err != nil {
			return err
		}
		if err := up.untell(t, nick, muc.Cause{}); err != nil {
			return err
		}
	}
	return nil
}

// rejected takes a <reject/>.
func (r *room) rejected(t *router.Turn, mr *muc.Room, p *peer, why string) error {
	if p == nil || !p.rec.Up || p.state() != Joining {
		return nil
	}
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Rejects++ })
	t.After(func() { r.s.log().Warn("fmuc: the peer's room rejects ours", "room", r.jid, "peer", p.jid, "why", why) })
	if err := p.step(t, Rejected); err != nil {
		return err
	}
	r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmRefused}, refusedTime)
	for nick := range p.told {
		if _, err := p.noteUntold(t, nick); err != nil {
			return err
		}
	}
	if err := r.clear(t, mr, p, muc.Cause{Codes: []int{codeLost}}); err != nil {
		return err
	}
	return r.refuseWaits(t, mr, p, stanza.ServiceUnavailable, "the room that this one follows does not take part")
}

// left takes a <left/>.
func (r *room) left(t *router.Turn, mr *muc.Room, p *peer) error {
	if p == nil || !p.rec.Up {
		return nil
	}
	if p.rec.Lefts == 0 {
		return r.detach(t, mr, p, LeftSeen)
	}
	// It answers a farewell; that may have been one before the present join, and what came until now was for the join
	// before that.
	if p.state() == Joining { // unless others were lost, and this one was for the present join
		ps, _ := r.s.peer(p.jid.Domain())
		r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmStuck}, ps.JoinTimeout)
	}
	if err := p.put(t, func(rec *store.FedPeer) { rec.Lefts-- }); err != nil || p.rec.Lefts > 0 {
		return err
	}
	switch p.state() {
	case Joining:
		p.mustName(t, true)
	case Leaving:
		if err := p.step(t, LeftSeen); err != nil {
			return err
		}
		return r.drive(t, mr)
	}
	return nil
}

// detach is what becomes of a federation that was broken: the other room's occupants are gone until we have joined anew.
func (r *room) detach(t *router.Turn, mr *muc.Room, p *peer, e Event) error {
	before := p.state()
	if err := p.keepSeen(t); err != nil {
		return err
	}
	if err := p.step(t, e); err != nil || p.state() == before {
		return err
	}
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Resyncs++ })
	r.note(t, p, "the federation broke")
	if ps, _ := r.s.peer(p.jid.Domain()); !ps.Foreign || e == LeftSeen {
		for nick := range p.told {
			if _, err := p.noteUntold(t, nick); err != nil {
				return err
			}
		}
	}
	if err := r.clear(t, mr, p, muc.Cause{Codes: []int{codeLost}}); err != nil {
		return err
	}
	if err := r.failHeld(t); err != nil {
		return err
	}
	if err := r.refuseWaits(t, mr, p, stanza.RemoteServerTimeout, "the room that this one follows cannot be reached"); err != nil {
		return err
	}
	if p.state() == Detached {
		if err := p.put(t, p.missing); err != nil {
			return err
		}
		r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmRejoin}, min(rejoinTime<<min(r.tries, 10), rejoinMost))
		r.setTries(t, r.tries+1)
	}
	return nil
}

// part leaves a room that ours is not to join any more.
func (r *room) part(t *router.Turn, mr *muc.Room, up *peer) error {
	for nick := range up.told {
		if err := up.untell(t, nick, muc.Cause{}); err != nil {
			return err
		}
	}
	if err := r.clear(t, mr, up, muc.Cause{Codes: []int{codeLost}}); err != nil {
		return err
	}
	if err := r.failHeld(t); err != nil {
		return err
	}
	if err := r.refuseWaits(t, mr, up, stanza.ServiceUnavailable, "the room is configured anew"); err != nil {
		return err
	}
	return up.forget(t)
}
