package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig/wire"
)

// window is how many messages a client has on the way to its server, unacked.
const window = 20

// An actor is a client that keeps its account of what it sent and got across any number of connections, as XEP-0198 asks of it: it resumes,
// and when it cannot, it tells the server how much it got and sends again exactly what the server did not take.
type actor struct {
	name    string
	login   wire.Login
	to      string // bare JID of the partner
	partner *actor
	pad     func(number int) string // what makes a body longer; always the same for a message
	rng     *rand.Rand              // of the goroutine in run
	budget  func() int              // how many messages may have been started by now
	report  func(format string, args ...any)

	mu      sync.Mutex // guards all below
	conn    *wire.Conn // nil: not connected
	smID    string
	acked   uint32 // by the server, in the session smID
	handled uint32 // by us, in the session smID
	unacked []letter

	total    int         // messages to send in all
	started  int         // of them, sent at least once
	again    []int       // refused ones, to be sent anew
	serial   int         // of the last letter
	letters  map[int]int // serial → number
	rejected map[int]bool
	accepted int       // acked by a server, in all
	ackedAt  time.Time // the last time, or when there was nothing to ack
	hold     time.Time // no new letters before, after a refusal

	sent    map[int]time.Time // number → when it was first sent
	inbox   map[int]int       // number → how often it came,
	came    map[int]time.Time // and when, first
	last    int               // serial of the newest letter that came
	wake    chan struct{}
	resumed int
	renewed int
	resent  int
	refused int
	lost    int // connections
}

// A letter is one attempt to bring a message. Attempts that follow a refusal get a serial of their own, so that order stays defined.
type letter struct{ serial, number int }

func (a *actor) body(l letter) string {
	return fmt.Sprintf("%d %d %s", l.serial, l.number, a.pad(l.number))
}

// run keeps the actor connected until ctx ends.
func (a *actor) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.session(ctx)
		a.mu.Lock()
		a.lost++
		a.conn = nil
		a.mu.Unlock()
		var fault *protocolError
		if errors.As(err, &fault) {
			a.fault("%v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(10+a.rng.IntN(60)) * time.Millisecond):
		}
	}
}

// A protocolError is something that no cut or kill explains.
type protocolError struct{ text string }

func (e *protocolError) Error() string { return e.text }

// session is one connection from login to its end.
func (a *actor) session(ctx context.Context) error {
	return converse(ctx, a.login, a.attach, a.write, a.read)
}

// converse is one connection from login to its end: attach makes it a session, then write runs beside read until that
// ends, which closes gone.
func converse(ctx context.Context, login wire.Login, attach func(*wire.Conn) error, write func(c *wire.Conn, gone <-chan struct{}), read func(*wire.Conn) error) error {
	c, err := wire.Dial(ctx, login)
	if err != nil {
		return err
	}
	defer c.Abort()
	stop := context.AfterFunc(ctx, c.Abort)
	defer stop()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if err := attach(c); err != nil {
		return err
	}
	c.SetDeadline(time.Time{})
	gone := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { write(c, gone) })
	err = read(c)
	close(gone)
	wg.Wait()
	return err
}

// attach resumes the session or makes a new one, and settles what has to be sent again.
func (a *actor) attach(c *wire.Conn) error {
	a.mu.Lock()
	id, handled := a.smID, a.handled
	a.mu.Unlock()
	if id != "" {
		h, err := c.Resume(id, handled)
		var failed *wire.FailedError
		switch {
		case err == nil:
			return a.resume(c, h)
		case !errors.As(err, &failed):
			return err
		}
		if err := a.settle(failed); err != nil {
			return err
		}
	}
	if err := c.Bind("torture"); err != nil {
		return err
	}
	id, err := c.Enable(true)
	if err != nil {
		return err
	}
	if id == "" {
		return &protocolError{"no resumption granted"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewed++
	a.smID, a.acked, a.handled, a.conn = id, 0, 0, c
	// The session is new, so presence is its first stanza and counts.
	a.unacked = append([]letter{{}}, a.unacked...)
	if err := c.WriteString("<presence/>"); err != nil {
		return err
	}
	return a.sendAgain(c, a.unacked[1:])
}

// resume goes on with the old session: h tells what the server has.
func (a *actor) resume(c *wire.Conn, h uint32) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.ackLocked("<resumed/>", h); err != nil {
		return err
	}
	a.resumed++
	a.conn = c
	return a.sendAgain(c, a.unacked)
}

// settle closes the account of a session that the server no longer has.
func (a *actor) settle(failed *wire.FailedError) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case failed.Known:
		if err := a.ackLocked("<failed/>", failed.H); err != nil {
			return err
		}
	case a.acked > 0:
		return &protocolError{fmt.Sprintf("the server acked %d stanzas and forgot the session: %s", a.acked, failed.Text)}
	}
	// What is left is not in the server's hands. The presence of the old session needs no repetition.
	if len(a.unacked) > 0 && a.unacked[0] == (letter{}) {
		a.unacked = a.unacked[1:]
	}
	for _, l := range a.unacked {
		delete(a.rejected, l.serial) // it goes out again as if nothing had been said
	}
	a.smID = ""
	return nil
}

// sendAgain repeats what the server does not have.
func (a *actor) sendAgain(c *wire.Conn, letters []letter) error {
	var b strings.Builder
	for _, l := range letters {
		if l == (letter{}) {
			b.WriteString("<presence/>")
			continue
		}
		a.resent++
		b.WriteString(a.stanza(l))
	}
	b.WriteString(wire.Request)
	return c.WriteString(b.String())
}

func (a *actor) stanza(l letter) string {
	return "<message to='" + a.to + "' type='chat' id='" + strconv.Itoa(l.serial) + "'><body>" + a.body(l) + "</body></message>"
}

// ackLocked strikes off what the server has.
func (a *actor) ackLocked(where string, h uint32) error {
	n := h - a.acked // modulo 2^32
	switch {
	case n >= 1<<31:
		return &protocolError{fmt.Sprintf("%s goes back from %d to %d", where, a.acked, h)}
	case int(n) > len(a.unacked):
		return &protocolError{fmt.Sprintf("%s counts %d, but %d were sent", where, h, int(a.acked)+len(a.unacked))}
	}
	for _, l := range a.unacked[:n] {
		if a.rejected[l.serial] { // handled, by refusing it
			a.again = append(a.again, l.number)
		}
	}
	a.unacked = a.unacked[n:]
	if n > 0 || len(a.unacked) == 0 {
		a.ackedAt = time.Now()
	}
	a.accepted += int(n)
	a.acked = h
	return nil
}

// write sends letters as the window and the budget allow.
func (a *actor) write(c *wire.Conn, gone <-chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-tick.C:
		case <-a.wake:
		}
		a.mu.Lock()
		text := a.next()
		var err error
		if text != "" {
			c.SetWriteDeadline(time.Now().Add(30 * time.Second))
			err = c.WriteString(text)
		}
		a.mu.Unlock()
		if err != nil {
			c.Abort()
			return
		}
	}
}

// next makes the letters that may go out.
func (a *actor) next() string {
	var b strings.Builder
	now := time.Now()
	if len(a.unacked) == 0 {
		a.ackedAt = now
	}
	for len(a.unacked) < window && !now.Before(a.hold) {
		l := letter{serial: a.serial + 1}
		switch {
		case len(a.again) > 0:
			l.number, a.again = a.again[0], a.again[1:]
		case a.started < a.total && a.started < a.budget():
			a.started++
			l.number = a.started
			a.sent[l.number] = now
		default:
			l.serial = 0
		}
		if l.serial == 0 {
			break
		}
		a.serial, a.letters[l.serial] = l.serial, l.number
		a.unacked = append(a.unacked, l)
		b.WriteString(a.stanza(l))
	}
	if b.Len() > 0 {
		b.WriteString(wire.Request)
	}
	return b.String()
}

// read takes what the server sends until the connection ends.
func (a *actor) read(c *wire.Conn) error {
	for {
		e, err := c.Next()
		if err != nil {
			return err
		}
		a.mu.Lock()
		err = a.take(c, e)
		a.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (a *actor) take(c *wire.Conn, e wire.Element) error {
	switch e.Name {
	case "r":
		return c.WriteString(wire.Ack(a.handled))
	case "a":
		h, err := wire.H(e.Raw)
		if err != nil {
			return err
		}
		select {
		case a.wake <- struct{}{}:
		default:
		}
		return a.ackLocked("<a/>", h)
	case "stream:error":
		// A node that is full, or that is ending, may say so.
		if strings.Contains(string(e.Raw), "handled-count-too-high") || strings.Contains(string(e.Raw), "bad-format") {
			return &protocolError{"stream error: " + string(e.Raw)}
		}
		return wire.ErrStreamEnd
	case "message":
		a.handled++
		a.receive(e.Raw)
	case "presence", "iq":
		a.handled++
	}
	return nil
}

// receive files a letter, or a refusal of one of ours.
func (a *actor) receive(raw []byte) {
	if wire.Attr(raw, "type") == "error" {
		a.bounce(raw)
		return
	}
	var l letter
	text := wire.Text(raw, "body")
	if _, err := fmt.Sscan(text, &l.serial, &l.number); err != nil || text != a.partner.body(l) {
		a.fault("a message that nobody sent: %.200s", raw)
		return
	}
	if a.inbox[l.number]++; a.inbox[l.number] == 1 {
		a.came[l.number] = time.Now()
	}
	if n := a.inbox[l.number]; n > 1 {
		a.fault("message %d (serial %d) came %d times", l.number, l.serial, n)
	}
	if l.serial <= a.last {
		a.fault("serial %d came after %d", l.serial, a.last)
	}
	a.last = max(a.last, l.serial)
	if id := wire.Attr(raw, "id"); id != strconv.Itoa(l.serial) {
		a.fault("serial %d came with id %q", l.serial, id)
	}
}

// bounce notes that a letter came back. If the server's count does not cover it yet, it may still have to go out again as it is, so that it
// becomes a message to send anew only when it does.
func (a *actor) bounce(raw []byte) {
	serial, err := strconv.Atoi(wire.Attr(raw, "id"))
	number, ok := a.letters[serial]
	if err != nil || !ok {
		a.fault("a refusal of what was not sent: %.300s", raw)
		return
	}
	if a.rejected[serial] {
		a.fault("a second refusal of the same message: %.300s", raw)
		return
	}
	a.rejected[serial] = true
	a.refused++
	a.hold = time.Now().Add(300 * time.Millisecond)
	for _, l := range a.unacked {
		if l.serial == serial {
			return
		}
	}
	a.again = append(a.again, number)
}

// fault tells of what must not be.
func (a *actor) fault(format string, args ...any) {
	a.report("%s: %s", a.name, fmt.Sprintf(format, args...))
}

// hangUp cuts the actor's connection.
func (a *actor) hangUp() {
	a.mu.Lock()
	c := a.conn
	a.mu.Unlock()
	if c != nil {
		c.Abort()
	}
}

// received is how many of the partner's messages are here.
func (a *actor) received() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.inbox)
}
