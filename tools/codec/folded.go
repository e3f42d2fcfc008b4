package main

import (
	"strconv"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
	"longwire/xmpp/terse"
)

// A folding is what a pair of nodes does to the stanzas between them before they are coded, in both directions: the policy "lean", and numbers in
// the place of ids.
type folding struct {
	folder *fold.Folder
	terse  *terse.Traffic
	last   [2]uint64 // numbers that the ends have given latest
}

func newFolding(rooms map[string]bool) (*folding, error) {
	policy, _ := fold.Preset(fold.Lean)
	f, err := fold.New(policy, false)
	if err != nil {
		return nil, err
	}
	return &folding{folder: f, terse: terse.NewTraffic(true, func(domain string) bool { return rooms[domain] })}, nil
}

// fold is what of a record crosses; nil when nothing does.
func (f *folding) fold(r *record) (*item, error) {
	if r.isSM() {
		return nil, nil
	}
	s := f.folder.Fold(time.Time{}, r.stanza).Stanza
	if s == nil {
		return nil, nil
	}
	from := 0
	if r.Direction == "BA" {
		from = 1
	}
	out, err := f.terse.Cross(from, s)
	if err != nil {
		return nil, err
	}
	it := &item{record: r, sent: out.Bytes(), near: f.last[from], ref: f.last[1-from]}
	// Numbers of one end are odd, of the other even, and the latest of a way is the greatest; but answers and reflections have those of the other.
	answer := s.Type == stanza.Result || s.IsError() || s.Type == stanza.Groupchat
	if n, err := strconv.ParseUint(out.ID, 36, 64); err == nil && !answer && out.ID != s.ID && n > f.last[from] && (f.last[from] == 0 || n%2 == f.last[from]%2) {
		f.last[from] = n
	}
	return it, nil
}

// roomDomains are the domains that have rooms, as far as traffic shows it.
func roomDomains(list []*record) map[string]bool {
	rooms := map[string]bool{}
	for _, r := range list {
		if r.isSM() {
			continue
		}
		if j := roomOf(r.stanza); !j.IsZero() {
			rooms[j.Domain()] = true
		}
	}
	return rooms
}

// roomOf is the room that a stanza shows to be one. XEP-0045 §7.2, §7.4.
func roomOf(s *stanza.Stanza) jid.JID {
	const muc = "http://jabber.org/protocol/muc"
	switch {
	case s.Kind == stanza.Message && s.Type == stanza.Groupchat && s.To.Resource() == "", s.Kind == stanza.Presence && s.Has(muc, "x"):
		return s.To
	case s.Kind == stanza.Message && s.Type == stanza.Groupchat, s.Kind == stanza.Presence && s.Has(muc+"#user", "x"):
		return s.From
	}
	return jid.JID{}
}
