package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
	"longwire/firmware/supervise"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// Config is the configuration in force.
func (n *Node) Config() *config.Config {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cfg
}

// Store is the open store.
func (n *Node) Store() *store.DB { return n.db }

// Live tells what only the running program knows.
func (n *Node) Live() admin.Live {
	l := admin.Live{
		Version: n.o.Version, Started: n.started, Sessions: make(map[string]int), Links: n.linkStates(), Folded: n.folding.counts(), HeadquartersTime: n.clock.now(),
		Fingerprint: strings.ToLower(strings.ReplaceAll(n.identity().Current().Fingerprint(), ":", "")),
	}
	if w := n.record.writing(); w != nil {
		l.RecordFault = w.State().Fault
	}
	for _, r := range n.host.All() {
		l.Sessions[r.JID().Bare().String()]++
	}
	n.mu.Lock()
	for d, o := range n.doors {
		l.Listeners = append(l.Listeners, strings.TrimSuffix(d.String(), d.addr)+o.ln.Addr().String())
	}
	n.mu.Unlock()
	return l
}

// Reloading tells systemd that a reload begins.
func (n *Node) Reloading() (done func()) {
	n.o.Notify.Reloading()
	return func() { n.o.Notify.Ready(n.summary()) }
}

// RemoveAccount ends an account's subscriptions and streams and deletes it.
func (n *Node) RemoveAccount(account jid.JID) error {
	err := n.turn(func(t *router.Turn) error {
		if ok, err := t.Tx.AccountExists(account.String()); err != nil {
			return err
		} else if !ok {
			return store.ErrNotFound
		}
		if err := n.leaving(t, account); err != nil {
			return err
		}
		return t.Tx.DeleteAccount(account.String())
	})
	if err != nil {
		return err
	}
	n.EndSessions(account, "the account was removed")
	return nil
}

// EndSessions closes the client streams of an account.
func (n *Node) EndSessions(account jid.JID, text string) {
	for _, r := range n.host.Resources(account) {
		r.End("not-authorized", text)
	}
}

// Cancel takes entries out of a peer's queue and tells their senders.
func (n *Node) Cancel(peer string, ids []uint64) ([]store.Entry, error) {
	p := n.peers.Peer(peer)
	if p == nil {
		return nil, fmt.Errorf("node: no peer %q", peer)
	}
	return p.Cancel(ids...)
}

// control is the task of the control socket.
func (n *Node) control(path string) supervise.Task {
	return supervise.Task{Name: "control", Vital: true, Stage: 3, Run: func(ctx context.Context, ready func()) error {
		s, err := ctl.Listen(path, admin.Running(n), n.log)
		if err != nil {
			return err
		}
		ready()
		return s.Run(ctx)
	}}
}

// probeEvery is how often a store that failed is tried again.
const probeEvery = 10 * time.Second

// renewEvery is how often the node looks whether its certificate nears its end.
const renewEvery = 24 * time.Hour

// renew keeps the certificate fresh on a node that runs for years.
func (n *Node) renew(ctx context.Context, ready func()) error {
	ready()
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n.reload.Lock()
		cfg := n.Config()
		if err := n.identity().Reload(cfg.Domains, time.Now()); err != nil {
			n.log.Error("certificate not renewed; the old one goes on", "err", err)
		}
		n.clients.Configure(n.clientConfig(cfg))
		n.reload.Unlock()
	}
}

// watchStore finds out when a store that was full or read-only is healed, as nothing else may try.
func (n *Node) watchStore(ctx context.Context, ready func()) error {
	ready()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if h := n.db.Health(); h.Err != nil {
			n.o.Notify.Status("degraded: " + h.Err.Error())
			if n.db.Probe() == nil {
				n.o.Notify.Status(n.summary())
			}
		}
		if n.undeclared.Load() && n.db.Health().Err == nil {
			n.declareLate()
		}
	}
}

// healthy is what the watchdog asks: the committer answers. A full disk is no reason to restart; a stuck one is.
func (n *Node) healthy() error {
	done := make(chan error, 1)
	n.db.Submit(nil, func(err error) { done <- err })
	select {
	case <-done:
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("node: the store has not answered for 20 s")
	}
}

// announce tells that the node is up.
func (n *Node) announce() {
	live := n.Live()
	n.log.Info("ready", "domains", n.Config().Domains, "listeners", live.Listeners,
		"certificate_sha256", n.identity().Current().Fingerprint(), "ca_sha256", n.identity().Current().CAFingerprint())
	for _, w := range n.identity().Current().Warnings {
		n.log.Warn("certificate", "warning", w)
	}
	n.o.Notify.Ready(n.summary())
}

func (n *Node) summary() string {
	return "serving " + strings.Join(n.Config().Domains, ", ")
}
