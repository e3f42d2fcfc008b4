package s2s

import (
	"strconv"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Hooks are what others do with the stanzas of a peer, in the order of the fields. Each may be nil, and then costs nothing. A stanza may come to them twice, first on a
// Turn without a transaction; so what they note down waits in Turn.After.
//
//	Accept:  forged? -> Answer -> publish-subscribe? -> precedence -> Fold -> rules of precedence -> lifetime -> short ids -> Spend -> queue -> Asked
//	Deliver: checks -> repeat? -> long ids -> FoldIn -> receipt noted -> Heard -> router
type Hooks struct {
	// Answer may answer for the far entity; done: nothing crosses.
	Answer func(t *router.Turn, s *stanza.Stanza) (done bool, err error)
	// Fold makes less of a stanza before it waits for the link, and FoldIn after it came from there.
	Fold func(now time.Time, s *stanza.Stanza) Folded
	// Spend tells whether there is air for it. What it books waits in t.After.
	Spend  func(t *router.Turn, c Charge) Verdict
	FoldIn func(now time.Time, s *stanza.Stanza) Folded
	// Asked hears of a request (IQ) that is queued, Failed of one that left the queue without an answer of the peer, and Heard of all that came from
	// it, before it is routed.
	Asked  func(t *router.Turn, s *stanza.Stanza)
	Failed func(t *router.Turn, s *stanza.Stanza, why *stanza.Err)
	Heard  func(t *router.Turn, s *stanza.Stanza)
}

// Folded is what folding made of a stanza.
type Folded struct {
	Stanza *stanza.Stanza // nil: nothing is left to be sent
	Refuse *stanza.Err    // not nil: its sender is told
	Reason string         // why it is less or nothing, for people
	Saved  int            // bytes
	Hold   time.Duration  // it may wait so long for a newer one to take its place
	Noted  func()         // if not nil: to be called once the Turn is committed
}

// Charge is what a stanza wants to spend.
type Charge struct {
	Peer     string
	From, To jid.JID
	Kind     store.Kind
	Class    store.Class
	Type     string // of the stanza, as RFC 6120 §8.1.4 has it
	Bytes    int
	Saved    int            // bytes that folding spared
	Stanza   *stanza.Stanza // as it will be sent
	Now      time.Time
}

// NoteNumber stands in a Verdict's Note for the number that the queue gives the stanza.
const NoteNumber = "{number}"

// Verdict is what became of a Charge; the zero Verdict lets it pass.
type Verdict struct {
	Refuse *stanza.Err
	Hold   time.Duration // keep it back so long,
	Why    string        // for people, of Hold
	Class  store.Class   // 0: as it was
	Note   string        // for the sender, to whom Env.Tell says it
}

// fold asks Fold, whose answer has no Stanza when nothing is left.
func (p *Peer) fold(t *router.Turn, r *rules, now time.Time, s *stanza.Stanza, kind store.Kind) (Folded, error) {
	if r.Fold == nil {
		return Folded{Stanza: s}, nil
	}
	f := r.Fold(now, s)
	if f.Noted != nil {
		t.After(f.Noted)
	}
	switch {
	case f.Refuse != nil:
		t.After(func() { p.stats.add(func(s *Stats) { s.Refused.add(kind) }) })
		return f, f.Refuse
	case f.Stanza == nil:
		t.After(func() { p.stats.add(func(s *Stats) { s.Folded.add(kind) }) })
	}
	return f, nil
}

// foldIn does the same with what came from the peer, whose sender is told on the way.
func (p *Peer) foldIn(t *router.Turn, r *rules, s *stanza.Stanza) (*stanza.Stanza, error) {
	if r.FoldIn == nil {
		return s, nil
	}
	f := r.FoldIn(time.Now(), s)
	if f.Noted != nil {
		t.After(f.Noted)
	}
	if f.Stanza == nil {
		t.After(func() { p.stats.add(func(s *Stats) { s.FoldedIn++ }) })
	}
	if f.Refuse != nil {
		return nil, p.answer(t, r, s, f.Refuse)
	}
	return f.Stanza, nil
}

// spend asks Spend, and applies what it says but for the note.
func (p *Peer) spend(t *router.Turn, r *rules, s *stanza.Stanza, e *store.Entry) (note string, err error) {
	if r.Spend == nil {
		return "", nil
	}
	v := r.Spend(t, Charge{Peer: p.name, From: s.From, To: s.To, Kind: e.Kind, Class: e.Class, Type: s.Type, Bytes: len(e.Stanza), Saved: e.Saved, Stanza: s, Now: e.Queued})
	if v.Refuse != nil {
		t.After(func() { p.stats.add(func(s *Stats) { s.Refused.add(e.Kind) }) })
		return "", v.Refuse
	}
	if v.Class != 0 {
		e.Class = v.Class
	}
	if v.Hold > 0 {
		if until := e.Queued.Add(v.Hold); until.After(e.NotBefore) {
			e.NotBefore, e.HeldFor = until, v.Why
		}
	}
	return v.Note, nil
}

// tell says a note about an entry to its sender.
func (p *Peer) tell(t *router.Turn, s *stanza.Stanza, id uint64, note string) error {
	if note == "" || p.peers.Tell == nil {
		return nil
	}
	return p.peers.Tell(t, s, strings.ReplaceAll(note, NoteNumber, strconv.FormatUint(id, 10)))
}
