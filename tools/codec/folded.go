package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/stanza"
)

// A folding is what a pair of nodes does to the stanzas between them before they are coded, in both directions.
type folding struct {
	folder *fold.Folder
	ids    map[string]string // long to short
	next   map[string]uint64 // by direction
}

func newFolding() (*folding, error) {
	strip := func(n int, space string, names ...string) fold.Rule {
		return fold.Rule{Number: n, Names: names, Space: space}
	}
	f, err := fold.New(fold.Policy{Messages: fold.MessagesStrip, Rules: []fold.Rule{
		strip(1, "http://jabber.org/protocol/chatstates", "active", "composing", "paused", "inactive", "gone"),
		strip(6, "urn:xmpp:sid:0", "origin-id", "stanza-id"),
		strip(7, "urn:xmpp:hints", "store", "no-store", "no-copy", "no-permanent-store"),
		strip(8, "urn:xmpp:occupant-id:0", "occupant-id"),
	}}, false)
	if err != nil {
		return nil, err
	}
	return &folding{folder: f, ids: map[string]string{}, next: map[string]uint64{"AB": 1296, "BA": 1297}}, nil
}

// fold is what of a record crosses; nil when nothing does.
func (f *folding) fold(r *record) []byte {
	if r.isSM() {
		return nil
	}
	s := f.folder.Fold(time.Unix(0, 0), r.stanza).Stanza
	if s == nil {
		return nil
	}
	s = s.Copy()
	if s.Kind == stanza.Message && s.Type != stanza.Groupchat && s.From.Local() != "" && !strings.HasPrefix(s.From.Domain(), "chat.") {
		s.From, s.To = s.From.Bare(), s.To.Bare()
	}
	return f.shorten(r.Direction, s.Bytes())
}

var idAttr = regexp.MustCompile(` id='([^']{4,60})'`)

func (f *folding) shorten(direction string, text []byte) []byte {
	return idAttr.ReplaceAllFunc(text, func(m []byte) []byte {
		id := string(m[5 : len(m)-1])
		if id == "current" {
			return m
		}
		short, ok := f.ids[id]
		if !ok {
			short = strconv.FormatUint(f.next[direction], 36)
			f.next[direction] += 2
			f.ids[id] = short
		}
		return []byte(" id='" + short + "'")
	})
}
