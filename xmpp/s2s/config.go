package s2s

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
)

// Config is what the operator says about one peer. Zero fields mean the default.
type Config struct {
	Name         string   // names the queue in the store; a renamed peer is another peer
	Domains      []string // the peer's: only these may stand in from
	LocalDomains []string // ours that this peer may talk to; none: all

	// Pubsub lets questions to publish-subscribe services cross, whose answers may be large and are rarely worth their air. Without, what our
	// users ask of the peer's is answered here. Events are a matter of folding.
	Pubsub bool
	// Terse replaces ids by numbers, and takes off resources and what else the far side can make again (xmpp/terse). The peer must do the same.
	Terse bool

	MaxStanza int // bytes of the largest stanza for the peer; default 65 536
	Queue     store.QueueLimits
	Lifetimes Lifetimes

	// Dedup drops repeated messages of a peer whose links cannot resume without a round trip, and so may send again
	// what had arrived.
	Dedup bool
	// DedupFor is how long after a message its repeat may come; default and least 1 h. It is what a stanza may wait at the peer.
	DedupFor time.Duration
	// DedupKept keeps what is known of them over restarts, in the transaction of the message: a peer with several links may send again on the second what
	// the first has brought.
	DedupKept bool

	Precedence Precedence
	Hooks
}

// Lifetimes say how long each kind of stanza may wait for a link. Those of messages, groupchat and presence may be Forever.
type Lifetimes struct {
	Message   time.Duration // default 24 h; receipts and markers too
	Groupchat time.Duration // default 6 h; joining a room too
	IQ        time.Duration // default 10 min
	Presence  time.Duration // default 1 h
	State     time.Duration // of chat states, which never wait for a link that is down; default 60 s
}

// Forever is a lifetime that does not end.
const Forever time.Duration = -1

// rules are a Config ready for use; never changed once made.
type rules struct {
	Config
	domains map[string]bool
	locals  map[string]bool // nil: all
	urgency []urgencyRule
}

func (c Config) rules() (*rules, error) {
	var faults []error
	if c.Name == "" {
		faults = append(faults, errors.New("s2s: a peer needs a name"))
	}
	if len(c.Domains) == 0 {
		faults = append(faults, fmt.Errorf("s2s: peer %q has no domain", c.Name))
	}
	r := &rules{Config: c, domains: make(map[string]bool)}
	r.Domains = nil
	for _, d := range c.Domains {
		n, err := domain(d)
		if err != nil {
			faults = append(faults, fmt.Errorf("s2s: peer %q: %w", c.Name, err))
			continue
		}
		if !r.domains[n] {
			r.domains[n] = true
			r.Domains = append(r.Domains, n)
		}
	}
	for _, d := range c.LocalDomains {
		n, err := domain(d)
		if err != nil {
			faults = append(faults, fmt.Errorf("s2s: peer %q: local domain: %w", c.Name, err))
			continue
		}
		if r.locals == nil {
			r.locals = make(map[string]bool)
		}
		r.locals[n] = true
	}
	var err error
	if r.urgency, err = c.Precedence.compile(); err != nil {
		faults = append(faults, fmt.Errorf("s2s: peer %q: %w", c.Name, err))
	}
	if r.MaxStanza == 0 {
		r.MaxStanza = 65536
	}
	// RFC 6120 §13.12: no limit below 10 000 bytes.
	if r.MaxStanza < 10000 {
		faults = append(faults, fmt.Errorf("s2s: peer %q: largest stanza is %d bytes, must be 10000 or more", c.Name, c.MaxStanza))
	}
	l := &r.Lifetimes
	for _, d := range []struct {
		of    *time.Duration
		name  string
		usual time.Duration
	}{
		{&l.Message, "message", 24 * time.Hour},
		{&l.Groupchat, "groupchat", 6 * time.Hour},
		{&l.IQ, "iq", 10 * time.Minute},
		{&l.Presence, "presence", time.Hour},
		{&l.State, "chat state", time.Minute},
	} {
		if *d.of == 0 {
			*d.of = d.usual
		}
		if *d.of < 0 && (*d.of != Forever || d.of == &l.IQ || d.of == &l.State) {
			faults = append(faults, fmt.Errorf("s2s: peer %q: %s lifetime is negative", c.Name, d.name))
		}
	}
	return r, errors.Join(faults...)
}

// domain normalises a domain name.
func domain(s string) (string, error) {
	j, err := jid.Parse(s)
	if err != nil {
		return "", err
	}
	if j.Local() != "" || j.Resource() != "" {
		return "", fmt.Errorf("%q is not a domain", s)
	}
	return j.Domain(), nil
}
