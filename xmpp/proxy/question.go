package proxy

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// question is a request that is answered here.
type question struct {
	*router.Turn
	s  *Service
	p  *peer
	st *stanza.Stanza
}

// answer answers or refuses.
func (q *question) answer() error {
	if q.st.ID == "" || len(q.st.Children) != 1 {
		return stanza.Fail(stanza.BadRequest, "a request has an id and exactly one child") // RFC 6120 §8.2.3
	}
	if q.st.Type != stanza.Get {
		return q.unknown()
	}
	switch q.st.Children[0].Name {
	case markup.Name{Space: nsInfo, Local: "query"}:
		return q.info()
	case markup.Name{Space: nsItems, Local: "query"}:
		return q.items()
	case markup.Name{Space: nsPing, Local: "ping"}:
		return q.ping()
	}
	return q.unknown()
}

// unknown refuses what is not known here. Choice: not item-not-found, which would say that there is no such thing.
func (q *question) unknown() error {
	return stanza.Fail(stanza.ServiceUnavailable, "such questions to "+q.st.To.Domain()+" do not cross the link")
}

// reply sends the result on its way.
func (q *question) reply(inner []byte) error { return q.s.Host.Route(q.Turn, q.st.Result(inner)) }

// node is the node that a disco question names.
func (q *question) node() string {
	if e := q.st.Payload(); e != nil {
		return e.Attr("node")
	}
	return ""
}

// to is what kind of entity is asked.
func (q *question) to() entity {
	to := q.st.To
	switch room := q.p.rooms[to.Domain()]; {
	case room && to.Local() == "":
		return rooms
	case room && to.Resource() == "":
		return oneRoom
	case room:
		return occupant
	case to.Local() == "":
		return server
	case to.Resource() == "":
		return account
	}
	return client
}

// entity is a kind of far entity.
type entity uint8

const (
	server entity = iota
	rooms
	oneRoom
	occupant
	account
	client
)

// sees tells whether the asker is subscribed to the presence of who is asked. Only then is it known that there is such an
// account: it has said so itself.
func (q *question) sees() (bool, error) { return q.s.sees(q.Turn, q.st.From.Bare(), q.st.To.Bare()) }

func (s *Service) sees(t *router.Turn, account, contact jid.JID) (bool, error) {
	if !s.Host.Local(account.Domain()) || account.Local() == "" {
		return false, nil
	}
	return s.Subscribed(t, account, contact)
}

// room finds the room that is asked, nil if it is not known.
func (q *question) room() (*Room, error) { return q.s.room(q.Turn, q.st.To.Bare()) }

func (s *Service) room(t *router.Turn, far jid.JID) (*Room, error) {
	all, err := s.Env.Rooms(t)
	for _, r := range all {
		if r.Far == far {
			return &r, err
		}
	}
	return nil, err
}
