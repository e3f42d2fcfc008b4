package proxy

import (
	"slices"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
)

// maxItems is how many rooms are listed.
const maxItems = 100

// info answers disco#info. XEP-0030 §3.
func (q *question) info() error {
	node := q.node()
	switch kind := q.to(); {
	case kind == client:
		return q.clientInfo(node)
	case kind == occupant:
		return q.unknown()
	case node != "":
		return q.unknown()
	case kind == server:
		return q.reply(describe("server", "im", q.st.To.Domain(), nsInfo, nsItems, nsPing))
	case kind == rooms:
		return q.reply(describe("conference", "text", roomService, q.roomFeatures(nsPing)...))
	case kind == oneRoom:
		return q.roomInfo()
	}
	if ok, err := q.sees(); err != nil || !ok {
		return either(err, q.unknown())
	}
	return q.reply(describe("account", "registered", "", nsInfo, nsItems))
}

func either(err, refusal error) error {
	if err != nil {
		return err
	}
	return refusal
}

// roomService is what people read of the far rooms' domain.
const roomService = "Rooms"

// roomFeatures are what works with a far room, or all of them: entering only where presence crosses.
func (q *question) roomFeatures(more ...string) []string {
	list := append(more, nsInfo, nsItems)
	if !q.s.Silent(q.p.Name) || slices.Contains(q.p.Enter, q.st.To.Domain()) {
		list = append(list, nsMUC)
	}
	return list
}

// roomInfo describes a room that acts as one with ours, as far as ours knows.
func (q *question) roomInfo() error {
	r, err := q.room()
	if err != nil || r == nil || r.Hidden {
		return either(err, q.unknown())
	}
	name := r.Name
	if name == "" {
		name = r.Far.Local()
	}
	b := describe("conference", "text", name, q.roomFeatures()...)
	b = append(b[:len(b)-len("</query>")], "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>"+nsMUC+"#roominfo</value></field>"+
		"<field var='muc#roominfo_description' type='text-single' label='Description'><value>"...)
	b = markup.AppendEscaped(b, pointer(r))
	return q.reply(append(b, "</value></field></x></query>"...))
}

// pointer sends people to the room on this side.
func pointer(r *Room) string { return "use " + r.Ours.String() + ", which acts as one with this room" }

// clientInfo is what the presence of a far client stands for, if both were seen.
func (q *question) clientInfo(node string) error {
	c := q.s.caps(q.st.From.Bare(), q.st.To)
	if c == nil || node != "" && node != c.node+"#"+c.ver {
		return q.unknown()
	}
	inner, ok := q.s.Info(c.hash, c.ver)
	if !ok {
		return q.unknown()
	}
	b := open(nsInfo, node)
	return q.reply(append(append(b, inner...), "</query>"...))
}

// items answers disco#items. XEP-0030 §4.
func (q *question) items() error {
	if q.node() != "" {
		return q.unknown()
	}
	b := open(nsItems, "")
	switch q.to() {
	case server:
		for _, d := range q.p.Peer.Rooms {
			b = item(b, d, roomService)
		}
	case rooms:
		all, err := q.s.Env.Rooms(q.Turn)
		if err != nil {
			return err
		}
		b = q.listRooms(b, all)
	case oneRoom:
		if r, err := q.room(); err != nil || r == nil || r.Hidden {
			return either(err, q.unknown())
		}
	case account:
		if ok, err := q.sees(); err != nil || !ok {
			return either(err, q.unknown())
		}
	default:
		return q.unknown()
	}
	return q.reply(append(b, "</query>"...))
}

// listRooms lists those that anybody may know of, each once: several of ours may be one with it.
func (q *question) listRooms(b []byte, all []Room) []byte {
	listed := make(map[jid.JID]bool)
	for _, r := range all {
		if r.Hidden || r.Far.Domain() != q.st.To.Domain() || listed[r.Far] || len(listed) == maxItems {
			continue
		}
		listed[r.Far] = true
		b = item(b, r.Far.String(), r.Name)
	}
	return b
}

func item(b []byte, address, name string) []byte {
	b = markup.AppendPlainAttr(append(b, "<item"...), "jid", address)
	if name != "" {
		b = markup.AppendPlainAttr(b, "name", name)
	}
	return append(b, "/>"...)
}

// describe writes an answer to disco#info.
func describe(category, kind, name string, features ...string) []byte {
	b := append(open(nsInfo, ""), "<identity category='"+category+"' type='"+kind+"'"...)
	if name != "" {
		b = markup.AppendPlainAttr(b, "name", name)
	}
	b = append(b, "/>"...)
	slices.Sort(features)
	for _, f := range features {
		b = append(b, "<feature var='"+f+"'/>"...)
	}
	return append(b, "</query>"...)
}

// open begins an answer, which names the node that was asked for (XEP-0030 §3.2).
func open(space, node string) []byte {
	b := append([]byte(nil), "<query xmlns='"+space+"'"...)
	if node != "" {
		b = markup.AppendPlainAttr(b, "node", node)
	}
	return append(b, '>')
}
