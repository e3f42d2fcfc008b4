package linktest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/links"
	"longwire/store"
	"longwire/xmpp/stanza"
)

// A Node is one end with a real store: what the peer sends goes into a spool in the transaction of its mark, as in the node.
type Node struct {
	t      testing.TB
	path   string
	me     string // domain
	other  string
	Log    *slog.Logger
	Events func(links.Event)          // set before Start
	Refuse func(*stanza.Stanza) error // what Inbound says of a stanza; *links.Violation drops it

	DB      *store.DB
	crashed *atomic.Bool
	stop    context.CancelFunc
	ended   chan struct{}
	Pump    *links.Pump

	mu   sync.Mutex
	sent int
}

// NewNode makes the node of the domain me, with a store of its own, whose peer is other.
func NewNode(t testing.TB, me, other string) *Node {
	t.Helper()
	n := &Node{t: t, path: filepath.Join(t.TempDir(), me+".db"), me: me, other: other}
	n.open()
	t.Cleanup(func() {
		n.Stop()
		n.DB.Close()
	})
	return n
}

func (n *Node) open() {
	n.t.Helper()
	db, err := store.Open(n.path, store.Options{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.DB = db
	n.crashed = new(atomic.Bool)
}

// Peer is the name of the other node here.
func (n *Node) Peer() string { return n.other }

// Start runs a pump over the link until Stop or Crash.
func (n *Node) Start(c links.Config, link links.Link) {
	c.Link, c.Peer, c.LocalDomain, c.PeerDomain = "test", n.other, n.me, n.other
	n.Pump = links.NewPump(c, link, links.Env{DB: n.DB, In: n.Inbound(), Trace: n.Events, Log: n.Log})
	n.StartRunner(n.Pump.Run)
}

// StartRunner runs anything instead of a pump.
func (n *Node) StartRunner(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended, crashed := make(chan struct{}), n.crashed
	n.stop, n.ended = cancel, ended
	go func() {
		defer close(ended)
		if err := run(ctx); err != nil && !crashed.Load() {
			n.t.Errorf("%s: %v", n.me, err)
		}
	}()
}

// Stop ends the pump with goodbye.
func (n *Node) Stop() {
	if n.stop == nil {
		return
	}
	n.stop()
	<-n.ended
	n.stop = nil
}

var errCrashed = errors.New("linktest: the node is dead")

// Crash ends the node as a power cut does: what was not committed is gone. cut must end its contacts. Start may be called again.
func (n *Node) Crash(cut func()) {
	n.t.Helper()
	n.crashed.Store(true)
	cut()
	n.DB.Close()
	cut()
	n.Stop()
	n.open()
}

// Reopen lets change do something to the closed file of a node that was stopped, as one who restores a backup does.
func (n *Node) Reopen(change func(path string)) {
	n.t.Helper()
	n.Stop()
	n.DB.Close()
	change(n.path)
	n.open()
}

// Inbound keeps stanzas and counts them once.
func (n *Node) Inbound() links.Inbound {
	db, crashed := n.DB, n.crashed
	return func(peer string, s *stanza.Stanza, mark func(*store.Tx) error, done func(error)) {
		if crashed.Load() {
			done(errCrashed)
			return
		}
		var verdict error
		if n.Refuse != nil {
			verdict = n.Refuse(s)
		}
		var v *links.Violation
		db.Submit(func(tx *store.Tx) error {
			if verdict != nil && !errors.As(verdict, &v) {
				return verdict
			}
			if err := mark(tx); err != nil {
				return err
			}
			if verdict != nil {
				return nil
			}
			_, err := tx.SpoolPut("user@"+n.me, store.SpoolEntry{Stanza: s.Bytes(), Received: time.Now()}, true)
			return err
		}, func(err error) {
			if err == nil {
				err = verdict
			}
			done(err)
		})
	}
}

// Send queues messages with these bodies for the peer.
func (n *Node) Send(bodies ...string) {
	n.t.Helper()
	for _, b := range bodies {
		n.SendAt(b, time.Now())
	}
}

// SendTo queues messages for another peer, in one transaction.
func (n *Node) SendTo(peer string, bodies ...string) {
	n.t.Helper()
	q := n.DB.Queue(peer)
	from, to := "alice@"+n.me+"/desk", "bob@"+peer
	err := n.DB.Update(func(tx *store.Tx) error {
		for _, b := range bodies {
			xml := "<message from='" + from + "' to='" + to + "' type='chat'><body>" + b + "</body></message>"
			e := store.Entry{Kind: store.KindChat, From: from, To: to, Queued: time.Now(), Stanza: []byte(xml)}
			if _, _, err := q.Put(tx, e, store.QueueLimits{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// SendAt queues a message as if that had been at a certain time.
func (n *Node) SendAt(body string, at time.Time) {
	n.t.Helper()
	n.mu.Lock()
	n.sent++
	id := fmt.Sprintf("%06x", 0xa00000+n.sent*7919)
	n.mu.Unlock()
	from, to := "alice@"+n.me+"/desk", "bob@"+n.other
	xml := "<message from='" + from + "' to='" + to + "' type='chat' id='" + id + "'><body>" + body + "</body></message>"
	n.Put(store.Entry{Kind: store.KindChat, From: from, To: to, StanzaID: id, Queued: at, Stanza: []byte(xml)})
}

// Put queues entries, in one transaction.
func (n *Node) Put(entries ...store.Entry) {
	n.t.Helper()
	q := n.DB.Queue(n.other)
	err := n.DB.Update(func(tx *store.Tx) error {
		for _, e := range entries {
			if _, _, err := q.Put(tx, e, store.QueueLimits{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// Received are the bodies of what came in, in order.
func (n *Node) Received() (bodies []string) {
	n.t.Helper()
	for _, s := range n.Stanzas() {
		if c, ok := s.Child("", "body"); ok {
			bodies = append(bodies, s.Text(c))
		}
	}
	return bodies
}

// Stanzas are what came in, in order.
func (n *Node) Stanzas() (all []*stanza.Stanza) {
	n.t.Helper()
	err := n.DB.View(func(tx *store.Tx) error {
		return tx.Spool("user@"+n.me, 0, func(e store.SpoolEntry) error {
			s, err := parse(e.Stanza)
			all = append(all, s)
			return err
		})
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return all
}

// Waiting is how much of the queue is not confirmed.
func (n *Node) Waiting() int { return n.DB.Queue(n.other).Stats().Entries }

// Custody is the record of the pump's numbers.
func (n *Node) Custody(key string) (c store.Custody) {
	n.t.Helper()
	err := n.DB.View(func(tx *store.Tx) (err error) {
		c, err = tx.Custody(key)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// SetCustody changes the record, as a restored backup would.
func (n *Node) SetCustody(key string, change func(*store.Custody)) {
	n.t.Helper()
	err := n.DB.Update(func(tx *store.Tx) error {
		c, err := tx.Custody(key)
		if err != nil {
			return err
		}
		change(&c)
		return tx.PutCustody(key, c)
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// Eventually waits for a condition, and fails the test when it does not come true in time.
func Eventually(t testing.TB, within time.Duration, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !cond(); time.Sleep(within / 2000) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
