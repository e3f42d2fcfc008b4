package links

import (
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const nsDelay = "urn:xmpp:delay"

// late is how long a stanza may wait without being stamped.
const late = 60 * time.Second

// Stamped is what an entry looks like on the link: the stanza as it was queued, with the time of that when it is long ago. XEP-0203 §2.
// from is the domain that kept it. An iq has no place for it. Choice: nor has presence, as it expires before its age is worth the air, and
// says how things are.
func Stamped(e store.Entry, now time.Time) []byte {
	e.Stanza = referred(e)
	if now.Sub(e.Queued) <= late || e.Queued.IsZero() {
		return e.Stanza
	}
	s, err := stream.ParseStanza(e.Stanza)
	if err != nil || s.Kind != stanza.Message || s.Type == stanza.Error || s.Has(nsDelay, "delay") {
		return e.Stanza
	}
	s = s.Copy()
	inner := append([]byte(nil), s.Inner...)
	inner = append(inner, "<delay xmlns='"+nsDelay+"' from='"...)
	inner = append(inner, s.From.Domain()...)
	inner = append(inner, "' stamp='"...)
	inner = e.Queued.UTC().AppendFormat(inner, "2006-01-02T15:04:05Z") // XEP-0082 §3.2
	inner = append(inner, "'/>"...)
	s.SetInner(inner)
	return s.Bytes()
}

// Filler is what takes the number of an entry that was cancelled after it had been numbered, as the peer counts on. It is the
// answer to a question that nobody asked, which is dropped by whoever gets it (RFC 6120 §8.2.3).
func Filler(from, to string) []byte {
	f, err1 := jid.New("", from, "")
	t, err2 := jid.New("", to, "")
	if err1 != nil || err2 != nil {
		f, t = jid.JID{}, jid.JID{}
	}
	return (&stanza.Stanza{Kind: stanza.IQ, From: f, To: t, ID: "0", Type: stanza.Result}).Bytes()
}
