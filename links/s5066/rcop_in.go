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

// take acts on a U_PDU of the peer.
func (w *rcopMapping) take(ctx context.Context, u sis.UnidataIndication) {
	now := time.Now()
	w.mu.Lock()
	w.inN++
	w.last = now
	w.mu.Unlock()
	w.p.meter.Add(func(c *meter.Counts) { c.In.Wire += uint64(len(u.UPDU)) })
	h, data, err := rcop.Parse(u.UPDU, rcop.Ed3)
	if err != nil || h.Connection != w.p.c.ConnectionID || h.Application != w.p.c.AppID {
		// Another application may use the SAP; it is not ours to answer. More often the two sides are not set up alike, and what the peer sends is lost.
		level := slog.LevelDebug
		if w.p.drops.format.Add(1) == 1 {
			level = slog.LevelWarn
		}
		w.p.log.Log(ctx, level, "U_PDU is not of this link; are mapping, connection_id and application_id the same on both sides?", "err", err, "connection", h.Connection, "application", h.Application, "size", len(u.UPDU))
		return
	}
	w.step(func() { w.out.relent() })
	s := rcop.Source{Address: u.Source.String(), SAP: u.SourceSAP, Connection: h.Connection}
	pdu, err := w.asm.Add(now, s, h, data)
	if err != nil {
		if errors.Is(err, rcop.ErrStanza) {
			w.p.drops.format.Add(1)
		} else {
			w.p.drops.gap.Add(1)
		}
		w.p.log.Warn("PDU of the peer dropped", "err", err, "id", h.ID)
	}
	if pdu != nil {
		w.hand(ctx, pdu)
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

func (w *rcopMapping) known(s store.Seen) bool {
	for i, o := range w.seen {
		if s.Text != 0 && o.Text == s.Text || o.Unit == s.Unit && len(w.seen)-i <= unitReach {
			return true
		}
	}
	return false
}

// hand gives a stanza to the node, with its digests in the same transaction, and waits for the commit: what comes behind it must not come before it. The sender
// believes it delivered, so it is tried until the store takes it.
func (w *rcopMapping) hand(ctx context.Context, pdu *rcop.PDU) {
	d := digests(pdu)
	if w.known(d) {
		w.p.meter.Add(func(c *meter.Counts) { c.In.Repeated++ })
		w.p.log.Debug("stanza came again", "id", pdu.Header.ID)
		return
	}
	mark := func(tx *store.Tx) error { return tx.AddSeen(w.key, d) }
	for {
		done := make(chan error, 1)
		w.p.in(w.p.c.Peer, pdu.Stanza.Copy(), mark, func(err error) { done <- err })
		err := <-done
		var v *links.Violation
		if errors.As(err, &v) {
			w.p.meter.Add(func(c *meter.Counts) { c.Violation++ })
			err = nil
		}
		if err == nil {
			break
		}
		w.p.log.Error("stanza of the peer not stored", "err", err)
		if pause(ctx, retryTake); ctx.Err() != nil {
			return
		}
	}
	w.p.meter.Add(func(c *meter.Counts) { c.In.Stanzas++; c.In.Raw += uint64(len(pdu.Text)) })
	w.seen = append(w.seen, d)
	w.seen = w.seen[max(0, len(w.seen)-store.MaxSeen):]
}
