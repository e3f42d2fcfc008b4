package s5066

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/s5066/frame"
	"longwire/store"
)

// A life of our stream goes from a start of the mapping to the next. Its name holds the last number that was given before it (names.go). While the peer
// has not answered to it, what it numbers is a claim: had a backup been restored, the peer would know other stanzas by these numbers. A life that ends
// so leaves its name on flash for the next, which begins behind the same number: the peer may have taken from any of them.

// mostLives bounds the names kept of lives that nobody has answered to.
const mostLives = 256

// name is what our stream is called on the air.
func (w *longwire) name() string { return w.book.State().OutID + w.out.id }

// begin makes a new life of what the record says.
func (w *longwire) begin() error {
	c := w.book.State()
	var claims store.Custody
	err := w.p.db.View(func(tx *store.Tx) (err error) {
		claims, err = tx.Custody(chainKey(w.key))
		return err
	})
	if err != nil {
		return fmt.Errorf("s5066: reading the record of %s: %w", w.p.c.Peer, err)
	}
	o := &w.out
	o.since, o.chain = c.Sent, nil
	if claims.OutID == c.OutID && c.OutID != "" && !after(c.Acked, claims.Sent) {
		o.since, o.chain = claims.Sent, strings.Fields(claims.InID)
	}
	w.beginBehind(o.since)
	w.p.log.Debug("life begins", "name", w.name(), "claims", o.chain, "sent", c.Sent, "acked", c.Acked)
	return nil
}

// beginBehind gives the life a new name.
func (w *longwire) beginBehind(since uint32) {
	o := &w.out
	c := w.book.State()
	o.since, o.id = since, newLife(since)
	o.of = c.OutID
	o.claims, o.proof, o.known, o.marked = false, false, false, false
	o.next, o.safe, o.newRun, o.backed = c.Acked+1, c.Acked, true, true
	o.askAt, o.isAsked, o.asks = time.Time{}, false, 0
	for i := range o.flights {
		o.flights[i].void = true
	}
}

// claim notes this life on flash, before its first stanza is sent.
func (w *longwire) claim() error {
	o := &w.out
	if o.proof || o.claims {
		return nil
	}
	o.chain = append(o.chain, w.name())
	o.chain = o.chain[max(0, len(o.chain)-mostLives):]
	err := w.putClaims(store.Custody{OutID: w.book.State().OutID, Sent: o.since, InID: strings.Join(o.chain, " "), Changed: time.Now()})
	o.claims = err == nil
	return err
}

func (w *longwire) putClaims(c store.Custody) error {
	err := w.p.db.Update(func(tx *store.Tx) error { return tx.PutCustody(chainKey(w.key), c) })
	if err != nil {
		return fmt.Errorf("s5066: writing the record of %s: %w", w.p.c.Peer, err)
	}
	return nil
}

// proven: the peer has answered to this life, so our record is as new as it.
func (w *longwire) proven() {
	o := &w.out
	if o.proof {
		return
	}
	o.proof = true
	w.p.log.Debug("life is proven", "name", w.name())
	if o.claims || len(o.chain) > 0 {
		if err := w.putClaims(store.Custody{}); err != nil {
			w.p.log.Error("cannot forget a claim", "err", err) // the next life will be told once more
		}
	}
	o.chain, o.claims = nil, false
}

// otherLife: the peer has taken numbers beyond since, and not from this life.
func (w *longwire) otherLife(h frame.Header) error {
	o := &w.out
	if slices.Contains(o.chain, h.In) {
		// They were one before's, which did not live to hear of it.
		if after(h.Mark, w.book.State().Sent) {
			w.p.drops.check.Add(1)
			return nil
		}
		w.confirm(h.Mark)
		w.proven()
		w.beginBehind(w.book.State().Sent)
		return w.reload()
	}
	// They were given in a time that our record knows nothing of. What was sent before that and has been taken is done with; everything else gets new numbers.
	w.p.log.Warn("peer has taken more than was sent: our record is an old one", "mark", h.Mark, "sent", o.since)
	w.confirm(o.since)
	if err := w.book.Renumber(); err != nil {
		return err
	}
	o.chain = nil
	w.beginBehind(0)
	return w.reload()
}
