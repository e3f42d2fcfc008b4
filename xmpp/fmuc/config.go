package fmuc

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Configured is told how a room is configured; old is nil for a new one, and for each at the start.
func (s *Service) Configured(t *router.Turn, mr *muc.Room, old, new *store.Room) error {
	r, err := s.room(t, mr)
	if err != nil || r == nil {
		return err
	}
	if old == nil {
		if err := r.restore(t, mr); err != nil {
			return err
		}
	}
	if !s.on(mr.Next(t)) {
		return r.disband(t, mr)
	}
	for _, p := range r.peers {
		if p.rec.Up {
			if old != nil && !reflect.DeepEqual(old.Fed, new.Fed) {
				if err := p.step(t, Permitted); err != nil {
					return err
				}
			}
			continue
		}
		if _, ok := s.peer(p.jid.Domain()); !ok || !allowed(new.Fed, p.jid) {
			if err := r.dismiss(t, mr, p); err != nil {
				return err
			}
		}
	}
	if old == nil && len(r.peers) > 0 {
		return nil // settle comes later
	}
	if err := r.watch(t, mr); err != nil {
		return err
	}
	if up := r.up(); up != nil && !new.Fed.Watch && up.open() {
		if up.stands() && !r.peopled(mr.Next(t), up.jid) {
			if err := up.untell(t, nodeNick, muc.Cause{}); err != nil {
				return err
			}
		}
	}
	return r.drive(t, mr)
}

// restore shows the occupants of other nodes again after the start. Ours are gone; the peers hear that a little later, as
// most come back at once.
func (r *room) restore(t *router.Turn, mr *muc.Room) error {
	for _, p := range r.peers {
		if err := r.bringBack(t, mr, p); err != nil {
			return err
		}
		joined, key := p.state() == Joined, pair{r.jid, p.jid}
		t.After(func() { r.s.noteJoined(key, joined) })
		switch p.state() {
		case Idle:
			if !p.rec.Up && p.rec.Lefts > 0 {
				r.s.wake(t, alarm{key, alarmLeft}, rejoinTime)
			}
		case Leaving:
			r.s.wake(t, alarm{key, alarmLeaving}, leavingTime)
		case Refused:
			r.s.wake(t, alarm{key, alarmRefused}, refusedTime)
		case Detached:
			r.s.wake(t, alarm{key, alarmRejoin}, rejoinTime)
		}
	}
	if len(r.peers) > 0 {
		r.s.wake(t, alarm{pair{room: r.jid}, alarmSettle}, r.s.options.Load().Settle)
	}
	return nil
}

// bringBack takes in the peer's occupants, but for those whom the room would not take any more.
func (r *room) bringBack(t *router.Turn, mr *muc.Room, p *peer) error {
	for _, nick := range slices.Sorted(maps.Keys(p.occ)) {
		err := mr.Enter(t, *p.occupant(p.occ[nick]))
		var refusal *stanza.Err
		if errors.As(err, &refusal) {
			err = p.unlearn(t, nick)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dismiss ends the federation with a room that has joined ours.
func (r *room) dismiss(t *router.Turn, mr *muc.Room, p *peer) error {
	if err := r.clear(t, mr, p, muc.Cause{Codes: []int{codeLost}}); err != nil {
		return err
	}
	if p.open() {
		if err := r.signal(t, p.jid, Mark{Left: true}); err != nil {
			return err
		}
	}
	return p.forget(t)
}

// disband ends all federation of the room.
func (r *room) disband(t *router.Turn, mr *muc.Room) error {
	for _, p := range r.peers {
		var err error
		if p.rec.Up {
			err = r.part(t, mr, p)
		} else {
			err = r.dismiss(t, mr, p)
		}
		if err != nil {
			return err
		}
	}
	return r.close(t)
}

// close forgets the room.
func (r *room) close(t *router.Turn) error {
	if r.s.rooms[r.jid] == r {
		delete(r.s.rooms, r.jid)
		t.Tx.OnUndo(func() { r.s.rooms[r.jid] = r })
	}
	return nil
}

// Destroyed is told of the end of a room: those who joined it are told to forget it, and the one that it joined was told
// by the farewells of ours.
func (s *Service) Destroyed(t *router.Turn, mr *muc.Room) error {
	r := s.rooms[mr.JID()]
	if r == nil {
		return nil
	}
	for _, p := range r.peers {
		if !p.rec.Up && p.open() {
			if err := r.signal(t, p.jid, Mark{Left: true}); err != nil {
				return err
			}
		} else {
			for _, nick := range p.toldNicks() {
				if err := p.untell(t, nick, muc.Cause{}); err != nil {
					return err
				}
			}
		}
		if err := p.forget(t); err != nil {
			return err
		}
	}
	return r.close(t)
}

// Names of the fields of the owner's form.
const (
	fieldEnabled = "x-fmuc_enabled"
	fieldNode    = "x-fmuc_node"
	fieldMode    = "x-fmuc_mode"
	fieldAllow   = "x-fmuc_allow"
	fieldHistory = "x-fmuc_history"
	fieldWatch   = "x-fmuc_watch"
)

// Fields are those of the owner's form.
func (s *Service) Fields(c *store.Room) []forms.Field {
	if !s.options.Load().Enabled {
		return nil
	}
	mode := c.Fed.Mode
	if mode == "" {
		mode = "pp"
	}
	history := c.Fed.History
	if history == "" {
		history = "since"
	}
	return []forms.Field{
		{Var: fieldEnabled, Type: "boolean", Label: "Federate with rooms of other nodes", Values: []string{flag(c.Fed.Enabled)}},
		{Var: fieldNode, Type: "jid-single", Label: "Room that this one joins", Values: some(c.Fed.Node)},
		{Var: fieldMode, Type: "list-single", Label: "While that room cannot be reached", Values: []string{mode}, Options: []forms.Option{
			{Label: "this one goes on", Value: "pp"}, {Label: "nothing is said in this one", Value: "pr"},
		}},
		{Var: fieldAllow, Type: "text-multi", Label: "Rooms, domains of rooms, or * that may join this one", Values: c.Fed.Allow},
		{Var: fieldHistory, Type: "text-single", Label: "What was missed: since, none, or a number of lines", Values: []string{history}},
		{Var: fieldWatch, Type: "boolean", Label: "Stay federated while nobody is here", Values: []string{flag(c.Fed.Watch)}},
	}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// maxAllow bounds the list of those who may join.
const maxAllow = 100

// SetFields reads them from a form that was submitted; what is not in it stays.
func (s *Service) SetFields(c *store.Room, f *forms.Form) error {
	fed := c.Fed
	for name, b := range map[string]*bool{fieldEnabled: &fed.Enabled, fieldWatch: &fed.Watch} {
		v, ok, err := f.Bool(name)
		if err != nil {
			return bad(name)
		}
		if ok {
			*b = v
		}
	}
	if v, ok := f.Value(fieldNode); ok {
		if v != "" {
			j, err := jid.Parse(v)
			if err != nil || j.Local() == "" || !j.IsBare() || j.String() == c.JID {
				return bad(fieldNode)
			}
			v = j.String()
		}
		fed.Node = v
	}
	// Clients send the whole form back; what stands for nothing there is no change.
	if v, ok := f.Value(fieldMode); ok && !(v == "pp" && fed.Mode == "") {
		if v != "pp" && v != "pr" {
			return bad(fieldMode)
		}
		fed.Mode = v
	}
	if v, ok := f.Value(fieldHistory); ok && !(v == "since" && fed.History == "") {
		if n, err := strconv.Atoi(v); v != "since" && v != "none" && (err != nil || n < 0) {
			return bad(fieldHistory)
		}
		fed.History = v
	}
	if f.Has(fieldAllow) {
		fed.Allow = nil
		for _, v := range f.Values(fieldAllow) {
			if v == "" {
				continue
			}
			if v != "*" {
				j, err := jid.Parse(v)
				if err != nil || !j.IsBare() {
					return bad(fieldAllow)
				}
				v = j.String()
			}
			if fed.Allow = append(fed.Allow, v); len(fed.Allow) > maxAllow {
				return bad(fieldAllow)
			}
		}
	}
	c.Fed = fed
	return nil
}

func bad(field string) error {
	return stanza.Fail(stanza.NotAcceptable, "the value of "+field+" means nothing")
}
