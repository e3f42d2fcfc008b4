package s5066

import (
	"context"
	"log/slog"
	"time"

	"longwire/links/meter"
	"longwire/links/s5066/frame"
	"longwire/links/sis"
)

// A peer may be set up for rcop where we are for longwire. Its SIS server confirms to it what ours gives us, and it deletes that: to drop it would be the
// loss of a stanza. So it is taken, and the status tells that the two sides are not set up alike. What we send waits until they are: the peer drops our
// frames and gives no mark for them.

// isRCOP tells whether a U_PDU is no frame but RCOP, of our connection and application. S5066 F, RCOP: the lower half of the first byte is sent as 0; a frame
// that carries anything has a bit there, so that one which cannot be read for another reason is not mistaken.
func (w *longwire) isRCOP(updu []byte) bool {
	if w.fast || len(updu) == 0 || updu[0]&0x0F != 0 {
		return false
	}
	if _, _, err := w.rcop.parse(updu); err != nil {
		return false
	}
	_, err := frame.Parse(updu)
	return err != nil
}

// takeRCOP acts on a U_PDU that isRCOP. The caller does not hold turn: it may take as long as the store does.
func (w *longwire) takeRCOP(ctx context.Context, u sis.UnidataIndication) {
	h, data, err := w.rcop.parse(u.UPDU)
	if err != nil {
		return
	}
	level := slog.LevelDebug
	w.step(func() {
		w.into.frames++
		w.into.heard = time.Now()
		if w.into.foreign++; w.into.foreign == 1 {
			level = slog.LevelWarn
		}
	})
	w.p.log.Log(ctx, level, "peer has the mapping rcop, and we have longwire: what it sends is taken, what we send waits", "id", h.ID, "size", len(u.UPDU))
	w.p.meter.Add(func(c *meter.Counts) { c.In.Wire += uint64(len(u.UPDU)) })
	w.rcop.add(ctx, u, h, data)
}

// rest takes of what is there already, when the mapping ends, all that the peer believes delivered. Frames come again.
func (w *longwire) rest(ctx context.Context) {
	for u, ok := w.box.take(); ok; u, ok = w.box.take() {
		if w.isRCOP(u.UPDU) {
			w.takeRCOP(ctx, u)
		}
	}
}

// foreignVersion is told of a frame in another version of the format. It is not complained of: the peer could not read that either, and would send the same again.
func (w *longwire) foreignVersion(updu []byte) {
	level := slog.LevelDebug
	if w.p.drops.format.Add(1) == 1 {
		level = slog.LevelWarn
	}
	w.p.log.Log(context.Background(), level, "peer speaks another version of the mapping longwire: nothing can be taken from it until both nodes have the same release", "size", len(updu))
	w.into.version = true
}
