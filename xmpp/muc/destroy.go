package muc

import (
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// declaredText tells an owner why a room is not its to destroy.
const declaredText = "this room is set up by the operator of the node"

// ending is why a room goes, and where to.
type ending struct {
	alternate        jid.JID
	reason, password string
}

// destroy is the owner's request. XEP-0045 §10.9.
func (s *Service) destroy(q *request, d *markup.Element) error {
	var e ending
	if to := d.Attr("jid"); to != "" {
		j, err := jid.Parse(to)
		if err != nil {
			return stanza.Fail(stanza.JIDMalformed, "")
		}
		if e.alternate = j.Bare(); e.alternate == q.room.jid {
			return stanza.Fail(stanza.NotAcceptable, "the other room is this room")
		}
	}
	if r := d.Child(NSOwner, "reason"); r != nil {
		e.reason = r.Text
	}
	if p := d.Child(NSOwner, "password"); p != nil {
		e.password = p.Text
	}
	if len(e.reason) > maxReason || len(e.password) > maxReason {
		return stanza.Fail(stanza.PolicyViolation, "the reason is too long")
	}
	if q.state.Config.Declared {
		// Choice: the next start would bring it back.
		return stanza.Fail(stanza.NotAllowed, declaredText)
	}
	return s.end(q.Turn, q.room, e, func() error { return s.reply(q, nil) })
}

// Destroy ends a room for the operator. With an alternate, whoever comes later is sent there.
func (s *Service) Destroy(t *router.Turn, r *Room, alternate jid.JID, reason string) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if r.next == nil {
		return fmt.Errorf("muc: destroying %s: there is no such room", r.jid)
	}
	return s.end(t, r, ending{alternate: alternate.Bare(), reason: reason}, nil)
}

// end takes everybody out and destroys the room with all that was said in it. between is called when all know.
func (s *Service) end(t *router.Turn, r *Room, e ending, between func() error) error {
	old := r.next
	n := old.clone()
	n.occupants, n.waiting = nil, nil
	n.nicks, n.clients, n.far = index[string]{}, index[jid.JID]{}, index[jid.JID]{}
	r.set(t, n)
	if err := r.evict(t, old, Cause{Destroy: e.append(nil)}); err != nil {
		return err
	}
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	if err := s.close(t, r); err != nil {
		return err
	}
	if e.alternate.IsZero() {
		return nil
	}
	return s.entomb(t, r, e)
}

// evict takes leave of everybody who was in the room, and of those who wait at the door. XEP-0045 §10.9: each hears of
// itself only.
func (r *Room) evict(t *router.Turn, old *State, c Cause) error {
	for _, o := range old.occupants {
		gone := o.copy()
		gone.Affiliation = NoAffiliation
		if o.Ours() {
			r.service.count(t, o.Real.Bare(), -len(o.Sessions))
		}
		for i := range o.Sessions {
			if err := r.bye(t, gone, &o.Sessions[i], c); err != nil {
				return err
			}
		}
		if err := r.report(t, o, nil, c); err != nil {
			return err
		}
	}
	for _, j := range old.waiting {
		if err := r.service.refuse(t, j.stanza, stanza.Fail(stanza.ItemNotFound, "")); err != nil {
			return err
		}
	}
	return nil
}

// append writes <destroy/>.
func (e ending) append(b []byte) []byte {
	b = append(b, "<destroy"...)
	if !e.alternate.IsZero() {
		b = markup.AppendPlainAttr(b, "jid", e.alternate.String())
	}
	if e.reason == "" && e.password == "" {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	if e.password != "" {
		b = append(markup.AppendEscaped(append(b, "<password>"...), e.password), "</password>"...)
	}
	if e.reason != "" {
		b = append(markup.AppendEscaped(append(b, "<reason>"...), e.reason), "</reason>"...)
	}
	return append(b, "</destroy>"...)
}

// entomb leaves a stone that says where the room went. Choice: it stays until the operator removes it, or many others
// have come, so that nobody takes the name to speak for the old room.
func (s *Service) entomb(t *router.Turn, r *Room, e ending) error {
	if err := s.clearStone(t); err != nil {
		return err
	}
	cfg := store.Room{
		JID: r.jid.String(), Created: time.Now(), Persistent: true, Hidden: true,
		Gone: true, Alternate: e.alternate.String(), Reason: e.reason,
	}
	if err := t.Tx.PutRoom(cfg); err != nil {
		return err
	}
	_, n, err := newRoom(s, cfg)
	if err != nil {
		return err
	}
	s.keep(r)
	t.Tx.OnUndo(func() { s.forget(r) })
	r.set(t, n)
	return nil
}

// clearStone makes place for one more.
func (s *Service) clearStone(t *router.Turn) error {
	var oldest *Room
	stones := 0
	s.mu.RLock()
	for _, r := range s.rooms {
		if r.next == nil || !r.next.Config.Gone {
			continue
		}
		stones++
		if oldest == nil || r.next.Config.Created.Before(oldest.next.Config.Created) {
			oldest = r
		}
	}
	s.mu.RUnlock()
	if stones < maxStones {
		return nil
	}
	return s.close(t, oldest)
}

// goneTo refuses what is asked of a room that was destroyed.
func goneTo(c *store.Room) *stanza.Err {
	e := stanza.Fail(stanza.Gone, c.Reason)
	if c.Alternate != "" {
		e.URI = "xmpp:" + c.Alternate + "?join"
	}
	return e
}
