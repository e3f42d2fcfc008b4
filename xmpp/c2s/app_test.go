package c2s_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"longwire/xmpp/markup"
	"longwire/xmpp/sasl"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// app is a client that follows XEP-0198 to the letter: after <resumed/> it sends again what lies beyond h, after <failed/> too,
// and it tells its own h in <resume/>.
type app struct {
	*storm
	user    string
	rnd     *rand.Rand
	plain   bool // no stream management, no cuts
	forgets bool

	prev    string   // the stream to resume
	in      uint32   // stanzas handled on it
	out     []letter // to be sent, or unconfirmed
	sent    int      // of out, how many were sent on this stream
	acked   uint32   // how many before out[0] were confirmed on this stream
	written int
	fresh   []string // ids that came on this stream
	old     []net.Conn
}

type letter struct{ id, xml string }

var errCut = errors.New("connection cut")

// run lives until the storm is over.
func (a *app) run() {
	defer func() {
		for _, nc := range a.old {
			nc.Close()
		}
	}()
	for {
		select {
		case <-a.quit:
			return
		default:
		}
		a.live()
		if a.plain && !a.over() {
			time.Sleep(5 * time.Millisecond) // it was a crash
		}
		if a.forgets && a.rnd.IntN(2) == 0 {
			a.forgot(a.fresh)
			a.prev, a.fresh = "", nil
		}
	}
}

func (a *app) over() bool {
	select {
	case <-a.quit:
		return true
	default:
		return false
	}
}

// live is one connection.
func (a *app) live() {
	nc, err := net.Dial("tcp", a.where())
	if err != nil {
		time.Sleep(5 * time.Millisecond)
		return
	}
	k := &knife{Conn: nc, calm: &a.calm}
	if !a.plain {
		k.left.Store(int64(200 + a.rnd.ExpFloat64()*6000))
	} else {
		k.left.Store(1 << 60)
	}
	l := &line{nc: k, r: stream.NewReader(k, stream.Options{NS: stream.NSClient, MaxBytes: 1 << 20})}
	err = a.talk(l)
	if err != nil && !errors.Is(err, errCut) && !a.over() {
		a.fault("%s: %v", a.user, err)
	}
	if a.rnd.IntN(3) == 0 && len(a.old) < 50 {
		a.old = append(a.old, nc) // the node does not notice that the client is gone
		return
	}
	if tcp, ok := nc.(*net.TCPConn); ok && a.rnd.IntN(2) == 0 {
		tcp.SetLinger(0)
	}
	nc.Close()
}

// talk logs in and exchanges stanzas until the connection breaks.
func (a *app) talk(l *line) error {
	l.put(header + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + sasl.Encode([]byte("\x00"+a.user+"\x00secret")) + "</auth>")
	if _, err := l.await("success"); err != nil {
		return err
	}
	l.r.Restart(nil)
	l.put(header)
	if _, err := l.await("features"); err != nil {
		return err
	}
	if err := a.establish(l); err != nil {
		return err
	}
	events := make(chan stream.Event)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(events)
		for {
			ev, err := l.r.Next()
			if err != nil {
				return
			}
			select {
			case events <- ev:
			case <-stop:
				return
			}
		}
	}()
	defer l.nc.SetReadDeadline(time.Now()) // ends the reader, and leaves the connection open
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case ev, ok := <-events:
			if !ok {
				return errCut
			}
			if err := a.handle(l, ev); err != nil {
				return err
			}
		case <-tick.C:
			a.write(l)
		case <-a.quit:
			return nil
		}
	}
}

// establish resumes, or binds anew and sends again what the node does not have.
func (a *app) establish(l *line) error {
	if a.prev != "" {
		l.put("<resume xmlns='urn:xmpp:sm:3' previd='" + a.prev + "' h='" + utoa(a.in) + "'/>")
		e, err := l.await("resumed", "failed")
		if err != nil {
			return err
		}
		if !e.HasAttr("h") {
			return fmt.Errorf("resumption of %s was refused without a count", a.prev)
		}
		if err := a.confirm(e.Attr("h")); err != nil {
			return fmt.Errorf("%s of %s: %w", e.Name.Local, a.prev, err)
		}
		if e.Name.Local == "resumed" {
			for _, x := range a.out[:a.sent] {
				l.put(x.xml)
			}
			return nil
		}
		a.prev = ""
	}
	a.sent, a.acked, a.in, a.fresh = 0, 0, 0, nil
	a.out = slices.DeleteFunc(a.out, func(x letter) bool { return x.id == "" })
	l.put("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>app</resource></bind></iq>")
	if err := l.bound(); err != nil {
		return err
	}
	if a.plain {
		l.put("<presence/>")
		return nil
	}
	l.put("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	e, err := l.await("enabled")
	if err != nil {
		return err
	}
	a.prev = e.Attr("id")
	a.out = append([]letter{{xml: "<presence/>"}}, a.out...)
	a.flush(l)
	return nil
}

// confirm drops what the node has.
func (a *app) confirm(h string) error {
	n, err := strconv.ParseUint(h, 10, 32)
	count := int(uint32(n) - a.acked)
	if err != nil || count > a.sent {
		return fmt.Errorf("node confirmed %s, but only %d+%d were sent", h, a.acked, a.sent)
	}
	a.out, a.sent, a.acked = a.out[count:], a.sent-count, uint32(n)
	return nil
}

func (a *app) flush(l *line) {
	if a.plain {
		for _, x := range a.out {
			l.put(x.xml)
		}
		a.out = nil
		return
	}
	for a.sent < len(a.out) {
		l.put(a.out[a.sent].xml)
		a.sent++
	}
}

// write sends a few letters to others.
func (a *app) write(l *line) {
	if !a.forgets {
		for range a.rnd.IntN(4) {
			if a.written == a.letters {
				break
			}
			others := slices.Concat(managedApps, plainApps, []string{forgetful})
			to := others[a.rnd.IntN(len(others))]
			if to == a.user {
				continue
			}
			a.written++
			id := fmt.Sprintf("%s %s %d", a.user, to, a.written)
			a.wrote(id)
			a.out = append(a.out, letter{id, "<message to='" + to + "@field.net' type='chat' id='" + id + "'><body>" +
				strings.Repeat("x", a.rnd.IntN(100)) + "</body></message>"})
		}
	}
	a.flush(l)
	if !a.plain && len(a.out) > 0 && a.rnd.IntN(3) == 0 {
		l.put("<r xmlns='urn:xmpp:sm:3'/>")
	}
}

func (a *app) handle(l *line, ev stream.Event) error {
	switch ev.Kind {
	case stream.Stanza:
		a.in++
		st := ev.Stanza
		if st.Kind == stanza.Message {
			if st.IsError() {
				return fmt.Errorf("%q was refused: %s", st.ID, st.Inner)
			}
			a.fresh = append(a.fresh, st.ID)
			a.arrived(a.user, st.ID)
		}
	case stream.Nonza:
		switch ev.Nonza.Name.Local {
		case "r":
			l.put("<a xmlns='urn:xmpp:sm:3' h='" + utoa(a.in) + "'/>")
		case "a":
			return a.confirm(ev.Nonza.Attr("h"))
		default:
			return a.streamError(ev.Nonza)
		}
	case stream.Close:
		return errCut
	}
	return nil
}

func (a *app) streamError(e *markup.Element) error {
	se, ok := stream.ParseError(e)
	if ok && (se.Condition == "conflict" || se.Condition == "system-shutdown") {
		return errCut
	}
	return fmt.Errorf("node sent %s", e.Raw)
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// line is a connection with a stream on it.
type line struct {
	nc net.Conn
	r  *stream.Reader
}

func (l *line) put(s string) { io.WriteString(l.nc, s) } // a failure shows when it is read

// await reads up to a nonza with one of these names.
func (l *line) await(names ...string) (*markup.Element, error) {
	for {
		ev, err := l.r.Next()
		switch {
		case err != nil || ev.Kind == stream.Close:
			return nil, errCut
		case ev.Kind != stream.Nonza:
		case slices.Contains(names, ev.Nonza.Name.Local):
			return ev.Nonza, nil
		default:
			if se, ok := stream.ParseError(ev.Nonza); ok && se.Condition != "conflict" && se.Condition != "system-shutdown" {
				return nil, se
			} else if ok {
				return nil, errCut
			}
		}
	}
}

func (l *line) bound() error {
	for {
		ev, err := l.r.Next()
		if err != nil || ev.Kind == stream.Close {
			return errCut
		}
		if ev.Kind == stream.Stanza && ev.Stanza.ID == "b" {
			return nil
		}
	}
}

// knife cuts a connection after a number of bytes, in whatever they are part of.
type knife struct {
	net.Conn
	calm *atomic.Bool
	left atomic.Int64
}

func (k *knife) allow(n int) int {
	left := k.left.Add(-int64(n))
	if left >= 0 || k.calm.Load() {
		return n
	}
	k.Conn.SetReadDeadline(time.Unix(1, 0)) // whoever reads now learns of it
	return max(0, n+int(left))
}

func (k *knife) Write(b []byte) (int, error) {
	n := k.allow(len(b))
	if n > 0 {
		if m, err := k.Conn.Write(b[:n]); err != nil {
			return m, err
		}
	}
	if n < len(b) {
		return n, errCut
	}
	return n, nil
}

func (k *knife) Read(b []byte) (int, error) {
	n, err := k.Conn.Read(b)
	m := k.allow(n)
	if m < n {
		return m, errCut
	}
	return n, err
}
