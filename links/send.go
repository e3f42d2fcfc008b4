package links

import (
	"errors"
	"sync"
	"time"

	"longwire/links/meter"
	"longwire/store"
)

const (
	byeWait     = 5 * time.Second        // for the peer's goodbye
	firstWords  = 2 * time.Second        // an acceptor that has only repeats to send gives the opener this much time to tell what it took
	lazyAnswer  = 20 * time.Second       // an answer that nobody waits for may wait for something to go with
	enableGrace = 60 * time.Second       // beside two round trips, for Enabled
	drainPoll   = 250 * time.Millisecond // between looks at what the transport has delivered
)

// run is the life of a contact.
func (k *contact) run() {
	var parts sync.WaitGroup
	parts.Go(func() {
		<-k.over
		why := k.cause()
		if k.p.env.Way.Silent() {
			why = nil // no last words
		}
		k.s.Close(why)
	})
	if err := k.prepare(); err != nil {
		k.fail(err)
	}
	parts.Go(func() { k.fail(k.receive()) })
	k.fail(k.send())
	parts.Wait()
}

// prepare sets a contact up whose stream management has no words.
func (k *contact) prepare() error {
	if k.p.c.Management == Pipelined {
		return nil
	}
	k.p.turn.Lock()
	defer k.p.turn.Unlock()
	err := k.book.Update(func(tx *store.Tx, c *store.Custody) error {
		c.InID, c.Mark = "", 0
		return k.book.Restart(tx, c)
	})
	if err != nil {
		return err
	}
	k.book.Restarted()
	if err := k.book.Settle(); err != nil {
		return err
	}
	k.book.Tell(0)
	k.out, k.plain = answered, k.p.c.Management == Off
	k.mu.Lock()
	k.outID = k.book.State().OutID
	k.mu.Unlock()
	if !k.plain {
		k.comes(0)
	}
	return nil
}

// leave makes the sender say goodbye.
func (k *contact) leave() {
	k.mu.Lock()
	k.leaving = true
	k.mu.Unlock()
	k.wake()
}

// send is the sender: it owns the write side.
func (k *contact) send() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-k.over:
			return nil
		case <-k.kick:
			k.gather()
		case <-timer.C:
		}
		for {
			now := time.Now()
			batch, sent, err := k.compose(now)
			if err != nil {
				return err
			}
			if len(batch) > 0 {
				cost, err := k.s.Send(batch)
				k.account(batch, sent, cost)
				if err != nil {
					return err
				}
			}
			if len(batch) > 0 && batch[len(batch)-1].Kind == Bye {
				return k.close()
			}
			if len(sent) == 0 {
				break
			}
		}
		wait, err := k.tick(time.Now())
		if err != nil {
			return err
		}
		timer.Reset(wait)
	}
}

// gather gives what comes together the time to go together: a twentieth of the round trip, which nobody notices, and at most 50 ms. Each flush
// that is spared saves more than the stanzas' own compression would.
func (k *contact) gather() {
	const most = 50 * time.Millisecond
	wait := min(k.p.rtt()/20, most)
	if wait < time.Millisecond || k.p.unsent() == 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-k.over:
	}
}

// close waits for the peer's goodbye after ours.
func (k *contact) close() error {
	t := time.NewTimer(byeWait)
	defer t.Stop()
	for !k.peerSaidBye() {
		select {
		case <-k.kick:
		case <-k.over:
			return nil
		case <-t.C:
			return k.parting()
		}
	}
	return k.parting()
}

// parting is why we said goodbye.
func (k *contact) parting() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.leaving:
		return errBye
	case k.p.isStopping():
		return errStopped
	}
	return errIdle
}

func (p *Pump) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

// compose makes the next batch, empty when there is nothing to send yet. sent are the entries in it. Words come before stanzas: answers, our announcement,
// what we took, then the stanzas, then the question.
func (k *contact) compose(now time.Time) (batch []Piece, sent []store.Entry, err error) {
	k.p.turn.Lock()
	defer k.p.turn.Unlock()
	k.mu.Lock()
	bye := k.leaving || k.goodbye
	k.mu.Unlock()
	k.catchUp()
	if k.p.env.Way.Silent() {
		if bye {
			return nil, nil, errQuiet
		}
		k.keepQuiet()
		return nil, nil, nil
	}
	if bye {
		k.book.Drain() // so that the last ack covers all that came
	}

	if !bye && k.p.carries(k) {
		if batch, sent, err = k.composeData(now); err != nil {
			return nil, nil, err
		}
	}
	batch = k.withWords(batch, now, len(sent) > 0 || bye)
	for _, e := range sent {
		batch = append(batch, Piece{Kind: Stanza, Seq: e.Seq, Data: Stamped(e, now)})
	}
	if bye {
		return append(batch, Piece{Kind: Bye}), nil, nil
	}
	if k.leaves(batch, now) {
		batch = append(batch, Piece{Kind: Request})
	}
	return batch, sent, nil
}

// composeData makes the part of a batch that only the contact has that carries our stanzas.
func (k *contact) composeData(now time.Time) (batch []Piece, sent []store.Entry, err error) {
	ok, err := k.takeOver()
	k.mu.Lock()
	k.waits = !ok
	k.mu.Unlock()
	if !ok || err != nil {
		return nil, nil, err
	}
	announcement, err := k.announce(now)
	if err != nil {
		return nil, nil, err
	}
	if announcement != nil {
		batch = append(batch, *announcement)
	}
	if k.out == announced || k.out == answered {
		sent, err = k.next()
	}
	return batch, sent, err
}

// leaves notes the stanzas of the batch as under way, and tells whether a Request goes with them: XEP-0198 §4 leaves that to us. It is only asked
// while something is not confirmed. All is noted before the batch is sent, as the answer may be here before Send returns.
func (k *contact) leaves(batch []Piece, now time.Time) (ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	stanzas := false
	for _, b := range batch {
		if b.Kind == Stanza {
			k.flight = append(k.flight, inFlight{b.Seq, len(b.Data), now})
			k.size += len(b.Data)
			k.unasked++
			k.lastOut, k.lastAny, stanzas = now, now, true
		}
	}
	if len(k.flight) == 0 || !k.mayAskLocked() {
		return false
	}
	filling := len(k.flight) >= windowStanzas/2 || k.size >= windowBytes/2
	if k.unasked >= k.askEvery() || filling && k.unasked > 0 || !stanzas && !now.Before(later(k.lastOut, k.lastAsk).Add(k.askIdle())) || !now.Before(k.askBeforeLocked()) ||
		stanzas && k.out == answered && now.Sub(k.p.measuredAt()) >= measureEvery {
		k.asked, k.lastAsk, k.askedSeq, k.unasked = now, now, k.flight[len(k.flight)-1].seq, 0
		return true
	}
	return false
}

// withWords puts what is to be answered in front, and the ack, if they are due or may ride with something.
func (k *contact) withWords(batch []Piece, now time.Time, ride bool) []Piece {
	k.mu.Lock()
	defer k.mu.Unlock()
	ride = ride || len(batch) > 0
	busy := k.book.Busy()
	question := k.question && !busy // an answer that covers what is being committed is worth the wait
	due := k.urgent || question || k.owed >= k.p.c.AckEvery || k.owed > 0 && !now.Before(k.owedAt.Add(k.p.c.AckIdle)) ||
		len(k.answers) > 0 && !now.Before(k.owedAt.Add(min(lazyAnswer, k.p.c.AckIdle)))
	if !ride && !due {
		return batch
	}
	mark := k.book.State().Mark
	told := false
	for i := range k.answers {
		if k.answers[i].Kind == Resumed {
			k.answers[i].H = mark // it may have risen while the answer waited
			told = true
		}
	}
	for _, b := range batch {
		told = told || b.Kind == Resume
	}
	words := append(k.answers, batch...)
	if (k.owed > 0 || question || k.book.Untold()) && !told && k.in && !k.ignore {
		words = append(words, Piece{Kind: Ack, H: mark})
		told = true
	}
	if told {
		k.book.Tell(mark)
	}
	k.answers, k.owed, k.urgent, k.question = nil, 0, false, k.question && busy
	return words
}

// next are the entries to send now: first those to be repeated, then new ones, which are numbered on flash before they are returned.
func (k *contact) next() ([]store.Entry, error) {
	k.repeats = 0
	if k.full() {
		return nil, nil
	}
	lim := k.s.Limits()
	var out []store.Entry
	for len(k.again) > 0 && lim.Stanzas > 0 && (len(out) == 0 || len(k.again[0].Stanza) <= lim.Bytes) {
		lim.Stanzas--
		lim.Bytes -= len(k.again[0].Stanza)
		out = append(out, k.again[0])
		k.again = k.again[1:]
	}
	if k.repeats = len(out); len(k.again) > 0 || k.repeats > 0 && lim.Bytes <= 0 {
		return out, nil
	}
	for range 256 { // whoever sifts may leave in the queue what it drops, when the peer is about to go
		entries, err := k.p.pick(lim)
		if err != nil || len(entries) == 0 {
			return out, err
		}
		if entries, err = k.p.env.Sieve.Sift(k.p.c.Peer, k.p.c.Link, time.Now(), entries); err != nil {
			return out, err
		}
		if len(entries) == 0 {
			continue
		}
		err = k.book.Number(entries)
		if errors.Is(err, store.ErrNotFound) {
			continue // one was cancelled, or has expired, meanwhile
		}
		return append(out, entries...), err
	}
	return out, nil
}

func (k *contact) mayAskLocked() bool {
	return k.asked.IsZero() && !k.plain && (k.out == answered || k.out == announced && k.p.c.ZeroRTT)
}

// askEvery is the number of stanzas after which the peer is asked. A Longwire node tells by itself.
func (k *contact) askEvery() int {
	if k.p.c.ZeroRTT {
		return 2 * k.p.c.AckEvery
	}
	return k.p.c.AckEvery
}

// measureEvery is how old the measure of the round trip may get while there is traffic that a question can ride with.
const measureEvery = 10 * time.Minute

// askIdle is the time after which a lone stanza is asked after. A Longwire node tells by itself after AckIdle; asking at the same moment would cost
// another packet.
func (k *contact) askIdle() time.Duration {
	if k.p.c.ZeroRTT {
		return k.p.c.AckIdle + k.p.c.AckIdle/2 + k.p.rtt()
	}
	return k.p.c.AckIdle
}

// askBeforeLocked is when to ask so that the link is not left for another because the peer is in no hurry to confirm. The flight is not empty.
func (k *contact) askBeforeLocked() time.Time {
	left := k.p.env.Way.Alternatives()
	if left == 0 {
		return k.since.Add(1 << 62) // centuries
	}
	return later(k.flight[0].at, k.lastAsk).Add(left / 4)
}

// account books what was sent.
func (k *contact) account(batch []Piece, sent []store.Entry, cost Cost) {
	now := time.Now()
	total := 0
	for _, b := range batch {
		if b.Kind == Stanza {
			total += len(b.Data)
		}
	}
	air := k.p.line().Air(cost.Wire)
	i := 0
	for _, b := range batch {
		if b.Kind != Stanza {
			continue
		}
		e := sent[i]
		i++
		if e.ID != 0 {
			size, all := len(b.Data), max(total, 1)
			k.p.env.Trace(Event{Kind: EventSent, At: now, Link: k.p.c.Link, Peer: k.p.c.Peer, Again: i <= k.repeats, Batch: len(sent), Folded: size,
				Compressed: cost.Compressed * size / all, Wire: cost.Wire * size / all, Air: air * time.Duration(size) / time.Duration(all)}.Of(e))
		}
	}
	k.p.env.Meter.Add(func(c *meter.Counts) {
		c.Out.Stanzas += uint64(len(sent))
		c.Out.Repeated += uint64(k.repeats)
		c.Out.Raw += uint64(cost.Raw)
		c.Out.Wire += uint64(cost.Wire)
		c.Out.Flushes++
	})
}

// line is what the link is known to carry. A segment of TCP over IPv4 has 40 bytes of headers.
func (p *Pump) line() meter.Line { return meter.Line{Nominal: p.c.Rate, Packet: 40, Payload: 1400} }
