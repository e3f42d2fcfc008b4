package proxy_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/presence/plays"
	"longwire/xmpp/proxy"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// field is the peer of the plays, across HF.
var field = proxy.Peer{
	Name: "field", Domains: []string{"field.net", "chat.field.net"}, Rooms: []string{"chat.field.net"},
	Policy: proxy.Policy{Local: true},
}

// state is how the peer is reached.
type state struct {
	Usable bool
	By     string
	Silent bool // presence does not cross
}

// A rig is a stage whose clients have a peer, field.net with the rooms chat.field.net, and a queue towards it.
type rig struct {
	*plays.Stage
	t   testing.TB
	svc *proxy.Service

	mu      sync.Mutex
	state   state
	rooms   []proxy.Room
	info    map[string]string
	crossed []string
}

func newRig(t testing.TB, p proxy.Peer) *rig {
	r := &rig{Stage: plays.New(t), t: t, state: state{Usable: true, By: "HF", Silent: true}, info: map[string]string{}}
	r.rooms = []proxy.Room{{Far: jid.MustParse("ops@chat.field.net"), Ours: jid.MustParse("hqroom@rooms.net"), Name: "Operations"}}
	r.svc = proxy.New(proxy.Env{
		Host: r.Host,
		Sees: func(t *router.Turn, account jid.JID) (list []jid.JID, err error) {
			items, err := r.Roster.Items(t, account)
			for _, it := range items {
				if it.To {
					list = append(list, jid.MustParse(it.Contact))
				}
			}
			return list, err
		},
		Subscribed: func(t *router.Turn, account, contact jid.JID) (ok bool, err error) {
			err = r.Host.Read(t, func(tx *store.Tx) error {
				it, err := tx.RosterItem(account.String(), contact.String())
				ok = it.To
				if errors.Is(err, store.ErrNotFound) {
					err = nil
				}
				return err
			})
			return ok, err
		},
		Rooms: func(*router.Turn) ([]proxy.Room, error) { return r.rooms, nil },
		State: func(string) proxy.State {
			r.mu.Lock()
			defer r.mu.Unlock()
			return proxy.State{Usable: r.state.Usable, By: r.state.By}
		},
		Silent: func(string) bool { r.mu.Lock(); defer r.mu.Unlock(); return r.state.Silent },
		Info: func(_, ver string) ([]byte, bool) {
			inner, ok := r.info[ver]
			return []byte(inner), ok
		},
	})
	r.svc.SetPeers([]proxy.Peer{p})
	for _, d := range p.Domains {
		if _, err := r.Router.Bind(d, r); err != nil {
			t.Fatal(err)
		}
	}
	r.Item("alice", store.RosterItem{Contact: "carol@field.net", To: true, From: true, InRoster: true})
	return r
}

// Accept does what the peer's sink does: what is not answered needs a transaction.
func (r *rig) Accept(t *router.Turn, s *stanza.Stanza) error {
	if done, err := r.svc.Answer("field", t, s); done || err != nil {
		return err
	}
	if err := t.NeedTx(); err != nil {
		return err
	}
	r.svc.Asked("field", t, s)
	t.After(func() { r.crossed = append(r.crossed, string(s.Bytes())) })
	return nil
}

// set changes how the peer is reached.
func (r *rig) set(st state) { r.mu.Lock(); r.state = st; r.mu.Unlock() }

// hears is what the peer sends.
func (r *rig) hears(xml string) {
	r.t.Helper()
	s, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		r.t.Fatal(err)
	}
	r.turn(func(t *router.Turn) error {
		r.svc.Heard("field", t, s)
		return r.Router.Route(t, s)
	})
}

func (r *rig) turn(f func(*router.Turn) error) {
	r.t.Helper()
	t := new(router.Turn)
	if err := r.DB.Update(func(tx *store.Tx) error { t.Reset(tx); return f(t) }); err != nil {
		r.t.Fatal(err)
	}
	t.Tx = nil
	t.Done()
}

// crosses wants that exactly this is in the queue, since the last look.
func (r *rig) crosses(want ...string) {
	r.t.Helper()
	got := r.crossed
	r.crossed = nil
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		r.t.Errorf("crossed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

// refused is a client's view of an error.
func refused(from, typ, condition, text string) string {
	return "<iq type='error' id='q' from='" + from + "'><error type='" + typ + "'><" + condition + " " + stanzas + "/>" +
		"<text " + stanzas + " xml:lang='en'>" + text + "</text></error></iq>"
}

const stays = "such questions to field.net do not cross the link"

func mustParse(s string) jid.JID { return jid.MustParse(s) }
