package router_test

import (
	"errors"
	"slices"
	"testing"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// sink answers everything with err, and notes what it got.
type sink struct {
	err error
	got []*stanza.Stanza
}

func (s *sink) Accept(_ *router.Turn, st *stanza.Stanza) error {
	s.got = append(s.got, st)
	return s.err
}

func TestRefusalsGoBackOnce(t *testing.T) {
	refuse := stanza.Fail(stanza.ServiceUnavailable, "")
	fault := errors.New("fault")
	for _, c := range []struct {
		name       string
		kind       stanza.Kind
		typ        string
		from       string
		there      error // what the recipient's sink says
		here       error // what the sender's says of the bounce
		condition  stanza.Condition
		want       error
		unanswered bool
	}{
		{"taken", stanza.Message, "", "a@here.net/x", nil, nil, "", nil, true},
		{"refused message", stanza.Message, "chat", "a@here.net/x", refuse, nil, stanza.ServiceUnavailable, nil, false},
		{"refused request", stanza.IQ, "get", "a@here.net/x", refuse, nil, stanza.ServiceUnavailable, nil, false},
		{"refused answer", stanza.IQ, "result", "a@here.net/x", refuse, nil, "", nil, true},
		{"refused error", stanza.Message, "error", "a@here.net/x", refuse, nil, "", nil, true},
		{"from nobody", stanza.Message, "", "", refuse, nil, "", nil, true},
		{"bounce refused", stanza.Message, "", "a@here.net/x", refuse, refuse, stanza.ServiceUnavailable, nil, false},
		{"bounce needs a transaction", stanza.Message, "", "a@here.net/x", refuse, router.ErrNeedTx, stanza.ServiceUnavailable, router.ErrNeedTx, false},
		{"needs a transaction", stanza.Message, "", "a@here.net/x", router.ErrNeedTx, nil, "", router.ErrNeedTx, true},
		{"fault", stanza.Message, "", "a@here.net/x", fault, nil, "", fault, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r router.Router
			here, there := &sink{err: c.here}, &sink{err: c.there}
			for domain, s := range map[string]*sink{"here.net": here, "there.net": there} {
				if _, err := r.Bind(domain, s); err != nil {
					t.Fatal(err)
				}
			}
			s := &stanza.Stanza{Kind: c.kind, Type: c.typ, ID: "1", To: jid.MustParse("b@there.net")}
			if c.from != "" {
				s.From = jid.MustParse(c.from)
			}
			if err := r.Route(new(router.Turn), s); !errors.Is(err, c.want) || (err != nil) != (c.want != nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if len(here.got) == 0 != c.unanswered {
				t.Fatalf("answers: %d", len(here.got))
			}
			for _, b := range here.got {
				if b.Type != stanza.Error || b.ID != "1" || b.To != s.From || b.From != s.To || !b.Has("", "error") {
					t.Errorf("answer %s", b.Bytes())
				}
			}
		})
	}
}

func TestUnknownDomain(t *testing.T) {
	var r router.Router
	here := new(sink)
	unbind, err := r.Bind("here.net", here)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Bind("here.net", new(sink)); err == nil {
		t.Error("two answer for one domain")
	}
	s := &stanza.Stanza{Kind: stanza.Message, From: jid.MustParse("a@here.net/x"), To: jid.MustParse("b@nowhere.net")}
	if err := r.Route(new(router.Turn), s); err != nil || len(here.got) != 1 {
		t.Fatal(err, here.got)
	}
	if e, err := here.got[0].Element(here.got[0].Children[0]); err != nil || e.Child(stanza.NSErrors, "remote-server-not-found") == nil {
		t.Errorf("%s", here.got[0].Bytes())
	}
	unbind()
	unbind()
	if r.Sink("here.net") != nil {
		t.Error("still bound")
	}
}

func TestTurnRunsWhatWaitsInOrderAndOnce(t *testing.T) {
	var got []int
	var turn router.Turn
	turn.After(func() { got = append(got, 0) })
	turn.Reset(new(store.Tx)) // tried again
	turn.After(func() {
		got = append(got, 1)
		turn.After(func() { got = append(got, 3) })
	})
	turn.After(func() { got = append(got, 2) })
	turn.Done()
	turn.Done()
	if !slices.Equal(got, []int{1, 2, 3}) {
		t.Error(got)
	}
	if turn.NeedTx() != nil || new(router.Turn).NeedTx() != router.ErrNeedTx {
		t.Error("NeedTx")
	}
}
