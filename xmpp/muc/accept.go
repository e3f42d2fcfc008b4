package muc

import (
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Accept takes a stanza for one of the rooms' domains.
func (s *Service) Accept(t *router.Turn, st *stanza.Stanza) error {
	q := &request{Turn: t, stanza: st}
	if st.To.Local() != "" {
		if q.room = s.room(st.To.Bare()); q.room != nil {
			if q.state = q.room.Next(t); q.state == nil {
				q.room = nil
			} else {
				q.from = q.state.clients.get(st.From)
			}
		}
		if mine, err := s.federated(q); mine {
			return err
		}
	}
	switch st.Kind {
	case stanza.Presence:
		return s.presence(q)
	case stanza.Message:
		return s.message(q)
	}
	return s.iq(q)
}

// federated gives Federation what is its own.
func (s *Service) federated(q *request) (mine bool, err error) {
	st := q.stanza
	if s.host.Local(st.From.Domain()) { // an account of ours is no room
		return false, nil
	}
	if st.Kind == stanza.IQ || !st.Has(nsFMUC, "fmuc") && !(st.IsError() && q.from == nil) {
		return false, nil
	}
	if s.fed == nil {
		if st.Kind == stanza.Presence { // XEP-0289 is not spoken here; an error would not be understood either
			return true, nil
		}
		return true, stanza.Fail(stanza.ServiceUnavailable, "")
	}
	if err := q.NeedTx(); err != nil {
		return true, err
	}
	return true, s.fed.Stanza(q.Turn, q.room, st)
}

// iq answers a request to the service or to a room, and passes on what is for an occupant.
func (s *Service) iq(q *request) error {
	st := q.stanza
	switch st.Type {
	case stanza.Get, stanza.Set:
	case stanza.Result, stanza.Error:
		return s.relayAnswer(q)
	default:
		return stanza.Fail(stanza.BadRequest, "an iq is get, set, result or error") // RFC 6120 §8.2.3 rule 2
	}
	if st.ID == "" || len(st.Children) != 1 {
		return stanza.Fail(stanza.BadRequest, "a request has an id and exactly one child") // RFC 6120 §8.2.3 rules 1, 3
	}
	if !st.To.IsBare() {
		return s.iqToOccupant(q)
	}
	to := toService
	if st.To.Local() != "" {
		if to = toRoom; q.room == nil {
			return stanza.Fail(stanza.ItemNotFound, "")
		}
	}
	c := st.Children[0]
	f := s.iqs[iqKey{to, c.Name.Space, c.Name.Local, st.Type == stanza.Set}]
	if f == nil {
		return stanza.Fail(stanza.ServiceUnavailable, "") // RFC 6120 §8.4
	}
	if q.payload = st.Payload(); q.payload == nil {
		return stanza.Fail(stanza.BadRequest, "")
	}
	return f(q)
}

// reply answers an iq; inner is well-formed markup, the result's children.
func (s *Service) reply(q *request, inner []byte) error {
	return s.send(q.Turn, q.stanza.Result(inner))
}

// send brings a stanza to its to: a client of ours gets it directly once the Turn is committed, others by the router
// within the Turn.
func (s *Service) send(t *router.Turn, st *stanza.Stanza) error {
	if s.host.Local(st.To.Domain()) && !st.To.IsBare() {
		t.After(func() {
			if r := s.host.Resource(st.To); r != nil {
				r.Send(st)
			}
		})
		return nil
	}
	return s.router.Route(t, st)
}
