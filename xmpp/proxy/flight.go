package proxy

import (
	"slices"
	"sync"
	"time"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Limits of what is noted of questions under way. One more is asked all the same, and not noted.
const (
	maxFlight = 1000
	maxIDs    = 16
	maxAsked  = 4096 // bytes of a question that is noted
)

// flight are the questions that are under way across links. A client that has waited for a minute gives up and asks again,
// where an answer takes several: such a question does not cross twice, but gets the answer of the first. The zero value is
// empty; mu guards it.
type flight struct {
	mu    sync.Mutex
	byKey map[string]*asked // by keyOf the full address of the asker
}

// asked is a question that crossed, and its repeats.
type asked struct {
	key   string
	first *stanza.Stanza
	ids   []string // of the repeats
	until time.Time
	say   answering // once it is over
}

// answering makes the answer to a repeat.
type answering func(again *stanza.Stanza) *stanza.Stanza

// repeated is for a question that crosses: it is answered by what is kept, or with one before it that is the same.
func (s *Service) repeated(q *question) (done bool, err error) {
	st := q.st
	if st.Type != stanza.Get || st.ID == "" || len(st.Children) != 1 {
		return false, nil
	}
	now := time.Now()
	if keepable(st.Children[0].Name.Space) {
		if a := s.kept.get(keyOf(st.From.Bare().String(), st), now, s.State(q.p.Name).Usable); a != nil {
			return true, q.reply(a.inner)
		}
	}
	key := keyOf(st.From.String(), st)
	f := &s.flight
	f.mu.Lock()
	a := f.byKey[key]
	again := a != nil && now.Before(a.until) && a.first.ID != st.ID
	full := again && len(a.ids) >= maxIDs
	f.mu.Unlock()
	if full {
		return true, stanza.Fail(stanza.ResourceConstraint, "this was asked often, and is on its way")
	}
	if again {
		q.After(func() { s.follow(a, st) })
	}
	return again, nil
}

// follow lets a repeat wait for the answer of the first.
func (s *Service) follow(a *asked, st *stanza.Stanza) {
	f := &s.flight
	f.mu.Lock()
	waits := f.byKey[a.key] == a
	if waits && !slices.Contains(a.ids, st.ID) {
		a.ids = append(a.ids, st.ID)
	}
	f.mu.Unlock()
	if !waits { // the answer came in between
		s.send(a.say(st))
	}
}

func late(st *stanza.Stanza) *stanza.Err {
	return stanza.Fail(stanza.RemoteServerTimeout, st.To.Domain()+" has not answered")
}

// Asked notes that a question is in the queue of a peer.
func (s *Service) Asked(name string, t *router.Turn, st *stanza.Stanza) {
	p := s.peer(name)
	if p == nil || st.Kind != stanza.IQ || st.Type != stanza.Get || st.ID == "" || len(st.Children) != 1 || len(st.Inner) > maxAsked {
		return
	}
	t.After(func() {
		f := &s.flight
		f.mu.Lock()
		defer f.mu.Unlock()
		key := keyOf(st.From.String(), st)
		if f.byKey == nil {
			f.byKey = make(map[string]*asked)
		}
		if f.byKey[key] == nil && len(f.byKey) < maxFlight {
			f.byKey[key] = &asked{key: key, first: st, until: time.Now().Add(p.Wait + time.Minute)}
		}
	})
}

// Failed ends a question that the node answers itself, as it found no way or took too long.
func (s *Service) Failed(t *router.Turn, st *stanza.Stanza, why *stanza.Err) {
	if st.Kind != stanza.IQ || st.Type != stanza.Get || len(st.Children) != 1 {
		return
	}
	t.After(func() {
		s.finish(s.flight.take(func(again *stanza.Stanza) *stanza.Stanza { return again.ErrorReply(why) },
			func(a *asked) bool { return a.first.ID == st.ID && a.first.From == st.From && a.first.To == st.To }))
	})
}

// answered gives the answer of the first to those that were the same, and keeps it.
func (s *Service) answered(st *stanza.Stanza) {
	a := s.flight.take(func(again *stanza.Stanza) *stanza.Stanza {
		c := st.Copy()
		c.ID = again.ID
		return c
	}, func(a *asked) bool { return a.first.ID == st.ID && a.first.From == st.To && a.first.To == st.From })
	if a == nil {
		return
	}
	if st.Type == stanza.Result && keepable(a.first.Children[0].Name.Space) {
		s.kept.put(keyOf(a.first.From.Bare().String(), a.first), st.Inner, time.Now())
	}
	s.finish(a)
}

// finish answers the repeats of a question.
func (s *Service) finish(a *asked) {
	if a == nil {
		return
	}
	for _, id := range a.ids {
		again := a.first.Copy()
		again.ID = id
		s.send(a.say(again))
	}
}

// send brings a stanza to one of ours, after a commit.
func (s *Service) send(st *stanza.Stanza) {
	if st == nil {
		return
	}
	t := new(router.Turn)
	if s.Host.Route(t, st) == nil {
		t.Done()
	}
}

// take finds a question and ends it; its repeats will get what say says.
func (f *flight) take(say answering, is func(*asked) bool) *asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, a := range f.byKey {
		if is(a) {
			delete(f.byKey, key)
			a.say = say
			return a
		}
	}
	return nil
}

// overdue ends the questions that nobody has answered.
func (s *Service) overdue(now time.Time) {
	for {
		a := s.flight.take(func(again *stanza.Stanza) *stanza.Stanza { return again.ErrorReply(late(again)) },
			func(a *asked) bool { return now.After(a.until) })
		if a == nil {
			return
		}
		s.finish(a)
	}
}
