package fmuc

import (
	"strconv"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// History is what a joining node wants to have of the past. XEP-0045 §7.2.14. Fields that are absent are -1, or the zero
// time.
type History struct {
	MaxChars, MaxStanzas, Seconds int
	Since                         time.Time
}

// AllHistory asks for no limit.
var AllHistory = History{-1, -1, -1, time.Time{}}

// ParseHistory reads <x xmlns='http://jabber.org/protocol/muc'/>. join tells whether it is there at all, limited whether
// it holds a <history/>. Numbers and stamps that cannot be read are as absent.
func ParseHistory(s *stanza.Stanza) (h History, join, limited bool) {
	h = AllHistory
	c, ok := s.Child(nsMUC, "x")
	if !ok {
		return h, false, false
	}
	x, err := s.Element(c)
	if err != nil {
		return h, true, false
	}
	e := x.Child(nsMUC, "history")
	if e == nil {
		return h, true, false
	}
	h.MaxChars, h.MaxStanzas, h.Seconds = limit(e, "maxchars"), limit(e, "maxstanzas"), limit(e, "seconds")
	h.Since, _ = ParseStamp(e.Attr("since"))
	return h, true, true
}

func limit(e *markup.Element, name string) int {
	n, err := strconv.Atoi(e.Attr(name))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Append writes the <x/> of a join, with its <history/> even when that limits nothing.
func (h History) Append(b []byte) []byte {
	b = append(b, "<x xmlns='"+nsMUC+"'><history"...)
	for _, a := range []struct {
		name string
		n    int
	}{{"maxchars", h.MaxChars}, {"maxstanzas", h.MaxStanzas}, {"seconds", h.Seconds}} {
		if a.n >= 0 {
			b = appendAttr(b, a.name, strconv.Itoa(a.n))
		}
	}
	if !h.Since.IsZero() {
		b = appendAttr(b, "since", FormatStamp(h.Since))
	}
	return append(b, "/></x>"...)
}

// A Delay says when a line was first said, and who kept it.
type Delay struct {
	From  jid.JID
	Stamp time.Time
}

const (
	nsDelay    = "urn:xmpp:delay" // XEP-0203
	nsOldDelay = "jabber:x:delay" // XEP-0091
	legacy     = "20060102T15:04:05"
)

// isDelay tells whether a child says that its stanza is late.
// Peer: the examples of XEP-0289 §5.1 call it <x/>, in the namespace of <delay/>.
func isDelay(n markup.Name) bool {
	return n.Space == nsDelay && (n.Local == "delay" || n.Local == "x") || n.Space == nsOldDelay && n.Local == "x"
}

// ParseDelay finds the first delay that can be read.
func ParseDelay(s *stanza.Stanza) (d Delay, ok bool) {
	for _, c := range s.Children {
		if !isDelay(c.Name) {
			continue
		}
		e, err := s.Element(c)
		if err != nil {
			continue
		}
		if d.Stamp, ok = ParseStamp(e.Attr("stamp")); !ok {
			continue
		}
		d.From, _ = jid.Parse(e.Attr("from"))
		return d, true
	}
	return Delay{}, false
}

// Append writes a <delay/>.
func (d Delay) Append(b []byte) []byte {
	b = append(b, "<delay xmlns='"+nsDelay+"'"...)
	b = appendAttr(b, "from", d.From.String())
	b = appendAttr(b, "stamp", FormatStamp(d.Stamp))
	return append(b, '/', '>')
}

// ParseStamp reads a time of XEP-0082, and the older form without dashes, which is UTC (XEP-0091).
// Peer: the examples of XEP-0289 §5.1 have the older form.
func ParseStamp(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, legacy, legacy + "Z", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(form, s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// FormatStamp writes a time as XEP-0082 has it, with milliseconds where there are any.
func FormatStamp(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.999Z07:00")
}
