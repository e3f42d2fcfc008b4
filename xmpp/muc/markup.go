package muc

import (
	"slices"
	"strconv"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// view is the occupant's presence as others see it; real: with its address.
func (o *Occupant) view(real bool, c Cause) *stanza.Stanza {
	if len(c.Codes) > 0 || c.Reason != "" || c.Actor != "" {
		return o.build("", real, c)
	}
	i := 0
	if real {
		i = 1
	}
	if o.shown[i] == nil { // only ops come here
		o.shown[i] = o.build("", real, c)
	}
	return o.shown[i]
}

// farewell is the occupant's last presence.
func (o *Occupant) farewell(real bool, c Cause) *stanza.Stanza {
	return o.build(stanza.Unavailable, real, c)
}

// build writes a presence of the occupant. XEP-0045 §7.2.2.
func (o *Occupant) build(kind string, real bool, c Cause) *stanza.Stanza {
	show := o.Show
	if kind == stanza.Unavailable {
		show = c.Show
	}
	b := append(make([]byte, 0, len(show)+320), show...)
	b = o.appendID(b)
	b = append(b, "<x xmlns='"+NSUser+"'><item affiliation='"...)
	a := o.Affiliation
	if slices.Contains(c.Codes, 301) {
		a = Outcast // XEP-0045 §9.1, also of somebody who is banned elsewhere
	}
	b = append(b, a.String()...)
	b = append(b, "' role='"...)
	if kind == stanza.Unavailable && c.Nick == "" {
		b = append(b, "none"...)
	} else {
		b = append(b, o.Role.String()...)
	}
	b = append(b, '\'')
	if real && !o.Real.IsZero() {
		b = append(markup.AppendEscapedAttr(append(b, " jid='"...), o.Real.String()), '\'')
	}
	if c.Nick != "" {
		b = append(markup.AppendEscapedAttr(append(b, " nick='"...), c.Nick), '\'')
	}
	if c.Actor == "" && c.Reason == "" {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		if c.Actor != "" {
			b = append(markup.AppendEscapedAttr(append(b, "<actor nick='"...), c.Actor), "'/>"...)
		}
		if c.Reason != "" {
			b = append(markup.AppendEscaped(append(b, "<reason>"...), c.Reason), "</reason>"...)
		}
		b = append(b, "</item>"...)
	}
	b = append(b, c.Destroy...)
	for _, code := range c.Codes {
		b = append(b, "<status code='"...)
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, "'/>"...)
	}
	st := &stanza.Stanza{Kind: stanza.Presence, From: o.jid, Type: kind}
	st.SetInner(append(b, "</x>"...))
	return st
}

func (o *Occupant) appendID(b []byte) []byte {
	if o.id == "" {
		return b
	}
	return append(append(append(b, "<occupant-id xmlns='"+nsOccupantID+"' id='"...), o.id...), "'/>"...)
}

// momentary marks a message of the room that is for those inside now: it must not wait, among what people write, for
// a client that could not be given it before its stream ended. XEP-0334 §4.2.
const momentary = "<no-store xmlns='" + nsHints + "'/>"
