package s2s

import (
	"bytes"
	"strconv"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Between two Longwire nodes that both agree to it, messages of one account to another carry a short number in the place of the long id that
// their client gave them. Whoever gets such a message takes the number for its id, and so do its answers; what in them refers to
// a message of ours gets its id back here.
//
//	our client  id='b3e1a1a2-6d2c-…'  ->  id='12ab'            ->  their client
//	            <received id='b3e1…'/> <-  <received id='12ab'/>  <-
//
// Each side counts for itself; numbers are odd on the one side and even on the other, so that everybody sees whose a number is.

// nsReply and the others are of what refers to another message by its id.
const (
	nsReply     = "urn:xmpp:reply:0"
	nsCorrect   = "urn:xmpp:message-correct:0"
	nsReactions = "urn:xmpp:reactions:0"
	nsFasten    = "urn:xmpp:fasten:0"
)

// refers tells whether a child names a message by its id.
func refers(n markup.Name) bool {
	switch n.Space {
	case nsReceipts:
		return n.Local == "received"
	case nsMarkers:
		return n.Local != "markable"
	case nsCorrect:
		return n.Local == "replace"
	case "urn:xmpp:message-retract:0", "urn:xmpp:message-retract:1":
		return n.Local == "retract"
	case nsReply:
		return n.Local == "reply"
	case nsReactions:
		return n.Local == "reactions"
	case nsFasten:
		return n.Local == "apply-to"
	}
	return false
}

// worthIt is the length from which an id is shortened.
const worthIt = 9

// isShort tells whether an id looks like one of ours. Such ids of clients are replaced too, so that none is mistaken.
func isShort(id string) bool {
	if len(id) < 4 || len(id) >= worthIt || id[0] == '0' {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// odd tells which numbers are given to messages from one domain to another.
func odd(from, to string) bool { return from < to }

// shortens tells whether the ids of a message are: between two accounts, not to, from or in a room, where others refer to them too.
func (p *Peer) shortens(s *stanza.Stanza) bool {
	return s.Kind == stanza.Message && s.Type != stanza.Groupchat && s.From.Local() != "" && s.To.Local() != "" &&
		!s.Has(nsMUCUser, "x") && !s.Has(nsFMUC, "fmuc") && (p.peers.Room == nil || !p.peers.Room(s.From.Domain()) && !p.peers.Room(s.To.Domain()))
}

// shorten gives a message for the peer its short id, and those it refers to theirs.
func (p *Peer) shorten(t *router.Turn, s *stanza.Stanza) (*stanza.Stanza, error) {
	if !p.shortens(s) {
		return s, nil
	}
	out := s
	of := func(id string) store.ID {
		return store.ID{From: s.From.Bare().String(), To: s.To.Bare().String(), ID: id}
	}
	const longest = 256
	// The id of an error is that of what it answers.
	if !s.IsError() && len(s.ID) <= longest && (len(s.ID) >= worthIt || isShort(s.ID)) {
		n, err := t.Tx.ShortenID(p.name, of(s.ID), odd(s.From.Domain(), s.To.Domain()))
		if err != nil {
			return nil, err
		}
		out = s.Copy()
		out.ID = strconv.FormatUint(n, 36)
	}
	return renamed(out, func(n markup.Name, id string) (string, error) {
		if n.Space == nsReceipts || n.Space == nsMarkers {
			return id, nil // it is about a message of theirs
		}
		if n, ok := t.Tx.ShortID(p.name, of(id)); ok {
			return strconv.FormatUint(n, 36), nil
		}
		return id, nil
	})
}

// lengthen gives what the peer says of our messages the ids that our clients know.
func (p *Peer) lengthen(t *router.Turn, r *rules, s *stanza.Stanza) (*stanza.Stanza, error) {
	if !r.ShortIDs || !p.shortens(s) {
		return s, nil
	}
	long := func(id string) (string, error) {
		n, err := strconv.ParseUint(id, 36, 64)
		if !isShort(id) || err != nil || n%2 == 1 != odd(s.To.Domain(), s.From.Domain()) {
			return id, nil
		}
		was, ok, err := t.Tx.LongID(p.name, n, s.To.Bare().String(), s.From.Bare().String())
		if err != nil || !ok {
			return id, err
		}
		return was, nil
	}
	out := s
	if s.IsError() {
		id, err := long(s.ID)
		if err != nil {
			return nil, err
		}
		if id != s.ID {
			out = s.Copy()
			out.ID = id
		}
	}
	return renamed(out, func(_ markup.Name, id string) (string, error) { return long(id) })
}

// renamed is a stanza with other ids in what refers to messages; s itself when none is another.
func renamed(s *stanza.Stanza, name func(markup.Name, string) (string, error)) (*stanza.Stanza, error) {
	var inner []byte
	done := 0
	for _, c := range s.Children {
		if !refers(c.Name) {
			continue
		}
		at, was := idOf(s, c)
		if was == "" {
			continue
		}
		is, err := name(c.Name, was)
		if err != nil {
			return nil, err
		}
		if is != was {
			inner = append(append(inner, s.Inner[done:at]...), is...)
			done = at + len(was)
		}
	}
	if done == 0 {
		return s, nil
	}
	out := s.Copy()
	out.SetInner(append(inner, s.Inner[done:]...))
	return out, nil
}

// idOf finds the id of a child, and where in Inner it stands. One that is not plain to see, as it is written with escapes, is none.
func idOf(s *stanza.Stanza, c stanza.Child) (at int, id string) {
	e, err := s.Element(c)
	if err != nil {
		return 0, ""
	}
	id = e.Attr("id")
	tag := s.Raw(c)
	if c.TextEnd > c.TextStart {
		tag = tag[:c.TextStart-c.Start]
	}
	for _, quoted := range []string{"'" + id + "'", `"` + id + `"`} {
		const name = " id="
		if i := bytes.Index(tag, []byte(name+quoted)); i >= 0 && id != "" && bytes.Count(tag, []byte(id)) == 1 {
			return c.Start + i + len(name) + 1, id
		}
	}
	return 0, ""
}
