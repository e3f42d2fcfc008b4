package fmuc

import (
	"context"
	"maps"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Times of spec section 6.
const (
	leavingTime = time.Minute      // a room that we left may answer
	againTime   = time.Minute      // a room that joined anew may name its occupants
	refusedTime = 15 * time.Minute // until a room that rejected us is asked again
	askTime     = 15 * time.Second // a question that the queue did not take is put again
	rejoinTime  = time.Minute      // until a federation that broke is tried again; doubled each time
	rejoinMost  = 30 * time.Minute
	lookTime    = 30 * time.Second // between two looks at whether peers are within reach
)

// alarm is something that is to happen to a room's peer at a time.
type alarm struct {
	pair
	what alarmKind
}

type alarmKind uint8

const (
	alarmLeaving alarmKind = iota + 1
	alarmAgain
	alarmRefused
	alarmRejoin
	alarmJoin
	alarmAnswered
	alarmLeft
	alarmStuck
	alarmSettle
	alarmAsk
)

// wake sets an alarm once the Turn is committed; a second one of the same kind takes its place.
func (s *Service) wake(t *router.Turn, a alarm, after time.Duration) {
	when := time.Now().Add(after)
	t.After(func() {
		s.mu.Lock()
		s.alarms[a] = when
		s.mu.Unlock()
		select {
		case s.poke <- struct{}{}:
		default:
		}
	})
}

// noteJoined keeps whom to look after.
func (s *Service) noteJoined(p pair, joined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !joined {
		delete(s.joined, p)
		return
	}
	if _, ok := s.joined[p]; !ok {
		s.joined[p] = time.Time{}
	}
}

// Run rings the alarms, and tells rooms of peers that have long been out of reach. It sends nothing on its own but what
// an alarm is for. It returns when ctx is done.
func (s *Service) Run(ctx context.Context) error {
	timer := time.NewTimer(lookTime)
	defer timer.Stop()
	look := time.Now().Add(lookTime)
	for {
		due, next := s.due(time.Now())
		for _, a := range due {
			s.submit(ctx, "an alarm", func(t *router.Turn) error { return s.ring(t, a) })
		}
		if now := time.Now(); !now.Before(look) {
			s.look(ctx, now)
			look = now.Add(lookTime)
		}
		if next.IsZero() || look.Before(next) {
			next = look
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-s.poke:
		}
	}
}

// due takes the alarms whose time has come, and tells when the next one's will.
func (s *Service) due(now time.Time) (due []alarm, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, when := range s.alarms {
		if !when.After(now) {
			due = append(due, a)
			delete(s.alarms, a)
		} else if next.IsZero() || when.Before(next) {
			next = when
		}
	}
	return due, next
}

// ring does what an alarm is for, if things are still as they were.
func (s *Service) ring(t *router.Turn, a alarm) error {
	mr := s.muc.Room(a.room)
	if mr == nil || mr.Next(t) == nil {
		return nil
	}
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return err
	}
	if a.what == alarmSettle {
		return r.settle(t, mr)
	}
	p := r.find(a.peer)
	if p == nil {
		return nil
	}
	switch a.what {
	case alarmLeaving, alarmRefused:
		if want := map[alarmKind]State{alarmLeaving: Leaving, alarmRefused: Refused}[a.what]; p.state() != want {
			return nil
		}
		if err := p.step(t, TimeUp); err != nil {
			return err
		}
		return r.drive(t, mr)
	case alarmAgain:
		return r.notNamed(t, mr, p)
	case alarmLeft:
		if !p.rec.Up && !p.open() {
			if err := p.put(t, func(rec *store.FedPeer) { rec.Lefts = 0 }); err != nil {
				return err
			}
			return r.signal(t, p.jid, Mark{Left: true})
		}
	case alarmStuck:
		if ps, _ := s.peer(p.jid.Domain()); p.state() == Joining && time.Since(p.rec.Since) >= ps.JoinTimeout {
			if err := p.put(t, func(rec *store.FedPeer) { rec.Lefts = 0 }); err != nil {
				return err
			}
			return r.detach(t, mr, p, Lost)
		}
	case alarmAsk:
		if p.open() && p.kin() && p.kinship.rec.Behind && !p.kinship.rec.Asked {
			return p.digest(t, mr, ask)
		}
	case alarmAnswered:
		return r.answered(t, mr, p)
	case alarmRejoin:
		return r.rejoin(t, mr, p)
	case alarmJoin:
		if p.state() == Joining {
			return r.tooLate(t, mr, p)
		}
	}
	return nil
}

// tooLate sends away those who have waited long enough.
func (r *room) tooLate(t *router.Turn, mr *muc.Room, up *peer) error {
	err := r.refuseWaits(t, mr, up, stanza.RemoteServerTimeout, "the room that this one follows does not answer")
	if err != nil {
		return err
	}
	return r.drive(t, mr)
}

// notNamed takes out those whom a peer that joined anew has not named since.
func (r *room) notNamed(t *router.Turn, mr *muc.Room, p *peer) error {
	if err := r.dropUnnamed(t, mr, p); err != nil {
		return err
	}
	return r.lastLeft(t, mr, p)
}

func (r *room) dropUnnamed(t *router.Turn, mr *muc.Room, p *peer) error {
	for _, nick := range slices.Sorted(maps.Keys(p.again)) {
		if err := r.takeOut(t, mr, p, nick, muc.Cause{Codes: []int{codeLost}}); err != nil {
			return err
		}
	}
	return nil
}

// rejoin joins a room again after the federation broke.
func (r *room) rejoin(t *router.Turn, mr *muc.Room, p *peer) error {
	if p.state() != Detached {
		return nil
	}
	if !r.s.reachable(p.jid.Domain()) {
		r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmRejoin}, rejoinTime)
		return nil
	}
	next := Idle
	if len(p.told) > 0 {
		// Peer: Openfire takes no join from a room that it believes to be joined.
		next = Leaving
		for _, nick := range p.toldNicks() {
			if err := r.s.send(t, p.farewellOf(nick, p.told[nick], muc.Cause{})); err != nil {
				return err
			}
			if _, err := p.noteUntold(t, nick); err != nil {
				return err
			}
		}
	}
	err := p.put(t, func(rec *store.FedPeer) {
		rec.State, rec.Since = uint8(next), time.Now()
		if next == Leaving {
			rec.Lefts++
		}
	})
	if err != nil {
		return err
	}
	if next == Leaving {
		r.s.wake(t, alarm{pair{r.jid, p.jid}, alarmLeaving}, leavingTime)
		return nil
	}
	return r.drive(t, mr)
}

// settle tells the peers who has not come back since the start.
func (r *room) settle(t *router.Turn, mr *muc.Room) error {
	st := mr.Next(t)
	for _, p := range r.peers {
		if err := r.watch(t, mr); err != nil {
			return err
		}
		for _, nick := range p.toldNicks() {
			if o := st.Occupant(nick); o != nil && p.concerns(o) || nick == nodeNick && p.stands() && st.Config.Fed.Watch {
				continue
			}
			if err := p.untell(t, nick, muc.Cause{}); err != nil {
				return err
			}
		}
	}
	return r.drive(t, mr)
}

// look finds peers that have been out of reach for long, and tells their rooms once.
func (s *Service) look(ctx context.Context, now time.Time) {
	for p, domain := range s.stale(now) {
		s.submit(ctx, "telling of a link that is down", func(t *router.Turn) error {
			mr := s.muc.Room(p.room)
			if mr == nil || mr.Next(t) == nil {
				return nil
			}
			return mr.Notice(t, "link to "+domain+" down")
		})
	}
}

// toldOutage stands for an outage of which the room was told.
var toldOutage = time.Unix(1, 0)

func (s *Service) stale(now time.Time) map[pair]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[pair]string)
	for p, since := range s.joined {
		domain := p.peer.Domain()
		ps, _ := s.peer(domain)
		switch {
		case s.reachable(domain):
			s.joined[p] = time.Time{}
		case since.IsZero():
			s.joined[p] = now
		case since != toldOutage && now.Sub(since) >= ps.Stale:
			s.joined[p] = toldOutage
			found[p] = domain
		}
	}
	return found
}
