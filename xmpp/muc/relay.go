package muc

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// iqToOccupant passes a request of one occupant to another. XEP-0045 §17.4 leaves it to the service; without it there are
// no vCards and no capabilities of occupants.
func (s *Service) iqToOccupant(q *request) error {
	st := q.stanza
	nick := st.To.Resource()
	if q.from == nil {
		if q.room == nil && !isPing(st) {
			return stanza.Fail(stanza.ItemNotFound, "")
		}
		if st.Has(nsDiscoInfo, "query") || st.Has(nsDiscoItems, "query") {
			return stanza.Fail(stanza.BadRequest, "you are not in the room") // XEP-0045 §6.6
		}
		return &stanza.Err{Condition: stanza.NotAcceptable, Type: "cancel", Text: "you are not in the room"} // XEP-0410 §3.2
	}
	if nick == q.from.Nick && isPing(st) {
		return s.reply(q, nil) // XEP-0410 §3.3
	}
	to := q.state.Occupant(nick)
	switch {
	case to == nil || to.Hidden:
		return stanza.Fail(stanza.ItemNotFound, "nobody has the nick")
	case !to.Ours():
		// XEP-0289 knows no way for these.
		return stanza.Fail(stanza.ServiceUnavailable, "the occupant is on another node")
	}
	target := to.Sessions[0].JID
	if i := to.session(st.From); i >= 0 && len(to.Sessions) > 1 {
		target = to.Sessions[(i+1)%len(to.Sessions)].JID
	}
	if st.Has(nsVCard, "vCard") {
		target = target.Bare() // the account answers, whether the client can or not
	}
	if s.host.Local(target.Domain()) {
		blocked, err := s.host.Blocked(q.Turn, target.Bare(), q.from.jid)
		switch {
		case err != nil:
			return err
		case blocked:
			return stanza.Fail(stanza.ServiceUnavailable, "") // XEP-0191 §3.3
		}
	}
	id, ok := s.relay.put(pendingIQ{asker: st.From, id: st.ID, target: target, room: q.room.jid, nick: nick})
	if !ok {
		return stanza.Fail(stanza.ResourceConstraint, "too many requests wait for an answer")
	}
	c := st.Copy()
	c.From, c.To, c.ID = q.from.jid, target, id
	if err := s.send(q.Turn, c); err != nil {
		s.relay.take(id, target, q.room.jid)
		return err
	}
	return nil
}

// relayAnswer brings an occupant's answer to who asked.
func (s *Service) relayAnswer(q *request) error {
	p, ok := s.relay.take(q.stanza.ID, q.stanza.From, q.stanza.To.Bare())
	if !ok {
		return nil // RFC 6120 §8.2.3: an answer nobody waits for is dropped
	}
	st := q.stanza.Copy()
	st.From, st.To, st.ID = p.room, p.asker, p.id
	if j, err := p.room.WithResource(p.nick); err == nil {
		st.From = j
	}
	return s.send(q.Turn, st)
}

// pendingIQ is a request that an occupant has yet to answer.
type pendingIQ struct {
	asker, target, room jid.JID
	id, nick            string
	at                  time.Time
}

// What may wait: of all, of one user, and for how long.
const (
	maxRelayed   = 4096
	maxRelayedBy = 64
	relayTime    = 5 * time.Minute
)

// relay remembers who asked what. The asker's own id would tell the answerer about it, so that another is used on the
// way. The zero value is ready; mu guards it.
type relay struct {
	mu     sync.Mutex
	prefix string
	last   uint64
	m      map[string]pendingIQ
	by     map[jid.JID]int
}

func (r *relay) put(p pendingIQ) (id string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m, r.by = make(map[string]pendingIQ), make(map[jid.JID]int)
		r.prefix = base64.RawURLEncoding.EncodeToString(newSecret()[:9])
	}
	p.at = time.Now()
	if len(r.m) >= maxRelayed || r.by[p.asker.Bare()] >= maxRelayedBy {
		r.expireLocked(p.at)
		if len(r.m) >= maxRelayed || r.by[p.asker.Bare()] >= maxRelayedBy {
			return "", false
		}
	}
	r.last++
	id = r.prefix + strconv.FormatUint(r.last, 36)
	r.m[id] = p
	r.by[p.asker.Bare()]++
	return id, true
}

func (r *relay) expireLocked(now time.Time) {
	for id, p := range r.m {
		if now.Sub(p.at) > relayTime {
			r.removeLocked(id)
		}
	}
}

// take finds the question that an answer is for, which is then answered.
func (r *relay) take(id string, from, room jid.JID) (pendingIQ, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.m[id]
	if !ok || p.target != from || p.room != room {
		return pendingIQ{}, false
	}
	r.removeLocked(id)
	return p, true
}

func (r *relay) removeLocked(id string) {
	p := r.m[id]
	delete(r.m, id)
	user := p.asker.Bare()
	if r.by[user]--; r.by[user] == 0 {
		delete(r.by, user)
	}
}

// newSecret is 32 random bytes.
func newSecret() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return b
}
