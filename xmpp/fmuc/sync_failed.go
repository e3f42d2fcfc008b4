package fmuc

import (
	"time"

	"longwire/xmpp/muc"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// notSent takes our own node's word that a stanza does not get to a peer of our kind; false when that is to be dealt with as with any
// other peer.
func (r *room) notSent(t *router.Turn, mr *muc.Room, p *peer, st *stanza.Stanza, why stanza.Condition) (done bool, err error) {
	switch {
	case st.Kind == stanza.Presence && st.To.IsBare():
		return p.state() != Joining, p.digestLost(t)
	case st.Kind != stanza.Message || !st.From.IsBare():
		return false, nil
	case why == stanza.PolicyViolation && r.s.routing:
		r.s.tooBig = true
		return false, nil
	case p.rec.Up && r.refused(st) >= 0:
		return false, nil
	}
	return true, r.fellBehind(t, mr, p)
}

// fellBehind is when a line did not get to the peer: it gets no more of them until it says what it has. That is asked by a digest, which
// waits as long as the way is closed.
func (r *room) fellBehind(t *router.Turn, mr *muc.Room, p *peer) error {
	if p.kinship.rec.Behind || r.forgetful(t) {
		return nil
	}
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Behind++ })
	if err := p.recall(t); err != nil {
		return err
	}
	return p.pause(t, mr)
}

// pause holds back all lines until the peer has said how far it got.
func (p *peer) pause(t *router.Turn, mr *muc.Room) error {
	if err := p.withhold(t); err != nil {
		return err
	}
	return p.digest(t, mr, ask)
}

// digestLost is when a digest did not get to the peer: with the next stanza it is told all anew.
func (p *peer) digestLost(t *router.Turn) error {
	k := p.kinship
	k.ledger.Lose()
	k.greeted, k.rec.Asked, k.rec.Waiting = false, false, 0
	if k.rec.Behind { // nothing else goes to it before it has answered
		p.room.s.wake(t, alarm{pair{p.room.jid, p.jid}, alarmAsk}, askTime)
	}
	return p.setKin(t, k)
}

// gap is when a line is missing before one of the peer's: it is not taken, and the peer is asked to send again from there, once.
func (r *room) gap(t *router.Turn, mr *muc.Room, p *peer) error {
	r.s.count(t, pair{r.jid, p.jid}, func(c *Counters) { c.Gaps++ })
	if p.kinship.rec.Asked && !p.unheard() {
		return nil
	}
	return p.digest(t, mr, ask)
}

// stirred is when the peer speaks: a question that is still to be put is put now. It is so after a start, and when lines were held back while
// nobody was there, or a question got lost.
func (p *peer) stirred(t *router.Turn, mr *muc.Room) error {
	if k := &p.kinship; !p.kin() || !p.open() || p.deaf() || k.greeted && (!k.rec.Behind || !p.unheard()) {
		return nil
	}
	return p.digest(t, mr, ask)
}

// askAgain is how long an answer may be on its way before the next line is a reason to ask again: a peer whose store was set back may not
// know that it was asked.
const askAgain = 10 * time.Minute

// unheard tells whether the answer has been due for long.
func (p *peer) unheard() bool {
	k := &p.kinship
	return k.rec.Behind && !k.rec.Asked || k.rec.Asked && time.Since(k.asked) > askAgain
}
