package s5066

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"longwire/links"
	"longwire/links/meter"
	"longwire/links/s5066/rcop"
	"longwire/links/sis"
	"longwire/store"
	"longwire/xmpp/stanza"
)

const (
	// unitReach is how many stanzas back the same id and bytes mean the same PDU. The id comes round after 256, and equal stanzas without an id of
	// their own (presence) may then be new ones.
	unitReach = 128
	retryTake = 5 * time.Second
)

// rcopIn is the receiving half of XEP-0365: from U_PDUs to stanzas, each once. One goroutine uses it.
type rcopIn struct {
	p    *port
	asm  *rcop.Assembler
	seen []store.Seen // as on flash
}

func newRCOPIn(p *port) rcopIn { return rcopIn{p: p, asm: rcop.NewAssembler(rcop.Limits{})} }

// rcopKey is that of a peer's records.
func rcopKey(peer string) string { return peer + "/s5066/rcop" }

func (r *rcopIn) open(tx *store.Tx) (err error) {
	r.seen, err = tx.Seen(rcopKey(r.p.c.Peer))
	return err
}

var errOtherUse = errors.New("s5066: RCOP of another connection or application")

// parse reads the header of a U_PDU, which has to be of the connection and application that are the peer's.
func (r *rcopIn) parse(updu []byte) (h rcop.Header, data []byte, err error) {
	h, data, err = rcop.Parse(updu, rcop.Ed3)
	if err == nil && (h.Connection != r.p.c.ConnectionID || h.Application != r.p.c.AppID) {
		err = errOtherUse
	}
	return h, data, err
}

// take acts on a U_PDU of the peer.
func (w *rcopMapping) take(ctx context.Context, u sis.UnidataIndication) {
	now := time.Now()
	w.mu.Lock()
	w.inN++
	w.last = now
	w.mu.Unlock()
	w.p.meter.Add(func(c *meter.Counts) { c.In.Wire += uint64(len(u.UPDU)) })
	h, data, err := w.in.parse(u.UPDU)
	if err != nil {
		// Another application may use the SAP; it is not ours to answer. More often the two sides are not set up alike, and what the peer sends is lost.
		level := slog.LevelDebug
		if w.p.drops.format.Add(1) == 1 {
			level = slog.LevelWarn
		}
		w.p.log.Log(ctx, level, "U_PDU is not of this link; are mapping, connection_id and application_id the same on both sides?", "err", err, "connection", h.Connection, "application", h.Application, "size", len(u.UPDU))
		return
	}
	w.step(func() { w.out.relent() })
	w.in.add(ctx, u, h, data)
}

// add takes a segment, and hands in the stanza when that is whole.
func (r *rcopIn) add(ctx context.Context, u sis.UnidataIndication, h rcop.Header, data []byte) {
	s := rcop.Source{Address: u.Source.String(), SAP: u.SourceSAP, Connection: h.Connection}
	pdu, err := r.asm.Add(time.Now(), s, h, data)
	if err != nil {
		if errors.Is(err, rcop.ErrStanza) {
			r.p.drops.format.Add(1)
		} else {
			r.p.drops.gap.Add(1)
		}
		r.p.log.Warn("PDU of the peer dropped", "err", err, "id", h.ID)
	}
	if pdu != nil {
		r.hand(ctx, pdu)
	}
}

// digests are what a stanza is known by when it comes again. A resent PDU has its id and bytes (ours has, after a crash, too); some senders give it
// a new id, and then only what has an id of its own can be known.
func digests(pdu *rcop.PDU) store.Seen {
	sum := sha256.Sum256(pdu.Text)
	s := store.Seen{Unit: (binary.BigEndian.Uint64(sum[:]) ^ uint64(pdu.Header.ID)<<56) | 1}
	if pdu.Stanza.Kind == stanza.Message && pdu.Stanza.ID != "" {
		s.Text = binary.BigEndian.Uint64(sum[8:]) | 1
	}
	return s
}

func (r *rcopIn) known(s store.Seen) bool {
	for i, o := range r.seen {
		if s.Text != 0 && o.Text == s.Text || o.Unit == s.Unit && len(r.seen)-i <= unitReach {
			return true
		}
	}
	return false
}

// hand gives a stanza to the node, with its digests in the same transaction, and waits for the commit: what comes behind it must not come before it. The sender
// believes it delivered, so it is tried until the store takes it.
func (r *rcopIn) hand(ctx context.Context, pdu *rcop.PDU) {
	d := digests(pdu)
	if r.known(d) {
		r.p.meter.Add(func(c *meter.Counts) { c.In.Repeated++ })
		r.p.came("", links.EventDuplicate, pdu.Stanza, len(pdu.Text), len(pdu.Text), r.p.line(0, true).Air(len(pdu.Text)))
		r.p.log.Debug("stanza came again", "id", pdu.Header.ID)
		return
	}
	r.p.came("", links.EventReceived, pdu.Stanza, len(pdu.Text), len(pdu.Text), r.p.line(0, true).Air(len(pdu.Text)))
	mark := func(tx *store.Tx) error { return tx.AddSeen(rcopKey(r.p.c.Peer), d) }
	for {
		done := make(chan error, 1)
		r.p.in(r.p.c.Peer, pdu.Stanza.Copy(), mark, func(err error) { done <- err })
		err := <-done
		var v *links.Violation
		if errors.As(err, &v) {
			r.p.meter.Add(func(c *meter.Counts) { c.Violation++ })
			err = nil
		}
		if err == nil {
			break
		}
		r.p.log.Error("stanza of the peer not stored", "err", err)
		if pause(ctx, retryTake); ctx.Err() != nil {
			return
		}
	}
	r.p.meter.Add(func(c *meter.Counts) { c.In.Stanzas++; c.In.Raw += uint64(len(pdu.Text)) })
	r.seen = append(r.seen, d)
	r.seen = r.seen[max(0, len(r.seen)-store.MaxSeen):]
}
