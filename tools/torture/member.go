package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig/wire"
)

// A member is a client in the room at its own node. It behaves as a good client does: it resumes its session if it can (every other one
// does), and else enters without history, asks the archive for what came after the last line that it knows, and says again only those of its
// own lines that are not there.
type member struct {
	name    string // account and nick
	room    string
	login   wire.Login
	rng     *rand.Rand // of the goroutines in run, one after the other
	resumes bool
	replica bool                     // a line whose fate is unknown is not said again
	loose   func(author string) bool // the order of that one's lines is not looked at
	total   int                      // lines to say in all
	budget  func() int               // how many may have been said by now
	report  func(format string, args ...any)
	spoke   chan<- struct{} // gets a word when it says something

	mu     sync.Mutex // guards all below
	conn   *wire.Conn // nil: not connected
	talk   bool       // it may speak
	state  memberState
	since  time.Time // of the state
	crowd  map[string]bool
	hold   time.Time // says nothing before
	absent bool      // is not to be in the room for now
	going  bool      // its farewell was not answered yet

	session // XEP-0198

	started int   // lines said at least once
	waiting []int // of them, those that were not shown to it, in order
	perhaps map[int]bool
	shown   map[int]bool // its own lines that were shown to it

	seen  map[string]*sighting // by body
	ids   map[string]string    // body by the archive's id
	last  string               // the highest id
	order map[string]int       // the last line of each author
	later [][]byte             // live lines that wait for the end of the archive's
	query int                  // of the archive

	entered, resumed, again, paged, refused int
}

type memberState int

const (
	away    memberState = iota
	outside             // connected, absent
	entering
	catching // up with the archive
	inside
)

// A sighting is how a line was seen.
type sighting struct {
	id         string
	live, kept bool
}

// A session is the account of XEP-0198.
type session struct {
	smID           string // "": cannot be resumed
	acked, handled uint32
	unacked        []string
}

func newMember(name, room string) *member {
	m := &member{name: name, room: room, perhaps: map[int]bool{}, shown: map[int]bool{}}
	m.forget()
	return m
}

// forget takes from it all that it has seen, as when its node does not know any more that it showed it.
func (m *member) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen, m.ids, m.order, m.last = map[string]*sighting{}, map[string]string{}, map[string]int{}, ""
	m.later, m.session, m.crowd = nil, session{}, map[string]bool{}
}

// begin lets it speak.
func (m *member) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.talk = true
}

// sees is how many it sees in the room.
func (m *member) sees() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != inside {
		return 0
	}
	return len(m.crowd)
}

// count is how many lines it has seen, and whether it is in the room, has said all and has seen what it said.
func (m *member) count() (n int, quiet bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen), m.state == inside && m.started == m.total && len(m.waiting) == 0
}

func (m *member) refusals() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

// run keeps the member connected until ctx ends.
func (m *member) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.connection(ctx)
		m.mu.Lock()
		m.conn = nil
		if m.smID == "" {
			m.enterState(away)
		}
		m.mu.Unlock()
		var fault *protocolError
		if errors.As(err, &fault) {
			m.report("%s: %v", m.name, err)
		}
		pause(ctx, time.Duration(10+m.rng.IntN(60))*time.Millisecond)
	}
}

func (m *member) enterState(s memberState) { m.state, m.since = s, time.Now() }

// connection is one of them, from login to its end.
func (m *member) connection(ctx context.Context) error {
	return converse(ctx, m.login, m.attach, m.write, m.read)
}

// attach resumes the session, or makes a new one and enters the room.
func (m *member) attach(c *wire.Conn) error {
	m.mu.Lock()
	s := m.session
	m.mu.Unlock()
	if s.smID != "" {
		h, err := c.Resume(s.smID, s.handled)
		var failed *wire.FailedError
		switch {
		case err == nil:
			return m.resume(c, h)
		case !errors.As(err, &failed):
			return err
		}
	}
	if err := c.Bind("torture"); err != nil {
		return err
	}
	s = session{}
	if m.resumes {
		id, err := c.Enable(true)
		if err != nil {
			return err
		}
		s.smID = id
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session, m.conn, m.going = s, c, false
	if m.absent {
		m.enterState(outside)
		return m.send("<presence/>")
	}
	return m.enter()
}

// leave takes it out of the room, until back.
func (m *member) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.absent = true
	if m.conn != nil && m.state == inside {
		m.enterState(outside)
		m.going = true
		m.send("<presence type='unavailable' to='" + m.room + "/" + m.name + "'/>") // a reader will notice if that fails
	}
}

func (m *member) back() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.absent = false
	if m.state == outside && m.conn != nil {
		m.enter()
	}
}

// enter asks for the room, without history.
func (m *member) enter() error {
	m.entered++
	m.enterState(entering)
	m.later, m.crowd = nil, map[string]bool{}
	return m.send("<presence/>", "<presence to='"+m.room+"/"+m.name+"'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>")
}

// resume goes on with the old session: h tells what the server has.
func (m *member) resume(c *wire.Conn, h uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ack(h); err != nil {
		return err
	}
	m.resumed++
	m.conn = c
	if err := c.WriteString(strings.Join(m.unacked, "") + wire.Request); err != nil {
		return err
	}
	if m.state == outside && !m.absent {
		return m.enter()
	}
	return nil
}

// send sends stanzas and keeps them until they are acked.
func (m *member) send(stanzas ...string) error {
	text := strings.Join(stanzas, "")
	if m.smID != "" {
		m.unacked = append(m.unacked, stanzas...)
		text += wire.Request
	}
	m.conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
	return m.conn.WriteString(text)
}

// ack strikes off what the server has.
func (m *member) ack(h uint32) error {
	n := h - m.acked // modulo 2^32
	if int(n) > len(m.unacked) || n >= 1<<31 {
		return &protocolError{fmt.Sprintf("%d stanzas are acked, %d were before, %d wait", h, m.acked, len(m.unacked))}
	}
	m.unacked, m.acked = m.unacked[n:], h
	return nil
}

// write says lines as the budget allows.
func (m *member) write(c *wire.Conn, gone <-chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-tick.C:
		}
		m.mu.Lock()
		err := m.next()
		m.mu.Unlock()
		if err != nil {
			c.Abort()
			return
		}
	}
}

// talking is how many lines may be on their way to the room, unseen.
const talking = 4

// stuck is how long it may take to get into the room.
const stuck = 30 * time.Second

// next says the lines that may be said.
func (m *member) next() error {
	if m.state != inside {
		if m.conn != nil && m.state != outside && time.Since(m.since) > stuck {
			return m.giveUp()
		}
		return nil
	}
	if !m.talk || time.Now().Before(m.hold) {
		return nil
	}
	var out []string
	most := 1 + m.rng.IntN(talking)
	for len(m.waiting) < most && m.started < m.total && m.started < m.budget() {
		m.started++
		m.waiting = append(m.waiting, m.started)
		out = append(out, m.line(m.started))
	}
	if out == nil {
		return nil
	}
	m.hold = time.Now().Add(time.Duration(m.rng.IntN(300)) * time.Millisecond)
	select {
	case m.spoke <- struct{}{}:
	default:
	}
	return m.send(out...)
}

func (m *member) giveUp() error {
	what := "enter the room"
	if m.state == catching {
		what = "read its archive"
	}
	if m.since = time.Now(); !m.replica { // a replica lets nobody in while it is cut off
		m.report("%s: could not %s for %v", m.name, what, stuck)
	}
	m.smID = ""
	return errors.New("stuck")
}

func (m *member) body(n int) string { return fmt.Sprintf("%s %d", m.name, n) }

func (m *member) line(n int) string {
	return fmt.Sprintf("<message to='%s' type='groupchat' id='%s-%d'><body>%s</body></message>", m.room, m.name, n, m.body(n))
}

// hangUp cuts the member's connection, if it would resume.
func (m *member) hangUp() bool {
	m.mu.Lock()
	c := m.conn
	ok := c != nil && m.smID != ""
	m.mu.Unlock()
	if ok {
		c.Abort()
	}
	return ok
}
