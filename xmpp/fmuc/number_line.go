package fmuc

import (
	"strings"

	"longwire/store"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// deliver sends a line to a peer of our kind. One with a number waits in the archive while the peer would not take it: it is sent when
// the peer has said how far it got.
func (p *peer) deliver(t *router.Turn, out *stanza.Stanza, real jid.JID, n lines.Number) error {
	if n.N != 0 && p.room.forgetful(t) {
		if p.deaf() {
			return nil
		}
	} else if n.N != 0 && (p.kinship.rec.Behind || p.deaf()) {
		if p.unheard() && !p.deaf() {
			return p.digest(t, p.room.s.muc.Room(p.room.jid), ask)
		}
		return p.withhold(t)
	}
	if !p.kinship.greeted {
		if err := p.digest(t, p.room.s.muc.Room(p.room.jid), ask); err != nil {
			return err
		}
	}
	m := p.lineMark(real, out.From.Resource(), n)
	c := out.Without(func(c stanza.Child) bool { return c.Name.Space == NS }).With(m.Append(nil))
	c.From, c.To = out.From, p.jid
	return p.hand(t, c, n)
}

// forgetful tells whether the room keeps nothing that could be sent again.
func (r *room) forgetful(t *router.Turn) bool {
	mr := r.s.muc.Room(r.jid)
	return mr != nil && mr.Next(t) != nil && mr.Next(t).Config.NoArchive
}

// withNumber is a line with its number, for whoever can read that.
func withNumber(out *stanza.Stanza, real jid.JID, n lines.Number) *stanza.Stanza {
	m := numberedMark(real, n)
	c := out.Without(func(c stanza.Child) bool { return c.Name.Space == NS }).With(m.Append(nil))
	c.From, c.Type = out.From, out.Type
	return c
}

func numberedMark(real jid.JID, n lines.Number) Mark {
	return Mark{From: real, Attrs: []markup.Attr{{Name: markup.Name{Local: "n"}, Value: n.String()}}}
}

// withhold notes that the peer did not get a line. It gets none of those behind it either, before it has said how far it got: they may be
// of another origin, and what an author says stays in order.
func (p *peer) withhold(t *router.Turn) error {
	if p.kinship.rec.Behind {
		return nil
	}
	k := p.kinship
	k.rec.Behind, k.rec.Held = true, t.Tx.ArchiveStats(p.room.jid.String()).Last
	return p.setKin(t, k)
}

// hand puts a numbered line into the queue. One that the way does not take is given up: its number is told alone.
func (p *peer) hand(t *router.Turn, st *stanza.Stanza, n lines.Number) error {
	s := p.room.s
	s.tooBig = false
	if err := p.route(t, st); err != nil || !s.tooBig || n.N == 0 {
		return err
	}
	s.tooBig = false
	return p.tellGone(t, []lines.Pair{{Origin: n.Origin, N: n.N}})
}

// route hands a stanza to the router; an error that comes back meanwhile is our own node's.
func (p *peer) route(t *router.Turn, st *stanza.Stanza) error {
	s := p.room.s
	before := s.routing
	s.routing = true
	defer func() { s.routing = before }()
	return s.host.Route(t, st)
}

// lineMark is the <fmuc/> of a line for a peer of our kind. The author is left out where the nick tells it.
func (p *peer) lineMark(real jid.JID, nick string, n lines.Number) (m Mark) {
	if real = real.Bare(); real != nickJID(nick, p.room.jid) {
		m.From = real
	}
	if n.N != 0 {
		m.Attrs = numberedMark(real, n).Attrs
	}
	return m
}

// nickJID is the real JID that a nick stands for, if nothing else is said.
func nickJID(nick string, room jid.JID) jid.JID {
	j, err := jid.New(strings.ToLower(nick), usersDomain(room.Domain()), "")
	if err != nil {
		return jid.JID{}
	}
	return j
}

// author completes what a line of a peer of our kind says of its author.
func (p *peer) author(nick string, real jid.JID) jid.JID {
	if real.IsZero() {
		real = nickJID(nick, p.jid)
	}
	if o := p.occ[nick]; o != nil {
		if full, err := jid.Parse(o.Real); err == nil && full.Bare() == real.Bare() {
			return full
		}
	}
	return real
}

// numbered is the number of a peer's line; false if it has none. The first lines come before the digest that shows of what
// kind their room is.
func (p *peer) numbered(m Mark) (n lines.Number, ok bool) {
	if p.foreign() || m.Attr("n") == "" {
		return n, false
	}
	n, err := lines.ParseNumber(m.Attr("n"))
	return n, err == nil
}

// realOfEntry is the author of a line in the archive.
func realOfEntry(e store.ArchiveEntry) jid.JID {
	j, _ := jid.Parse(e.With)
	return j
}
