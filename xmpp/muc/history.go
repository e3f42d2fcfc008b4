package muc

import (
	"slices"
	"strconv"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// history is how much of the past a client wants. XEP-0045 §7.2.14. Negative numbers: it does not say.
type history struct {
	none       bool
	maxChars   int
	maxStanzas int
	since      time.Time // zero: it does not say
}

// readHistory reads <history/>; nil reads as one that says nothing.
func readHistory(e *markup.Element) (history, error) {
	h := history{maxChars: -1, maxStanzas: -1}
	if e == nil {
		return h, nil
	}
	seconds := -1
	for _, a := range []struct {
		name string
		n    *int
	}{{"maxchars", &h.maxChars}, {"maxstanzas", &h.maxStanzas}, {"seconds", &seconds}} {
		if !e.HasAttr(a.name) {
			continue
		}
		v, err := strconv.ParseUint(e.Attr(a.name), 10, 31)
		if err != nil {
			return h, stanza.Fail(stanza.BadRequest, a.name+" of the history is no number")
		}
		*a.n = int(v)
	}
	if e.HasAttr("since") {
		at, err := time.Parse(time.RFC3339, e.Attr("since"))
		if err != nil {
			return h, stanza.Fail(stanza.BadRequest, "since of the history is no time") // XEP-0082 §3.2
		}
		h.since = at
	}
	if seconds >= 0 {
		if at := time.Now().Add(-time.Duration(seconds) * time.Second); at.After(h.since) {
			h.since = at
		}
	}
	h.none = h.maxChars == 0 || h.maxStanzas == 0 || seconds == 0
	return h, nil
}

// Default number of lines at a join, and the most that an owner may ask for: more is for the archive to tell. Their size is
// bounded too, as all must find room in a client's outbox; and so is what is looked at in the archive to find them.
const (
	defaultHistory  = 20
	maxHistory      = 200
	maxHistoryBytes = 256 << 10
	maxLooked       = 500
	maxLookedBytes  = 4 << 20
)

// past gives the lines that a client gets when it enters, oldest first.
func (r *Room) past(t *router.Turn, h history, near bool) ([]*stanza.Stanza, error) {
	most := historyLength(&r.next.Config)
	if h.maxStanzas >= 0 {
		most = min(most, h.maxStanzas)
	}
	if h.none || most <= 0 {
		return nil, nil
	}
	lines, err := r.lastLines(t, most, h.since)
	if err != nil {
		return nil, err
	}
	// Late lines stand where they were said, not where they came.
	slices.SortStableFunc(lines, func(a, b *line) int { return a.Stamp.Compare(b.Stamp) })
	all := make([]*stanza.Stanza, len(lines))
	for i, l := range lines {
		l.Late = true
		all[i] = l.told(r, near)
	}
	if h.maxChars >= 0 {
		all = fit(all, h.maxChars)
	}
	return all, nil
}

// historyLength is how many lines a room sends at a join.
func historyLength(c *store.Room) int {
	switch n := c.History; {
	case n < 0:
		return 0
	case n == 0:
		return defaultHistory
	default:
		return n
	}
}

// fit keeps the last stanzas that have together no more characters. XEP-0045 §7.2.14: of the whole stanzas.
func fit(all []*stanza.Stanza, chars int) []*stanza.Stanza {
	for i := len(all) - 1; i >= 0; i-- {
		if chars -= len(all[i].Bytes()); chars < 0 {
			return all[i+1:]
		}
	}
	return all
}

// lastLines finds the last lines that are no subjects, in the order in which they came.
func (r *Room) lastLines(t *router.Turn, most int, since time.Time) (lines []*line, err error) {
	if r.next.Config.NoArchive {
		for _, l := range r.next.recent {
			if !l.Stamp.Before(since) {
				c := *l
				lines = append(lines, &c)
			}
		}
		return lines[max(0, len(lines)-most):], nil
	}
	looked, lookedBytes, size := 0, 0, 0
	err = t.Tx.ArchiveScan(r.jid.String(), 0, 0, true, func(e store.ArchiveEntry) (bool, error) {
		looked++
		lookedBytes += len(e.Stanza)
		if !e.Stamp.Before(since) {
			if l := r.read(e); l != nil && !l.Subject {
				if size += len(e.Stanza); size > maxHistoryBytes && len(lines) > 0 {
					return false, nil
				}
				lines = append(lines, l)
			}
		}
		return len(lines) < most && looked < maxLooked && lookedBytes < maxLookedBytes, nil
	})
	slices.Reverse(lines)
	return lines, err
}

// read makes a line of an archive's entry; nil if it cannot be read, which cannot happen to what we wrote.
func (r *Room) read(e store.ArchiveEntry) *line {
	st, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return nil
	}
	l := &line{Line: Line{Nick: e.From, Stanza: st, Stamp: e.Stamp, Subject: isSubject(st)}, from: r.address(e.From), id: e.ID}
	if real, err := jid.Parse(e.With); err == nil {
		l.Real, l.occupant = real, occupantID(r.next.Config.Secret, real)
	}
	return l
}
