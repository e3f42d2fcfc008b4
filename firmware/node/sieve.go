package node

import (
	"time"

	"longwire/links"
	"longwire/links/fold"
	"longwire/store"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// sieve is what links ask when they take something out of a queue.
func (n *Node) sieve() links.Sieve { return links.Sieve{Fresh: n.sift, Again: n.dress} }

// sift folds entries by the policy of the link that carries them, and leaves out what the peer knows already.
func (n *Node) sift(peer, link string, _ time.Time, entries []store.Entry) ([]store.Entry, error) {
	f := n.folding.peer(peer)
	if f == nil || f.links[link] == nil {
		return entries, nil
	}
	items := f.items(link, entries)
	if len(items) == 0 {
		return entries, n.owe(peer, entries, nil, nil)
	}
	before := make(map[uint64]*stanza.Stanza, len(items))
	for _, it := range items {
		before[it.ID] = it.Stanza
	}
	send, done := f.memory.Filter(f.links[link], items)
	if err := n.takeOut(f, done); err != nil {
		return nil, err
	}
	for _, d := range done {
		n.record.leftOut(peer, link, before[d.ID], d)
	}
	after := make(map[uint64]*stanza.Stanza, len(send))
	for _, it := range send {
		after[it.ID] = it.Stanza
	}
	if err := n.owe(peer, entries, before, after); err != nil {
		return nil, err
	}
	out := entries[:0]
	for _, e := range entries {
		was, judged := before[e.ID]
		is, sent := after[e.ID]
		switch {
		case judged && !sent:
			continue
		case judged && is != was:
			less := is.Bytes()
			if f.counts(e.ID) {
				n.record.less(peer, link, was, fold.Result{Stanza: is, Saved: len(e.Stanza) - len(less)})
			}
			e.Saved, e.Stanza = e.Saved+len(e.Stanza)-len(less), less
		}
		out = append(out, e)
	}
	return out, nil
}

// items are the entries that may have to be judged. What was folded by the same rules already is not read again, but for presence.
func (f *folds) items(link string, entries []store.Entry) (items []fold.Item) {
	for _, e := range entries {
		if e.Kind == store.KindIQ || link == f.first && e.Kind != store.KindPresence && e.Queued.After(f.since) {
			continue
		}
		s, err := stream.ParseStanza(e.Stanza)
		if err != nil {
			continue // the link takes it as it is
		}
		items = append(items, fold.Item{ID: e.ID, Queued: e.Queued, Stanza: s})
	}
	return items
}

// maxCounted bounds what is remembered of entries that are folded once more on their way out.
const maxCounted = 4096

// counts tells whether an entry comes by for the first time: a link that has no room for it looks at it again and again.
func (l *lasting) counts(id uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counted[id] {
		return false
	}
	if l.counted == nil || len(l.counted) >= maxCounted {
		l.counted = make(map[uint64]bool)
	}
	l.counted[id] = true
	return true
}

// takeOut removes what is not sent from the queue, and tells the senders of what is refused.
func (n *Node) takeOut(f *folds, done []fold.Done) error {
	p := n.peers.Peer(f.peer)
	if p == nil || len(done) == 0 {
		return nil
	}
	away := make([]s2s.Away, len(done))
	for i, d := range done {
		away[i] = s2s.Away{ID: d.ID, Refuse: d.Refuse}
	}
	if err := p.TakeAway(away); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range done {
		f.lasting.out.Done(d)
	}
	return nil
}

// dress folds an entry that has its number, as it was folded when it got it. What the rules of now would leave out goes as it was queued: its
// number has to be filled, which costs as much.
func (n *Node) dress(peer, link string, e store.Entry) store.Entry {
	f := n.folding.peer(peer)
	if f == nil || f.links[link] == nil || e.Kind == store.KindIQ {
		return e
	}
	s, err := stream.ParseStanza(e.Stanza)
	if err != nil {
		return e
	}
	if r := f.links[link].Fold(e.Queued, s); r.Stanza != nil && r.Stanza != s {
		less := r.Stanza.Bytes()
		e.Saved, e.Stanza = e.Saved+len(e.Stanza)-len(less), less
	}
	return e
}

// told notes that the peer has an entry.
func (f *folding) told(e links.Event) {
	if e.Kind != links.EventConfirmed {
		return
	}
	if p := f.peer(e.Peer); p != nil {
		p.memory.Confirmed(e.Entry)
		p.mu.Lock()
		delete(p.counted, e.Entry)
		p.mu.Unlock()
	}
}
