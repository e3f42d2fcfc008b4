package ip

import (
	"strconv"
	"time"

	"longwire/links"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const nsSM = "urn:xmpp:sm:3"

// appendPiece serialises a piece as it stands on the stream. What the standard leaves out between Longwire nodes only (id of enable, seq)
// is not written otherwise, as the pump does not set it.
func appendPiece(b []byte, p links.Piece) []byte {
	word := func(name string) []byte { return append(append(append(b, '<'), name...), " xmlns='"+nsSM+"'"...) }
	switch p.Kind {
	case links.Stanza:
		return append(b, p.Data...)
	case links.Bye:
		return stream.AppendClose(b)
	case links.Request:
		return append(word("r"), "/>"...)
	case links.Ack:
		return append(attrNum(word("a"), "h", p.H), "/>"...)
	case links.Enable:
		b = attrResume(attr(word("enable"), "id", p.ID), p.Resumes)
	case links.Enabled:
		b = attrResume(attr(word("enabled"), "id", p.ID), p.Resumes)
		if p.Max > 0 {
			b = attrNum(b, "max", uint32(min(p.Max/time.Second, 1<<31)))
		}
	case links.Resume:
		b = attrNum(attr(word("resume"), "previd", p.ID), "h", p.H)
	case links.Resumed:
		b = attrNum(attr(word("resumed"), "previd", p.ID), "h", p.H)
	case links.Failed:
		b = word("failed")
		if p.HasH {
			b = attrNum(b, "h", p.H)
		}
		b = append(append(append(b, "><"...), p.Cause...), " xmlns='"+stanza.NSErrors+"'/></failed>"...)
		return b
	}
	if p.HasSeq {
		b = attrNum(b, "seq", p.Seq)
	}
	return append(b, "/>"...)
}

func attr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ' '), name...), "='"...)
	return append(markup.AppendEscaped(b, value), '\'')
}

func attrNum(b []byte, name string, n uint32) []byte {
	b = append(append(append(b, ' '), name...), "='"...)
	return append(strconv.AppendUint(b, uint64(n), 10), '\'')
}

func attrResume(b []byte, yes bool) []byte {
	if !yes {
		return b
	}
	return append(b, " resume='true'"...)
}

// words are the elements of XEP-0198 §10, and a, r.
var words = map[string]links.Kind{
	"enable": links.Enable, "enabled": links.Enabled, "resume": links.Resume, "resumed": links.Resumed, "failed": links.Failed,
	"a": links.Ack, "r": links.Request,
}

// maxID bounds an id; XEP-0198 §10 allows 4000 bytes, and no one needs them.
const maxID = 256

// parseWord reads an element that is no stanza. Errors are *stream.Error, or a *links.RemoteError for one that the peer sent.
func parseWord(e *markup.Element) (links.Piece, error) {
	if remote, ok := stream.ParseError(e); ok {
		return links.Piece{}, &links.RemoteError{Condition: clip(remote.Condition), Text: clip(remote.Text)}
	}
	p := links.Piece{Kind: words[e.Name.Local]}
	if e.Name.Space != nsSM || p.Kind == 0 {
		return p, &stream.Error{Condition: "unsupported-stanza-type", Text: clip(e.Name.Local)} // RFC 6120 §4.9.3.24
	}
	p.ID = e.Attr("id")
	if p.Kind == links.Resume || p.Kind == links.Resumed {
		p.ID = e.Attr("previd")
	}
	p.Resumes = isTrue(e.Attr("resume"))
	var err1, err2 error
	p.H, p.HasH, err1 = number(e, "h")
	p.Seq, p.HasSeq, err2 = number(e, "seq")
	if err1 != nil || err2 != nil || len(p.ID) > maxID {
		return p, &stream.Error{Condition: "invalid-xml", Text: "wrong attribute of " + e.Name.Local}
	}
	switch p.Kind {
	case links.Ack, links.Resume, links.Resumed:
		if !p.HasH {
			return p, &stream.Error{Condition: "invalid-xml", Text: e.Name.Local + " without h"} // XEP-0198 §10: required
		}
	case links.Failed:
		for _, c := range e.Children {
			if c.Name.Space == stanza.NSErrors {
				p.Cause = clip(c.Name.Local)
			}
		}
	}
	if p.HasSeq && p.Seq == 0 {
		return p, &stream.Error{Condition: "invalid-xml", Text: "stanzas are numbered from 1"}
	}
	return p, nil
}

func number(e *markup.Element, name string) (uint32, bool, error) {
	if !e.HasAttr(name) {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(e.Attr(name), 10, 32)
	return uint32(n), true, err
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { return s == "true" || s == "1" }

// clip shortens what a peer said for logs and counts.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80]
	}
	return s
}
