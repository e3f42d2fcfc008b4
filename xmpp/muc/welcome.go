package muc

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// found forgets that a client was lost.
func (r *Room) found(t *router.Turn, full jid.JID) {
	t.After(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.lost, full)
	})
}

// welcome gives a client the room, in the order of XEP-0045 §7.1: who is there, itself last; what was said; the subject.
// By showLocked the room has it from then on, so that what is said the quick way does not come before that.
func (r *Room) welcome(t *router.Turn, o *Occupant, to *Session, j *joining, showLocked func()) error {
	if j.moved {
		return r.giveAll(t, to, []*stanza.Stanza{o.build("", true, Cause{Codes: []int{110}})}, showLocked)
	}
	s, sees := r.next, r.next.Sees(o)
	var all []*stanza.Stanza
	for _, other := range s.occupants {
		if other != o && !other.Hidden && s.broadcast(other.Role) {
			all = append(all, other.view(sees, Cause{}))
		}
	}
	all = append(all, o.build("", true, Cause{Codes: r.selfCodes(j.codes)}))
	all[len(all)-1].ID = j.stanza.ID
	lines, err := r.past(t, j.history, !to.remote)
	if err != nil {
		return err
	}
	all = append(append(all, lines...), r.subject())
	if s.avatar != nil {
		all = append(all, r.face(s))
	}
	return r.giveAll(t, to, all, showLocked)
}

// selfCodes are those of the first self-presence. XEP-0045 §7.2.2, §7.2.3, §7.2.12, §10.1.1.
func (r *Room) selfCodes(more []int) []int {
	codes := []int{110}
	if r.next.Config.NonAnonymous {
		codes = append(codes, 100)
	}
	if !r.next.Config.NoArchive {
		codes = append(codes, 170)
	}
	return append(codes, more...)
}
