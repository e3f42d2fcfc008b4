package fmuc

import (
	"slices"

	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// held is a line that one of ours has said in a replica, and that has not come back.
type held struct {
	key  [16]byte
	id   string
	nick string
	real jid.JID
}

func (r *room) hold(t *router.Turn, h held) {
	old := r.held
	r.held = append(old[:len(old):len(old)], h)
	t.Tx.OnUndo(func() { r.held = old })
}

// release takes the line that has come back out of those that are held. Those before it will not come any more, as the room above
// says them in the order in which they got there.
func (r *room) release(t *router.Turn, key [16]byte) (was bool, err error) {
	i := slices.IndexFunc(r.held, func(h held) bool { return h.key == key })
	if i < 0 {
		return false, nil
	}
	for range i {
		if err := r.failOne(t, 0, cutOff()); err != nil {
			return false, err
		}
	}
	r.drop(t, 0)
	return true, nil
}

// refused is the place of the line among those held that an error is about, -1 if it is about none.
func (r *room) refused(st *stanza.Stanza) int {
	return slices.IndexFunc(r.held, func(h held) bool { return st.ID != "" && h.id == st.ID && h.nick == st.To.Resource() })
}

func (r *room) drop(t *router.Turn, i int) {
	old := r.held
	r.held = append(old[:i:i], old[i+1:]...)
	t.Tx.OnUndo(func() { r.held = old })
}

// failHeld tells those who wait for their lines that they may never come.
func (r *room) failHeld(t *router.Turn) error {
	for len(r.held) > 0 {
		if err := r.failOne(t, 0, cutOff()); err != nil {
			return err
		}
	}
	return nil
}

func (r *room) failOne(t *router.Turn, i int, why *stanza.Err) error {
	h := r.held[i]
	r.drop(t, i)
	back := &stanza.Stanza{Kind: stanza.Message, From: r.jid, To: h.real, ID: h.id, Type: stanza.Error}
	back.SetInner(why.Append(nil))
	return r.s.send(t, back)
}
