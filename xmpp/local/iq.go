package local

import (
	"slices"
	"strings"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

type iqKey struct {
	scope        Scope
	space, local string
	set          bool
}

type iqEntry struct{ f IQHandler }

// HandleIQ registers who answers the requests with that payload. types is "get", "set" or "get set". It panics on a
// second handler for the same requests.
func (h *Host) HandleIQ(space, local, types string, scope Scope, f IQHandler) {
	for _, typ := range strings.Fields(types) {
		for _, sc := range []Scope{ForServer, ForAccount} {
			if scope&sc == 0 {
				continue
			}
			k := iqKey{sc, space, local, typ == stanza.Set}
			if _, ok := h.iqs[k]; ok {
				panic("local: two handlers for iq " + typ + " " + space)
			}
			h.iqs[k] = iqEntry{f}
		}
	}
}

// Feature announces features of the server or of accounts in service discovery.
func (h *Host) Feature(scope Scope, features ...string) {
	for i, sc := range []Scope{ForServer, ForAccount} {
		if scope&sc == 0 {
			continue
		}
		for _, f := range features {
			if !slices.Contains(h.features[i], f) {
				h.features[i] = append(h.features[i], f)
			}
		}
	}
}

// Features lists what was announced for one scope.
func (h *Host) Features(scope Scope) []string {
	if scope == ForServer {
		return h.features[0]
	}
	return h.features[1]
}

func (h *Host) iq(t *router.Turn, s *stanza.Stanza) error {
	switch s.Type {
	case stanza.Get, stanza.Set:
	case stanza.Result, stanza.Error:
		return h.iqAnswer(t, s)
	default:
		return stanza.Fail(stanza.BadRequest, "an iq is get, set, result or error") // RFC 6120 §8.2.3 rule 2
	}
	if s.ID == "" {
		return stanza.Fail(stanza.BadRequest, "an iq needs an id") // RFC 6120 §8.2.3 rule 1
	}
	if len(s.Children) != 1 {
		return stanza.Fail(stanza.BadRequest, "a request has exactly one child") // RFC 6120 §8.2.3 rule 3
	}
	if s.To.Resource() != "" {
		return h.iqToResource(t, s)
	}
	return h.answer(t, s)
}

// HandleAnswers registers who gets the results and errors for the server and for accounts: answers to what the node
// itself has asked. f is called after the commit, concurrently. It panics at a second call.
func (h *Host) HandleAnswers(f func(s *stanza.Stanza)) {
	if h.answers != nil {
		panic("local: two handlers for answers")
	}
	h.answers = f
}

// iqAnswer passes a result or an error to a client. RFC 6121 §8.5: an answer nobody waits for is dropped.
func (h *Host) iqAnswer(t *router.Turn, s *stanza.Stanza) error {
	if s.To.IsBare() {
		if h.answers != nil {
			t.After(func() { h.answers(s) })
		}
		return nil
	}
	r := h.Resource(s.To)
	if r == nil {
		return nil
	}
	if s.From.Bare() != r.bare {
		// XEP-0191 §3.3: silently, when the sender is blocked.
		if blocked, err := h.Blocked(t, r.bare, s.From); err != nil || blocked {
			return err
		}
	}
	t.After(func() { r.Send(s) })
	return nil
}

// iqToResource passes a request to a client. RFC 6121 §8.5.3.2.3; the client's presence leaks by the answer, so only
// those who may see it get through (RFC 6120 §13.10.2).
func (h *Host) iqToResource(t *router.Turn, s *stanza.Stanza) error {
	unavailable := stanza.Fail(stanza.ServiceUnavailable, "")
	r := h.Resource(s.To)
	if r == nil {
		return unavailable
	}
	if blocked, err := h.Blocked(t, r.bare, s.From); err != nil {
		return err
	} else if blocked {
		return unavailable // XEP-0191 §3.3
	}
	if ok, err := h.Trusted(t, r.bare, s.From); err != nil {
		return err
	} else if !ok && !r.directed.Has(s.From) && !r.directed.Has(s.From.Bare()) {
		return unavailable
	}
	t.After(func() { r.Send(s) })
	return nil
}

// answer finds the handler for a request to the server or to an account. RFC 6121 §8.5.1, §8.5.2.1.3: the server
// answers for the account and never forwards.
func (h *Host) answer(t *router.Turn, s *stanza.Stanza) error {
	c := s.Children[0]
	q := &Request{Turn: t, Stanza: s, Resource: h.Resource(s.From), host: h}
	scope := ForServer
	if s.To.Local() != "" {
		scope, q.Account = ForAccount, s.To
		q.Own = s.From.Bare() == s.To
		if !q.Own {
			if blocked, err := h.Blocked(t, s.To, s.From); err != nil {
				return err
			} else if blocked {
				return stanza.Fail(stanza.ServiceUnavailable, "")
			}
		}
	} else {
		q.Own = q.Resource != nil
	}
	e, ok := h.iqs[iqKey{scope, c.Name.Space, c.Name.Local, s.Type == stanza.Set}]
	if !ok {
		return stanza.Fail(stanza.ServiceUnavailable, "") // RFC 6120 §8.4
	}
	if scope == ForAccount && !q.Own {
		// An account that does not exist answers like one that has nothing to say. RFC 6121 §8.5.1.
		if exists, err := h.AccountExists(t, s.To); err != nil {
			return err
		} else if !exists {
			return stanza.Fail(stanza.ServiceUnavailable, "")
		}
	}
	if q.Payload = s.Payload(); q.Payload == nil {
		return stanza.Fail(stanza.BadRequest, "")
	}
	return e.f(q)
}

// reply sends an answer on its way. A client of ours gets it directly, as it may be bound but not routable by domain
// policy; everyone else by the router, within the same Turn.
func (h *Host) reply(t *router.Turn, s *stanza.Stanza) error {
	if r := h.Resource(s.To); r != nil {
		t.After(func() { r.Send(s) })
		return nil
	}
	return h.router.Route(t, s)
}
