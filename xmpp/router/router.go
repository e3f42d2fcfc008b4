// Package router brings a stanza to whoever answers for its domain.
package router

import (
	"errors"
	"fmt"
	"sync"

	"longwire/store"
	"longwire/xmpp/stanza"
)

// ErrNeedTx is returned by a Sink that met work it may only do in a store transaction, on a Turn that has none.
// Nothing has happened yet: the caller runs the stanza again on a Turn with a transaction.
var ErrNeedTx = errors.New("router: the stanza needs a transaction")

// A Turn is one stanza's way through the node, and what it causes. Durable effects go into Tx at once; whatever the
// world can see (a stanza in a session's outbox, a wake-up of a link) waits in After until Tx is committed, and is
// forgotten when it is not.
//
// Tx is nil on the quick way, which never touches the flash: there the whole Turn must need no durable effect.
// A Turn is used by one goroutine.
type Turn struct {
	Tx *store.Tx
	// Verdict marks a Turn that carries the node's own error for a message it had accepted earlier: it is kept until
	// the sender's client has it.
	Verdict bool
	// Incoming marks a Turn that began with a peer's stanza: it may use the room that is kept for such.
	Incoming bool
	after    []func()
}

// NeedTx returns ErrNeedTx on the quick way, nil within a transaction.
func (t *Turn) NeedTx() error {
	if t.Tx == nil {
		return ErrNeedTx
	}
	return nil
}

// After runs f once the Turn is committed, in the order of the calls.
func (t *Turn) After(f func()) { t.after = append(t.after, f) }

// Reset forgets what was planned, so that the Turn can be tried again with another transaction.
func (t *Turn) Reset(tx *store.Tx) { t.Tx = tx; clear(t.after); t.after = t.after[:0] }

// Done runs what waits in After. Whoever made the Turn calls it once, after the commit.
func (t *Turn) Done() {
	for i := 0; i < len(t.after); i++ {
		t.after[i]()
	}
	clear(t.after)
	t.after = t.after[:0]
}

// A Sink takes custody of stanzas for a domain. Accept never waits for a far end. It returns nil when losing the
// stanza from here on would be the Sink's fault; a *stanza.Err refuses it, and the router bounces it to its sender;
// ErrNeedTx asks for a transaction; any other error fails the whole Turn. Accept is called concurrently.
type Sink interface {
	Accept(t *Turn, s *stanza.Stanza) error
}

// Router maps domains to Sinks. The zero value is ready; its mutex guards the map.
type Router struct {
	mu    sync.RWMutex
	sinks map[string]Sink
}

// Bind makes s answer for a domain until unbind is called. A second Sink for the same domain is an error.
func (r *Router) Bind(domain string, s Sink) (unbind func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sinks == nil {
		r.sinks = make(map[string]Sink)
	}
	if _, ok := r.sinks[domain]; ok {
		return nil, fmt.Errorf("router: domain %s is bound already", domain)
	}
	r.sinks[domain] = s
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.sinks[domain] == s {
			delete(r.sinks, domain)
		}
	}, nil
}

// Sink returns who answers for a domain, nil if nobody does.
func (r *Router) Sink(domain string) Sink {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sinks[domain]
}

// Route hands the stanza to the Sink of its to-domain. A refusal is turned into an error stanza and routed back;
// so the only errors returned are ErrNeedTx and failures of the Turn itself.
func (r *Router) Route(t *Turn, s *stanza.Stanza) error {
	err := r.offer(t, s)
	if err == nil {
		return nil
	}
	return r.bounce(t, s, err)
}

// bounce sends a refusal back; any other error it returns as it is.
func (r *Router) bounce(t *Turn, s *stanza.Stanza, err error) error {
	var refusal *stanza.Err
	if !errors.As(err, &refusal) {
		return err
	}
	back := s.ErrorReply(refusal)
	if back == nil || back.To.IsZero() {
		return nil
	}
	// The sender's own Sink refusing the bounce ends it: an error is never answered (RFC 6120 §8.3.1).
	if err := r.offer(t, back); !errors.As(err, &refusal) {
		return err
	}
	return nil
}

func (r *Router) offer(t *Turn, s *stanza.Stanza) error {
	sink := r.Sink(s.To.Domain())
	if sink == nil {
		// RFC 6120 §10.4: no peer, no S2S, not ours.
		return stanza.Fail(stanza.RemoteServerNotFound, "")
	}
	return sink.Accept(t, s)
}
