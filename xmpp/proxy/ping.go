package proxy

import "longwire/xmpp/stanza"

// ping answers whether an entity can be reached, as far as the node knows without asking. Choice: the far domains, their
// known rooms and contacts are as the link is, which is what whoever asks wants to know; a client is not, as that it
// answered would be a lie (XEP-0199 §4.3: client to client).
func (q *question) ping() error {
	switch q.to() {
	case oneRoom:
		if r, err := q.room(); err != nil || r == nil {
			return either(err, q.unknown())
		}
	case occupant:
		return q.selfPing()
	case account:
		if ok, err := q.sees(); err != nil || !ok {
			return either(err, q.unknown())
		}
	case client:
		return q.unknown()
	}
	return q.byLink()
}

func (q *question) byLink() error {
	if q.s.State(q.p.Name).Usable {
		return q.reply(nil)
	}
	return stanza.Fail(stanza.RemoteServerTimeout, "no link to "+q.st.To.Domain()+" is usable now")
}

// selfPing tells somebody whether it is in a far room. XEP-0410 §3: a result, or not-acceptable when it is not; with a
// time-out it cannot be told. What is known is whether it has entered, and that the room has not shown it out.
func (q *question) selfPing() error {
	r := q.s.Host.Resource(q.st.From)
	if r == nil || !r.Directed().Has(q.st.To) {
		return &stanza.Err{Condition: stanza.NotAcceptable, Type: "cancel", Text: "you are not in this room"}
	}
	return q.byLink()
}
