package muc

import (
	"sync"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// maxReason bounds the text that goes with an action, in octets.
const maxReason = 1024

// maxStones bounds the rooms that are kept in mind after their end; the oldest stone goes first.
const maxStones = 100

// checkCreate refuses rooms that a user may not make, or that would be too many. XEP-0045 §10.1.1.
func (s *Service) checkCreate(by jid.JID) error {
	o := s.options.Load()
	if o.Create == "nobody" || o.Create == "local" && !s.host.Local(by.Domain()) {
		return stanza.Fail(stanza.NotAllowed, "rooms are made by others")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rooms, made := 0, 0
	for _, r := range s.rooms {
		n := r.next
		if n == nil || n.Config.Gone {
			continue
		}
		rooms++
		if n.Config.Creator == by.Bare().String() { // whoever owns it now
			made++
		}
	}
	if rooms >= o.MaxRooms {
		return stanza.Fail(stanza.ResourceConstraint, "there are too many rooms")
	}
	if made >= o.MaxRoomsPerUser {
		return stanza.Fail(stanza.ResourceConstraint, "you have made too many rooms")
	}
	return nil
}

// What a user may ask a room to pass on, to people who did not ask for it: invitations, refusals of them, requests for
// voice. Each sends a message to somebody else, perhaps over a link.
const (
	burst     = 20
	perAction = 15 * time.Second
	maxPacers = 1000
)

// pacing bounds what each user has passed on. It is a bucket of burst actions that fills by one each perAction.
type pacing struct {
	mu   sync.Mutex            // guards full
	full map[jid.JID]time.Time // when a user's bucket is full again
}

// take counts n actions of a user, or refuses them. What is taken back counts nothing.
func (p *pacing) take(t *router.Turn, who jid.JID, n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, cost := time.Now(), time.Duration(n)*perAction
	at := p.full[who]
	if at.Before(now) {
		at = now
	}
	if at = at.Add(cost); at.Sub(now) > burst*perAction {
		return &stanza.Err{Condition: stanza.PolicyViolation, Type: "wait", Text: "too many at once"}
	}
	if p.full == nil || len(p.full) >= maxPacers {
		p.sweepLocked(now)
	}
	p.full[who] = at
	t.Tx.OnUndo(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.full[who] = p.full[who].Add(-cost)
	})
	return nil
}

// sweepLocked forgets those who may do all again. If all of them are busy, that is one crowd, which begins anew.
func (p *pacing) sweepLocked(now time.Time) {
	if p.full == nil {
		p.full = make(map[jid.JID]time.Time)
	}
	for j, at := range p.full {
		if at.Before(now) {
			delete(p.full, j)
		}
	}
	if len(p.full) >= maxPacers {
		clear(p.full)
	}
}

// fresh is the configuration that a new room begins with.
func (o *Options) fresh(room jid.JID) store.Room {
	cfg := o.Default
	cfg.JID, cfg.Created = room.String(), time.Now()
	return cfg
}
