package s2s_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// rig is field.net with the peer hq, on a real store.
type rig struct {
	t      testing.TB
	path   string
	db     *store.DB
	router *router.Router
	peers  *s2s.Peers
	up     bool // is the link to hq up?

	mu  sync.Mutex
	got []string // what came for field.net; errors that are kept for an absent sender begin with "verdict: "
}

var hq = s2s.Config{Name: "hq", Domains: []string{"headquarters.net", "chat.headquarters.net"}}

func newRig(t testing.TB, cfgs ...s2s.Config) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "store.db")}
	r.start(cfgs...)
	t.Cleanup(func() { r.db.Close() })
	return r
}

// start opens the store and makes the peers, as at a start of the node.
func (r *rig) start(cfgs ...s2s.Config) {
	r.t.Helper()
	var err error
	if r.db, err = store.Open(r.path, store.Options{}); err != nil {
		r.t.Fatal(err)
	}
	r.router = new(router.Router)
	if _, err := r.router.Bind("field.net", local{r}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.router.Bind("chat.field.net", local{r}); err != nil {
		r.t.Fatal(err)
	}
	r.peers = s2s.New(s2s.Env{DB: r.db, Router: r.router, LinkUp: func(peer string) bool { return r.up && peer == "hq" }})
	if err := r.peers.Apply(cfgs); err != nil {
		r.t.Fatal(err)
	}
}

// run runs the expiry until the returned function is called.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- r.peers.Run(ctx) }()
	return func() {
		cancel()
		if err := <-over; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}
}

type local struct{ r *rig }

func (l local) Accept(t *router.Turn, s *stanza.Stanza) error {
	kept := ""
	if t.Verdict {
		kept = "verdict: "
	}
	if s.To.Local() == "nobody" {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	t.After(func() {
		l.r.mu.Lock()
		defer l.r.mu.Unlock()
		l.r.got = append(l.r.got, kept+string(s.Bytes()))
	})
	return nil
}

// received takes what came for field.net.
func (r *rig) received() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func parse(t testing.TB, xml string) *stanza.Stanza {
	t.Helper()
	s, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		t.Fatalf("parsing %s: %v", xml, err)
	}
	return s
}

// turn runs f in a transaction.
func (r *rig) turn(f func(t *router.Turn) error) {
	r.t.Helper()
	t := new(router.Turn)
	if err := r.db.Update(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}); err != nil {
		r.t.Fatal(err)
	}
	t.Done()
}

// route sends stanzas of local users.
func (r *rig) route(xml ...string) {
	r.t.Helper()
	for _, x := range xml {
		s := parse(r.t, x)
		r.turn(func(t *router.Turn) error { return r.router.Route(t, s) })
	}
}

// deliver brings a stanza from hq, and commits as a link does.
func (r *rig) deliver(xml string) *s2s.Violation {
	r.t.Helper()
	s := parse(r.t, xml)
	var v *s2s.Violation
	r.turn(func(t *router.Turn) error {
		err := r.peer().Deliver(t, s)
		if errors.As(err, &v) {
			return nil
		}
		return err
	})
	return v
}

func (r *rig) peer() *s2s.Peer { return r.peers.Peer("hq") }

func (r *rig) queue() []store.Entry {
	r.t.Helper()
	es, err := r.peer().Queue().List()
	if err != nil {
		r.t.Fatal(err)
	}
	return es
}

func (r *rig) queued() (xml []string) {
	r.t.Helper()
	for _, e := range r.queue() {
		xml = append(xml, string(e.Stanza))
	}
	return xml
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

const (
	alice = "alice@field.net/tent"
	bob   = "bob@headquarters.net/desk"
)

// say is a chat message from alice to bob.
func say(id, body string) string {
	return fmt.Sprintf("<message from='%s' to='%s' type='chat' id='%s'><body>%s</body></message>", alice, bob, id, body)
}

// failed is the error for what alice sent to bob.
func failed(kind, id, errType, condition, text string) string {
	s := &stanza.Stanza{From: jid.MustParse(bob), To: jid.MustParse(alice), ID: id, Type: stanza.Error}
	s.Kind = map[string]stanza.Kind{"message": stanza.Message, "iq": stanza.IQ, "presence": stanza.Presence}[kind]
	s.SetInner((&stanza.Err{Condition: stanza.Condition(condition), Type: errType, Text: text}).Append(nil))
	return string(s.Bytes())
}
