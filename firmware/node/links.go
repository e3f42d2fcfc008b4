package node

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"longwire/firmware/config"
	"longwire/firmware/identity"
	"longwire/links"
	"longwire/links/ip"
	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// inbound takes a stanza that a link received: what it causes and the mark that it came are one transaction. done runs
// after the commit, in the order of the calls.
func (n *Node) inbound(peer string, s *stanza.Stanza, mark func(*store.Tx) error, done func(error)) {
	t := new(router.Turn)
	var violation *s2s.Violation
	n.db.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		violation = nil
		if err := mark(tx); err != nil {
			return err
		}
		p := n.peers.Peer(peer)
		if p == nil {
			return nil // the peer left the configuration a moment ago
		}
		if err := p.Deliver(t, s); !errors.As(err, &violation) {
			return err
		}
		return nil
	}, func(err error) {
		if err == nil {
			t.Done()
		}
		if err == nil && violation != nil {
			n.log.Warn("stanza from a peer dropped", "peer", peer, "err", violation)
			err = &links.Violation{Condition: violation.Condition}
		}
		done(err)
	})
}

// ipConfigs translates [[link]] of type ip. A link that no peer uses stays closed.
func (n *Node) ipConfigs(cfg *config.Config) (out []ip.Config, err error) {
	for l, p := range reached(cfg, config.LinkIP) {
		c, err := n.ipConfig(cfg, l, p)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// reached are the links of a type with each peer that they reach.
func reached(cfg *config.Config, kind string) iter.Seq2[*config.Link, *config.Peer] {
	return func(yield func(*config.Link, *config.Peer) bool) {
		for i := range cfg.Links {
			l := &cfg.Links[i]
			for j := range cfg.Peers {
				if p := &cfg.Peers[j]; l.Type == kind && slices.Contains(p.Links, l.Name) && !yield(l, p) {
					return
				}
			}
		}
	}
}

// locals are our domains that a peer may talk to.
func locals(cfg *config.Config, p *config.Peer) []string {
	if len(p.LocalDomains) > 0 {
		return p.LocalDomains
	}
	return cfg.OurDomains()
}

func (n *Node) ipConfig(cfg *config.Config, l *config.Link, p *config.Peer) (ip.Config, error) {
	c := ip.Config{
		Name: l.Name, Peer: p.Name,
		RemoteAddr: l.RemoteAddress, RemotePort: l.RemotePort, LocalAddr: l.LocalAddress, LocalPort: l.LocalPort,
		Dial: l.Dial, Listen: l.Listen, SourcePort: l.SourcePort, SourceAny: l.RemoteAddress == "",
		Compress: l.Compress, StreamManagement: l.StreamManagement, ZeroRTT: l.ZeroRTT,
		MaxStanza: int(l.MaxStanza), AckEvery: l.AckEvery, AckIdle: l.AckIdle, AckTimeout: l.AckTimeout,
		ResumeMax: l.ResumeMax, IdleClose: l.IdleClose, BackoffMin: l.BackoffMin, BackoffMax: l.BackoffMax, Rate: l.Rate,
		Domains: p.Domains, LocalDomains: locals(cfg, p),
	}
	var err error
	if c.Methods, err = n.methods.of(cfg, l, p); err != nil {
		return c, fmt.Errorf("node: link %q: %w", l.Name, err)
	}
	if l.TLS != config.TLSDirect {
		return c, nil
	}
	who := identity.Peer{Names: p.Domains}
	for _, text := range l.PinSHA256 {
		pin, err := identity.ParsePin(text)
		if err != nil {
			return c, fmt.Errorf("node: link %q: %w", l.Name, err)
		}
		who.Pins = append(who.Pins, pin)
	}
	if c.TLS, err = n.identity().PeerConfig(who); err != nil {
		return c, fmt.Errorf("node: link %q: %w", l.Name, err)
	}
	// The same pins and the same certificate of ours make the same TLS: such a link is not disturbed by a reload.
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(l.PinSHA256)), " ") + " " + n.identity().Current().Fingerprint()))
	c.TLSName = hex.EncodeToString(sum[:])
	return c, nil
}

// Watch calls f for every step on the links until stop is called. f must be brief.
func (n *Node) Watch(f func(links.Event)) (stop func()) {
	n.watch.Lock()
	defer n.watch.Unlock()
	if n.watchers == nil {
		n.watchers = make(map[int]func(links.Event))
	}
	n.watched++
	id := n.watched
	n.watchers[id] = f
	return func() {
		n.watch.Lock()
		defer n.watch.Unlock()
		delete(n.watchers, id)
	}
}

func (n *Node) trace(e links.Event) {
	n.contacts.note(e)
	n.record.event(e)
	n.folding.told(e)
	if e.Kind == links.EventUp || e.Kind == links.EventDown {
		n.proxy.Changed()
	}
	n.follow(e)
	n.watch.Lock()
	defer n.watch.Unlock()
	for _, f := range n.watchers {
		f(e)
	}
}
