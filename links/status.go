package links

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"longwire/store"
	"longwire/xmpp/stream"
)

// State is what a link is doing.
type State string

// States of a link.
const (
	Down       State = "down"
	Dialling   State = "dialling"
	Up         State = "up"
	Listening  State = "listening"   // the peer opens
	Waiting    State = "waiting"     // closed on purpose, opened when there is something to carry
	BackingOff State = "backing off" // until Until
)

// Status is the state of a link to a peer, for people.
type Status struct {
	Link, Peer string
	State      State
	Since      time.Time
	Until      time.Time     // of BackingOff
	RTT        time.Duration // smoothed, from Request to Ack; 0: not measured
	Remote     string        // address of the newest contact
	Fault      string        // why it is not up, in words
	Heard      bool          // the peer was heard in a present contact
}

// Status is the present state.
func (p *Pump) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status
	s.Link, s.Peer = p.c.Link, p.c.Peer
	s.Heard = slices.ContainsFunc(p.contacts, func(k *contact) bool { return k.spoken.Load() })
	return s
}

// set changes the state of a link without contact.
func (p *Pump) set(state State, err error) {
	p.mu.Lock()
	if len(p.contacts) > 0 || p.status.State == state {
		p.mu.Unlock()
		return
	}
	fault := p.status.Fault
	if err != nil {
		fault = reason(err)
	}
	p.status = Status{State: state, Since: time.Now(), RTT: p.srtt, Fault: fault}
	p.mu.Unlock()
	p.tell()
}

func (p *Pump) backOff(err error, until time.Time) {
	p.mu.Lock()
	if len(p.contacts) == 0 {
		p.status = Status{State: BackingOff, Since: time.Now(), Until: until, RTT: p.srtt, Fault: reason(err)}
	}
	p.mu.Unlock()
	p.tell()
}

var errQuiet = errors.New("links: nothing may be sent")

var errYielded = errors.New("links: another link of the peer takes over")

var errRenumbered = errors.New("links: numbering begun anew on another contact")

// replacedError tells the older contact that there is a newer one. RFC 6120 §4.9.3.3.
func replacedError() error {
	return &stream.Error{Condition: "conflict", Text: "replaced by a new connection"}
}

// reason is an error in words for people, of which there are few, so that they can be counted.
func reason(err error) string {
	var remote *RemoteError
	var ours *stream.Error
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errBye):
		return "closed by the peer"
	case errors.Is(err, errIdle):
		return "closed, nothing to carry"
	case errors.Is(err, errStopped):
		return "closed here"
	case errors.Is(err, errYielded):
		return "closed here, as another link takes over"
	case errors.Is(err, errSilent), errors.Is(err, syscall.ETIMEDOUT):
		return "the peer does not answer"
	case errors.As(err, &remote):
		return "the peer refused: " + words(remote.Condition, remote.Text)
	case errors.As(err, &ours):
		return "refused here: " + words(ours.Condition, ours.Text)
	case errors.Is(err, store.ErrFull):
		return "no space left on the device here"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the peer"
	case errors.As(err, &dns):
		return "the name " + dns.Name + " is not known"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "the peer does not answer"
	}
	return strings.TrimPrefix(strings.TrimPrefix(fmt.Sprint(err), "links: "), "custody: ")
}

func words(condition, text string) string {
	if text == "" {
		return condition
	}
	return condition + " (" + text + ")"
}
