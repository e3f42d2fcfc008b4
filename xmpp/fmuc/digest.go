package fmuc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/crowd"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/markup"
	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// A need is what a digest is for, beside telling who is here. Digests that wait are recorded with theirs, so the numbers stay.
type need uint8

const (
	ask    need = 1 << iota // the peer is to say what it lacks, and to send what we lack
	whole                   // with every origin that we know, as the hashes differ
	answer                  // it is told what we want of what it has
	join                    // it begins a federation: how much of the past is wanted is ours to say
	meet                    // lines were never compared with the peer's
)

// digest tells the peer in one stanza who is here, as far as it does not know, and what else is needed. It takes the place of the last
// one, if that is still in the queue. Nothing is sent when there is nothing to say.
func (p *peer) digest(t *router.Turn, mr *muc.Room, need need, gone ...parting) error {
	r := p.room
	waiting, again, err := p.unsent(t)
	if err != nil {
		return err
	}
	st, now := mr.Next(t), p.ours(mr.Next(t))
	fate := crowd.Left
	switch {
	case len(waiting) == 0:
	case again:
		fate = crowd.Repeat
	default:
		fate = crowd.Fresh
	}
	k := p.kinship
	if need = p.needed(need, now); need == 0 && p.deaf() && len(now) > 0 && len(k.ledger.Told) > 0 {
		return nil // nobody is there who would see it; the next digest tells it too
	}
	if len(waiting) > 0 {
		need |= k.need()
	}
	if len(waiting) > 1 {
		k.ledger.Lose() // two that may have arrived or not
	}
	d := k.ledger.Tell(now, fate)
	if d.Empty() && need == 0 {
		return p.silence(t, k, waiting)
	}
	for _, g := range gone {
		d.Because(g.nick, code(g.cause), g.cause.Reason)
	}
	k.greeted = true
	if need&ask != 0 {
		k.asked = time.Now()
	}
	k.rec.Waiting, k.rec.Asked = uint8(need), k.rec.Asked || need&ask != 0
	if err := p.setKin(t, k); err != nil {
		return err
	}
	s := Sync{Most: -1, Crowd: &d}
	p.fill(&s, need, st)
	var behind []*stanza.Stanza
	if need&join != 0 && len(waiting) > 0 {
		if behind, err = p.takeBehind(t); err != nil {
			return err
		}
		withoutLines(s.Have, behind)
	}
	m := Mark{Children: []*markup.Element{s.Element(r.jid.Domain())}}
	if p.rec.Up && replica(st) && need&join != 0 {
		m.Attrs = []markup.Attr{{Name: markup.Name{Local: "mode"}, Value: "pr"}}
	}
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Digests++ })
	out := &stanza.Stanza{Kind: stanza.Presence, From: r.jid, To: p.jid}
	out.SetInner(m.Append(nil))
	for _, st := range slices.Insert(behind, 0, out) {
		if err := p.route(t, st); err != nil {
			return err
		}
	}
	return nil
}

// A parting is why somebody is gone, for a digest to say.
type parting struct {
	nick  string
	cause muc.Cause
}

// crowdChanged tells the peer of occupants that came, went or changed.
func (p *peer) crowdChanged(t *router.Turn, mr *muc.Room, gone ...parting) error {
	if owed := p.room.owed; owed != nil {
		owed[p] = append(owed[p], gone...)
		return nil
	}
	return p.digest(t, mr, 0, gone...)
}

// together lets f change many occupants, and tells each peer in one digest behind it. A digest for each of them would be as much
// work as there are occupants, each time.
func (r *room) together(t *router.Turn, mr *muc.Room, f func() error) error {
	if r.owed != nil {
		return f()
	}
	owed := make(map[*peer][]parting)
	r.owed = owed
	defer func() { r.owed = nil }()
	if err := f(); err != nil {
		return err
	}
	r.owed = nil
	for _, p := range slices.Clone(r.peers) {
		gone, ok := owed[p]
		if !ok || !p.open() || !p.kin() || mr.Next(t) == nil || r.find(p.jid) != p {
			continue
		}
		if err := p.digest(t, mr, 0, gone...); err != nil {
			return err
		}
	}
	return nil
}

// needed adds what goes without saying: after a start of the program the peer is asked what it has, and when somebody comes to a room
// that was empty, as nothing was sent to that.
func (p *peer) needed(n need, now crowd.Crowd) need {
	told := p.kinship.ledger.Told
	if !p.kinship.greeted || !p.rec.Up && len(now) > 0 && told != nil && len(told) == 0 {
		n |= ask
	}
	if n&(ask|answer) != 0 && !p.kinship.rec.Met {
		n |= meet
	}
	return n
}

// silence takes back what waits and need not be said any more.
func (p *peer) silence(t *router.Turn, k kinship, waiting []uint64) error {
	if q := p.queue(); q != nil && len(waiting) > 0 {
		if _, err := q.Done(t.Tx, waiting...); err != nil {
			return err
		}
	}
	k.rec.Waiting = 0
	return p.setKin(t, k)
}

// fill says of lines what is needed.
func (p *peer) fill(s *Sync, n need, st *muc.State) {
	v := &p.room.numbers.known
	if n&ask != 0 {
		said := v.Say(true, n&whole != 0)
		s.Have = &said
	}
	if s.Wants = n&answer != 0; s.Wants {
		for _, o := range p.kinship.want() {
			s.Want = append(s.Want, lines.Pair{Origin: o, N: v.Known(o) + 1})
		}
	}
	if n&(ask|answer) != 0 {
		s.Sum = p.theirs().Sum()
		s.Most = p.most(st, n)
	}
}

// most is how many of the missing lines are wanted at most; -1: all. Choice: a room that meets another for the first time, or is told to
// have little history, has no need of all that was ever said there; what was missed in between always comes.
func (p *peer) most(st *muc.State, n need) int {
	most, f := -1, st.Config.Fed
	switch count, err := strconv.Atoi(f.History); {
	case n&(join|meet) == 0:
	case f.History == "none":
		most = 0
	case err == nil && count >= 0:
		most = count
	case n&meet != 0:
		most = firstHistory
	}
	if f.LastN > 0 && (most < 0 || most > f.LastN) {
		most = f.LastN
	}
	return most
}

// deaf tells whether nobody is at the peer's: then it gets nothing until somebody is.
func (p *peer) deaf() bool { return p.state() == Joined && len(p.occ) == 0 && !p.rec.Echo }

// ours are those the peer is to know of.
func (p *peer) ours(st *muc.State) crowd.Crowd {
	list := make([]crowd.Occupant, 0, len(p.told))
	for nick, real := range p.told {
		o := crowd.Occupant{Nick: nick, JID: real.String()}
		if n := st.Occupant(nick); n != nil && n.Real == real {
			o.Affiliation, o.Role = n.Affiliation.String(), n.Role.String()
		} else if was, ok := p.kinship.ledger.Told[nick]; ok { // who has not come back since the start is as ever
			o.Affiliation, o.Role = was.Affiliation, was.Role
		}
		list = append(list, o)
	}
	if f := st.Config.Fed; len(list) == 0 && !p.rec.Up && f.Watch {
		list = append(list, crowd.Occupant{Nick: nodeNick, JID: p.room.jid.String(), Role: "visitor"})
	}
	if len(list) == 0 {
		return nil
	}
	return crowd.Of(brief(list)...)
}

// theirs are those that the peer has told us of.
func (p *peer) theirs() crowd.Crowd {
	list := make([]crowd.Occupant, 0, len(p.occ))
	for _, o := range p.occ {
		list = append(list, crowd.Occupant{Nick: o.Nick, JID: o.Real, Affiliation: o.Affiliation, Role: o.Role})
	}
	return crowd.Of(brief(list)...)
}

// brief leaves out the resources, except where somebody is in the room by several nicks, or might be taken for one who stands for a node.
func brief(list []crowd.Occupant) []crowd.Occupant {
	count := make(map[string]int, len(list))
	for i := range list {
		bare, _, _ := strings.Cut(list[i].JID, "/")
		count[bare]++
	}
	for i := range list {
		if bare, _, _ := strings.Cut(list[i].JID, "/"); count[bare] == 1 && !strings.HasPrefix(list[i].Nick, nodeNick) {
			list[i].JID = bare
		}
	}
	return list
}

// code is the status code of a removal that crosses.
func code(c muc.Cause) string {
	for _, n := range []int{codeBanned, codeKicked} {
		if slices.Contains(c.Codes, n) {
			return strconv.Itoa(n)
		}
	}
	return ""
}

// queue is where stanzas for the peer wait, nil if that is not known.
func (p *peer) queue() *store.Queue {
	if f := p.room.s.options.Load().Queue; f != nil {
		return f(p.jid.Domain())
	}
	return nil
}

// unsent are the digests in the queue.
func (p *peer) unsent(t *router.Turn) (ids []uint64, again bool, err error) {
	q := p.queue()
	if q == nil {
		return nil, false, nil
	}
	return q.Unsent(t.Tx, p.room.jid.String(), p.jid.String())
}
