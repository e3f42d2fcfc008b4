package links

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"longwire/links/custody"
	"longwire/links/meter"
	"longwire/store"
)

// Who owns what, and the way of a stanza:
//
//	                 store.Queue                                   node: one transaction of mark + effects
//	                     | Next (class, then age)                              ^            | done, in order
//	 Wake -> Pump.Run ---+--> wakes the contact that carries                   |            v
//	                     v                                                   Inbound     Book.Marked
//	  contact.send   compose: announce, Number (commit), stamp                 ^            | owed acks wake the sender
//	   (goroutine)       | one batch, one flush                                | mark check | window of 256
//	                     v                                                     |            |
//	                 Session.Send ---------------- the link ---------------- Session.Recv   contact.receive (goroutine)
//	                                                                           |
//	                 queue entry gone <- Book.Confirm (commit) <- Ack, Resume, Resumed
//
//	Pump.Run        owns the contacts: one goroutine opens (with back-off), one accepts, one passes wake-ups on.
//	contact.send    one for each contact: owns the write side of the Session, all timers of the contact.
//	contact.receive one for each contact: owns the read side; ends when the Session does.
//	Pump.turn       is the desk's: held while custody changes, by send from Next to Number, by receive for each word. Not while anything waits for the link.
//	Book.Handing    is held from a stanza's number to the end of Inbound, so that two contacts cannot swap stanzas.
//	Book.mu, k.mu   guard fields; nothing waits under them. Order: turn, then k.mu or Book.mu; k.mu, then Pump.mu.
//
// A peer may have two contacts, one opened by each side (XEP-0361: both stay, each side sends on the one it opened). carries
// tells which one takes our stanzas; what was sent on another and is not confirmed is sent there again, and known by its number.
type Pump struct {
	c     Config
	link  Link
	env   Env
	queue *store.Queue
	log   *slog.Logger
	books [2]*custody.Book // accepted, opened; the same one when both ends keep one numbering for all contacts

	desk  *custody.Desk // of all links of the peer
	user  *custody.User // what we are to it,
	leave func(...any)  // until this is called
	turn  *sync.Mutex   // the desk's

	carrier *contact  // who carried our stanzas last; under turn
	yield   time.Time // since when another link waits for us; under turn

	mu       sync.Mutex // guards what follows
	contacts []*contact
	status   Status
	srtt     time.Duration
	srttAt   time.Time     // when it was measured last
	change   chan struct{} // closed and replaced when the contacts change
	stopping bool
	tasks    sync.WaitGroup
}

// Env is what a Pump works with. Trace, Meter and Log may be nil.
type Env struct {
	DB    *store.DB
	In    Inbound
	Sieve Sieve
	Desk  *custody.Desk // of the peer; nil: no other link reaches it
	Way   Way           // nil: this link carries everything
	Trace func(Event)
	Meter *meter.Meter
	Log   *slog.Logger
}

// NewPump makes the pump of one link to one peer. Run drives it.
func NewPump(c Config, link Link, env Env) *Pump {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Meter == nil {
		env.Meter = new(meter.Meter)
	}
	if env.Trace == nil {
		env.Trace = func(Event) {}
	}
	if env.Desk == nil {
		env.Desk = custody.NewDesks(env.DB).Desk(c.Peer)
	}
	if env.Way == nil {
		env.Way = Alone{}
	}
	c = c.orDefault()
	p := &Pump{c: c, desk: env.Desk, turn: &env.Desk.Turn, link: link, env: env, queue: env.DB.Queue(c.Peer), log: env.Log.With("link", c.Link, "peer", c.Peer),
		change: make(chan struct{})}
	name, keys := c.numbering()
	p.user = &custody.User{Numbering: name, Keys: keys[:], Yield: p.yields}
	p.leave = p.desk.Use(p.user)
	p.status = Status{State: Down, Since: time.Now()}
	if !c.Dial {
		p.status.State = Listening
	}
	return p
}

// Run carries stanzas until ctx is done. Then it says goodbye, for a few seconds at most, and nothing of it is left when it returns. The error is
// that of the store.
func (p *Pump) Run(ctx context.Context) error {
	defer p.leave(p)
	if err := p.open(); err != nil {
		return err
	}
	p.tell()
	defer p.desk.Listen(p, p.pressed)()
	var loops sync.WaitGroup
	loops.Go(func() { p.accept(ctx) })
	loops.Go(func() { p.pass(ctx) })
	if p.c.Dial {
		loops.Go(func() { p.dial(ctx) })
	}
	<-ctx.Done()
	p.mu.Lock()
	p.stopping = true
	left := slices.Clone(p.contacts)
	p.mu.Unlock()
	for _, k := range left {
		k.leave()
	}
	loops.Wait()
	p.tasks.Wait()
	for _, b := range p.books {
		b.Drain()
	}
	p.env.Way.Report(Report{Fault: "closed here"})
	return nil
}

// numbering is what our stanzas are numbered in, and the keys of its records.
func (c Config) numbering() (name string, keys [2]string) {
	if c.ZeroRTT {
		return c.Peer, [2]string{c.Peer, c.Peer}
	}
	// XEP-0198 §5: a session has an initiating entity, and each has numbers of its own.
	return c.Link + " to " + c.Peer, [2]string{c.Peer + "/in", c.Peer + "/out"}
}

// open reads the books.
func (p *Pump) open() (err error) {
	_, keys := p.c.numbering()
	for i, key := range keys {
		if p.books[i], err = p.desk.Book(key); err != nil {
			return err
		}
	}
	return nil
}

// pass hands wake-ups of the queue on, and looks after what is numbered while nobody else does.
func (p *Pump) pass(ctx context.Context) {
	wake, stop := p.queue.Watch()
	defer stop()
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	changed := p.env.Way.Changed()
	p.wakeAll()
	for {
		select {
		case <-wake:
			p.wakeAll()
		case <-changed:
			changed = p.env.Way.Changed() // first, so that no change is missed between
			p.wakeAll()
		case <-t.C:
			if err := p.release(time.Now()); err != nil {
				p.log.Error("expired stanzas not released", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// release makes numbered entries unsent whose time is over while there is no contact, so that their senders are told. Whether the peer has taken one is
// not known; its number is filled when the stream is resumed.
func (p *Pump) release(now time.Time) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	alone := len(p.contacts) == 0
	p.mu.Unlock()
	if !alone || !p.holds() || p.queue.Stats().Sent == 0 {
		return nil
	}
	for _, b := range p.books {
		id := b.State().OutID
		if id == "" {
			continue
		}
		entries, err := p.queue.Unconfirmed(id)
		if err != nil {
			return err
		}
		var over []uint64
		for _, e := range entries {
			if !e.Expires.IsZero() && e.Expires.Before(now) {
				over = append(over, e.ID)
			}
		}
		if len(over) == 0 {
			continue
		}
		const released = "released" // longer than any name of ours
		err = p.env.DB.Update(func(tx *store.Tx) error {
			if err := p.queue.Number(tx, released, 1, over); err != nil {
				return err
			}
			return p.queue.Requeue(tx, released)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wakeAll makes every sender look, and the dialler.
func (p *Pump) wakeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.contacts {
		k.wake()
	}
	p.changedLocked()
}

func (p *Pump) changedLocked() {
	close(p.change)
	p.change = make(chan struct{})
}

// begin makes a contact of a session; nil when the pump is stopping.
func (p *Pump) begin(s Session, opened bool) *contact {
	now := time.Now()
	k := &contact{p: p, s: s, opened: opened, since: now, kick: make(chan struct{}, 1), over: make(chan struct{}),
		plainFlight: make(chan struct{}, custody.MaxInFlight), heard: now, lastAny: now}
	k.book = p.books[0]
	if opened {
		k.book = p.books[1]
	}
	p.mu.Lock()
	if p.stopping {
		p.mu.Unlock()
		s.Close(nil)
		return nil
	}
	var replaced []*contact
	for _, o := range p.contacts {
		if o.opened == opened {
			replaced = append(replaced, o)
		}
	}
	p.contacts = append(p.contacts, k)
	p.status = Status{State: Up, Since: now, RTT: p.srtt, Remote: s.String()}
	p.changedLocked()
	p.tasks.Add(1)
	p.mu.Unlock()
	p.tell()
	for _, o := range replaced {
		o.fail(replacedError()) // the peer has lost it, or it would not have come again
	}
	p.env.Meter.Add(func(c *meter.Counts) { c.Contacts++ })
	p.env.Trace(Event{Kind: EventUp, At: now, Link: p.c.Link, Peer: p.c.Peer, Remote: s.String()})
	p.log.Info("contact", "remote", s, "opened", opened)
	go func() {
		defer p.tasks.Done()
		k.run()
		p.gone(k)
	}()
	return k
}

// gone takes a contact off the list.
func (p *Pump) gone(k *contact) {
	why := reason(k.cause())
	lasted := time.Since(k.since)
	p.mu.Lock()
	p.contacts = slices.DeleteFunc(p.contacts, func(o *contact) bool { return o == k })
	if len(p.contacts) == 0 {
		state := Down
		if !p.c.Dial {
			state = Listening
		}
		p.status = Status{State: state, Since: time.Now(), RTT: p.srtt, Fault: why}
	}
	for _, o := range p.contacts {
		o.wake()
	}
	p.changedLocked()
	p.mu.Unlock()
	p.tell()
	p.env.Meter.Ended(why, lasted)
	p.env.Trace(Event{Kind: EventDown, At: time.Now(), Link: p.c.Link, Peer: p.c.Peer, Remote: k.s.String(), Reason: why, Heard: k.spoken.Load()})
	p.log.Info("contact ended", "remote", k.s, "after", lasted.Round(time.Second/10), "reason", why)
}

// carries tells whether k is the contact that takes our stanzas, if the link may: the one we opened, else the newest.
// XEP-0361 §4.6: when both sides opened one, each sends on its own.
func (p *Pump) carries(k *contact) bool {
	if p.env.Way.May().None() || p.env.Way.Silent() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *contact
	for _, o := range p.contacts {
		if best == nil || !best.opened || o.opened {
			best = o
		}
	}
	return best == k
}

// alive tells whether another contact than k uses the book.
func (p *Pump) alive(b *custody.Book) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.contacts, func(o *contact) bool { return o.book == b })
}

// dropOthers ends the contacts that speak of a numbering which k has just ended.
func (p *Pump) dropOthers(k *contact) {
	p.mu.Lock()
	others := slices.Clone(p.contacts)
	p.mu.Unlock()
	for _, o := range others {
		if o != k && o.book == k.book && o.out != silent {
			o.fail(errRenumbered)
		}
	}
}

// failAll ends all contacts that take stanzas into the book.
func (p *Pump) failAll(b *custody.Book, err error) {
	p.mu.Lock()
	all := slices.Clone(p.contacts)
	p.mu.Unlock()
	for _, k := range all {
		if k.book == b {
			k.fail(err)
		}
	}
}

func (p *Pump) rtt() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.srtt
}

// measured takes a round trip in: RFC 6298 §2, with the smoothed value only.
func (p *Pump) measured(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.srtt == 0 {
		p.srtt = d
	} else {
		p.srtt += (d - p.srtt) / 8
	}
	p.status.RTT, p.srttAt = p.srtt, time.Now()
}

func (p *Pump) measuredAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.srttAt
}
