package fmuctest

import (
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// kin is the child of <fmuc/> by which nodes of our kind know each other, number the attribute on a line.
var (
	kin    = regexp.MustCompile(`<s xmlns='urn:x-longwire:fmuc:0'[^>]*(/>|>[^<]*</s>)`)
	number = regexp.MustCompile(`(<fmuc [^>]*?) n='[^']*'`)
)

// A Link carries what two nodes have queued for each other, in order, while it is up.
type Link struct {
	a, b *Node
	cut  atomic.Bool // the nodes ask for it on goroutines of their own
	// Crossed is what crossed the link, oldest first, as "from > to: stanza".
	Crossed []Crossing
}

// A Crossing is one stanza that crossed a link.
type Crossing struct {
	From, To string // names of nodes
	XML      string
	At       time.Time
}

// Link joins two nodes that are not started yet.
func (w *World) Link(a, b *Node) *Link {
	l := &Link{a: a, b: b}
	w.Links = append(w.Links, l)
	return l
}

// Far is the node at the other end, nil if n is at neither.
func (l *Link) Far(n *Node) *Node { return l.far(n) }

func (l *Link) far(n *Node) *Node {
	switch n {
	case l.a:
		return l.b
	case l.b:
		return l.a
	}
	return nil
}

// Up tells whether the link carries.
func (l *Link) Up() bool { return !l.cut.Load() }

// Cut ends contact; what is queued stays so.
func (l *Link) Cut() { l.cut.Store(true) }

// Heal begins contact.
func (l *Link) Heal() { l.cut.Store(false) }

// Lose drops all that a node has queued for the other, as a link does that resumes without what it had: nobody is told.
func (l *Link) Lose(from *Node) (n int) {
	q := from.DB.Queue(l.far(from).Name)
	for _, e := range l.queued(from) {
		from.Update(func(t *router.Turn) error {
			_, err := q.Done(t.Tx, e.ID)
			return err
		})
		n++
	}
	return n
}

// Queued is what a node has queued for the other.
func (l *Link) Queued(from *Node) (all []string) {
	if l.far(from) == nil {
		return nil
	}
	for _, e := range l.queued(from) {
		all = append(all, string(e.Stanza))
	}
	return all
}

func (l *Link) queued(from *Node) []store.Entry {
	all, err := from.DB.Queue(l.far(from).Name).List()
	must(l.a.World.TB, err)
	return all
}

// stamped is an entry as links send it: with the time when it was queued, if that is long ago (links.Stamped).
func stamped(e store.Entry) string {
	const ns = "urn:xmpp:delay"
	st, err := stream.ParseStanza(e.Stanza)
	if err != nil || time.Since(e.Queued) <= time.Minute || st.Kind == stanza.IQ || st.IsError() || st.Has(ns, "delay") {
		return string(e.Stanza)
	}
	delay := fmt.Appendf(nil, "<delay xmlns='%s' from='%s' stamp='%s'/>", ns, st.From.Domain(), e.Queued.UTC().Format("2006-01-02T15:04:05Z"))
	return string(st.With(delay).Bytes())
}

// Carry moves one stanza over the link, if it can; false when there was none, or no contact.
func (l *Link) Carry(from *Node) bool {
	to := l.far(from)
	if to == nil || !l.Up() || !from.Running() || !to.Running() {
		return false
	}
	q := from.DB.Queue(to.Name)
	next, err := q.Next(1, 1<<20)
	must(l.a.World.TB, err)
	if len(next) == 0 {
		return false
	}
	raw := stamped(next[0])
	if from.World.Standard {
		raw = number.ReplaceAllString(kin.ReplaceAllString(raw, ""), "$1")
	}
	l.Crossed = append(l.Crossed, Crossing{from.Name, to.Name, raw, time.Now()})
	to.Arrive(from.Name, raw)
	from.Update(func(t *router.Turn) error {
		_, err := q.Done(t.Tx, next[0].ID)
		return err
	})
	return true
}

// Take takes what a node has queued for the other off the queue, as a peer would that the test plays itself.
func (l *Link) Take(from *Node) []string {
	l.a.World.wait()
	all := l.Queued(from)
	l.Lose(from)
	return all
}

// Arrive takes a stanza from a peer, as its links do.
func (n *Node) Arrive(peer, raw string) {
	n.World.TB.Helper()
	st, err := stream.ParseStanza([]byte(raw))
	must(n.World.TB, err)
	t := new(router.Turn)
	err = n.DB.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		err := n.Peers.Peer(peer).Deliver(t, st)
		var bad *s2s.Violation
		if errors.As(err, &bad) {
			return nil
		}
		return err
	})
	if err != nil {
		n.World.TB.Fatal(fmt.Errorf("%s from %s: %s: %w", n.Name, peer, raw, err))
	}
	t.Done()
}

// Flow carries stanzas over all links until nothing moves any more.
func (w *World) Flow() {
	w.TB.Helper()
	for range 100_000 {
		w.wait()
		moved := false
		for _, l := range w.Links {
			for _, n := range []*Node{l.a, l.b} {
				if l.Carry(n) {
					moved = true
				}
			}
		}
		if !moved {
			return
		}
	}
	w.TB.Fatal("fmuctest: stanzas go round and round")
}

// wait lets the nodes finish what they do on their own.
func (w *World) wait() {
	if _, bench := w.TB.(*testing.B); !bench { // those run in no bubble
		synctest.Wait()
	}
}

// Forget drops what is known of what crossed.
func (w *World) Forget() {
	for _, l := range w.Links {
		l.Crossed = nil
	}
}
