package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"longwire/tools/rig/wire"
)

// read takes what the server sends until the connection ends.
func (m *member) read(c *wire.Conn) error {
	for {
		e, err := c.Next()
		if err != nil {
			return err
		}
		m.mu.Lock()
		err = m.take(c, e)
		m.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (m *member) take(c *wire.Conn, e wire.Element) error {
	switch e.Name {
	case "r":
		return c.WriteString(wire.Ack(m.handled))
	case "a":
		h, err := wire.H(e.Raw)
		if err != nil {
			return err
		}
		return m.ack(h)
	case "stream:error":
		return wire.ErrStreamEnd
	case "message", "presence", "iq":
		m.handled++
	}
	raw := bytes.Clone(e.Raw)
	switch e.Name {
	case "message":
		return m.message(raw)
	case "presence":
		return m.presence(raw)
	case "iq":
		return m.answer(raw)
	}
	return nil
}

// presence follows who is in the room, and its own way in.
func (m *member) presence(raw []byte) error {
	room, nick, _ := strings.Cut(wire.Attr(raw, "from"), "/")
	if room != m.room {
		return nil
	}
	self := bytes.Contains(raw, []byte("code='110'"))
	switch kind := wire.Attr(raw, "type"); {
	case kind == "error":
		return fmt.Errorf("the room refuses: %s", raw)
	case kind == "unavailable" && self && m.going:
		m.going = false
		return nil
	case kind == "unavailable" && self:
		m.report("%s: thrown out of the room: %.400s", m.name, raw)
		return fmt.Errorf("thrown out")
	case kind == "unavailable":
		delete(m.crowd, nick)
		return nil
	}
	m.crowd[nick] = true
	if self && m.state == entering {
		m.enterState(catching)
		return m.ask(m.last)
	}
	return nil
}

// ask asks the archive for a page.
func (m *member) ask(after string) error {
	m.query++
	if after != "" {
		after = "<after>" + after + "</after>"
	}
	return m.send(fmt.Sprintf("<iq type='set' id='q%d' to='%s'><query xmlns='urn:xmpp:mam:2' queryid='q%d'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max>%s</set></query></iq>",
		m.query, m.room, m.query, after))
}

// answer is the end of a page of the archive.
func (m *member) answer(raw []byte) error {
	id := wire.Attr(raw, "id")
	if wire.Attr(raw, "type") == "get" {
		return m.send("<iq type='error' id='" + wire.Escape(id) + "' to='" + wire.Escape(wire.Attr(raw, "from")) + "'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
	}
	if m.state != catching || id != fmt.Sprintf("q%d", m.query) {
		return nil
	}
	if wire.Attr(raw, "type") == "error" {
		m.report("%s: the archive refuses what came after %q: %.400s", m.name, m.last, raw)
		return fmt.Errorf("the archive refuses")
	}
	if last := wire.Text(raw, "last"); last != "" && !bytes.Contains(raw, []byte("complete='true'")) {
		return m.ask(last)
	}
	return m.caughtUp()
}

// caughtUp is when all of the archive is there: what was said meanwhile is taken, and its own lines that nobody saw are said again.
func (m *member) caughtUp() error {
	m.enterState(inside)
	for _, raw := range m.later {
		m.see(raw, idOf(raw), true)
	}
	m.later = nil
	if m.replica {
		for _, n := range m.waiting {
			m.perhaps[n] = true
		}
		m.waiting = nil
	}
	var out []string
	for _, n := range m.waiting {
		m.again++
		out = append(out, m.line(n))
	}
	if out == nil {
		return nil
	}
	return m.send(out...)
}

func (m *member) message(raw []byte) error {
	switch {
	case wire.Attr(raw, "type") == "error":
		m.refuse(raw)
	case bytes.Contains(raw, []byte("<result xmlns='urn:xmpp:mam:2'")):
		at := bytes.Index(raw, []byte("<result "))
		inner := raw[at:]
		if m.state == catching && wire.Attr(inner, "queryid") == fmt.Sprintf("q%d", m.query) {
			m.paged++
			m.see(inner[max(0, bytes.Index(inner, []byte("<message "))):], wire.Attr(inner, "id"), false)
		}
	case wire.Attr(raw, "type") != "groupchat" || wire.Text(raw, "body") == "":
	case m.state == inside:
		m.see(raw, idOf(raw), true)
	default:
		m.later = append(m.later, raw)
	}
	return nil
}

// idOf is the archive's id of a live line.
func idOf(raw []byte) string {
	at := bytes.Index(raw, []byte("<stanza-id "))
	if at < 0 {
		return ""
	}
	return wire.Attr(raw[at:], "id")
}

// see files a line.
func (m *member) see(raw []byte, id string, live bool) {
	body := wire.Text(raw, "body")
	if body == "" {
		return
	}
	from := wire.Attr(raw, "from")
	var author string
	var n int
	if _, err := fmt.Sscan(body, &author, &n); err != nil {
		m.report("%s: nobody said: %.300s", m.name, raw) // or the room, as that a peer is out of reach
		return
	}
	if from != m.room+"/"+author {
		m.report("%s: %q comes from %s", m.name, body, from)
	}
	if s := m.seen[body]; s != nil {
		switch {
		case s.id != id:
			m.report("%s: %q came twice, as %s and as %s%s", m.name, body, s.id, id, how(live))
		case live && s.live, !live && s.kept:
			m.report("%s: %q came twice%s", m.name, body, how(live))
		}
		s.live, s.kept = s.live || live, s.kept || !live
		return
	}
	switch {
	case id == "":
		m.report("%s: %q has no id", m.name, body)
	case m.ids[id] != "":
		m.report("%s: %q and %q are both %s", m.name, body, m.ids[id], id)
	case id <= m.last:
		m.report("%s: %q is %s, and came after %s%s", m.name, body, id, m.last, how(live))
	}
	if n <= m.order[author] && !m.loose(author) {
		m.report("%s: %q came after line %d%s", m.name, body, m.order[author], how(live))
	}
	m.seen[body] = &sighting{id: id, live: live, kept: !live}
	m.ids[id], m.last, m.order[author] = body, max(m.last, id), max(m.order[author], n)
	if author == m.name {
		m.shown[n] = true
		delete(m.perhaps, n)
		m.waiting = slices.DeleteFunc(m.waiting, func(w int) bool { return w == n })
	}
}

func how(live bool) string {
	if live {
		return ", live"
	}
	return ", in the archive"
}
