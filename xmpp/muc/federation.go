package muc

import (
	"time"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Federation joins rooms of this node to rooms of others (package fmuc). All its methods run in a transaction, in the
// store's order; an error of type *stanza.Err refuses what was asked, any other fails the Turn.
type Federation interface {
	// Stanza takes what other nodes' rooms send: everything with <fmuc/>, and errors from those who are no clients of
	// the room. r is nil when there is no such room.
	Stanza(t *router.Turn, r *Room, s *stanza.Stanza) error
	// Joining is asked before one of ours gets the room. When it returns wait, the client hears nothing until Admit or
	// Refuse is called with o.Real, or it leaves.
	Joining(t *router.Turn, r *Room, o *Occupant) (wait bool, err error)
	// Say is told what one of ours says, before it is said here. It may set l's Origin, Seq and Key. When it returns
	// hold, nothing is said here: it calls Post when the line comes back.
	Say(t *router.Turn, r *Room, l *Line) (hold bool, err error)
	// Changed is told what has become of one of ours: old nil, it entered; new nil, it left; else it is shown anew,
	// perhaps by another nick.
	Changed(t *router.Turn, r *Room, old, new *Occupant, c Cause) error
	// Whisper takes a private message to an occupant from another node.
	Whisper(t *router.Turn, r *Room, from, to *Occupant, s *stanza.Stanza) error
	// Removing is asked when a moderator of ours removes an occupant from another node; then it is removed here.
	Removing(t *router.Turn, r *Room, target *Occupant, rm Removal) error
	// Configured is told of a new configuration; old is nil for a new room, and for each at the start.
	Configured(t *router.Turn, r *Room, old, new *store.Room) error
	// Destroyed is told of the end of a room. Nobody is in it any more.
	Destroyed(t *router.Turn, r *Room) error
	// Fields are those of the owner's form that concern federation, filled in for a configuration.
	Fields(c *store.Room) []forms.Field
	// SetFields reads them back from a form into a configuration.
	SetFields(c *store.Room, f *forms.Form) error
}

// Cause says why an occupant left or changed.
type Cause struct {
	Codes   []int  // status codes; XEP-0045 §16.6.2
	Reason  string // for people
	Actor   string // the nick of who did it
	Nick    string // the new nick, with code 303
	Show    []byte // what the occupant itself said at the end, as markup
	Destroy []byte // <destroy/>, as markup, when the room goes
}

// Removal is the Cause of a removal.
type Removal = Cause

// A Line is something said in a room, or its new subject.
type Line struct {
	Nick   string         // who says it, as shown here
	Real   jid.JID        // who that is
	Stanza *stanza.Stanza // the groupchat as it came, less what is of one hop
	Stamp  time.Time      // when it was said; zero: now
	Late   bool           // it is told with a <delay/>
	// DelayFrom is the room that stored a late line; zero: this one.
	DelayFrom jid.JID
	Subject   bool
	Origin    string // who numbered it; see store.ArchiveEntry
	Seq       uint64
	Key       [16]byte
	Node      jid.JID // the room it came from; zero: one of ours said it
}

// crowds is how many times the occupants that may enter here a room holds with those of all other nodes. Who enters is
// shown all of them at once.
const crowds = 2

// Enter takes in an occupant from another node and shows it to ours. The nick must be free.
func (r *Room) Enter(t *router.Turn, o Occupant) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if r.next == nil {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	if err := r.service.checkNick(o.Nick); err != nil {
		return err
	}
	if r.next.Occupant(o.Nick) != nil {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	if len(r.next.occupants) >= crowds*r.service.options.Load().MaxOccupants {
		return stanza.Fail(stanza.ResourceConstraint, "the room is full")
	}
	n := o.copy()
	n.Sessions, n.id = nil, ""
	r.name(n)
	r.set(t, r.next.put(nil, n))
	return r.announce(t, nil, n, Cause{})
}

// Change shows the occupant with that nick, which is from another node, as o: with other presence, standing or nick.
func (r *Room) Change(t *router.Turn, nick string, o Occupant) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if r.next == nil {
		return stanza.Fail(stanza.ItemNotFound, "")
	}
	old := r.next.Occupant(nick)
	if old == nil || old.Ours() {
		return stanza.Fail(stanza.ItemNotFound, "nobody from another node has the nick")
	}
	n := o.copy()
	n.Sessions, n.id, n.Node = nil, "", old.Node
	if n.Nick == nick {
		return r.alter(t, old, n, Cause{})
	}
	if err := r.service.checkNick(n.Nick); err != nil {
		return err
	}
	if r.next.Occupant(n.Nick) != nil {
		return stanza.Fail(stanza.Conflict, "the nick is in use")
	}
	return r.renamed(t, old, n, nil)
}

// Remove takes out the occupant with that nick, be it from another node or one of ours that was removed there. Nothing
// happens if there is none.
func (r *Room) Remove(t *router.Turn, nick string, rm Removal) error {
	if err := t.NeedTx(); err != nil || r.next == nil {
		return err
	}
	o := r.next.Occupant(nick)
	if o == nil {
		return nil
	}
	return r.remove(t, o, rm, nil)
}
