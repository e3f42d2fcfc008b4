package fmuc

import (
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/fmuc/crowd"
	"longwire/xmpp/fmuc/lines"
	"longwire/xmpp/router"
)

// A kinship is what is kept for a peer of our kind: what each has told the other of its occupants and lines. It is a value: changes
// make a new one.
type kinship struct {
	rec     store.FedSync
	ledger  crowd.Ledger // of our occupants
	greeted bool         // it was asked what it has since the program started
	asked   time.Time    // when that was last
}

// kin tells whether the peer is of our kind.
func (p *peer) kin() bool { return p.rec.Longwire && !p.foreign() }

// foreign tells whether the operator says that it is not.
func (p *peer) foreign() bool {
	ps, _ := p.room.s.peer(p.jid.Domain())
	return ps.Foreign
}

func (k *kinship) need() need { return need(k.rec.Waiting) }

// want are the origins of which the answer that waits wants lines.
func (k *kinship) want() (all []lines.Origin) {
	s, _ := lines.Parse(k.rec.Want)
	for _, p := range s.Pairs {
		all = append(all, p.Origin)
	}
	return all
}

// loadKin reads the record.
func (p *peer) loadKin(tx *store.Tx) (err error) {
	k := &p.kinship
	if k.rec, err = tx.FedSync(p.room.jid.String(), p.rec.Peer); err != nil || !k.rec.Known {
		return err
	}
	users := usersDomain(p.room.jid.Domain())
	read := func(text string) crowd.Crowd {
		d, _ := crowd.Parse(text, users)
		c, _ := crowd.Crowd(nil).Apply(d)
		return c
	}
	k.ledger.Told = read(k.rec.Told)
	for _, text := range k.rec.Had {
		k.ledger.Had = append(k.ledger.Had, read(text))
	}
	return nil
}

// setKin changes what is kept for the peer.
func (p *peer) setKin(t *router.Turn, k kinship) error {
	old := p.kinship
	t.Tx.OnUndo(func() { p.kinship = old })
	users := usersDomain(p.room.jid.Domain())
	write := func(c crowd.Crowd) string { return string(crowd.Whole(c).Append(nil, users)) }
	k.rec.Peer, k.rec.Known, k.rec.Told, k.rec.Had = p.rec.Peer, k.ledger.Told != nil, "", nil
	if k.rec.Known {
		k.rec.Told = write(k.ledger.Told)
		for _, c := range k.ledger.Had {
			k.rec.Had = append(k.rec.Had, write(c))
		}
	}
	p.kinship = k
	return t.Tx.PutFedSync(p.room.jid.String(), k.rec)
}

// becomeKin notes that the peer is of our kind. What it was told before by standard presences it knows.
func (p *peer) becomeKin(t *router.Turn, now crowd.Crowd) error {
	if p.kin() {
		return nil
	}
	// It answers no farewell.
	if err := p.put(t, func(rec *store.FedPeer) { rec.Longwire, rec.Lefts = true, 0 }); err != nil {
		return err
	}
	k := p.kinship
	if k.ledger = (crowd.Ledger{Told: now}); now == nil {
		k.ledger.Told = crowd.Crowd{}
	}
	return p.setKin(t, k)
}

// untold notes that the peer has thrown somebody out by itself.
func (p *peer) untold(t *router.Turn, nick string) error {
	k := p.kinship
	drop := func(c crowd.Crowd) crowd.Crowd {
		if _, ok := c[nick]; !ok {
			return c
		}
		n := crowd.Crowd{}
		for _, o := range c {
			if o.Nick != nick {
				n[o.Nick] = o
			}
		}
		return n
	}
	k.ledger.Told, k.ledger.Had = drop(k.ledger.Told), slices.Clone(k.ledger.Had)
	for i, c := range k.ledger.Had {
		k.ledger.Had[i] = drop(c)
	}
	return p.setKin(t, k)
}
