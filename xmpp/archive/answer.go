package archive

import (
	"bytes"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Answer answers an iq with a <query/> or a <metadata/> for an archive: results go to the asker first, then the iq result
// with inner as its children, on the same stream (XEP-0313, Querying an archive). It should run in an Update, behind
// what was said before: an id that a client has just been told is then there. Errors are *stanza.Err, or the store's.
func (src *Source) Answer(tx *store.Tx, iq *stanza.Stanza) (results []*stanza.Stanza, inner []byte, err error) {
	p := iq.Payload()
	if p == nil || p.Name.Space != NS {
		return nil, nil, stanza.Fail(stanza.BadRequest, "")
	}
	switch {
	case p.Name.Local == "metadata" && iq.Type == stanza.Get:
		inner, err = src.metadata(tx)
		return nil, inner, err
	case p.Name.Local == "query" && iq.Type == stanza.Get:
		return nil, formXML(!src.Room), nil
	case p.Name.Local == "query" && iq.Type == stanza.Set:
		return src.answer(tx, iq, p)
	}
	return nil, nil, stanza.Fail(stanza.ServiceUnavailable, "")
}

func (src *Source) answer(tx *store.Tx, iq *stanza.Stanza, p *markup.Element) (results []*stanza.Stanza, fin []byte, err error) {
	q, err := ParseQuery(p, !src.Room)
	if err != nil {
		return nil, nil, err
	}
	found, err := src.find(tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range found.entries {
		if s := src.result(e, q, iq); s != nil {
			results = append(results, s)
		}
	}
	if q.Flip {
		// XEP-0313, Flipped pages: only the order of sending is another.
		slices.Reverse(results)
	}
	fin = append(fin, "<fin xmlns='"+NS+"'"...)
	if !found.more {
		fin = append(fin, " complete='true'"...)
	}
	fin = append(found.set.Append(append(fin, '>')), "</fin>"...)
	return results, fin, nil
}

// result wraps an entry. XEP-0313, Query results.
func (src *Source) result(e store.ArchiveEntry, q Query, iq *stanza.Stanza) *stanza.Stanza {
	message := e.Stanza
	if src.Rewrite != nil {
		var ok bool
		if message, ok = src.Rewrite(e); !ok {
			return nil
		}
	}
	rest, ok := bytes.CutPrefix(message, []byte("<message"))
	if !ok {
		return nil // cannot happen to what we wrote
	}
	b := make([]byte, 0, len(message)+320)
	b = append(b, "<result xmlns='"+NS+"'"...)
	if q.ID != "" {
		b = append(markup.AppendEscapedAttr(append(b, " queryid='"...), q.ID), '\'')
	}
	b = append(append(append(b, " id='"...), FormatID(e.ID)...), "'><forwarded xmlns='"+nsForward+"'><delay xmlns='"+nsDelay+"' stamp='"...)
	b = appendStamp(b, e.Stamp)
	b = append(b, "'/><message xmlns='"+nsContent+"'"...) // XEP-0297 §3.1
	b = append(append(b, rest...), "</forwarded></result>"...)
	s := &stanza.Stanza{Kind: stanza.Message, From: src.Name, To: iq.From}
	s.SetInner(b)
	return s
}

// appendStamp writes a time. XEP-0082 §3.2.
func appendStamp(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// metadata tells the ends of the archive. XEP-0313, Archive metadata.
func (src *Source) metadata(tx *store.Tx) ([]byte, error) {
	b := []byte("<metadata xmlns='" + NS + "'")
	began := len(b)
	for _, end := range []struct {
		name     string
		backward bool
	}{{"start", false}, {"end", true}} {
		err := tx.ArchiveScan(src.Name.String(), 0, 0, end.backward, func(e store.ArchiveEntry) (bool, error) {
			if len(b) == began {
				b = append(b, '>')
			}
			b = append(append(append(b, '<'), end.name...), " id='"...)
			b = append(append(b, FormatID(e.ID)...), "' timestamp='"...)
			b = append(appendStamp(b, e.Stamp), "'/>"...)
			return false, nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(b) == began {
		return append(b, "/>"...), nil
	}
	return append(b, "</metadata>"...), nil
}
