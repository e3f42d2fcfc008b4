package s5066

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links"
	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/links/s5066/rcop"
	"longwire/links/sis"
	"longwire/store"
)

const (
	rcopWindow = 4   // stanzas under way
	rcopAloft  = 8   // segments of them that the server has: no more than sis.Binding.Window, behind which all peers of the bind would wait
	rcopSpan   = 128 // numbers from the oldest under way to the newest: the id of a PDU is the low byte
	rcopLook   = 64  // entries of the queue that are looked at for another sender's
)

// rcopOut is the state of what goes out.
type rcopOut struct {
	session string // numbering on flash
	flights []*rcopFlight
	leaving *rcopFlight // one whose segment is composed and not handed over yet
	tickets map[sis.Ticket]*rcopFlight

	patience
	rtt    time.Duration
	frames uint64
}

// rcopFlight is a stanza under way.
type rcopFlight struct {
	seq    uint32
	entry  store.Entry
	text   []byte
	sender string

	segments  [][]byte // nil: to be cut
	next      int      // segment
	aloft     int      // segments without a fate
	cut       int      // size to which segments were cut in this life,
	parts     int      // and how many that gave
	size      int      // of the last segment handed over
	failed    bool     // to be sent again as a whole, when none is aloft
	delivered bool     // and the queue has not heard of it yet
	sent      bool
	at        time.Time
}

// Two numberings share one count. Whether a stanza is stamped with the time since when it waits is settled with its number, as its bytes must be the
// same whenever it is sent again: Choice.
func (o *rcopOut) stamped() string { return o.session + custody.Second }

// open reads what is on flash: stanzas that were under way go again, with the same ids.
func (w *rcopMapping) open() error {
	w.turn.Lock()
	defer w.turn.Unlock()
	o := &w.out
	o.tickets = map[sis.Ticket]*rcopFlight{}
	var c store.Custody
	err := w.p.db.Update(func(tx *store.Tx) (err error) {
		if err = w.in.open(tx); err != nil {
			return err
		}
		if c, err = tx.Custody(w.key); err != nil || c.OutID != "" {
			return err
		}
		var name [4]byte
		rand.Read(name[:])
		c.OutID, c.Changed = "rcop"+hex.EncodeToString(name[:]), time.Now()
		return tx.PutCustody(w.key, c)
	})
	if err != nil {
		return fmt.Errorf("s5066: reading the record of %s: %w", w.p.c.Peer, err)
	}
	o.session = c.OutID
	all, err := w.p.queue.List()
	if err != nil {
		return fmt.Errorf("s5066: reading the queue of %s: %w", w.p.c.Peer, err)
	}
	for _, e := range all {
		switch e.Session {
		case "":
		case o.session, o.stamped():
			f := w.flight(e)
			f.failed, f.sent = true, true
			o.flights = append(o.flights, f)
		}
	}
	slices.SortFunc(o.flights, func(a, b *rcopFlight) int { return int(int32(a.seq - b.seq)) })
	return nil
}

func (w *rcopMapping) flight(e store.Entry) *rcopFlight {
	e = w.p.sieve.Dress(w.p.c.Peer, w.p.link.Name, e)
	f := &rcopFlight{seq: e.Seq, entry: e, text: e.Stanza, sender: sender(e)}
	if e.Session == w.out.stamped() {
		f.text = links.Stamped(e, e.Queued.Add(time.Hour))
	}
	return f
}

// sender is whose stanzas stay in order: the bare JID.
func sender(e store.Entry) string {
	bare, _, _ := strings.Cut(e.From, "/")
	return bare
}

// due tells whether there is something to send.
func (w *rcopMapping) due() bool {
	w.turn.Lock()
	defer w.turn.Unlock()
	now := time.Now()
	w.digest(now)
	w.publish()
	if !w.carry() || now.Before(w.out.until) || len(w.out.tickets) >= rcopAloft {
		return false
	}
	if w.going() != nil {
		return true
	}
	_, ok, err := w.fresh()
	if err != nil {
		w.stall(err)
	}
	return ok
}

// passes tells whether an entry may go before another of its sender, which is under way: a more urgent message to a person may.
func passes(e, other store.Entry) bool {
	return e.Kind == store.KindChat && e.Class < store.ClassRoutine && e.Class < other.Class
}

// going is the most urgent stanza with a number of which there is something to send, and the first of those.
func (w *rcopMapping) going() (best *rcopFlight) {
	for _, f := range w.out.flights {
		more := f.segments != nil && !f.failed && f.next < len(f.segments) || f.failed && f.aloft == 0 && !w.blocked(f)
		if more && (best == nil || w.priority(f.entry) > w.priority(best.entry)) {
			best = f
		}
	}
	return best
}

func (w *rcopMapping) priority(e store.Entry) uint8 { return w.p.link.priority(e) }

// blocked tells whether one of the same sender goes before it. That can be after a restart, when senders are told apart otherwise than before.
func (w *rcopMapping) blocked(f *rcopFlight) bool {
	for _, g := range w.out.flights {
		if g == f {
			return false
		}
		if g.sender == f.sender && !passes(f.entry, g.entry) {
			return true
		}
	}
	return false
}

// fresh is an entry of the queue that may have the next number.
func (w *rcopMapping) fresh() (store.Entry, bool, error) {
	o := &w.out
	if len(o.flights) >= rcopWindow {
		return store.Entry{}, false, nil
	}
	for _, f := range o.flights {
		for _, g := range o.flights {
			if int32(f.seq-g.seq) >= rcopSpan {
				return store.Entry{}, false, nil
			}
		}
	}
	entries, err := w.p.pick(rcopLook, 256<<10, false)
	if err != nil {
		return store.Entry{}, false, fmt.Errorf("s5066: reading the queue of %s: %w", w.p.c.Peer, err)
	}
	now := time.Now()
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool {
		return !e.Expires.IsZero() && !e.Expires.After(now) // its sender is about to be told
	})
	if entries, err = w.p.sieve.Sift(w.p.c.Peer, w.p.link.Name, now, entries); err != nil {
		return store.Entry{}, false, err
	}
	for _, e := range entries {
		if !slices.ContainsFunc(o.flights, func(f *rcopFlight) bool { return f.sender == sender(e) && !passes(e, f.entry) }) {
			return e, true, nil
		}
	}
	return store.Entry{}, false, nil
}

// number gives an entry its number, on flash, before the first byte of it is sent.
func (w *rcopMapping) number(e store.Entry, now time.Time) (*rcopFlight, error) {
	session := w.out.session
	if late := links.Stamped(e, now); len(late) != len(e.Stanza) {
		session = w.out.stamped()
	}
	err := w.p.db.Update(func(tx *store.Tx) error {
		c, err := tx.Custody(w.key)
		if err != nil {
			return err
		}
		c.Sent++
		c.Changed = now
		if err := w.p.queue.Number(tx, session, c.Sent, []uint64{e.ID}); err != nil {
			return err
		}
		e.Session, e.Seq = session, c.Sent
		return tx.PutCustody(w.key, c)
	})
	if err != nil {
		return nil, err
	}
	f := w.flight(e)
	w.out.flights = append(w.out.flights, f)
	return f, nil
}

// stall waits a little after a fault of the store.
func (w *rcopMapping) stall(err error) {
	w.p.log.Error("nothing can be sent", "err", err)
	w.out.until = time.Now().Add(10 * time.Second)
}

// compose makes the next U_PDU, or nil. It is called when the server takes it.
func (w *rcopMapping) compose(mtu int) *upload {
	w.turn.Lock()
	defer w.turn.Unlock()
	defer w.publish()
	now := time.Now()
	w.digest(now)
	if !w.carry() || now.Before(w.out.until) || len(w.out.tickets) >= rcopAloft {
		return nil
	}
	for range 8 {
		f := w.going()
		e, ok, err := w.fresh()
		if err == nil && !ok && f == nil {
			return nil
		}
		if err != nil || ok && (f == nil || w.priority(e) > w.priority(f.entry)) {
			if err == nil {
				f, err = w.number(e, now)
			}
			if errors.Is(err, store.ErrNotFound) {
				continue // it was cancelled, or has expired, meanwhile
			}
			if err != nil {
				w.stall(err)
				return nil
			}
		}
		if f.failed || f.segments == nil {
			there, err := w.ready(f, mtu)
			if err != nil {
				w.stall(err)
				return nil
			}
			if !there {
				continue
			}
		}
		return w.upload(f, now)
	}
	return nil
}

// ready cuts a stanza for its next try. False means that it has left the queue meanwhile.
func (w *rcopMapping) ready(f *rcopFlight, mtu int) (bool, error) {
	if f.failed {
		sent, err := w.p.queue.Unconfirmed(f.entry.Session)
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(sent, func(e store.Entry) bool { return e.ID == f.entry.ID }) {
			w.remove(f)
			return false, nil
		}
	}
	if w.out.cut > 0 {
		mtu = min(mtu, w.out.cut)
	}
	// XEP-0365 (v0.2.1) §4: one stanza, one PDU.
	segments, err := rcop.Segments(rcop.Header{Connection: w.p.c.ConnectionID, ID: uint8(f.seq), Application: w.p.c.AppID}, f.text, mtu, rcop.Ed3)
	if err != nil {
		return false, err
	}
	if f.sent && f.cut != mtu && (len(segments) > 1 || f.parts > 1) {
		// Choice: what is cut otherwise (or may be: how it was before a restart is not known) gets another number, and with it another id. Segments
		// of the try before may still come, and could not be told apart. The receiver knows the stanza by its own id.
		if err := w.renumber(f); err != nil {
			return false, err
		}
		for _, b := range segments {
			b[1] = uint8(f.seq)
		}
	}
	f.segments, f.next, f.failed, f.at = segments, 0, false, time.Time{}
	f.cut, f.parts = mtu, len(segments)
	return true, nil
}

// renumber gives a stanza the next number. It stays where it is in the order.
func (w *rcopMapping) renumber(f *rcopFlight) error {
	e := f.entry
	err := w.p.db.Update(func(tx *store.Tx) error {
		c, err := tx.Custody(w.key)
		if err != nil {
			return err
		}
		c.Sent++
		if err := w.p.queue.Number(tx, e.Session, c.Sent, []uint64{e.ID}); err != nil {
			return err
		}
		f.seq = c.Sent
		return tx.PutCustody(w.key, c)
	})
	f.entry.Seq = f.seq
	return err
}

// upload is the next segment of f.
func (w *rcopMapping) upload(f *rcopFlight, now time.Time) *upload {
	mode := sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.ClientConfirmation} // in order
	if w.p.c.Confirm == ConfirmNode {
		mode.Confirmation = sis.NodeConfirmation
	}
	ttl := w.p.link.TTL
	if e := f.entry.Expires; !e.IsZero() {
		ttl = max(min(ttl, e.Sub(now)), 2*time.Second)
	}
	b := f.segments[f.next]
	w.out.leaving, f.size = f, len(b)
	return &upload{updu: b, mode: mode, priority: w.priority(f.entry), ttl: ttl, sent: func(t sis.Ticket, at time.Time) {
		w.turn.Lock()
		defer w.turn.Unlock()
		defer w.publish()
		o := &w.out
		o.leaving = nil
		o.frames++
		o.tickets[t] = f
		f.aloft++
		if f.next++; f.next == 1 {
			f.at = at
			w.account(f)
		}
		w.p.meter.Add(func(c *meter.Counts) { c.Out.Wire += uint64(len(b)); c.Out.Flushes++ })
	}}
}

// account counts a stanza that begins to go out.
func (w *rcopMapping) account(f *rcopFlight) {
	wire := 0
	for _, s := range f.segments {
		wire += len(s)
	}
	again := f.sent
	f.sent = true
	w.p.meter.Add(func(c *meter.Counts) {
		c.Out.Stanzas++
		c.Out.Raw += uint64(len(f.text))
		if again {
			c.Out.Repeated++
		}
	})
	e := links.Event{Kind: links.EventSent, Again: again, Batch: 1, Folded: len(f.text), Compressed: len(f.text)}.Of(f.entry)
	e.Seq, e.Wire, e.Air = f.seq, wire, w.p.line(0, len(w.out.tickets) > 1).Air(wire)
	w.p.event(e)
}

// notSent: the request did not get to the server.
func (w *rcopMapping) notSent(err error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	f := w.out.leaving
	if f == nil {
		return
	}
	w.out.leaving = nil
	f.failed = true
	switch {
	case errors.Is(err, errNotSent):
	case errors.Is(err, sis.ErrTooLong):
		w.rejected(f, sis.RejectTooLong, time.Now())
	default:
		w.p.log.Error("request is wrong", "err", err)
		w.rejected(f, sis.RejectNoMode, time.Now())
	}
}

// digest acts on the fates that came. The caller holds turn.
func (w *rcopMapping) digest(now time.Time) {
	w.mu.Lock()
	notes := w.notes
	w.notes = nil
	w.mu.Unlock()
	for _, n := range notes {
		f := w.out.tickets[n.ticket]
		if f == nil {
			continue
		}
		delete(w.out.tickets, n.ticket)
		f.aloft--
		switch n.fate.kind {
		case confirmed:
			w.out.relent()
			if !f.failed && f.aloft == 0 && f.next == len(f.segments) {
				f.delivered = true
				w.out.rtt = now.Sub(f.at)
				w.finish(f)
			}
		case rejected:
			f.failed = true
			w.rejected(f, n.fate.reason, now)
		case unanswered:
			f.failed = true
			w.rejected(f, sis.RejectNoResponse, now)
		case lost:
			f.failed = true
		}
	}
}

// finish takes a delivered stanza out of the queue.
func (w *rcopMapping) finish(f *rcopFlight) {
	err := w.p.db.Update(func(tx *store.Tx) error {
		_, err := w.p.queue.DoneAs(tx, store.Because{State: store.FateAtPeer}, f.entry.ID)
		return err
	})
	if err != nil {
		w.p.log.Error("delivery not stored", "err", err) // tidy tries again
		return
	}
	w.p.way.Confirmed(time.Now())
	w.remove(f)
	w.p.event(links.Event{Kind: links.EventConfirmed}.Of(f.entry))
}

func (w *rcopMapping) remove(f *rcopFlight) {
	w.out.flights = slices.DeleteFunc(w.out.flights, func(g *rcopFlight) bool { return g == f })
}

// rejected backs off, each reason in its way. S5066 A, S_UNIDATA_REQUEST_REJECTED.
func (w *rcopMapping) rejected(f *rcopFlight, why sis.RejectReason, now time.Time) {
	o := &w.out
	w.p.log.Info("U_PDU not delivered", "reason", why, "size", f.size, "number", f.seq)
	w.p.event(links.Event{Kind: links.EventRejected, Reason: why.String(), Wire: f.size}.Of(f.entry))
	o.until = now.Add(w.p.radio(o.rejected(why, f.size)))
}

// tidy finishes what could not be stored, and makes numbered entries unsent whose time is over, so that their senders are told.
func (w *rcopMapping) tidy() {
	now := time.Now()
	for _, f := range slices.Clone(w.out.flights) {
		switch {
		case f.delivered:
			w.finish(f)
		case f.failed && f.aloft == 0 && f != w.out.leaving && !f.entry.Expires.IsZero() && !f.entry.Expires.After(now):
			if err := w.release(f); err != nil {
				w.p.log.Error("expired stanza not released", "err", err)
			}
		}
	}
}

// release makes a stanza unsent.
func (w *rcopMapping) release(f *rcopFlight) error {
	const released = "released" // no name of ours
	err := w.p.db.Update(func(tx *store.Tx) error {
		if err := w.p.queue.Number(tx, released, 1, []uint64{f.entry.ID}); err != nil {
			return err
		}
		return w.p.queue.Requeue(tx, released)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	w.remove(f)
	return nil
}
